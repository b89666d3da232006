"""Deeds that come too often go as one: of each kind at most one in two seconds, and the last always done.

Whoever asked for one gets its answer when it is done, and not before: what is not done yet when something dies is
unanswered, and asked for again. Nothing is kept but what waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from mlc.gateway.temporal import TemporalDown

BETWEEN = 2.0
"""Seconds between the end of one and the beginning of the next."""
MOST_SUBJECTS = 3
"""Different ones that may wait in a lane: a run waits for one ticket or one job at a time."""

Deed = Callable[[], Awaitable[int]]


class TooMany(TemporalDown):
    """So many different ones wait already that the sender is to come again."""


@dataclass
class _Waiting:
    """A deed that has not begun, and what those who asked for it wait for."""

    deed: Deed
    done: asyncio.Future[int]


@dataclass
class _Lane:
    """What waits, by what it is about, in order; ``doing`` keeps the time between two."""

    waiting: dict[str, _Waiting] = field(default_factory=dict)
    doing: asyncio.Task[None] | None = None


class Pace:
    """Lanes, each with a pace of its own."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane] = {}

    async def do(self, lane_of: Hashable, about: str, deed: Deed) -> int:
        """Do something, at once or as one with others that begin later than this call; its answer.

        Args:
            lane_of: what is to be left in peace, such as a run.
            about: those about the same go as one: the newest is done, and everybody gets its answer.
            deed: what is done.

        Raises:
            TooMany: come again.
            Exception: what the deed raises.
        """
        lane = self._lanes.setdefault(lane_of, _Lane())
        if about in lane.waiting:
            lane.waiting[about].deed = deed
        elif len(lane.waiting) < MOST_SUBJECTS:
            done = asyncio.get_running_loop().create_future()
            done.add_done_callback(_seen)
            lane.waiting[about] = _Waiting(deed, done)
        else:
            raise TooMany(f"{MOST_SUBJECTS} different hints wait there already.")
        if lane.doing is None:
            lane.doing = asyncio.create_task(self._do_all(lane_of, lane))
        # Whoever hangs up takes nobody else's along.
        return await asyncio.shield(lane.waiting[about].done)

    async def _do_all(self, lane_of: Hashable, lane: _Lane) -> None:
        try:
            while lane.waiting:
                # From here on it is under way: what comes now may be news, and goes with the next one.
                next_one = lane.waiting.pop(next(iter(lane.waiting)))
                try:
                    next_one.done.set_result(await next_one.deed())
                except asyncio.CancelledError:
                    next_one.done.cancel()
                    raise
                except Exception as error:
                    next_one.done.set_exception(error)
                await asyncio.sleep(BETWEEN)
        finally:
            for undone in lane.waiting.values():
                undone.done.cancel()
            del self._lanes[lane_of]


def _seen(done: asyncio.Future[int]) -> None:
    """Everybody may have hung up: then nobody asks for the error."""
    if not done.cancelled():
        done.exception()
