"""Jobs: created once, and what they made put where it belongs."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass

from temporalio import activity

from activities.awaited_jobs import ended_job, finished_job
from activities.chosen_inputs import INPUT_ROLES, choice, chosen_inputs
from activities.failures import (
    lookup_deadline,
    non_retryable,
    translated,
    translated_creation,
    translated_while_waiting,
)
from activities.job_ends import record_warnings
from activities.job_files import embedded_output, external, output, without_query
from activities.production import JobInputs, monitor_inputs
from activities.results import reference, result_of
from activities.snapshots import no_such_snapshot
from mlc.center import Capability, Center, NewJob
from mlc.model.asset import Asset, AssetRole
from mlc.model.base import Record
from mlc.model.failure import FailureType, NotFound
from mlc.model.file import FileRules, InputFile, OutputFile
from mlc.model.job import Job, JobKind, JobRecord, JobRequest, RecordCounts
from mlc.model.result import Purpose, TestResult
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

SHOWN_NAMES = 10
REPLACEABLE = frozenset({AssetRole.WEIGHTS_FILE, AssetRole.UNKNOWN})
"""Roles of assets that training may make anew."""


class Scored(Record):
    """A scoring job that is done: addresses or names of its first outputs, in order, and how many there are."""

    job_id: str
    outputs: list[str]
    output_count: int
    records: RecordCounts | None = None
    warnings: list[str] = []
    """What the run's result is to say of records that are lost, or may be."""


@dataclass
class JobActivities:
    center: Center
    settings: ProcessSettings
    files: FileRules
    text_limit: int
    """Bytes of a test result that are read (``MLC_CENTER_TEXT_LIMIT``)."""

    @activity.defn
    async def create_job(self, request: JobRequest) -> Job:
        """Make the job, or find the one that an earlier try made. At most one POST.

        Raises:
            ApplicationError: ``MissingAsset``, ``NoSuchSnapshot``, ``Refused`` (final), ``NotSent``, ``Ambiguous``.
        """
        with translated_creation():
            async with AsyncExitStack() as opened:
                async with self._deadline():
                    existing = await self._known(request)
                    if existing is None:
                        snapshot = await self._snapshot(request, opened)
                        watched = await self._watched(request, opened)
                        given = [await self._input(file, opened) for file in request.files.inputs]
                        usual = None if given else await self._usual_inputs(request, snapshot, watched, opened)
                        outputs = [
                            await self._kept(file, opened) if file.asset_id else output(file, number, self.files)
                            for number, file in enumerate(request.files.outputs, 1)
                        ]
                if existing is None:
                    existing = await self.center.create_job(
                        self._job(request, snapshot, watched, usual or JobInputs(given), outputs)
                    )
        return self._created(request, existing)

    def _deadline(self) -> AbstractAsyncContextManager[None]:
        """A centre that makes nothing twice takes the POST however late: writing what a monitor reads takes long."""
        once = Capability.CREATES_ONCE in self.center.capabilities
        return nullcontext() if once else lookup_deadline(self.settings.center_index_lag)

    async def _known(self, request: JobRequest) -> JobRecord | None:
        """A job that an earlier try made. A centre that makes nothing twice tells that when it is asked to make it."""
        if Capability.CREATES_ONCE in self.center.capabilities:
            return None
        return await self.center.find_job(request.snapshot_id, request.key)

    async def _snapshot(self, request: JobRequest, opened: AsyncExitStack) -> Snapshot:
        """What the job runs on: open, or named by its id, where nothing has to be known of it and the centre can."""
        if request.files.inputs and Capability.EMBEDS_BY_ID in self.center.capabilities:
            return Snapshot(id=request.snapshot_id)
        return await self._open(request.snapshot_id, opened)

    async def _watched(self, request: JobRequest, opened: AsyncExitStack) -> Snapshot | None:
        """Of a monitor's job the snapshot that it watches, open."""
        return await self._open(request.watched.snapshot_id, opened) if request.watched else None

    async def _open(self, snapshot_id: str, opened: AsyncExitStack) -> Snapshot:
        try:
            return await opened.enter_async_context(self.center.open_snapshot(snapshot_id))
        except NotFound:
            raise no_such_snapshot(snapshot_id) from None

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
        with translated_while_waiting(self.settings.outage_budget) as poll:
            async with finished_job(self.center, self.settings, job, poll) as finished:
                artefacts = [_as_weights(asset) for asset in finished.outputs if asset.ref]
                names = [artefact.name for artefact in artefacts]
                if artefacts:
                    async with self.center.open_snapshot(job.snapshot_id) as snapshot:
                        refuse_replacement(snapshot, artefacts)
                        await self.center.replace_assets(snapshot, finished, artefacts)
        return _shown(names)

    @activity.defn
    async def finish_test(self, job: Job) -> TestResult:
        """Wait for a metrics job and persist its result with what makes it reproducible, once a job.

        Raises:
            ApplicationError: ``NotFinished`` (ask again), ``JobFailed``, ``JobDeadline``, ``ResultUnreadable`` (final).
        """
        return await self._finish_test(job, Purpose.OWN)

    @activity.defn
    async def finish_back_test(self, job: Job) -> TestResult:
        """As ``finish_test``; the result says that it is a back test's, which no deployment is judged by."""
        return await self._finish_test(job, Purpose.BACK_TEST)

    @activity.defn
    async def finish_scoring(self, job: Job) -> Scored:
        """Wait for a scoring job."""
        with translated_while_waiting(self.settings.outage_budget) as poll:
            finished = await ended_job(self.center, self.settings, job, poll)
        names = [without_query(asset.address) or asset.name for asset in finished.outputs]
        shown = [truncate(name, 150) for name in names[:SHOWN_NAMES]]
        return Scored(
            job_id=job.id,
            outputs=shown,
            output_count=len(names),
            records=finished.records.model_copy(update={"examples": []}) if finished.records else None,
            warnings=record_warnings(job, finished),
        )

    async def _finish_test(self, job: Job, purpose: Purpose) -> TestResult:
        with translated_while_waiting(self.settings.outage_budget) as poll:
            async with finished_job(self.center, self.settings, job, poll) as finished:
                result = await result_of(self.center, job, finished, purpose, self.text_limit)
                kept = await self.center.keep_test_result(result)
        return reference(result).model_copy(update={"id": kept.id})

    @activity.defn
    async def cancel_job(self, job_id: str) -> None:
        """Ask the centre to end a job. One that has ended stays as it is."""
        with translated():
            await self.center.cancel_job(job_id)

    async def _input(self, file: InputFile, opened: AsyncExitStack) -> Asset:
        """An input as a job carries it: one that the centre keeps with its content, another by its address."""
        return external(file, self.files) if file.asset_id is None else await self._kept(file, opened)

    async def _kept(self, file: InputFile | OutputFile, opened: AsyncExitStack) -> Asset:
        assert file.asset_id is not None
        try:
            stored = await opened.enter_async_context(self.center.open_file(file.asset_id))
        except NotFound:
            raise non_retryable(
                FailureType.MISSING_ASSET, f"The model centre keeps no file with the id {file.asset_id!r}."
            ) from None
        return stored.model_copy(
            update={"name": file.filename or stored.name, "format": file.file_format or stored.format}
        )

    def _job(
        self,
        request: JobRequest,
        snapshot: Snapshot,
        watched: Snapshot | None,
        read: JobInputs,
        outputs: Sequence[Asset],
    ) -> NewJob:
        return NewJob(
            key=request.key,
            kind=request.kind,
            workflow_id=request.workflow_id,
            snapshot=snapshot,
            inputs=read.assets,
            outputs=outputs or ([] if request.kind is JobKind.TRAINING else [embedded_output(request.kind)]),
            runtime=request.runtime,
            parameters={**request.parameters, **read.parameters},
            reference=watched,
        )

    async def _usual_inputs(
        self, request: JobRequest, snapshot: Snapshot, watched: Snapshot | None, opened: AsyncExitStack
    ) -> JobInputs:
        """What a job reads that is given no files. A model may know itself what it scores, where its runtime can."""
        if watched is not None and request.watched is not None:
            asked = (self.center, watched, request.watched.monitor, snapshot.model)
            return await monitor_inputs(*asked, settings=self.settings, opened=opened)
        if request.kind in INPUT_ROLES:
            return JobInputs(await chosen_inputs(self.center, snapshot, request.kind, self.text_limit))
        if Capability.READS_ANY_ASSET in self.center.capabilities:
            return JobInputs([])
        raise non_retryable(FailureType.MISSING_ASSET, "No input files were given: there is nothing to score.")

    def _created(self, request: JobRequest, job: JobRecord) -> Job:
        deadline = activity.info().started_time + self.settings.job_deadline
        said = choice(job)
        return Job(
            id=job.id,
            kind=request.kind,
            snapshot_id=request.snapshot_id,
            deadline=deadline,
            watched=request.watched,
            remarks=[said] if said else [],
        )


