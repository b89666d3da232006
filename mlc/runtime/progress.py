"""How fast a scoring job is, and how long it still takes."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

WINDOW = 30.0
"""Seconds over which the rate is taken, so that it tells of now and not of an hour ago."""
ENOUGH = 3.0
"""Seconds of scoring before which no rate is told: the first records say little of the others."""
FIRST_REPORT = 5.0
"""Seconds after which people are told first how far it is; each time after that it takes twice as long.

So a run that waits for a job of a week is told twenty times, and its history stays small.
"""


class Progress:
    """Takes how many records are done, and tells the rate and the time left.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.expected: int | None = None
        """How many records there are, if that is known."""
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._next_report = FIRST_REPORT
        self._began: float | None = None

    def expect(self, records: int | None) -> None:
        """There are so many."""
        self.expected = records

    def set(self, records: int) -> None:
        """So many are done now.

        The rate is taken from the first that says of any: before it the model was laid out and loaded, and what an
        earlier attempt scored is in it.
        """
        now = self._clock()
        if self._began is None:
            self._began = now
        if not records and not self._seen:
            return
        self._seen.append((now, records))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Records a second, lately; None while that can't be told."""
        if not self._seen:
            return None
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now - began >= ENOUGH else None

    def left(self, records: int) -> float | None:
        """Seconds that it still takes at that rate."""
        rate = self.rate
        if self.expected is None or not rate:
            return None
        return max(0.0, (self.expected - records) / rate)

    def details(self, records: int | None) -> dict[str, Any]:
        """What a heartbeat says of it besides the records: ``of`` how many, ``per_second``, ``seconds_left``."""
        if records is None:
            return {}
        found: dict[str, Any] = {"of": self.expected} if self.expected is not None else {}
        rate, left = self.rate, self.left(records)
        found |= {"per_second": round(rate)} if rate is not None else {}
        return found | ({"seconds_left": round(left)} if left is not None else {})

    def said(self, records: int) -> str:
        """For people: ``410,000 of 1,000,000 records scored, 98,000 a second, about 6 s left``."""
        of = f" of {self.expected:,}" if self.expected is not None else ""
        rate, left = self.rate, self.left(records)
        per_second = f", {rate:,.0f} a second" if rate is not None else ""
        return f"{records:,}{of} records scored{per_second}" + (f", about {_span(left)} left" if left else "")

    def is_due(self) -> bool:
        """Whether people are to be told now; true once each time."""
        if self._began is None or self._clock() - self._began < self._next_report:
            return False
        self._next_report *= 2
        return True


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
