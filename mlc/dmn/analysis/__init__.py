"""What is wrong with a decision model, or may surprise its author, before anybody evaluates it.

    for finding in mlc.dmn.analysis.analyse("thresholds.dmn").findings:
        print(finding.severity, finding)

Each check is given a compiled table and what it was made of, and yields findings. A check of a whole model is given
the model and the place that its file is. What looks at one cell is in `cells`, what compares rules in `rules`, what
looks at a model as a whole, with its names and its schema, in `models`; `unparsed` and `fixes` say what was probably
meant by what does not parse, and `report` how all this is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import ClassVar

from mlc.dmn.boxes import CompiledTable
from mlc.dmn.document import content, parse
from mlc.dmn.errors import DmnError, Place
from mlc.dmn.imports import Source
from mlc.dmn.markup import Element
from mlc.dmn.model import MAX_BYTES, DecisionModel, load

from .cells.inputcells import check_input_cells
from .cells.outputcells import check_output_cells
from .facts import facts_of
from .finding import Aspect, Finding, Severity
from .models.inputs import check_columns, check_inputs
from .models.logic import check_calls, check_logic, check_names_once
from .models.members import check_members, check_members_in_cells
from .models.names import check_names
from .models.schema import check_schema, explicit_inputs
from .rules import rules_together
from .unparsed import problems_of

__all__ = ["Analysis", "Aspect", "Finding", "Severity", "analyse"]

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
#: Findings of one check that are looked at. An error may come after a thousand hints, and is not to be missed.
MOST = 20_000
#: Problems of loading from which on nothing else is looked for: who has so many has to mend them first.
TOO_WRONG = 200


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
    dialect: str | None = None,
) -> Analysis:
    """Load a model as `mlc.dmn.load` does, and look for all that is wrong with it. Raises OSError as that does.

    The tables of files that it imports are looked at as well: each finding's place names its file.
    """
    try:
        model = load(source, name=name, strict=False, imports=imports, max_bytes=max_bytes, dialect=dialect)
        root, place = _root(source, name, max_bytes)
    except DmnError as error:
        return _sorted(map(Finding.of, error.problems), None)
    return _sorted(_found(model, root, place), model)


def _root(source: Source, name: str | None, max_bytes: int) -> tuple[Element, Place]:
    """The XML of a file that has been loaded, and the place that the file is."""
    place = Place(name or (None if isinstance(source, bytes) else Path(source).name))
    return parse(content(source, place, max_bytes), place), place


def _found(model: DecisionModel, root: Element, place: Place) -> Iterator[Finding]:
    yield from problems_of(model)
    if len(model.problems) >= TOO_WRONG:
        message = "the file has too many problems to be looked at further: mend these first"
        yield Finding(Severity.HINT, Aspect.UNKNOWN, message, place)
        return
    yield from _guarded(check_schema, check_schema(root, place), place)
    facts_of(model).explicit_inputs = explicit_inputs(root)
    for whole in MODEL_CHECKS:
        yield from _guarded(whole, whole(model, place), place)
    for one in (model, *model.imported):
        for check in CHECKS:
            yield from _guarded(check, (found for table in one.tables for found in check(table, one)), place)
    if facts_of(model).reader.exhausted:
        message = "the expressions take too long to look into all of them: some were not looked at"
        yield Finding(Severity.HINT, Aspect.UNKNOWN, message, place)


def _guarded(check: Callable[..., Iterator[Finding]], found: Iterator[Finding], place: Place) -> Iterator[Finding]:
    """What one check finds. One that comes to grief has not looked, which is said; the others do look."""
    try:
        yield from islice(found, MOST)
        if next(found, None) is not None:
            message = f"there are more than {MOST:,} findings of {check.__name__}: the rest was not looked at"
            yield Finding(Severity.WARNING, Aspect.UNKNOWN, message, place)
    except Exception as error:
        message = f"this could not be analysed to the end: {type(error).__name__} in {check.__name__}"
        suggestion = "this is a mistake in the analysis, please report it; look at the table yourself"
        yield Finding(Severity.WARNING, Aspect.UNKNOWN, message, place, suggestion=suggestion)


def _sorted(found: Iterable[Finding], model: DecisionModel | None) -> Analysis:
    """Each finding once, as many of a severity as are kept."""
    kept: dict[Severity, dict[Finding, None]] = {severity: {} for severity in Severity}
    dropped: Counter[Severity] = Counter()
    files: dict[str | None, int] = {}
    for finding in found:
        files.setdefault(finding.place.file, len(files))
        findings = kept[finding.severity]
        if len(findings) < Analysis.KEPT:
            findings[finding] = None
        elif finding not in findings:
            dropped[finding.severity] += 1

    def order(finding: Finding) -> tuple[int, int, int]:
        """By file and line; what is about a whole table comes where the table begins."""
        place = finding.place
        return files[place.file], place.line or 0, place.rule or 0

    return Analysis([finding for each in kept.values() for finding in sorted(each, key=order)], model, dropped)
