"""The one rule for failure tickets: Done tries the step again, Rejected stops the process."""

from collections.abc import Awaitable, Callable

from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from mlc.model.failure import FailureType, MlcError
from mlc.model.processes import Phase
from mlc.model.state import DeployModelState, Failure
from mlc.model.ticket import Answer, TicketKind, TicketRef, TicketState
from workflows.steps.case import Case
from workflows.steps.once import failure_type, reason

REJECTIONS = frozenset(
    {
        FailureType.UNSUPPORTED_MODEL,
        FailureType.MISSING_ASSET,
        FailureType.JOB_FAILED,
        FailureType.JOB_DEADLINE,
        FailureType.RESULT_UNREADABLE,
    }
)
"""Failures that are about the model, not about its surroundings: their ticket is a rejection ticket."""


NOTHING_TO_DEPLOY = frozenset({FailureType.NO_SUCH_SNAPSHOT, FailureType.NOT_DEPLOYABLE})
"""Failures of the first step that no ticket could mend: the run fails at once."""


class Stopped(MlcError):
    """A person answered with Rejected: the process goes no further."""

    def __init__(
        self, kind: TicketKind, message: str, ticket: TicketRef | None = None, answer: TicketState | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.ticket = ticket
        self.answer = answer


class Attempts:
    """Runs the steps of a process on a case."""

    def __init__(self, case: Case, state: DeployModelState) -> None:
        self.case = case
        self.state = state

    async def attempt(self, phase: Phase, work: Callable[[], Awaitable[None]]) -> None:
        """Do one step, as often as people answer its tickets with Done.

        Raises:
            Stopped: somebody answered with Rejected.
            ActivityError: the run was cancelled.
            ApplicationError: ``NoSuchSnapshot`` or ``NotDeployable`` when there is nothing to begin with.
        """
        while self.case.progress.enter(phase):
            if self.state.failure is None:  # else an earlier run of the chain has asked about it
                try:
                    if self.state.again:
                        await self.case.refresh()  # somebody may have repaired the snapshot
                        self.state.again = False
                    return await work()
                except (ActivityError, ApplicationError) as error:
                    if is_cancelled_exception(error):
                        raise
                    if phase is Phase.SUBMITTED and failure_type(error) in NOTHING_TO_DEPLOY:
                        raise ApplicationError(reason(error), type=failure_type(error)) from None
                    kind = TicketKind.REJECTION if failure_type(error) in REJECTIONS else TicketKind.ERROR
                    self.state.failure = Failure(kind=kind, message=reason(error))
            await self.again_or_stop(self.state.failure.kind, phase, self.state.failure.message)
            self.state.failure = None
        return None

    async def again_or_stop(self, kind: TicketKind, phase: Phase, message: str) -> TicketRef:
        """Ask by a ticket whether to try again; that ticket.

        Raises:
            Stopped: the answer was Rejected.
        """
        self.case.progress.failed(message)
        ticket, answered = await self.case.ask(kind, phase, message)
        if answered.answer is Answer.REJECTED:
            raise Stopped(kind, message, ticket, answered)
        self.state.again = True
        return ticket
