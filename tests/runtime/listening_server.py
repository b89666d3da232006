"""Temporal in so far as it is told by heartbeats how a job is."""

import asyncio
from typing import Any


class ListeningServer:
    """Takes heartbeats as Temporal's client does; before it does, it fails as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.heard: list[list[Any]] = []
        self.failures = list(failures)
        self.there = asyncio.Event()
        self.there.set()

    def get_async_activity_handle(self, **_: Any) -> "ListeningServer":
        return self

    async def heartbeat(self, *details: Any, **_: Any) -> None:
        await self.there.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.heard.append(list(details))
