"""What Groovy and JUEL cells may call: methods of strings, lists and contexts that look at them, and three of `Math`.

Values are FEEL's, and compare as in FEEL: never across types. A method of null is null.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from .errors import FeelError, Kind
from .feel import operators
from .feel.decimal128 import NUMBERS
from .feel.run import Run, Value
from .feel.values import equal, kind_of, ordered

_STRING, _LIST, _CONTEXT = "string", "list", "context"
_ALL = (_STRING, _LIST, _CONTEXT)


class Method(NamedTuple):
    """A method: the kinds of values that have it, of what kinds its arguments are, and what it answers."""

    name: str
    targets: tuple[str, ...]
    arguments: tuple[str | None, ...]
    answer: Callable[..., Value]

    def call(self, run: Run, target: Value, *arguments: Value) -> Value:
        """What the method answers for a target; null for null. Raises FeelError for what it does not take."""
        if target is None:
            return None
        run.spend(1 + len(target) // 64 if isinstance(target, (str, list, dict)) else 1)
        if self.targets and kind_of(target) not in self.targets:
            raise FeelError(f"{kind_of(target)} has no method {self.name}()", Kind.WRONG_TYPE)
        for wanted, argument in zip(self.arguments, arguments, strict=True):
            if wanted is not None and isinstance(target, str) and kind_of(argument) != wanted:
                raise FeelError(f"{self.name}() takes a {wanted}, not {kind_of(argument)}", Kind.WRONG_TYPE)
        return self.answer(target, *arguments)


def _same(one: Value, other: Value) -> Value:
    if other is not None and kind_of(one) != kind_of(other):
        raise FeelError(f"equals() compares {kind_of(one)} with {kind_of(other)}", Kind.WRONG_TYPE)
    return equal(one, other)


def _holds(target: Value, value: Value) -> bool:
    return value in target if isinstance(target, str) else any(equal(item, value) is True for item in target)


def item_of(_: Run | None, target: Value, key: Value) -> Value:
    """`target[key]`: an item by its number, from 0 or, below 0, from the end, or an entry by its name.

    Raises FeelError where there is none.
    """
    if isinstance(target, dict) and isinstance(key, str):
        return operators.member(target, key)
    if isinstance(target, (list, str)) and isinstance(key, Decimal):
        if key != key.to_integral_value() or not -len(target) <= key < len(target):
            raise FeelError(f"a {kind_of(target)} of {len(target)} has no place {key}, counted from 0")
        return target[int(key)]
    raise FeelError(f"{kind_of(target)} has nothing at {kind_of(key)}", Kind.WRONG_TYPE)


def within(run: Run, value: Value, items: Value) -> bool:
    """`value in items`. Raises FeelError where the right side is no list and no context."""
    if isinstance(items, dict):
        return isinstance(value, str) and value in items
    if not isinstance(items, list):
        raise FeelError(f"nothing is in {kind_of(items)}: a list is wanted", Kind.WRONG_TYPE)
    run.spend(len(items) // 8)
    return _holds(items, value)


def is_empty(value: Value) -> bool:
    """`empty value`: null, or a string, list or context that holds nothing."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def remainder(run: Run, left: Value, right: Value) -> Value:
    """`left % right`, with the sign of the left side."""
    run.spend(8)
    if type(left) is not Decimal or type(right) is not Decimal:
        raise FeelError(f"cannot divide {kind_of(left)} and {kind_of(right)}", Kind.WRONG_TYPE)
    if not right:
        raise FeelError("division by zero", Kind.ARITHMETIC)
    return NUMBERS.remainder(left, right)


METHODS = {
    method.name: method
    for method in (
        Method("equals", (), (None,), _same),
        Method("equalsIgnoreCase", (_STRING,), (_STRING,), lambda one, other: one.lower() == other.lower()),
        Method("contains", (_STRING, _LIST), (_STRING,), _holds),
        Method("startsWith", (_STRING,), (_STRING,), str.startswith),
        Method("endsWith", (_STRING,), (_STRING,), str.endswith),
        Method("toLowerCase", (_STRING,), (), str.lower),
        Method("toUpperCase", (_STRING,), (), str.upper),
        Method("trim", (_STRING,), (), str.strip),
        Method("length", (_STRING,), (), lambda one: Decimal(len(one))),
        Method("size", _ALL, (), lambda one: Decimal(len(one))),
        Method("isEmpty", _ALL, (), lambda one: not one),
        Method("isBlank", (_STRING,), (), lambda one: not one.strip()),
        Method("get", (_LIST, _CONTEXT), (None,), functools.partial(item_of, None)),
        Method("containsKey", (_CONTEXT,), (None,), lambda one, key: isinstance(key, str) and key in one),
    )
}


def _numbers(name: str, count: int, answer: Callable[..., Value]) -> Callable[..., Value]:
    def call(_: Run, *arguments: Value) -> Value:
        if len(arguments) != count:
            raise FeelError(f"Math.{name}() takes {count} argument{'s' if count > 1 else ''}, not {len(arguments)}")
        if None in arguments:
            return None
        if any(type(argument) is not Decimal for argument in arguments):
            raise FeelError(f"Math.{name}() takes numbers", Kind.WRONG_TYPE)
        return answer(*arguments)

    return call


MATH = {
    "abs": _numbers("abs", 1, NUMBERS.abs),
    "max": _numbers("max", 2, lambda one, other: one if ordered(Decimal.__ge__, one, other) else other),
    "min": _numbers("min", 2, lambda one, other: one if ordered(Decimal.__le__, one, other) else other),
}
