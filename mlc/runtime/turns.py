"""Whose turn it is on a runtime: any number of jobs at a time, or one alone. First come, first served."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Place:
    job: str
    alone: bool
    called: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """The turns of one runtime process.

    Nobody has a turn while it waits for another one, so none waits for ever. Nobody is overtaken: a job that wants to
    run alone isn't kept waiting by those that came later, nor are they by a second one.
    """

    def __init__(self) -> None:
        self._running: list[_Place] = []
        self._waiting: deque[_Place] = deque()

    @asynccontextmanager
    async def take(
        self, job: str, *, alone: bool, waits_for: Callable[[list[str]], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Wait for a turn, and have it as long as the block lasts.

        Args:
            alone: no other job has a turn meanwhile.
            waits_for: told which jobs come first, if there are any in the way.
        """
        place = _Place(job, alone)
        before = [other.job for other in (*self._running, *self._waiting)]
        self._waiting.append(place)
        self._call()
        try:
            if not place.called.is_set():
                await waits_for(before)
                await place.called.wait()
            yield
        finally:
            (self._running if place.called.is_set() else self._waiting).remove(place)
            self._call()

    def _call(self) -> None:
        while self._waiting and self._is_free_for(self._waiting[0]):
            place = self._waiting.popleft()
            self._running.append(place)
            place.called.set()

    def _is_free_for(self, place: _Place) -> bool:
        return not self._running or not (place.alone or self._running[0].alone)
