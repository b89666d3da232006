"""Python values from outside to FEEL's values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from .errors import FeelError, Kind
from .feel.run import Run, Value
from .feel.types import MISFIT, Type
from .feel.values import KINDS, NUMBERS

#: Lists and contexts inside of each other.
DEPTH = 50
_AS_THEY_ARE = KINDS.keys() - {Decimal, list, dict}


def feel_value(value: Any, depth: int = DEPTH) -> Value:
    """The FEEL value of a Python one. A float is the decimal that it prints as: 0.94 is exactly 0.94.

    Raises FeelError for NaN and infinity, for a type that FEEL has not, and for what is nested too deep.
    """
    kind = type(value)
    if kind is float:
        return _number(Decimal(repr(value)))
    if kind in _AS_THEY_ARE:
        return value
    if kind is int or kind is Decimal:
        return _number(Decimal(value))
    if depth == 0:
        raise FeelError(f"it is nested more than {DEPTH} deep", Kind.LIMIT)
    if isinstance(value, Mapping):
        return {str(key): feel_value(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [feel_value(item, depth - 1) for item in value]
    return _unusual(value)


def read_as(value: Value, wanted: Type, run: Run) -> Value:
    """A FEEL value as one of a type, MISFIT if it is none; text stands for a date and the like, also deep inside."""
    if wanted.form == "list" and isinstance(value, list) and wanted.parts:
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
