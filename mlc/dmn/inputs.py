"""Python values from outside to FEEL's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isfinite
from numbers import Integral, Real
from typing import Any

from .collection import no_collection
from .errors import FeelError, Kind
from .feel.run import Run, Value
from .feel.types import MISFIT, Type
from .feel.values import KINDS, NUMBERS

#: Lists and contexts inside of each other.
DEPTH = 50
#: Items of lists and entries of contexts, in one input.
PARTS = 1_048_576
#: What a list or context counts itself.
LIST = 2
_AS_THEY_ARE = KINDS.keys() - {Decimal, list, dict}
#: The types of most inputs, which have no parts.
SIMPLE = frozenset({float, int, str, bool, type(None), Decimal})
#: Numbers of less than as many digits as a number of FEEL has.
_EXACT = 10**34


def feel_value(value: Any) -> Value:
    """The FEEL value of a Python one. A float is the decimal that it prints as: 0.94 is exactly 0.94.

    Raises FeelError for NaN and infinity, for a type that FEEL has not, and for what is nested too deep or too large.
    """
    kind = type(value)
    if kind is float:
        return _number(Decimal(repr(value)))
    if kind in _AS_THEY_ARE:
        return value
    if kind is int or kind is Decimal:
        return _number(Decimal(value))
    with no_collection():
        return _Conversion().value(value, DEPTH)


class _Conversion:
    """The conversion of one input; a list that is in it many times is converted once.

    `known` has the lists and contexts by their ids: what is converted, and what it became.
    """

    def __init__(self) -> None:
        self.parts = 0
        self.known: dict[int, tuple[Any, Value]] = {}

    def value(self, value: Any, depth: int) -> Value:
        """A part of the input. Raises FeelError."""
        kind = type(value)
        if kind is float:
            return _number(Decimal(repr(value)))
        if kind in _AS_THEY_ARE:
            return value
        if kind is int or kind is Decimal:
            return _number(Decimal(value))
        is_list = kind is list or kind is tuple
        if not is_list and kind is not dict and not isinstance(value, (Mapping, list, tuple)):
            return _unusual(value)
        if id(value) in self.known:
            return self.known[id(value)][1]
        if depth == 0:
            raise FeelError(f"it is nested more than {DEPTH} deep", Kind.LIMIT)
        self.parts += len(value) + LIST
        if self.parts > PARTS:
            raise FeelError(f"it has more than {PARTS:,} items and entries", Kind.LIMIT)
        if is_list or not isinstance(value, Mapping):
            found: Value = self.items(value, depth - 1)
        else:
            found = dict(zip(map(str, value), self.items([*value.values()], depth - 1), strict=True))
        self.known[id(value)] = value, found
        return found

    def items(self, values: Sequence[Any], depth: int) -> list[Value]:
        """The values of many, most often of one kind."""
        if len(values) < 8:
            return [self.value(value, depth) for value in values]
        kinds = set(map(type, values))
        if kinds <= _AS_THEY_ARE:
            return list(values)
        if kinds == {float} and all(map(isfinite, values)):
            return list(map(Decimal, map(repr, values)))
        if kinds == {int} and min(values) > -_EXACT and max(values) < _EXACT:
            return list(map(Decimal, values))
        return [self.value(value, depth) for value in values]


def read_as(value: Value, wanted: Type, run: Run) -> Value:
    """A FEEL value as one of a type, MISFIT if it is none; text stands for a date and the like, also deep inside."""
    if wanted.form == "list" and isinstance(value, list) and wanted.parts:
        if wanted.accepts(value, run):
            return value
        run.spend(len(value) // 4)
        value = [_read_part(item, wanted.parts[0], run) for item in value]
    elif wanted.form == "context" and isinstance(value, dict):
        parts = dict(zip(wanted.names, wanted.parts, strict=True))
        value = {key: _read_part(item, parts[key], run) if key in parts else item for key, item in value.items()}
    return wanted.read(value, run)


def _read_part(value: Value, wanted: Type, run: Run) -> Value:
    read = read_as(value, wanted, run)
    return value if read is MISFIT else read


def _number(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise FeelError(f"{number} is not a number that can be compared", Kind.NOT_A_NUMBER)
    try:
        return NUMBERS.plus(number)
    except ArithmeticError:
        raise FeelError("the number is out of range", Kind.NOT_A_NUMBER) from None


def _unusual(value: Any) -> Value:
    """Subclasses, and the scalars of NumPy, which are registered as numbers."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return _number(Decimal(int(value)))
    if isinstance(value, Decimal):
        return _number(Decimal(value))
    if isinstance(value, Real):
        return _number(Decimal(repr(float(value))))
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise FeelError(f"a {type(value).__name__} is no value of FEEL", Kind.WRONG_TYPE)
