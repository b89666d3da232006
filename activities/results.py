"""Test results: reading what a metrics job answered, and what makes it reproducible."""

import json
import math
from collections.abc import Iterable
from typing import Any

from activities.failures import final
from mlc.center import wire
from mlc.model.failure import FailureType
from mlc.model.short import beginning
from mlc.model.snapshot import AssetRole

SHOWN_METRICS = 12
BACK_TEST = "backTest"
"""``provenance.purpose`` of a back test's result, which says nothing about whether to deploy."""


def read_metrics(job: wire.Job) -> dict[str, Any]:
    """The JSON object that the model's metrics function yielded, from the job's first output.

    Raises:
        ApplicationError: ``ResultUnreadable`` when there is none, or it is something else.
    """
    try:
        content = job.output_data[0].content() if job.output_data else None
        metrics = json.loads(content) if content else None
    except (ValueError, RecursionError) as error:
        raise final(FailureType.RESULT_UNREADABLE, f"The result of job {job.id} is not JSON: {error}.") from None
    if isinstance(metrics, list) and len(metrics) == 1:  # a writer of JSON records wraps the one dict
        metrics = metrics[0]
    if not isinstance(metrics, dict):
        kind = "empty" if metrics is None else f"a JSON {type(metrics).__name__}"
        raise final(
            FailureType.RESULT_UNREADABLE,
            f"The result of job {job.id} is {kind}; the metrics function must yield one dict with the metrics as keys.",
        )
    return metrics


def newest_own(results: Iterable[wire.ModelTestResult]) -> wire.ModelTestResult | None:
    """Of a snapshot's results, the newest first, the first that its own metrics job made: no monitor, no back test."""
    return next((result for result in results if _is_own(result)), None)


def _is_own(result: wire.ModelTestResult) -> bool:
    extra = result.model_extra or {}
    return "associatedModel" not in extra and result.provenance.get("purpose") != BACK_TEST


def top_level_numbers(metrics: dict[str, Any]) -> dict[str, float]:
    """The first numbers at the top level of a result, for people who watch."""
    numbers = {beginning(name, 50): float(value) for name, value in metrics.items() if _is_finite(value)}
    return dict(list(numbers.items())[:SHOWN_METRICS])


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def provenance(job: wire.Job) -> dict[str, Any]:
    """What is needed to get the same result again: hashes of everything that went in, versions, parameters."""
    assets = job.model.stored_model.model_assets if job.model else []
    source = [a for a in assets if a.asset_role == AssetRole.MODEL_SOURCE]
    other = [a for a in assets if a.asset_role in {AssetRole.WEIGHTS_FILE, AssetRole.REQUIRED_LIBRARIES}]
    return {
        "jobId": job.id,
        "jobParameters": job.job_parameters,
        "runtime": job.target_engine.name if job.target_engine else None,
        "versions": job.runtime_info,
        "source": _hashes(source),
        "inputs": _hashes(job.input_data),
        "artefacts": _hashes(other),
    }


def _hashes(assets: list[wire.Asset]) -> dict[str, str]:
    return {a.filename or a.name: a.content_hash.hex_string for a in assets if a.content_hash}
