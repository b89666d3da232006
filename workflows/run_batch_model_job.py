"""RunBatchModelJob: a scoring job on a model that is deployed as batch."""

from typing import cast

from temporalio import workflow

from activities.batch import BatchActivities, BatchDeployment, BatchTarget
from activities.jobs import JobActivities
from mlc.model.job import JobFiles, JobKind
from mlc.model.processes import (
    RUN_BATCH_MODEL_JOB,
    BatchJobPhase,
    RunBatchModelJobResult,
    RunBatchModelJobStatus,
)
from mlc.model.state import RunBatchModelJobStart, RunBatchModelJobState
from mlc.model.ticket import TicketKind
from workflows.steps.patches import is_recent
from workflows.steps.process_run import STATUS, ProcessRun

NOTHING = cast(RunBatchModelJobStart, None)
"""Not an optional type: with one, the reader of inputs would show the offending value."""


@workflow.defn(name=RUN_BATCH_MODEL_JOB)
class RunBatchModelJob(ProcessRun):
    """Scores files with the model that is deployed under a tag."""

    @workflow.init
    def __init__(self, request: RunBatchModelJobStart = NOTHING) -> None:
        self.request = request
        self.state = (request.carried if request else None) or RunBatchModelJobState.new()
        self.result = self.state.status.result
        super().__init__(request, self.state)

    @workflow.run
    async def run(self, request: RunBatchModelJobStart = NOTHING) -> RunBatchModelJobResult:
        await self.check_start(request, RunBatchModelJobStart)
        step = self.step
        async with self.failures_reported(self.notify):
            await step(BatchJobPhase.MODEL, self.get_deployed_model)
            self.set_inputs_and_outputs_in_order()
            await step(BatchJobPhase.RUNTIME, self.get_compatible_runtime)
            await step(BatchJobPhase.SCORING, self.run_job)
        self.progress.enter(BatchJobPhase.DONE)
        self.progress.finish()
        return self.result

    async def get_deployed_model(self) -> None:
        """Get Deployed Model: the newest batch deployment under the tag, at the stage if one is given."""
        await self.case.read_policy()
        target = BatchTarget(tag=self.request.tag, model_stage=self.request.model_stage)
        found = await self.case.look(BatchActivities.find_batch_deployment, target, "find the deployed model")
        self.case.begin(found.snapshot, self.case.policy)
        self.result.snapshot_id, self.result.deployment_id = found.snapshot.id, found.id
        self.result.warnings += found.warnings
        self.state.deployed_stage, self.state.runtime = found.stage, found.runtime if is_recent() else None
        self.progress.note(f"deployment {found.id}, stage {found.stage}")

    def set_inputs_and_outputs_in_order(self) -> None:
        """Set inputs and outputs in order: as the signal's variables have them."""
        self.files = JobFiles(inputs=self.request.input_files, outputs=self.request.output_files)

    async def get_compatible_runtime(self) -> None:
        """Get compatible runtime."""
        deployment = BatchDeployment(
            id=self.result.deployment_id or "", stage=self.state.deployed_stage, snapshot=self.case.snapshot
        )
        runtime = self.state.runtime  # seen with the deployment, if one suits
        if runtime is None:
            runtime = await self.case.look(BatchActivities.compatible_runtime, deployment, "find a compatible runtime")
        self.state.runtime, self.result.runtime = runtime, runtime.name
        self.progress.note(runtime.name)

    async def run_job(self) -> None:
        """Run job: the model's inference for the data."""
        finished = await self.case.run_job(
            JobKind.SCORING,
            JobActivities.finish_scoring,
            runtime=self.state.runtime,
            files=self.files,
            parameters=self.request.job_parameters,
        )
        self.result.job_id = finished.job_id
        self.result.outputs, self.result.output_count = finished.outputs, finished.output_count
        self.result.records = finished.records
        self.result.warnings += finished.warnings
        counts = [str(finished.records)] if finished.records and not finished.warnings else []
        outputs = f"{finished.output_count} outputs: {', '.join(finished.outputs)}"
        self.progress.note("; ".join([*counts, *finished.warnings, outputs]))

    async def notify(self, why: str, _kind: str | None) -> bool:
        """Error handling: a ticket that says what could not be run, and why; the run then fails with it."""
        self.progress.failed(why)
        at = f" at stage {self.request.model_stage!r}" if self.request.model_stage else ""
        message = f"The batch job for the tag {self.request.tag!r}{at} could not be run, or did not end well. {why}"
        self.case.let_go(why)
        try:
            await self.case.report(TicketKind.NOTIFICATION, self.state.status.phase, message)
        finally:  # also when the run is cancelled meanwhile
            await self.case.abandon(why)
        self.progress.finish()
        return False

    @workflow.query(description=STATUS)
    def status(self) -> RunBatchModelJobStatus:
        return self.state.status
