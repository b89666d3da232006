"""How ModelOp's model-manage is reached, and what it calls things.

What ModelOp's public material does not prove (literals, field names, finders) is a setting with the likely value as its
default, and says so in its description.
"""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from mlc.settings.reading import Group


def _finder(default: str, what: str) -> Any:
    """A finder of model-manage and its parameters, in the order in which the client fills them."""
    more = r",\w+" * default.count(",")
    return Field(
        default,
        pattern=rf"^$|^\w+\?\w+{more}$",
        description=f"{what}: finder?parameter; empty: list and filter (not proven)",
    )


class CenterSettings(Group):
    """The model centre: ModelOp Center's model-manage, or the standalone one."""

    model_config = SettingsConfigDict(env_prefix="MLC_CENTER_")

    url: str = Field("http://127.0.0.1:8091/model-manage/api", description="Base address of model-manage")
    browse_url: str = Field("", description="Address of the centre's pages, for links in tickets")
    snapshot_page: str = Field(
        "/#/models/business-models/snapshot/{snapshot_id}", description="Path of a snapshot's page, for links"
    )
    token: SecretStr | None = Field(None, description="A fixed bearer token")
    token_url: str | None = Field(
        None, description="OAuth2 token endpoint (client credentials); wins over MLC_CENTER_TOKEN"
    )
    client_id: str | None = Field(None, description="OAuth2 client id")
    client_secret: SecretStr | None = Field(None, description="OAuth2 client secret")
    token_scope: str | None = Field(None, description="OAuth2 scope, where the token endpoint asks for one")
    timeout: float = Field(30, description="Seconds for one request")
    text_limit: int = Field(
        1024 * 1024, ge=1, description="Largest text that is judged or shown (decision table, source), bytes"
    )
    answer_limit: int = Field(
        16 * 1024 * 1024, ge=1024, description="Largest answer of the centre without the contents of files, bytes"
    )
    spool: Path | None = Field(
        None, description="Folder for contents of files while they are worked with; unset: the system's"
    )
    contents: Literal["embedded", "reference"] = Field(
        "embedded",
        description="How contents of files come and go: embedded in documents, as ModelOp has it, or by reference, "
        "each by itself, as standalone mode's centre can",
    )
    standalone: bool = Field(
        False,
        description="Whether it is standalone mode's centre, which makes nothing twice under one key, embeds what is "
        "named by its id, and brings along in one answer what a step needs: then fewer requests are made",
    )
    page_size: int = Field(100, description="Items asked for on one page of a listing")
    training_job_type: str = Field("MODEL_BATCH_TRAINING_JOB", description="jobType of training jobs (not proven)")
    metrics_job_type: str = Field("MODEL_BATCH_TEST_JOB", description="jobType of metrics jobs")
    scoring_job_type: str = Field("MODEL_BATCH_JOB", description="jobType of scoring jobs")
    running_status: str = Field("RUNNING", description="jobStatus of a job that runs (not proven)")
    cancelled_status: str = Field("CANCELLED", description="jobStatus of a job that was cancelled (not proven)")
    successful_results: list[str] = Field(
        ["SUCCESS"],
        description="jobResult that counts as a success of a complete job, as JSON; all others have failed. "
        '`""` is a job without one',
    )
    failure_result: str = Field("FAILURE", description="jobResult of a job that failed (not proven)")
    state_field: str = Field("state", description="Field of a deployedModel that holds its state (not proven)")
    deployed_state: str = Field("DEPLOYED", description="State of an active deployment (not proven)")
    undeployed_state: str = Field("UNDEPLOYED", description="State of an ended deployment (not proven)")
    deploying_state: str = Field("DEPLOYING", description="State while a runtime loads the model (not proven)")
    failed_state: str = Field("ERROR", description="State of a deployment that could not be loaded (not proven)")
    runtime_field: str = Field("engine", description="Field of a deployedModel that holds its engine (not proven)")
    stage_field: str = Field(
        "deploymentTarget", description="Field of a deployedModel that holds the stage it is deployed to (not proven)"
    )
    messages_field: str = Field(
        "messages", description="Field of a deployedModel that says why it could not be loaded (not proven)"
    )
    endpoint_type: str = Field("REST", description="endpointType of an engine that serves online (not proven)")
    one_model_engines: str = Field(
        "MODEL_OP_ENGINE",
        description="engineType of runtimes that hold one online model only, if they don't say otherwise; "
        "empty: none do (not proven)",
    )
    signal_name_field: str = Field(
        "signalName", description="Field of a schedule's action that names the signal (not proven)"
    )
    time_zone_field: str = Field(
        "timeZone", description="Field of a schedule that holds its cron expression's time zone (not proven)"
    )
    train_function_field: str = Field(
        "trainFunction", description="Field of a source that names its training function (not proven)"
    )
    result_snapshot_field: str = Field(
        "deployableModelId", description="Field of a modelTestResult that holds its snapshot's id (not proven)"
    )
    result_job_field: str = Field(
        "jobId", description="Field of a modelTestResult that holds its job's id (not proven)"
    )
    result_monitor_field: str = Field(
        "associatedModel", description="Field that only a monitor's modelTestResult has (not proven)"
    )
    expiration_field: str = Field(
        "expirationDate", description="Field of a snapshot that holds its expiration date (not proven)"
    )
    test_results: str = Field("modelTestResults", description="Collection of test results (not proven)")
    runtimes: str = Field("engines", description="Collection of runtimes (not proven)")
    deployments: str = Field("deployedModels", description="Collection of deployments (not proven)")
    assets: str = Field(
        "assets", description="Collection of files that belong to no model, such as a signal's INPUT_FILE (not proven)"
    )
    reads_any_asset: bool = Field(
        False,
        description="Its runtimes read what lies in S3, HDFS, databases and on any host: such assets of signals are "
        "passed on. For a real ModelOp Center",
    )
    decision_records: str = Field(
        "decisionRecords",
        description="Collection of decision records, as standalone mode has it; modelAssets: each entry is a file on "
        "the stored model instead, as on a real ModelOp (not proven)",
    )
    listing_limit: int = Field(2000, description="Newest items looked through where the centre has no such finder")
    sorts_by_change: bool = Field(
        True,
        description="Listings can have the last changed first, for the mirror of schedules, which finds out if they "
        "can't; false: it reads everything at each look",
    )
    find_models_by_name: str = _finder("findAllByModelMetaData_Name?name", "Stored models of a name")
    find_snapshots_by_model: str = _finder("findAllByStoredModel_Id?storedModelId", "Snapshots of a stored model")
    find_jobs_by_key: str = _finder(
        "findAllByModel_IdAndJobParameters_MlcKey?deployableModelId,mlcKey", "Jobs of a snapshot by mlcKey"
    )
    find_jobs_by_snapshot: str = _finder("findAllByModel_Id?deployableModelId", "Jobs of a snapshot")
    find_results_by_snapshot: str = _finder("findAllByDeployableModel_Id?deployableModelId", "Its test results")
    find_deployments_by_model: str = _finder(
        "findAllByDeployableModel_StoredModel_Id?storedModelId", "Deployments of a stored model"
    )
    find_deployments_by_snapshot: str = _finder(
        "findAllByDeployableModel_Id?deployableModelId", "Deployments of a snapshot"
    )
    find_deployments_by_engine: str = _finder("findAllByEngine_Id?engineId", "Deployments on a runtime")
    find_deployments_by_state: str = _finder("findAllByState?state", "Deployments in a state")
    find_decisions_by_snapshot: str = _finder("findAllByDeployableModelId?deployableModelId", "Its decision records")
    find_notifications_by_snapshot: str = _finder(
        "findAllByDeployableModelId?deployableModelId", "Notifications of a snapshot"
    )

    @model_validator(mode="after")
    def _success_is_no_failure(self) -> Self:
        """A job must be able to succeed, and one that failed must not count as one that did."""
        if not any(self.successful_results):
            raise ValueError("MLC_CENTER_SUCCESSFUL_RESULTS must name a result, such as SUCCESS")
        if self.failure_result in self.successful_results:
            raise ValueError("MLC_CENTER_SUCCESSFUL_RESULTS must not hold MLC_CENTER_FAILURE_RESULT")
        return self
