"""Names that nothing declares, words without quotes, and what is wrong in expressions whatever the inputs are."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import NamedTuple

from mlc.dmn import elements as dmn
from mlc.dmn.analysis.cells.columntypes import Domain, declared_type, domain_of
from mlc.dmn.analysis.cells.parts import Cell, Part, cell_of
from mlc.dmn.analysis.closed import Reader
from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.analysis.spelling import NO, YES, quoted
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.builtins import BUILTINS
from mlc.dmn.feel.cursor import KEYWORDS
from mlc.dmn.feel.parser import parse_expression, parse_unary_tests
from mlc.dmn.feel.values import kind_of
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script

from .calls import faults_of
from .constant_faults import constants_without_value

#: Groovy's and SQL's way to say that a value is none of a list or lies in no range.
_NOT_IN = re.compile(r"not\s+in\s*(?:\((.*)\)|([\[\]].*[\]\[]))")
_NULLS = frozenset({"null", "none", "nil", "n/a", "na", "undefined", "missing"})
#: Functions of the clock, which are easily written without brackets, and the kinds of columns that they stand in.
_CLOCKS = {"today": (None, "date"), "now": (None, "date and time")}
_ANYTHING = frozenset({"any", "all", "else", "otherwise", "default", "everything"})


class Surroundings:
    """What the names in a table may be: its columns, what its decision requires, what the file declares."""

    def __init__(self, table: CompiledTable, model: DecisionModel) -> None:
        self.columns = [column.name for column in table.table.inputs if column.name]
        variables = [column.variable for column in table.table.inputs if column.variable]
        self.vocabulary = table.vocabulary.inside(*self.columns, *variables)
        self.own = [*self.columns, *variables]
        facts = facts_of(model)
        self.declared = facts.declared
        self.declares_inputs = bool(facts.explicit_inputs)
        self.reader: Reader = facts.reader
        self.unparsed = facts.unparsed
        self.language = model.definitions.language

    def near(self, name: str) -> str:
        """The name of a column, else of another input or a decision, that is most like a name; "" if none is."""
        return self.reader.near(name, [*self.own, *self.declared])

    def free(self, text: dmn.Text, *, is_cell: bool) -> tuple[list[str], list[str]]:
        """The names in a text that nothing declares, and those of built-ins that are no calls."""
        tokens = self.reader.tokens(text.text)
        if not tokens or not any(token.kind == "name" and token.text not in KEYWORDS for token in tokens):
            return [], []
        if is_script(text.text, text.language or self.language):
            return [], []
        if not self.reader.spend(len(tokens)):
            return [], []
        trial: Vocabulary = replace(self.vocabulary, free={}, optional={}, instead={})
        try:
            (parse_unary_tests if is_cell else parse_expression)(text.text, trial, Place())
        except (FeelSyntaxError, RecursionError):
            return [], []
        return list(trial.free), [name for name in trial.optional if name in BUILTINS]


def check_names(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """All cells of a table, inputs and outputs."""
    around = Surroundings(table, model)
    for index, (clause, column) in enumerate(zip(table.box.inputs, table.table.inputs, strict=True)):
        type_ref = clause.type_ref or declared_type(model, table.table.decision, column.name or "")
        domain = domain_of(model, type_ref, clause.allowed)
        cells = [rule.inputs[index] for rule in table.box.rules]
        yield from _of_allowed(clause.allowed, around, domain, column.place)
        yield from _of_column(table, around, cells, domain, column.label, is_cell=True)
    for index, (output, made) in enumerate(zip(table.box.outputs, table.table.outputs, strict=True)):
        domain = domain_of(model, output.type_ref, output.allowed)
        cells = [rule.outputs[index] for rule in table.box.rules]
        yield from _of_allowed(output.allowed, around, domain, table.table.place.at(column=made.name))
        yield from _of_column(table, around, cells, domain, made.name, is_cell=False)


def _of_allowed(
    text: dmn.Text | None,
    around: Surroundings,
    domain: Domain,
    place: Place,
) -> Iterator[Finding]:
    """The allowed values of a column: they are constants, of the column's type."""
    if text is None or not text.text or place in around.unparsed:
        return
    only = domain._replace(allowed=())
    for found in _of_text(text, around, only, place.column or "", strings=True, is_cell=True):
        yield replace(found, place=place)
    yield from nothing_allowed(text, domain.kind, place, around.reader)


