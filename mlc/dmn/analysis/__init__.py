"""What is wrong with a decision model, or may surprise its author, before anybody evaluates it.

    for finding in mlc.dmn.analysis.analyse("thresholds.dmn").findings:
        print(finding.severity, finding)

Each check is given a compiled table and what it was made of, and yields findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar

from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import DmnError, Problem
from mlc.dmn.imports import Source
from mlc.dmn.model import MAX_BYTES, DecisionModel, load

from .finding import Aspect, Finding, Severity
from .rules import rules_together
from .suggestions import with_suggestion

__all__ = ["Analysis", "Aspect", "Finding", "Severity", "analyse"]

Check = Callable[[CompiledTable, DecisionModel], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (rules_together,)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found, the worst first and then in the order of the file. `model` is None for what can't be read.

    Of each severity the first `KEPT` are there; `dropped` is how many more there are.
    """

    KEPT: ClassVar[int] = 1_000

    findings: list[Finding]
    model: DecisionModel | None
    dropped: Counter[Severity] = field(default_factory=Counter)

    @property
    def errors(self) -> list[Finding]:
        """What keeps the model from being used for a verdict."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    def count(self) -> Counter[Severity]:
        """How many findings there are of each severity, also of those that are not kept."""
        return Counter(finding.severity for finding in self.findings) + self.dropped


def analyse(
    source: Source,
    *,
    name: str | None = None,
    imports: Mapping[str, Source] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Analysis:
    """Load a model as `mlc.dmn.load` does, and look for all that is wrong with it. Raises OSError as that does.

    The tables of files that it imports are looked at as well: each finding's place names its file.
    """
    try:
        model = load(source, name=name, strict=False, imports=imports, max_bytes=max_bytes)
    except DmnError as error:
        return _sorted(error.problems, iter(()), None)
    return _sorted(model.problems, _checked(model), model)


def _checked(model: DecisionModel) -> Iterator[Finding]:
    for one in (model, *model.imported):
        for table in one.tables:
            for check in CHECKS:
                yield from _by(check, table, one)


def _by(check: Check, table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """What one check finds. One that comes to grief has not looked, which is said; the others do look."""
    try:
        yield from check(table, model)
    except Exception as error:
        message = f"this table could not be analysed to the end: {type(error).__name__} in {check.__name__}"
        suggestion = "this is a mistake in the analysis, please report it; look at the table yourself"
        yield Finding(Severity.WARNING, Aspect.UNKNOWN, message, table.table.place, suggestion=suggestion)


def _sorted(problems: list[Problem], found: Iterator[Finding], model: DecisionModel | None) -> Analysis:
    """Each finding once, as many of a severity as are kept."""
    kept: dict[Severity, dict[Finding, None]] = {severity: {} for severity in Severity}
    dropped: Counter[Severity] = Counter()
    for finding in chain(map(Finding.of, problems), found):
        findings = kept[finding.severity]
        if len(findings) < Analysis.KEPT:
            findings[with_suggestion(finding)] = None
        elif finding not in findings:
            dropped[finding.severity] += 1
    return Analysis([finding for findings in kept.values() for finding in findings], model, dropped)
