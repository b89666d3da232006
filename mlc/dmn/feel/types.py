"""FEEL's types: which values they take, and how a value is made to fit (DMN 1.5, 10.3.2.9.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mlc.dmn.errors import FeelError

from . import temporal, wide
from .run import Value
from .values import Function, Range
from .wide import YearsMonthsDuration

#: What `Type.fit` answers for a value that does not fit.
MISFIT: Any = object()


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its name, which values (other than null, which every type takes) it takes, and how it reads text.

    `parse` turns a string *input* into a value of the type: JSON has no dates. `note` ends the sentence "X is not a T".
    """

    name: str
    accepts: Callable[[Value], bool]
    parse: Callable[[str], Value] | None = None
    is_list: bool = False
    note: str = ""

    def fit(self, value: Value) -> Value:
        """The value, converted where the specification allows it; MISFIT otherwise."""
        if value is None or self.accepts(value):
            return value
        if isinstance(value, list) and len(value) == 1 and not self.is_list:
            return self.fit(value[0])
        if self.is_list and not isinstance(value, list) and self.accepts([value]):
            return [value]
        if type(value) in wide.DATES and self.accepts(midnight := temporal.midnight(value)):
            return midnight
        return MISFIT

    def read(self, value: Value) -> Value:
        """The same for an input, where text may stand for a temporal value."""
        if self.parse is not None and isinstance(value, str):
            try:
                return self.parse(value)
            except FeelError:
                return MISFIT
        return self.fit(value)


def _exactly(name: str, kind: type, parse: Callable[[str], Value] | None = None) -> Type:
    return Type(name, lambda value: type(value) is kind, parse)


def _whole(name: str) -> Type:
    return Type(name, lambda value: type(value) is Decimal and value == value.to_integral_value())


def list_of(item: Type) -> Type:
    """`list<item>`."""
    return Type(
        f"list<{item.name}>",
        lambda value: isinstance(value, list) and all(element is None or item.accepts(element) for element in value),
        is_list=True,
        note=item.note,
    )


def range_of(item: Type) -> Type:
    """`range<item>`."""

    def accepts(value: Value) -> bool:
        return isinstance(value, Range) and all(end is None or item.accepts(end) for end in (value.low, value.high))

    return Type(f"range<{item.name}>", accepts)


def context_of(components: Mapping[str, Type], name: str = "") -> Type:
    """A context with these components; further ones do no harm, and one that is not there is null."""

    def accepts(value: Value) -> bool:
        return isinstance(value, dict) and all(
            value.get(key) is None or component.accepts(value[key]) for key, component in components.items()
        )

    return Type(name or f"context<{', '.join(f'{key}: {part.name}' for key, part in components.items())}>", accepts)


ANY = Type("Any", lambda _: True)
NUMBER = _exactly("number", Decimal)
BOOLEAN = _exactly("boolean", bool)
STRING = _exactly("string", str)
FUNCTION = Type("function", lambda value: isinstance(value, Function))
LIST = Type("list", lambda value: isinstance(value, list), is_list=True)
CONTEXT = _exactly("context", dict)
RANGE = _exactly("range", Range)
DATE = Type("date", lambda value: type(value) in wide.DATES, temporal.parse_date)
TIME = Type("time", lambda value: type(value) in wide.TIMES, temporal.parse_time)
DATE_TIME = Type("date and time", lambda value: type(value) in wide.DATE_TIMES, temporal.parse_datetime)
DAYS = Type("days and time duration", lambda value: type(value) in wide.DURATIONS, temporal.parse_duration)
MONTHS = _exactly("years and months duration", YearsMonthsDuration, temporal.parse_duration)

#: Every built-in typeRef by its spellings: FEEL's own, the older camel-case ones, and Camunda 7's.
TYPES: dict[str, Type] = {
    **{t.name: t for t in (ANY, NUMBER, BOOLEAN, STRING, DATE, TIME, DATE_TIME, DAYS, MONTHS, LIST, CONTEXT)},
    "function": FUNCTION,
    "range": RANGE,
    "dateTime": DATE_TIME,
    "dayTimeDuration": DAYS,
    "yearMonthDuration": MONTHS,
    "any": ANY,
    "integer": _whole("integer"),
    "long": _whole("long"),
    "double": _exactly("double", Decimal),
}
