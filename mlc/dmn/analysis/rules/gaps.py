"""Values that no rule of a table matches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.tables import DecisionTable

from . import conditions, saying
from .budget import Budget, Exhausted
from .coverage import uncovered, widened
from .outputs import Outputs
from .relations import bits
from .space import Space

#: Gaps of which can't be told whether a rule fills them, for one table.
_POSSIBLE = 5
_LISTS = frozenset({"COLLECT", "RULE ORDER", "OUTPUT ORDER"})


def gaps(table: DecisionTable, space: Space, outputs: Outputs, budget: Budget) -> Iterator[Finding]:
    """The gaps of a table where they matter: not where a default output fills them, nor in a list of failures.

    A gap is a WARNING. It is a HINT when all rules refuse, since then what no rule matches passes by design, or when
    it is one only for strings that nothing names, in a column that does not say which strings there are.
    """
    if any(output.default for output in table.outputs):
        return
    if table.hit_policy in _LISTS and not outputs.may_pass():
        return
    refuses = outputs.judges and not outputs.may_pass()
    try:
        yield from saying.listed(_certain(table, space, refuses, budget), "gaps")
        yield from islice(_possible(table, space, budget), _POSSIBLE)
    except Exhausted:
        yield saying.ended_early("gaps", table.place)


def boxes(space: Space, covers: int, budget: Budget) -> Iterator[list[int]]:
    """The largest boxes that no box of `covers` touches, until every point is in one of them or in one of `covers`.

    Strings that a column names come first, then those that no cell names.
    """
    full = [axis.full for axis in space.axes]
    named = [axis.full & ~axis.open_ or axis.full for axis in space.axes]
    taken = covers
    for box in (named, full) if named != full else (full,):
        while (point := uncovered(space, taken, box, budget)) is not None:
            found = widened(space, covers, point, budget)
            taken |= space.add(found)
            yield found


def _certain(table: DecisionTable, space: Space, refuses: bool, budget: Budget) -> Iterator[Finding]:
    for box in boxes(space, space.possible, budget):
        severity, advice = Severity.WARNING, "add a rule for it, or a default output"
        unnamed = [axis for axis, mask in zip(space.axes, box, strict=True) if mask and not mask & ~axis.open_]
        if refuses:
            severity, advice = Severity.HINT, "nothing, if all that the rules don't refuse is meant to pass"
        elif unnamed:
            severity = Severity.HINT
            advice = f"list the allowed values of {unnamed[0].label}, or add a rule for every other string"
        message = f"{conditions.condition(space.axes, box)} lies in no rule"
        doubt = saying.entangled(space, box)
        kind = Aspect.UNKNOWN if doubt else Aspect.GAP
        if doubt:
            severity, message = Severity.HINT, f"{message}, {doubt}"
        yield Finding(severity, kind, message, table.place, (), conditions.values(space.axes, box), advice)


def _possible(table: DecisionTable, space: Space, budget: Budget) -> Iterator[Finding]:
    """What only rules may match of which can't be told what they match."""
    doubtful = space.possible & ~space.certain
    if not doubtful:
        return
    for box in boxes(space, space.certain | sum(space.added), budget):
        fillers = doubtful
        for index, mask in enumerate(box):
            fillers &= space.touching(index, mask)
        which = list(bits(fillers))
        message = (
            f"{conditions.condition(space.axes, box)} may lie in no rule: only {saying.named(which)} may match there, "
            "which can't be told"
        )
        yield Finding(Severity.HINT, Aspect.UNKNOWN, message, table.place, saying.numbers(which),
                      conditions.values(space.axes, box), "see to it that these rules match all of it")  # fmt: skip
