"""Settings of the programs: ``MLC_*`` environment variables, then ``$MLC_HOME/mlc.env`` (``mlc/settings/reading.py``).

Settings of a product are in its room: ``mlc/center/modelop/settings.py``, ``mlc/ticketing/jira/settings.py`` and so on;
docs/settings.md has them all. The connection to Temporal is read as the `temporal` CLI reads it (``mlc/temporal.py``).
"""

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from mlc.model.file import FileRules
from mlc.model.hosts import Hosts
from mlc.model.ticket import Provider
from mlc.settings.reading import Duration, Group, home, of_their_own, renamed, trimmed


class StandaloneCenterSettings(Group):
    """Standalone mode's model centre."""

    model_config = SettingsConfigDict(env_prefix="MLC_STANDALONE_CENTER_")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8091, description="Port to listen on")
    database: Path = Field(default_factory=lambda: home() / "center.db", description="SQLite file")
    token: SecretStr | None = Field(None, description="Bearer token that callers of the API must send")
    max_body: int = Field(64 * 1024 * 1024, description="Largest request body, bytes; files are sent by themselves")
    files: str | None = Field(
        None,
        validation_alias="MLC_CENTER_FILES",
        description="Where models' files are kept: a folder, or a store such as s3://bucket/prefix (any of fsspec's); "
        "unset: center.contents beside the database",
    )
    file_limit_mb: int = Field(
        100_000, ge=1, validation_alias="MLC_CENTER_FILE_LIMIT_MB", description="Largest file that may be sent, MB"
    )
    signal_url: str | None = Field(None, description="Base address of the gateway that is told of changes")
    signal_token: SecretStr | None = Field(None, description="Bearer token for the gateway")
    engine_timeout: Duration = Field(
        timedelta(seconds=30), description="A runtime not heard of for so long gets no jobs but those that name it"
    )


class RunJobSettings(Group):
    """How runtimes are given their jobs; the same for runtimes, the standalone centre, and `mlc setup` and `check`."""

    model_config = SettingsConfigDict(env_prefix="MLC_RUN_JOB_")

    namespace: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$",
        description="Temporal namespace of RunJob and its activities, so that a runtime needs no access to that of the "
        "processes; unset: the processes' own",
    )


class FileSettings(Group):
    """External files that jobs may read and write; the same for gateway, worker and runtimes."""

    model_config = SettingsConfigDict(env_prefix="MLC_FILE_")

    root: Path | None = Field(None, description="Folder below which file: addresses may lie; unset: none may")
    hosts: list[str] = Field(
        [],
        description="Hosts that http(s) addresses may name, as JSON: name, name:port, an address or a network. Where a "
        "name leads to an address that isn't public, that or its network must be listed, too: "
        '["minio.corp.example:9000", "10.1.2.0/24"]',
    )
    limit_mb: int = Field(4096, ge=1, description="Largest file that is read or written, MB")
    timeout: float = Field(30, gt=0, description="Seconds of silence after which a transfer fails")
    time_limit: float = Field(3600, gt=0, description="Seconds for one transfer")

    @field_validator("hosts")
    @classmethod
    def _readable(cls, hosts: list[str]) -> list[str]:
        Hosts(hosts)
        return hosts

    @property
    def rules(self) -> FileRules:
        return FileRules(root=self.root, hosts=self.hosts)


class DeskSettings(Group):
    """The ticket desk of standalone mode."""

    model_config = SettingsConfigDict(env_prefix="MLC_DESK_")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8092, description="Port to listen on")
    url: str | None = Field(None, description="Address by which others reach the desk, if not http://host:port")
    database: Path = Field(default_factory=lambda: home() / "desk.db", description="SQLite file")
    deployment: Literal["cloud", "server"] = Field("cloud", description="Which Jira it behaves as")
    user: str | None = Field(None, description="Account of API clients")
    token: SecretStr | None = Field(None, description="Token that API clients must send; unset: anybody may")
    project: str = Field("MLR", description="Project key")
    expiration_field: bool = Field(True, description='Whether tickets have the field "Expiration Date"')
    index_lag: float = Field(0, description="Seconds until a search finds a new ticket, as on Jira Cloud")
    webhook_url: str | None = Field(None, description="Where changes are reported, such as .../webhooks/jira")
    webhook_secret: SecretStr | None = Field(None, description="Secret that signs those reports")
    servicenow_webhook_url: str | None = Field(
        None, description="The same for its ServiceNow tickets, such as .../webhooks/servicenow"
    )
    servicenow_webhook_secret: SecretStr | None = Field(None, description="Secret that signs those reports")
    center_url: str | None = Field(None, description="The model centre, whose notifications the board shows")
    center_token: SecretStr | None = Field(None, description="Bearer token for the centre")
    center_browse_url: str = Field("", description="Address of the centre's pages, for links")


