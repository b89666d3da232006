"""JSON as people read it: nested values under dotted names, numbers in a few digits, and differences between them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from mlc.model import shown as cell

MOST_LEAVES = 5_000
"""A result with more values than this is a file to be read, not a comparison."""
DEEPEST = 8
LONGEST_LIST = 20
"""A longer list is data, such as a curve, and counts as one value; unless its members are tests with ids."""
NOTHING = "-"
NAMING = frozenset({"test_id", "test_name", "test_category", "test_type"})
"""What names a test block, so that its values need not be told apart by it again."""


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every single value under its dotted name, those of the top level first; at most ``MOST_LEAVES``.

    The members of a list of objects are named by their ``test_id`` (ModelOp's test blocks) or else by their number;
    any other list is one value.
    """
    inner = {name: value for name, value in values.items() if _members(value) is not None}
    outer = {name: value for name, value in values.items() if name not in inner}
    found: dict[str, Any] = {}
    for name, value in islice(_leaves("", {**outer, **inner}.items(), DEEPEST), MOST_LEAVES):
        found.setdefault(name, value)
    return found


def _leaves(prefix: str, members: Iterable[tuple[str, Any]], depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in members:
        path = f"{prefix}{name}"
        inner = _members(value) if depth else None
        if inner is None:
            yield path, value
        else:
            yield from _leaves(f"{path}.", inner, depth - 1)


def _members(value: object) -> list[tuple[str, Any]] | None:
    """Names and values of what a value consists of; None if it is to be shown as one."""
    if isinstance(value, dict):
        return [(str(name), member) for name, member in value.items()] or None
    if not isinstance(value, list) or not all(isinstance(member, dict) for member in value):
        return None
    ids = [str(member["test_id"]) for member in value if member.get("test_id")]
    if len(set(ids)) == len(value) > 0:
        tests = ({name: inner for name, inner in test.items() if name not in NAMING} for test in value)
        return list(zip(ids, tests, strict=True))
    return [(str(number), member) for number, member in enumerate(value)] if 0 < len(value) <= LONGEST_LIST else None


def shown(value: object) -> str:
    """One value in a cell."""
    return cell.shown(value, _number)


def _number(value: int | float) -> str:
    """Six digits, or as many as a number of up to 15 has before its point; no exponent where people expect none."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if abs(value) >= 10**15:
        return f"{Decimal(value):.6g}"
    if value == int(value):
        return str(int(value))
    return f"{value:.6g}" if abs(value) < 10**6 else f"{value:.2f}"


def difference(before: object, now: object) -> str:
    """Now less before, with its sign, if both are numbers; else whether it changed. It says nothing of good or bad."""
    if _is_number(before) and _is_number(now):
        change = Decimal(str(now)) - Decimal(str(before))
        return f"{'+' if change > 0 else ''}{_number(float(change) if abs(change) < 10**15 else int(change))}"
    return NOTHING if same(before, now) else "changed"


def _is_number(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def same(before: object, now: object) -> bool:
    """Whether two values are the same, NaN being so."""
    if isinstance(before, float) and isinstance(now, float) and math.isnan(before) and math.isnan(now):
        return True
    return type(before) is type(now) and before == now
