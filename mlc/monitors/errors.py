"""What a monitor can't be computed from, in sentences."""

from __future__ import annotations

from collections.abc import Iterable


class MonitorError(Exception):
    """Schema or data don't suffice: there is no result.

    Attributes:
        problems: whole sentences for a person, at least one.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(self.problems))


class NotComparable(Exception):
    """A column or a statistic can't be computed, and why: the end of a sentence, without its point.

    It never leaves this package: it becomes a row of a result's ``not_compared`` or ``not_computed``.
    """
