"""UndeployModel: a person is asked whether a snapshot is to be taken out of use, and then it is, or stays."""

from typing import cast

from temporalio import workflow

from activities.deployments import DeploymentActivities
from activities.snapshots import SnapshotActivities
from activities.tickets import Remark, TicketActivities
from mlc.model.monitor_processes import UNDEPLOY_MODEL, UndeployModelResult, UndeployModelStatus, UndeployPhase
from mlc.model.monitor_states import UndeployModelStart, UndeployModelState
from mlc.model.processes import Outcome
from mlc.model.ticket import Answer, TicketKind, TicketRef
from workflows.steps.notices import undeployed, undeployment_failed
from workflows.steps.outcome import decision
from workflows.steps.process_run import STATUS, AskingRun

NOTHING = cast(UndeployModelStart, None)
"""Not an optional type: with one, the reader of inputs would show the offending value."""


@workflow.defn(name=UNDEPLOY_MODEL)
class UndeployModel(AskingRun):
    """Waits for the answer on a ticket, and ends a snapshot's deployments if it is yes."""

    @workflow.init
    def __init__(self, request: UndeployModelStart = NOTHING) -> None:
        self.request = request
        self.state = (request.carried if request else None) or UndeployModelState.new(
            request.snapshot_id if request else ""
        )
        self.result = self.state.status.result
        super().__init__(request, self.state)

    @workflow.run
    async def run(self, request: UndeployModelStart = NOTHING) -> UndeployModelResult:
        await self.check_start(request, UndeployModelStart)
        step = self.step
        async with self.failures_reported(self.report_failure):
            await step(UndeployPhase.MODEL, self.get_model)
            await step(UndeployPhase.APPROVAL, self.ask)
            if self.result.outcome is Outcome.OPEN:
                await step(UndeployPhase.UNDEPLOYMENT, self.undeploy)
        self.progress.enter(UndeployPhase.DONE)
        self.progress.finish()
        return self.result

    async def get_model(self) -> None:
        """Get model: the snapshot that is to be taken out of use."""
        found = await self.case.look(SnapshotActivities.open_snapshot, self.case.snapshot.id, "fetch the snapshot")
        self.case.begin(found.snapshot, found.policy)

    async def ask(self) -> None:
        """Approval: the ticket that the monitor has raised is the question."""
        ticket, answer = await self.case.ask_on(self.request.ticket, TicketKind.UNDEPLOY, UndeployPhase.APPROVAL)
        self.result.decision = decision(ticket, answer, True)
        if answer.answer is not Answer.APPROVED:
            self.progress.note(f"{ticket.key}: it stays in use")
            self.result.outcome = Outcome.REJECTED

    async def undeploy(self) -> None:
        """Undeployment: all deployments of the snapshot, wherever they are."""
        self.result.deployments = await self.case.do(
            DeploymentActivities.undeploy, self.case.snapshot.id, "take the snapshot out of use"
        )
        self.result.outcome = Outcome.UNDEPLOYED
        await self.tell(self.request.ticket)
        await self.case.notify(undeployed(self.case.snapshot, self.result))

    async def tell(self, ticket: TicketRef) -> None:
        """What came of the answer."""
        ended = len(self.result.deployments)
        said = f"{ended} deployments of the snapshot were ended." if ended else "The snapshot was deployed nowhere."
        remark = Remark(ticket=ticket, event_id=f"came-{ticket.label}", text=said)
        await self.case.do(TicketActivities.tell, remark, f"say on {ticket.key} what came of it")

    async def report_failure(self, message: str, _kind: str | None) -> bool:
        """Error handling: a notification with the reason; the run then fails with it."""
        self.progress.failed(message)
        await self.case.abandon(message, undeployment_failed(self.case.snapshot, message))
        self.progress.finish()
        return False

    @workflow.query(description=STATUS)
    def status(self) -> UndeployModelStatus:
        return self.state.status