CONTROL_TAGS = ("train_tag", "run_test_tag", "review_tag")
"""Settings of the processes that are tags, each of which asks for a step; ticket systems have such tags, too."""


class ProcessSettings(Group):
    """How the processes behave."""

    model_config = SettingsConfigDict(env_prefix="MLC_")

    train_tag: str = Field("train", description="Tag that asks for a training job")
    run_test_tag: str = Field("run_test", description="Tag that asks for a metrics job")
    review_tag: str = Field("jira", description="Tag that asks for judgement and a reviewer, wherever tickets go")
    ticketing: Provider = Field("jira", description="Where tickets go if neither a tag nor the input says so")
    on_failed_verdict: Literal["reject", "ask"] = Field(
        "reject", description="reject, or ask the reviewer all the same"
    )
    handover: bool = Field(
        True, description="Runs with a long history go on as new ones; false while workers of 0.1.0 are beside these"
    )
    on_missing_metric: Literal["fail", "warn", "ignore"] = Field(
        "fail", description="When a decision table asks for a metric that the test result lacks"
    )
    on_no_match: Literal["pass", "warn", "fail"] = Field(
        "warn", description="When a model's values lie in no rule of a decision table of which a rule may say yes"
    )
    monitor_keys: dict[str, list[str]] = Field(
        {
            "Data Drift Monitor: Comprehensive Analysis": [
                "{feature}_ks_pvalue",
                "{feature}_es_pvalue",
                "{feature}_js_distance",
                "{feature}_kl_divergence",
            ]
        },
        description="Further keys of monitors' results, as JSON: a decision table that asks for nothing else is theirs",
    )
    on_lost_records: Literal["fail", "warn"] = Field(
        "fail",
        description="What comes of a scoring job that lost some of its records; warn needs a job that counts them",
    )
    on_missing_monitor: Literal["warn", "ask", "fail"] = Field(
        "warn", description="When an out-of-the-box monitor can't be added: warn, ask a person, or fail the step"
    )
    outage_budget: Duration = renamed(
        timedelta(hours=24),
        "MLC_OUTAGE_BUDGET",
        old="MLC_PATIENCE",
        until="0.3",
        description="How long outages are retried before a ticket is made",
    )
    ticket_index_lag: Duration = renamed(
        timedelta(seconds=120),
        "MLC_TICKET_INDEX_LAG",
        old="MLC_SETTLE",
        until="0.3",
        description="How long the ticket system's search may lag: waited before creating again after an unclear answer",
    )
    center_index_lag: Duration = renamed(
        timedelta(seconds=15),
        "MLC_CENTER_INDEX_LAG",
        old="MLC_CENTER_SETTLE",
        until="0.3",
        description="The same for jobs and deployments in the model centre",
    )
    job_poll: Duration = Field(timedelta(seconds=30), description="Between two looks at a running job")
    job_deadline: Duration = Field(timedelta(days=7), description="A job that runs longer is given up")
    runtime_timeout: Duration = Field(
        timedelta(minutes=2), description="A runtime whose heartbeats stopped for so long gets no batch jobs"
    )
    deployment_deadline: Duration = Field(timedelta(minutes=30), description="The same for a deployment that loads")
    sweep_interval: Duration = Field(timedelta(minutes=5), description="Between two sweeps of the open tickets")
    late_window: Duration = Field(
        timedelta(days=1), description="How far back the first sweep looks for decisions that came too late"
    )
    mirror_schedules: bool = Field(
        False, description="Run the centre's schedules as Temporal Schedules; not beside a scheduler of ModelOp's own"
    )
    mirror_interval: Duration = Field(timedelta(minutes=1), description="Between two looks at the centre's schedules")
    schedule_time_zone: str = Field("UTC", description="Zone of the cron expressions that come without one")
    schedule_catchup: Duration = Field(
        timedelta(hours=1), description="A start that Temporal missed while it was down is made up for within this time"
    )
    retention: Duration = Field(
        timedelta(days=30), description="`mlc setup` has Temporal keep closed runs for at least so long"
    )
    stage_aliases: dict[str, list[str]] = Field(
        {"prod": ["production"], "dev": ["development"], "sit": [], "uat": []},
        description="Other names of stages, as JSON",
    )
    temporal_ui: str = Field("http://127.0.0.1:8233", description="Address of the Temporal UI, for links")
    worker_threads: int = Field(20, description="Threads for the ticket systems' blocking clients")

    _trimmed = field_validator(*CONTROL_TAGS)(trimmed)

    @property
    def control_tags(self) -> dict[str, str]:
        """The tags that ask for a step, and the variable of each.

        Raises:
            ValueError: two variables have the same.
        """
        return of_their_own((self.variable(field), getattr(self, field)) for field in CONTROL_TAGS)

    @model_validator(mode="after")
    def _tags_of_their_own(self) -> Self:
        assert self.control_tags
        return self