def _as_weights(artefact: Asset) -> Asset:
    """What training makes are weights, unless the job says what else they are."""
    return (
        artefact.model_copy(update={"role": AssetRole.WEIGHTS_FILE}) if artefact.role == AssetRole.UNKNOWN else artefact
    )


def refuse_replacement(snapshot: Snapshot, artefacts: Sequence[Asset]) -> None:
    """Training makes weights: what a job sends back must not become the snapshot's source, data or decision table.

    What is there already, as after an earlier try, is replaced by itself.

    Raises:
        ApplicationError: ``JobFailed`` if an artefact has the name of such an asset, or two have the same name.
    """
    made = Counter(artefact.name.casefold() for artefact in artefacts)
    there = {(artefact.name, artefact.role, artefact.sha256) for artefact in artefacts if artefact.sha256}
    for asset in snapshot.assets:
        same = (asset.name, asset.role, asset.sha256) in there
        if asset.name.casefold() in made and asset.role not in REPLACEABLE and not same:
            raise non_retryable(
                FailureType.JOB_FAILED,
                f"The training job made a file named {asset.name!r}, which would replace the snapshot's asset of that "
                f"name with the role {asset.role}. Give the artefact another name.",
            )
    for name in (artefact.name for artefact in artefacts):
        if made[name.casefold()] > 1:
            raise non_retryable(
                FailureType.JOB_FAILED,
                f"The training job made {made[name.casefold()]} files named {name!r}, and a snapshot can have one of a "
                "name. Give each artefact a name of its own.",
            )


def _shown(names: Sequence[str]) -> list[str]:
    more = len(names) - SHOWN_NAMES
    shown = [truncate(name, 100) for name in names[:SHOWN_NAMES]]
    return [*shown, f"{more} more"] if more > 0 else shown
