"""The values in the kit's files, read without the engine's own parsers, and what it means that a result is the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from mlc.dmn import YearsMonthsDuration
from mlc.dmn.feel.values import kind_of, text_of

NAMESPACE = "{http://www.omg.org/spec/DMN/20160719/testcase}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

#: An expected number with so many decimals is rounded: the kit gives some results to eight decimals, and others as
#: binary doubles print, off in their last digits. Only such a number is compared with a tolerance, that of the kit's
#: own runners: the difference must be less than this, whatever the size of the number. All others must be equal.
ROUNDED_DECIMALS, TOLERANCE = 8, Decimal("1e-8")

_MONTHS = re.compile(r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?")
_DAYS = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


_FEEL = {"date": "date", "time": "time", "dateTime": "date and time", "duration": "days and time duration"}


@dataclass(frozen=True)
class Beyond:
    """A value that Python's types cannot hold, like the year -2017 or a nanosecond: XML Schema type and text."""

    kind: str
    text: str

    def is_in(self, actual: Any) -> bool:
        """Whether an engine's own type for such values holds it: the same kind, text and offset."""
        if kind_of(actual) != _FEEL[self.kind]:
            return False
        local, offset = _parted(self.text)
        own_offset = actual.utcoffset() if hasattr(actual, "utcoffset") else None
        return _parted(text_of(actual))[0] == local and own_offset == offset


def _parted(text: str) -> tuple[str, timedelta | None]:
    """A text without its zone, and the offset."""
    clock = text.partition("T")[2] if "T" in text else ""
    if clock.endswith("Z"):
        return text[:-1], timedelta()
    if "@" in text:
        return text.partition("@")[0], None
    if match := re.fullmatch(r".*([+-])(\d\d):(\d\d)", clock):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return text[:-6], -offset if match[1] == "-" else offset
    return text, None


def value_of(element: Element) -> Any:
    """The value in an element of the schema's valueType; None for `xsi:nil`. Raises ValueError for one out of shape."""
    if is_nil(element):
        return None
    items = element.find(f"{NAMESPACE}list")
    if items is not None:
        return None if is_nil(items) else [value_of(item) for item in items.findall(f"{NAMESPACE}item")]
    components = element.findall(f"{NAMESPACE}component")
    if components:
        return {part.attrib["name"]: value_of(part) for part in components}
    value = element.find(f"{NAMESPACE}value")
    if value is None or is_nil(value):
        return None
    return scalar(value.get(f"{XSI}type", "string").rpartition(":")[2], value.text or "")


def is_nil(element: Element) -> bool:
    """Whether an element stands for null."""
    return element.get(f"{XSI}nil") in ("true", "1")


def scalar(kind: str, text: str) -> Any:
    """A value of an XML Schema type. Raises ValueError for another type."""
    if kind == "string":
        return text
    text = text.strip()
    match kind:
        case "boolean":
            if text not in ("true", "false", "1", "0"):
                raise ValueError(f"{text!r} is not a boolean")
            return text in ("true", "1")
        case "decimal" | "double" | "float" | "integer" | "int" | "long":
            return Decimal(text)
        case "date" | "time" | "dateTime":
            return _temporal(kind, text)
        case "duration" | "dayTimeDuration" | "yearMonthDuration":
            return _duration(text)
    raise ValueError(f"the case has a value of the unknown type {kind}")


def _temporal(kind: str, text: str) -> date | time | datetime | Beyond:
    if re.search(r"\.\d{6}0*[1-9]", text):
        return Beyond(kind, text)
    read = {"date": date, "time": time, "dateTime": datetime}[kind].fromisoformat
    try:
        return read(text)
    except ValueError:
        return Beyond(kind, text)


def _duration(text: str) -> timedelta | YearsMonthsDuration | Beyond:
    if text[-1] in "PT":
        raise ValueError(f"{text!r} is not a duration")
    if match := _MONTHS.fullmatch(text):
        months = 12 * int(match[2] or 0) + int(match[3] or 0)
        return YearsMonthsDuration(-months if match[1] else months)
    if match := _DAYS.fullmatch(text):
        seconds = Decimal(match[5] or 0)
        if seconds != seconds.quantize(Decimal("0.000001")):
            return Beyond("duration", text)
        whole = timedelta(days=int(match[2] or 0), hours=int(match[3] or 0), minutes=int(match[4] or 0))
        whole += timedelta(microseconds=int(seconds * 1_000_000))
        return -whole if match[1] else whole
    raise ValueError(f"{text!r} is not a duration")


def same(actual: Any, wanted: Any) -> bool:
    """Whether a result is the expected one: of the same type, and equal in every part.

    Lists count in order, contexts with exactly the expected keys; times need the same offset too, not only the same
    instant; numbers are equal as decimals, see ROUNDED_DECIMALS.
    """
    if isinstance(wanted, Beyond):
        return actual == wanted or wanted.is_in(actual)
    if type(actual) is not type(wanted):
        return False
    if isinstance(wanted, Decimal):
        return actual == wanted or (_is_rounded(wanted) and abs(actual - wanted) < TOLERANCE)
    if isinstance(wanted, list):
        return len(actual) == len(wanted) and all(map(same, actual, wanted))
    if isinstance(wanted, dict):
        return actual.keys() == wanted.keys() and all(same(actual[key], value) for key, value in wanted.items())
    if isinstance(wanted, (time, datetime)):
        return _clock(actual) == _clock(wanted)
    return bool(actual == wanted)


def _is_rounded(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and -exponent >= ROUNDED_DECIMALS


def _clock(value: time | datetime) -> tuple[Any, Any]:
    """What the clock shows, and its offset; of a time in a named zone, which has no offset without a day, the zone."""
    offset = value.utcoffset()
    if offset is None and value.tzinfo is not None:
        return value.replace(tzinfo=None), str(value.tzinfo)
    return value.replace(tzinfo=None), offset
