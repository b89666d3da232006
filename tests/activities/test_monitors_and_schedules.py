"""Monitors and schedules: what a snapshot gets, and what the one before it hands on."""

import uuid
from typing import Any

import pytest
from backroom import ASSETS, GONE, TABLE, Backroom, asset, bare_model

from activities.deployments import Deployments
from activities.monitors import MonitorsAdded
from activities.schedules import Successor, copied
from mlc.center.modelop import ids, wire
from mlc.model.monitor_plan import CLASSIFICATION, REGRESSION
from mlc.model.schedule import Schedule
from mlc.standalone.validation import surroundings


@pytest.fixture(scope="session")
async def monitors(_room: Backroom) -> None:
    """Every monitor that models get, as the centre has them out of the box; the stability monitor wants a baseline."""
    for name in {*CLASSIFICATION, *REGRESSION} - {REGRESSION[0]}:
        about = wire.ModelMetaData(name=name, model_category="MODEL_MONITORING_MODEL")
        needs = [{"assetRole": "BASELINE_DATA"}] if name.startswith("Stability") else []
        files = [asset("monitor.py", "MODEL_SOURCE", f"# {name}")]
        stored = wire.StoredModel(model_meta_data=about, required_assets=needs, model_assets=files)
        stored = await _room.center.create_stored_model(stored)
        await _room.center.create_snapshot(
            wire.DeployableModel(stored_model=stored, meta_data=wire.MetaData(name=name))
        )


def names(snapshot: wire.DeployableModel) -> list[str]:
    stored = [association.associated_model["storedModel"] for association in snapshot.associated_models]
    return [each["modelMetaData"]["name"] for each in stored]


def told(added: MonitorsAdded) -> list[str]:
    """What is said of monitors but that these models have no schema (``test_monitor_needs.py``)."""
    return [warning for warning in added.warnings if "has no input schema" not in warning]


def schedule(id_: str | None = "s1", **more: Any) -> wire.Schedule:
    document = {"cronExpression": "0 9 * * *", "action": {"signalName": "x", "signalVariables": {}}} | more
    return wire.Schedule.model_validate(document if id_ is None else {"scheduleId": id_, **document})


@pytest.mark.usefixtures("monitors")
async def test_the_monitors_of_the_methodology_are_added_once_with_what_they_read(room: Backroom) -> None:
    id_ = await room.snapshot()
    added = await room.run(room.monitors.add_missing_monitors, id_)
    assert (set(added.added), told(added)) == (set(CLASSIFICATION), [])
    snapshot = await room.center.get_snapshot(id_)
    assert names(snapshot) == added.added
    stability = snapshot.associated_models[names(snapshot).index("Stability Monitor: PSI/CSI")]
    assert [(a.filename, a.content()) for a in stability.association_assets] == [("baseline.csv", b"x")]
    whole = await room.center.get_snapshot(stability.associated_model["id"])
    files = [wire.Asset.model_validate(a) for a in stability.associated_model["storedModel"]["modelAssets"]]
    assert [a.content() for a in files] == [a.content() for a in whole.stored_model.model_assets], "as ModelOp has it"
    again = await room.run(room.monitors.add_missing_monitors, id_)
    assert again.added == []
    assert await room.center.get_snapshot(id_) == snapshot


@pytest.mark.usefixtures("monitors")
async def test_a_monitor_that_the_centre_or_its_data_lack_is_told_and_the_others_are_added(room: Backroom) -> None:
    assets = [a for a in ASSETS if a.asset_role != "BASELINE_DATA"]
    id_ = await room.snapshot(assets=assets, model_methodology="Linear regression")
    added = await room.run(room.monitors.add_missing_monitors, id_)
    assert len(added.added) == 2
    assert [("no snapshot of a monitor" in w, "role BASELINE_DATA" in w) for w in told(added)] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.usefixtures("monitors")
@pytest.mark.parametrize(("methodology", "says"), [(None, "is not given"), ("Clustering", "is 'Clustering'")])
async def test_a_methodology_that_decides_nothing_is_told(room: Backroom, methodology: str | None, says: str) -> None:
    added = await room.run(room.monitors.add_missing_monitors, await room.snapshot(model_methodology=methodology))
    assert says in added.warnings[0]
    assert len(added.added) == 4


