"""RunBackTest: a test of a snapshot against a new set of labelled data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.jobs import JobActivities
    from activities.snapshots import SnapshotActivities
    from mlc.model.failure import FailureType
    from mlc.model.job import JobChanged, JobFiles, JobKind
    from mlc.model.processes import (
        JOB_CHANGED,
        RUN_BACK_TEST,
        BackTestPhase,
        Outcome,
        RunBackTestInput,
        RunBackTestResult,
        RunBackTestStatus,
    )
    from mlc.model.ticket import TicketKind

with workflow.unsafe.sandbox_import_notification_policy(workflow.SandboxImportNotificationPolicy.SILENT):
    from workflows.steps.case import JudgedCase
    from workflows.steps.notices import back_test_not_run, back_test_passed
    from workflows.steps.once import failure_type, reason
    from workflows.steps.outcome import metrics_text, verdict_text

NOTHING = cast(RunBackTestInput, None)
"""A start without input has to reach ``run``, which can say what is missing; otherwise it would hang for ever."""

EXCEPTIONS = frozenset({FailureType.JOB_FAILED, FailureType.JOB_DEADLINE, FailureType.RESULT_UNREADABLE})
"""What goes wrong while the test job runs: a reviewer has to look at it."""


@workflow.defn(name=RUN_BACK_TEST)
class RunBackTest:
    """Runs a metrics job on new labelled data, judges its result, and tells how it went."""

    @workflow.init
    def __init__(self, request: RunBackTestInput = NOTHING) -> None:
        self.request = request
        self.result = RunBackTestResult(snapshot_id="" if request is NOTHING else request.model_id)
        self.state = RunBackTestStatus(result=self.result)
        ticketing = None if request is NOTHING else request.ticketing
        self.case = JudgedCase(self.state, self.result, ticketing=ticketing)
        self.progress = self.case.progress

    @workflow.run
    async def run(self, _: RunBackTestInput = NOTHING) -> RunBackTestResult:
        if self.request is NOTHING:
            raise ApplicationError(f"No input was given. {RunBackTestInput.usage()}", type=FailureType.NO_INPUT)
        async with self.error_handling():
            await self.get_model()
            await self.run_test()
            if await self.passes():
                await self.test_passed()
            else:
                await self.test_failed()
        self.progress.finish()
        return self.result

    async def get_model(self) -> None:
        """Get model, by the signal's MODEL_ID: a snapshot's id."""
        self.progress.enter(BackTestPhase.MODEL)
        found = await self.case.do(SnapshotActivities.open_snapshot, self.request.model_id, "fetch the snapshot")
        self.case.begin(found.snapshot, found.policy)

    async def run_test(self) -> None:
        """Get data, and run the test: INPUT_FILE or else the snapshot's TEST_DATA, into OUTPUT_FILE or embedded."""
        self.progress.enter(BackTestPhase.TEST)
        given, wanted = self.request.input_file, self.request.output_file
        files = JobFiles(inputs=[given] if given else [], outputs=[wanted] if wanted else [])
        test_result = await self.case.run_job(JobKind.METRICS, JobActivities.finish_back_test, files=files)
        self.case.tested(test_result)
        self.result.job_id = test_result.job_id
        self.progress.note(metrics_text(test_result))

    async def passes(self) -> bool:
        """Analyze test: the snapshot's decision tables, if any, determine whether it passed."""
        self.progress.enter(BackTestPhase.ANALYSIS)
        verdict = await self.case.judge()
        self.progress.note(verdict_text(verdict))
        return verdict.passed

    async def test_passed(self) -> None:
        """Test Passed: a notification."""
        self.progress.enter(BackTestPhase.REPORT)
        await self.case.notify(back_test_passed(self.case.snapshot, self.case.test_result, self.result.verdict))
        self.end(Outcome.PASSED)

    async def test_failed(self) -> None:
        """Test Failed: a ticket with the model, its changes, the results and the rules that failed."""
        self.progress.enter(BackTestPhase.REPORT)
        message = f"The back test: {verdict_text(self.result.verdict)}"
        ticket = await self.case.tell(TicketKind.FAILED_TEST, BackTestPhase.REPORT, message)
        self.progress.note(ticket.key)
        self.end(Outcome.FAILED)

    async def test_broke(self, message: str) -> None:
        """Error Handling a: an exception while the test job ran becomes a review ticket with all its details."""
        self.progress.failed(message)
        self.result.job_id = self.case.jobs.in_flight.id if self.case.jobs.in_flight else None
        self.progress.enter(BackTestPhase.REPORT)
        ticket = await self.case.tell(TicketKind.JOB_REVIEW, BackTestPhase.TEST, message)
        self.progress.note(ticket.key)
        self.end(Outcome.ERROR)

    async def tell_failure(self, message: str) -> None:
        """Error Handling b: any other error becomes a notification with the reason."""
        self.progress.failed(message)
        try:
            await self.case.notify(back_test_not_run(self.case.snapshot, message))
        finally:  # also when the run is cancelled meanwhile
            await self.case.abandon(message)
        self.progress.finish()

    @asynccontextmanager
    async def error_handling(self) -> AsyncIterator[None]:
        """Error Handling: whatever goes wrong is told; a cancelled run ends its job."""
        try:
            yield
        except (asyncio.CancelledError, ActivityError, ApplicationError) as error:
            if is_cancelled_exception(error):
                await self.case.abandon("The run was cancelled.")
                raise
            message, kind = reason(error), failure_type(error)
            if kind in EXCEPTIONS:
                await self.test_broke(message)
                return
            await self.tell_failure(message)
            raise ApplicationError(message, type=kind) from None

    def end(self, outcome: Outcome) -> None:
        self.result.outcome = outcome
        self.progress.enter(BackTestPhase.DONE)

    @workflow.signal(name=JOB_CHANGED, description="A job may have finished: ask for it now")
    def job_changed(self, change: JobChanged) -> None:
        self.case.jobs.changed(change.job_id)

    @workflow.query(description="Where the run stands, what it waits for and what it has done so far")
    def status(self) -> RunBackTestStatus:
        return self.state
