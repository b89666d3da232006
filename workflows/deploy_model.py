"""DeployModel, "Deploy with run test and Jira": from a snapshot to production under governance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.deployments import DeploymentActivities, Deployments
from activities.jobs import JobActivities
from activities.monitors import MonitorActivities
from activities.schedules import ScheduleActivities
from activities.snapshots import SnapshotActivities, Submission
from mlc.model.failure import FailureType
from mlc.model.job import JobKind
from mlc.model.processes import (
    DEPLOY_MODEL,
    DeployModelInput,
    DeployModelResult,
    DeployModelStatus,
    Outcome,
    Phase,
    deploy_model_id,
)
from mlc.model.state import DeployModelStart, DeployModelState, ProcessState
from mlc.model.ticket import TicketKind
from workflows.steps.attempt import Attempts, Stopped
from workflows.steps.case import JudgedCase
from workflows.steps.clean_up import Part, to_the_end
from workflows.steps.deploy import Rollout
from workflows.steps.ending import Ending
from workflows.steps.monitors import MissingMonitors
from workflows.steps.notices import deployment_ended
from workflows.steps.outcome import DIFFERENT_FILES, metrics_text, overtaken_texts, places_text, settled_text
from workflows.steps.patches import since
from workflows.steps.precedence import Precedence
from workflows.steps.process_run import STATUS, AskingRun
from workflows.steps.put_back import PutBack
from workflows.steps.review import Review

NOTHING = cast(DeployModelStart, None)
"""Not an optional type: with one, the reader of inputs would show the offending value."""


@workflow.defn(name=DEPLOY_MODEL)
class DeployModel(AskingRun):
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
        self.review = Review(self.case, self.state, self.steps, self.monitors)
        self.ending = Ending(self.case, self.result)
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
            await step(Phase.REVIEW, self.review.judge)
            await self.approve()
            await step(Phase.MONITORS, self.add_missing_monitors)
            await step(Phase.DEPLOYMENT, self.deploy)
            while self.review.is_outdated:
                await self.approve()
                await step(Phase.DEPLOYMENT, self.deploy)
            await step(Phase.SCHEDULES, self.copy_schedules)
            await step(Phase.SUPERSEDE, self.supersede)
            await self.conclude()
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

    async def approve(self) -> None:
        """The review and what follows from it: what does not pass is tested again before anybody is asked.

        It is asked anew for as long as what was approved is not what there is.
        """
        while True:
            while not self.review.passes:
                await self.review.reject_results()
                await self.steps.attempt(Phase.TESTING, self.test)
                await self.steps.attempt(Phase.REVIEW, self.review.judge)
            await self.review.decide()
            if not self.review.passes:  # by the tables as they are now
                continue
            await self.steps.attempt(Phase.EXPIRATION, self.review.update_expiration_date)
            if not self.review.is_outdated:
                return

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
        in_order = since("order-of-snapshots-2026-11")
        before = self.precedence.make_way if in_order else None
        deployments = await self.review.as_approved(
            lambda approved: self.rollout.run(self.case.policy, approved, before), self.precedence.start_over
        )
        if deployments is None:
            return
        self.result.deployments = deployments
        self.result.warnings += [f"{d.mode} on {d.runtime}: {d.warning}" for d in deployments if d.warning]
        if len({d.digest for d in deployments if d.digest}) > 1:
            self.progress.warn([DIFFERENT_FILES])
        self.progress.note(places_text(self.result.deployments))

    async def copy_schedules(self) -> None:
        """Add Schedule: what the previously deployed snapshot of the model had."""
        self.result.schedules_copied = await self.case.do(
            ScheduleActivities.copy_schedules, self.made, "copy the schedules"
        )
        self.progress.note(f"{self.result.schedules_copied} copied")

    @property
    def made(self) -> Deployments:
        """The run's own deployments."""
        return self.rollout.deployments.model_copy(update={"model_id": self.case.snapshot.model_id})

    async def supersede(self) -> None:
        """In each place exactly one snapshot of the model stays: the highest. From here on nothing else is undone."""
        self.state.superseding = True
        if since("overtaken-2026-11"):
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
                self.progress.rejected()
                if stop.kind is TicketKind.REJECTION:
                    await self.go_no_further("", Outcome.REJECTED)
                    return
                await self.go_no_further("The deployment was abandoned.", self.left)
                raise ApplicationError(str(stop), type=FailureType.DEPLOYMENT_ABANDONED) from None
        except (asyncio.CancelledError, ActivityError) as error:
            if is_cancelled_exception(error):
                await self.go_no_further("The run was cancelled.", self.left, cancelled=True)
            raise

    async def go_no_further(self, why: str, outcome: Outcome, *, cancelled: bool = False) -> None:
        """Clean up, if there is a reason to (``why``), and say what came of the run."""
        if since("clean-up-2026-11"):
            await to_the_end(self.wind_up(why, outcome, cancelled=cancelled))
            return
        if why:
            await self.clean_up(why)
        await (self.leave_word() if cancelled else self.close(outcome))

    @property
    def left(self) -> Outcome:
        """What is left of a run that goes no further."""
        return Outcome.KEPT if self.state.superseding else Outcome.ABANDONED

    async def wind_up(self, why: str, outcome: Outcome, *, cancelled: bool = False) -> None:
        """In parts that don't wait for each other. What is said waits until each is done, or known to be held up.

        Cancelled meanwhile, the run comes by here again, and finds everything begun.
        """
        self.case.clean_up.begin(self.to_clean_up(why) if why else [])
        await self.case.clean_up.settled()
        if not cancelled:
            self.result.outcome = outcome
        held_up = self.case.clean_up.held_up
        self.case.clean_up.begin(self.ending.words(outcome, cancelled=cancelled, held_up=held_up))
        await self.case.clean_up.finished()
        if not cancelled:
            self.progress.enter(Phase.DONE)
            self.progress.finish()

    def to_clean_up(self, why: str) -> list[Part]:
        """What this run began and nobody will finish; once earlier deployments have ended, the new ones stay.

        Those that gave way to a newer snapshot's do not.
        """
        own = [
            *self.rollout.to_take_back,
            *(self.precedence.to_give_way if self.state.superseding else self.rollout.to_undo),
        ]
        return [*own, *self.put_back.to_do(own), *self.case.to_abandon(why)]

    async def conclude(self) -> None:
        """What came of it, in the centre: deployed, unless newer snapshots have taken all of its places."""
        if not self.state.rollout.made:
            await self.close(Outcome.OVERTAKEN)
            return
        await self.steps.attempt(Phase.DONE, lambda: self.ending.record(Outcome.DEPLOYED))
        await self.close(Outcome.DEPLOYED)

    async def close(self, outcome: Outcome) -> None:
        """The last word, in the centre, on the run and on its tickets."""
        self.result.outcome = outcome
        if self.state.status.phase is not Phase.DONE:
            self.progress.enter(Phase.DONE)
        if outcome is not Outcome.DEPLOYED:
            await self.case.unless_refused(lambda: self.ending.record(outcome))
        await self.case.notify(deployment_ended(self.result, self.case.snapshot))
        await self.ending.tell()
        self.progress.finish()

    async def leave_word(self) -> None:
        """What is left of a cancelled run, in its record and on its tickets: of one from before, as ``clean_up``."""
        await self.case.unless_refused(lambda: self.ending.record(self.left, cancelled=True))
        await self.ending.tell(cancelled=self.left)

    async def clean_up(self, why: str) -> None:
        """``to_clean_up``, one after the other: in a run from before clean-ups were made in parts."""
        await self.case.abandon(why)
        if not self.state.superseding:
            await self.case.unless_refused(self.rollout.undo)
        elif self.state.rollout.made and since("overtaken-2026-11"):
            await self.case.unless_refused(self.precedence.give_way)
        await self.case.unless_refused(self.rollout.withdraw)
        await self.case.unless_refused(self.put_back.undo)

    @workflow.query(description=STATUS)
    def status(self) -> DeployModelStatus:
        return self.state.status
