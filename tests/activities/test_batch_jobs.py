"""Which deployment a tag stands for, and which runtime runs its jobs."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backroom import GONE, Backroom

from activities.batch import BatchDeployment, BatchTarget, is_alive
from activities.notifications import Notice
from mlc.model.deployment import Runtime
from mlc.model.snapshot import SnapshotSummary

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def tag() -> str:
    return f"tag-{uuid.uuid4().hex[:8]}"


async def test_the_newest_batch_deployment_of_the_tag_is_meant(room: Backroom) -> None:
    name = tag()
    older, newer = await room.snapshot(name), await room.snapshot(name)
    online = await room.engine(online=True)
    for snapshot_id, more in ((older, {}), (newer, {}), (older, {"engine": online}), (older, {"state": "UNDEPLOYED"})):
        await room.deploy(snapshot_id, **more)
    found = await room.run(room.batch.find_batch_deployment, BatchTarget(tag=name))
    assert (found.snapshot.id, found.stage) == (newer, "PROD")


async def test_other_models_under_the_tag_are_named_and_no_other_deployments(room: Backroom) -> None:
    name = tag()
    model = await room.model(name="another model")
    online = await room.engine(online=True)
    mine = await room.model(name="my model")
    await room.deploy(await room.snapshot(name, model=model))
    for changes in ({"engine": online}, {"state": "UNDEPLOYED"}, {"deployment_target": "DEV"}):
        other = await room.model(name="never named")
        await room.deploy(await room.snapshot(name, model=other), **changes)
    await room.deploy(await room.snapshot(tag()))
    for _ in range(2):
        await room.deploy(await room.snapshot(name, model=mine))
    found = await room.run(room.batch.find_batch_deployment, BatchTarget(tag=name, model_stage="PROD"))
    (warning,) = found.warnings
    assert found.snapshot.model_name == "my model"
    assert "of 'my model' (my model-1), and not 'another model' (another model-1). Give" in warning
    elsewhere = await room.run(room.batch.find_batch_deployment, BatchTarget(tag=name, model_stage="DEV"))
    assert elsewhere.warnings == []


@pytest.mark.parametrize(("stage", "found"), [("Production", True), ("prod", True), ("dev", False), ("", False)])
async def test_a_stage_is_meant_by_any_of_its_names(room: Backroom, stage: str, found: bool) -> None:
    name = tag()
    await room.deploy(await room.snapshot(name))
    target = BatchTarget(tag=name, model_stage=stage)
    if found:
        assert (await room.run(room.batch.find_batch_deployment, target)).stage == "PROD"
    else:
        assert (await room.failure(room.batch.find_batch_deployment, target)).type == "NoDeployment"


@pytest.mark.parametrize("name", ["train", "", "no such tag"])
async def test_a_control_tag_no_tag_and_a_misspelt_one_mean_nothing(room: Backroom, name: str) -> None:
    other = tag()
    await room.deploy(await room.snapshot("train", other))
    error = await room.failure(room.batch.find_batch_deployment, BatchTarget(tag=name))
    assert (error.type, error.non_retryable) == ("NoDeployment", True)
    assert "Batch deployments: " in str(error)
    assert f"tags: {other})" in str(error)
    assert ("The tag 'train' asks for a step of DeployModel" in str(error)) is (name == "train")


def deployed(snapshot_id: str, stage: str) -> BatchDeployment:
    summary = SnapshotSummary(id=snapshot_id, name="n", model_id="m", model_name="m")
    return BatchDeployment(id="d", stage=stage, snapshot=summary)


async def test_a_batch_runtime_of_the_stage_is_chosen_the_same_for_the_same_run(room: Backroom) -> None:
    stage = f"stage-{uuid.uuid4().hex[:6]}"
    names = {(await room.engine(stage=stage)).name for _ in range(3)}
    await room.engine(stage=stage, online=True)
    target = deployed(await room.snapshot(), stage)
    chosen = set()
    for run in range(12):
        room.at(datetime.now(UTC), workflow_id=f"run-{run}")
        first, again = [await room.run(room.batch.compatible_runtime, target) for _ in range(2)]
        assert first == again
        chosen.add(first.name)
    assert chosen == names


async def test_runtimes_that_are_silent_are_named_and_a_snapshot_that_is_gone_is_refused(room: Backroom) -> None:
    stage = f"stage-{uuid.uuid4().hex[:6]}"
    silent = await room.engine(stage=stage, lastActivity={"type": "HEARTBEAT", "date": "2020-01-01T00:00:00Z"})
    room.at(datetime.now(UTC) + timedelta(days=1))
    error = await room.failure(room.batch.compatible_runtime, deployed(await room.snapshot(), stage))
    assert error.type == "NoMatchingRuntime"
    assert f"Not heard of for a while: {silent.name}." in str(error)
    assert (await room.failure(room.batch.compatible_runtime, deployed(GONE, stage))).type == "Refused"


@pytest.mark.parametrize(
    ("about", "alive"),
    [
        ({}, True),
        ({"heartbeat": NOW}, True),
        ({"heartbeat": NOW.replace(tzinfo=None)}, True),
        ({"heartbeat": NOW - timedelta(minutes=3)}, False),
        ({"heartbeat": (NOW - timedelta(minutes=3)).replace(tzinfo=None)}, False),
        ({"heartbeat": NOW, "failed": True}, False),
        ({"failed": True}, False),
    ],
    ids=str,
)
def test_a_runtime_is_alive_as_far_as_can_be_told(about: dict[str, Any], alive: bool) -> None:
    assert is_alive(Runtime(name="r", **about), NOW, timedelta(minutes=2)) is alive


def notice(snapshot_id: str = "", **more: Any) -> Notice:
    return Notice(snapshot_id=snapshot_id, key=uuid.uuid4().hex, message=f"m {uuid.uuid4().hex}", **more)


async def test_a_notice_is_said_once_for_a_key_even_if_it_was_closed(room: Backroom) -> None:
    about = notice(await room.snapshot(), severity="WARN", notification_type="MODEL_TEST_NOTIFICATION")
    for _ in range(2):
        await room.run(room.notifications.notify, about)
    (said,) = await room.center.list_notifications(snapshot_id=about.snapshot_id)
    assert (said.message, said.severity, said.notification_type) == (about.message, "WARN", "MODEL_TEST_NOTIFICATION")
    await room.center.patch_notification(said.id, {"open": False})
    await room.run(room.notifications.notify, about)
    assert len(await room.center.list_notifications(snapshot_id=about.snapshot_id)) == 1


@pytest.mark.parametrize("on_a_snapshot", [True, False])
async def test_where_a_centre_drops_the_key_the_same_open_message_is_said_once(
    room: Backroom, on_a_snapshot: bool
) -> None:
    about = notice(await room.snapshot() if on_a_snapshot else "")
    await room.run(room.notifications.notify, about)

    async def said() -> list[Any]:
        every = await room.center.list_notifications(snapshot_id=about.snapshot_id or None)
        return [notification for notification in every if notification.message == about.message]

    (first,) = await said()
    await room.center.patch_notification(first.id, {"mlcKey": None})
    await room.run(room.notifications.notify, about)
    assert len(await said()) == 1
    await room.center.patch_notification(first.id, {"open": False})
    await room.run(room.notifications.notify, about)
    assert len(await said()) == 2
