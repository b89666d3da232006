"""Settings of the programs: ``MLC_*`` environment variables, then ``$MLC_HOME/mlc.env`` (``mlc/settings/reading.py``).

Settings of a product are in its room: ``mlc/center/modelop/settings.py``, ``mlc/ticketing/jira/settings.py`` and so on;
docs/settings.md has them all. The connection to Temporal is read as the `temporal` CLI reads it (``mlc/temporal.py``).
"""

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from mlc.model.cron import calendars
from mlc.model.file import FileRules
from mlc.model.hosts import Hosts
from mlc.model.places import check_place
from mlc.model.ticket import Provider
from mlc.settings.reading import Duration, Group, of_their_own, renamed, trimmed
from mlc.settings.runtime import RuntimeSettings
from mlc.settings.standalone import AccountSettings, DeskSettings, StandaloneCenterSettings

__all__ = [
    "CONTROL_TAGS",
    "AccountSettings",
    "DeskSettings",
    "FileSettings",
    "GatewaySettings",
    "ProcessSettings",
    "RunJobSettings",
    "RuntimeSettings",
    "StandaloneCenterSettings",
]


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

    read: list[str] = Field(
        [],
        description="What may be read, as JSON: folders, hosts, buckets of connections or what begins with a path in "
        "one, databases; docs/data.md has them: "
        '["file:///lake/in", "files.example.org", "s3+lake://risk/scores", "sql+warehouse:"]',
    )
    write: list[str] = Field([], description="What may be written, likewise")
    root: Path | None = Field(
        None, description="Folder below which file: addresses may lie, to be read and written; unset: none may"
    )
    hosts: list[str] = Field(
        [],
        description="Hosts that http(s) addresses may name, to be read and written, as JSON: name, name:port, an "
        "address or a network. Where a name leads to an address that isn't public, that or its network must be "
        'listed, too: ["minio.corp.example:9000", "10.1.2.0/24"]',
    )
    limit_mb: int = Field(4096, ge=1, description="Largest file that is read or written, MB")
    timeout: float = Field(30, gt=0, description="Seconds of silence after which a transfer fails")
    time_limit: float = Field(3600, gt=0, description="Seconds for one transfer")

    @field_validator("hosts")
    @classmethod
    def _readable(cls, hosts: list[str]) -> list[str]:
        Hosts(hosts)
        return hosts

    @field_validator("read", "write")
    @classmethod
    def _places(cls, places: list[str], info: ValidationInfo) -> list[str]:
        for place in places:
            check_place(place, write=info.field_name == "write")
        return places

    @property
    def rules(self) -> FileRules:
        return FileRules(root=self.root, hosts=self.hosts, read=self.read, write=self.write)


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
    monitor_silence: Duration = Field(
        timedelta(days=7),
        description="How long nothing is said of an alarm whose ticket was closed while it goes on, and of a new "
        "snapshot that has scored nothing yet; then a ticket",
    )
    monitor_undeploy: Literal["ask", "at_once"] = Field(
        "ask", description="When a monitor's decision table says Undeploy: ask by a ticket, or undeploy and tell"
    )
    monitor_schedule: str = Field(
        "",
        description="When a monitor runs that DeployModel adds, as a cron expression: `0 0 2 * * ?`, where neither the "
        "model's metadata.json nor the snapshot before says it; empty or none: not by itself",
    )
    monitor_production: Literal["scored", "assets"] = Field(
        "scored",
        description="What monitors take for a model's production data: what it has scored (its assets where there is "
        "nothing), or always its assets",
    )
    monitor_window_rows: int | None = Field(
        100_000, ge=1, description="So many of the newest records that a model has scored are read by its monitors"
    )
    monitor_window_days: int | None = Field(
        None, ge=1, le=36_500, description="Only what was scored in so many days is read by them; unset: however old"
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
    mirror_full_interval: Duration = Field(
        timedelta(hours=6),
        description="Between two of these that read everything, so that what was deleted there, or removed here, is "
        "noticed; the others read what changed",
    )
    mirror_overlap: Duration = Field(
        timedelta(seconds=5), description="By so much the clocks of the centre's machines may differ for the mirror"
    )
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
    cached_runs: int = Field(
        500,
        ge=1,
        description="Runs that a worker keeps in memory, some 150 KB each; those that wait take none beyond them, and "
        "are read from their histories when they go on",
    )
    ticket_rate: float | None = Field(
        None,
        gt=0,
        description="Ticket activities a second, of all workers together (each makes a few calls); the same at all of "
        "them; unset: as many as come",
    )

    _trimmed = field_validator(*CONTROL_TAGS)(trimmed)

    @field_validator("monitor_schedule")
    @classmethod
    def _a_cron_or_none(cls, said: str) -> str:
        said = said.strip()
        if said.casefold() in {"", "none"}:
            return ""
        calendars(said)
        return said

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
