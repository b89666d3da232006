"""The names that decisions ask for: declared, required, or neither; and columns that nobody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from mlc.dmn import elements as dmn
from mlc.dmn.analysis.cells.columntypes import declared_type, domain_of
from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.analysis.spelling import squashed
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.parser import parse_expression
from mlc.dmn.feel.values import kind_of
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script

from .names import Surroundings


def check_inputs(model: DecisionModel, _: Place) -> Iterator[Finding]:
    """Names that are asked for outside of cells, and that nothing declares."""
    explicit = facts_of(model).explicit_inputs
    definitions = model.definitions
    decisions = {one.variable.name: one.name for one in definitions.decisions}
    functions = {one.variable.name for one in definitions.invocables()}
    outputs = {name: unit.name for unit in model.units for name in unit.outputs}
    inputs = {data.variable.name for data in definitions.inputs}
    drawn = {squashed(data.variable.name) for data in definitions.inputs if not data.named}
    told = {name for table in model.tables for name in _in_allowed_values(table, model)}
    asked: dict[str, Place] = {}
    for unit in model.units:
        required = {*unit.needs.decisions, *unit.exported} - {""}
        for name, given in unit.needs.inputs.items():
            if given.declared or (name in told and given.place.column):
                continue
            asked.setdefault(name, given.place)
            if given.place.rule is not None or any(other in inputs | decisions.keys() for other in given.instead):
                continue
            here = given.place
            values = ((here.column or name, name),)
            if (name in decisions and decisions[name] != unit.name) or name in functions:
                what = "decision" if name in decisions else "function"
                message = f'the {what} "{name}" is not required here: its value is not known, and is asked for'
                advice = f'require the {what} "{name}"'
                yield Finding(Severity.ERROR, Aspect.NOT_REQUIRED, message, here, values=values, suggestion=advice)
            elif name in inputs:
                if name in explicit:
                    message = f'the input data "{name}" is declared, and the decision does not require it'
                    advice = f'require the input data "{name}"'
                    yield Finding(
                        Severity.WARNING, Aspect.NOT_REQUIRED, message, here, values=values, suggestion=advice
                    )
            elif name in outputs and outputs[name] != unit.name:
                message = f'"{name}" is an output of the decision "{outputs[name]}", which is not required here'
                advice = f'require the decision "{outputs[name]}"'
                yield Finding(Severity.WARNING, Aspect.NOT_REQUIRED, message, here, values=values, suggestion=advice)
            else:
                known = [*required, *explicit, *decisions]
                close = facts_of(model).reader.near(name, known)
                if not close and (not explicit or squashed(name) in drawn):
                    continue
                message = f'"{name}" is declared by no input data and no required decision'
                message += f"; did you mean {close}?" if close else ""
                yield Finding(Severity.WARNING, Aspect.UNDECLARED, message, here, values=values, suggestion=close)
    yield from _confusable(asked)


def _in_allowed_values(table: CompiledTable, model: DecisionModel) -> Iterator[str]:
    """Names in allowed values, which are told with the column."""
    around = Surroundings(table, model)
    texts = [*(clause.allowed for clause in table.box.inputs), *(clause.allowed for clause in table.box.outputs)]
    for text in texts:
        if text is not None and text.text:
            yield from around.free(text, is_cell=True)[0]


def _confusable(asked: dict[str, Place]) -> Iterator[Finding]:
    """Undeclared inputs whose names differ in case or separators alone."""
    seen: dict[str, str] = {}
    for name, place in asked.items():
        other = seen.setdefault(squashed(name), name)
        if other != name:
            message = f'"{name}" and "{other}" are two inputs; are they meant to be one?'
            yield Finding(Severity.WARNING, Aspect.CONFUSABLE_NAMES, message, place, suggestion=other)


def check_columns(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """Columns of another type than what they read, columns of which no rule makes use, and columns that are twice."""
    names = Counter(" ".join(clause.expression.text.split()) or column.name
                    for clause, column in zip(table.box.inputs, table.table.inputs, strict=True))  # fmt: skip
    told: set[str] = set()
    for index, (clause, column) in enumerate(zip(table.box.inputs, table.table.inputs, strict=True)):
        place = column.place
        name = " ".join(clause.expression.text.split()) or column.name or ""
        if names[name] > 1 and name and name not in told:
            told.add(name)
            message = f"{names[name]} columns read {name}: a rule asks for both"
            yield Finding(Severity.HINT, Aspect.DUPLICATE_COLUMN, message, place, values=((column.label, name),))
        if table.box.rules and all(rule.inputs[index].text in ("", "-") for rule in table.box.rules):
            message = f"no rule asks for {name or column.label}: it must be given all the same"
            yield Finding(Severity.HINT, Aspect.UNUSED_COLUMN, message, place, suggestion="remove the column")
        yield from _reads_none(clause, column.label, place, model)
        declared = declared_type(model, table.table.decision, column.name) if column.name else None
        given, wanted = domain_of(model, declared).kind, domain_of(model, clause.type_ref).kind
        if given is not None and wanted is not None and given != wanted and not _readable(given, wanted):
            message = f"{column.name} is declared as {given}, and the column reads it as {wanted}"
            yield Finding(
                Severity.ERROR, Aspect.MISMATCH, message, place, values=((column.label, clause.type_ref or ""),),
                suggestion=declared or "",
            )  # fmt: skip


def _reads_none(clause: dmn.InputClause, label: str, place: Place, model: DecisionModel) -> Iterator[Finding]:
    """A column that reads a constant, or gives a truth value where another type is declared."""
    text = clause.expression.text
    if not text or is_script(text, clause.expression.language or model.definitions.language):
        return
    wanted, reader = domain_of(model, clause.type_ref).kind, facts_of(model).reader
    found, values = reader.closed(text), ((label, text),)
    if found is not None and isinstance(found.value, (str, Decimal)) and not found.timed:
        severity = Severity.ERROR if wanted not in (None, kind_of(found.value)) else Severity.WARNING
        message = f"the column reads {text}, which is always the same, and no input"
        tokens = reader.tokens(found.value) if isinstance(found.value, str) else None
        name = found.value if tokens and len(tokens) == 1 and tokens[0].kind == "name" else ""
        yield Finding(severity, Aspect.MISMATCH, message, place, values=values, suggestion=str(name))
    elif found is None and wanted not in (None, "boolean") and _is_truth(text):
        message = f"{text} is true or false, and the column reads it as {wanted}"
        yield Finding(Severity.ERROR, Aspect.MISMATCH, message, place, values=values, suggestion="boolean")


def _is_truth(text: str) -> bool:
    """Whether an expression gives a boolean by its form."""
    try:
        return parse_expression(text, Vocabulary(), Place()).truth
    except (FeelSyntaxError, RecursionError):
        return False


def _readable(given: str, wanted: str) -> bool:
    """Whether a column makes a value of its type from one of another: text may stand for a moment."""
    return (given == "string" and wanted not in ("number", "boolean")) or (given, wanted) == ("date", "date and time")
