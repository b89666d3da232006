"""The settings of ServiceNow: ``MLC_SERVICENOW_*``."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mlc.settings.reading import renamed
from mlc.ticketing.system import SystemSettings

_NAME = r"^[a-z][a-z0-9_]{0,79}$"
"""A table's or field's name in ServiceNow, which goes into queries and paths."""


class ServiceNowSettings(SystemSettings):
    """ServiceNow, through its Table API. Set user and password, or client id and secret (OAuth), or a bearer token."""

    # Values may be written as numbers.
    model_config = SettingsConfigDict(env_prefix="MLC_SERVICENOW_", coerce_numbers_to_str=True)

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
    webhook_tables: list[str] = renamed(
        [],
        "MLC_SERVICENOW_WEBHOOK_TABLES",
        old="MLC_GATEWAY_WEBHOOK_TABLES",
        until="0.3",
        description="Tables whose webhooks are listened to; empty: those of our tickets",
    )
    review_tag: str = Field("servicenow", description="Tag that asks for judgement and a reviewer in ServiceNow")

    @property
    def tables(self) -> list[str]:
        """The tables that our tickets are in."""
        return list(dict.fromkeys([self.table, self.incident_table]))
