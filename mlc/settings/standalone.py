"""Settings of standalone mode's model centre and ticket desk."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mlc.settings.reading import Duration, Group, home

Database = Annotated[SecretStr, BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value)]
"""A file, or an address with a password in it."""


class AccountSettings(Group):
    """Accounts of people who use standalone mode."""

    model_config = SettingsConfigDict(env_prefix="MLC_ACCOUNTS_")

    file: Path = Field(
        default_factory=lambda: home() / "accounts.jsonl",
        description="File of accounts, which `mlc account` changes; unset: `accounts.jsonl` in the home",
    )
    session_life: Duration = Field(
        timedelta(hours=12), gt=timedelta(0), description="How long somebody who has signed in stays so at most"
    )
    session_idle: Duration = Field(
        timedelta(hours=1), gt=timedelta(0), description="How long, without opening or answering a ticket"
    )


class StandaloneCenterSettings(Group):
    """Standalone mode's model centre."""

    model_config = SettingsConfigDict(env_prefix="MLC_STANDALONE_CENTER_")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8091, description="Port to listen on")
    database: Database = Field(
        default_factory=lambda: SecretStr(str(home() / "center.db")),
        validation_alias=AliasChoices("MLC_CENTER_DATABASE", "MLC_STANDALONE_CENTER_DATABASE"),
        description="SQLite file, by default `center.db` in the home, or the address of a PostgreSQL: "
        "`postgresql://user:password@host:5432/name`",
        json_schema_extra={"until": "0.3"},
    )
    token: SecretStr | None = Field(None, description="Bearer token that callers of the API must send")
    max_body: int = Field(64 * 1024 * 1024, description="Largest request body, bytes; files are sent by themselves")
    files: str | None = Field(
        None,
        validation_alias="MLC_CENTER_FILES",
        description="Where models' files are kept: a folder, a store by its connection such as s3+NAME://bucket/prefix "
        "(docs/data.md), or s3://bucket/prefix and whatever else fsspec knows; "
        "unset: center.contents beside the database, in MLC_HOME if that is PostgreSQL",
    )
    file_limit_mb: int = Field(
        100_000, ge=1, validation_alias="MLC_CENTER_FILE_LIMIT_MB", description="Largest file that may be sent, MB"
    )
    request_days: int = Field(
        90,
        ge=1,
        le=36_500,
        validation_alias="MLC_CENTER_REQUEST_DAYS",
        description="Days for which online requests are kept, where a runtime does so (MLC_RUNTIME_KEEP_REQUESTS)",
    )
    signal_url: str | None = Field(None, description="Base address of the gateway that is told of changes")
    signal_token: SecretStr | None = Field(None, description="Bearer token for the gateway")
    engine_timeout: Duration = Field(
        timedelta(seconds=30), description="A runtime not heard of for so long gets no jobs but those that name it"
    )


class DeskSettings(Group):
    """The ticket desk of standalone mode."""

    model_config = SettingsConfigDict(env_prefix="MLC_DESK_")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8092, description="Port to listen on")
    url: str | None = Field(None, description="Address by which others reach the desk, if not http://host:port")
    database: Database = Field(
        default_factory=lambda: SecretStr(str(home() / "desk.db")),
        description="The same for the desk's, by default `desk.db`",
    )
    deployment: Literal["cloud", "server"] = Field("cloud", description="Which Jira it behaves as")
    user: str | None = Field(None, description="Account of API clients")
    token: SecretStr | None = Field(None, description="Token that API clients must send; unset: anybody may")
    sign_in: bool = Field(
        False,
        description="Whether the board is for accounts that have signed in: readers read, approvers answer, in the "
        "account's name (docs/accounts.md). Unset: whoever is on this machine, under any name",
    )
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
