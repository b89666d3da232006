"""FEEL's types (DMN 1.5, 10.3.2.9): the values that they take, which conform to which, how a value is made to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mlc.dmn.errors import FeelError

from . import temporal, wide
from .run import Run, Value
from .values import Function, Range, kind_of
from .wide import YearsMonthsDuration

#: What `Type.fit` answers for a value that does not fit.
MISFIT: Any = object()


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its name, which values (other than null, which every type takes) it takes, and how it reads text.

    `parse` turns a string *input* into a value of the type: JSON has no dates. `note` ends the sentence "X is not a T".
    A type that is made of others has a `form` and these as `parts`: the item of a list or range, the components of a
    context, whose names are in `names`, the parameters of a function and at last what it answers. `unrestricted` is the
    type that it is made of by leaving out values, if it is. To look into
    lists and contexts is charged to the run: one that is inside of another many times is looked at as often.
    """

    name: str
    accepts: Callable[[Value, Run], bool]
    parse: Callable[[str], Value] | None = None
    is_list: bool = False
    note: str = ""
    form: str = ""
    parts: tuple[Type, ...] = ()
    names: tuple[str, ...] = ()
    unrestricted: Type | None = None

    @property
    def whole(self) -> Type:
        """The type with all values that it would take if it and its parts had no allowed values."""
        return self if self.unrestricted is None else self.unrestricted

    def fit(self, value: Value, run: Run) -> Value:
        """The value, converted where the specification allows it (10.3.2.9.4); MISFIT otherwise."""
        if value is None or self.accepts(value, run):
            return value
        if isinstance(value, list) and len(value) == 1 and not self.is_list:
            return value[0] if value[0] is None or self.accepts(value[0], run) else MISFIT
        if self.is_list and not isinstance(value, list) and self.accepts([value], run):
            return [value]
        if type(value) in wide.DATES and self.accepts(midnight := temporal.midnight(value), run):
            return midnight
        return MISFIT

    def read(self, value: Value, run: Run) -> Value:
        """The same for an input, where text may stand for a temporal value."""
        if self.parse is not None and isinstance(value, str):
            try:
                return self.parse(value)
            except FeelError:
                return MISFIT
        return self.fit(value, run)


class _Exactly:
    """Accepts the values of one of Python's types."""

    __slots__ = ("kinds",)

    def __init__(self, kind: type) -> None:
        self.kinds = {kind, type(None)}

    def __call__(self, value: Value, _: Run) -> bool:
        return value is not None and type(value) in self.kinds

    def all(self, values: list[Value]) -> bool:
        """Whether each of many values is one of these, or null."""
        return self.kinds.issuperset(map(type, values))


def _exactly(name: str, kind: type, parse: Callable[[str], Value] | None = None) -> Type:
    return Type(name, _Exactly(kind), parse)


def _whole(name: str) -> Type:
    return Type(name, lambda value, _: type(value) is Decimal and value == value.to_integral_value())