class GatewaySettings(Group):
    """HTTP in: signals and webhooks."""

    model_config = SettingsConfigDict(env_prefix="MLC_GATEWAY_")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8090, description="Port to listen on")
    token: SecretStr | None = Field(None, description="Bearer token that callers of the signal API must send")
    max_body: int = Field(16 * 1024 * 1024, description="Largest body of a signal, bytes")
    max_webhook_body: int = Field(1024 * 1024, description="Largest body of a webhook, bytes")
    webhook_token: SecretStr | None = Field(
        None, description="Bearer secret, or basic password, of senders that can't sign"
    )
    webhook_suffix: str = Field(
        "", pattern=r"^[A-Za-z0-9_-]*$", description="Last part of the webhooks' paths, to make them hard to guess"
    )
    webhook_networks: list[IPvAnyNetwork] = Field(
        [], description="Networks that webhooks may come from, such as 10.0.0.0/8, as JSON; empty: any"
    )
    webhook_rate: float = Field(50, description="Webhooks a second that one source may send, on average")
    webhook_burst: int = Field(500, description="Webhooks that one source may send at once")
    trusted_proxies: str = Field("", description="Addresses of proxies whose X-Forwarded-For is believed, with commas")


class RuntimeSettings(Group):
    """A runtime (ModelOp: engine): runs models' code."""

    model_config = SettingsConfigDict(env_prefix="MLC_RUNTIME_")

    name: str = Field("local", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$", description="Name of the runtime")
    stage: str = Field("dev", description="Stage that it belongs to (environmentName)")
    tags: list[str] = Field([], description="Service tags: it takes only snapshots with one of them")
    online: bool = Field(False, description="Serve online deployments over HTTP")
    host: str = Field("127.0.0.1", description="Address to listen on, if online")
    port: int = Field(8093, description="Port to listen on, if online")
    url: str | None = Field(None, description="Address under which callers reach it, where it differs")
    token: SecretStr | None = Field(None, description="Bearer token that callers of online models must send")
    work_dir: Path | None = Field(None, description="Working files; unset: $MLC_HOME/runtimes/<name>")
    environment: list[str] = Field([], description="Names of environment variables that models may see")
    isolation: Literal["auto", "process", "landlock", "bubblewrap", "user", "container"] = Field(
        "auto",
        description="How models are isolated (docs/threat-model.md); auto: the strongest level that works here",
    )
    account: str = Field(
        "", description="Account whose programs models are, for the level user: not root's nor its own"
    )
    container_image: str = Field(
        "", description="Image for the level container: it has this runtime's Python, and pandas, at the same place"
    )
    network: bool = Field(False, description="Models may reach the network (process: they may in any case)")
    memory_limit_mb: int = Field(2048, ge=64, description="Memory of one model, MB")
    disk_limit_mb: int = Field(2048, ge=1, description="What one model may write to disk, MB")
    process_limit: int = Field(256, ge=1, description="Processes that one model may have at the same time")
    time_limit: float = Field(3600, gt=0, description="Seconds for one job")
    online_time_limit: float = Field(
        30, gt=0, description="Seconds that an online request may wait for its model, and again for the answer"
    )
    online_queue_limit: int = Field(64, ge=0, description="Online requests that may wait for a model that is busy")
    online_check_schema: bool = Field(True, description="Refuse online records that are not as the input schema says")
    answer_limit_mb: int = Field(16, ge=1, le=1024, description="Largest answer of an online model to one request, MB")
    load_time_limit: float = Field(300, gt=0, description="Seconds in which an online model must load")
    install_time_limit: float = Field(
        600, gt=0, description="Seconds in which a model's requirements must be installed; so long an index may be away"
    )
    install_disk_limit_mb: int = Field(
        10240, ge=1, description="What installing a model's requirements may write to disk, MB"
    )
    environments_limit_mb: int = Field(
        20480, ge=0, description="What the environments made for requirements may keep in all, MB; those in use stay"
    )
    source_builds: bool = Field(
        False, description="Build packages that requirements ask for, also from the model's own folder"
    )
    output_limit_mb: int = Field(64, ge=1, description="Outputs or artefacts of one job that go to the centre, MB")
    output_file_limit: int = Field(1000, ge=1, description="Files, and folders, that one job may leave as its outputs")
    collect_time_limit: float = Field(
        300, gt=0, description="Seconds for looking at, hashing and copying what a model left; transfers not counted"
    )
    max_parallel_jobs: int = Field(2, ge=1, description="Jobs that run at the same time")
    loss_limit: int = Field(
        3, ge=2, description="A job has failed whose model was running so often when its runtime was lost"
    )
    max_body: int = Field(1024 * 1024, description="Largest body of an online request, bytes")

    @property
    def folder(self) -> Path:
        """Where this runtime keeps its working files."""
        return (self.work_dir or home() / "runtimes" / self.name).absolute()
