"""A case: one snapshot, what is known about it, and the tools with which a process works on it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.notifications import NotificationActivities
    from activities.snapshots import SnapshotActivities, Submission
    from mlc.model.job import Job, JobKind, TestResult
    from mlc.model.processes import DeployModelResult, DeployModelStatus, Phase, Policy
    from mlc.model.short import beginning
    from mlc.model.snapshot import SnapshotSummary
    from mlc.model.ticket import Answer, TicketKind, TicketQuestion, TicketRef, TicketState

with workflow.unsafe.sandbox_import_notification_policy(workflow.SandboxImportNotificationPolicy.SILENT):
    from workflows.steps.activity import call
    from workflows.steps.ask import Objection, Questions, no_objection
    from workflows.steps.attempt import Attempts
    from workflows.steps.jobs import Jobs
    from workflows.steps.once import reason
    from workflows.steps.outcome import announcement
    from workflows.steps.progress import Progress

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Case:
    """Holds all state of a run. Only the steps change it, through ``progress`` where people are to see it."""

    def __init__(self, snapshot_id: str) -> None:
        self.snapshot = SnapshotSummary(id=snapshot_id, name="", model_id="", model_name="")
        self.policy = Policy()
        self.test_result: TestResult | None = None
        self.result = DeployModelResult(outcome="", snapshot_id=snapshot_id)
        self.state = DeployModelStatus(phase=Phase.SUBMITTED, result=self.result)
        self.progress = Progress(self.state)
        self.jobs = Jobs(self.progress)
        self.questions = Questions(self.progress)
        self.steps = Attempts(self.progress, self._ask_to_repair, self._refresh)

    async def do(
        self, activity: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, summary: str
    ) -> Result:
        """Run an activity that can be repeated, for as long as this case has patience."""
        return await call(activity, argument, summary=summary, patience=self.policy.patience)

    async def open(self) -> None:
        """Read the snapshot, and fix the settings that this run will follow."""
        submission = Submission(snapshot_id=self.snapshot.id, first_run_id=workflow.info().first_execution_run_id)
        submitted = await self.do(SnapshotActivities.submit_snapshot, submission, "fetch the snapshot")
        self.snapshot, self.policy = submitted.snapshot, submitted.policy
        self.progress.of(self.snapshot)

    async def close(self, outcome: str) -> None:
        """The last word, in the centre and on the run. What is done stays done if the centre refuses to hear it."""
        self.result.outcome = outcome
        self.progress.enter(Phase.DONE)
        await self.unless_refused(
            lambda: call(NotificationActivities.notify, announcement(self.result, self.snapshot), summary="notify")
        )
        self.progress.finish()

    async def abandon(self, why: str) -> None:
        """End the job in flight and withdraw the open tickets. What the other side refuses does not stop the rest."""
        await self.unless_refused(self.jobs.cancel)
        await self.unless_refused(lambda: self.questions.withdraw(why))

    async def unless_refused(self, part: Callable[[], Awaitable[None]]) -> None:
        """Do a part of a clean-up; if it can't be done, the result says so."""
        try:
            await part()
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self.result.warnings.append(beginning(reason(error), 300))

    async def run_job(self, kind: JobKind, finish: Callable[[Any, Job], Awaitable[Result]]) -> Result:
        """Create a job for the snapshot and wait until ``finish`` has its answer."""
        return await self.jobs.run(kind, self.snapshot.id, self.policy, finish)

    def tested(self, test_result: TestResult | None) -> None:
        """This is the evidence that counts."""
        self.test_result = test_result
        self.result.test_result_id = test_result.id if test_result else None

    async def ask(
        self, kind: TicketKind, phase: Phase, message: str = "", *, objection: Objection = no_objection
    ) -> tuple[TicketRef, TicketState]:
        """Put a question to people with all that is known so far, and wait for an answer that can be used."""
        return await self.questions.ask(self._question(kind, phase, message), self.policy, objection)

    async def tell(self, kind: TicketKind, phase: Phase, message: str) -> None:
        """Write something down on a ticket that nobody waits for."""
        await self.questions.tell(self._question(kind, phase, message), self.policy)

    def _question(self, kind: TicketKind, phase: Phase, message: str) -> TicketQuestion:
        failed_job = self.jobs.in_flight
        return TicketQuestion(
            kind=kind,
            step=phase,
            snapshot_id=self.snapshot.id,
            model_name=beginning(self.snapshot.model_name, 120),
            workflow_id=workflow.info().workflow_id,
            run_id=workflow.info().run_id,
            message=beginning(message, 500),
            job_id=failed_job.id if failed_job else None,
            test_result=self.test_result.model_copy(update={"metrics": {}}) if self.test_result else None,
            verdict=self.result.verdict,
        )

    async def _refresh(self) -> None:
        """Somebody may have repaired the snapshot."""
        self.snapshot = await self.do(SnapshotActivities.get_snapshot, self.snapshot.id, "fetch the snapshot afresh")

    async def _ask_to_repair(self, kind: TicketKind, phase: Phase, message: str) -> Answer:
        _, state = await self.ask(kind, phase, message)
        return state.answer
