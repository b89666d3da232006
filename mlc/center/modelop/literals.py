"""ModelOp's words and ours, in both directions. A word that is not known is ``UNKNOWN``: no error, and never a yes."""

import re
from collections.abc import Mapping
from typing import TypeVar

from mlc.center.modelop import wire
from mlc.center.modelop.settings import CenterSettings
from mlc.model.asset import AssetKind, AssetUse
from mlc.model.deployment import DeploymentState
from mlc.model.job import JobKind, JobResult, JobStatus

K = TypeVar("K")

CREATED, WAITING, COMPLETE, ERROR = "CREATED", "WAITING", "COMPLETE", "ERROR"
"""Proven values of ``jobStatus``; the others are settings."""
RECORDS_IN_OUT = re.compile(r"Records in/out: (\d{1,19})/(\d{1,19})")
"""The last line but few of a runtime's log, proven: how many records a job read and wrote."""

SOURCE_CODE, FILE, EXTERNAL_FILE, SQL = "SOURCE_CODE", "FILE", "EXTERNAL_FILE", "SQL"
S3_REPOSITORY, SQL_REPOSITORY = "S3_REPOSITORY", "SQL_REPOSITORY"
"""Values of ``repositoryType``, proven."""
_ASSET_KINDS = {
    SOURCE_CODE: AssetKind.SOURCE,
    FILE: AssetKind.FILE,
    EXTERNAL_FILE: AssetKind.EXTERNAL,
    SQL: AssetKind.QUERY,
}
_ASSET_TYPES = {kind: name for name, kind in _ASSET_KINDS.items()}

BUSINESS_MODEL, MONITORING_MODEL = "BUSINESS_MODEL", "MODEL_MONITORING_MODEL"
INPUT_ASSET, ADDITIONAL_ASSET = "INPUT_ASSET", "ADDITIONAL_ASSET"
_ASSET_USES = {INPUT_ASSET: AssetUse.INPUT, ADDITIONAL_ASSET: AssetUse.ADDITIONAL}
SNAPSHOT_ASSOCIATION, METRICS_MODEL = "DEPLOYABLE_MODEL_ASSOCIATION", "METRICS_MODEL"
MODEL_USE_CASE, MODEL_IMPLEMENTATION = "MODEL_USE_CASE", "MODEL_IMPLEMENTATION"
NO_MONITORS = frozenset({MODEL_USE_CASE, MODEL_IMPLEMENTATION})
"""Values of ``associationRole`` of models that watch nothing."""
MODELOP_ENGINE, ENGINE_RUNS, ENGINE_FAILED = "MODEL_OP_ENGINE", "RUNNING", "ERROR"


def asset_kind(asset_type: str) -> AssetKind:
    return _ASSET_KINDS.get(asset_type, AssetKind.UNKNOWN)


def asset_type(kind: AssetKind) -> str:
    return _ASSET_TYPES.get(kind, FILE)


def asset_use(usage: object) -> AssetUse:
    return _ASSET_USES.get(usage, AssetUse.UNKNOWN) if isinstance(usage, str) else AssetUse.UNKNOWN


def asset_usage(use: AssetUse) -> str | None:
    return _key_of(_ASSET_USES, use)


def job_kind(job_type: str, settings: CenterSettings) -> JobKind:
    return _key(_job_types(settings), job_type) or JobKind.UNKNOWN


def job_type(kind: JobKind, settings: CenterSettings) -> str:
    return _job_types(settings)[kind]


def job_status(word: str, settings: CenterSettings) -> JobStatus:
    return _key(_job_statuses(settings), word) or JobStatus.UNKNOWN


def job_status_word(status: JobStatus, settings: CenterSettings) -> str:
    return _job_statuses(settings)[status]


def job_result(word: str | None, settings: CenterSettings) -> JobResult:
    """A job without a result has the empty word, which a setting may count as a success."""
    if (word or "") in settings.successful_results:
        return JobResult.SUCCESS
    return JobResult.FAILURE if word == settings.failure_result else JobResult.UNKNOWN


def job_result_word(result: JobResult, settings: CenterSettings) -> str:
    """What is written: of several words for a success the first."""
    if result is JobResult.SUCCESS:
        return next(word for word in settings.successful_results if word)
    return settings.failure_result


def deployment_state(deployment: wire.DeployedModel, settings: CenterSettings) -> str:
    """What the centre calls a deployment's state; empty if it says nothing."""
    return str(wire.value(deployment, settings.state_field) or "")


def state_of(deployment: wire.DeployedModel, settings: CenterSettings) -> DeploymentState:
    return _key(_states(settings), deployment_state(deployment, settings)) or DeploymentState.UNKNOWN


def state_word(state: DeploymentState, settings: CenterSettings) -> str:
    return _states(settings)[state]


def _job_types(settings: CenterSettings) -> Mapping[JobKind, str]:
    return {
        JobKind.TRAINING: settings.training_job_type,
        JobKind.METRICS: settings.metrics_job_type,
        JobKind.SCORING: settings.scoring_job_type,
    }


def _job_statuses(settings: CenterSettings) -> Mapping[JobStatus, str]:
    return {
        JobStatus.CREATED: CREATED,
        JobStatus.WAITING: WAITING,
        JobStatus.RUNNING: settings.running_status,
        JobStatus.COMPLETE: COMPLETE,
        JobStatus.ERROR: ERROR,
        JobStatus.CANCELLED: settings.cancelled_status,
    }


def _states(settings: CenterSettings) -> Mapping[DeploymentState, str]:
    return {
        DeploymentState.DEPLOYING: settings.deploying_state,
        DeploymentState.DEPLOYED: settings.deployed_state,
        DeploymentState.UNDEPLOYED: settings.undeployed_state,
        DeploymentState.FAILED: settings.failed_state,
    }


def _key_of(words: Mapping[str, K], meaning: K) -> str | None:
    return next((word for word, known in words.items() if known == meaning), None)


def _key(words: Mapping[K, str], word: str) -> K | None:
    return next((key for key, known in words.items() if known == word), None)
