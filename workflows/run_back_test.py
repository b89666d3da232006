"""RunBackTest: a test of a snapshot against a new set of labelled data."""

from functools import partial
from typing import cast

from temporalio import workflow

from activities.jobs import JobActivities
from activities.snapshots import SnapshotActivities
from activities.verdicts import VerdictActivities
from mlc.model.failure import FailureType
from mlc.model.job import JobFiles, JobKind
from mlc.model.processes import (
    RUN_BACK_TEST,
    BackTestPhase,
    Outcome,
    RunBackTestResult,
    RunBackTestStatus,
)
from mlc.model.state import ProcessState, RunBackTestStart, RunBackTestState
from mlc.model.ticket import TicketKind
from workflows.steps.case import JudgedCase
from workflows.steps.notices import back_test_not_run, back_test_passed
from workflows.steps.outcome import metrics_text, verdict_text
from workflows.steps.patches import is_recent
from workflows.steps.process_run import STATUS, ProcessRun

NOTHING = cast(RunBackTestStart, None)
"""Not an optional type: with one, the reader of inputs would show the offending value."""

EXCEPTIONS = frozenset({FailureType.JOB_FAILED, FailureType.JOB_DEADLINE, FailureType.RESULT_UNREADABLE})
"""What goes wrong while the test job runs: a reviewer has to look at it."""


@workflow.defn(name=RUN_BACK_TEST)
class RunBackTest(ProcessRun):
    """Runs a metrics job on new labelled data, judges its result, and tells how it went."""

    case: JudgedCase

    @workflow.init
    def __init__(self, request: RunBackTestStart = NOTHING) -> None:
        self.request = request
        # MODEL_ID of ModelOp's signal, and so the input's model_id, is a snapshot's id. It is read here alone.
        snapshot_id, ticketing, carried = (
            (request.model_id, request.ticketing, request.carried) if request else ("", None, None)
        )
        self.state = carried or RunBackTestState.new(snapshot_id, ticketing)
        self.result = self.state.status.result
        super().__init__(request, self.state)

    def new_case(self, state: ProcessState) -> JudgedCase:
        return JudgedCase(state, self.result, self.handover)

    @workflow.run
    async def run(self, request: RunBackTestStart = NOTHING) -> RunBackTestResult:
        await self.check_start(request, RunBackTestStart)
        step = self.step
        async with self.failures_reported(self.test_broke):
            await step(BackTestPhase.MODEL, self.get_model)
            await step(BackTestPhase.TEST, self.run_test)
            await step(BackTestPhase.ANALYSIS, self.analyze_test)
            await step(BackTestPhase.REPORT, self.test_passed if self.passed else self.test_failed)
        self.progress.finish()
        return self.result

    async def get_model(self) -> None:
        """Get model, by the signal's MODEL_ID: a snapshot's id."""
        found = await self.case.look(SnapshotActivities.open_snapshot, self.case.snapshot.id, "fetch the snapshot")
        self.case.begin(found.snapshot, found.policy)

    async def run_test(self) -> None:
        """Get data, and run the test: INPUT_FILE or else the snapshot's TEST_DATA, into OUTPUT_FILE or embedded."""
        given, wanted = self.request.input_file, self.request.output_file
        files = JobFiles(inputs=[given] if given else [], outputs=[wanted] if wanted else [])
        run = partial(self.case.run_job, JobKind.METRICS, files=files, parameters=self.request.job_parameters)
        if is_recent():  # the tables are asked as soon as there is a result: the snapshot comes along when it is kept
            self.case.judged(await run(VerdictActivities.judge_back_test))
        else:
            self.case.tested(await run(JobActivities.finish_back_test))
        test_result = self.case.test_result
        assert test_result is not None
        self.result.job_id = test_result.job_id
        self.progress.note(metrics_text(test_result))

    async def analyze_test(self) -> None:
        """Analyze test: the snapshot's decision tables, if any, determine whether it passed; asked already, maybe."""
        self.progress.note(verdict_text(await self.case.judge()))

    @property
    def passed(self) -> bool:
        return self.case.verdict is not None and self.case.verdict.passed

    async def test_passed(self) -> None:
        """Test Passed: a notification."""
        result = self.result
        notice = back_test_passed(self.case.snapshot, self.case.test_result, result.verdict, result.warnings)
        await self.case.notify(notice)
        self.end(Outcome.PASSED)

    async def test_failed(self) -> None:
        """Test Failed: a ticket with the model, its changes, the results and the rules that failed."""
        message = f"The back test: {verdict_text(self.result.verdict)}"
        ticket = await self.case.report(TicketKind.FAILED_TEST, BackTestPhase.REPORT, message)
        self.progress.note(ticket.key)
        self.end(Outcome.FAILED)

    async def test_broke(self, message: str, kind: str | None) -> bool:
        """Error Handling a: an exception while the test job ran becomes a review ticket with all its details.

        Returns:
            False for any other error, which is told, too, and fails the run.
        """
        self.progress.failed(message)
        if kind not in EXCEPTIONS:
            await self.report_failure(message)
            return False
        self.result.job_id = self.case.jobs.in_flight.id if self.case.jobs.in_flight else None
        self.progress.enter(BackTestPhase.REPORT)
        ticket = await self.case.report(TicketKind.JOB_REVIEW, BackTestPhase.TEST, message)
        self.progress.note(ticket.key)
        self.end(Outcome.ERROR)
        return True

    async def report_failure(self, message: str) -> None:
        """Error Handling b: any other error becomes a notification with the reason."""
        await self.case.abandon(message, back_test_not_run(self.case.snapshot, message))
        self.progress.finish()

    def end(self, outcome: Outcome) -> None:
        self.result.outcome = outcome
        self.progress.enter(BackTestPhase.DONE)

    @workflow.query(description=STATUS)
    def status(self) -> RunBackTestStatus:
        return self.state.status
