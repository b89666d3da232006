"""The mirror's plan of the centre's schedules; and that every activity of the worker has a test here."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from backroom import Backroom, backroom
from outside import Board, Temporal
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities.mirror import LastLook, MirrorActivities, MirrorReport
from mlc.center.modelop import wire
from mlc.center.modelop.signals import ModelOpSignals
from mlc.model.file import FileRules
from mlc.ticketing import TicketSystems
from mlc.worker import activities_of
from workflows.registry import PROCESSES

BACK_TEST = "com.modelop.mlc.definitions.Signals_Run_Back_Test_Jira"


def schedule(snapshot_id: str, **changes: Any) -> wire.Schedule:
    action = {"signalName": BACK_TEST, "signalVariables": {"MODEL_ID": snapshot_id}}
    usual = {"scheduleId": "nightly", "cronExpression": "0 0 6 * * ?", "action": action}
    return wire.Schedule.model_validate(usual | changes)


async def mirrored(room: Backroom, *, last: LastLook | None = None) -> tuple[MirrorReport, Temporal]:
    """What all there is makes of Temporal's Schedules, or what has changed since the ``last`` look."""
    temporal = Temporal()
    mirror = MirrorActivities(room.port, room.settings, FileRules(), ModelOpSignals(PROCESSES))
    info = room.environment.info
    room.environment = ActivityEnvironment(client=temporal)  # type: ignore[arg-type]
    room.environment.info = info
    if last is None:
        return await room.run(mirror.mirror_schedules), temporal
    return await room.run(mirror.mirror_changes, last), temporal


@pytest.fixture
async def quiet(tmp_path: Path) -> Any:
    """A centre of its own: the mirror looks at everything that is deployed."""
    async with backroom(tmp_path) as opened:
        yield opened


async def test_a_schedule_that_can_run_is_made_in_temporal(quiet: Backroom) -> None:
    id_ = await quiet.snapshot()
    deployed = await quiet.deploy(id_, schedules=[schedule(id_)])
    report, temporal = await mirrored(quiet)
    assert (report.schedules, report.created, report.problems) == (1, 1, [])
    (made,) = temporal.schedules.items()
    assert made[0] == f"mlc-{deployed}-nightly"
    assert made[1].action.workflow == "RunBackTest"


async def test_a_first_look_reads_everything_and_the_next_one_what_has_changed_since(quiet: Backroom) -> None:
    id_ = await quiet.snapshot()
    await quiet.deploy(id_, schedules=[schedule(id_)])
    first, temporal = await mirrored(quiet, last=LastLook())
    assert first.looked
    assert (first.looked.full, len(temporal.schedules)) == (True, 1)
    again, _ = await mirrored(quiet, last=LastLook(looked=first.looked))
    assert again.looked
    assert again.looked.full is False


BROKEN = [
    ({"scheduleId": None}, "it needs an id"),
    ({"scheduleId": "a/b"}, "it needs an id"),
    ({"cronExpression": None}, "cron"),
    ({"cronExpression": "never"}, "cron"),
    ({"timeZone": "Mars"}, "time zone 'Mars' is not known"),
    ({"action": None}, "it must name a signal"),
    ({"action": {"signalName": 3}}, "it must name a signal"),
    ({"action": {"signalName": BACK_TEST, "signalVariables": []}}, "it must name a signal"),
    ({"action": {"signalName": "nobody's", "signalVariables": {}}}, 'signal "nobody\'s"'),
    ({"action": {"signalName": BACK_TEST, "signalVariables": {}}}, "MODEL_ID"),
    ({"action": {"signalName": BACK_TEST, "signalVariables": {"MODEL_ID": None}}}, "MODEL_ID"),
]


async def test_those_that_cant_run_are_told_once_on_their_snapshot_and_stop_no_other(quiet: Backroom) -> None:
    id_ = await quiet.snapshot()
    broken = [
        schedule(id_, **({"scheduleId": f"s{n}", "metaData": {"name": f"broken {n}"}} | changes))
        for n, (changes, _) in enumerate(BROKEN)
    ]
    await quiet.deploy(id_, schedules=[*broken, schedule(id_)])
    for _ in range(2):
        report, temporal = await mirrored(quiet)
        assert (len(temporal.schedules), report.problem_count) == (1, len(BROKEN))
    told = [notification.message for notification in await quiet.center.list_notifications(snapshot_id=id_)]
    assert len(told) == len(BROKEN)
    for number, (_, says) in enumerate(BROKEN):
        (message,) = [text for text in told if f"'broken {number}'" in text]
        assert says in message.replace(f"'broken {number}'", "")


async def test_two_of_one_id_are_told_and_only_the_first_runs(quiet: Backroom) -> None:
    id_ = await quiet.snapshot()
    await quiet.deploy(id_, schedules=[schedule(id_), schedule(id_)])
    report, temporal = await mirrored(quiet)
    assert (report.schedules, report.problem_count, len(temporal.schedules)) == (1, 1, 1)


async def test_a_problem_that_was_mended_is_closed_and_told_again_when_it_is_back(quiet: Backroom) -> None:
    id_ = await quiet.snapshot()
    deployed = await quiet.deploy(id_, schedules=[schedule(id_, cronExpression="never")])
    for wrong, notes in ((True, [True]), (False, [False]), (True, [False, True])):
        change = {"cronExpression": "never"} if wrong else {}
        await quiet.center.patch_deployment(deployed, {"schedules": [schedule(id_, **change).wire()]})
        await mirrored(quiet)
        told = await quiet.center.list_notifications(snapshot_id=id_)
        assert sorted(notification.open for notification in told) == sorted(notes)


def test_every_activity_of_the_worker_has_a_test_in_this_folder(room: Backroom) -> None:
    with ThreadPoolExecutor(1) as threads:
        every = activities_of(
            room.port,
            TicketSystems(Board()),
            threads,
            process=room.settings,
            files=FileRules(),
        )
    names = {activity._Definition.must_from_callable(each).name for each in every}
    code = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert {name for name in names if not re.search(rf"\.{name}\b", code)} == set()
