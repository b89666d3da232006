"""A person at the ticket system: reads tickets, comments on them and decides, through Jira's REST API v2 alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from mlc.center.certificates import certificates
from mlc.model.ticket import TicketKind
from mlc.ticketing.jira.adapter import PROPERTY
from mlc.ticketing.jira.settings import JiraSettings


@dataclass(frozen=True)
class Ticket:
    """What a ticket says. ``step`` is the phase that asks; ``text`` is without the escapes of the wiki markup."""

    key: str
    url: str
    kind: str
    step: str
    status: str
    text: str

    @property
    def reviews(self) -> bool:
        """It asks whether the model may be deployed."""
        return self.kind == TicketKind.REVIEW

    @property
    def rejects(self) -> bool:
        """It says that something about the model is not good enough."""
        return self.kind == TicketKind.REJECTION


class Reviewer:
    """Raises ``httpx.HTTPError`` when the ticket system does not do as it is asked."""

    def __init__(self, http: httpx.AsyncClient, settings: JiraSettings) -> None:
        self._http = http
        self._settings = settings

    async def read(self, key: str) -> Ticket:
        """Read a ticket."""
        issue = await self._get(f"issue/{key}", properties=PROPERTY)
        ours, fields = issue.get("properties", {}).get(PROPERTY, {}), issue["fields"]
        return Ticket(
            key=key,
            url=f"{self._settings.url}/browse/{key}",
            kind=ours.get("kind", ""),
            step=ours.get("step", ""),
            status=fields["status"]["name"],
            text=f"{fields['summary']}\n{fields.get('description') or ''}".replace("\\", ""),
        )

    async def comments(self, key: str) -> list[str]:
        """What was commented on a ticket, the oldest first."""
        found = (await self._get(f"issue/{key}/comment"))["comments"]
        return [str(each["body"]).replace("\\", "") for each in found]

    async def comment(self, key: str, text: str) -> None:
        """Write a comment."""
        await self._post(f"issue/{key}/comment", {"body": text})

    async def set_expiration(self, key: str, day: date) -> None:
        """Fill in the field "Expiration Date"."""
        name = self._settings.expiration_field
        field = next(field["id"] for field in await self._get("field") if field["name"] == name)
        (await self._http.put(f"issue/{key}", json={"fields": {field: day.isoformat()}})).raise_for_status()

    async def move(self, key: str, status: str) -> None:
        """Move a ticket to another status."""
        offered = (await self._get(f"issue/{key}/transitions"))["transitions"]
        transition = next(transition["id"] for transition in offered if transition["to"]["name"] == status)
        await self._post(f"issue/{key}/transitions", {"transition": {"id": transition}})

    async def _get(self, path: str, **params: str) -> Any:
        return (await self._http.get(path, params=params)).raise_for_status().json()

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        (await self._http.post(path, json=body)).raise_for_status()


@asynccontextmanager
async def reviewer(settings: JiraSettings) -> AsyncIterator[Reviewer]:
    """A reviewer at the ticket system of the settings, which name its address, an account and its token."""
    account = (settings.user or "", settings.token.get_secret_value() if settings.token else "")
    async with httpx.AsyncClient(
        base_url=f"{settings.url}/rest/api/2/", auth=account, timeout=settings.timeout, verify=certificates()
    ) as http:
        yield Reviewer(http, settings)
