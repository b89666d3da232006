"""Jobs: created once, waited for without holding anything, and what they made put where it belongs."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity

from activities.failures import (
    final,
    looking_first,
    not_finished,
    translated,
    translated_creation,
    translated_while_waiting,
)
from activities.results import provenance, read_metrics, top_level_numbers
from activities.snapshots import no_such_snapshot
from mlc.center import Center, wire
from mlc.model.failure import FailureType, NotFound
from mlc.model.job import Job, JobKind, JobRequest, TestResult
from mlc.model.short import beginning, ending
from mlc.model.snapshot import AssetRole
from mlc.settings import CenterSettings, ProcessSettings

KEY = "mlcKey"
WORKFLOW_ID = "mlcWorkflowId"
SHOWN_NAMES = 10

INPUT_ROLES = {JobKind.TRAINING: AssetRole.TRAINING_DATA, JobKind.METRICS: AssetRole.TEST_DATA}
"""Which assets of the snapshot a job reads."""


@dataclass
class JobActivities:
    center: Center
    settings: ProcessSettings
    center_settings: CenterSettings

    @activity.defn
    async def create_job(self, request: JobRequest) -> Job:
        """Make the job, or find the one that an earlier try made. At most one POST.

        Raises:
            ApplicationError: ``MissingAsset``, ``NoSuchSnapshot``, ``Refused`` (final), ``NotSent``, ``Ambiguous``.
        """
        with translated_creation():
            async with looking_first(self.settings.center_settle):
                existing = await self.center.find_job(request.snapshot_id, request.key)
                if existing is None:
                    try:
                        snapshot = await self.center.get_snapshot(request.snapshot_id)
                    except NotFound:
                        raise no_such_snapshot(request.snapshot_id) from None
            if existing is None:
                existing = await self.center.create_job(self._job(request, snapshot))
        return self._created(request, existing)

    @activity.defn
    async def find_job(self, request: JobRequest) -> Job | None:
        """The job that an earlier, unclear try of ``create_job`` made, if it did."""
        with translated():
            existing = await self.center.find_job(request.snapshot_id, request.key)
        return self._created(request, existing) if existing else None

    @activity.defn
    async def finish_training(self, job: Job) -> list[str]:
        """Wait for a training job; its artefacts become assets of the snapshot (by file name, newer ones win).

        Returns:
            The artefacts' file names; of many the first ones, and how many more there are.
        """
        with translated_while_waiting(self.settings.patience):
            artefacts = [asset for asset in (await self._finished(job)).output_data if asset.file_content]
            for artefact in artefacts:
                if artefact.asset_role == AssetRole.UNKNOWN:
                    artefact.asset_role = AssetRole.WEIGHTS_FILE
            snapshot = await self.center.get_snapshot(job.snapshot_id)
            names = [artefact.filename or artefact.name for artefact in artefacts]
            kept = [a for a in snapshot.stored_model.model_assets if (a.filename or a.name) not in names]
            assets = [asset.wire() for asset in [*kept, *artefacts]]
            await self.center.patch_snapshot(snapshot.id, {"storedModel": {"modelAssets": assets}})
        return _shown(names)

    @activity.defn
    async def finish_test(self, job: Job) -> TestResult:
        """Wait for a metrics job and persist its result with what makes it reproducible, once a job.

        Raises:
            ApplicationError: ``NotFinished`` (ask again), ``JobFailed``, ``JobDeadline``, ``ResultUnreadable`` (final).
        """
        with translated_while_waiting(self.settings.patience):
            finished = await self._finished(job)
            metrics = read_metrics(finished)
            for result in await self.center.list_test_results(job.snapshot_id):
                if result.job_id == job.id:
                    break
            else:
                result = await self.center.create_test_result(
                    wire.ModelTestResult(
                        deployable_model_id=job.snapshot_id,
                        job_id=job.id,
                        test_results=metrics,
                        provenance=provenance(finished),
                    )
                )
        return TestResult(id=result.id, job_id=job.id, metrics=top_level_numbers(metrics))

    @activity.defn
    async def cancel_job(self, job_id: str) -> None:
        """Ask the centre to end a job that nobody waits for any more. A job that has ended stays as it is."""
        with translated(), suppress(NotFound):
            if (await self.center.get_job(job_id)).job_status not in wire.TERMINAL_STATUSES:
                await self.center.patch_job(job_id, {"jobStatus": wire.CANCELLED})

    async def _finished(self, job: Job) -> wire.Job:
        try:
            current = await self.center.get_job(job.id)
        except NotFound:
            raise final(FailureType.JOB_FAILED, f"Job {job.id} is no longer in the model centre.") from None
        match current.job_status:
            case wire.COMPLETE:
                return current
            case wire.ERROR | wire.CANCELLED as status:
                message = f"The {job.kind} job {job.id} ended as {status}. {last_words(current)}"
                raise final(FailureType.JOB_FAILED, message)
        left = job.deadline - activity.info().started_time if job.deadline else self.settings.job_poll
        if left <= timedelta(0):
            await self.center.patch_job(job.id, {"jobStatus": wire.CANCELLED})
            raise final(
                FailureType.JOB_DEADLINE,
                f"The {job.kind} job {job.id} was still {current.job_status} after {self.settings.job_deadline}; "
                "it was cancelled.",
            )
        pause = min(self.settings.job_poll, left)
        raise not_finished(f"Job {job.id} is {current.job_status}, next look in {pause.total_seconds():.0f} s", pause)

    def _job(self, request: JobRequest, snapshot: wire.DeployableModel) -> wire.Job:
        return wire.Job(
            job_type=self._job_types[request.kind],
            job_status=wire.CREATED,
            model=snapshot,
            input_data=inputs(snapshot, INPUT_ROLES[request.kind]),
            output_data=[] if request.kind is JobKind.TRAINING else [_embedded_output()],
            job_parameters={KEY: request.key, WORKFLOW_ID: request.workflow_id},
        )

    @property
    def _job_types(self) -> dict[JobKind, str]:
        names = self.center_settings
        return {
            JobKind.TRAINING: names.training_job_type,
            JobKind.METRICS: names.metrics_job_type,
            JobKind.SCORING: names.scoring_job_type,
        }

    def _created(self, request: JobRequest, job: wire.Job) -> Job:
        deadline = activity.info().started_time + self.settings.job_deadline
        return Job(id=job.id, kind=request.kind, snapshot_id=request.snapshot_id, deadline=deadline)


def inputs(snapshot: wire.DeployableModel, role: AssetRole) -> list[wire.Asset]:
    """The snapshot's assets of a role, in their order, as a job's inputs.

    Raises:
        ApplicationError: ``MissingAsset`` if there is none.
    """
    found = [asset for asset in snapshot.stored_model.model_assets if asset.asset_role == role]
    if not found:
        raise final(
            FailureType.MISSING_ASSET,
            f"Snapshot {snapshot.meta_data.name!r} has no asset with the role {role}. Add one and try this step again.",
        )
    return found


def last_words(job: wire.Job, limit: int = 300) -> str:
    """The end of a job's messages, where the error stands."""
    return ending("\n".join(_non_empty(job.job_messages)), limit)


def _shown(names: Sequence[str]) -> list[str]:
    more = len(names) - SHOWN_NAMES
    shown = [beginning(name, 100) for name in names[:SHOWN_NAMES]]
    return [*shown, f"{more} more"] if more > 0 else shown


def _non_empty(lines: Sequence[str]) -> Iterable[str]:
    return (line.rstrip() for line in lines if line.strip())


def _embedded_output() -> wire.Asset:
    names: dict[str, Any] = {"name": "test_result.json", "filename": "test_result.json", "file_format": "JSON"}
    return wire.Asset(asset_type="FILE", asset_role="UNKNOWN", **names)
