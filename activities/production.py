"""A model's production data for its monitors: what it has scored, or the assets that stand for that."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from temporalio.exceptions import ApplicationError

from activities.chosen_inputs import watched_inputs
from activities.failures import non_retryable
from activities.later_truth import has_no_label, later_truth, wanted_truth
from activities.monitor_needs import without_production
from mlc.center import Capability, Center
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import FailureType, NotFound
from mlc.model.job import JobRecord
from mlc.model.moment import in_utc
from mlc.model.online_requests import OnlineSpan
from mlc.model.scored import ONLINE, SCORED_RECORDS, Batch, Production
from mlc.model.snapshot import Model, Snapshot
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

MOST_BATCHES = 50
"""The newest scoring jobs of which a monitor reads what they scored; all are named in its job's parameters."""
_SHOWN = 5
_NO_LABEL = (
    "The monitor {!r} compares scores with the column {!r}, which nothing that was scored has, and no label has come "
    "since: send what turned out to be right with mlc truth."
)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class JobInputs(NamedTuple):
    """What a job reads, and the parameters that say how, if that needs to be said."""

    assets: Sequence[Asset]
    parameters: Mapping[str, Any] = MappingProxyType({})


async def monitor_inputs(
    center: Center,
    snapshot: Snapshot,
    name: str,
    monitor: Model,
    *,
    settings: ProcessSettings,
    opened: AsyncExitStack,
) -> JobInputs:
    """What the monitor of a name reads that is on a snapshot.

    Where it reads COMPARATOR_DATA, that is what the snapshot has scored, as far as the settings' window goes; without
    any such job it is the asset, as for all other roles. Truth that arrived later goes with what was scored.

    Args:
        opened: keeps what the jobs carry open, until the monitor's job is made.

    Raises:
        ApplicationError: ``MissingAsset``, as ``watched_inputs``; or there are neither scores nor an asset.
    """
    if monitor.required_roles.count(AssetRole.COMPARATOR_DATA) != 1 or settings.monitor_production == "assets":
        return JobInputs(watched_inputs(snapshot, name, monitor))
    found = await _scored(center, snapshot, settings)
    read = await _opened(center, found, opened)
    if (online := await _answered_online(center, snapshot, settings, opened)) is not None:
        read = sorted([*read, online], key=lambda each: each.moment, reverse=True)
    if not read:
        return JobInputs(_from_assets(center, snapshot, name, monitor, settings))
    batches, parts = [each.batch for each in read], [part for each in read for part in each.parts]
    place = monitor.required_roles.index(AssetRole.COMPARATOR_DATA)
    others = watched_inputs(snapshot, name, without_production(monitor))
    columns = wanted_truth(center, snapshot, monitor.name)
    truth = await later_truth(center, snapshot, opened) if columns else None
    if columns and truth is None and _is_new(snapshot, settings):
        records = [asset for each in read if not each.batch.online for asset in each.parts[: each.batch.inputs]]
        if await has_no_label(center, snapshot, monitor.name, columns, records):
            raise non_retryable(FailureType.NOTHING_SCORED_YET, _NO_LABEL.format(name, columns.label))
    production = Production(
        place=place,
        batches=batches,
        rows=settings.monitor_window_rows,
        truth=columns if truth else None,
    )
    return JobInputs([*others, *([truth] if truth else []), *parts], production.parameters())


class _Read(NamedTuple):
    """A batch and its files; ``moment`` is that of its last record, as far as it is known."""

    moment: datetime
    batch: Batch
    parts: Sequence[Asset]


async def _answered_online(
    center: Center, snapshot: Snapshot, settings: ProcessSettings, opened: AsyncExitStack
) -> _Read | None:
    """The snapshot's online requests in the window; None if none are kept."""
    if not {Capability.JOINS_SCORES, Capability.KEEPS_REQUESTS} <= set(center.capabilities):
        return None
    kept = await opened.enter_async_context(
        center.open_online_requests(snapshot.id, since=_since(settings), most=settings.monitor_window_rows)
    )
    if kept.file is None or kept.span.last is None:
        return None
    part = kept.file.model_copy(update={"role": AssetRole.COMPARATOR_DATA})
    return _Read(kept.span.last, Batch(job_id=ONLINE, inputs=1, outputs=0, online=kept.span), [part])


def _since(settings: ProcessSettings) -> datetime | None:
    days = settings.monitor_window_days
    return datetime.now(UTC) - timedelta(days=days) if days else None


async def _scored(center: Center, snapshot: Snapshot, settings: ProcessSettings) -> list[JobRecord]:
    """The scoring jobs in the window, the newest first. Whoever scored the baseline's records is no production."""
    if Capability.JOINS_SCORES not in center.capabilities:
        return []
    since, rows = _since(settings), 0
    found: list[JobRecord] = []
    for job in await center.list_scoring_jobs(snapshot.id, most=MOST_BATCHES):
        if since is not None and (job.created is None or in_utc(job.created) < since):
            continue
        if SCORED_RECORDS in job.parameters or (job.records is not None and job.records.read == 0):
            continue
        found.append(job)
        rows += job.records.read if job.records else 0
        if settings.monitor_window_rows is not None and rows >= settings.monitor_window_rows:
            break
    return found


async def _opened(center: Center, found: Sequence[JobRecord], opened: AsyncExitStack) -> list[_Read]:
    """The jobs' files, each with the hash that it had when it was scored, as far as that is known."""
    read = []
    for each in found:
        try:
            job = await opened.enter_async_context(center.open_job(each.id))
        except NotFound:
            continue
        if not job.inputs or not job.outputs:
            continue
        parts = []
        for asset, known in zip([*job.inputs, *job.outputs], [*_hashes(job), *[None] * len(job.outputs)], strict=True):
            changes = {"name": f"{job.id}-{asset.name}", "role": AssetRole.COMPARATOR_DATA}
            parts.append(asset.model_copy(update={**changes, "sha256": asset.sha256 or known}))
        moment = in_utc(each.created) if each.created else _LONG_AGO
        read.append(_Read(moment, Batch(job_id=job.id, inputs=len(job.inputs), outputs=len(job.outputs)), parts))
    return read


