"""FEEL's operators on values: arithmetic, comparison and paths. What cannot be answered is null, and is noted."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal, DecimalException, DivisionByZero
from sys import getsizeof
from typing import Any

from mlc.dmn.errors import FeelError, Kind, Place

from . import temporal, wide
from .run import Code, Run, Scope, Value
from .values import NUMBERS, Range, equal, kind_of, ordered
from .wide import YearsMonthsDuration

DURATIONS = wide.DURATIONS | {YearsMonthsDuration}
Operation = Callable[[Value, Value, Run], Value]


def _mismatch(word: str, left: Value, right: Value) -> FeelError:
    return FeelError(f"cannot {word} {kind_of(left)} and {kind_of(right)}", Kind.WRONG_TYPE)


def add(left: Value, right: Value, run: Run) -> Value:
    """`+`: numbers, strings, temporal values."""
    if type(left) is Decimal and type(right) is Decimal:
        return NUMBERS.add(left, right)
    if isinstance(left, str) and isinstance(right, str):
        run.spend(1 + (len(left) + len(right)) // 64)
        run.hold(getsizeof(left) + getsizeof(right))
        return left + right
    result = temporal.add(left, right)
    if result is NotImplemented:
        raise _mismatch("add", left, right)
    return result


def subtract(left: Value, right: Value, run: Run) -> Value:  # noqa: ARG001 - one signature for all operations
    """`-`: numbers, temporal values."""
    if type(left) is Decimal and type(right) is Decimal:
        return NUMBERS.subtract(left, right)
    result = temporal.subtract(left, right)
    if result is NotImplemented:
        raise _mismatch("subtract", left, right)
    return result


def multiply(left: Value, right: Value, run: Run) -> Value:  # noqa: ARG001
    """`*`: numbers, a duration and a number."""
    if type(left) is Decimal and type(right) is Decimal:
        return NUMBERS.multiply(left, right)
    if isinstance(left, Decimal):
        left, right = right, left
    if type(left) in DURATIONS and type(right) is Decimal:
        return temporal.scale(left, right)
    raise _mismatch("multiply", left, right)


def divide(left: Value, right: Value, run: Run) -> Value:  # noqa: ARG001
    """`/`: numbers, a duration by a number or by a duration of its kind."""
    if type(left) in DURATIONS:
        if type(right) is Decimal:
            return temporal.divide(left, right)
        if kind_of(left) == kind_of(right):
            left, right = temporal.amount(left), temporal.amount(right)
    if type(left) is Decimal and type(right) is Decimal:
        return NUMBERS.divide(left, right)
    raise _mismatch("divide", left, right)


def power(left: Value, right: Value, run: Run) -> Value:
    """`**`: numbers."""
    if type(left) is Decimal and type(right) is Decimal:
        run.spend(20)
        return NUMBERS.power(left, right)
    raise _mismatch("raise to a power", left, right)


ARITHMETIC: dict[str, Operation] = {"+": add, "-": subtract, "*": multiply, "/": divide, "**": power}
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def arithmetic(first: Code, rest: Sequence[tuple[str, Code]], place: Place) -> Code:
    """A chain of operators of one precedence, from left to right. A loop, so that a long chain is not a deep one."""
    steps = [(ARITHMETIC[symbol], code) for symbol, code in rest]

    def chain(scope: Scope, run: Run) -> Value:
        left = first(scope, run)
        for operation, code in steps:
            right = code(scope, run)
            if left is None or right is None:
                left = None
                continue
            try:
                left = operation(left, right, run)
            except FeelError as error:
                run.note(error.kind, str(error), place)
                left = None
            except DivisionByZero:
                run.note(Kind.ARITHMETIC, "division by zero", place)
                left = None
            except DecimalException as error:
                run.note(Kind.ARITHMETIC, f"a number is out of range ({type(error).__name__})", place)
                left = None
        return left

    return chain


def negate(operand: Code, place: Place) -> Code:
    """Unary `-`: a number or a duration."""

    def negative(scope: Scope, run: Run) -> Value:
        value = operand(scope, run)
        if type(value) is Decimal:
            return NUMBERS.minus(value)
        if type(value) in DURATIONS:
            return temporal.negative(value)
        if value is not None:
            run.note(Kind.WRONG_TYPE, f"cannot negate {kind_of(value)}", place)
        return None

    return negative


def compare(symbol: str, left: Code, right: Code, place: Place) -> Code:
    """`=`, `!=` and the four orderings."""

    def comparison(scope: Scope, run: Run) -> bool | None:
        one, other = left(scope, run), right(scope, run)
        answer = relate(symbol, one, other, run)
        if answer is None and one is not None and other is not None:
            run.note(Kind.WRONG_TYPE, f"cannot compare {kind_of(one)} with {kind_of(other)}", place)
        return answer

    return comparison


def relate(symbol: str, left: Value, right: Value, run: Run) -> bool | None:
    """The answer of a comparison operator; None when the two do not compare."""
    if symbol in RELATIONS:
        return ordered(RELATIONS[symbol], left, right)
    answer = equal(left, right, run)
    return not answer if symbol == "!=" and answer is not None else answer


def negation(value: Value) -> bool | None:
    """FEEL's `not`: null for whatever is not a boolean."""
    return not value if isinstance(value, bool) else None