def nothing_allowed(text: dmn.Text, kind: str | None, place: Place, reader: Reader) -> Iterator[Finding]:
    """Allowed values of another type than the type that they restrict: no value is allowed."""
    cell = cell_of(text.text, reader)
    if cell is None or kind is None or any(part.form == "other" for part in cell.parts):
        return
    values = [value for part in cell.parts for value in part.values()]
    if values and all(kind_of(value) != kind for value in values):
        message = f"the allowed values {text.text} are of type {kind_of(values[0])}, and the type is {kind}"
        yield Finding(Severity.ERROR, Aspect.MISMATCH, f"{message}: no value is allowed", place)


def _of_column(
    table: CompiledTable,
    around: Surroundings,
    cells: list[dmn.Text],
    domain: Domain,
    label: str,
    *,
    is_cell: bool,
) -> Iterator[Finding]:
    known: dict[str, list[Finding]] = {}
    unparsed = around.unparsed
    strings = any(text.text.startswith('"') for text in cells)
    for rule, text in zip(table.table.rules, cells, strict=True):
        if text.text in ("", "-") or (unparsed and rule.place.at(column=label) in unparsed):
            continue
        if text.text not in known:
            known[text.text] = list(_of_text(text, around, domain, label, strings=strings, is_cell=is_cell))
        for found in known[text.text]:
            yield replace(found, place=rule.place.at(column=label))


def _of_text(
    text: dmn.Text, around: Surroundings, domain: Domain, label: str, *, strings: bool, is_cell: bool
) -> Iterator[Finding]:
    """What is wrong with the calls and the names in a text; the place is the caller's."""
    values = ((label, text.text),)
    if not is_script(text.text, text.language or around.language):
        faults = list(faults_of(text.text, around.reader))
        for fault in faults or constants_without_value(text.text, around.reader, is_cell=is_cell):
            yield Finding(Severity.ERROR, fault.kind, fault.message, values=values, suggestion=fault.suggestion)
    free, builtins = around.free(text, is_cell=is_cell)
    if not free and not builtins:
        return
    told: set[str] = set()
    cell = cell_of(text.text, around.reader)
    if cell is not None:
        meaning = _Meaning(around, domain, strings, is_cell)
        told = yield from _words(cell, free, builtins, meaning, label)
    for name in builtins:
        excluded = _NOT_IN.fullmatch(text.text.strip()) if is_cell else None
        if name not in told and ("[" not in text.text or excluded):
            message = f"{name} is the name of a function, which needs brackets behind it"
            better = re.sub(rf"^{name}\s+(.+)$", rf"{name}(\1)", text.text)
            better = better if better != text.text and is_cell and name == "not" else ""
            if excluded:
                better = f"not({excluded[1] or excluded[2]})"
            yield Finding(Severity.ERROR, Aspect.BAD_CALL, message, values=values, suggestion=better)
    either = _either(text.text, free) if is_cell and (domain.kind == "string" or strings) else ""
    for name in free:
        if name not in told:
            found = _unknown(name, text.text, around)
            yield replace(found, values=values, suggestion=either or found.suggestion)


def _either(text: str, free: list[str]) -> str:
    """The list of strings that was meant by unknown words with `or` or `/` between them; "" for another text."""
    words = re.split(r"\s+or\s+|\s*/\s*", text.strip().removeprefix("(").removesuffix(")").strip())
    return ", ".join(map(quoted, words)) if len(words) > 1 and set(words) <= set(free) else ""


