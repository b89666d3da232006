"""RunMonitor: a monitor runs on the snapshot that carries it, its result is judged, and people hear of it."""

from contextlib import suppress
from typing import cast

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.deployments import DeploymentActivities
from activities.snapshots import SnapshotActivities
from activities.watching import NoResult, WatchActivities, WatchJudgement
from mlc.model.breach import Action, Breach
from mlc.model.failure import FailureType
from mlc.model.job import JobFiles, JobKind, Watched
from mlc.model.monitor_processes import (
    RUN_MONITOR,
    UNDEPLOY_MODEL,
    MonitorPhase,
    RunMonitorResult,
    RunMonitorStatus,
    UndeployModelInput,
    monitor_id,
    undeploy_id,
)
from mlc.model.monitor_states import RunMonitorStart, RunMonitorState
from mlc.model.processes import Outcome
from mlc.model.state import ProcessState
from workflows.steps.breach import BreachQuestion
from workflows.steps.case import JudgedCase
from workflows.steps.notices import monitor_not_run, monitor_tells
from workflows.steps.once import failure_type, reason
from workflows.steps.outcome import metrics_text, verdict_text
from workflows.steps.process_run import STATUS, ProcessRun

NOTHING = cast(RunMonitorStart, None)
"""Not an optional type: with one, the reader of inputs would show the offending value."""

NO_RESULT = frozenset(
    {FailureType.MISSING_ASSET, FailureType.JOB_FAILED, FailureType.JOB_DEADLINE, FailureType.RESULT_UNREADABLE}
)
"""What goes wrong with a monitor's job, night after night the same: it raises an alarm as a bad result does."""


