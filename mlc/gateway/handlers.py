"""What is done when a signal comes. Which process it starts, and on what, the registry of processes says."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.files import store_files
from mlc.center import Center
from mlc.center.modelop.signals import JOB_STATUS_CHANGED, ModelOpSignals, finished_job
from mlc.gateway.hints import Hints
from mlc.gateway.idempotency import start_once, started_before
from mlc.gateway.temporal import calling
from mlc.model.failure import NotFound
from mlc.model.fairness import fairness_of
from mlc.model.file import FileRules
from mlc.model.meant_monitors import NoSuchMonitor, meant
from mlc.model.monitor_processes import RunMonitorsInput
from mlc.model.process import Starts
from mlc.model.processes import TASK_QUEUE
from mlc.model.signal import BadVariable, ProcessStart
from mlc.model.snapshot import Snapshot

AGAIN = "Its signal starts it once; to run it again, start it with the temporal command."


@dataclass(frozen=True)
class Systems:
    """What the handlers of signals work with."""

    temporal: Client
    center: Center
    files: FileRules
    signals: ModelOpSignals
    hints: Hints


@dataclass(frozen=True)
class Call:
    """One signal: its name, its variables' values, and a key that is the same when the call is repeated."""

    name: str
    values: Mapping[str, Any]
    key: str


@dataclass(frozen=True)
class Heard:
    """What came of a signal: the workflows that it started or joined, those that it woke, and why there is none.

    ``monitors``: the names of those that will run, if monitors are what was asked for.
    """

    started: Sequence[str] = ()
    monitors: Sequence[str] | None = None
    woken: Sequence[str] = ()
    why: str = ""


Handler = Callable[[Call, Systems], Awaitable[Heard]]
"""Deals with one signal."""


async def start_once_for_a_snapshot(call: Call, systems: Systems) -> Heard:
    """Start the process on a snapshot: at most once ever by this signal, which comes at each change of the snapshot."""
    start = systems.signals.read_announcement(call.name, call.values)
    snapshot = await _snapshot(systems.center, start)
    # What stands on the snapshot outlasts what Temporal remembers of closed runs (the namespace's retention).
    if snapshot.model.is_monitor:
        return Heard(why="The snapshot is one of a monitor, which no process deploys by itself.")
    if snapshot.submission:
        return Heard(why=f"The snapshot was submitted before. {AGAIN}")
    workflow_id = start.workflow_id(call.key)
    try:
        async with calling():
            await systems.temporal.start_workflow(
                start.workflow,
                start.input([]),
                id=workflow_id,
                task_queue=TASK_QUEUE,
                priority=Priority(fairness_key=start.fairness(fairness_of(snapshot.model, snapshot.id))),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
    except WorkflowAlreadyStartedError:  # and closed: a run again is asked for explicitly
        return Heard(why=f"{workflow_id} has run before. {AGAIN}")
    return Heard(started=[workflow_id])


async def start_process(call: Call, systems: Systems) -> Heard:
    """Start the process that the signal asks for, once for a key; the files that it embeds go to the centre first."""
    # In a thread, since an address may be looked up on a disk, and base64 be as long as a body may.
    start = await asyncio.to_thread(systems.signals.read, call.name, call.values, systems.files)
    fairness, monitors = start.fairness(), None
    if start.snapshot_id is not None:
        snapshot = await _snapshot(systems.center, start)
        fairness = start.fairness(fairness_of(snapshot.model, snapshot.id))
        try:
            monitors = _monitors(start, snapshot)
        except (NoSuchMonitor, BadVariable):
            if workflow_id := await started_before(systems.temporal, start, call.key):  # when they were still there
                return Heard(started=[workflow_id])
            raise
    # The centre keeps what it is given: nothing goes there for a call that starts nothing.
    if start.embedded and (workflow_id := await started_before(systems.temporal, start, call.key)):
        return Heard(started=[workflow_id], monitors=monitors)
    asset_ids = await store_files(systems.center, start.workflow_id(call.key), start.embedded)
    workflow_id = await start_once(systems.temporal, start, call.key, asset_ids, fairness=fairness)
    return Heard(started=[workflow_id], monitors=monitors)


async def job_status_changed(call: Call, systems: Systems) -> Heard:
    """Wake the run that waits for a job which has finished; the run reads the job itself."""
    job = finished_job(call.values)
    if job is None:
        return Heard(why="The job has not ended, or no process here made it.")
    if await systems.hints.job_changed(job.workflow_id, job.id):
        return Heard(woken=[job.workflow_id])
    return Heard(why="The run that made the job has ended.")


async def unheard(call: Call, _systems: Systems) -> Heard:
    """A signal that ModelOp broadcasts and no process here listens to."""
    return Heard(why=f"The signal is known, but no process here listens to {call.name.rpartition('.')[2]}.")


async def _snapshot(center: Center, start: ProcessStart) -> Snapshot:
    try:
        return await center.get_snapshot(start.snapshot_id or "")
    except NotFound:
        raise BadVariable(f"{start.snapshot_place}: the model centre has no snapshot of this id.") from None


def _monitors(start: ProcessStart, snapshot: Snapshot) -> list[str] | None:
    """The monitors that will run, if it is monitors that are to.

    Raises:
        NoSuchMonitor: there is none that is meant.
        BadVariable: what the signal says does not go with so many.
    """
    given = start.outline
    if not isinstance(given, RunMonitorsInput):
        return None
    names = meant(snapshot, given.wanted)
    if objection := given.objection(names):
        raise BadVariable(objection)
    return names


STARTING: Mapping[Starts, Handler] = {
    Starts.ONCE: start_once_for_a_snapshot,
    Starts.ONCE_A_KEY: start_process,
}


def handler_of(name: str, signals: ModelOpSignals) -> Handler | None:
    """What deals with the signals of this name; None: no process has to do with them, and nobody sends them."""
    if name in signals.processes:
        return STARTING[signals.processes[name][1].starts]
    if name == JOB_STATUS_CHANGED:
        return job_status_changed
    return unheard if name in signals.unheard else None