def _unknown(name: str, text: str, around: Surroundings) -> Finding:
    """A name inside of an expression that nothing declares."""
    close = around.near(name)
    if not close and not around.declares_inputs:
        message = f'the cell asks for a further input, "{name}", which no column has'
        return Finding(Severity.HINT, Aspect.UNDECLARED, message)
    message = f'"{name}" is no name that the model knows: it is asked for as a further input'
    also = f"; did you mean {close}?" if close else ""
    better = re.sub(rf"\b{re.escape(name)}\b", close, text) if close else ""
    return Finding(Severity.WARNING, Aspect.UNDECLARED, message + also, suggestion=better)


def _words(
    cell: Cell, free: list[str], builtins: list[str], meaning: _Meaning, label: str
) -> Generator[Finding, None, set[str]]:
    """The tests of a cell that are one unknown name; these names are the answer."""
    meant: list[tuple[Part, str]] = []
    told: dict[str, tuple[Severity, str]] = {}
    for part in cell.parts:
        words = part.text[len(part.symbol) :].strip() if part.symbol else part.text.strip()
        names = [name for name in (*free, *builtins) if words == name or (words in ("N/A", "n/a") and name in words)]
        if not names:
            continue
        better = meaning.of(words, part.symbol)
        if words in _CLOCKS and words in builtins and meaning.domain.kind in _CLOCKS[words]:
            better = f"{words}()"
        if better:
            meant.append((part, f"{part.symbol} {better}" if part.symbol and better != "-" else better))
        name = words if words in names or len(names) > 1 else names[0]
        what = f"{name} has no quotes and is no name that the model knows: it is asked for as a further input"
        if words in builtins:
            what = f"{name} is the name of a function, which no value is equal to"
        severity = meaning.severity("" if better.endswith("()") else part.symbol, better)
        told |= dict.fromkeys(names, (severity, what + (f"; did you mean {better}?" if better else "")))
    suggestion = cell.replaced_all(meant)
    for severity, message in dict.fromkeys(told.values()):
        values = ((label, cell.text),)
        yield Finding(severity, Aspect.UNQUOTED, message, values=values, suggestion=suggestion if meant else "")
    return set(told)


class _Meaning(NamedTuple):
    """Finds what was meant by a word that is no name. `strings`: other cells of the column are strings."""

    around: Surroundings
    domain: Domain
    strings: bool
    is_cell: bool

    def of(self, words: str, symbol: str) -> str:
        """The value or the name that was meant; "" where that is not clear."""
        fixed = self.constant(words.casefold())
        if fixed or orders(symbol):
            return fixed or self.around.near(words)
        for text in self.domain.allowed:
            value = self.around.reader.closest(words, text.text)
            if value:
                return value
        if self.domain.kind == "string" or self.strings:
            return quoted(words)
        close = self.around.near(words)
        return close or (quoted(words) if self.domain.kind is None else "")

    def constant(self, folded: str) -> str:
        """A word for a truth value, for what is missing, or for anything."""
        if folded in ("true", "false") or (self.domain.kind == "boolean" and folded in YES | NO):
            return "true" if folded in YES else "false"
        if folded in _NULLS:
            return "null"
        return "-" if self.is_cell and folded in _ANYTHING else ""

    def severity(self, symbol: str, better: str) -> Severity:
        """An error where it is sure that nobody gives an input of that name."""
        sure = self.around.declares_inputs or better in ("true", "false", "null", "-")
        is_word = self.strings or self.domain.kind in ("string", "boolean", None) or better != ""
        return Severity.ERROR if sure and is_word and not orders(symbol) else Severity.WARNING


def orders(symbol: str) -> bool:
    """Whether a relation puts values in order, so that a name behind it is rather a threshold than a word."""
    return symbol in ("<", "<=", ">", ">=")
