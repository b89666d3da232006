"""A run whose history has become long goes on as a new one, at a moment when nothing is in flight."""

from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from mlc.model.failure import FailureType
from mlc.model.state import ProcessState, Start

MOST_SIGNALS = 1_000
"""The server refuses further ones at some point, and does not suggest a new run because of them."""


class Handover:
    """When a run goes on as a new one. What it hands over is its state, whole."""

    def __init__(self, request: Start, state: ProcessState) -> None:
        self._request = request
        self._state = state
        self._signals = 0

    def signalled(self) -> None:
        """Another signal has come."""
        self._signals += 1

    @property
    def due(self) -> bool:
        """Whether it is time, and nobody is in the middle of asking something."""
        is_long = self._signals >= MOST_SIGNALS or workflow.info().is_continue_as_new_suggested()
        return is_long and workflow.all_handlers_finished()

    def take(self) -> NoReturn:
        """Go on as a new run. Only from a safe point: a wait for a ticket or a job, with no creation in flight."""
        workflow.continue_as_new(self._request.model_copy(update={"carried": self._state.handed_over()}))


def refuse_forged(request: Start) -> None:
    """State is taken from an earlier run of the same chain only; nobody else may say that a snapshot was approved.

    Raises:
        ApplicationError: ``ForgedState``.
    """
    info = workflow.info()
    handed_over = info.continued_run_id and info.attempt == 1 and not info.cron_schedule and info.retry_policy is None
    if request.carried is not None and not handed_over:
        raise ApplicationError(
            "The field carried is for a process itself: only its own earlier run hands over a state. Leave it out.",
            type=FailureType.FORGED_STATE,
        )
