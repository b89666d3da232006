"""What Camunda's FEEL engine does with strings, and with the texts of times, beside or unlike the specification."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from decimal import Decimal

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import moments, temporal, wide
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import pieces
from mlc.dmn.feel.wide import AnyDateTime, AnyTime

from . import conversion, regexes, strings
from .signature import builtin

_ZONE = re.compile(r"(.*?)(?:[+-]\d\d:\d\d|Z)?\[([\w/+-]+)\]", re.ASCII)
_NO_SECONDS = re.compile(r"^((?:[0-9-]{1,20}T)?\d\d:\d\d)(?!:)(.*)$", re.ASCII)
_SIGNED = re.compile(
    r"(-?)P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+)S)?)?", re.ASCII
)

#: Durations of nothing. A text that looks like one stands in quotes inside of a list, and alone it is no piece.
_NOTHING = {"PT0S": "P0D", "P0M": "P0Y"}


@builtin("string(from: Any)", takes_run=True)
def string(run: Run, value: Value) -> str | None:
    """A value as text; null of null. Unlike in FEEL no space follows a key, and nothing lasts "P0D" or "P0Y"."""
    if value is None or isinstance(value, str):
        return value
    written = conversion.paid(run, pieces(value, colon=":"))
    return "".join(_NOTHING.get(piece, piece) for piece in written)


@builtin("is blank(string: string)")
def is_blank(string: str) -> bool:
    """Whether a string is empty or white space only."""
    return not string.strip()


@builtin("substring(string: string, start position: number, [length: number])")
def substring(string: str, start: Decimal, length: Decimal | None = None) -> str:
    """Characters from a position on. Unlike in FEEL the position behind the last one, and the length 0, give ""."""
    if start == len(string) + 1 or length == 0:
        return ""
    return strings.substring(string, start, length)


@builtin("extract(string: string, pattern: string)", takes_run=True)
@builtin("extract(input: string, pattern: string)", takes_run=True)
def extract(run: Run, string: str, pattern: str) -> list[Value]:
    """All parts of a string that fit a pattern."""
    found: list[Value] = []
    for match in regexes.prepared(run, pattern, "", string).finditer(string):
        run.spend(regexes.MATCH)
        found.append(match.group())
    return found


@builtin("to base64(value: string)")
def to_base64(value: str) -> str:
    """The UTF-8 of a string in Base64."""
    return b64encode(value.encode()).decode()


@builtin("from base64(value: string)")
def from_base64(value: str) -> str:
    """The string whose UTF-8 a text has in Base64."""
    return b64decode(value, validate=True).decode()


# -- times -----------------------------------------------------------------------------------------------------------


@builtin("date and time(date: date and time, timezone: string)")
def at_zone(moment: AnyDateTime, timezone: str) -> AnyDateTime:
    """The same moment in a time zone; one without an offset is taken to be local there."""
    zone = temporal.parse_zone(timezone if timezone[:1] in "+-Zz" else f"@{timezone}")
    if moment.tzinfo is None:
        return moments.combine(wide.date_of(moment), moments.clock_of(wide.nanoseconds(wide.time_of(moment)), zone))
    return moments.moment_of(wide.position(moment)[1], zone)


@builtin("date and time(from: string)")
def date_and_time(text: str) -> AnyDateTime:
    """The date and time of a text, which may have no seconds, and its zone in square brackets behind an offset."""
    match = _ZONE.fullmatch(text)
    return temporal.parse_datetime(_with_seconds(f"{match[1]}@{match[2]}" if match else text))


@builtin("time(from: string)")
def time(text: str) -> AnyTime:
    """The time of a text, which may begin with a T and have no seconds."""
    return temporal.parse_time(_with_seconds(text.removeprefix("T")))


def _with_seconds(text: str) -> str:
    return _NO_SECONDS.sub(r"\1:00\2", text, count=1)


@builtin("duration(from: string)")
def duration(text: str) -> temporal.Duration:
    """The duration of a text, whose parts may have signs of their own."""
    match = _SIGNED.fullmatch(text) if "-" in text[1:] and len(text) < 100 else None
    if match is None:
        return temporal.parse_duration(text)
    years, months, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    sign = -1 if match[1] else 1
    if match[2] or match[3]:
        if any(match.groups()[3:]):
            raise FeelError(f'"{text}" is not a duration')
        return temporal.parse_duration(_months_text(sign * (12 * years + months)))
    return moments.duration_of(sign * (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * wide.SECOND)


def _months_text(months: int) -> str:
    return f"{'-' if months < 0 else ''}P{abs(months)}M"
