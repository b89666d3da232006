"""RunBatchModelJob: a scoring job on a model that is deployed as batch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.batch import BatchActivities, BatchDeployment, BatchTarget
    from activities.jobs import JobActivities
    from mlc.model.deployment import RuntimeRef
    from mlc.model.failure import FailureType
    from mlc.model.job import JobChanged, JobFiles, JobKind
    from mlc.model.processes import (
        JOB_CHANGED,
        RUN_BATCH_MODEL_JOB,
        BatchJobPhase,
        RunBatchModelJobInput,
        RunBatchModelJobResult,
        RunBatchModelJobStatus,
    )
    from mlc.model.ticket import TicketKind

with workflow.unsafe.sandbox_import_notification_policy(workflow.SandboxImportNotificationPolicy.SILENT):
    from workflows.steps.case import Case
    from workflows.steps.once import failure_type, reason

NOTHING = cast(RunBatchModelJobInput, None)
"""A start without input has to reach ``run``, which can say what is missing; otherwise it would hang for ever."""


@workflow.defn(name=RUN_BATCH_MODEL_JOB)
class RunBatchModelJob:
    """Scores files with the model that is deployed under a tag."""

    @workflow.init
    def __init__(self, request: RunBatchModelJobInput = NOTHING) -> None:
        self.request = request
        self.state = RunBatchModelJobStatus()
        self.case = Case(self.state)
        self.result, self.progress = self.state.result, self.case.progress

    @workflow.run
    async def run(self, _: RunBatchModelJobInput = NOTHING) -> RunBatchModelJobResult:
        if self.request is NOTHING:
            raise ApplicationError(f"No input was given. {RunBatchModelJobInput.usage()}", type=FailureType.NO_INPUT)
        async with self.error_handling():
            deployment = await self.get_deployed_model()
            files = self.set_inputs_and_outputs_in_order()
            runtime = await self.get_compatible_runtime(deployment)
            await self.run_job(files, runtime)
        self.progress.enter(BatchJobPhase.DONE)
        self.progress.finish()
        return self.result

    async def get_deployed_model(self) -> BatchDeployment:
        """Get Deployed Model: the newest batch deployment under the tag, at the stage if one is given."""
        self.progress.enter(BatchJobPhase.MODEL)
        await self.case.read_policy()
        target = BatchTarget(tag=self.request.tag, model_stage=self.request.model_stage)
        found = await self.case.do(BatchActivities.find_batch_deployment, target, "find the deployed model")
        self.case.begin(found.snapshot, self.case.policy)
        self.result.snapshot_id, self.result.deployment_id = found.snapshot.id, found.id
        self.progress.note(f"deployment {found.id}, stage {found.stage}")
        return found

    def set_inputs_and_outputs_in_order(self) -> JobFiles:
        """Set inputs and outputs in order: as the signal's variables have them."""
        return JobFiles(inputs=self.request.input_files, outputs=self.request.output_files)

    async def get_compatible_runtime(self, deployment: BatchDeployment) -> RuntimeRef:
        """Get compatible runtime."""
        self.progress.enter(BatchJobPhase.RUNTIME)
        runtime = await self.case.do(BatchActivities.compatible_runtime, deployment, "find a compatible runtime")
        self.result.runtime = runtime.name
        self.progress.note(runtime.name)
        return runtime

    async def run_job(self, files: JobFiles, runtime: RuntimeRef) -> None:
        """Run job: the model's inference for the data."""
        self.progress.enter(BatchJobPhase.SCORING)
        finished = await self.case.run_job(JobKind.SCORING, JobActivities.finish_scoring, runtime=runtime, files=files)
        self.result.job_id = finished.job_id
        self.result.outputs, self.result.output_count = finished.outputs, finished.output_count
        self.progress.note(f"{finished.output_count} outputs: {', '.join(finished.outputs)}")

    @asynccontextmanager
    async def error_handling(self) -> AsyncIterator[None]:
        """Error handling: an error is raised, and a ticket notifies people. A cancelled run ends its job."""
        try:
            yield
        except (asyncio.CancelledError, ActivityError, ApplicationError) as error:
            if is_cancelled_exception(error):
                await self.case.abandon("The run was cancelled.")
                raise
            message = reason(error)
            await self.notify(message)
            raise ApplicationError(message, type=failure_type(error)) from None

    async def notify(self, why: str) -> None:
        """A ticket that says what could not be run, and why."""
        self.progress.failed(why)
        at = f" at stage {self.request.model_stage!r}" if self.request.model_stage else ""
        message = f"The batch job for the tag {self.request.tag!r}{at} could not be run. {why}"
        try:
            await self.case.tell(TicketKind.NOTIFICATION, self.state.phase, message)
        finally:  # also when the run is cancelled meanwhile
            await self.case.abandon(why)
        self.progress.finish()

    @workflow.signal(name=JOB_CHANGED, description="A job may have finished: ask for it now")
    def job_changed(self, change: JobChanged) -> None:
        self.case.jobs.changed(change.job_id)

    @workflow.query(description="Where the run stands, what it waits for and what it has done so far")
    def status(self) -> RunBatchModelJobStatus:
        return self.state
