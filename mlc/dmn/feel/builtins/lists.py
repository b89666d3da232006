"""List functions (DMN 1.5, 10.3.4.4, Table 75), and sort (10.3.4.8). Positions count from 1, or from -1 at the end."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal

from mlc.dmn.errors import FeelError, Kind
from mlc.dmn.feel import timeline, wide
from mlc.dmn.feel.decimal128 import NUMBERS
from mlc.dmn.feel.operators import add
from mlc.dmn.feel.run import ITEM, Run, Value
from mlc.dmn.feel.values import ORDERED, Function, YearsMonthsDuration, equal, kind_of

from .signature import builtin

_DECIMAL = frozenset({Decimal})
_SUMMED = wide.DURATIONS | {Decimal, YearsMonthsDuration}


def _numbers(name: str, items: list[Value]) -> list[Decimal]:
    if not _DECIMAL.issuperset(map(type, items)):
        raise FeelError(f"{name}(): the items must be numbers")
    return items


def _position(items: list[Value], position: Decimal, last: int) -> int:
    """The index that a position means; of a number with a fraction, the whole part counts."""
    if abs(position) < 1 or not -len(items) - 1 < position < last + 1:
        raise FeelError(f"a list of {len(items)} items has no position {position}")
    return int(position) - 1 if position > 0 else len(items) + int(position)


def _sorting(run: Run, items: list[Value]) -> None:
    """Pay for a sort."""
    run.spend(len(items) * len(items).bit_length() // 16)


@builtin("list contains(list: list, element: Any)", takes_run=True)
def list_contains(run: Run, items: list[Value], element: Value) -> bool:
    """Whether an element is in a list; null may be one."""
    return any(equal(item, element, run) is True for item in items)


@builtin("count(list: list)", spread=True, items=1_000)
def count(items: list[Value]) -> Decimal:
    """How many items."""
    return Decimal(len(items))


def _extreme(name: str, items: list[Value], choose: Callable[..., Value]) -> Value:
    """What `choose`, which takes a key to compare by, gives of items in an order. Raises FeelError for others."""
    types = set(map(type, items))
    if not items or type(None) in types:
        return None
    kinds = {wide.KIND.get(kind, kind) for kind in types}
    if len(kinds) > 1 or not (type(items[0]) in ORDERED or kinds <= set(wide.KIND.values())):
        raise FeelError(f"{name}(): the items must be of one ordered type, not {kind_of(items[0])} and others")
    if type(items[0]) not in timeline.CLOCKS:
        return choose(items)
    if len({timeline.place(item)[0] for item in items}) > 1:
        raise FeelError(f"{name}(): some of the items have an offset and others have none", Kind.WRONG_TYPE)
    return choose(items, key=timeline.place)


@builtin("min(list: list)", spread=True, items=16)
def minimum(items: list[Value]) -> Value:
    """The smallest item."""
    return _extreme("min", items, min)


@builtin("max(list: list)", spread=True, items=16)
def maximum(items: list[Value]) -> Value:
    """The greatest item."""
    return _extreme("max", items, max)


@builtin("sum(list: list)", spread=True, takes_run=True, items=16)
def total(run: Run, items: list[Value]) -> Value:
    """The sum of numbers or durations; null for none."""
    if not _SUMMED.issuperset(map(type, items)):
        raise FeelError("sum(): the items must be numbers or durations")
    if items and _DECIMAL.issuperset(map(type, items)):
        return functools.reduce(NUMBERS.add, items)
    return functools.reduce(lambda one, other: add(one, other, run), items) if items else None


@builtin("mean(list: list)", spread=True, items=16)
def mean(items: list[Value]) -> Decimal | None:
    """The arithmetic mean."""
    numbers = _numbers("mean", items)
    return NUMBERS.divide(functools.reduce(NUMBERS.add, numbers), Decimal(len(numbers))) if numbers else None


@builtin("product(list: list)", spread=True)
def product(items: list[Value]) -> Decimal | None:
    """The product of numbers; null for none."""
    numbers = _numbers("product", items)
    return functools.reduce(NUMBERS.multiply, numbers) if numbers else None


@builtin("median(list: list)", spread=True, takes_run=True)
def median(run: Run, items: list[Value]) -> Decimal | None:
    """The middle item, or the mean of the two; null of an empty list."""
    _sorting(run, items)
    numbers = sorted(_numbers("median", items))
    middle = len(numbers) // 2
    if not numbers:
        return None
    return numbers[middle] if len(numbers) % 2 else mean(numbers[middle - 1 : middle + 1])


@builtin("stddev(list: list)", spread=True, takes_run=True)
def stddev(run: Run, items: list[Value]) -> Decimal:
    """The standard deviation of a sample."""
    run.spend(len(items) // 2)
    numbers = _numbers("stddev", items)
    if len(numbers) < 2:
        raise FeelError("stddev(): two numbers are needed")
    middle = mean(numbers)
    assert middle is not None
    squares = [NUMBERS.power(NUMBERS.subtract(number, middle), 2) for number in numbers]
    return NUMBERS.sqrt(NUMBERS.divide(functools.reduce(NUMBERS.add, squares), Decimal(len(numbers) - 1)))


@builtin("mode(list: list)", spread=True, takes_run=True)
def mode(run: Run, items: list[Value]) -> list[Decimal]:
    """The most frequent numbers, in ascending order."""
    _sorting(run, items)
    counts = Counter(_numbers("mode", items))
    most = max(counts.values(), default=0)
    return sorted(number for number, times in counts.items() if times == most)


def _decided(items: list[Value], decisive: bool) -> bool | None:
    """Ternary logic: what is not a boolean leaves it open, unless another item decides."""
    if any(item is decisive for item in items):
        return decisive
    return not decisive if all(isinstance(item, bool) for item in items) else None


@builtin("all(list: list)", spread=True)
def every(items: list[Value]) -> bool | None:
    """Whether all items are true."""
    return _decided(items, decisive=False)


@builtin("any(list: list)", spread=True)
def some(items: list[Value]) -> bool | None:
    """Whether an item is true."""
    return _decided(items, decisive=True)


@builtin("not(negand: Any)")
def negation(negand: Value) -> bool | None:
    """The opposite of a boolean."""
    return not negand if isinstance(negand, bool) else None


@builtin("sublist(list: list, start position: number, [length: number])")
def sublist(items: list[Value], start: Decimal, length: Decimal | None = None) -> list[Value]:
    """Items from a position on."""
    first = _position(items, start, len(items))
    if length is not None and not (1 <= length < len(items) - first + 1):
        raise FeelError(f"sublist(): a list of {len(items)} items has no {length} from position {start} on")
    return items[first : None if length is None else first + int(length)]


@builtin("append(list: list, item: Any...)")
def append(items: list[Value], *more: Value) -> list[Value]:
    """A list with further items at its end."""
    return [*items, *more]


@builtin("concatenate(list: list...)", takes_run=True)
def concatenate(run: Run, *lists: list[Value]) -> list[Value]:
    """One list after the other."""
    run.spend(sum(map(len, lists)) // 4)
    run.afford(8 * sum(map(len, lists)))
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


@builtin("index of(list: list, match: Any)", takes_run=True)
def index_of(run: Run, items: list[Value], match: Value) -> list[Decimal]:
    """The positions at which an item is; null may be one."""
    found = []
    for position, item in enumerate(items, 1):
        if equal(item, match, run) is True:
            run.hold(ITEM)
            found.append(Decimal(position))
    return found


#: Types whose values are equal exactly where Python has them equal.
HASHED = frozenset({Decimal, str, bool, type(None)})


def _distinct(run: Run, items: Iterable[Value]) -> list[Value]:
    seen: set[tuple[type, Value]] = set()
    others: list[Value] = []
    found: list[Value] = []
    for item in items:
        kind = type(item)
        if kind in HASHED:
            run.spend()
            is_new = (kind, item) not in seen
            seen.add((kind, item))
        else:
            run.spend(1 + len(others) // 4)
            is_new = not any(equal(item, other, run) is True for other in others)
            if is_new:
                others.append(item)
        if is_new:
            run.hold(ITEM)  # in the list, and in what is known
            found.append(item)
    return found


@builtin("distinct values(list: list)", takes_run=True)
def distinct_values(run: Run, items: list[Value]) -> list[Value]:
    """Without repetitions."""
    return _distinct(run, items)


@builtin("union(list: list...)", takes_run=True)
def union(run: Run, *lists: list[Value]) -> list[Value]:
    """The items of all lists without repetitions."""
    return _distinct(run, itertools.chain(*lists))


@builtin("list replace(list: list, position: number, newItem: Any)")
def list_replace(items: list[Value], position: Decimal, item: Value) -> list[Value]:
    """A list with another item at a position."""
    index = _position(items, position, len(items))
    return [*items[:index], item, *items[index + 1 :]]


@builtin("list replace(list: list, match: function, newItem: Any)", takes_run=True)
def list_replace_matching(run: Run, items: list[Value], match: Function, item: Value) -> list[Value]:
    """A list with another item wherever `match(item, newItem)` holds."""

    def replaced(old: Value) -> Value:
        answer = _asked(run, match, old, item)
        if answer is not None and not isinstance(answer, bool):
            raise FeelError(f"list replace(): the function must answer a boolean, not {kind_of(answer)}")
        return item if answer else old

    return [replaced(old) for old in items]


@builtin("flatten(list: list)", takes_run=True)
def flatten(run: Run, items: list[Value]) -> list[Value]:
    """Lists inside of lists as one."""
    flat: list[Value] = []
    waiting = [iter(items)]
    while waiting:
        run.spend()
        item = next(waiting[-1], waiting)
        if item is waiting:
            waiting.pop()
        elif isinstance(item, list):
            waiting.append(iter(item))
        else:
            run.hold(8)
            flat.append(item)
    return flat


@builtin("sort(list: list, [precedes: function])", takes_run=True)
def sort(run: Run, items: list[Value], precedes: Function | None = None) -> Value:
    """In ascending order, or so that `precedes` holds between neighbours; equal items keep their order."""
    _sorting(run, items)
    if precedes is None:
        if None in items:
            raise FeelError("sort(): null has no place in an order")
        return _extreme("sort", items, sorted) if items else []
    before: Function = precedes

    def order(one: Value, other: Value) -> int:
        # Python's sort asks only whether one item must stand before another.
        return -1 if _asked(run, before, one, other) is True else 0

    return sorted(items, key=functools.cmp_to_key(order))


def _asked(run: Run, function: Function, *arguments: Value) -> Value:
    """What a function that is an argument answers; it is a call inside of a call."""
    run.enter()
    try:
        return function.call(list(arguments), run)
    finally:
        run.leave()
