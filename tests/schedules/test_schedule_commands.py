"""`mlc schedule list` shows what runs and what can't; `mlc schedule run` fires one."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cli.cli_process import mlc
from mirroring import back_test, deployment, mirror
from processes.office import Office
from servers import eventually
from temporalio.worker import Worker
from typer.testing import CliRunner

from mlc import mirrored
from mlc.cli import app
from mlc.mirrored import NotFired, fire, mirrored_schedules, problems
from mlc.model.processes import TASK_QUEUE
from mlc.namespace import schedule_mirror
from mlc.settings import ProcessSettings


def settings(desk: Office, home: Path) -> dict[str, str]:
    return {
        "MLC_HOME": str(home),
        "TEMPORAL_ADDRESS": desk.client.service_client.config.target_host,
        "MLC_CENTER_URL": str(desk.model_manage.base_url),
        "MLC_CENTER_TOKEN": "center-token",
    }


async def command(desk: Office, home: Path, *arguments: str) -> str:
    """What an `mlc schedule` command says, on the test's centre and server."""
    done = await asyncio.to_thread(CliRunner().invoke, app, ["schedule", *arguments], env=settings(desk, home))
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.fixture
async def site(desk: Office) -> AsyncIterator[Office]:
    """A worker on the usual task queue, and the mirror set up as `mlc setup` does it."""
    usual, desk.task_queue = desk.task_queue, TASK_QUEUE
    await schedule_mirror(desk.client, ProcessSettings(mirror_schedules=True))
    async with Worker(desk.client, task_queue=TASK_QUEUE):
        yield desk
        await schedule_mirror(desk.client, ProcessSettings(mirror_schedules=False))
    desk.task_queue = usual


async def test_the_commands_show_and_fire_schedules(site: Office, tmp_path: Path) -> None:
    snapshot_id = await site.snapshot()
    wrong = back_test(snapshot_id, "wrong", cron="0 0 6 L * ?")
    id_ = await deployment(site, back_test(snapshot_id, timeZone="Asia/Kolkata"), wrong, snapshot_id=snapshot_id)

    fired = await command(site, tmp_path, "run", "nightly test")  # which the mirror has not yet seen
    first, second = fired.splitlines()
    workflow_id = first.removeprefix("Run").strip()
    assert workflow_id.startswith(f"back-test-{snapshot_id}-nightly-20")
    assert second.endswith(f"/namespaces/default/workflows/{workflow_id.replace(':', '%3A')}")

    await site.client.get_schedule_handle(f"mlc-{id_}-nightly").pause(note="data is late\x1b[2J")
    lines = (await command(site, tmp_path, "list")).splitlines()
    assert lines[0] == "nightly test  (paused: data is late [2J)"
    assert lines[1] == "  cron    0 0 6 * * ?  Asia/Kolkata"
    assert lines[2] == f"  starts  RunBackTest  back-test-{snapshot_id}-nightly"
    assert lines[3].startswith("  next    20")
    assert lines[3].endswith(" 06:00 IST")
    assert lines[4].endswith(f" IST  running  {workflow_id}")
    assert lines[5].startswith(f"  source  Deployment {id_} of 'model-")
    assert lines[6] == f"  id      mlc-{id_}-nightly"
    (problem,) = lines[7:]
    assert problem.startswith(f"! Deployment {id_} of 'model-")
    assert "schedule 'wrong test' (wrong): Cron field day of month 'L'" in problem

    as_json = json.loads(await command(site, tmp_path, "list", "--json"))
    (schedule,) = as_json["schedules"]
    assert (schedule["name"], schedule["paused"], schedule["last"]["outcome"]) == ("nightly test", True, "running")
    assert problem.removeprefix("! ") == as_json["problems"][0]

    again = await asyncio.to_thread(mlc, tmp_path, "schedule", "run", "nightly", **settings(site, tmp_path))
    assert again.returncode == 1
    assert again.stderr == f"'nightly test' still runs as {workflow_id}: wait for it, or cancel it.\n"
    await site.client.get_workflow_handle(workflow_id).terminate("enough")


async def test_without_the_mirror_it_says_how_to_turn_it_on(desk: Office, tmp_path: Path) -> None:
    assert (await command(desk, tmp_path, "list")).splitlines() == [
        "No schedule of the model centre runs.",
        "! The centre's schedules are not run here: set MLC_MIRROR_SCHEDULES=true and run `mlc setup`.",
    ]
    with pytest.raises(NotFired, match="set MLC_MIRROR_SCHEDULES=true"):
        await command(desk, tmp_path, "run", "nightly")


