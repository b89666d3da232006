"""A snapshot's baseline: its training data with the model's scores, which drift of concepts and stability need."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePosixPath

from activities.chosen_inputs import chosen_inputs
from activities.failures import non_retryable
from activities.job_ends import job_problem
from activities.snapshots import no_such_snapshot
from mlc.center import Center, NewJob
from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.base import Record
from mlc.model.deployment import DeploymentState
from mlc.model.failure import FailureType, NotFound, Unavailable
from mlc.model.job import Job, JobKind, JobRecord
from mlc.model.scored import SCORED_RECORDS
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

LOOK = 1.0
"""Seconds between two looks at the scoring job, which a person waits for."""
_ENDINGS = {"csv": ".csv", "parquet": ".parquet", "arrow": ".arrow", "feather": ".arrow"}
_SHOWN = 5
Tell = Callable[[str], None]


class Baseline(Record):
    """A baseline that is on the snapshot now."""

    name: str
    sha256: str
    records: int
    training_data: str
    """Name of the asset that was scored."""
    job_id: str
    """Of the scoring job."""
    added: bool
    """False: the snapshot had just this content already, and stays as it is."""
    replaced: str = ""
    """SHA-256 of the one whose place it took, or a word where the centre knows none; empty if there was none."""
    remarks: list[str] = []
    """What does not follow from that, in sentences."""


async def make_baseline(
    center: Center, snapshot_id: str, settings: ProcessSettings, *, replace: bool = False, tell: Tell = lambda _: None
) -> Baseline:
    """Score a snapshot's training data by a job of the centre, and make the outcome its asset with BASELINE_DATA.

    The records and their scores stay where the centre has them: none of it passes through here.

    Args:
        replace: let it take the place of a baseline of other content.
        tell: told what the job does.

    Raises:
        ApplicationError: ``NoSuchSnapshot``; ``MissingAsset``: no training data, or not clear which; ``JobFailed``,
            ``JobDeadline``; ``Refused``: there is a baseline of other content, or the snapshot has changed meanwhile.
        ExternalError: the centre can't be asked.
    """
    try:
        job = await _begun(center, snapshot_id)
    except NotFound:
        raise no_such_snapshot(snapshot_id) from None
    try:
        ended = await _ended(center, job, settings, tell)
    except BaseException:  # also when whoever waits gives up
        await center.cancel_job(job.id)
        raise
    _require_scores(ended)
    async with center.open_job(job.id) as done, center.open_snapshot(snapshot_id) as snapshot:
        return await _kept(center, snapshot, done, replace=replace)


async def _begun(center: Center, snapshot_id: str) -> JobRecord:
    async with center.open_snapshot(snapshot_id) as snapshot:
        if snapshot.model.is_monitor:
            raise non_retryable(
                FailureType.NOT_DEPLOYABLE, f"Snapshot {snapshot.name!r} is a monitor's, which scores nothing."
            )
        training = await chosen_inputs(center, snapshot, JobKind.TRAINING, center.text_limit)
        if len(training) > 1:
            raise non_retryable(
                FailureType.MISSING_ASSET,
                f"Snapshot {snapshot.name!r} has {len(training)} assets with the role {AssetRole.TRAINING_DATA} which "
                f"its training takes together ({_listed(training)}), and a baseline is made of one. Name it in the "
                "model's required assets, or give the others another role.",
            )
        new = NewJob(
            key=f"baseline-{uuid.uuid4().hex}",
            kind=JobKind.SCORING,
            workflow_id="",
            snapshot=snapshot,
            inputs=training,
            outputs=[_output(snapshot, training[0])],
            parameters={SCORED_RECORDS: True},
        )
        try:
            return await center.create_job(new)
        except Unavailable as error:
            made = await center.find_job(snapshot_id, new.key) if error.maybe_done else None
            if made is None:
                raise
            return made


def _output(snapshot: Snapshot, training: Asset) -> Asset:
    """What is to be made: under the name and in the format of the baseline that is there, else the training data's."""
    there = snapshot.with_role(AssetRole.BASELINE_DATA)
    if len(there) > 1:
        raise non_retryable(
            FailureType.REFUSED,
            f"Snapshot {snapshot.name!r} has {len(there)} assets with the role {AssetRole.BASELINE_DATA} "
            f"({_listed(there)}): it isn't clear which of them a baseline is to be compared with, or replace.",
        )
    if there:
        return Asset(name=there[0].name, role=AssetRole.BASELINE_DATA, format=there[0].format)
    ending = _ending(training)
    name = f"baseline_data{ending}"
    if taken := next((asset for asset in snapshot.assets if asset.name.casefold() == name), None):
        raise non_retryable(
            FailureType.REFUSED,
            f"Snapshot {snapshot.name!r} has an asset {taken.name!r} with the role {taken.role}: rename it, since the "
            "baseline would take its place.",
        )
    return Asset(name=name, role=AssetRole.BASELINE_DATA, format="JSON" if ending == ".jsonl" else ending[1:].upper())


def _ending(training: Asset) -> str:
    """A table stays one; what is neither that nor CSV becomes JSON lines."""
    if training.kind is AssetKind.QUERY:
        return ".parquet"
    name = PurePosixPath(training.name.lower().removesuffix(".gz"))
    return _ENDINGS.get(training.format.lower()) or _ENDINGS.get(name.suffix[1:]) or ".jsonl"