@pytest.mark.usefixtures("monitors")
async def test_thresholds_and_schedules_come_along_from_the_snapshot_that_is_deployed(room: Backroom) -> None:
    model = await room.model()
    old, new = await room.snapshot(model=model), await room.snapshot(model=model)
    await room.run(room.monitors.add_missing_monitors, old)
    before = await room.center.get_snapshot(old)
    drift = before.associated_models[0]
    drift.association_assets.append(asset("drift.dmn", "TEST_RESULT_COMPARATOR", TABLE))
    drift.schedules = [schedule(action={"signalName": "x", "signalVariables": {"MODEL_ID": old}}, more={"of": [old]})]
    await room.center.patch_snapshot(old, {"associatedModels": [a.wire() for a in before.associated_models]})
    await room.deploy(old)
    await room.run(room.monitors.add_missing_monitors, new)
    after = await room.center.get_snapshot(new)
    inherited = after.associated_models[names(after).index(names(before)[0])]
    assert [(a.filename, a.content()) for a in inherited.association_assets] == [("drift.dmn", TABLE.encode())]
    (copy,) = inherited.schedules
    assert copy.action == {"signalName": "x", "signalVariables": {"MODEL_ID": new}}
    assert (copy.model_extra or {})["more"] == {"of": [new]}
    assert copy.schedule_id not in {"s1", None}


BASELINES = [asset("old.csv", "BASELINE_DATA", "old"), asset("new.csv", "BASELINE_DATA", "new")]


@pytest.mark.usefixtures("monitors")
@pytest.mark.parametrize(
    ("required", "usage", "read", "out"),
    [
        ([], None, "old.csv", "new.csv"),
        ([{"assetRole": "BASELINE_DATA", "filename": "new.csv"}], None, "new.csv", "old.csv"),
        ([{"assetRole": "BASELINE_DATA", "filename": "old.csv", "usage": "ADDITIONAL_ASSET"}], None, "new.csv", "old"),
        ([], "INPUT_ASSET", "new.csv", "old.csv"),
    ],
)
async def test_of_several_assets_a_monitor_reads_the_named_one_or_the_first_and_says_so(
    room: Backroom, required: list[dict[str, Any]], usage: str | None, read: str, out: str
) -> None:
    last = BASELINES[1].model_copy(update={"usage": usage} if usage else {})
    model = await room.model(assets=[*(a for a in ASSETS if a.asset_role != "BASELINE_DATA"), BASELINES[0], last])
    model = await room.center.create_stored_model(
        wire.StoredModel(
            model_meta_data=model.model_meta_data, model_assets=model.model_assets, required_assets=required
        )
    )
    id_ = await room.snapshot(model=model)
    added = await room.run(room.monitors.add_missing_monitors, id_)
    snapshot = await room.center.get_snapshot(id_)
    stability = snapshot.associated_models[names(snapshot).index("Stability Monitor: PSI/CSI")]
    assert [a.filename for a in stability.association_assets] == [read]
    (warning,) = told(added)
    assert f"of BASELINE_DATA {read} is read, left out: {out}" in warning
    assert warning.endswith(": Stability Monitor: PSI/CSI.")


@pytest.mark.usefixtures("monitors")
async def test_a_monitor_whose_data_is_not_clear_is_not_added_and_that_is_said(room: Backroom) -> None:
    twice = [BASELINES[0], BASELINES[1].model_copy(update={"filename": "old.csv"})]
    for assets, required, says in (
        (twice, [], "several have the name 'old.csv'"),
        (BASELINES, [{"assetRole": "BASELINE_DATA", "filename": "x.csv"}], "the model names 'x.csv', which is none"),
    ):
        about = wire.ModelMetaData(name="unclear", model_methodology="Classification")
        stored = wire.StoredModel(model_meta_data=about, model_assets=assets, required_assets=required)
        id_ = await room.snapshot(model=await room.center.create_stored_model(stored))
        added = await room.run(room.monitors.add_missing_monitors, id_)
        assert "Stability Monitor: PSI/CSI" not in added.added
        assert says in told(added)[0]


@pytest.mark.usefixtures("monitors")
async def test_what_will_be_added_is_told_beforehand_and_nothing_is_changed(room: Backroom) -> None:
    assets = [a for a in ASSETS if a.asset_role != "BASELINE_DATA"]
    id_ = await room.snapshot(assets=assets, model_methodology="Linear regression")
    before = await room.center.get_snapshot(id_)
    plan = await room.run(room.monitors.plan_monitors, id_)
    assert await room.center.get_snapshot(id_) == before
    added = await room.run(room.monitors.add_missing_monitors, id_)
    assert (plan.add, list(plan.lacking)) == (added.added, added.missing)
    again = await room.run(room.monitors.plan_monitors, id_)
    assert (again.add, again.there, again.lacking) == ([], added.added, plan.lacking)
    assert (await room.failure(room.monitors.plan_monitors, GONE)).type == "Refused"


