"""The model centre's newest notifications, for the board. The centre may be down: the board then says so."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from mlc.center.certificates import certificates

SHOWN = 20
KEPT = 5.0
"""Seconds for which what was read is shown again."""
PATIENCE = 1.5
"""Seconds that a page waits for the centre."""


class Notification(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    created_date: datetime | None = None
    severity: str | None = None
    message: str | None = None
    deployable_model_id: str | None = None


class _Embedded(BaseModel):
    notifications: list[Notification] = []


class _Page(BaseModel):
    embedded: _Embedded = Field(_Embedded(), alias="_embedded")


_page = TypeAdapter(_Page).validate_json


@dataclass
class Notifications:
    """Reads them from the centre's API.

    Args:
        url: address of model-manage; without one there is nothing to show.
    """

    url: str | None
    token: str | None = None
    _newest: list[Notification] | None = None
    _read: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def newest(self) -> list[Notification] | None:
        """The newest 20, or None while the centre doesn't answer."""
        if self.url is None:
            return []
        async with self._lock:
            if time.monotonic() - self._read > KEPT:
                self._newest = await self._ask(self.url)
                self._read = time.monotonic()
            return self._newest

    async def _ask(self, url: str) -> list[Notification] | None:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False, verify=certificates()) as http:
                answer = await http.get(
                    f"{url.rstrip('/')}/notifications",
                    params={"sort": "createdDate,desc", "size": SHOWN},
                    headers=headers,
                )
            return _page(answer.raise_for_status().content).embedded.notifications[:SHOWN]
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError):
            return None
