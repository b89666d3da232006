"""An output that can't be written is known before the model runs, or as soon as its first part is refused."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s3_server import KEY, SECRET, S3Server
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.data.parts import FileParts, Parts
from mlc.model.failure import NotFound, Refused, Unavailable
from mlc.model.job import JobKind
from mlc.runtime import external, resuming
from mlc.settings import FileSettings

Run = Callable[..., Any]
ROWS = b"a\n7\n8\n"


@pytest.fixture(autouse=True)
def quick_second_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "PAUSES", (0.01, 0.01))


def at(url: str, name: str = "o.jsonl") -> wire.Asset:
    return wire.Asset(name=name, filename=name, asset_type="EXTERNAL_FILE", file_url=url)


def noting(ran: Path) -> wire.DeployableModel:
    return python_model(f"# modelop.score\ndef s(r):\n    open({str(ran)!r}, 'a').write('x')\n    yield r")


async def problem_of(call: Run, tmp_path: Path, url: str, files: FileSettings, kind: JobKind = JobKind.SCORING) -> str:
    """Why a job with that output failed, before its model ran."""
    outcome = await call(kind, noting(tmp_path / "ran"), embedded("in.csv", ROWS), outputs=[at(url)], files=files)
    assert not (tmp_path / "ran").exists()
    return str(outcome.problem)


async def test_a_folder_in_the_files_place_is_known_before(call: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").write_bytes(b"")
    files = FileSettings(root=tmp_path)
    for name, said in [("taken", "Is a directory"), ("file/o.jsonl", "Not a directory|File exists")]:
        problem = await problem_of(call, tmp_path, f"file://{tmp_path}/{name}", files)
        assert problem.startswith("The output o.jsonl can't be written: ")
        assert any(each in problem for each in said.split("|"))
        (tmp_path / "job").rename(tmp_path / f"job {name[:4]}")


async def test_a_file_that_can_not_be_begun_is_known_before(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(_: FileParts) -> Parts:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileParts, "begin", begin)
    problem = await problem_of(call, tmp_path, f"file://{tmp_path}/o.jsonl", FileSettings(root=tmp_path))
    assert problem == "The output o.jsonl can't be written: Permission denied."


async def test_a_bucket_that_is_not_there_and_a_store_that_is_away_are_known_before(
    call: Run, tmp_path: Path, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
    with socket.socket() as bound:  # nobody listens
        bound.bind(("127.0.0.1", 0))
        away = lake | {"endpoint": f"http://127.0.0.1:{bound.getsockname()[1]}"}
        monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": lake, "away": away}))
        for number, (url, said) in enumerate(
            [
                ("s3+lake://no-such-bucket/o.jsonl", "there is no such bucket"),
                (f"s3+away://{bucket}/o.jsonl", "can't be reached"),
            ]
        ):
            files = FileSettings(write=[url])
            assert said in await problem_of(call, tmp_path, url, files)
            (tmp_path / "job").rename(tmp_path / f"job {number}")


async def test_trying_leaves_nothing_and_replaces_nothing(
    call: Run, tmp_path: Path, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": lake}))
    store = s3_server.store().files
    store.pipe_file(f"{bucket}/o.jsonl", b"earlier")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "o.jsonl").write_bytes(b"earlier")
    failing = python_model("# modelop.score\ndef s(r): raise SystemExit('never')")
    urls = [f"s3+lake://{bucket}/o.jsonl", f"file://{tmp_path}/out/o.jsonl"]
    for number, url in enumerate(urls):
        outcome = await call(
            JobKind.SCORING,
            failing,
            embedded("in.csv", ROWS),
            outputs=[at(url)],
            files=FileSettings(root=tmp_path, write=[f"s3+lake://{bucket}"]),
            job={"stop_on_bad_records": True},
        )
        assert outcome.problem is not None
        (tmp_path / "job").rename(tmp_path / f"job {number}")
    assert store.cat_file(f"{bucket}/o.jsonl") == b"earlier"
    assert [name.rpartition("/")[2] for name in store.find(bucket)] == ["o.jsonl"]
    assert store.call_s3("list_multipart_uploads", Bucket=bucket).get("Uploads", []) == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["o.jsonl"]
    assert (tmp_path / "out" / "o.jsonl").read_bytes() == b"earlier"


@pytest.mark.usefixtures("models_write_outside")
@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (Refused("lake", "The lake refuses it.", status=403), True),
        (NotFound("lake", "The lake has no such bucket."), True),
        (Unavailable("lake", "The lake is busy."), False),
    ],
)
async def test_a_first_part_that_is_refused_ends_the_job_then(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, ends: bool
) -> None:
    monkeypatch.setattr(resuming, "PART", 1_000)
    monkeypatch.setattr(resuming, "PAUSES", ())
    put = FileParts.put

    def refused(self: FileParts, state: Parts, number: int, data: bytes | Path) -> Parts:
        if len(data if isinstance(data, bytes) else b"") > 500 and not (tmp_path / "again").exists():
            raise error
        return put(self, state, number, data)

    monkeypatch.setattr(FileParts, "put", refused)
    calls = tmp_path / "calls"
    model = python_model(f"""
        import time
        calls = open({str(calls)!r}, "a", buffering=1)
        # modelop.score
        def s(r):
            calls.write("x\\n")
            time.sleep(0.005)
            yield {{"a": r["a"], "b": "x" * 50}}
        """)
    many = 4000
    rows = "a\n" + "".join(f"{n}\n" for n in range(many))
    outcome = await run(
        JobKind.SCORING,
        model,
        embedded("in.csv", rows.encode()),
        outputs=[at(f"file://{tmp_path}/out/o.jsonl")],
        files=FileSettings(root=tmp_path),
    )
    scored = len(calls.read_text().splitlines())
    if ends:
        assert str(error) in outcome.problem
        assert scored < many
    else:
        assert outcome.problem is None
        assert scored == many
    assert [path.name for path in (tmp_path / "out").iterdir()] == ([] if ends else ["o.jsonl"])