def _hashes(job: JobRecord) -> list[str | None]:
    """SHA-256 of what a job's inputs were when it ran, of a runtime that tells."""
    told = (job.runtime_info or {}).get("sha256")
    listed = told.get("inputs") if isinstance(told, dict) else None
    if not isinstance(listed, list) or len(listed) != len(job.inputs):
        return [None] * len(job.inputs)
    return [each.get("sha256") if isinstance(each, dict) else None for each in listed]


def _from_assets(
    center: Center, snapshot: Snapshot, name: str, monitor: Model, settings: ProcessSettings
) -> list[Asset]:
    try:
        return watched_inputs(snapshot, name, monitor)
    except ApplicationError as error:
        on_it = [asset for each in snapshot.monitors if each.name == name for asset in each.assets]
        role = AssetRole.COMPARATOR_DATA
        if any(asset.role == role for asset in [*snapshot.assets, *on_it]):
            raise
        watched_inputs(snapshot, name, without_production(monitor))  # what else is lacking is no matter of time
        days = settings.monitor_window_days
        within = f" in the last {days} days (MLC_MONITOR_WINDOW_DAYS)" if days else ""
        may_come = Capability.JOINS_SCORES in center.capabilities and _is_new(snapshot, settings)
        raise non_retryable(
            FailureType.NOTHING_SCORED_YET if may_come else FailureType.MISSING_ASSET,
            f"{error.message} Nor has the snapshot scored anything{within} that the model centre knows of: run a batch "
            f"job of it (RunBatchModelJob), keep its online requests (MLC_RUNTIME_KEEP_REQUESTS), or add an asset with "
            f"the role {role}.",
        ) from None


def _is_new(snapshot: Snapshot, settings: ProcessSettings) -> bool:
    created = snapshot.created
    return created is not None and datetime.now(UTC) - in_utc(created) < settings.monitor_silence


def baseline_of(job: JobRecord) -> str:
    """Name and SHA-256 of the baseline that a monitor's job compared with; empty if it has none."""
    found = next((asset for asset in job.inputs if asset.role == AssetRole.BASELINE_DATA), None)
    if job.reference is None or found is None:
        return ""
    return f"{found.name}, SHA-256 {found.sha256}" if found.sha256 else f"{found.name}, of unknown SHA-256"


def production_of(job: JobRecord) -> str:
    """Which production data a monitor's job read, in a sentence or two; empty of another job."""
    if job.reference is None:
        return ""
    try:
        production = Production.of(job.parameters, len(job.inputs))
    except ValueError:
        return ""
    if production is None:
        read = [asset.name for asset in job.inputs if asset.role == AssetRole.COMPARATOR_DATA]
        return truncate(f"The production data is the asset {', '.join(read)}.", 600) if read else ""
    told = (job.runtime_info or {}).get("production")
    told = told if isinstance(told, dict) else {}
    out = told.get("leftOut")
    out = out if isinstance(out, dict) else {}
    jobs = [batch.job_id for batch in production.batches if batch.job_id not in out and batch.online is None]
    more = f" and {len(jobs) - _SHOWN} more" if len(jobs) > _SHOWN else ""
    records = f"{told['records']:,} records" if isinstance(told.get("records"), int) else "the records"
    spans = [batch.online for batch in production.batches if batch.online is not None and batch.job_id not in out]
    sources = [f"the jobs {', '.join(jobs[:_SHOWN])}{more}"] if jobs or not spans else []
    sources += [_said_of(span, told) for span in spans]
    said = f"The production data is what the model has scored: {records} of {' and of '.join(sources)}."
    said += "".join(_said_of_missed(span) for span in spans)
    said += _truth_of(told)
    if out:
        said += f" Left out: {'; '.join(f'{job} ({why})' for job, why in list(out.items())[:_SHOWN])}."
    return truncate(said, 600)


def _truth_of(told: Mapping[str, Any]) -> str:
    """What a runtime told of labels that came later, in a sentence; empty if it had none."""
    truth = told.get("truth")
    names = ("known", "matched", "unmatchedRecords", "unmatchedTruth")
    if not isinstance(truth, dict) or not all(isinstance(truth.get(name), int) for name in names):
        return ""
    known, matched, without, of_none = (truth[name] for name in names)
    return (
        f" Labels that came later: {matched:,} of {matched + without:,} records have one, {without:,} have none yet; "
        f"{of_none:,} of {known:,} labels are of no record among them."
    )


def _said_of(span: OnlineSpan, told: Mapping[str, Any]) -> str:
    """The online requests that were read, or all in the window while it isn't known how many were."""
    listed = told.get("jobs")
    read = [each.get("records") for each in listed or [] if isinstance(each, dict) and each.get("job") == ONLINE]
    count = read[0] if read and isinstance(read[0], int) else span.count
    newest = f"the newest {count:,} of " if count < span.count else ""
    return f"{newest}{span.count:,} online requests from {_minute(span.first)} to {_minute(span.last)}"


def _said_of_missed(span: OnlineSpan) -> str:
    since = f" since {_minute(span.missed_since)}" if span.missed_since else ""
    return f" {span.missed:,} online requests{since} were not kept, and are not in it." if span.missed else ""


def _minute(moment: datetime | None) -> str:
    return f"{in_utc(moment):%Y-%m-%d %H:%M} UTC" if moment else "an unknown moment"