async def _ended(center: Center, job: JobRecord, settings: ProcessSettings, tell: Tell) -> JobRecord:
    """The job once it has ended, however. An outage of the centre is waited for, too."""
    until, told = datetime.now(UTC) + settings.job_deadline, ""
    while True:
        try:
            current = await center.get_job(job.id)
        except Unavailable as error:
            said = str(error)
        except NotFound:
            raise non_retryable(FailureType.JOB_FAILED, f"Job {job.id} is no longer in the model centre.") from None
        else:
            if current.status.terminal:
                return current
            said = ": ".join(filter(None, [f"scoring job {job.id} is {current.status}", current.doing]))
        if said != told:
            tell(said)
            told = said
        if datetime.now(UTC) > until:
            text = f"The scoring job {job.id} had not ended after {settings.job_deadline}; it was cancelled."
            raise non_retryable(FailureType.JOB_DEADLINE, text)
        await asyncio.sleep(LOOK)


def _require_scores(ended: JobRecord) -> None:
    """Raises JobFailed unless the job has written each record with its score."""
    what = f"The scoring job {ended.id}"
    asked = Job(id=ended.id, kind=JobKind.SCORING, snapshot_id=ended.snapshot.id if ended.snapshot else "")
    if problem := job_problem(asked, ended):
        raise non_retryable(FailureType.JOB_FAILED, f"{what} {problem}")
    if (ended.runtime_info or {}).get(SCORED_RECORDS) is not True:
        raise non_retryable(
            FailureType.JOB_FAILED,
            f"{what} wrote answers alone: its runtime does not know how to write records with their scores. It takes a "
            "runtime of this project (`mlc runtime`), of this release or a later one.",
        )
    counts = ended.records
    if counts is None or counts.read != counts.written:
        said = str(counts) if counts else "it does not tell how many"
        raise non_retryable(FailureType.JOB_FAILED, f"{what} did not write one record for each that it read: {said}.")
    if counts.read == 0:
        raise non_retryable(FailureType.MISSING_ASSET, "The training data has no records: there is nothing to score.")


async def _kept(center: Center, snapshot: Snapshot, done: JobRecord, *, replace: bool) -> Baseline:
    (made,), (training,) = done.outputs, done.inputs
    if done.snapshot is None or _others(done.snapshot) != _others(snapshot):
        raise non_retryable(
            FailureType.REFUSED,
            f"Snapshot {snapshot.name!r} was changed while its training data was scored: nothing was stored.",
        )
    _output(snapshot, training)  # as it is now: somebody else may have been quicker
    before = next(iter(snapshot.with_role(AssetRole.BASELINE_DATA)), None)
    counts = done.records
    assert counts is not None
    baseline = Baseline(
        name=made.name,
        sha256=made.sha256 or "",
        records=counts.read,
        training_data=training.name,
        job_id=done.id,
        added=True,
        remarks=[] if counts.paired else [_TAKEN_AT_ITS_WORD],
    )
    if before is not None and made.sha256 and before.sha256 == made.sha256:
        return baseline.model_copy(update={"name": before.name, "added": False})
    if before is not None:
        was = f"SHA-256 {before.sha256}" if before.sha256 else "of unknown content"
        if not replace or before.name != made.name:
            raise non_retryable(
                FailureType.REFUSED,
                f"Snapshot {snapshot.name!r} has a baseline of other content already: {before.name!r}, {was}; scored "
                f"now it would be {made.sha256}. Nothing was stored. With --replace it takes that one's place.",
            )
        baseline = baseline.model_copy(update={"replaced": was})
    await center.replace_assets(snapshot, done, [made.model_copy(update={"role": AssetRole.BASELINE_DATA})])
    return baseline.model_copy(update={"remarks": [*baseline.remarks, *await _what_stays(center, snapshot, made)]})


def _others(snapshot: Snapshot) -> list[tuple[str, str, str | None, int | None]]:
    return sorted(
        (asset.name, asset.role, asset.sha256 or asset.address, asset.size)
        for asset in snapshot.assets
        if asset.role != AssetRole.BASELINE_DATA
    )


_TAKEN_AT_ITS_WORD = (
    "The model takes all records together: that its answers are in their order is its own word, and can't be checked "
    "but by an identifier among them."
)


async def _what_stays(center: Center, snapshot: Snapshot, made: Asset) -> list[str]:
    """What goes on with what was there before: monitors that were given their data, deployments, approvals."""
    said = []
    role = AssetRole.BASELINE_DATA
    given = [m.name for m in snapshot.monitors if any(a.role == role and a.sha256 != made.sha256 for a in m.assets)]
    if given:
        said.append(
            f"These monitors go on reading the baseline that was set on them when they were added: {', '.join(given)}."
        )
    deployed = await center.list_deployments(snapshot_id=snapshot.id)
    if any(each.state in {DeploymentState.DEPLOYED, DeploymentState.DEPLOYING} for each in deployed):
        said.append(
            "The snapshot is deployed: what runs is the copy that was approved, and stays as it is. If it is to be "
            "deployed once more, that is asked about anew, since one of its files is another."
        )
    elif snapshot.submission is not None:
        said.append(
            f"The run {snapshot.submission.workflow_id} has taken the snapshot up: an approval that it waits for, or "
            "has not used yet, is asked for anew, since it binds the snapshot's files."
        )
    return said


def _listed(assets: list[Asset]) -> str:
    more = f" and {len(assets) - _SHOWN} more" if len(assets) > _SHOWN else ""
    return ", ".join(truncate(asset.name, 60) for asset in assets[:_SHOWN]) + more
