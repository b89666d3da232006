"""What every request handler of the desk needs, and who is calling."""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Body, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from mlc.model.failure import MlcError
from mlc.settings import DeskSettings
from mlc.standalone.access.sessions import Sessions
from mlc.standalone.desk.jira_json import JiraJson
from mlc.standalone.desk.outbox import Outbox
from mlc.standalone.desk.records import Records
from mlc.standalone.desk.tickets import Tickets


@dataclass
class Parts:
    """The desk behind its HTTP face. Tests reach it as ``app.state.desk``."""

    settings: DeskSettings
    tickets: Tickets
    json: JiraJson
    records: Records
    outbox: Outbox
    index_lag: float
    """Seconds until a new ticket can be found by a search (Jira's index lags, too)."""
    sessions: Sessions | None = None
    """Of people who have signed in at the board; None: nobody has to."""
    tokens: set[str] = field(default_factory=set)
    """Access tokens that were given out; those of before a restart are refused."""


class Unauthorized(MlcError):
    """No credentials, or not the right ones."""


def parts(request: Request) -> Parts:
    desk: Parts = request.app.state.desk
    return desk


def author(request: Request) -> str:
    """The account that calls the API: basic (user and token) or bearer (token).

    Raises:
        Unauthorized: it is not the account of the settings.
    """
    settings = parts(request).settings
    account = settings.user or "mlc"
    if settings.token is None:
        return account
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    given = ""
    if scheme.casefold() == "bearer":
        if value in parts(request).tokens:
            return account
        given = value
    elif scheme.casefold() == "basic":
        try:
            user, _, given = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Unauthorized from None
        if settings.user and user != settings.user:
            raise Unauthorized
    if not hmac.compare_digest(given.encode(), settings.token.get_secret_value().encode()):
        raise Unauthorized
    return account


def jira_account(request: Request, response: Response) -> None:
    """Let in who may use Jira's API; the answer tells whom, as Jira's do.

    Raises:
        Unauthorized: it is not the account of the settings.
    """
    name = author(request)
    response.headers["X-Seraph-LoginReason"] = "OK"
    if parts(request).json.cloud:
        response.headers["X-AACCOUNTID"] = quote(parts(request).json.account_id(name), safe=":")
    else:
        response.headers["X-AUSERNAME"] = quote(name)


def jira_visitor(request: Request, response: Response) -> bool:
    """Whether it is the account of the settings. Whoever else it is, Jira lets them in, and shows what is public."""
    try:
        jira_account(request, response)
    except Unauthorized:
        response.headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        return False
    return True


def servicenow_account(request: Request, response: Response) -> None:
    """The same for ServiceNow's."""
    author(request)
    response.headers["X-Is-Logged-In"] = "true"


class Asked(BaseModel):
    """The query parameters of Jira's API that the desk knows; which of them count depends on the address."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    jql: str = ""
    fields: list[str] = []
    expand: list[str] = []
    properties: list[str] = []
    start_at: int = Field(0, ge=0)
    max_results: int = Field(50, ge=0)
    next_page_token: str | None = None
    order_by: str = ""
    global_id: str | None = None
    project_key: str | None = None
    permissions: list[str] = []

    @field_validator("fields", "expand", "properties", "permissions", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        """Lists come repeated, with commas, or both."""
        listed = [given] if isinstance(given, str) else given
        return [name for text in listed for name in text.split(",") if name] if isinstance(listed, list) else listed


Desk = Annotated[Parts, Depends(parts)]
Author = Annotated[str, Depends(author)]
Known = Annotated[bool, Depends(jira_visitor)]
Ask = Annotated[Asked, Query()]
Json = Annotated[dict[str, Any], Body()]
