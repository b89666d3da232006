"""DeployModel, "Deploy with run test and Jira": from a snapshot to production under governance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.deployments import DeploymentActivities
from activities.jobs import JobActivities
from activities.monitors import MonitorActivities
from activities.schedules import ScheduleActivities
from activities.snapshots import SnapshotActivities, Submission
from mlc.model.failure import FailureType
from mlc.model.job import JobKind
from mlc.model.processes import (
    DEPLOY_MODEL,
    TICKET_CHANGED,
    DeployModelInput,
    DeployModelResult,
    DeployModelStatus,
    OnFailedVerdict,
    Outcome,
    Phase,
    deploy_model_id,
)
from mlc.model.state import DeployModelStart, DeployModelState, ProcessState
from mlc.model.ticket import Answer, TicketChanged, TicketKind
from workflows.steps.attempt import Attempts, Stopped
from workflows.steps.case import JudgedCase
from workflows.steps.deploy import Rollout
from workflows.steps.monitors import MissingMonitors
from workflows.steps.notices import deployment_ended
from workflows.steps.outcome import (
    decision,
    decision_record,
    metrics_text,
    not_usable,
    one_year_after,
    overtaken_texts,
    places_text,
    settled_text,
    verdict_text,
)
from workflows.steps.precedence import Precedence
from workflows.steps.process_run import STATUS, ProcessRun
from workflows.steps.put_back import PutBack

NOTHING = cast(DeployModelStart, None)
"""Not an optional type: with one, the reader of inputs would show the offending value."""


@workflow.defn(name=DEPLOY_MODEL)
class DeployModel(ProcessRun):
    """Takes one snapshot through training, testing, judgement, approval, monitors, deployment and schedules."""

    case: JudgedCase

    @workflow.init
    def __init__(self, request: DeployModelStart = NOTHING) -> None:
        self.state = (request and request.carried) or DeployModelState.new(
            "" if request is NOTHING else request.snapshot_id
        )
        self.result = self.state.status.result
        super().__init__(request, self.state)
        self.steps = Attempts(self.case, self.state)
        self.monitors = MissingMonitors(self.case, self.state)
        self.rollout = Rollout(self.state.rollout, self.progress, self.case.snapshot.id)
        self.put_back = PutBack(self.case, self.state)
        self.precedence = Precedence(self.case, self.rollout, self.put_back, self.result)

    def new_case(self, state: ProcessState) -> JudgedCase:
        return JudgedCase(state, self.result, self.handover)

    @workflow.run
    async def run(self, request: DeployModelStart = NOTHING) -> DeployModelResult:
        await self.check_start(request, DeployModelStart)
        self.check_own_id()
        step = self.steps.attempt
        async with self.error_handling():
            await step(Phase.SUBMITTED, self.submit)
            await step(Phase.TRAINING, self.train)
            await step(Phase.TESTING, self.test)
            await step(Phase.REVIEW, self.judge)
            while not self.passes:
                await self.reject_results()
                await step(Phase.TESTING, self.test)
                await step(Phase.REVIEW, self.judge)
            await self.review()
            await step(Phase.EXPIRATION, self.update_expiration_date)
            await step(Phase.MONITORS, self.add_missing_monitors)
            await step(Phase.DEPLOYMENT, self.deploy)
            await step(Phase.SCHEDULES, self.copy_schedules)
            await step(Phase.SUPERSEDE, self.supersede)
            await self.close(Outcome.DEPLOYED if self.state.rollout.made else Outcome.OVERTAKEN)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.result

    def check_own_id(self) -> None:
        """A snapshot has one workflow id, so that it can't be deployed twice at once."""
        snapshot_id, own = self.case.snapshot.id, workflow.info().workflow_id
        if own != deploy_model_id(snapshot_id):
            raise ApplicationError(
                f"Snapshot {snapshot_id!r} is deployed under the workflow id {deploy_model_id(snapshot_id)!r}, not "
                f"{own!r}. Start it with: {DeployModelInput.command(snapshot_id)}",
                type=FailureType.WRONG_WORKFLOW_ID,
            )

    async def submit(self) -> None:
        """Model Submitted: the snapshot as it is, and the settings that this run will follow."""
        submission = Submission(snapshot_id=self.case.snapshot.id, first_run_id=workflow.info().first_execution_run_id)
        submitted = await self.case.do(SnapshotActivities.submit_snapshot, submission, "fetch the snapshot")
        self.case.begin(submitted.snapshot, submitted.policy)
        if submitted.not_run:
            raise ApplicationError(submitted.not_run, type=FailureType.UNSUPPORTED_MODEL)

    async def train(self) -> None:
        """Training, if the snapshot is tagged for it: what the job makes becomes part of the snapshot."""
        if not self.case.snapshot.train:
            self.progress.skip("not asked for")
            return
        artefacts = await self.case.run_job(JobKind.TRAINING, JobActivities.finish_training)
        self.progress.note(f"made {', '.join(artefacts) or 'no artefacts'}")

    async def test(self) -> None:
        """Testing, if the snapshot is tagged for it: a reproducible metrics job whose result is kept."""
        self.case.tested(None)
        self.state.told_missing = None
        if not self.case.snapshot.run_test:
            self.progress.skip("not asked for")
            return
        test_result = await self.case.run_job(JobKind.METRICS, JobActivities.finish_test)
        self.case.tested(test_result)
        self.progress.note(metrics_text(test_result))

    async def judge(self) -> None:
        """Approval Based on Test Results, first half: what the decision tables say, if any."""
        if not self.case.snapshot.review:
            self.progress.skip("not asked for")
            return
        self.progress.note(verdict_text(await self.case.judge()))
        await self.monitors.look()

    @property
    def passes(self) -> bool:
        """Whether the results may be put to a reviewer."""
        verdict = self.case.verdict
        return verdict is None or verdict.passed or self.case.policy.on_failed_verdict is OnFailedVerdict.ASK

    async def reject_results(self) -> None:
        """The results did not pass: repaired, they are tested again."""
        message = f"The test result: {verdict_text(self.result.verdict)}"
        ticket = await self.steps.again_or_stop(TicketKind.REJECTION, Phase.REVIEW, message)
        self.case.did_not_pass(ticket)

    async def review(self) -> None:
        """Approval Based on Test Results, second half: the reviewer's decision, however long it takes."""
        if self.progress.is_past(Phase.REVIEW):
            return
        if self.state.reviewed is None:
            if not self.case.snapshot.review:
                return
            passed = self.result.verdict is None or self.result.verdict.passed
            ticket, self.state.reviewed = await self.case.ask(
                TicketKind.REVIEW,
                Phase.REVIEW,
                objection=lambda answer: not_usable(answer, passed),
                without=self.monitors.told,
            )
            self.result.decision = decision(ticket, self.state.reviewed, passed)
        if self.state.reviewed.answer is Answer.REJECTED:
            await self.reject()

    async def reject(self) -> None:
        """The reviewer's no is written down, in the centre and on a ticket, and ends the run."""
        assert self.state.reviewed is not None
        assert self.result.decision is not None
        message = f"The review {self.result.decision.ticket} was rejected. {self.state.reviewed.reason or ''}".strip()
        await self.steps.attempt(Phase.REVIEW, self.record_decision)
        await self.case.report(TicketKind.RECORD, Phase.REVIEW, message)
        raise Stopped(TicketKind.REJECTION, message)

    async def update_expiration_date(self) -> None:
        """Update Expiration Date: the ticket's, or a year from now; with it goes who decided on which evidence."""
        reviewed = self.state.reviewed
        if reviewed is None:
            self.progress.skip("nobody was asked")
            return
        if reviewed.answer is not Answer.APPROVED:  # whatever brought the run here, an answer that is no yes ends it
            raise Stopped(TicketKind.REJECTION, f"The review was answered with {reviewed.answer}.")
        self.result.expiration_date = reviewed.expiration or one_year_after(workflow.now().date())
        await self.record_decision()
        self.progress.note(f"expires {self.result.expiration_date}")

    async def record_decision(self) -> None:
        """Who decided on which evidence, in the centre: there it outlives this run's history."""
        record = decision_record(self.result, self.case.test_result)
        await self.case.do(SnapshotActivities.record_decision, record, "record the decision")

    async def add_missing_monitors(self) -> None:
        """Add Missing Monitors, by the model's methodology."""
        monitors = await self.case.do(
            MonitorActivities.add_missing_monitors, self.case.snapshot.id, "add the missing monitors"
        )
        self.result.monitors_added += monitors.added
        await self.monitors.accept(monitors.missing)
        self.result.warnings += monitors.warnings
        self.progress.note(f"{len(self.result.monitors_added)} added, {len(monitors.warnings)} warnings")

    async def deploy(self) -> None:
        """Model Deployment: online on each matching runtime with endpoints, batch if any has none.

        Where a newer snapshot of the model is, somebody has to allow it.
        """
        in_order = workflow.patched("order-of-snapshots-2026-11")
        self.result.deployments = await self.rollout.run(
            self.case.policy, before=self.precedence.make_way if in_order else None
        )
        self.result.warnings += [f"{d.mode} on {d.runtime}: {d.warning}" for d in self.result.deployments if d.warning]
        self.progress.note(places_text(self.result.deployments))

    async def copy_schedules(self) -> None:
        """Add Schedule: what the previously deployed snapshot of the model had."""
        self.result.schedules_copied = await self.case.do(
            ScheduleActivities.copy_schedules, self.rollout.deployments, "copy the schedules"
        )
        self.progress.note(f"{self.result.schedules_copied} copied")

    async def supersede(self) -> None:
        """In each place exactly one snapshot of the model stays: the highest. From here on nothing else is undone."""
        self.state.superseding = True
        if workflow.patched("overtaken-2026-11"):
            ended = await self.precedence.settle()
            if self.state.rollout.made:
                self.result.warnings += overtaken_texts(self.result)
            self.progress.note(settled_text(ended, self.result))
            return
        others = await self.case.do(
            DeploymentActivities.supersede, self.rollout.deployments, "end the earlier deployments"
        )
        self.progress.note(f"{len(others)} ended")

    @asynccontextmanager
    async def error_handling(self) -> AsyncIterator[None]:
        """Error handling: a rejection completes the run; after an error or a cancel nothing stays half deployed."""
        try:
            try:
                self.begin()
                yield
            except Stopped as stop:
                if stop.kind is TicketKind.REJECTION:
                    await self.close(Outcome.REJECTED)
                    return
                await self.clean_up("The deployment was abandoned.")
                await self.close(Outcome.KEPT if self.state.superseding else Outcome.ABANDONED)
                raise ApplicationError(str(stop), type=FailureType.DEPLOYMENT_ABANDONED) from None
        except (asyncio.CancelledError, ActivityError) as error:
            if is_cancelled_exception(error):
                await self.clean_up("The run was cancelled.")
            raise

    async def close(self, outcome: Outcome) -> None:
        """The last word, in the centre and on the run."""
        self.result.outcome = outcome
        self.progress.enter(Phase.DONE)
        await self.case.notify(deployment_ended(self.result, self.case.snapshot))
        self.progress.finish()

    async def clean_up(self, why: str) -> None:
        """What this run began and nobody will finish; once earlier deployments have ended, the new ones stay.

        Those that gave way to a newer snapshot's do not.
        """
        await self.case.abandon(why)
        if not self.state.superseding:
            await self.case.unless_refused(self.rollout.undo)
        elif self.state.rollout.made and workflow.patched("overtaken-2026-11"):
            await self.case.unless_refused(self.precedence.give_way)
        await self.case.unless_refused(self.rollout.withdraw)
        await self.case.unless_refused(self.put_back.undo)

    @workflow.signal(name=TICKET_CHANGED, description="A ticket may have changed: read it again")
    def ticket_changed(self, change: TicketChanged) -> None:
        self.handover.signalled()
        self.case.questions.hint(change.key)

    @workflow.update(description="Read the open tickets now; answers with what each of them says")
    async def recheck_tickets(self) -> dict[str, str]:
        return await self.case.questions.recheck()

    @workflow.query(description=STATUS)
    def status(self) -> DeployModelStatus:
        return self.state.status
