"""An input column with what the model says about its values."""

from __future__ import annotations

from mlc.dmn import elements as dmn
from mlc.dmn.analysis.closed import Reader, quick_run
from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import FeelSyntaxError, LimitExceededError, Place
from mlc.dmn.feel.parser import parse_unary_tests
from mlc.dmn.feel.run import Test, Value
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script

from .columntypes import Domain, declared_type, domain_of
from .parts import Cell, cell_of
from .spans import Span, on_a_line

_EMPTY = ("", "-")


class Column:
    """An input column: what it is called, what values it has, and what its allowed values are on a line."""

    def __init__(self, table: CompiledTable, index: int, model: DecisionModel) -> None:
        self.clause = clause = table.box.inputs[index]
        self.compiled = column = table.table.inputs[index]
        self.label = column.label
        type_ref = clause.type_ref
        if type_ref is None and column.name is not None:
            type_ref = declared_type(model, table.table.decision, column.name)
        self.domain: Domain = domain_of(model, type_ref, clause.allowed)
        self.reader: Reader = facts_of(model).reader
        self.language = model.definitions.language
        self.allowed = [test for text in self.domain.allowed if (test := test_of(text)) is not None]
        self.cells = [rule.inputs[index] for rule in table.box.rules]

    def cell(self, text: dmn.Text) -> Cell | None:
        """The parts of a cell; None for one that every value passes, or that is no FEEL."""
        if text.text in _EMPTY or is_script(text.text, text.language or self.language):
            return None
        return cell_of(text.text, self.reader)

    def lines(self) -> list[list[Span]]:
        """The allowed values on a line, one set for each text of them that can be put there."""
        found = []
        for text in self.domain.allowed:
            cell = cell_of(text.text, self.reader)
            spans = None if cell is None or cell.negated else spans_of(cell)
            if spans is not None:
                found.append(spans)
        return found

    def allows(self, value: Value) -> bool:
        """Whether a value is among the allowed ones, as far as that can be told."""
        try:
            return all(test(value, {}, quick_run()) is not False for test in self.allowed)
        except (LimitExceededError, RecursionError):
            return True

    def finding(self, severity: Severity, kind: Aspect, message: str, text: str, suggestion: str = "") -> Finding:
        """A finding about a cell's text, which is the value concerned; the place is the caller's."""
        return Finding(severity, kind, message, values=((self.label, text),), suggestion=suggestion)

    def allowed_text(self) -> str:
        """The allowed values as they are written."""
        return " and ".join(text.text for text in self.domain.allowed)


def spans_of(cell: Cell) -> list[Span] | None:
    """The values that the parts of a cell are passed by, together; None where not all lie on one line."""
    spans: list[Span] = []
    for part in cell.parts:
        found = part.spans()
        if found is None:
            return None
        spans += found
    ends = [end for span in spans for end in (span.low, span.high) if end is not None]
    return spans if on_a_line(ends) else None


def test_of(text: dmn.Text) -> Test | None:
    try:
        return parse_unary_tests(text.text, Vocabulary(), Place())
    except (FeelSyntaxError, RecursionError):
        return None
