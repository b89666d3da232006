"""ModelOp's JSON as types: every field that the project reads, and whatever else came with it.

Field names are ModelOp's, in snake_case here and camelCase on the wire. Unknown fields are kept and sent back.
"""

import base64
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Entity(BaseModel):
    """Base of every wire type."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, populate_by_name=True, protected_namespaces=())

    def wire(self) -> dict[str, Any]:
        """As ModelOp's JSON, without what was never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def value(entity: Entity, field: str) -> Any:
    """What stands in a field, by its name on the wire (such as one that the settings tell); None if nothing does."""
    extra = entity.model_extra or {}
    if field in extra:
        return extra[field]
    own = next((name for name, info in type(entity).model_fields.items() if info.alias == field), None)
    return getattr(entity, own) if own else None


class MetaData(Entity):
    name: str = ""
    description: str | None = None
    tags: list[str] = []
    custom: dict[str, Any] = {}


class ContentHash(Entity):
    hash_type: str = "SHA-256"
    hex_string: str = ""


class Asset(Entity):
    """A file, source or external reference of a model. ``file_content`` is base64."""

    id: str | None = None
    """Of a file that the centre keeps by itself, outside any model."""
    asset_id: str | None = None
    name: str = ""
    asset_type: str = "FILE"
    asset_role: str = "UNKNOWN"
    usage: str | None = None
    filename: str | None = None
    file_format: str | None = None
    file_size: int | None = None
    file_url: str | None = None
    content_hash: ContentHash | None = None
    repository_info: Any = None
    """Where the file at ``file_url``, or the database of ``sql_statement``, is: an object of one of several kinds."""
    sql_statement: Any = None
    parameters: Any = None
    file_content: str | None = None
    primary_model_source: bool | None = None
    source_code: str | None = None
    init_function: str | None = None
    score_function: str | None = None
    metrics_function: str | None = None
    train_function: str | None = None

    def content(self) -> bytes | None:
        """The bytes of an embedded file or source, or None if the asset holds none.

        Raises:
            ValueError: the base64 is broken.
        """
        if self.file_content is not None:
            return base64.b64decode(self.file_content, validate=True)
        if self.source_code is not None:
            return self.source_code.encode()
        return None


class ModelMetaData(Entity):
    name: str = ""
    description: str | None = None
    type: str = "PYTHON"
    tags: list[str] = []
    custom: dict[str, Any] = {}
    model_category: str = "BUSINESS_MODEL"
    model_methodology: str | None = None
    model_risk: str | None = None
    model_use_category: str | None = None
    model_organization: str | None = None
    model_stage: str | None = None
    input_schema: list[dict[str, Any]] = []
    output_schema: list[dict[str, Any]] = []
    repository_info: dict[str, Any] | None = None


class StoredModel(Entity):
    id: str | None = None
    group: str | None = None
    created_by: str | None = None
    created_date: datetime | None = None
    model_meta_data: ModelMetaData = Field(default_factory=ModelMetaData)
    model_assets: list[Asset] = []
    required_assets: list[dict[str, Any]] = []


class Schedule(Entity):
    """A cron schedule that sends a signal with variables."""

    schedule_id: str | None = None
    cron_expression: str | None = None
    time_zone: str | None = None
    """Of the cron expression (not proven)."""
    meta_data: MetaData | None = None
    action: dict[str, Any] | None = None


class Association(Entity):
    """A monitor on a snapshot."""

    association_type: str = "DEPLOYABLE_MODEL_ASSOCIATION"
    association_role: str = "METRICS_MODEL"
    association_assets: list[Asset] = []
    schedules: list[Schedule] = []
    associated_model: dict[str, Any] = {}


class Engine(Entity):
    """A runtime."""

    id: str | None = None
    name: str = ""
    engine_type: str = "MODEL_OP_ENGINE"
    state: str = "INIT"
    platform: dict[str, Any] = {}
    input_endpoints: list[dict[str, Any]] = []
    output_endpoints: list[dict[str, Any]] = []
    tags: list[str] = []
    environment_name: str | None = None
    mlc_many_models: Any = None
    """True: it serves any number of models at once. ModelOp's own engines don't say so."""


class DeployableModel(Entity):
    """A snapshot."""

    id: str = ""
    created_by: str | None = None
    created_date: datetime | None = None
    stored_model: StoredModel = Field(default_factory=StoredModel)
    meta_data: MetaData = Field(default_factory=MetaData)
    associated_models: list[Association] = []
    target_runtimes: list[Engine] = []


class Job(Entity):
    """``job_parameters`` carries ``mlcKey`` and ``mlcWorkflowId`` of the process that created the job."""

    id: str = ""
    job_type: str = ""
    job_status: str = "CREATED"
    job_result: str | None = None
    job_messages: list[str] = []
    job_parameters: dict[str, Any] = {}
    input_data: list[Asset] = []
    output_data: list[Asset] = []
    additional_assets: list[Asset] = []
    model: DeployableModel | None = None
    reference_model: DeployableModel | None = None
    target_engine: Engine | None = None
    stop_on_bad_records: bool | None = None
    enable_input_schema_checking: bool | None = None
    enable_output_schema_checking: bool | None = None
    created_date: datetime | None = None
    runtime_info: dict[str, Any] | None = None
    """Versions of Python and libraries that ran the job (standalone runtimes say so; ModelOp's may not)."""


JOB_KEY = "mlcKey"
"""Which of ``job_parameters`` is the key of the process that created the job."""


def job_key(job: Job) -> str | None:
    """The key of the process that created a job; None if it tells none."""
    key = job.job_parameters.get(JOB_KEY)
    return key if isinstance(key, str) else None


class ModelTestResult(Entity):
    id: str = ""
    created_date: datetime | None = None
    deployable_model_id: str | None = None
    job_id: str | None = None
    test_results: dict[str, Any] = {}
    dmn_rule_results: list[dict[str, Any]] = []
    provenance: dict[str, Any] = {}
    """SHA-256 of source, inputs and artefacts, library versions, job parameters: what makes the result reproducible."""


class DeployedModel(Entity):
    """A deployment. Its state stands in the field that ``MLC_CENTER_STATE_FIELD`` names."""

    id: str = ""
    created_date: datetime | None = None
    deployable_model: DeployableModel | None = None
    engine: Engine | None = None
    deployment_target: str | None = None
    schedules: list[Schedule] = []
    mlc_key: str | None = None
    mlc_rank: Any = None
    """``Rank``, as JSON, of one that a run made."""
    mlc_provisional: Any = None
    """True until its run has confirmed it."""
    messages: list[str] = []


class DecisionDocument(Entity):
    """An entry of a decision record, in a collection that only standalone mode has. ``record`` is ours alone."""

    id: str = ""
    created_date: datetime | None = None
    deployable_model_id: str | None = None
    mlc_key: str | None = None
    record: dict[str, Any] = {}


class Notification(Entity):
    id: str = ""
    created_date: datetime | None = None
    notification_type: str = "MODEL_NOTIFICATION"
    severity: str = "INFO"
    message: str = ""
    open: bool = True
    stored_model_id: str | None = None
    deployable_model_id: str | None = None
    job_id: str | None = None
