"""What tests of deployments play and look at: runtimes that load, a snapshot deployed before, a centre that fails."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from office import Office, Run
from servers import eventually
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from mlc.center.modelop import wire
from mlc.model.processes import DeployModelStatus, Phase
from mlc.standalone.faults import Effect, Fault

FOREVER = 10**6


async def deployed(desk: Office, *tags: str, **snapshot: Any) -> tuple[str, list[str]]:
    """A snapshot that went through the process: its id and those of its deployments. Its runtimes load at once."""
    snapshot_id = await desk.snapshot(*tags, **snapshot)
    run = await desk.start(snapshot_id)
    await load_everything(desk, snapshot_id, run)
    return snapshot_id, [deployment.id for deployment in (await run.result()).deployments]


async def successor(desk: Office, snapshot_id: str, *tags: str, targets: Iterable[str] = ()) -> str:
    """The next snapshot of the same model, perhaps for certain runtimes only; its id."""
    stored = (await desk.center.get_snapshot(snapshot_id)).stored_model
    snapshot = await desk.snapshot_of(stored, *tags)
    if targets:
        pins = [{"name": name} for name in targets]
        await desk.center.patch_snapshot(snapshot, {"targetRuntimes": pins})
    return snapshot


async def deployments(desk: Office, snapshot_id: str) -> list[wire.DeployedModel]:
    """Oldest first."""
    return list(reversed(await desk.center.list_deployments(snapshot_id=snapshot_id)))


async def places(desk: Office, snapshot_id: str) -> list[tuple[str, str]]:
    """Runtime (``batch`` for none) and state of every deployment of a snapshot, in alphabetical order."""
    return sorted((place(each), state(each)) for each in await deployments(desk, snapshot_id))


def place(deployment: wire.DeployedModel) -> str:
    return deployment.engine.name if deployment.engine else "batch"


def state(deployment: wire.DeployedModel) -> str:
    return str((deployment.model_extra or {})["state"])


async def loading(desk: Office, snapshot_id: str, number: int = 1) -> dict[str, str]:
    """Ids of the deployments that wait for their runtime, by its name, once there are so many."""

    async def found() -> dict[str, str] | None:
        waiting = {place(d): d.id for d in await deployments(desk, snapshot_id) if state(d) == "DEPLOYING"}
        return waiting if len(waiting) == number else None

    return await eventually(found)


async def load(desk: Office, *ids: str) -> None:
    """Play online runtimes that load their deployments."""
    await asyncio.gather(*(desk.center.patch_deployment(id_, {"state": "DEPLOYED"}) for id_ in ids))


async def fail(desk: Office, deployment_id: str, message: str = "init failed: no model.pkl") -> None:
    """Play an online runtime that can't load its deployment."""
    await desk.center.patch_deployment(deployment_id, {"state": "ERROR", "messages": [message]})


async def load_everything(desk: Office, snapshot_id: str, run: Run) -> None:
    """Play online runtimes that load whatever comes, until the run has ended."""

    async def ended() -> bool:
        await load(desk, *[d.id for d in await deployments(desk, snapshot_id) if state(d) == "DEPLOYING"])
        return (await run.describe()).close_time is not None

    await eventually(ended)


async def schedule(desk: Office, deployment_id: str, snapshot_id: str, *names: str) -> None:
    """Schedules on a deployment that name its snapshot."""
    documents = [
        {
            "scheduleId": name,
            "cronExpression": "0 0 6 * * ?",
            "action": {"signalName": "x", "signalVariables": {"MODEL_ID": snapshot_id, "OTHER": ["kept", snapshot_id]}},
        }
        for name in names
    ]
    await desk.center.patch_deployment(deployment_id, {"schedules": documents})


def out_of_order(desk: Office, method: str, path: str, *, status: int = 503, times: int = FOREVER) -> Fault:
    """From now on the centre answers such requests with an error; ``mend`` ends it."""
    desk.center_faults.add(Effect.ANSWER, method=method, path=path, status=status, times=times)
    return desk.center_faults.planned[-1]


def mend(fault: Fault) -> None:
    fault.times = 0


async def until(desk: Office, run: Run, phase: Phase) -> DeployModelStatus:
    """Wait until the run is in a phase."""

    async def there() -> DeployModelStatus | None:
        status = await desk.status(run)
        return status if status.phase is phase else None

    return await eventually(there)


async def trying(run: Run, activity: str, *, call: int = 1) -> None:
    """Wait until the run is trying an activity again, in its first call or a later one: it met an outage."""

    async def again() -> bool:
        events = (await run.fetch_history()).events
        calls = [e.activity_task_scheduled_event_attributes.activity_type.name for e in events].count(activity)
        pending = (await run.describe()).raw_description.pending_activities
        return calls == call and any(each.activity_type.name == activity and each.attempt > 1 for each in pending)

    await eventually(again)


async def cancelled(run: Run) -> None:
    """The run ends, and as one that was cancelled."""
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(run.result(), 30)
    assert isinstance(failure.value.cause, CancelledError), repr(failure.value.cause)


async def abandoned(run: Run) -> str:
    """The run fails because somebody stopped it; with what it says."""
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(run.result(), 30)
    assert getattr(failure.value.cause, "type", None) == "DeploymentAbandoned", repr(failure.value.cause)
    return str(failure.value.cause)


async def notifications(desk: Office, snapshot_id: str) -> list[wire.Notification]:
    return await desk.center.list_notifications(snapshot_id=snapshot_id)


async def said(desk: Office, snapshot_id: str) -> str:
    """The one notification of a snapshot."""
    (notification,) = await notifications(desk, snapshot_id)
    return notification.message
