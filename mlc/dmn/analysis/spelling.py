"""Nearest names and values, and constants of another type, for suggestions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from difflib import get_close_matches

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import temporal
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.values import kind_of, text_of

#: Names among which a near one is looked for: with more the search is slow.
MOST = 1_000
_NUMBER = re.compile(r"\s*([<>]=?|!=|=)?\s*(-?(?:\d+(?:\.\d+)?|\.\d+))\s*(%?)\s*")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_YEAR_LAST = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
YES, NO = frozenset({"true", "yes", "y", "on", "ja", "wahr", "pass", "passed"}), frozenset(
    {"false", "no", "n", "off", "nein", "falsch", "fail", "failed"}
)  # fmt: skip


def near(name: str, known: Iterable[str]) -> str:
    """The known name that is most like another; "" for none. Case, spaces, `_` and `-` count for nothing."""
    names = {squashed(one): one for one in list(known)[:MOST] if one != name}
    wanted = squashed(name)
    found = get_close_matches(wanted, list(names), n=1, cutoff=0.75)
    if not found and len(wanted) > 2:  # of a short name, one letter is much
        found = [one for one in names if sorted(one) == sorted(wanted) or _one_letter(one, wanted)]
    return names[found[0]] if found else ""


def _one_letter(one: str, other: str) -> bool:
    return len(one) == len(other) and one[0] == other[0] and sum(map(str.__ne__, one, other)) == 1


def squashed(name: str) -> str:
    """A name without case and without what stands between its words."""
    return re.sub(r"[\s_\-.]+", "", name).casefold()


def quoted(text: str) -> str:
    """A string of FEEL."""
    return text_of(text, inner=True)


def iso_date(text: str) -> str:
    """A date that is written otherwise, as FEEL reads it; "" where that is not clear or there is no such day."""
    found = _YEAR_FIRST.fullmatch(text.strip())
    parts = found.groups() if found else ()
    if not found and (found := _DAY_FIRST.fullmatch(text.strip())):
        parts = found.groups()[::-1]
    elif not parts and (found := _YEAR_LAST.fullmatch(text.strip())):
        parts = _day_or_month_first(found[1], found[3], found[4])
    if len(parts) != 3:
        return ""
    written = f"{parts[0]}-{int(parts[1]):02}-{int(parts[2]):02}"
    try:
        temporal.parse_date(written)
    except FeelError:
        return ""
    return written


def _day_or_month_first(one: str, other: str, year: str) -> tuple[str, ...]:
    """Year, month and day of 31/1/2026 or 1/31/2026; nothing for 1/2/2026, which is two days in two countries."""
    if int(one) > 12 or int(one) == int(other):
        return year, other, one
    return (year, one, other) if int(other) > 12 else ()


def typed_constant(value: Value, kind: str) -> str:  # noqa: PLR0911 - one for each kind
    """A constant of another kind with the same text, as FEEL has it; "" if there is none."""
    text = text_of(value)
    if kind == "string":
        return quoted(text)
    if kind == "number" and isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        number = text_of(Decimal(found[2]) / 100) if found[3] else found[2]
        return f"{found[1]} {number}" if found[1] else number
    if kind == "boolean" and text.strip().casefold() in YES | NO | {"1", "0"}:
        return "true" if text.strip().casefold() in YES | {"1"} else "false"
    if isinstance(value, str) and value.strip().casefold() in ("null", "none", "n/a"):
        return "null"
    if kind == "date":
        day = iso_date(text[:10] if "T" in text else text)
        return f'date("{day}")' if day else ""
    if kind == "date and time":
        day = iso_date(text)
        if day:
            return f'date and time("{day}T00:00:00")'
        return _readable(text, "date and time", temporal.parse_datetime)
    if kind == "time":
        return _readable(text, "time", temporal.parse_time)
    if kind.endswith("duration"):
        return _readable(text, "duration", temporal.parse_duration, kind)
    return ""


def _readable(text: str, function: str, parse: Callable[[str], Value], kind: str = "") -> str:
    try:
        found = parse(text)
    except FeelError:
        return ""
    return "" if kind and kind_of(found) != kind else f"{function}({quoted(text)})"