@workflow.defn(name=RUN_MONITOR)
class RunMonitor(ProcessRun):
    """Runs one monitor of a snapshot: one run at a time, and none that waits for a person."""

    case: JudgedCase

    @workflow.init
    def __init__(self, request: RunMonitorStart = NOTHING) -> None:
        self.request = request
        # The input's model_id is a snapshot's id, as in ModelOp's signals. It is read here alone.
        snapshot_id, monitor, ticketing, carried = (
            (request.model_id, request.monitor, request.ticketing, request.carried) if request else ("", "", None, None)
        )
        self.state = carried or RunMonitorState.new(snapshot_id, monitor, ticketing)
        self.result = self.state.status.result
        super().__init__(request, self.state)

    def new_case(self, state: ProcessState) -> JudgedCase:
        return JudgedCase(state, self.result, self.handover)

    @workflow.run
    async def run(self, request: RunMonitorStart = NOTHING) -> RunMonitorResult:
        await self.check_start(request, RunMonitorStart)
        self.require_turn()
        step = self.step
        async with self.failures_reported(self.report_failure):
            await step(MonitorPhase.MODEL, self.get_model)
            await step(MonitorPhase.MONITOR, self.run_monitor)
            await step(MonitorPhase.REACTION, self.react)
        self.progress.finish()
        return self.result

    def require_turn(self) -> None:
        """Two runs of a monitor at a time would ask twice: under another id this one is none.

        Raises:
            ApplicationError: ``Refused``.
        """
        wanted = monitor_id(self.request.model_id, self.request.monitor)
        if workflow.info().workflow_id != wanted:
            message = f"This monitor of this snapshot runs under the workflow id {wanted} only. {self.request.usage()}"
            raise ApplicationError(message, type=FailureType.REFUSED)

    @property
    def watched(self) -> Watched:
        return Watched(snapshot_id=self.case.snapshot.id, monitor=self.result.monitor)

    async def get_model(self) -> None:
        """Get model, and the monitor that its snapshot carries."""
        found = await self.case.look(SnapshotActivities.open_snapshot, self.case.snapshot.id, "fetch the snapshot")
        self.case.begin(found.snapshot, found.policy)
        self.state.monitor_snapshot = await self.case.look(
            WatchActivities.find_monitor_snapshot, self.watched, "find the monitor that it carries"
        )
        self.progress.note(self.result.monitor)

    async def run_monitor(self) -> None:
        """Run the monitor's job, and judge its result by the monitor's decision tables."""
        wanted = self.request.output_file
        try:
            judgement = await self.case.jobs.run(
                JobKind.METRICS,
                self.state.monitor_snapshot,
                self.case.policy,
                WatchActivities.judge_monitor,
                files=JobFiles(outputs=[wanted] if wanted else []),
                parameters=self.request.job_parameters,
                watched=self.watched,
            )
        except ActivityError as error:
            if failure_type(error) == FailureType.NOTHING_SCORED_YET:
                self.wait_for_data(reason(error))
                return
            if failure_type(error) not in NO_RESULT:
                raise
            judgement = await self.no_result(reason(error))
        self.judged(judgement)

    def wait_for_data(self, message: str) -> None:
        """A snapshot that is new has nothing to compare yet: that is nobody's question, until it is old."""
        self.result.outcome = Outcome.WAITING
        self.progress.warn([message])

    async def no_result(self, message: str) -> WatchJudgement:
        """No result is no pass: it is kept, and goes on as a breach does."""
        failed = self.case.jobs.in_flight
        lack = NoResult(
            watched=self.watched,
            first_run_id=workflow.info().first_execution_run_id,
            job_id=failed.id if failed else None,
            message=message,
        )
        self.result.outcome = Outcome.ERROR
        return await self.case.do(WatchActivities.judge_no_result, lack, "keep that there is no result")

    def judged(self, judgement: WatchJudgement) -> None:
        self.case.tested(judgement.test_result)
        self.state.case.verdict = self.result.verdict = judgement.verdict
        self.state.before = judgement.before
        self.result.actions, self.result.job_id = judgement.actions, judgement.test_result.job_id
        said = verdict_text(judgement.verdict)
        self.progress.note("; ".join(filter(None, [metrics_text(judgement.test_result), said])))

    async def react(self) -> None:
        """Do what the tables ask for: nothing, a notification, a ticket, or the end of the model's use."""
        asked = self.result.actions
        question = BreachQuestion(self.case, self.result, self.state.before)
        alarms = Action.TICKET in asked or Action.UNDEPLOY in asked
        if Action.NOTIFY in asked:
            await self.case.notify(monitor_tells(self.case.snapshot, self.result, self.case.test_result))
        if alarms:
            breach = await question.goes_on()
            if breach.ticket is not None and breach.is_asked and breach.ticket not in self.result.tickets:
                self.result.tickets.append(breach.ticket)
            self.progress.note(breach.ticket.key if breach.ticket else "")
            if Action.UNDEPLOY in asked:
                await self.undeploy(breach)
        elif self.result.verdict is not None and self.result.verdict.judged:
            await question.is_over()
        self.end(Outcome.FAILED if alarms else Outcome.PASSED)

    async def undeploy(self, breach: Breach) -> None:
        """Undeploy: by a run that waits for the ticket's answer, or at once where a setting says so."""
        assert breach.ticket is not None
        snapshot_id = self.case.snapshot.id
        if not self.case.policy.undeploy_asks:
            ended = await self.case.do(DeploymentActivities.undeploy, snapshot_id, "take the snapshot out of use")
            self.progress.note(f"{len(ended)} deployments ended; {breach.ticket.key}")
            return
        asked = UndeployModelInput(snapshot_id=snapshot_id, ticket=breach.ticket, monitor=self.result.monitor)
        with suppress(WorkflowAlreadyStartedError):  # an earlier night's, which waits or has had its answer
            await workflow.start_child_workflow(
                UNDEPLOY_MODEL,
                asked,
                id=undeploy_id(snapshot_id, breach.ticket.label),
                parent_close_policy=ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )

    async def report_failure(self, message: str, _kind: str | None) -> bool:
        """Error handling: any other error becomes a notification with the reason, and fails the run."""
        self.progress.failed(message)
        await self.case.abandon(message, monitor_not_run(self.case.snapshot, self.result.monitor, message))
        self.progress.finish()
        return False

    def end(self, outcome: Outcome) -> None:
        if self.result.outcome is Outcome.OPEN:
            self.result.outcome = outcome
        self.progress.enter(MonitorPhase.DONE)

    @workflow.query(description=STATUS)
    def status(self) -> RunMonitorStatus:
        return self.state.status
