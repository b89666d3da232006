"""How the findings about several rules are put: which rules, at which values, and how many of a kind are listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.errors import Place

from . import conditions
from .space import Space

#: Findings of one kind, for one table.
LISTED = 20
#: Rules that a sentence names.
NAMED = 8


def numbers(rules: Iterable[int]) -> tuple[int, ...]:
    """The numbers of rules, as people count them."""
    return tuple(rule + 1 for rule in rules)


def named(rules: Sequence[int]) -> str:
    """Rules, counted from 0, as people count them: "rules 1, 2 and 5"."""
    texts = [str(rule + 1) for rule in rules[:NAMED]]
    if len(rules) > NAMED:
        texts.append(f"{len(rules) - NAMED} more")
    if len(texts) == 1:
        return f"rule {texts[0]}"
    return f"rules {', '.join(texts[:-1])} and {texts[-1]}"


def listed(findings: Iterator[Finding], what: str) -> Iterator[Finding]:
    """The first findings of a kind, and a word if there are more."""
    last = None
    for last in islice(findings, LISTED):
        yield last
    if last is not None and next(findings, None) is not None:
        message = f"there are more {what} than these {LISTED}, which are all that are listed"
        place = last.place.at(rule=None, column=None)
        yield Finding(Severity.HINT, Aspect.NOT_LISTED, message, place, suggestion="mend these, and check again")


def ended_early(what: str, place: Place) -> Finding:
    """That the steps did not last."""
    message = f"the search for {what} ended early, as it takes too many steps: there may be more than are told here"
    return Finding(Severity.HINT, Aspect.UNKNOWN, message, place, suggestion="a smaller table can be searched whole")


def meeting(space: Space, rule: int, other: int) -> tuple[str, tuple[tuple[str, str], ...], list[int]]:
    """Where two rules meet: the first such point in words and as values, and the box of all of them."""
    box = [one & two for one, two in zip(space.box(rule), space.box(other), strict=True)]
    phrases, values = [], []
    for axis, mask in zip(space.axes, box, strict=True):
        if mask != axis.full:
            text, single = conditions.example(axis, mask)
            phrases.append(conditions.phrase(axis.label, text, single))
            values.append((axis.label, text))
    return conditions.conjunction(phrases) or "any values", tuple(values), box


def entangled(space: Space, box: Sequence[int]) -> str:
    """Why a box may be empty all the same: it restricts columns that depend on each other. Nothing if it does not."""
    for group in space.entangled:
        labels = [space.axes[index].label for index in sorted(group) if box[index] != space.axes[index].full]
        if len(labels) > 1:
            return f"as far as {' and '.join(labels)}, which depend on each other, can be so at once"
    return ""
