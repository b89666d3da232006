"""What is wrong with a decision model, or may surprise its author, before anybody evaluates it.

    for finding in mlc.dmn.analysis.analyse("thresholds.dmn").findings:
        print(finding.severity, finding)

Each check is given a compiled table and what it was made of, and yields findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import DmnError
from mlc.dmn.imports import Source
from mlc.dmn.model import MAX_BYTES, DecisionModel, load

from .finding import Aspect, Finding, Severity
from .inputcells import check_input_cells
from .names import check_names
from .outputcells import check_output_cells
from .unparsed import problems_of

__all__ = ["Analysis", "Aspect", "Finding", "Severity", "analyse"]

Check = Callable[[CompiledTable, DecisionModel], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (check_input_cells, check_output_cells, check_names)


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
) -> Analysis:
    """Load a model as `mlc.dmn.load` does, and look for all that is wrong with it. Raises OSError as that does."""
    try:
        model = load(source, name=name, strict=False, imports=imports, max_bytes=max_bytes)
    except DmnError as error:
        return Analysis([Finding.of(problem) for problem in error.problems], None)
    findings = list(problems_of(model))
    for table in model.tables:
        for check in CHECKS:
            findings += check(table, model)
    order = list(Severity)
    return Analysis(sorted(findings, key=lambda finding: order.index(finding.severity)), model)
