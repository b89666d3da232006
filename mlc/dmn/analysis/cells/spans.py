"""Values on an ordered line: which lie between two ends, in both of two sets, in none."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mlc.dmn.feel import wide
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.values import ORDERED, kind_of, ordered


class Span(NamedTuple):
    """Values from `low` to `high`; an end of None is unbounded."""

    low: Value = None
    low_closed: bool = False
    high: Value = None
    high_closed: bool = False


class IncomparableError(Exception):
    """Two values that have no order. Never leaves the analysis."""


def less(one: Value, other: Value) -> bool:
    """Whether a value comes before another. Raises IncomparableError."""
    answer = ordered(operator.lt, one, other)
    if answer is None:
        raise IncomparableError
    return answer


def on_a_line(values: Iterable[Value]) -> bool:
    """Whether values are of one kind that has an order."""
    found = list(values)
    return len({kind_of(value) for value in found}) <= 1 and all(
        type(value) in ORDERED or type(value) in wide.KIND for value in found
    )


def is_empty(span: Span, whole: bool = False) -> bool:
    """Whether no value lies in a span; `whole`: no whole number."""
    if span.low is None or span.high is None:
        return False
    if whole:
        span = _whole(span)
    if less(span.high, span.low):
        return True
    return not less(span.low, span.high) and not (span.low_closed and span.high_closed)


def _whole(span: Span) -> Span:
    low, high = span.low.to_integral_value("ROUND_CEILING"), span.high.to_integral_value("ROUND_FLOOR")
    low += 1 if low == span.low and not span.low_closed else 0
    high -= 1 if high == span.high and not span.high_closed else 0
    return Span(low, True, high, True)


def union(spans: Iterable[Span], whole: bool = False) -> list[Span]:
    """The same values in as few spans as there can be, in order. Raises IncomparableError."""
    found = [span for span in spans if not is_empty(span, whole)]
    found.sort(key=functools.cmp_to_key(_by_low))
    merged: list[Span] = []
    for span in found:
        if merged and _touches(merged[-1], span):
            merged[-1] = _longer(merged[-1], span)
        else:
            merged.append(span)
    return merged


def meet(some: Sequence[Span], others: Sequence[Span], whole: bool = False) -> list[Span]:
    """The values that lie in both of two sets of spans. Raises IncomparableError."""
    found = []
    for one in some:
        for other in others:
            low = one if _by_low(one, other) >= 0 else other
            high = one if _by_high(one, other) <= 0 else other
            span = Span(low.low, low.low_closed, high.high, high.high_closed)
            if not is_empty(span, whole):
                found.append(span)
    return found


def covers_all(spans: Sequence[Span]) -> bool:
    """Whether merged spans are the whole line."""
    return len(spans) == 1 and spans[0].low is None and spans[0].high is None


def within(inner: Span, outer: Span) -> bool:
    """Whether all values of a span lie in another. Raises IncomparableError."""
    return _by_low(outer, inner) <= 0 and _by_high(inner, outer) <= 0


def _by_low(one: Span, other: Span) -> int:
    if one.low is None or other.low is None:
        return (one.low is not None) - (other.low is not None)
    if less(one.low, other.low):
        return -1
    if less(other.low, one.low):
        return 1
    return other.low_closed - one.low_closed


def _by_high(one: Span, other: Span) -> int:
    if one.high is None or other.high is None:
        return (other.high is not None) - (one.high is not None)
    if less(one.high, other.high):
        return -1
    if less(other.high, one.high):
        return 1
    return one.high_closed - other.high_closed


def _touches(left: Span, right: Span) -> bool:
    if left.high is None or right.low is None:
        return True
    if less(right.low, left.high):
        return True
    return not less(left.high, right.low) and (left.high_closed or right.low_closed)


def _longer(left: Span, right: Span) -> Span:
    last = left if _by_high(left, right) >= 0 else right
    return Span(left.low, left.low_closed, last.high, last.high_closed)
