"""When a monitor that is attached runs: as the model says, else as it did before, else by the setting."""

import json
from pathlib import Path
from typing import Any

import pytest
from backroom import Backroom

from activities.monitors import MonitorActivities
from mlc.center.modelop import wire
from mlc.center.modelop.folder import read_model_folder
from mlc.center.modelop.monitors import MONITORS_MARK, run_schedule
from mlc.model.monitor_plan import CLASSIFICATION
from mlc.model.schedule import Timing

PERFORMANCE, DRIFT, CONCEPT, STABILITY = CLASSIFICATION
NIGHTLY, OTHER = "0 0 2 * * ?", "0 0 3 * * ?"
SIGNAL = "com.modelop.mlc.definitions.Signals_RUN_MONITOR"


@pytest.fixture
def room(monitored: Backroom) -> Backroom:
    made = Backroom(monitored.port, monitored.http)
    made.monitors = MonitorActivities(made.port, NIGHTLY)
    return made


async def schedules(room: Backroom, snapshot_id: str) -> dict[str, list[dict[str, Any]]]:
    """Of each monitor on a snapshot, as the centre has them."""
    found = (await room.center.get_snapshot(snapshot_id)).associated_models
    names = [each.associated_model["storedModel"]["modelMetaData"]["name"] for each in found]
    return {name: [s.wire() for s in each.schedules] for name, each in zip(names, found, strict=True)}


async def crons(room: Backroom, snapshot_id: str) -> dict[str, list[str]]:
    return {name: [s["cronExpression"] for s in each] for name, each in (await schedules(room, snapshot_id)).items()}


async def test_by_the_setting_each_gets_a_schedule_that_runs_it_on_this_snapshot(room: Backroom) -> None:
    first, second = await room.snapshot(), await room.snapshot()
    for id_ in (first, first, second):
        await room.run(room.monitors.add_missing_monitors, id_)
    found = await schedules(room, first)
    assert list(found) == list(CLASSIFICATION)
    for name, (schedule,) in found.items():
        assert schedule == {
            "scheduleId": run_schedule(first, name, Timing(cron="another")).id,
            "cronExpression": NIGHTLY,
            "metaData": {"name": name},
            "action": {"signalName": SIGNAL, "signalVariables": {"MODEL_ID": first, "MONITOR": name}},
        }
    ids = [each["scheduleId"] for id_ in (first, second) for (each,) in (await schedules(room, id_)).values()]
    assert len(set(ids)) == 8


async def test_without_setting_and_word_of_the_model_none_runs_by_itself(room: Backroom) -> None:
    id_ = await room.snapshot()
    await room.run(MonitorActivities(room.port).add_missing_monitors, id_)
    assert set(map(tuple, (await crons(room, id_)).values())) == {()}


async def test_what_a_folder_says_reaches_the_snapshot_and_wins_over_the_setting(
    room: Backroom, tmp_path: Path
) -> None:
    said = {"monitors": {DRIFT: {"schedule": OTHER, "timeZone": "Europe/Vienna"}}, "custom": {"kept": 1}}
    (tmp_path / "metadata.json").write_text(json.dumps({"modelMethodology": "Classification", **said}))
    (tmp_path / "model.py").write_text("# modelop.score\ndef score(x):\n    yield x\n")
    for name in ("baseline_data.csv", "comparator_data.csv"):
        (tmp_path / name).write_text("a\n1\n")
    model, files = read_model_folder(tmp_path)
    saved = await room.port.save_model(model, files)
    made = await room.port.create_snapshot(saved.id, name="s")
    assert made.model.monitor_timings == {DRIFT: Timing(cron=OTHER, time_zone="Europe/Vienna")}
    assert made.model.custom["kept"] == 1
    await room.run(room.monitors.add_missing_monitors, made.id)
    assert await crons(room, made.id) == {name: [OTHER if name == DRIFT else NIGHTLY] for name in CLASSIFICATION}
    (schedule,) = (await schedules(room, made.id))[DRIFT]
    assert schedule["timeZone"] == "Europe/Vienna"
    # A version that says it no more inherits nothing of it.
    (tmp_path / "metadata.json").write_text(json.dumps({"modelMethodology": "Classification"}))
    model, files = read_model_folder(tmp_path)
    again = await room.port.save_model(model.model_copy(update={"id": saved.id}), files)
    assert again.monitor_timings == {}


async def test_what_ran_before_goes_on_unless_the_model_says_otherwise(room: Backroom) -> None:
    marks = {MONITORS_MARK: {CONCEPT: {"schedule": "0 0 4 * * ?"}}}
    model = await room.model()
    old = await room.snapshot(model=model)
    await room.run(MonitorActivities(room.port, OTHER).add_missing_monitors, old)
    mine = {"scheduleId": "mine", "cronExpression": "0 0 5 * * ?", "action": {"signalName": "x"}}
    before = (await room.center.get_snapshot(old)).associated_models
    before[0].schedules = [wire.Schedule.model_validate(mine)]
    before[1].schedules = []
    await room.center.patch_snapshot(old, {"associatedModels": [each.wire() for each in before]})
    await room.deploy(old)
    model.model_meta_data.custom = marks
    new = await room.snapshot(model=model)
    await room.run(room.monitors.add_missing_monitors, new)
    assert await crons(room, new) == {
        PERFORMANCE: ["0 0 5 * * ?"],
        DRIFT: [NIGHTLY],
        CONCEPT: ["0 0 4 * * ?"],
        STABILITY: [OTHER],
    }
    for name in (CONCEPT, STABILITY):
        (schedule,) = (await schedules(room, new))[name]
        assert schedule["action"]["signalVariables"] == {"MODEL_ID": new, "MONITOR": name}


async def test_a_monitor_that_is_there_without_a_schedule_is_left_so(room: Backroom) -> None:
    id_ = await room.snapshot(model_methodology="Classification")
    await room.run(MonitorActivities(room.port).add_missing_monitors, id_)
    await room.run(room.monitors.add_missing_monitors, id_)
    assert set(map(tuple, (await crons(room, id_)).values())) == {()}


@pytest.mark.parametrize(
    "said",
    [
        "nightly",
        None,
        [],
        {DRIFT: None},
        {DRIFT: OTHER},
        {DRIFT: {"schedule": 5}},
        {DRIFT: {"schedule": ""}},
        {DRIFT: {"schedule": OTHER, "timeZone": 1}},
        {DRIFT: {"cron": OTHER}},
        {"Another": {"schedule": OTHER}},
    ],
)
async def test_what_somebody_has_written_into_the_custom_metadata_and_nobody_can_read_says_nothing(
    room: Backroom, said: Any
) -> None:
    model = await room.model(custom={MONITORS_MARK: said})
    id_ = await room.snapshot(model=model)
    await room.run(room.monitors.add_missing_monitors, id_)
    assert await crons(room, id_) == {name: [NIGHTLY] for name in CLASSIFICATION}
