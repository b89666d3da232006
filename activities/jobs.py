"""Jobs: created once, waited for without holding anything, and what they made put where it belongs."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from temporalio import activity

from activities.failures import (
    final,
    looking_first,
    not_finished,
    translated,
    translated_creation,
    translated_while_waiting,
)
from activities.job_files import INPUT_ROLES, embedded_output, external, inputs_by_role, output, without_query
from activities.results import BACK_TEST, provenance, read_metrics, top_level_numbers
from activities.snapshots import no_such_snapshot
from mlc.center import Center, wire
from mlc.model.base import Record
from mlc.model.failure import FailureType, NotFound, Refused
from mlc.model.file import FileRules, InputFile
from mlc.model.job import Job, JobKind, JobRequest
from mlc.model.result import TestResult
from mlc.model.short import beginning, ending
from mlc.model.snapshot import AssetRole
from mlc.settings import CenterSettings, ProcessSettings

KEY = "mlcKey"
WORKFLOW_ID = "mlcWorkflowId"
SHOWN_NAMES = 10
REPLACEABLE = frozenset({AssetRole.WEIGHTS_FILE, AssetRole.UNKNOWN})
"""Roles of assets that training may make anew."""


class Scored(Record):
    """A scoring job that is done: addresses or names of its first outputs, in order, and how many there are."""

    job_id: str
    outputs: list[str]
    output_count: int


@dataclass
class JobActivities:
    center: Center
    settings: ProcessSettings
    center_settings: CenterSettings
    files: FileRules

    @activity.defn
    async def create_job(self, request: JobRequest) -> Job:
        """Make the job, or find the one that an earlier try made. At most one POST.

        Raises:
            ApplicationError: ``MissingAsset``, ``NoSuchSnapshot``, ``Refused`` (final), ``NotSent``, ``Ambiguous``.
        """
        with translated_creation():
            async with looking_first(self.settings.center_index_lag):
                existing = await self.center.find_job(request.snapshot_id, request.key)
                if existing is None:
                    try:
                        snapshot = await self.center.get_snapshot(request.snapshot_id)
                    except NotFound:
                        raise no_such_snapshot(request.snapshot_id) from None
                    inputs = [await self._input(file) for file in request.files.inputs]
            if existing is None:
                existing = await self.center.create_job(self._job(request, snapshot, inputs))
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
        with translated_while_waiting(self.settings.outage_budget):
            artefacts = [asset for asset in (await self._finished(job)).output_data if asset.file_content]
            for artefact in artefacts:
                if artefact.asset_role == AssetRole.UNKNOWN:
                    artefact.asset_role = AssetRole.WEIGHTS_FILE
            snapshot = await self.center.get_snapshot(job.snapshot_id)
            names = [artefact.filename or artefact.name for artefact in artefacts]
            refuse_replacement(snapshot, names)
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
        return await self._finish_test(job)

    @activity.defn
    async def finish_back_test(self, job: Job) -> TestResult:
        """As ``finish_test``; the result says that it is a back test's, which no deployment is judged by."""
        return await self._finish_test(job, purpose=BACK_TEST)

    @activity.defn
    async def finish_scoring(self, job: Job) -> Scored:
        """Wait for a scoring job."""
        with translated_while_waiting(self.settings.outage_budget):
            finished = await self._finished(job)
        names = [without_query(asset.file_url) or asset.filename or asset.name for asset in finished.output_data]
        shown = [beginning(name, 150) for name in names[:SHOWN_NAMES]]
        return Scored(job_id=job.id, outputs=shown, output_count=len(names))

    async def _finish_test(self, job: Job, **more: str) -> TestResult:
        with translated_while_waiting(self.settings.outage_budget):
            finished = await self._finished(job)
            metrics = read_metrics(finished)
            result = await self._kept_result(job) or await self._keep_result(
                wire.ModelTestResult(
                    id=str(uuid5(NAMESPACE_URL, f"modelTestResult|{job.id}")),
                    deployable_model_id=job.snapshot_id,
                    job_id=job.id,
                    test_results=metrics,
                    provenance=provenance(finished) | more,
                ),
                job,
            )
        return TestResult(id=result.id, job_id=job.id, metrics=top_level_numbers(metrics))

    async def _kept_result(self, job: Job) -> wire.ModelTestResult | None:
        """The oldest result of the job, if there is one."""
        results = await self.center.list_test_results(job.snapshot_id)
        return next((result for result in reversed(results) if result.job_id == job.id), None)

    async def _keep_result(self, result: wire.ModelTestResult, job: Job) -> wire.ModelTestResult:
        """Keep a result under an id that follows from the job's: an attempt that was given up may do so as well."""
        try:
            made = await self.center.create_test_result(result)
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return result
        if made.id == result.id:
            return made
        return await self._kept_result(job) or made  # a centre that gives ids of its own

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

    async def _input(self, file: InputFile) -> wire.Asset:
        """An input as a job carries it: one that the centre keeps with its content, another by its address."""
        if file.asset_id is None:
            return external(file, self.files)
        try:
            stored = await self.center.get_asset(file.asset_id)
        except NotFound:
            raise final(
                FailureType.MISSING_ASSET, f"The model centre keeps no file with the id {file.asset_id!r}."
            ) from None
        name = file.filename or stored.filename
        return stored.model_copy(update={"filename": name, "file_format": file.file_format or stored.file_format})

    def _job(self, request: JobRequest, snapshot: wire.DeployableModel, given: Sequence[wire.Asset]) -> wire.Job:
        outputs = [output(file, number, self.files) for number, file in enumerate(request.files.outputs, 1)]
        runtime = request.runtime
        target: dict[str, Any] = {"target_engine": wire.Engine(id=runtime.id, name=runtime.name)} if runtime else {}
        return wire.Job(
            job_type=self._job_types[request.kind],
            job_status=wire.CREATED,
            model=snapshot,
            input_data=list(given) or inputs_by_role(snapshot, INPUT_ROLES[request.kind]),
            output_data=outputs or ([] if request.kind is JobKind.TRAINING else [embedded_output(request.kind)]),
            job_parameters={KEY: request.key, WORKFLOW_ID: request.workflow_id},
            **target,
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


def refuse_replacement(snapshot: wire.DeployableModel, artefacts: Iterable[str]) -> None:
    """Training makes weights: what a job sends back must not become the snapshot's source, data or decision table.

    Raises:
        ApplicationError: ``JobFailed`` if an artefact has the name of such an asset.
    """
    made = {name.casefold() for name in artefacts}
    for asset in snapshot.stored_model.model_assets:
        name = asset.filename or asset.name
        if name.casefold() in made and asset.asset_role not in REPLACEABLE:
            raise final(
                FailureType.JOB_FAILED,
                f"The training job made a file named {name!r}, which would replace the snapshot's asset of that name "
                f"with the role {asset.asset_role}. Give the artefact another name.",
            )


def last_words(job: wire.Job, limit: int = 300) -> str:
    """The end of a job's messages, where the error stands."""
    return ending("\n".join(_non_empty(job.job_messages)), limit)


def _shown(names: Sequence[str]) -> list[str]:
    more = len(names) - SHOWN_NAMES
    shown = [beginning(name, 100) for name in names[:SHOWN_NAMES]]
    return [*shown, f"{more} more"] if more > 0 else shown


def _non_empty(lines: Sequence[str]) -> Iterable[str]:
    return (line.rstrip() for line in lines if line.strip())
