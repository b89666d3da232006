"""A state is taken from earlier runs of the same process only, as Temporal remembers them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from backroom import Backroom
from temporalio.api.history.v1 import HistoryEvent
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.handovers import HandoverActivities, Predecessor

OURS = Predecessor(workflow_id="deploy-s", run_id="third", workflow_type="DeployModel", task_queue="mlc")


def begun(workflow_type: str = "DeployModel", task_queue: str = "mlc", before: str = "") -> HistoryEvent:
    event = HistoryEvent(event_id=1)
    started = event.workflow_execution_started_event_attributes
    started.workflow_type.name, started.task_queue.name = workflow_type, task_queue
    started.continued_execution_run_id = before
    return event


class Remembered:
    """Temporal, as far as it remembers the runs of one workflow."""

    def __init__(self, error: RPCStatusCode = RPCStatusCode.NOT_FOUND, **runs: HistoryEvent) -> None:
        self.error, self.runs = error, runs

    def get_workflow_handle(self, workflow_id: str, *, run_id: str) -> Any:
        assert workflow_id == OURS.workflow_id
        return type("Handle", (), {"fetch_history_events": lambda _, **__: self._events(run_id)})()

    async def _events(self, run_id: str) -> AsyncIterator[HistoryEvent]:
        if run_id not in self.runs:
            raise RPCError("no such run", self.error, b"")
        yield self.runs[run_id]


def asking(room: Backroom, temporal: Remembered) -> Backroom:
    info = room.environment.info
    room.environment = ActivityEnvironment(client=temporal)  # type: ignore[arg-type]
    room.environment.info = info
    return room


async def test_a_chain_of_our_own_runs_is_accepted(room: Backroom) -> None:
    chain = {"third": begun(before="second"), "second": begun(before="first"), "first": begun()}
    await asking(room, Remembered(**chain)).run(HandoverActivities().check_predecessor, OURS)


@pytest.mark.parametrize(
    "runs",
    [
        {"third": begun(workflow_type="Impostor")},
        {"third": begun(task_queue="elsewhere")},
        {"third": begun(before="second"), "second": begun(workflow_type="Impostor")},
        {"third": begun(before="second")},
        {},
    ],
    ids=["another type", "another queue", "another type further back", "forgotten further back", "unknown"],
)
async def test_any_other_chain_is_refused(room: Backroom, runs: dict[str, HistoryEvent]) -> None:
    error = await asking(room, Remembered(**runs)).failure(HandoverActivities().check_predecessor, OURS)
    assert (error.type, error.non_retryable) == ("ForgedState", True)


async def test_while_temporal_does_not_answer_nothing_is_said(room: Backroom) -> None:
    """The server tries the activity again."""
    with pytest.raises(RPCError):
        await asking(room, Remembered(RPCStatusCode.UNAVAILABLE)).run(HandoverActivities().check_predecessor, OURS)
