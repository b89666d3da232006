"""Hands jobs to runtimes through Temporal, has them stopped there, and notices those that nobody runs any more.

What is to be done stands in the database, so that a job created while Temporal or the runtimes are away is handed over
when they are back, also by a centre that has been restarted meanwhile. Of several centres on one database one claims a
job, for a time: if it dies over it, another one takes over.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from mlc.model.fairness import fairness_key
from mlc.model.job import run_job_id, runtime_task_queue
from mlc.model.processes import RUN_JOB
from mlc.standalone.center.entities import (
    CANCEL,
    CREATED,
    DISPATCH,
    ERROR,
    HANDED_TO,
    KINDS,
    TERMINAL_STATUSES,
    WAITING,
    WATCH,
    Kind,
)
from mlc.standalone.center.matching import choose
from mlc.standalone.center.service import ModelCenter
from mlc.standalone.database.problems import why
from mlc.temporal import connect_for_jobs

JsonObject = dict[str, Any]
Connect = Callable[[], Awaitable[Client]]

QUIET = timedelta(minutes=1)
"""A job that is under way and hasn't changed for so long is looked up in Temporal, ..."""
WATCH_INTERVAL = 30.0
"""... again and again after so many seconds."""
CLAIM = timedelta(seconds=15)
"""How long a centre may take about one job before another one has a try at it, too. Nothing is wrong if both do it."""
_JOBS = KINDS["jobs"]
_RPC_TIMEOUT = timedelta(seconds=10)
_AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
_log = logging.getLogger(__name__)


