"""Cron expressions as calendars: Quartz's (six or seven fields), as ModelOp's schedules have them, and unix's (five).

A Quartz expression has seconds first and perhaps a year last; it counts Sunday as 1 and says either which days of the
month or which days of the week, with ``?`` for the other. A unix expression counts Sunday as 0 or 7, and where it
says both, either is enough: since a calendar asks for both, such an expression becomes two calendars.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

Values = tuple[int, ...]
"""What a part of a moment may be, in ascending order."""

EXAMPLES = {5: "30 6 * * MON-FRI", 6: "0 30 6 ? * MON-FRI", 7: "0 30 6 ? * MON-FRI 2030-2032"}
"""An expression of each number of fields."""
EVERY_DAY, EVERY_WEEKDAY = tuple(range(1, 32)), tuple(range(7))
LONGEST = 500
"""Characters of an expression."""

_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ITEM = re.compile(r"\*|(?P<first>\d{1,4}|[A-Z]{3})(-(?P<last>\d{1,4}|[A-Z]{3}))?", re.ASCII)
_STEP = re.compile(r"\d{1,4}", re.ASCII)
_SPECIAL = re.compile(r"\w*#\w*|\w*L(-\d+)?|(\d+|L)W|\d*C", re.ASCII)


class Range(NamedTuple):
    """``first`` to ``last``, both included, in steps."""

    first: int
    last: int
    step: int = 1


@dataclass(frozen=True)
class Calendar:
    """The moments whose every part is among these values. Sunday is 0; no ``year``: every year."""

    second: Values
    minute: Values
    hour: Values
    day_of_month: Values
    month: Values
    day_of_week: Values
    year: Values = ()

    @property
    def possible(self) -> bool:
        """Whether there are such days: there is no 30 February."""
        return any(self.day_of_month[0] <= _LONGEST_MONTHS[month - 1] for month in self.month)


def calendars(expression: str) -> list[Calendar]:
    """The calendars that together hold the moments of a cron expression.

    Raises:
        ValueError: the expression can't be mapped; the field, what is wrong with it, and an example.
    """
    if len(expression) > LONGEST:
        raise ValueError(f"A cron expression may have {LONGEST} characters, this one has {len(expression)}.")
    texts = expression.upper().split()
    if len(texts) not in EXAMPLES:
        raise ValueError(
            f"A cron expression has six or seven fields (Quartz), such as {EXAMPLES[6]!r}, or five (unix), such as "
            f"{EXAMPLES[5]!r}; this one has {len(texts)}."
        )
    try:
        found = [each for each in (_unix(texts) if len(texts) == 5 else [_quartz(texts)]) if each.possible]
        if not found:
            day = texts[2 if len(texts) == 5 else 3]
            raise ValueError(f"day of month {day[:40]!r}: the months that are named have no such day")
    except ValueError as error:
        raise ValueError(f"Cron field {error}. Example: {EXAMPLES[len(texts)]!r}.") from None
    return found


def ranges(values: Values) -> list[Range]:
    """The same values, shorter: one range if the distances are equal, else one for each unbroken row."""
    steps = {after - before for before, after in pairwise(values)}
    if len(values) > 2 and len(steps) == 1:
        return [Range(values[0], values[-1], steps.pop())]
    found: list[Range] = []
    for value in values:
        if found and value == found[-1].last + 1:
            found[-1] = Range(found[-1].first, value)
        else:
            found.append(Range(value, value))
    return found


def _quartz(texts: Sequence[str]) -> Calendar:
    day, weekday = texts[3], texts[5]
    if (day == "?") == (weekday == "?") and (day, weekday) != ("*", "*"):
        raise ValueError(
            f"day of month {day[:40]!r}, day of week {weekday[:40]!r}: one of the two must be ?, since Quartz "
            "goes by the other alone"
        )
    second, minute, hour, days, month = _common([*texts[:3], "*" if day == "?" else day, texts[4]])
    weekdays = tuple(number - 1 for number in _QUARTZ_WEEKDAY.values("*" if weekday == "?" else weekday))
    year = () if texts[6:] in ([], ["*"]) else _YEAR.values(texts[6])
    return Calendar(second, minute, hour, days, month, weekdays, year)


def _unix(texts: Sequence[str]) -> list[Calendar]:
    second, minute, hour, days, month = _common(["0", *texts[:4]])
    weekdays = tuple(sorted({number % 7 for number in _UNIX_WEEKDAY.values(texts[4])}))
    # As Vixie's cron does, for which */2 is a star, too.
    if texts[2].startswith("*") or texts[4].startswith("*"):
        return [Calendar(second, minute, hour, days, month, weekdays)]
    return [
        Calendar(second, minute, hour, days, month, EVERY_WEEKDAY),
        Calendar(second, minute, hour, EVERY_DAY, month, weekdays),
    ]


@dataclass(frozen=True)
class _Field:
    """What may stand in a field; after ``cycle`` values it begins again (None: it doesn't)."""

    name: str
    first: int
    last: int
    cycle: int | None
    names: Mapping[str, int] = field(default_factory=dict)

    def values(self, text: str) -> Values:
        """The values that a field's text means.

        Raises:
            ValueError: name, text and what is wrong with it.
        """
        return tuple(sorted({value for item in text.split(",") for value in self._item(item)}))

    def _item(self, item: str) -> Iterator[int]:
        body, slash, step_text = item.partition("/")
        match = _ITEM.fullmatch(body or "*" if slash else body)
        if match is None:
            raise self._wrong(item, self._why(body))
        step = self._step(step_text, item) if slash else 1
        first = self._value(match["first"], item) if match["first"] else self.first
        # 5/15 is 5 and every fifteenth from there on.
        last = self._value(match["last"], item) if match["last"] else self.last
        if match["first"] and not match["last"] and not slash:
            last = first
        if last < first:
            if self.cycle is None:
                raise self._wrong(item, "the range runs backwards")
            last += self.cycle
        for value in range(first, last + 1, step):
            yield value if value <= self.last else value - (self.cycle or 0)

    def _value(self, text: str, item: str) -> int:
        value = int(text) if text.isdigit() else self.names.get(text)
        if value is None:
            raise self._wrong(item, f"{text} is not {'one of ' + ', '.join(self.names) if self.names else 'a number'}")
        if not self.first <= value <= self.last:
            raise self._wrong(item, f"{value} is not between {self.first} and {self.last}")
        return value

    def _step(self, text: str, item: str) -> int:
        step, largest = int(text) if _STEP.fullmatch(text) else 0, self.last - self.first
        if not 1 <= step <= largest:
            raise self._wrong(item, f"the step must be a number between 1 and {largest}")
        return step

    def _why(self, body: str) -> str:
        if _SPECIAL.fullmatch(body):
            return "L, W, # and C (last, nearest working day, n-th weekday, calendar) are not supported"
        if body == "?":
            return "? may stand only, and alone, for one of the two kinds of days of a Quartz expression"
        return "this is no value, range (2-5), list (2,5), step (*/5) or *"

    def _wrong(self, item: str, why: str) -> ValueError:
        return ValueError(f"{self.name} {item[:40]!r}: {why}")


_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_COMMON = (
    _Field("seconds", 0, 59, 60),
    _Field("minutes", 0, 59, 60),
    _Field("hours", 0, 23, 24),
    _Field("day of month", 1, 31, 31),
    _Field("month", 1, 12, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
)
_QUARTZ_WEEKDAY = _Field("day of week", 1, 7, 7, {name: number + 1 for name, number in _DAYS.items()})
_UNIX_WEEKDAY = _Field("day of week", 0, 7, 7, _DAYS)
_YEAR = _Field("year", 2000, 2099, None)
"""Temporal's calendars begin with 2000, Quartz's with 1970."""


def _common(texts: Sequence[str]) -> tuple[Values, ...]:
    """Seconds, minutes, hours, days of the month and months."""
    return tuple(each.values(text) for each, text in zip(_COMMON, texts, strict=True))
