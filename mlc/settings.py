"""Every setting, one place. Read from ``MLC_*`` environment variables, then from ``$MLC_HOME/mlc.env``.

What ModelOp's public material does not prove (literals, field names) is a setting with the likely value as its
default. The connection to Temporal is not here: it comes from ``temporalio.envconfig``, as the ``temporal`` CLI's does.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from mlc.model.file import FileRules

SETTINGS_FILE = "mlc.env"
"""Where settings are that the environment does not have, in :func:`home`."""


def home() -> Path:
    """The folder of standalone mode's state and settings file (``MLC_HOME``, default ``.mlc``)."""
    return Path(os.environ.get("MLC_HOME", ".mlc"))


def _seconds(value: object) -> object:
    """A bare number in the environment means seconds."""
    return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]

_NAME = r"^[a-z][a-z0-9_]{0,79}$"
"""A table's or field's name in ServiceNow, which goes into queries and paths."""


class Group(BaseSettings):
    """Settings whose variables begin with the same prefix."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True, env_ignore_empty=True)

    def __init__(self, **values: Any) -> None:
        # Resolved at construction, not at import: tests and `mlc dev` choose another home.
        values.setdefault("_env_file", home() / SETTINGS_FILE)
        super().__init__(**values)


def what_is_wrong(error: ValidationError) -> str:
    """The variables that hold something else than they should, and what they should, without their values."""
    group = next((group for group in Group.__subclasses__() if group.__name__ == error.title), None)
    prefix = group.model_config["env_prefix"] if group else ""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return " ".join(f"{prefix}{'.'.join(map(str, p['loc']))}".upper() + f": {p['msg']}." for p in problems)


class StandaloneCenterSettings(Group):
    """Standalone mode's model centre."""

    model_config = SettingsConfigDict(env_prefix="MLC_STANDALONE_CENTER_")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8091, description="Port to listen on")
    database: Path = Field(default_factory=lambda: home() / "center.db", description="SQLite file")
    token: SecretStr | None = Field(None, description="Bearer token that callers of the API must send")
    max_body: int = Field(64 * 1024 * 1024, description="Largest request body, bytes")
    signal_url: str | None = Field(None, description="Base address of the gateway that is told of changes")
    signal_token: SecretStr | None = Field(None, description="Bearer token for the gateway")
    engine_timeout: Duration = Field(
        timedelta(seconds=30), description="A runtime not heard of for so long gets no jobs but those that name it"
    )


class FileSettings(Group):
    """External files that jobs may read and write; the same for gateway, worker and runtimes."""

    model_config = SettingsConfigDict(env_prefix="MLC_FILE_")

    root: Path | None = Field(None, description="Folder below which file: addresses may lie; unset: none may")
    hosts: list[str] = Field([], description="Hosts (name or name:port) that http(s) addresses may name, as JSON")
    limit_mb: int = Field(4096, ge=1, description="Largest file that is read or written, MB")
    timeout: float = Field(30, gt=0, description="Seconds of silence after which a transfer fails")
    time_limit: float = Field(3600, gt=0, description="Seconds for one transfer")

    @property
    def rules(self) -> FileRules:
        return FileRules(root=self.root, hosts=self.hosts)


class JiraSettings(Group):
    """Jira: the questions' home. Cloud: set user and token. Data Center: token alone (a PAT)."""

    model_config = SettingsConfigDict(env_prefix="MLC_JIRA_")

    url: str | None = Field(None, description="Base address of Jira")
    browse_url: str | None = Field(None, description="Address for links, where it differs from MLC_JIRA_URL")
    deployment: Literal["cloud", "server"] = Field("cloud", description="cloud, or server for Data Center")
    user: str | None = Field(None, description="Account's e-mail address (Cloud API token)")
    token: SecretStr | None = Field(None, description="API token or personal access token")
    project: str = Field("MLR", description="Project key")
    issue_type: str = Field("Task", description="Issue type of every ticket")
    approved_statuses: list[str] = Field(["Done", "Approved"], description="Statuses (name or id) that mean yes")
    rejected_statuses: list[str] = Field(["Rejected"], description="Statuses (name or id) that mean no")
    approved_resolutions: list[str] = Field(["Done", "Approved"], description="Resolutions that mean yes")
    rejected_resolutions: list[str] = Field(
        ["Won't Do", "Won't Fix", "Declined", "Rejected", "Cannot Reproduce", "Duplicate"],
        description="Resolutions that mean no, whatever the status",
    )
    withdrawn_statuses: list[str] = Field(
        ["Withdrawn", "Cancelled", "Canceled"], description="Statuses for tickets that nobody needs to answer any more"
    )
    expiration_field: str = Field("Expiration Date", description="Name or id of the expiration date's field")
    time_zone: str = Field("UTC", description="Zone in which an expiration date ends")
    timeout: float = Field(20, description="Seconds for one request")
    webhook_secrets: list[SecretStr] = Field([], description="Secrets of Jira's webhooks (two during a rotation)")