async def test_a_schedule_is_fired_by_a_name_that_only_it_has(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    same = {"name": "nightly"}
    schedules = [back_test(snapshot_id, each, metaData=same) for each in ("a", "b")]
    id_ = await deployment(desk, *schedules, snapshot_id=snapshot_id)
    with pytest.raises(NotFired, match=f"2 schedules are called 'nightly'.*mlc-{id_}-a, mlc-{id_}-b"):
        await fire(desk.client, "nightly", desk.task_queue)
    with pytest.raises(NotFired, match="There is no schedule 'weekly'; there are: 'nightly', 'nightly'"):
        await fire(desk.client, "weekly", desk.task_queue)
    assert (await fire(desk.client, "a", desk.task_queue)).startswith(f"back-test-{snapshot_id}-a-20")


async def test_a_name_is_not_taken_for_the_only_one_before_all_that_was_made_is_listed(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal's list of schedules lags: of two it shows one for a moment."""
    snapshot_id = await desk.snapshot()
    same = {"name": "nightly"}
    id_ = await deployment(
        desk, *(back_test(snapshot_id, each, metaData=same) for each in ("a", "b")), snapshot_id=snapshot_id
    )
    shown: list[int] = []

    async def lagging(*asked: Any) -> list[mirrored.MirroredSchedule]:
        everything = await mirrored_schedules(*asked)
        shown.append(len(shown))  # nothing at first, then one, then all
        return everything[: shown[-1]] if shown[-1] < 3 else everything

    monkeypatch.setattr(mirrored, "mirrored_schedules", lagging)
    with pytest.raises(NotFired, match=f"2 schedules are called 'nightly'.*mlc-{id_}-a, mlc-{id_}-b"):
        await fire(desk.client, "nightly", desk.task_queue)
    assert len(shown) > 2


async def test_a_name_is_taken_for_nothing_as_long_as_not_all_are_listed(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot_id = await desk.snapshot()
    same = {"name": "nightly"}
    await deployment(
        desk, *(back_test(snapshot_id, each, metaData=same) for each in ("a", "b")), snapshot_id=snapshot_id
    )
    shown: list[int] = []

    async def lagging(*asked: Any) -> list[mirrored.MirroredSchedule]:
        shown.append(1)  # nothing before the mirror has made them, then one for ever
        return (await mirrored_schedules(*asked))[:1] if len(shown) > 1 else []

    monkeypatch.setattr(mirrored, "mirrored_schedules", lagging)
    monkeypatch.setattr(mirrored, "LAGS", (0.5, 0.5))
    with pytest.raises(NotFired, match=r"Temporal lists 1 of 2 schedules by now, .*give the id"):
        await fire(desk.client, "nightly", desk.task_queue)


async def test_how_the_last_run_ended_is_told(desk: Office) -> None:
    snapshot_id = await desk.snapshot(without=["TEST_DATA"])
    await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    await fire(desk.client, "nightly", desk.task_queue)

    async def ended() -> str | None:
        (schedule,) = await mirrored_schedules(desk.client, desk.task_queue)
        return schedule.last.outcome if schedule.last and schedule.last.outcome != "running" else None

    assert (await eventually(ended)).startswith("failed: ")
    assert "TEST_DATA" in await eventually(ended)


async def test_what_the_mirror_has_not_made_is_listed(site: Office) -> None:
    snapshot_id = await site.snapshot()
    await deployment(site, back_test(snapshot_id), snapshot_id=snapshot_id)
    found = await problems(site.client, site.port, await mirrored_schedules(site.client))
    assert ["not in Temporal yet" in problem for problem in found] == [True]


async def test_a_schedule_that_nobody_hears_is_listed(site: Office) -> None:
    snapshot_id = await site.snapshot()
    name = "com.modelop.mlc.definitions.Signals_model_changed"
    unheard = back_test(snapshot_id, action={"signalName": name, "signalVariables": {"MODEL_ID": snapshot_id}})
    await deployment(site, unheard, snapshot_id=snapshot_id)
    found = await problems(site.client, site.port, await mirrored_schedules(site.client))
    (said,) = found
    assert "schedule 'nightly" in said
    assert said.endswith(f"Nobody here listens to {name}, so it does not run.")
