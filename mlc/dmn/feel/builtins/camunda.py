"""The functions that Camunda's FEEL engine has beside those of the specification, or has in another way.

By its documentation of versions 8.4 to 8.9. Where a function of the specification takes more here, what it takes there
it takes here, too, and answers the same; four differ, and say so.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)

from mlc.dmn.errors import FeelError
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import Function, equal

from . import camunda_texts, contexts, conversion, json_text, lists, numbers, ranges, regexes, strings, times
from .signature import builtin, registered

_MODES = {"UP": ROUND_UP, "DOWN": ROUND_DOWN, "CEILING": ROUND_CEILING, "FLOOR": ROUND_FLOOR, "HALF_UP": ROUND_HALF_UP,
          "HALF_DOWN": ROUND_HALF_DOWN, "HALF_EVEN": ROUND_HALF_EVEN}  # fmt: skip

# -- what may be null ------------------------------------------------------------------------------------------------


@builtin("is defined(value: Any)")
def is_defined(value: Value) -> bool:
    """Whether a value is not null. A name that nothing has is null here, and no problem."""
    return value is not None


@builtin("get or else(value: Any, default: Any)")
def get_or_else(value: Value, default: Value = None) -> Value:
    """A value, or another one where it is null. A name that nothing has is null here, and no problem."""
    return default if value is None else value


@builtin("assert(value: Any, condition: Any)")
@builtin("assert(value: Any, condition: Any, cause: string)")
def assert_(value: Value, condition: Value = None, cause: str = "the condition is not fulfilled") -> Value:
    """A value for which a condition holds; else a problem, with the cause."""
    if condition is not True:
        raise FeelError(f"assert(): {cause}")
    return value


@builtin("fromAi(value: Any, [description: string?], [type: string?], [schema: context?], [options: context?])")
def from_ai(value: Value, *_: Value) -> Value:
    """The value as it is; the rest is for those who write it."""
    return value


# -- lists -----------------------------------------------------------------------------------------------------------


@builtin("is empty(list: list)")
def is_empty(items: list[Value]) -> bool:
    """Whether a list has no items."""
    return not items


@builtin("partition(list: list, size: number)", takes_run=True)
def partition(run: Run, items: list[Value], size: Decimal) -> list[Value]:
    """Lists of so many items each; the last one may be shorter."""
    if size < 1 or size != int(size):
        raise FeelError(f"partition(): the size must be a whole number above zero, not {size}")
    step = min(int(size), len(items) or 1)
    run.spend(len(items) // 4 + len(items) // step)
    return [items[start : start + step] for start in range(0, len(items), step)]


@builtin("duplicate values(list: list)", takes_run=True)
def duplicate_values(run: Run, items: list[Value]) -> list[Value]:
    """The items that are there more than once, each once, in the order in which they come first."""
    kept = lists.distinct_values(run, items)
    if len(kept) == len(items):
        return []
    counts: dict[tuple[type, Value], int] = {}
    for item in items:
        kind = type(item)
        if kind in lists.HASHED:
            counts[kind, item] = counts.get((kind, item), 0) + 1

    def times(item: Value) -> int:
        if type(item) in lists.HASHED:
            return counts[type(item), item]
        run.spend(len(items) // 4)
        return [equal(item, other, run) for other in items].count(True)

    return [item for item in kept if times(item) > 1]


@builtin("and(list: list)", spread=True)
def and_(items: list[Value]) -> bool | None:
    """Whether all items are true; the older name of `all`."""
    return lists.every(items)


@builtin("or(list: list)", spread=True)
def or_(items: list[Value]) -> bool | None:
    """Whether an item is true; the older name of `any`."""
    return lists.some(items)


@builtin("concatenate(lists: list)", takes_run=True)
def concatenate(run: Run, given: list[Value]) -> list[Value]:
    """The lists of a list one after the other. Unlike in FEEL one list alone is taken for the list of all of them."""
    return lists.concatenate(run, *(part if isinstance(part, list) else [part] for part in given))


@builtin("union(lists: list)", takes_run=True)
def union(run: Run, given: list[Value]) -> list[Value]:
    """The same without repetitions."""
    return lists.distinct_values(run, concatenate(run, given))


@builtin("string join(list: list, delimiter: string?, prefix: string?, suffix: string?)", takes_run=True)
def string_join(
    run: Run, items: list[Value], delimiter: str | None = None, prefix: str | None = None, suffix: str | None = None
) -> str:
    """The strings of a list between a prefix and a suffix."""
    return f"{prefix or ''}{strings.string_join(run, items, delimiter)}{suffix or ''}"


# -- contexts --------------------------------------------------------------------------------------------------------


@builtin("get value(context: context, key: string)")
@builtin("get value(context: context, keys: list)")
def get_value(context: dict[str, Value], keys: str | list[Value]) -> Value:
    """The value of an entry, or of one in nested contexts; null if there is none."""
    value: Value = context
    for key in keys if isinstance(keys, list) else [keys]:
        value = value.get(key) if isinstance(value, dict) and isinstance(key, str) else None
    return None if value is context else value


@builtin("get entries(context: context)", takes_run=True)
def get_entries(run: Run, context: dict[str, Value]) -> list[Value]:
    """A list of contexts with `key` and `value`."""
    return contexts.get_entries(run, context)


@builtin("put(context: context, key: string, value: Any)")
@builtin("context put(context: context, key: string, value: Any)")
@builtin("context put(context: context, keys: list, value: Any)")
def context_put(context: dict[str, Value], key: str | list[Value], value: Value = None) -> dict[str, Value]:
    """A context with one entry more, or another value for one; contexts are made where a path leads into none."""
    path = key if isinstance(key, list) else [key]
    if not path or not all(isinstance(part, str) for part in path):
        raise FeelError("context put(): the keys must be strings, and at least one")
    if len(path) == 1:
        return {**context, path[0]: value}
    inner = context.get(path[0])
    return {**context, path[0]: context_put(inner if isinstance(inner, dict) else {}, path[1:], value)}


@builtin("put all(contexts: list)", spread=True)
@builtin("context merge(contexts: list)", spread=True)
def put_all(given: list[Value]) -> dict[str, Value]:
    """All entries of several contexts; the last one wins."""
    return contexts.context_merge(given)


@builtin("context(entries: list)")
def context_of(entries: list[Value]) -> dict[str, Value]:
    """A context of `key` and `value` pairs. Unlike in FEEL a key may be there twice: the last one wins."""
    last = {entry["key"]: entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("key"), str)}
    others = [entry for entry in entries if not isinstance(entry, dict) or not isinstance(entry.get("key"), str)]
    return contexts.context_of([*last.values(), *others])


# -- numbers ---------------------------------------------------------------------------------------------------------


@builtin("decimal(n: number, scale: number, mode: string)")
def decimal(n: Decimal, scale: Decimal, mode: str) -> Decimal:
    """Rounded to a scale in one of Java's modes."""
    rounding = _MODES.get(mode.upper())
    if rounding is not None:
        return numbers.rounded(n, scale, rounding)
    if mode.upper() != "UNNECESSARY":
        raise FeelError(f'decimal(): there is no mode "{mode[:40]}"; there are {", ".join([*_MODES, "UNNECESSARY"])}')
    exact = numbers.rounded(n, scale, ROUND_DOWN)
    if exact != n:
        raise FeelError(f"decimal(): {n} has to be rounded, and the mode is UNNECESSARY")
    return exact


@builtin("abs(number: number)")
def absolute(number: Decimal) -> Value:
    """Without its sign."""
    return numbers.absolute(number)


@builtin("round up(n: number)")
def round_up(n: Decimal) -> Decimal:
    """Rounded away from zero to a whole number."""
    return numbers.rounded(n, None, ROUND_UP)


@builtin("round down(n: number)")
def round_down(n: Decimal) -> Decimal:
    """Rounded to zero to a whole number."""
    return numbers.rounded(n, None, ROUND_DOWN)


@builtin("round half up(n: number)")
def round_half_up(n: Decimal) -> Decimal:
    """Rounded to a whole number, half away from zero."""
    return numbers.rounded(n, None, ROUND_HALF_UP)


@builtin("round half down(n: number)")
def round_half_down(n: Decimal) -> Decimal:
    """Rounded to a whole number, half to zero."""
    return numbers.rounded(n, None, ROUND_HALF_DOWN)


#: Camunda's first: where two take the same arguments, it is the one that is called.
CAMUNDA: Mapping[str, Function] = registered(
    *(sys.modules[__name__], camunda_texts, json_text),
    *(contexts, conversion, lists, numbers, ranges, regexes, strings, times),
)
