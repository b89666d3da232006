"""Run a job: created once, waited for as long as it takes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow

from activities.jobs import JobActivities
from mlc.model.deployment import RuntimeRef
from mlc.model.job import NO_FILES, Job, JobFiles, JobKind, JobRequest, Watched
from mlc.model.policy import Policy
from mlc.model.state import JobsState
from workflows.steps.activity import HEARTBEAT_TIMEOUT, RETRY, TIMEOUT, Call, call
from workflows.steps.clean_up import Part
from workflows.steps.handover import Handover
from workflows.steps.once import LooseEnd, create_once, question_key
from workflows.steps.patches import is_recent
from workflows.steps.progress import Progress, plain

Result = TypeVar("Result")
FIRST_LOOK = timedelta(seconds=3)
"""After that a job is looked at for the first time, if nobody has said that it has ended."""


class Jobs:
    """The jobs of one run, one at a time. A hint ends a wait early; without any, the job is looked at now and then."""

    def __init__(self, state: JobsState, progress: Progress, handover: Handover) -> None:
        self.state = state
        self.progress = progress
        self._handover = handover
        self._changed = False
        self._unclear: LooseEnd[Job] | None = None

    @property
    def in_flight(self) -> Job | None:
        """The job that runs, or the one that failed last."""
        return self.state.in_flight

    def changed(self, job_id: str) -> None:
        """A job is said to have ended."""
        if self.in_flight is not None and self.in_flight.id == job_id:
            self._changed = True

    def does(self, job_id: str, doing: str) -> None:
        """What a job does just now: shown while it is waited for, and with no event in the history but the signal."""
        if self.state.waiting and self.in_flight is not None and self.in_flight.id == job_id:
            self.progress.waiting_for(": ".join(filter(None, [f"{self.in_flight.kind} job {job_id}", plain(doing)])))

    async def run(
        self,
        kind: JobKind,
        snapshot_id: str,
        policy: Policy,
        finish: Callable[[Any, Job], Awaitable[Result]],
        *,
        runtime: RuntimeRef | None = None,
        files: JobFiles = NO_FILES,
        parameters: Mapping[str, Any] | None = None,
        watched: Watched | None = None,
    ) -> Result:
        """Create a job and wait until ``finish``, an activity that asks for it, has an answer.

        Args:
            runtime: where it is to run; None: the centre chooses.
            files: what it reads and writes, if not what its kind reads and writes anyway.
            parameters: what its code is told besides.
            watched: of a monitor's job what it is about; ``snapshot_id`` is then the monitor's own.

        Raises:
            ActivityError: what the job needs is missing, it failed, took too long, or the centre was down for too long.
        """
        job = self.in_flight if self.state.waiting else None  # handed over by an earlier run of the chain
        fresh = job is None
        if job is None:
            self._changed = False
            request = JobRequest(
                snapshot_id=snapshot_id,
                kind=kind,
                key=question_key("job", kind, self.state.made),
                workflow_id=workflow.info().workflow_id,
                runtime=runtime,
                files=files,
                parameters=dict(parameters or {}),
                watched=watched,
            )
            job = await self._create(request, policy)
        self.progress.waiting_for(f"{kind} job {job.id}")
        self.state.waiting = True
        job = job.model_copy(update={"on_lost_records": policy.on_lost_records})
        try:
            if fresh and is_recent():
                await self._a_while(job)
            answer = await self._finished(job, finish)
        finally:
            self.state.waiting = False
        self.state.in_flight = None
        self.progress.waiting_for("")
        return answer

    async def _create(self, request: JobRequest, policy: Policy) -> Job:
        if self.in_flight is not None:
            await self.cancel()  # it failed for us, and may still run
            self.state.in_flight = None
        self.state.asked = request
        return await create_once(
            JobActivities.create_job,
            JobActivities.find_job,
            request,
            created=self._created,
            index_lag=policy.center_index_lag,
            outage_budget=policy.outage_budget,
            summary=f"create the {request.kind} job",
            on_trouble=self.progress.trouble,
            left=self._left,
        )

    def _left(self, end: LooseEnd[Job]) -> None:
        self._unclear = end

    @property
    def to_end(self) -> list[Part]:
        """What of a clean-up is about jobs."""
        if self.in_flight is not None:
            return [(f"cancel the job {self.in_flight.id}", self.cancel)]
        return [("look for a job that may have been created", self.cancel)] if self.state.asked is not None else []

    async def cancel(self, call: Call = call) -> None:
        """End the job in flight, if there is one, or if an unclear creation may have made one."""
        if self._unclear is not None:
            await self._unclear.tie(call)
        elif self.in_flight is None and self.state.asked is not None:
            found = await call(JobActivities.find_job, self.state.asked, summary="look for a job that may be there")
            self.state.in_flight, self.state.asked = found, None
        if self.in_flight is not None:
            await call(JobActivities.cancel_job, self.in_flight.id, summary="cancel the job in flight")

    def _created(self, job: Job) -> None:
        self.state.in_flight, self.state.asked = job, None
        self.progress.warn(job.remarks)
        self.state.made += 1  # the next one is another; until then the same is looked for

    async def _a_while(self, job: Job) -> None:
        """Leave a job that was just created the time to end: it will hardly have done so yet, and most say when."""
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._changed or self._handover.due,
                timeout=FIRST_LOOK,
                timeout_summary=f"before the first look at the {job.kind} job {job.id}",
            )

    async def _finished(self, job: Job, finish: Callable[[Any, Job], Awaitable[Result]]) -> Result:
        while True:
            self._changed = False
            asking = workflow.start_activity_method(
                finish,
                job,
                start_to_close_timeout=TIMEOUT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RETRY,
                summary=f"wait for the {job.kind} job {job.id}",
            )
            told = asyncio.create_task(workflow.wait_condition(lambda: self._changed or self._handover.due))
            try:
                await workflow.wait([asking, told], return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    return await asking
            finally:
                told.cancel()
                await _ended(asking)
            if self._handover.due:
                await self._handover.take()


async def _ended(asking: "asyncio.Future[Any]") -> None:
    """Stop asking in the old rhythm. What is answered all the same is left, since the next look is told it again.

    ``workflow.wait`` hands on no outcome of what it waits for, so a cancellation that it raises is the run's own.
    """
    if not asking.done():
        asking.cancel()
        await workflow.wait([asking])
    if not asking.cancelled():
        asking.exception()  # seen