class ServiceNowSettings(Group):
    """ServiceNow, through its Table API. Set user and password, or client id and secret (OAuth), or a bearer token."""

    model_config = SettingsConfigDict(env_prefix="MLC_SERVICENOW_")

    url: str | None = Field(None, description="Base address of the instance")
    browse_url: str | None = Field(None, description="Address for links, where it differs from MLC_SERVICENOW_URL")
    record_page: str = Field(
        "/nav_to.do?uri={table}.do%3Fsys_id%3D{sys_id}", description="Path of a record's page, for links"
    )
    user: str | None = Field(None, description="Account's user name (basic authentication)")
    password: SecretStr | None = Field(None, description="Its password")
    client_id: str | None = Field(None, description="OAuth client id (client credentials); wins over user and password")
    client_secret: SecretStr | None = Field(None, description="OAuth client secret")
    token: SecretStr | None = Field(None, description="A fixed bearer token; wins over everything else")
    table: str = Field("change_request", pattern=_NAME, description="Table of approvals")
    number_prefix: str = Field("CHG", description="How numbers of that table begin")
    fields: dict[str, str] = Field(
        {"type": "normal", "approval": "requested"}, description="Further fields of a new record there, as JSON"
    )
    incident_table: str = Field("incident", pattern=_NAME, description="Table of every other ticket")
    incident_number_prefix: str = Field("INC", description="How numbers of that table begin")
    incident_fields: dict[str, str] = Field({}, description="Further fields of a new record there, as JSON")
    label_field: str = Field("correlation_id", pattern=_NAME, description="Field that holds our key, in both tables")
    origin: str = Field("Model governance", description="What correlation_display says of a ticket")
    comment_field: Literal["work_notes", "comments"] = Field("work_notes", description="Where a process comments")
    description_limit: int = Field(4000, ge=1000, description="Longest description, characters")
    decision_field: str = Field("approval", pattern=_NAME, description="Field of an approval that holds the decision")
    approved_values: list[str] = Field(["approved"], description="Values of that field that mean yes")
    rejected_values: list[str] = Field(["rejected"], description="Values of that field that mean no")
    closed_states: list[str] = Field(["3"], description="States of an approval that is closed")
    withdrawn_state: str = Field("4", description="State of an approval that nobody needs to answer any more")
    incident_closed_states: list[str] = Field(["6", "7"], description="States of an incident that is answered")
    incident_withdrawn_state: str = Field("8", description="State of an incident that nobody needs to answer any more")
    approved_codes: list[str] = Field(
        [
            *("Solution provided", "Workaround provided", "Resolved by change", "Resolved by request"),
            *("Solved (Permanently)", "Solved (Work Around)", "Solved Remotely (Permanently)"),
            "Solved Remotely (Work Around)",
        ],
        description="Resolution codes of an answered incident that mean: try again",
    )
    rejected_codes: list[str] = Field(
        ["No resolution provided", "Not Solved (Not Reproducible)", "Not Solved (Too Costly)", "Duplicate"],
        description="Resolution codes of an answered incident that mean: stop",
    )
    expiration_field: str = Field(
        "u_expiration_date", pattern=_NAME, description="Field of an approval that holds the expiration date"
    )
    expiration_label: str = Field("Expiration Date", description="What people see that field called")
    time_zone: str = Field("UTC", description="Zone in which an expiration date ends")
    timeout: float = Field(45, description="Seconds for one request; business rules run within it")
    webhook_secrets: list[SecretStr] = Field([], description="Secrets that sign its webhooks (two during a rotation)")

    @property
    def tables(self) -> list[str]:
        """The tables that our tickets are in."""
        return list(dict.fromkeys([self.table, self.incident_table]))


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