class Dispatcher:
    """Looks after waiting jobs: at once when told of one, and every ``interval`` seconds."""

    def __init__(
        self, center: ModelCenter, engine_timeout: timedelta, connect: Connect = connect_for_jobs, interval: float = 1.0
    ) -> None:
        self._center = center
        self._engine_timeout = engine_timeout
        self._connect = connect
        self._interval = interval
        self._client: Client | None = None
        self._wanted = asyncio.Event()
        self._watch_due = 0.0
        self._trouble = ""
        self._deaf: set[str] = set()
        """Task queues for which a job waits, and which nobody asks."""

    def changed(self, kind: Kind, before: JsonObject | None, after: JsonObject) -> None:
        """Listener of the centre."""
        before_status, status = (before or {}).get("jobStatus"), after.get("jobStatus")
        if kind is _JOBS and status != before_status and _JOBS.pending.get(str(status)) in {DISPATCH, CANCEL}:
            self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wanted.clear()
            try:
                await self._round()
                self._say("")
            except asyncio.CancelledError:
                raise
            except SQLAlchemyError as error:  # its text has the statement
                self._say(f"Jobs wait, since the database can't be used: {why(error)}.")
            except Exception as error:  # whatever it is, the next round tries again
                self._say(f"Jobs wait, since Temporal can't be used ({type(error).__name__}: {error}).")
            try:
                async with asyncio.timeout(self._interval):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def _round(self) -> None:
        cancelled = await asyncio.to_thread(self._center.store.work.pending, CANCEL)
        created = await asyncio.to_thread(self._center.store.work.pending, DISPATCH)
        quiet = await asyncio.to_thread(self._quiet)
        if not (cancelled or created or quiet):
            return
        if self._client is None:
            self._client = await self._connect()
        for job in cancelled:
            async with self._claimed(job, CANCEL) as mine:
                if mine is not None:
                    await self._stop(self._client, mine["id"])
        engines = (await self._center.page(KINDS["engines"], size=1000)).items if created else []
        for job in created:
            engine = choose(job, engines, self._engine_timeout, datetime.now(UTC))
            if engine is not None:
                async with self._claimed(job, DISPATCH) as mine:
                    if mine is not None:
                        await self._hand_over(self._client, mine, engine)
        for job in quiet:
            await self._watch(self._client, job)

    @asynccontextmanager
    async def _claimed(self, job: JsonObject, what: str) -> AsyncIterator[JsonObject | None]:
        """A job as it is now, for this centre alone; None: another one is at it. It is free again after an error."""
        store = self._center.store
        mine = await asyncio.to_thread(store.work.claim, job["id"], what, CLAIM)
        try:
            yield mine
        except BaseException:
            if mine is not None:
                await asyncio.to_thread(store.work.release, job["id"], what)
            raise

    def _quiet(self) -> list[JsonObject]:
        if time.monotonic() < self._watch_due:
            return []
        self._watch_due = time.monotonic() + WATCH_INTERVAL
        return self._center.store.work.pending(WATCH, quiet=QUIET)

    async def _hand_over(self, client: Client, job: JsonObject, engine: JsonObject) -> None:
        queue = await self._promised_queue(client, job, engine["name"])
        try:
            await client.start_workflow(
                RUN_JOB,
                {"job_id": job["id"]},
                id=run_job_id(job["id"]),
                task_queue=queue,
                priority=Priority(fairness_key=_fairness(job)),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"{job.get('jobType')} on {engine['name']}",
                rpc_timeout=_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            # Handed over by a centre that died before it noted so, perhaps to another runtime than now.
            queue = await _queue(client, job["id"]) or queue
        except RPCError as error:
            if error.status in _AWAY:
                raise
            _log.warning("Job %s was not taken by Temporal: %s", job["id"], error.message)
            return
        name = _runtime(queue)
        target = engine if engine["name"] == name else {"name": name}
        kept = {key: target[key] for key in ("id", "name", "engineType", "environmentName") if target.get(key)}

        def handed_over(document: JsonObject) -> None:
            document["targetEngine"] = (document.get("targetEngine") or {}) | kept
            document[HANDED_TO] = name
            if document["jobStatus"] == CREATED:  # the runtime may have been quicker
                document["jobStatus"] = WAITING

        await self._center.change(_JOBS, job["id"], handed_over)

    async def _promised_queue(self, client: Client, job: JsonObject, name: str) -> str:
        """Note for whom a job is before its runtime can learn of it, so that it may read the job at once.

        A job that was promised to another is looked up first: that one may run it, and must not lose it.
        """
        if job.get(HANDED_TO) not in (None, name):
            name = _runtime(await _queue(client, job["id"]) or runtime_task_queue(name))
        if job.get(HANDED_TO) != name:
            await self._center.change(_JOBS, job["id"], lambda document: document.update({HANDED_TO: name}))
        return runtime_task_queue(name)

    async def _stop(self, client: Client, job_id: str) -> None:
        try:
            await client.get_workflow_handle(run_job_id(job_id)).cancel(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:  # never begun, or over
                raise
        await asyncio.to_thread(self._center.store.work.settled, job_id, CANCEL)

    async def _watch(self, client: Client, job: JsonObject) -> None:
        """End a job whose workflow was ended from outside, such as by an operator who terminated it.

        A job of which Temporal knows nothing is left alone: it isn't run by this Temporal, or not through it.
        """
        job_id = job["id"]
        try:
            workflow = await client.get_workflow_handle(run_job_id(job_id)).describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return
        if workflow.close_time is None:
            if job["jobStatus"] == WAITING:
                await self._look_for_its_runtime(client, job_id, workflow.task_queue)
            return
        how = workflow.status.name.lower() if workflow.status else "closed"
        message = f"Nothing runs this job any more: its workflow {workflow.id} is {how}; create another job."

        def lost(document: JsonObject) -> None:
            if document["jobStatus"] not in TERMINAL_STATUSES:  # it may have been told of its end just now
                messages = [*(document.get("jobMessages") or []), message]
                document |= {"jobStatus": ERROR, "jobResult": "FAILURE", "jobMessages": messages}

        await self._center.change(_JOBS, job_id, lost)

    async def _look_for_its_runtime(self, client: Client, job_id: str, queue: str) -> None:
        """Say, once, that a runtime which lives for all the centre knows asks for no jobs where they are."""
        asked = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        if (await client.workflow_service.describe_task_queue(asked, timeout=_RPC_TIMEOUT)).pollers:
            self._deaf.discard(queue)
        elif queue not in self._deaf:
            self._deaf.add(queue)
            _log.warning(
                "Job %s waits for the runtime %s, which asks for no jobs in Temporal's namespace %s: see whether it "
                "runs, and whether MLC_RUN_JOB_NAMESPACE is there what it is here.",
                *(job_id, _runtime(queue), client.namespace),
            )

    def _say(self, trouble: str) -> None:
        """Log an outage when it begins, not every second."""
        if trouble and not self._trouble:
            _log.warning("%s", trouble)
        self._trouble = trouble


async def _queue(client: Client, job_id: str) -> str | None:
    """The task queue that a job was handed to; None if it never was, or so long ago that Temporal has forgotten."""
    try:
        workflow = await client.get_workflow_handle(run_job_id(job_id)).describe(rpc_timeout=_RPC_TIMEOUT)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return None
    return workflow.task_queue


def _runtime(queue: str) -> str:
    return queue.removeprefix(runtime_task_queue(""))


def _fairness(job: JsonObject) -> str:
    """By what the run of a job takes turns with others: as the processes' runs do, whoever created the job."""
    snapshot = job.get("model") or {}
    model = snapshot.get("storedModel") or {}
    told = (model.get("group"), model.get("id"), snapshot.get("id"))
    return fairness_key(*(each for each in told if isinstance(each, str)))
