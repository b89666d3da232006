"""What every run of a process has: a state, a case to work on, and ways to ask and to wake it. Its order is its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from mlc.model.failure import FailureType
from mlc.model.job import JobChanged, JobProgress
from mlc.model.processes import JOB_CHANGED, JOB_PROGRESS, TICKET_CHANGED
from mlc.model.state import ProcessState
from mlc.model.ticket import TicketChanged
from workflows.steps.case import Case
from workflows.steps.handover import Handover, Start, refuse_forged
from workflows.steps.once import failure_type, reason
from workflows.steps.patches import is_recent, since

STATUS = "Where the run stands, what it waits for and what it has done so far"
"""Describes the query ``status``, which each process answers in a type of its own."""

Report = Callable[[str, str | None], Awaitable[bool]]
"""Tells people of a failure, by its sentence and type; True if the run has come to its end with that."""


class ProcessRun:
    """Base of the workflows that people start: a run of a process."""

    def __init__(self, request: Start, state: ProcessState) -> None:
        self.handover = Handover(request, state)
        self.case = self.new_case(state)
        self.progress = self.case.progress
        self._cancelled: BaseException | None = None
        if request is not None and request.carried is not None:
            self.progress.resume()

    def new_case(self, state: ProcessState) -> Case:
        """What the process works on."""
        return Case(state, self.handover)

    async def check_start(self, request: Start | None, kind: type[Start]) -> None:
        """A run needs its input, which a start may lack: it has to reach ``run``, or the run would hang for ever.

        Raises:
            ApplicationError: ``NoInput``, with what to type; ``ForgedState``.
            ActivityError: the same, as Temporal's own memory shows.
        """
        is_recent()
        if request is None:
            raise ApplicationError(f"No input was given. {kind.usage()}", type=FailureType.NO_INPUT)
        try:
            await refuse_forged(request)
        except (asyncio.CancelledError, ActivityError) as error:
            if not is_cancelled_exception(error):
                raise
            # Nothing that a state names is cleaned up before it is known whose it is.
            await refuse_forged(request)
            self._cancelled = error

    def begin(self) -> None:
        """Raises the cancellation that came while the start was checked, where it is dealt with."""
        if self._cancelled is not None:
            raise self._cancelled

    async def step(self, phase: StrEnum, work: Callable[[], Awaitable[None]]) -> None:
        """Do one step, unless an earlier run of the chain has done it."""
        if self.progress.enter(phase):
            await work()

    @asynccontextmanager
    async def failures_reported(self, report: Report) -> AsyncIterator[None]:
        """Error handling: whatever goes wrong is told before the run fails with it; a cancelled run ends its job."""
        try:
            self.begin()
            yield
        except (asyncio.CancelledError, ActivityError, ApplicationError) as error:
            if is_cancelled_exception(error):
                await self.case.abandon("The run was cancelled.")
                raise
            message, kind = reason(error), failure_type(error)
            if not await self._reported(report, message, kind):
                raise ApplicationError(message, type=kind) from None

    async def _reported(self, report: Report, message: str, kind: str | None) -> bool:
        try:
            return await report(message, kind)
        except (asyncio.CancelledError, ActivityError) as error:
            if is_cancelled_exception(error) and since("clean-up-2026-11"):
                await self.case.abandon("The run was cancelled.")
            raise

    @workflow.signal(name=JOB_CHANGED, description="A job may have finished: ask for it now")
    def job_changed(self, change: JobChanged) -> None:
        self.handover.signalled()
        self.case.jobs.changed(change.job_id)

    @workflow.signal(name=JOB_PROGRESS, description="What the job that is waited for does just now")
    def job_progress(self, progress: JobProgress) -> None:
        self.handover.signalled()
        self.case.jobs.does(progress.job_id, progress.doing)


class AskingRun(ProcessRun):
    """One that waits for people's answers on tickets, and is told that one may have come."""

    @workflow.signal(name=TICKET_CHANGED, description="A ticket may have changed: read it again")
    def ticket_changed(self, change: TicketChanged) -> None:
        self.handover.signalled()
        self.case.questions.hint(change.key)

    @workflow.update(description="Read the open tickets now; answers with what each of them says")
    async def recheck_tickets(self) -> dict[str, str]:
        return await self.case.questions.recheck()
