"""Another attempt at a scoring job goes on where the one before it ended, and makes the same bytes."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from servers import eventually
from small_models import python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.runtime import resuming
from mlc.runtime.channel.messages import ToldTally
from mlc.runtime.harness.tally import Tally
from mlc.runtime.progress import Progress
from mlc.runtime.resuming import Saved
from mlc.settings import FileSettings

Run = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("models_write_outside")
RECORDS = 4000


def slow(calls: Path, pause: float = 0.001) -> wire.DeployableModel:
    return python_model(f"""
        import time
        calls = open({str(calls)!r}, "a", buffering=1)
        # modelop.score
        def s(r):
            calls.write(str(r["a"]) + "\\n")
            time.sleep({pause})
            if r["a"] == 7: raise ValueError("seven")
            yield {{"a": r["a"], "b": "x" * 50}}
        """)


def external(path: Path) -> wire.Asset:
    return wire.Asset(name=path.name, filename=path.name, asset_type="EXTERNAL_FILE", file_url=path.as_uri())


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "PART", 10_000)


async def begun(
    run: Run, model: wire.DeployableModel, files: list[wire.Asset], settings: FileSettings, **more: Any
) -> Saved:
    """What an attempt told that was lost in the middle."""
    told: list[dict[str, Any] | None] = []
    enough = asyncio.Event()

    def save(saved: dict[str, Any] | None) -> None:
        told.append(saved)
        if saved and saved["records"] > 500:
            enough.set()

    running = asyncio.create_task(
        run(JobKind.SCORING, model, files[0], outputs=[files[1]], files=settings, save=save, **more)
    )
    waiting = asyncio.create_task(enough.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)  # noqa: TID251 - no workflow
    assert not running.done(), running.result().messages
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    saved = Saved.told(json.loads(json.dumps(told[-1])))
    assert saved
    return saved


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("processes", [1, 2])
async def test_the_next_attempt_scores_what_is_left_and_makes_the_same_bytes(
    run: Run, tmp_path: Path, form: str, processes: int
) -> None:
    source, target, calls = tmp_path / "in.csv", tmp_path / f"out.{form}", tmp_path / "calls"
    source.write_text("a\n" + "".join(f"{n}\n" for n in range(RECORDS)))
    settings, model = FileSettings(root=tmp_path), slow(calls)
    files = [external(source), external(target)]
    saved = await begun(run, model, files, settings, processes=processes)
    assert not target.exists()
    assert not calls.read_text().endswith(f"{RECORDS - 1}\n")
    calls.write_text("")
    told: list[Any] = []
    ran = await run(
        JobKind.SCORING, model, files[0], outputs=[files[1]], files=settings, earlier=saved, save=told.append
    )
    assert ran.problem is None, ran.messages
    assert f"{saved.records:,} records were scored by an earlier attempt: the job goes on behind them." in ran.messages
    again = [int(line) for line in calls.read_text().split()]
    assert again == list(range(saved.records, RECORDS))
    assert (ran.records.read, ran.records.written, ran.records.bad) == (RECORDS, RECORDS - 1, 1)
    resumed, hashes = target.read_bytes(), ran.runtime_info["sha256"]
    target.unlink()
    whole = await run(JobKind.SCORING, slow(calls, 0), files[0], outputs=[files[1]], files=settings)
    assert (target.read_bytes(), whole.runtime_info["sha256"]["outputs"]) == (resumed, hashes["outputs"])
    assert whole.records == ran.records
    assert not list(tmp_path.glob(".*.partial"))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("form", ["json", "parquet"])
async def test_of_an_input_that_can_not_be_cut_what_comes_before_is_read_and_not_scored(
    run: Run, tmp_path: Path, form: str, processes: int
) -> None:
    source, target, calls = tmp_path / f"in.{form}", tmp_path / "out.jsonl", tmp_path / "calls"
    if form == "json":
        source.write_text(json.dumps([{"a": n} for n in range(RECORDS)], indent=1))
    else:
        pd.DataFrame({"a": range(RECORDS)}).to_parquet(source)
    settings, files = FileSettings(root=tmp_path), [external(source), external(target)]
    saved = await begun(run, slow(calls), files, settings, processes=processes)
    calls.write_text("")
    ran = await run(JobKind.SCORING, slow(calls, 0), files[0], outputs=[files[1]], files=settings)
    whole, counts = target.read_bytes(), ran.records
    target.unlink()
    calls.write_text("")
    ran = await run(
        JobKind.SCORING, slow(calls), files[0], outputs=[files[1]], files=settings, earlier=saved, processes=processes
    )
    assert ran.problem is None, ran.messages
    assert f"{saved.records:,} records were scored by an earlier attempt: the job goes on behind them." in ran.messages
    assert sorted(int(line) for line in calls.read_text().split()) == list(range(saved.records, RECORDS))
    assert (target.read_bytes(), ran.records) == (whole, counts)


@pytest.mark.usefixtures("small_parts")
async def test_a_table_that_was_lost_in_the_middle_is_made_again_with_the_same_bytes(run: Run, tmp_path: Path) -> None:
    source, target, calls = tmp_path / "in.csv", tmp_path / "out.parquet", tmp_path / "calls"
    source.write_text("a\n" + "".join(f"{n}\n" for n in range(RECORDS)))
    settings, model = FileSettings(root=tmp_path), slow(calls)
    files = [external(source), external(target)]
    told: list[Any] = []
    running = asyncio.create_task(
        run(JobKind.SCORING, model, files[0], outputs=[files[1]], files=settings, save=told.append)
    )

    async def in_the_middle() -> bool:
        return running.done() or (calls.exists() and len(calls.read_text().split()) > RECORDS // 4)

    await eventually(in_the_middle)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert set(told) == {None}
    assert not target.exists()
    calls.write_text("")
    ran = await run(JobKind.SCORING, slow(calls, 0), files[0], outputs=[files[1]], files=settings, processes=2)
    assert ran.problem is None, ran.messages
    assert len(calls.read_text().split()) == RECORDS
    again = target.read_bytes()
    target.unlink()
    await run(JobKind.SCORING, slow(calls, 0), files[0], outputs=[files[1]], files=settings)
    assert target.read_bytes() == again


@pytest.mark.usefixtures("small_parts")
async def test_what_changed_or_is_gone_is_scored_from_the_first_record(run: Run, tmp_path: Path) -> None:
    source, target, calls = tmp_path / "in.csv", tmp_path / "out.jsonl", tmp_path / "calls"
    source.write_text("a\n" + "".join(f"{n}\n" for n in range(RECORDS)))
    settings, files = FileSettings(root=tmp_path), [external(source), external(target)]
    saved = await begun(run, slow(calls), files, settings)
    quick = slow(calls, 0)
    ran = await run(JobKind.SCORING, quick, files[0], outputs=[files[1]], files=settings, earlier=saved)
    assert any("Its model, inputs or libraries were others" in message for message in ran.messages)
    assert ran.records.written == RECORDS - 1
    assert not list(tmp_path.glob(".*.partial"))
    saved = await begun(run, slow(calls), files, settings)
    next(tmp_path.glob(".*.partial")).unlink()
    calls.write_text("")
    ran = await run(JobKind.SCORING, slow(calls), files[0], outputs=[files[1]], files=settings, earlier=saved)
    assert any("What it wrote is not there any more" in message for message in ran.messages)
    assert len(calls.read_text().split()) == RECORDS
    assert Saved.told({"identity": 1}) is None
    assert Saved.told("nonsense") is None


def test_progress_tells_the_rate_of_now_and_the_time_left_ever_less_often() -> None:
    now = [0.0]
    progress = Progress(lambda: now[0])
    assert progress.details(None) == {}
    progress.expect(100_000)
    due = []
    for second in range(1000):
        now[0] = float(second)
        progress.set(second * (10 if second < 500 else 100))
        if progress.is_due():
            due.append(second)
    assert due == [5, 10, 20, 40, 80, 160, 320, 640]
    assert progress.details(99_900) == {"of": 100_000, "per_second": 100, "seconds_left": 1}
    assert progress.said(41_000) == "41,000 of 100,000 records scored, 100 a second, about 10 min left"


def test_what_is_noted_of_the_answers_comes_along_also_from_a_runtime_that_told_less() -> None:
    tally = Tally(read=50, written=50)
    for places in (tally.nulled, tally.nulled.rounded, tally.emptied):
        for number in range(30):
            places.append(f"record {number}.x")
    told = tally.saved()
    ToldTally.model_validate(told)
    again = Tally.restored(json.loads(json.dumps(told)))
    assert again.notes() == tally.notes()
    assert len(again.notes()) == 3
    assert all(note.endswith(" and 10 more") for note in again.notes())
    older = Tally.restored({name: value for name, value in told.items() if name not in {"rounded", "emptied"}})
    assert len(older.notes()) == 1


def test_neither_what_came_before_the_first_record_nor_an_earlier_attempt_counts_into_the_rate() -> None:
    now = [0.0]
    for begun in (0, 9_000_000):
        progress = Progress(lambda: now[0])
        progress.set(0)
        now[0] += 20  # the model is laid out, and loaded
        progress.expect(10_000_000)
        progress.set(begun + 10)
        assert progress.details(begun + 10) == {"of": 10_000_000}
        now[0] += 1
        progress.set(begun + 10)
        assert progress.said(begun + 10) == f"{begun + 10:,} of 10,000,000 records scored", "too early to judge by"
        for done in range(1, 4):
            now[0] += 1
            progress.set(begun + 10 + done * 2_000)
        left = (10_000_000 - begun - 6_010) / 1500
        assert progress.details(begun + 6_010) == {"of": 10_000_000, "per_second": 1500, "seconds_left": round(left)}