def list_of(item: Type) -> Type:
    """`list<item>`."""

    def accepts(value: Value, run: Run) -> bool:
        if not isinstance(value, list):
            return False
        if isinstance(item.accepts, _Exactly):
            run.spend(1 + len(value) // 64)
            return item.accepts.all(value)
        run.spend(1 + len(value) // 8)
        return item is ANY or all(element is None or item.accepts(element, run) for element in value)

    return Type(
        f"list<{item.name}>",
        accepts,
        is_list=True,
        note=item.note,
        form="list",
        parts=(item,),
        unrestricted=None if item.unrestricted is None else list_of(item.unrestricted),
    )


def range_of(item: Type) -> Type:
    """`range<item>`."""

    def accepts(value: Value, run: Run) -> bool:
        return isinstance(value, Range) and all(
            end is None or item.accepts(end, run) for end in (value.low, value.high)
        )

    whole = None if item.unrestricted is None else range_of(item.unrestricted)
    return Type(f"range<{item.name}>", accepts, form="range", parts=(item,), unrestricted=whole)


def context_of(components: Mapping[str, Type], name: str = "") -> Type:
    """A context with these components, each of which may be null; further ones do no harm."""

    def accepts(value: Value, run: Run) -> bool:
        if not isinstance(value, dict):
            return False
        run.spend(1 + len(components) // 8)
        return all(
            key in value and (value[key] is None or component.accepts(value[key], run))
            for key, component in components.items()
        )

    made = f"context<{', '.join(f'{key}: {part.name}' for key, part in components.items())}>"
    parts, whole = tuple(components.values()), None
    if any(part.unrestricted is not None for part in parts):
        whole = context_of({key: part.whole for key, part in components.items()}, name)
    return Type(name or made, accepts, None, form="context", parts=parts, names=tuple(components), unrestricted=whole)


def function_of(parameters: Sequence[Type], answer: Type) -> Type:
    """`function<parameter, ...> -> answer`."""

    def accepts(value: Value, _: Run) -> bool:
        return isinstance(value, Function) and value.type is not None and conforms(value.type, made)

    name = f"function<{', '.join(part.name for part in parameters)}> -> {answer.name}"
    made = Type(name, accepts, form="function", parts=(*parameters, answer))
    return made


def conforms(one: Type, other: Type) -> bool:
    """Whether every value of one type is one of the other, whatever values they allow (10.3.2.9.2)."""
    one, other = one.whole, other.whole
    if other is ANY or one is other or one is NULL:
        return True
    if not one.form or one.form != other.form:
        return one.name == other.name
    if one.form == "context":
        parts = dict(zip(one.names, one.parts, strict=True))
        wanted = zip(other.names, other.parts, strict=True)
        return all(name in parts and conforms(parts[name], part) for name, part in wanted)
    if one.form == "function":
        if not other.parts or len(one.parts) != len(other.parts):
            return not other.parts
        # A function must take at least what is asked of it, and answer nothing beyond.
        taken = zip(other.parts[:-1], one.parts[:-1], strict=True)
        return all(conforms(theirs, mine) for theirs, mine in taken) and conforms(one.parts[-1], other.parts[-1])
    return all(map(conforms, one.parts, other.parts))


ANY = Type("Any", lambda *_: True)
NULL = Type("Null", lambda value, _: value is None)
NUMBER = _exactly("number", Decimal)
BOOLEAN = _exactly("boolean", bool)
STRING = _exactly("string", str)
FUNCTION = Type("function", lambda value, _: isinstance(value, Function), form="function")
LIST = Type("list", lambda value, _: isinstance(value, list), is_list=True, form="list", parts=(ANY,))
CONTEXT = Type("context", lambda value, _: isinstance(value, dict), form="context")
RANGE = Type("range", lambda value, _: isinstance(value, Range), form="range", parts=(ANY,))
DATE = Type("date", lambda value, _: type(value) in wide.DATES, temporal.parse_date)
TIME = Type("time", lambda value, _: type(value) in wide.TIMES, temporal.parse_time)
DATE_TIME = Type("date and time", lambda value, _: type(value) in wide.DATE_TIMES, temporal.parse_datetime)
DAYS = Type("days and time duration", lambda value, _: type(value) in wide.DURATIONS, temporal.parse_duration)
MONTHS = _exactly("years and months duration", YearsMonthsDuration, temporal.parse_duration)

#: Every built-in typeRef by its spellings: FEEL's own, the older camel-case ones, and Camunda 7's.
TYPES: dict[str, Type] = {
    **{t.name: t for t in (ANY, NULL, NUMBER, BOOLEAN, STRING, DATE, TIME, DATE_TIME, DAYS, MONTHS, LIST, CONTEXT)},
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


def type_of(value: Value) -> Type:
    """The simplest type that a value is of, as far as its kind tells."""
    return TYPES.get("Null" if value is None else kind_of(value), ANY)


def common(types: Sequence[Type]) -> Type:
    """The one of some types that all others conform to; Any if none is. For functions it is made part by part."""
    if found := next((one for one in types if all(conforms(other, one) for other in types)), None):
        return found
    if not types or any(one.form != "function" or len(one.parts) != len(types[0].parts) for one in types):
        return ANY
    *parameters, answer = (common(parts) for parts in zip(*(one.parts for one in types), strict=True))
    return function_of(parameters, answer)
