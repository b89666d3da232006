"""DeployModel, "Deploy with run test and Jira": from a snapshot to production under governance."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.deployments import DeploymentActivities
    from activities.jobs import JobActivities
    from activities.monitors import MonitorActivities
    from activities.notifications import NotificationActivities
    from activities.schedules import ScheduleActivities
    from activities.snapshots import SnapshotActivities, Submission
    from activities.verdicts import JudgeRequest, VerdictActivities
    from mlc.model.failure import FailureType
    from mlc.model.job import JobChanged, JobKind, TestResult
    from mlc.model.processes import (
        DEPLOY_MODEL,
        JOB_CHANGED,
        TICKET_CHANGED,
        DeployModelInput,
        DeployModelResult,
        DeployModelStatus,
        Phase,
        Policy,
        deploy_model_id,
    )
    from mlc.model.snapshot import SnapshotSummary
    from mlc.model.ticket import Answer, TicketChanged, TicketKind, TicketQuestion, TicketState

with workflow.unsafe.sandbox_import_notification_policy(workflow.SandboxImportNotificationPolicy.SILENT):
    from workflows.steps.activity import call
    from workflows.steps.ask import Questions
    from workflows.steps.attempt import Attempts, Stopped
    from workflows.steps.deploy import Rollout
    from workflows.steps.jobs import Jobs
    from workflows.steps.outcome import (
        announcement,
        decision,
        decision_record,
        metrics_text,
        not_usable,
        one_year_after,
        verdict_text,
    )
    from workflows.steps.progress import Progress

A = TypeVar("A")
T = TypeVar("T")

NOTHING = cast(DeployModelInput, None)
"""A start without input has to reach ``run``, which can say what is missing; otherwise it would hang for ever. (Not an
optional type: with one, the reader of inputs would show the offending value.)"""


@workflow.defn(name=DEPLOY_MODEL)
class DeployModel:
    """Takes one snapshot through training, testing, judgement, approval, monitors, deployment and schedules."""

    @workflow.init
    def __init__(self, request: DeployModelInput = NOTHING) -> None:
        snapshot_id = request.snapshot_id if request is not NOTHING else ""
        self.snapshot = SnapshotSummary(id=snapshot_id, name="", model_id="", model_name="")
        self.result = DeployModelResult(outcome="", snapshot_id=snapshot_id)
        self.state = DeployModelStatus(phase=Phase.SUBMITTED, result=self.result)
        self.policy = Policy()
        self.test_result: TestResult | None = None
        self.answer: TicketState | None = None
        self.superseding = False
        self.progress = Progress(self.state)
        self.questions = Questions(self.progress)
        self.steps = Attempts(self.progress, self.ask_to_repair, self.refresh)
        self.jobs = Jobs(self.progress)
        self.rollout = Rollout(self.progress, snapshot_id)

    @workflow.run
    async def run(self, request: DeployModelInput = NOTHING) -> DeployModelResult:
        self.check_start(request)
        try:
            await self.steps.attempt(Phase.SUBMITTED, self.submit)
            await self.steps.attempt(Phase.TRAINING, self.train)
            await self.steps.attempt(Phase.TESTING, self.test)
            while not await self.steps.attempt(Phase.REVIEW, self.passes):
                await self.reject_results()
                await self.steps.attempt(Phase.TESTING, self.test)
            await self.review()
            await self.steps.attempt(Phase.EXPIRATION, self.update_expiration_date)
            await self.steps.attempt(Phase.MONITORS, self.add_missing_monitors)
            await self.steps.attempt(Phase.DEPLOYMENT, self.deploy)
            await self.steps.attempt(Phase.SCHEDULES, self.copy_schedules)
            await self.steps.attempt(Phase.SUPERSEDE, self.supersede)
            await self.end("deployed")
        except Stopped as stop:
            await self.stop(stop)
        except (asyncio.CancelledError, ActivityError) as error:
            if is_cancelled_exception(error):
                await self.clean_up("The run was cancelled.")
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.result

    def check_start(self, request: DeployModelInput) -> None:
        """A run needs its input, and the one id for its snapshot, so that it can't be deployed twice at once."""
        if request is NOTHING:
            raise ApplicationError(f"No input was given. {DeployModelInput.usage()}", type=FailureType.NO_INPUT)
        own, expected = workflow.info().workflow_id, deploy_model_id(request.snapshot_id)
        if own != expected:
            raise ApplicationError(
                f"Snapshot {request.snapshot_id!r} is deployed under the workflow id {expected!r}, not {own!r}. "
                f"Start it with: {DeployModelInput.command(request.snapshot_id)}",
                type=FailureType.WRONG_WORKFLOW_ID,
            )

    async def submit(self) -> None:
        """Model Submitted: the snapshot as it is now, and the settings that this run will follow."""
        submission = Submission(snapshot_id=self.snapshot.id, first_run_id=workflow.info().first_execution_run_id)
        submitted = await self.do(SnapshotActivities.submit_snapshot, submission, "fetch the snapshot")
        self.snapshot, self.policy = submitted.snapshot, submitted.policy
        self.progress.of(self.snapshot)

    async def train(self) -> None:
        """Training, if the snapshot is tagged for it: what the job makes becomes part of the snapshot."""
        if not self.snapshot.train:
            return self.progress.skip("not asked for")
        artefacts = await self.jobs.run(JobKind.TRAINING, self.snapshot.id, self.policy, JobActivities.finish_training)
        self.progress.note(f"made {', '.join(artefacts) or 'no artefacts'}")

    async def test(self) -> None:
        """Testing, if the snapshot is tagged for it: a reproducible metrics job whose result is kept."""
        if not self.snapshot.run_test:
            return self.progress.skip("not asked for")
        self.test_result = await self.jobs.run(
            JobKind.METRICS, self.snapshot.id, self.policy, JobActivities.finish_test
        )
        self.result.test_result_id = self.test_result.id
        self.progress.note(metrics_text(self.test_result))

    async def passes(self) -> bool:
        """Approval Based on Test Results, first half: what the decision tables say, if any."""
        if not self.snapshot.review:
            self.progress.skip("not asked for")
            return True
        request = JudgeRequest(snapshot_id=self.snapshot.id, test_result=self.test_result)
        judgement = await self.do(VerdictActivities.judge, request, "judge the test result")
        self.result.verdict = judgement.verdict
        self.result.test_result_id = judgement.test_result.id if judgement.test_result else None
        self.test_result = judgement.test_result
        self.progress.note(verdict_text(judgement.verdict))
        return judgement.verdict.passed or self.policy.on_failed_verdict == "ask"

    async def reject_results(self) -> None:
        """The results did not pass: repaired, they are tested again."""
        message = f"The test result did not pass the decision tables. {verdict_text(self.result.verdict)}"
        await self.steps.again_or_stop(TicketKind.REJECTION, Phase.REVIEW, message)

    async def review(self) -> None:
        """Approval Based on Test Results, second half: the reviewer's decision, however long it takes."""
        if not self.snapshot.review:
            return
        passed = self.result.verdict is None or self.result.verdict.passed
        question = self.question(TicketKind.REVIEW, Phase.REVIEW)
        ticket, answer = await self.questions.ask(question, self.policy, lambda state: not_usable(state, passed))
        self.answer = answer
        self.result.decision = decision(ticket, answer, passed)
        if answer.answer is Answer.REJECTED:
            message = f"The review {ticket.key} was rejected. {answer.reason or ''}".strip()
            await self.questions.tell(self.question(TicketKind.RECORD, Phase.REVIEW, message), self.policy)
            raise Stopped(TicketKind.REJECTION, message)

    async def update_expiration_date(self) -> None:
        """Update Expiration Date: the ticket's, or a year from now; with it goes who decided on which evidence."""
        if self.answer is None or self.result.decision is None:
            return self.progress.skip("nobody was asked")
        self.result.expiration_date = self.answer.expiration or one_year_after(workflow.now().date())
        record = decision_record(self.result, self.test_result)
        await self.do(SnapshotActivities.record_decision, record, "record the decision")
        self.progress.note(f"expires {self.result.expiration_date}")

    async def add_missing_monitors(self) -> None:
        """Add Missing Monitors, by the model's methodology."""
        monitors = await self.do(MonitorActivities.add_missing_monitors, self.snapshot.id, "add the missing monitors")
        self.result.monitors_added = monitors.added
        self.result.warnings += monitors.warnings
        self.progress.note(f"{len(monitors.added)} added, {len(monitors.warnings)} warnings")

    async def deploy(self) -> None:
        """Model Deployment: online on each matching runtime with endpoints, batch if any has none."""
        self.result.deployments = await self.rollout.run(self.policy)
        self.progress.note(", ".join(f"{d.mode} on {d.runtime or 'no runtime yet'}" for d in self.result.deployments))

    async def copy_schedules(self) -> None:
        """Add Schedule: what the previously deployed snapshot of the model had."""
        self.result.schedules_copied = await self.do(
            ScheduleActivities.copy_schedules, self.rollout.deployments, "copy the schedules"
        )
        self.progress.note(f"{self.result.schedules_copied} copied")

    async def supersede(self) -> None:
        """The model's earlier deployments in the same places end. From here on nothing is undone."""
        self.superseding = True
        ended = await self.do(DeploymentActivities.supersede, self.rollout.deployments, "end the earlier deployments")
        self.progress.note(f"{len(ended)} ended")

    async def end(self, outcome: str) -> None:
        """The last word, in the centre and on the run."""
        self.result.outcome = outcome
        self.progress.enter(Phase.DONE)
        await call(NotificationActivities.notify, announcement(self.result, self.snapshot), summary="notify")
        self.progress.finish()

    async def stop(self, stop: Stopped) -> None:
        """Error handling: after a rejection the run is complete; after an error nothing stays half deployed."""
        if stop.kind is TicketKind.REJECTION:
            await self.end("rejected")
            return
        await self.clean_up("The deployment was abandoned.")
        await self.end("abandoned")
        raise ApplicationError(str(stop), type=FailureType.DEPLOYMENT_ABANDONED)

    async def clean_up(self, why: str) -> None:
        """What this run began and nobody will finish; once earlier deployments have ended, the new ones stay."""
        await self.jobs.cancel()
        await self.questions.withdraw(why)
        if not self.superseding:
            await self.rollout.undo()

    async def do(self, activity: Callable[[Any, A], Awaitable[T]], argument: A, summary: str) -> T:
        return await call(activity, argument, summary=summary, patience=self.policy.patience)

    async def refresh(self) -> None:
        """The snapshot as it is now: somebody may have repaired it."""
        self.snapshot = await self.do(SnapshotActivities.get_snapshot, self.snapshot.id, "fetch the snapshot afresh")

    async def ask_to_repair(self, kind: TicketKind, phase: Phase, message: str) -> Answer:
        """A failure ticket: Done tries the step again, Rejected stops the process."""
        return (await self.questions.ask(self.question(kind, phase, message), self.policy))[1].answer

    def question(self, kind: TicketKind, phase: Phase, message: str = "") -> TicketQuestion:
        return TicketQuestion(
            kind=kind,
            step=phase,
            snapshot_id=self.snapshot.id,
            model_name=self.snapshot.model_name,
            workflow_id=workflow.info().workflow_id,
            run_id=workflow.info().run_id,
            message=message[:900],
            job_id=self.jobs.in_flight.id if self.jobs.in_flight else None,
            test_result=self.test_result,
            verdict=self.result.verdict,
        )

    @workflow.signal(name=TICKET_CHANGED, description="A ticket may have changed: read it again")
    def ticket_changed(self, change: TicketChanged) -> None:
        self.questions.hint(change.key)

    @workflow.signal(name=JOB_CHANGED, description="A job may have finished: ask for it now")
    def job_changed(self, change: JobChanged) -> None:
        self.jobs.changed(change.job_id)

    @workflow.update(description="Read the open tickets now; answers with what each of them says")
    async def recheck_tickets(self) -> dict[str, str]:
        return await self.questions.recheck()

    @workflow.query(description="Where the run stands, what it waits for and what it has done so far")
    def status(self) -> DeployModelStatus:
        return self.state