@pytest.mark.usefixtures("monitors")
async def test_a_folder_is_validated_by_the_monitors_that_would_be_added_whether_or_not_they_read_anything(
    room: Backroom,
) -> None:
    around = await surroundings(room.port, "Classification")
    assert set(around.monitors) == set(CLASSIFICATION)
    assert around.monitors["Stability Monitor: PSI/CSI"].required_roles == ["BASELINE_DATA"]
    assert set((await surroundings(room.port, "Regression")).monitors) == set(REGRESSION[1:]), "the centre has no other"


async def test_monitors_of_a_snapshot_that_is_gone_are_refused(room: Backroom) -> None:
    assert (await room.failure(room.monitors.add_missing_monitors, GONE)).type == "Refused"


async def test_schedules_go_on_with_the_new_deployment_once_and_its_own_stay(room: Backroom) -> None:
    model = await room.model()
    old, new = await room.snapshot(model=model), await room.snapshot(model=model)
    await room.deploy(old, schedules=[schedule("a"), schedule("b", metaData={"name": f"for {old}"})])
    first = await room.deploy(new, schedules=[schedule("own")])
    for _ in range(2):
        assert await room.run(room.schedules.copy_schedules, Deployments(snapshot_id=new, ids=[first])) == 2
    kept = (await room.center.get_deployment(first)).schedules
    assert [s.schedule_id for s in kept[:1]] == ["own"]
    assert len(kept) == 3
    assert kept[2].meta_data is not None
    assert kept[2].meta_data.name == f"for {new}"


async def test_the_schedules_of_one_deployment_go_on_with_its_successor_and_no_others(room: Backroom) -> None:
    id_ = await room.snapshot()
    old = await room.deploy(id_, schedules=[schedule("a")])
    await room.deploy(id_, schedules=[schedule("elsewhere")])
    new = await room.deploy(id_, schedules=[schedule("own")])
    successor = Successor(snapshot_id=id_, previous=old, deployment=new)
    for _ in range(2):
        assert await room.run(room.schedules.carry_over, successor) == 1
    kept = (await room.center.get_deployment(new)).schedules
    assert [s.schedule_id for s in kept[:1]] == ["own"]
    assert len(kept) == 2
    gone = successor.model_copy(update={"previous": GONE})
    assert await room.run(room.schedules.carry_over, gone) == 0


async def test_schedules_without_an_id_are_all_copied(room: Backroom) -> None:
    model = await room.model()
    old, new = await room.snapshot(model=model), await room.snapshot(model=model)
    await room.deploy(old, schedules=[schedule(None), schedule(None, cronExpression="0 10 * * *")])
    first = await room.deploy(new)
    for _ in range(2):
        assert await room.run(room.schedules.copy_schedules, Deployments(snapshot_id=new, ids=[first])) == 2
    assert len((await room.center.get_deployment(first)).schedules) == 2


async def test_there_is_nothing_to_copy_from_a_model_that_was_not_deployed_or_of_no_model(room: Backroom) -> None:
    await room.deploy(await room.snapshot(), schedules=[schedule(str(uuid.uuid4()))])
    for id_ in (await room.snapshot(), await room.snapshot(model=bare_model())):
        new = Deployments(snapshot_id=id_, ids=[await room.deploy(id_)])
        assert await room.run(room.schedules.copy_schedules, new) == 0


async def test_a_copied_schedule_names_the_new_snapshot_by_the_centres_own_id(room: Backroom) -> None:
    """People wrote that into its variables; ours differs from it where an id has odd characters."""
    old, new = ids.encode("credit/risk v1"), ids.encode("credit/risk v2")
    schedule = Schedule(id="s", variables={"MODEL_ID": "credit/risk v1", "OTHER": ["kept", 1, None]})
    copy = copied(schedule, old, new, room.port)
    assert copy.variables == {"MODEL_ID": "credit/risk v2", "OTHER": ["kept", 1, None]}
    assert copy.id != schedule.id
    assert copied(schedule, old, new, room.port) == copy
