"""The settings of Jira: ``MLC_JIRA_*``."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mlc.settings.reading import renamed
from mlc.ticketing.system import SystemSettings


class JiraSettings(SystemSettings):
    """Jira: the questions' home. Cloud: set user and token. Data Center: token alone (a PAT)."""

    # Ids may be written as numbers.
    model_config = SettingsConfigDict(env_prefix="MLC_JIRA_", coerce_numbers_to_str=True)

    url: str | None = Field(None, description="Base address of Jira")
    browse_url: str | None = Field(None, description="Address for links, where it differs from MLC_JIRA_URL")
    deployment: Literal["cloud", "server"] = Field("cloud", description="cloud, or server for Data Center")
    user: str | None = Field(None, description="Account's e-mail address (Cloud API token)")
    token: SecretStr | None = Field(None, description="API token or personal access token")
    project: str = Field("MLR", description="Project key")
    issue_type: str = Field("Task", description="Issue type of every ticket")
    approved_statuses: list[str] = Field(["Done", "Approved"], description="Statuses (name or id) that mean yes")
    rejected_statuses: list[str] = Field(["Rejected"], description="Statuses (name or id) that mean no")
    approved_resolutions: list[str] = Field(
        # Not Fixed: where that is what a screen offers first, whoever closes a ticket for any reason sends it.
        ["Done", "Approved", "Accepted"],
        description="Resolutions (name or id) that mean yes; one on neither list leaves the ticket undecided",
    )
    rejected_resolutions: list[str] = Field(
        ["Won't Do", "Won't Fix", "Declined", "Rejected", "Cannot Reproduce", "Duplicate"],
        description="Resolutions (name or id) that mean no, whatever the status",
    )
    withdrawn_statuses: list[str] = Field(
        ["Withdrawn", "Cancelled", "Canceled"],
        description="Statuses (name or id) for tickets that nobody needs to answer any more",
    )
    withdrawn_resolutions: list[str] = Field(
        ["Obsolete", "Withdrawn", "Cancelled", "Canceled", "Won't Do", "Won't Fix"],
        description="Resolutions (name or id) for such tickets where one has to be given, the least misleading first",
    )
    expiration_field: str = Field(
        "Expiration Date", description="Id of the expiration date's field, or its name in any language and case"
    )
    time_zone: str = Field("UTC", description="Zone in which an expiration date ends")
    timeout: float = Field(20, description="Seconds for one request")
    webhook_secrets: list[SecretStr] = Field([], description="Secrets of Jira's webhooks (two during a rotation)")
    webhook_projects: list[str] = renamed(
        [],
        "MLC_JIRA_WEBHOOK_PROJECTS",
        old="MLC_GATEWAY_WEBHOOK_PROJECTS",
        until="0.3",
        description="Projects whose webhooks are listened to; empty: MLC_JIRA_PROJECT",
    )
