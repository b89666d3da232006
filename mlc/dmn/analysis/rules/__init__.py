"""The rules of a table taken together: what several of them match, and what none of them does."""

from __future__ import annotations

from collections.abc import Iterator

from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.model import DecisionModel
from mlc.dmn.tables import HIT_POLICIES

from . import saying
from .budget import Budget, Exhausted
from .gaps import gaps
from .outputs import Outputs
from .overlaps import Overlaps
from .space import Beyond, Space, space_of


def rules_together(compiled: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """Overlaps, duplicates, masked and subsumed rules, gaps, and what of these can't be told."""
    table = compiled.table
    if table.hit_policy not in HIT_POLICIES or not table.outputs:
        return  # it doesn't load
    budget = Budget.of(table, model)
    try:
        space = space_of(compiled, model, budget)
        outputs = Outputs(table, budget)
    except Exhausted:
        yield saying.ended_early("overlaps and gaps", table.place)
        return
    yield from saying.listed(_beyond(compiled, space), "cells that are beyond analysis", budget)
    nowhere = [table.inputs[axis.columns[0]] for axis in space.axes if not axis.values]
    if nowhere:
        for column in nowhere:
            if not (column.allowed_text or column.type.note):
                continue  # its input is of another type, which is told of the column
            message = f"the type and the allowed values of {column.label} have no value in common: none is allowed"
            yield Finding(Severity.WARNING, Aspect.NEVER_MET, message, column.place, suggestion="mend one of them")
        return
    try:
        overlaps = Overlaps(table, space, outputs, budget.part(2))
        yield from overlaps.findings()
    except Exhausted:
        yield saying.ended_early("overlaps", table.place)
    yield from gaps(table, space, outputs, budget)


def _beyond(compiled: CompiledTable, space: Space) -> Iterator[Finding]:
    """The cells of which can't be told what they accept, those with one text in one column together."""
    found: dict[tuple[int, str, str], list[Beyond]] = {}
    for one in space.beyond:
        found.setdefault((one.column, one.text, one.why), []).append(one)
    for (column, text, why), cells in found.items():
        label = compiled.table.inputs[column].label
        which = [cell.rule for cell in cells]
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        message = (
            f"the cell {shown} is beyond analysis, since {why}: whether {saying.named(which)} "
            f"{'overlaps' if len(which) == 1 else 'overlap'} others or {'fills' if len(which) == 1 else 'fill'} a gap "
            "can't be told"
        )
        place = compiled.table.rules[which[0]].place.at(column=label)
        yield Finding(Severity.HINT, Aspect.UNKNOWN, message, place, saying.numbers(which), ((label, text),),
                      "test it with cases of your own")  # fmt: skip
