"""What is wrong with a decision model, or may surprise its author, before anybody evaluates it.

    for finding in mlc.dmn.analysis.analyse("thresholds.dmn").findings:
        print(finding.severity, finding)

Each check is given a compiled table and what it was made of, and yields findings. A check of a whole model is given
the model and the place that its file is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlc.dmn.boxes import CompiledTable
from mlc.dmn.document import content, parse
from mlc.dmn.errors import DmnError, Place
from mlc.dmn.imports import Source
from mlc.dmn.markup import Element
from mlc.dmn.model import MAX_BYTES, DecisionModel, load

from .facts import facts_of
from .finding import Aspect, Finding, Severity
from .inputcells import check_input_cells
from .inputs import check_columns, check_inputs
from .members import check_members, check_members_in_cells
from .models import check_calls, check_logic, check_names_once
from .names import check_names
from .outputcells import check_output_cells
from .rules import rules_together
from .schema import check_schema, explicit_inputs
from .unparsed import problems_of

__all__ = ["Analysis", "Aspect", "Finding", "Severity", "analyse"]

#: Findings of one check that are listed.
MOST = 1_000

ModelCheck = Callable[[DecisionModel, Place], Iterator[Finding]]
Check = Callable[[CompiledTable, DecisionModel], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    check_input_cells,
    check_output_cells,
    check_names,
    check_columns,
    check_members_in_cells,
    rules_together,
)
MODEL_CHECKS: tuple[ModelCheck, ...] = (check_logic, check_names_once, check_calls, check_inputs, check_members)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found, the worst first and then in the order of the file. `model` is None for what can't be read."""

    findings: list[Finding]
    model: DecisionModel | None

    @property
    def errors(self) -> list[Finding]:
        """What keeps the model from being used for a verdict."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]


def analyse(
    source: Source,
    *,
    name: str | None = None,
    imports: Mapping[str, Source] | None = None,
    max_bytes: int = MAX_BYTES,
    dialect: str | None = None,
) -> Analysis:
    """Load a model as `mlc.dmn.load` does, and look for all that is wrong with it. Raises OSError as that does."""
    try:
        model = load(source, name=name, strict=False, imports=imports, max_bytes=max_bytes, dialect=dialect)
    except DmnError as error:
        return Analysis([Finding.of(problem) for problem in error.problems], None)
    findings = list(problems_of(model))
    root, place = _root(source, name, max_bytes)
    findings += _few(check_schema(root, place), place)
    facts_of(model).explicit_inputs = explicit_inputs(root)
    for whole in MODEL_CHECKS:
        findings += _few(whole(model, place), place)
    for check in CHECKS:
        findings += _few((found for table in model.tables for found in check(table, model)), place)
    if facts_of(model).reader.exhausted:
        message = "the expressions take too long to look into all of them: some were not looked at"
        findings.append(Finding(Severity.HINT, Aspect.UNKNOWN, message, place))
    order = list(Severity)
    return Analysis(sorted(findings, key=lambda finding: order.index(finding.severity)), model)


def _few(found: Iterator[Finding], place: Place) -> Iterator[Finding]:
    """What one check finds, up to a number that nobody would read through."""
    yield from itertools.islice(found, MOST)
    if (one := next(found, None)) is not None:
        yield Finding(one.severity, one.kind, "there are more findings of this kind, which are not listed", place)


def _root(source: Source, name: str | None, max_bytes: int) -> tuple[Element, Place]:
    """The XML of a file that has been loaded, and the place that the file is."""
    place = Place(name or (None if isinstance(source, bytes) else Path(source).name))
    return parse(content(source, place, max_bytes), place), place
