"""The one rule for failure tickets: Done tries the step again, Rejected stops the process."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from mlc.model.failure import FailureType
    from mlc.model.processes import Phase
    from mlc.model.ticket import Answer, TicketKind

with workflow.unsafe.sandbox_import_notification_policy(workflow.SandboxImportNotificationPolicy.SILENT):
    from workflows.steps.case import Case
    from workflows.steps.once import failure_type, reason

T = TypeVar("T")

REJECTIONS = frozenset(
    {FailureType.MISSING_ASSET, FailureType.JOB_FAILED, FailureType.JOB_DEADLINE, FailureType.RESULT_UNREADABLE}
)
"""Failures that are about the model, not about its surroundings: their ticket is a rejection ticket."""


class Stopped(Exception):
    """A person answered with Rejected: the process goes no further."""

    def __init__(self, kind: TicketKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Attempts:
    """Runs the steps of a process on a case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._again = False

    async def attempt(self, phase: Phase, work: Callable[[], Awaitable[T]]) -> T:
        """Do one step, as often as people answer its tickets with Done.

        Raises:
            Stopped: somebody answered with Rejected.
            ActivityError: the run was cancelled.
            ApplicationError: ``NoSuchSnapshot`` when there is nothing to begin with.
        """
        while True:
            self.case.progress.enter(phase)
            try:
                if self._again:
                    await self.case.refresh()  # somebody may have repaired the snapshot
                    self._again = False
                return await work()
            except (ActivityError, ApplicationError) as error:
                if is_cancelled_exception(error):
                    raise
                if phase is Phase.SUBMITTED and failure_type(error) == FailureType.NO_SUCH_SNAPSHOT:
                    raise ApplicationError(reason(error), type=FailureType.NO_SUCH_SNAPSHOT) from None
                kind = TicketKind.REJECTION if failure_type(error) in REJECTIONS else TicketKind.ERROR
                message = reason(error)
            await self.again_or_stop(kind, phase, message)

    async def again_or_stop(self, kind: TicketKind, phase: Phase, message: str) -> None:
        """Ask by a ticket whether to try again.

        Raises:
            Stopped: the answer was Rejected.
        """
        self.case.progress.failed(message)
        _, answered = await self.case.ask(kind, phase, message)
        if answered.answer is Answer.REJECTED:
            raise Stopped(kind, message)
        self._again = True
