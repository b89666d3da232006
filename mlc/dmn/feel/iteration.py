"""What goes over lists: `for`, `some`, `every` and filters. Every item costs steps in proportion to the body's size."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from sys import getrefcount
from typing import Any, NamedTuple

from mlc.dmn.errors import FeelError, Kind, Place

from . import moments, wide
from .run import ITEM, OBJECT, Code, Run, Scope, Value
from .values import Outside, Range, kind_of, ordered, text_of


class Source(NamedTuple):
    """One `name in items` or `name in items..high` of a loop."""

    name: str
    items: Code
    high: Code | None = None


def domain(iterator: Source, scope: Scope, run: Run) -> Iterable[Value] | None:
    """The items of one iterator; None for null. Raises FeelError for what has no items."""
    low = iterator.items(scope, run)
    if iterator.high is not None:
        return _span(low, iterator.high(scope, run))
    if isinstance(low, Outside):
        raise FeelError(f"cannot go over {text_of(low)}", Kind.WRONG_TYPE)
    if isinstance(low, Range):
        if ordered(operator.gt, low.low, low.high):
            raise FeelError("a range to go over must not descend; without brackets, low..high may")
        return _without_open_ends(_span(low.low, low.high), low)
    if low is None or isinstance(low, list):
        return low
    return [low]


def _without_open_ends(span: Iterable[Value], source: Range) -> Iterator[Value]:
    for value in span:
        if (value == source.low and not source.low_closed) or (value == source.high and not source.high_closed):
            continue
        yield value


def _span(low: Value, high: Value) -> Iterable[Value]:
    if type(low) is Decimal and type(high) is Decimal:
        if low != low.to_integral_value() or high != high.to_integral_value() or max(abs(low), abs(high)) > 10**15:
            raise FeelError("the ends of a range to go over must be whole numbers")
        first, last = int(low), int(high)
        return map(Decimal, range(first, last + 1) if first <= last else range(first, last - 1, -1))
    if type(low) in wide.DATES and type(high) in wide.DATES:
        begin, end = wide.day_number(low), wide.day_number(high)
        return map(moments.day_of, range(begin, end + 1) if begin <= end else range(begin, end - 1, -1))
    raise FeelError(f"cannot go from {kind_of(low)} to {kind_of(high)}")


def listed(items: Code, place: Place) -> Code:
    """What is gone over where a value alone is not taken for the list of it: null, and noted, for such a one."""

    def only(scope: Scope, run: Run) -> Value:
        value = items(scope, run)
        if value is None or isinstance(value, (list, Range)):
            return value
        run.note(Kind.WRONG_TYPE, f"a {kind_of(value)} is no list: there is nothing to go over", place)
        return None

    return only


def bindings(iterators: Sequence[Source], scope: Scope, run: Run, cost: int) -> Iterator[Scope]:
    """A scope for every combination of the iterators' items, the last one moving fastest."""
    first, rest = iterators[0], iterators[1:]
    items = domain(first, scope, run)
    if items is None:
        raise FeelError(f'there is nothing to go over: the items of "{first.name}" are null', Kind.WRONG_TYPE)
    for item in items:
        run.spend(cost)
        inner = {**scope, first.name: item}
        if rest:
            yield from bindings(rest, inner, run, cost)
        else:
            yield inner


def for_loop(iterators: Sequence[Source], body: Code, cost: int, place: Place, partial: bool = True) -> Code:
    """`for ... return body` (Table 43), with the results so far as `partial`, if the body asks for them."""

    def loop(scope: Scope, run: Run) -> Value:
        results: list[Value] = []
        so_far: list[Value] = []
        try:
            for inner in bindings(iterators, scope, run, cost):
                run.hold(ITEM)
                if not partial:
                    results.append(body(inner, run))
                    continue
                inner["partial"] = so_far
                users = getrefcount(so_far), getrefcount(inner)
                results.append(body(inner, run))
                if (getrefcount(so_far), getrefcount(inner)) == users:
                    so_far.append(results[-1])
                else:  # somebody keeps what was there so far, which must not change
                    run.spend(len(results) // 256)
                    run.hold(OBJECT + 8 * len(results))
                    so_far = results.copy()
        except FeelError as error:
            run.note(error.kind, str(error), place)
            return None
        return results

    return loop


def quantified(iterators: Sequence[Source], body: Code, decisive: bool, cost: int, place: Place) -> Code:
    """`some` (decided by a true) and `every` (decided by a false)."""

    def quantify(scope: Scope, run: Run) -> Value:
        known = True
        try:
            for inner in bindings(iterators, scope, run, cost):
                answer = body(inner, run)
                if answer is decisive:
                    return decisive
                if answer is not None and not isinstance(answer, bool):
                    raise FeelError(f"a {kind_of(answer)} satisfies nothing: a boolean is wanted", Kind.WRONG_TYPE)
                known = known and answer is not None
        except FeelError as error:
            run.note(error.kind, str(error), place)
            return None
        return not decisive if known else None

    return quantify


def filtered(base: Code, condition: Code, cost: int, place: Place) -> Code:
    """`base[condition]`: an item by its number, from 1 or from the end, or the items for which the condition holds."""

    def select(scope: Scope, run: Run) -> Value:
        value = base(scope, run)
        if value is None:
            return None
        items = value if isinstance(value, list) else [value]
        chosen: list[Any] = []
        if not items and _is_number(condition, scope, run):
            return by_number(items, Decimal(0), run, place)
        for item in items:
            run.spend(cost)
            inner = {**scope, "item": item}
            if isinstance(item, dict):
                run.spend(len(item) // 8)
                inner |= item
            answer = condition(inner, run)
            if type(answer) is Decimal:
                return by_number(items, answer, run, place)
            if answer is True:
                run.hold(8)
                chosen.append(item)
            elif answer is not None and answer is not False:
                run.note(Kind.WRONG_TYPE, f"the condition of a filter is a {kind_of(answer)}, not a boolean", place)
                return None
        return chosen

    return select


def either(names: frozenset[str], condition: Code, other: Code) -> Code:
    """A condition with names that an item may have; for an item that lacks one of them, the other condition."""
    return lambda scope, run: condition(scope, run) if names <= scope.keys() else other(scope, run)


def _is_number(condition: Code, scope: Scope, run: Run) -> bool:
    """Whether a filter asks for an item by its number, where there is no item to find out with."""
    problems = len(run.problems)
    answer = condition({**scope, "item": None}, run)
    while len(run.problems) > problems:
        run.problems.popitem()
    return type(answer) is Decimal


def by_number(items: Sequence[Value], number: Decimal, run: Run, place: Place) -> Value:
    """The item of that number; null, and noted, when there is none."""
    index = int(number) if number == number.to_integral_value() and abs(number) <= len(items) else 0
    if not index:
        run.note(Kind.BAD_ARGUMENT, f"a list of {len(items)} items has no item {number}", place)
        return None
    return items[index - 1 if index > 0 else index]