def connect(operands: Sequence[Code], decisive: bool) -> Code:
    """`and` (decided by a false) and `or` (decided by a true) in three-valued logic."""

    def connection(scope: Scope, run: Run) -> bool | None:
        known = True
        for operand in operands:
            value = operand(scope, run)
            if isinstance(value, bool) and value == decisive:
                return value
            known = known and isinstance(value, bool)
        return not decisive if known else None

    return connection


def member(value: Value, name: str) -> Value:
    """What `value.name` is; raises FeelError when there is no such thing."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
    elif isinstance(value, list):
        return [_member_or_null(item, name) for item in value]
    elif isinstance(value, Range):
        parts = {"start": value.low, "end": value.high}
        parts |= {"start included": value.low_closed, "end included": value.high_closed}
        if name in parts:
            return parts[name]
    else:
        part = _temporal_part(value, name)
        if part is not NotImplemented:
            return part
    raise FeelError(f'{kind_of(value)} has no "{name}"', Kind.UNKNOWN_NAME)


def _member_or_null(item: Value, name: str) -> Value:
    try:
        return member(item, name)
    except FeelError:
        return None


_DAY_PARTS = frozenset({"year", "month", "day"})
_CLOCK_PARTS = frozenset({"hour", "minute", "second"})


def _temporal_part(value: Value, name: str) -> Value:  # noqa: PLR0911 - one return for each kind of part
    """A property of a temporal value (Table 65); NotImplemented for a name that it has not."""
    kind = type(value)
    if (day := temporal.date_in(value)) is not None:
        if name in _DAY_PARTS:
            return Decimal(getattr(day, name))
        if name == "weekday":
            return Decimal((wide.day_number(day) - 1) % 7 + 1)
    if kind in wide.TIMES or kind in wide.DATE_TIMES:
        if name in _CLOCK_PARTS:
            return Decimal(getattr(wide.time_of(value) if kind in wide.DATE_TIMES else value, name))
        if name == "time offset":
            return value.utcoffset()
        if name == "timezone":
            return "Z" if value.tzinfo is UTC else wide.zone_name(value)
    if kind in wide.DURATIONS:
        nanos = wide.nanoseconds(value)
        seconds, sign = abs(nanos) // wide.SECOND, -1 if nanos < 0 else 1
        parts = {"days": seconds // 86_400, "hours": seconds // 3600 % 24}
        parts |= {"minutes": seconds // 60 % 60, "seconds": seconds % 60}
        if name in parts:
            return Decimal(sign * parts[name])
    if isinstance(value, YearsMonthsDuration) and name in ("years", "months"):
        whole_months, sign = abs(value.months), -1 if value.months < 0 else 1
        return Decimal(sign * (whole_months // 12 if name == "years" else whole_months % 12))
    return NotImplemented


def path(base: Code, name: str, place: Place) -> Code:
    """`base.name`."""

    def step(scope: Scope, run: Run) -> Value:
        value = base(scope, run)
        if value is None:
            return None
        if isinstance(value, list):
            run.spend(len(value))
        try:
            return member(value, name)
        except FeelError as error:
            run.note(error.kind, str(error), place)
            return None

    return step
