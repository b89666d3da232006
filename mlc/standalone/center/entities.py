"""The entities of model-manage that standalone mode has: their names, types, finders and indexed references."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlc.center.modelop.wire import (
    Asset,
    DecisionDocument,
    DeployableModel,
    DeployedModel,
    Engine,
    Entity,
    Job,
    ModelTestResult,
    Notification,
    StoredModel,
)

JsonObject = dict[str, Any]

CREATED, WAITING, RUNNING = "CREATED", "WAITING", "RUNNING"
COMPLETE, ERROR, CANCELLED = "COMPLETE", "ERROR", "CANCELLED"
TERMINAL_STATUSES = frozenset({COMPLETE, ERROR, CANCELLED})
"""Values of ``jobStatus`` that never change again."""

HANDED_TO = "mlcHandedTo"
"""Field of a job: the name of the runtime that the centre hands it to. Set before the runtime can learn of the job."""

DISPATCH, CANCEL, WATCH = "dispatch", "cancel", "watch"
"""What the centre does about a job: hand it to a runtime, have the runtime stop it, or see that it is still run."""


@dataclass(frozen=True)
class Kind:
    """One entity.

    ``references`` tell which values of a document are indexed, by column of the store. ``finders`` name, for each
    finder, the query parameters and the columns that they are compared with. ``pending`` tells, by the status that
    an entity comes to, what the centre then has to do about it. What is ``append_only`` never changes.
    """

    plural: str
    type: type[Entity]
    references: Mapping[str, str]
    finders: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    append_only: bool = False


_RESULTS_OF_SNAPSHOT = {
    "findAllByDeployableModel_Id": {"deployableModelId": "snapshot_id"},
    "findAllByDeployedModel_DeployableModel_Id": {"deployableModelId": "snapshot_id"},
}

KINDS = {
    kind.plural: kind
    for kind in (
        Kind(
            "storedModels",
            StoredModel,
            {"name": "modelMetaData.name"},
            {"findAllByModelMetaData_Name": {"name": "name"}},
        ),
        Kind(
            "deployableModels",
            DeployableModel,
            {"name": "metaData.name", "model_id": "storedModel.id"},
            {"findAllByStoredModel_Id": {"storedModelId": "model_id"}},
        ),
        Kind("assets", Asset, {"name": "name"}),
        Kind(
            "jobs",
            Job,
            {
                "name": "jobType",
                "snapshot_id": "model.id",
                "engine_id": "targetEngine.id",
                "key": "jobParameters.mlcKey",
                "status": "jobStatus",
            },
            {
                "findAllByModel_IdAndJobParameters_MlcKey": {"deployableModelId": "snapshot_id", "mlcKey": "key"},
                "findAllByModel_Id": {"deployableModelId": "snapshot_id"},
                "findAllByJobStatus": {"jobStatus": "status"},
            },
            {"jobStatus": CREATED, "jobResult": "UNKNOWN"},
            {CREATED: DISPATCH, CANCELLED: CANCEL, WAITING: WATCH, RUNNING: WATCH},
        ),
        Kind(
            "modelTestResults",
            ModelTestResult,
            {"snapshot_id": "deployableModelId"},
            _RESULTS_OF_SNAPSHOT,
        ),
        Kind(
            "engines",
            Engine,
            {"name": "name", "status": "state"},
            {"findByName": {"name": "name"}},
            {"engineType": "MODEL_OP_ENGINE", "state": "INIT"},
        ),
        Kind(
            "deployedModels",
            DeployedModel,
            {
                "snapshot_id": "deployableModel.id",
                "model_id": "deployableModel.storedModel.id",
                "engine_id": "engine.id",
                "key": "mlcKey",
                "status": "state",
            },
            {
                "findAllByDeployableModel_Id": {"deployableModelId": "snapshot_id"},
                "findAllByDeployableModel_StoredModel_Id": {"storedModelId": "model_id"},
                "findAllByEngine_Id": {"engineId": "engine_id"},
                "findAllByState": {"state": "status"},
            },
        ),
        Kind(
            "decisionRecords",
            DecisionDocument,
            {"snapshot_id": "deployableModelId", "key": "mlcKey"},
            {"findAllByDeployableModelId": {"deployableModelId": "snapshot_id"}},
            append_only=True,
        ),
        Kind(
            "notifications",
            Notification,
            {"snapshot_id": "deployableModelId", "model_id": "storedModelId", "name": "notificationType"},
            {
                "findAllByDeployableModelId": {"deployableModelId": "snapshot_id"},
                "findAllByStoredModelId": {"storedModelId": "model_id"},
            },
            {"notificationType": "MODEL_NOTIFICATION", "severity": "INFO", "open": True},
        ),
    )
}

SUMMARIES = {"modelTestResultSummaries": "modelTestResults"}
"""Light variants: read-only names under which entities can be listed as well."""

_JOB_RELS = {"modelBatchTestJob", "modelBatchJob", "modelBatchTrainingJob"}


def job_rel(job: JsonObject) -> str:
    """The name of a job's subtype in links: ``MODEL_BATCH_TEST_JOB`` is a ``modelBatchTestJob``."""
    head, *tail = str(job.get("jobType") or "").lower().split("_")
    rel = head + "".join(word.capitalize() for word in tail)
    return rel if rel in _JOB_RELS else "job"


def kind_of_path(name: str) -> Kind | None:
    """The entity behind a path's first part: its plural, a summary's, or a job's subtype."""
    if name in _JOB_RELS:
        return KINDS["jobs"]
    return KINDS.get(SUMMARIES.get(name, name))


def rel_of(kind: Kind, document: JsonObject) -> str:
    """The relation under which an entity links to itself."""
    return job_rel(document) if kind.plural == "jobs" else kind.plural.removesuffix("s")


def references(kind: Kind, document: JsonObject) -> dict[str, str | None]:
    """The indexed values of a document, by column."""
    return {column: _at(document, path) for column, path in kind.references.items()}


def _at(document: Any, path: str) -> str | None:
    for key in path.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return None if document is None else str(document)


def handed_to(job: JsonObject) -> str | None:
    """The runtime that a job was handed to; of a job that an earlier release handed over the one that it names."""
    if HANDED_TO in job:
        return str(job[HANDED_TO])
    name = _at(job, "targetEngine.name")
    return name if job.get("jobStatus") in (WAITING, RUNNING) and name else None


def reader_of(kind: Kind, document: JsonObject) -> str:
    """Who may read the files of an entity beside the operator; empty: nobody."""
    if kind.plural == "jobs":
        name = handed_to(document)
        return runtime_reader(name) if name is not None else ""
    engine = _at(document, kind.references.get("engine_id", "")) if kind.plural == "deployedModels" else None
    return engine_reader(engine) if engine else ""


def runtime_reader(name: str) -> str:
    """What a runtime is among readers, by its name: it reads the files of its jobs."""
    return f"runtime:{name}"


def engine_reader(engine_id: str) -> str:
    """What it is by an id that it is registered under: it reads the files of its deployments."""
    return f"engine:{engine_id}"
