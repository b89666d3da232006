"""A run whose history has become long goes on as a new one, at a moment when nothing is in flight."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.handovers import HandoverActivities, Predecessor
from mlc.model.failure import FailureType
from mlc.model.monitor_states import RunMonitorStart, UndeployModelStart
from mlc.model.state import DeployModelStart, ProcessState, RunBackTestStart, RunBatchModelJobStart
from workflows.steps.activity import call

MOST_SIGNALS = 1_000
"""The server refuses further ones at some point, and does not suggest a new run because of them."""
MOMENT = timedelta(milliseconds=1)

Start = DeployModelStart | RunBackTestStart | RunBatchModelJobStart | RunMonitorStart | UndeployModelStart
"""What a run may begin with: the input that people send, and what an earlier run hands over."""


class Handover:
    """When a run goes on as a new one. What it hands over is its state, whole."""

    def __init__(self, request: Start, state: ProcessState) -> None:
        self._request = request
        self._state = state
        self._signals = 0
        self._is_too_large = False

    def signalled(self) -> None:
        """Another signal has come."""
        self._signals += 1

    @property
    def due(self) -> bool:
        """Whether it is time, and nobody is in the middle of asking something."""
        is_long = self._signals >= MOST_SIGNALS or workflow.info().is_continue_as_new_suggested()
        return is_long and self._is_possible and workflow.all_handlers_finished()

    @property
    def _is_possible(self) -> bool:
        """Retries and cron starts are new runs of the same input, whose state nobody could tell from a forged one."""
        return self._state.case.policy.handover and not self._is_too_large and not _is_repeated()

    async def take(self) -> None:
        """Go on as a new run. Only from a safe point: a wait for a ticket or a job, with no creation in flight.

        Returns if it can't be after all. A cancellation that came together with the last signal is delivered after it:
        so the run crosses the server once more before it ends itself.
        """
        await workflow.sleep(MOMENT, summary="before the run goes on as a new one")
        state = self._state.handed_over()
        if state is None:
            self._is_too_large = True
            workflow.logger.warning("The state is too large to be handed over: the run goes on with its long history")
        elif self.due:
            workflow.continue_as_new(self._request.model_copy(update={"carried": state}))


async def refuse_forged(request: Start) -> None:
    """State is taken from an earlier run of the same chain only; nobody else may say that a snapshot was approved.

    Raises:
        ApplicationError: ``ForgedState``.
    """
    if request.carried is None:
        return
    info = workflow.info()
    if not info.continued_run_id or info.attempt != 1 or _is_repeated():
        raise ApplicationError(
            "The field carried is for a process itself: only its own earlier run hands over a state. Leave it out.",
            type=FailureType.FORGED_STATE,
        )
    predecessor = Predecessor(
        workflow_id=info.workflow_id,
        run_id=info.continued_run_id,
        workflow_type=info.workflow_type,
        task_queue=info.task_queue,
    )
    await call(HandoverActivities.check_predecessor, predecessor, summary="make sure that this process handed over")


def _is_repeated() -> bool:
    info = workflow.info()
    return bool(info.cron_schedule) or info.retry_policy is not None