class ProcessSettings(Group):
    """How the processes behave."""

    model_config = SettingsConfigDict(env_prefix="MLC_")

    train_tag: str = Field("train", description="Tag that asks for a training job")
    run_test_tag: str = Field("run_test", description="Tag that asks for a metrics job")
    review_tag: str = Field("jira", description="Tag that asks for judgement and a reviewer")
    servicenow_review_tag: str = Field("servicenow", description="The same, with the review in ServiceNow")
    ticketing: Literal["jira", "servicenow"] = Field(
        "jira", description="Where tickets go if neither a tag nor the input says so"
    )
    on_failed_verdict: Literal["reject", "ask"] = Field(
        "reject", description="reject, or ask the reviewer all the same"
    )
    on_missing_metric: Literal["fail", "warn", "ignore"] = Field(
        "fail", description="When a decision table asks for a metric that the test result lacks"
    )
    patience: Duration = Field(timedelta(hours=24), description="How long outages are retried before a ticket is made")
    settle: Duration = Field(timedelta(seconds=120), description="Wait before creating again after an unclear answer")
    center_settle: Duration = Field(timedelta(seconds=15), description="The same for jobs and deployments")
    job_poll: Duration = Field(timedelta(seconds=30), description="Between two looks at a running job")
    job_deadline: Duration = Field(timedelta(days=7), description="A job that runs longer is given up")
    runtime_timeout: Duration = Field(
        timedelta(minutes=2), description="A runtime whose heartbeats stopped for so long gets no batch jobs"
    )
    deployment_deadline: Duration = Field(timedelta(minutes=30), description="The same for a deployment that loads")
    sweep_interval: Duration = Field(timedelta(minutes=5), description="Between two sweeps of the open tickets")
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


class GatewaySettings(Group):
    """HTTP in: signals and webhooks."""

    model_config = SettingsConfigDict(env_prefix="MLC_GATEWAY_")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8090, description="Port to listen on")
    token: SecretStr | None = Field(None, description="Bearer token that callers of the signal API must send")
    max_body: int = Field(16 * 1024 * 1024, description="Largest body of a signal, bytes")
    max_webhook_body: int = Field(1024 * 1024, description="Largest body of a webhook, bytes")
    webhook_token: SecretStr | None = Field(
        None, description="Bearer secret, or basic password, of senders that can't sign, such as Jira Automation"
    )
    webhook_suffix: str = Field(
        "", pattern=r"^[A-Za-z0-9_-]*$", description="Last part of the webhooks' paths, to make them hard to guess"
    )
    webhook_networks: list[IPvAnyNetwork] = Field(
        [], description="Networks that webhooks may come from, such as 10.0.0.0/8, as JSON; empty: any"
    )
    webhook_projects: list[str] = Field([], description="Jira projects listened to; empty: MLC_JIRA_PROJECT")
    webhook_tables: list[str] = Field([], description="ServiceNow tables listened to; empty: those of our tickets")
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
    memory_limit_mb: int = Field(2048, ge=64, description="Memory of one model, MB")
    time_limit: float = Field(3600, gt=0, description="Seconds for one job")
    online_time_limit: float = Field(30, gt=0, description="Seconds for one online record")
    load_time_limit: float = Field(300, gt=0, description="Seconds in which an online model must load")
    output_limit_mb: int = Field(64, ge=1, description="Largest output or artefact that goes to the centre, MB")
    max_parallel_jobs: int = Field(2, ge=1, description="Jobs that run at the same time")
    max_body: int = Field(1024 * 1024, description="Largest body of an online request, bytes")

    @property
    def folder(self) -> Path:
        """Where this runtime keeps its working files."""
        return (self.work_dir or home() / "runtimes" / self.name).absolute()
