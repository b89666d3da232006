"""A run is cancelled while it is not known yet whose state it was given: what the state names is touched only after."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from deploying import cancelled, places
from office import Office, Run, office
from servers import eventually
from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from test_handover import Impostor, begun_anew

from activities.handovers import HandoverActivities, Predecessor
from mlc.model.failure import innermost
from mlc.model.processes import Phase, deploy_model_id
from mlc.model.state import DeployModelStart, DeployModelState, OpenQuestion
from mlc.model.ticket import TicketKind, TicketRef


class Gate:
    """Holds up each check of a predecessor until it is let through, and counts those that came."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.came, self.passes = 0, asyncio.Semaphore(0)
        gate = self

        class Gated(HandoverActivities):
            @activity.defn
            async def check_predecessor(self, predecessor: Predecessor) -> None:
                gate.came += 1
                async with gate.passes:
                    gate.passes.release()  # what is open stays open, for any number
                await super().check_predecessor(predecessor)

        monkeypatch.setattr("mlc.worker.HandoverActivities", Gated)

    async def reached(self, number: int) -> None:
        async def so_many() -> bool:
            return self.came >= number

        await eventually(so_many)

    def open(self) -> None:
        self.passes.release()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Ask for it before a desk, whose worker it is put into."""
    return Gate(monkeypatch)


@pytest.mark.parametrize("opened", ["before the cancel", "after the cancel", "after the second check came"])
async def test_a_cancel_while_the_handover_is_checked_withdraws_the_ticket(
    restless_server: WorkflowEnvironment, tmp_path: Path, gate: Gate, opened: str
) -> None:
    async with office(restless_server.client, tmp_path) as desk:
        run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
        await begun_anew(run, 1)
        await gate.reached(1)
        (ticket,) = [TicketRef(**one) for one in await open_tickets(run)]
        if opened == "before the cancel":
            gate.open()
        await run.cancel()
        if opened == "after the cancel":
            gate.open()
        if opened == "after the second check came":
            await gate.reached(2)
            assert (await desk.fields(ticket))["status"]["name"] == "To Do"
            gate.open()
        await cancelled(run)
        assert (await desk.fields(ticket))["status"]["name"] == "Withdrawn"


async def open_tickets(run: Run) -> list[dict[str, Any]]:
    return list((await run.query("status"))["open_tickets"])


async def test_a_cancelled_impostor_withdraws_nobody_elses_ticket_and_ends_nobody_elses_deployment(
    gate: Gate, desk: Office, dev_server: WorkflowEnvironment
) -> None:
    await desk.engine("batch")
    other = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await desk.ticket(other, "review")
    snapshot_id = await desk.snapshot("jira")
    state = DeployModelState.new(snapshot_id)
    state.status.phase = Phase.REVIEW
    state.status.open_tickets = [ticket]
    state.questions.open = [OpenQuestion(kind=TicketKind.REVIEW, step=Phase.REVIEW, ticket=ticket)]
    forged = DeployModelStart(snapshot_id=snapshot_id, carried=state)
    own, theirs = f"impostor-{uuid.uuid4()}", dev_server.client  # without our plugin
    async with Worker(theirs, task_queue=own, workflows=[Impostor], workflow_runner=UnsandboxedWorkflowRunner()):
        run = await theirs.start_workflow(
            "Impostor", args=[desk.task_queue, forged], id=deploy_model_id(snapshot_id), task_queue=own
        )
        await gate.reached(1)
        await theirs.get_workflow_handle(run.id).cancel()
        await gate.reached(2)
        gate.open()
        with pytest.raises(WorkflowFailureError) as failure:
            await run.result()
    assert getattr(innermost(failure.value), "type", None) == "ForgedState"
    assert (await desk.fields(ticket))["status"]["name"] == "To Do"
    assert await places(desk, snapshot_id) == []
