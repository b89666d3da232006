"""Handovers: whether the run that a state comes from was one of the same process."""

from dataclasses import dataclass

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import non_retryable
from mlc.model.base import Record
from mlc.model.failure import FailureType

FORGED = "The state does not come from a run of this process: start it anew, without the field carried."


class Predecessor(Record):
    """The run that a state is said to come from, and what it must have been."""

    workflow_id: str
    run_id: str
    workflow_type: str
    task_queue: str


@dataclass
class HandoverActivities:
    """Asks Temporal itself: whoever may start workflows may also let one of their own continue as one of ours."""

    @activity.defn
    async def check_predecessor(self, predecessor: Predecessor) -> None:
        """Make sure that each run of the chain, back to the first, was of this type and on this task queue.

        Raises:
            ApplicationError: ``ForgedState`` (final) if one was not, or can't be found.
        """
        run_id = predecessor.run_id
        while run_id:
            run = activity.client().get_workflow_handle(predecessor.workflow_id, run_id=run_id)
            try:
                first = await anext(aiter(run.fetch_history_events(page_size=1)))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                raise non_retryable(FailureType.FORGED_STATE, FORGED) from None
            started = first.workflow_execution_started_event_attributes
            if (started.workflow_type.name, started.task_queue.name) != (
                predecessor.workflow_type,
                predecessor.task_queue,
            ):
                raise non_retryable(FailureType.FORGED_STATE, FORGED)
            run_id = started.continued_execution_run_id
