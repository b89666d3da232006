"""Lists: membership, statistics, and making new ones."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from mlc.dmn.errors import FeelError
from mlc.dmn.feel.operators import add
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import NUMBERS, ORDERED, Function, YearsMonthsDuration, equal, kind_of

from .signature import builtin


def _numbers(name: str, items: list[Value]) -> list[Decimal]:
    if any(type(item) is not Decimal for item in items):
        raise FeelError(f"{name}(): the items must be numbers")
    return items


def _position(items: list[Value], position: Decimal, last: int) -> int:
    if position != int(position) or not position or not -len(items) <= position <= last:
        raise FeelError(f"a list of {len(items)} items has no position {position}")
    return int(position) - 1 if position > 0 else len(items) + int(position)


def _holds(items: list[Value], wanted: Value) -> bool:
    return any(equal(item, wanted) is True for item in items)


@builtin("list contains(list: list, element: Any)")
def list_contains(items: list[Value], element: Value) -> bool:
    """Whether an element is in a list."""
    return _holds(items, element)


@builtin("count(list: list)", spread=True)
def count(items: list[Value]) -> Decimal:
    """How many items."""
    return Decimal(len(items))


def _extreme(name: str, items: list[Value], choose: Callable[[list[Any]], Value]) -> Value:
    if not items or None in items:
        return None
    kinds = {type(item) for item in items}
    if len(kinds) > 1 or not kinds <= ORDERED:
        raise FeelError(f"{name}(): the items must be of one ordered type, not {kind_of(items[0])} and others")
    return choose(items)


@builtin("min(list: list)", spread=True)
def minimum(items: list[Value]) -> Value:
    """The smallest item."""
    return _extreme("min", items, min)


@builtin("max(list: list)", spread=True)
def maximum(items: list[Value]) -> Value:
    """The greatest item."""
    return _extreme("max", items, max)


@builtin("sum(list: list)", spread=True, takes_run=True)
def total(run: Run, items: list[Value]) -> Value:
    """The sum of numbers or durations; null for none."""
    if any(not isinstance(item, (Decimal, timedelta, YearsMonthsDuration)) for item in items):
        raise FeelError("sum(): the items must be numbers or durations")
    return functools.reduce(lambda one, other: add(one, other, run), items) if items else None


@builtin("mean(list: list)", spread=True)
def mean(items: list[Value]) -> Decimal | None:
    """The arithmetic mean."""
    numbers = _numbers("mean", items)
    return NUMBERS.divide(functools.reduce(NUMBERS.add, numbers), Decimal(len(numbers))) if numbers else None


@builtin("product(list: list)", spread=True)
def product(items: list[Value]) -> Decimal | None:
    """The product of numbers; null for none."""
    numbers = _numbers("product", items)
    return functools.reduce(NUMBERS.multiply, numbers) if numbers else None


@builtin("median(list: list)", spread=True)
def median(items: list[Value]) -> Decimal | None:
    """The middle item, or the mean of the two."""
    numbers = sorted(_numbers("median", items))
    middle = len(numbers) // 2
    if not numbers:
        return None
    return numbers[middle] if len(numbers) % 2 else mean(numbers[middle - 1 : middle + 1])


@builtin("stddev(list: list)", spread=True)
def stddev(items: list[Value]) -> Decimal:
    """The standard deviation of a sample."""
    numbers = _numbers("stddev", items)
    if len(numbers) < 2:
        raise FeelError("stddev(): two numbers are needed")
    middle = mean(numbers)
    assert middle is not None
    squares = [NUMBERS.power(NUMBERS.subtract(number, middle), 2) for number in numbers]
    return NUMBERS.sqrt(NUMBERS.divide(functools.reduce(NUMBERS.add, squares), Decimal(len(numbers) - 1)))


@builtin("mode(list: list)", spread=True)
def mode(items: list[Value]) -> list[Decimal]:
    """The most frequent numbers, in ascending order."""
    counts = Counter(_numbers("mode", items))
    most = max(counts.values(), default=0)
    return sorted(number for number, times in counts.items() if times == most)


def _decided(items: list[Value], decisive: bool) -> bool | None:
    if _holds(items, decisive):
        return decisive
    return not decisive if all(isinstance(item, bool) for item in items) else None


@builtin("all(list: list)", spread=True)
@builtin("and(list: list)", spread=True)
def every(items: list[Value]) -> bool | None:
    """Whether all items are true."""
    return _decided(items, decisive=False)


@builtin("any(list: list)", spread=True)
@builtin("or(list: list)", spread=True)
def some(items: list[Value]) -> bool | None:
    """Whether an item is true."""
    return _decided(items, decisive=True)


@builtin("not(negand: Any)")
def negation(negand: Value) -> bool | None:
    """The opposite of a boolean."""
    return not negand if isinstance(negand, bool) else None


@builtin("sublist(list: list, start position: number, length: number?)")
def sublist(items: list[Value], start: Decimal, length: Decimal | None = None) -> list[Value]:
    """Items from a position on."""
    first = _position(items, start, len(items))
    if length is not None and (length < 1 or first + length > len(items)):
        raise FeelError(f"sublist(): a list of {len(items)} items has no {length} from position {start} on")
    return items[first : None if length is None else first + int(length)]


@builtin("append(list: list, item: Any...)")
def append(items: list[Value], *more: Value) -> list[Value]:
    """A list with further items at its end."""
    return [*items, *more]


@builtin("concatenate(list: list...)", takes_run=True)
def concatenate(run: Run, *lists: list[Value]) -> list[Value]:
    """One list after the other."""
    run.spend(sum(map(len, lists)) // 16)
    return [item for part in lists for item in part]


@builtin("insert before(list: list, position: number, newItem: Any)")
def insert_before(items: list[Value], position: Decimal, item: Value = None) -> list[Value]:
    """A list with an item in front of a position."""
    index = _position(items, position, len(items))
    return [*items[:index], item, *items[index:]]


@builtin("remove(list: list, position: number)")
def remove(items: list[Value], position: Decimal) -> list[Value]:
    """A list without the item at a position."""
    index = _position(items, position, len(items))
    return items[:index] + items[index + 1 :]


@builtin("reverse(list: list)")
def reverse(items: list[Value]) -> list[Value]:
    """Backwards."""
    return items[::-1]


@builtin("index of(list: list, match: Any)")
def index_of(items: list[Value], match: Value) -> list[Decimal]:
    """The positions at which an item is."""
    return [Decimal(position) for position, item in enumerate(items, 1) if equal(item, match) is True]


def _distinct(run: Run, items: list[Value]) -> list[Value]:
    found: list[Value] = []
    for item in items:
        run.spend(1 + len(found) // 4)
        if not _holds(found, item):
            found.append(item)
    return found


@builtin("distinct values(list: list)", takes_run=True)
def distinct_values(run: Run, items: list[Value]) -> list[Value]:
    """Without repetitions."""
    return _distinct(run, items)


@builtin("union(list: list...)", takes_run=True)
def union(run: Run, *lists: list[Value]) -> list[Value]:
    """The items of all lists without repetitions."""
    return _distinct(run, [item for part in lists for item in part])


@builtin("list replace(list: list, position: number, newItem: Any)")
def list_replace(items: list[Value], position: Decimal, item: Value) -> list[Value]:
    """A list with another item at a position."""
    index = _position(items, position, len(items))
    return [*items[:index], item, *items[index + 1 :]]


@builtin("list replace(list: list, match: function, newItem: Any)", takes_run=True)
def list_replace_matching(run: Run, items: list[Value], match: Function, item: Value) -> list[Value]:
    """A list with another item wherever `match(item, newItem)` holds."""
    run.spend(len(items))
    return [item if match.call([old, item], run) is True else old for old in items]


@builtin("flatten(list: list)", takes_run=True)
def flatten(run: Run, items: list[Value]) -> list[Value]:
    """Lists inside of lists as one."""
    flat: list[Value] = []
    for item in items:
        run.spend()
        flat.extend(flatten(run, item) if isinstance(item, list) else [item])
    return flat


@builtin("sort(list: list, precedes: function?)", takes_run=True)
def sort(run: Run, items: list[Value], precedes: Function | None = None) -> list[Value]:
    """In ascending order, or so that `precedes` holds between neighbours."""
    if precedes is None:
        _extreme("sort", items, lambda _: None)
        return sorted(items)

    def order(one: Value, other: Value) -> int:
        run.spend()
        if precedes.call([one, other], run) is True:
            return -1
        return 1 if precedes.call([other, one], run) is True else 0

    return sorted(items, key=functools.cmp_to_key(order))
