"""Test results: reading what a metrics job answered, and what makes it reproducible."""

import json
import math
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from activities.chosen_inputs import choice, shown_names
from activities.failures import non_retryable
from activities.production import baseline_of, production_of
from mlc.center import Contents
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import FailureType, Refused, TooLarge
from mlc.model.job import Job, JobRecord
from mlc.model.result import Provenance, Purpose, TestResult, TestResultRecord
from mlc.model.truncation import truncate

SHOWN_METRICS = 12


async def read_metrics(contents: Contents, job: JobRecord, limit: int) -> dict[str, Any]:
    """The JSON object that the model's metrics function yielded, from the first output of a job that is open.

    Args:
        limit: bytes of it that are read.

    Raises:
        ApplicationError: ``ResultUnreadable`` when there is none, it is too large, or something else.
    """
    content = b""
    if job.outputs and job.outputs[0].ref:
        try:
            content = await contents.read(job.outputs[0], limit=limit)
        except TooLarge:
            raise non_retryable(
                FailureType.RESULT_UNREADABLE,
                f"The result of job {job.id}, {job.outputs[0].name!r}, is larger than {limit} bytes: let the metrics "
                "function yield less, or raise MLC_CENTER_TEXT_LIMIT.",
            ) from None
        except Refused as error:
            message = f"The result of job {job.id} can't be read. {error}"
            raise non_retryable(FailureType.RESULT_UNREADABLE, message) from None
    try:
        metrics = _parsed(content) if content else None
    except (ValueError, RecursionError) as error:
        raise non_retryable(
            FailureType.RESULT_UNREADABLE, f"The result of job {job.id} is not JSON: {error}."
        ) from None
    differing = None
    if isinstance(metrics, list) and metrics and all(isinstance(part, dict) for part in metrics):
        metrics, differing = _merged(metrics)  # as a runtime writes what a function yields one by one, or in a list
    if not isinstance(metrics, dict):
        kind = "empty" if metrics is None else f"a JSON {type(metrics).__name__}"
        why = f": two of its objects differ in {truncate(differing, 50)!r}" if differing is not None else ""
        raise non_retryable(
            FailureType.RESULT_UNREADABLE,
            f"The result of job {job.id} is {kind}; the metrics function must yield one dict with the metrics as "
            f"keys{why}.",
        )
    return metrics


def _parsed(content: bytes) -> Any:
    """JSON, or lines of it as a list."""
    try:
        return json.loads(content)
    except ValueError:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) == 1 or not all(line.lstrip().startswith(b"{") for line in lines):
            raise
        return [json.loads(line) for line in lines]


def _merged(parts: list[dict[str, Any]]) -> tuple[dict[str, Any] | list[dict[str, Any]], str | None]:
    """Objects as one; or as they are, and the key in which two of them differ."""
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if key in whole and whole[key] != value:
                return parts, key
            whole[key] = value
    return whole, None


def newest_own(results: Iterable[TestResultRecord]) -> TestResultRecord | None:
    """Of a snapshot's results, the newest first, the first that its own metrics job made: no monitor, no back test."""
    return next((result for result in results if result.purpose is Purpose.OWN), None)


async def result_of(
    contents: Contents, job: Job, finished: JobRecord, purpose: Purpose, limit: int
) -> TestResultRecord:
    """The result of a metrics job that is complete, and open, as it is to be kept; raises as ``read_metrics`` does."""
    return TestResultRecord(
        # Follows from the job's: an attempt that was given up may keep its result as well.
        id=str(uuid5(NAMESPACE_URL, f"modelTestResult|{job.id}")),
        snapshot_id=job.snapshot_id,
        job_id=job.id,
        purpose=purpose,
        values=await read_metrics(contents, finished, limit),
        provenance=provenance(finished),
    )


def reference(result: TestResultRecord) -> TestResult:
    """A result as a history keeps it."""
    metrics, read = top_level_numbers(result.values), shown_names(result.provenance.read)
    return TestResult(id=result.id, job_id=result.job_id, metrics=metrics, inputs=read)


def top_level_numbers(metrics: dict[str, Any]) -> dict[str, float]:
    """The first numbers at the top level of a result, for people who watch."""
    numbers = {truncate(name, 50): float(value) for name, value in metrics.items() if _is_finite(value)}
    return dict(list(numbers.items())[:SHOWN_METRICS])


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def provenance(job: JobRecord) -> Provenance:
    """What is needed to get the same result again: hashes of everything that went in, versions, parameters."""
    assets = job.snapshot.assets if job.snapshot else []
    other = {AssetRole.WEIGHTS_FILE, AssetRole.REQUIRED_LIBRARIES}
    return Provenance(
        job_id=job.id,
        parameters=job.parameters,
        runtime=job.runtime_name or None,
        versions=job.runtime_info,
        source=hashes(asset for asset in assets if asset.role == AssetRole.MODEL_SOURCE),
        inputs=hashes(job.inputs),
        read=[asset.name for asset in job.inputs],
        choice=choice(job) or production_of(job),
        baseline=baseline_of(job),
        artefacts=hashes(asset for asset in assets if asset.role in other),
    )


def hashes(assets: Iterable[Asset]) -> dict[str, str]:
    """SHA-256 by file name, of those assets whose hash the centre knows."""
    return {asset.name: asset.sha256 for asset in assets if asset.sha256}
