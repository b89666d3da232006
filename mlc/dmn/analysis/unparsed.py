"""What is offered for texts that loading could not parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mlc.dmn import elements as dmn
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import Kind, Problem
from mlc.dmn.feel.types import TYPES
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script
from mlc.dmn.tables import AGGREGATIONS, HIT_POLICIES

from .cells.columntypes import declared_type, domain_of
from .facts import facts_of
from .finding import Finding
from .fixes import fixed
from .models.names import Surroundings

_REQUIREMENTS = {dmn.InputData: "requiredInput", dmn.Decision: "requiredDecision", dmn.Knowledge: "requiredKnowledge"}
#: What FEEL calls the types of other languages.
TYPES_ELSEWHERE = {
    "bool": "boolean", "int": "integer", "short": "integer", "bigint": "long", "float": "double", "real": "double",
    "decimal": "number", "numeric": "number", "num": "number", "str": "string", "text": "string", "varchar": "string",
    "char": "string", "datetime": "dateTime", "timestamp": "dateTime", "object": "Any", "map": "context",
}  # fmt: skip
#: The signs of the aggregations behind the letter of COLLECT.
AGGREGATION_SIGNS = {"+": "SUM", "<": "MIN", ">": "MAX", "#": "COUNT"}
#: Texts for which a fix is looked for. Who has more of them has another problem than the spelling.
MOST = 30


class _Written(NamedTuple):
    text: str
    kind: str | None
    is_cell: bool
    known: list[str]
    vocabulary: Vocabulary


def problems_of(model: DecisionModel) -> Iterator[Finding]:
    """What loading has found, with a fix for each text that is known to be meant otherwise."""
    tables: dict[str | None, list[CompiledTable]] = {}
    for table in model.tables:
        tables.setdefault(table.table.place.decision, []).append(table)
    known = [one.variable.name for one in model.definitions.all()]
    around: dict[int, Surroundings] = {}
    for number, problem in enumerate(model.problems):
        if problem.kind is not Kind.SYNTAX or number >= MOST:
            yield Finding.of(problem, _nearest(problem, model) if number < MOST else "")
            continue
        suggestion = ""
        for written in _candidates(problem, tables.get(problem.decision, []), known, model, around):
            if problem.message.startswith(_shown(written.text)):
                names = written.known
                suggestion = fixed(written.text, written.kind, names, written.vocabulary, is_cell=written.is_cell)
                break
        if "outside of <text>" in problem.message:
            suggestion = "put <text> before it and </text> behind it"
        missing = _not_required(problem, model)
        yield Finding.of(problem, suggestion or missing)


def _nearest(problem: Problem, model: DecisionModel) -> str:
    """The type, the hit policy or the kind of requirement that was probably meant."""
    facts = facts_of(model)
    quoted = re.search(r'"([^"]*)"', problem.message)
    name = quoted[1] if quoted is not None else ""
    if problem.kind is Kind.UNKNOWN_TYPE:
        elsewhere = TYPES_ELSEWHERE.get(name.rpartition(":")[2].casefold(), "")
        return elsewhere or facts.reader.near(name, [*TYPES, *facts.items])
    if problem.message.startswith("there is no hit policy"):
        return _hit_policy(name) or facts.reader.near(name, sorted(HIT_POLICIES))
    ids = {one.id: one for one in model.definitions.all()}
    if problem.kind is Kind.REFERENCE and problem.message.startswith("the required") and name in ids:
        for kind, tag in _REQUIREMENTS.items():
            if isinstance(ids[name], kind):
                return f"require it by <{tag}>"
    return ""


def _hit_policy(name: str) -> str:
    """The hit policy that is meant by its letter, as tables show it, or by more words than it has."""
    written = re.sub(r"[\s_()-]+", " ", name.upper()).strip()
    aggregation = next((one for one in sorted(AGGREGATIONS) if written.rpartition(" ")[2] == one), "")
    if found := re.fullmatch(r"C ?([+<>#])", written):
        aggregation = AGGREGATION_SIGNS[found[1]]
    if aggregation:
        return f'hitPolicy="COLLECT" aggregation="{aggregation}"'
    letters = {one[0]: one for one in sorted(HIT_POLICIES)}
    whole = next((one for one in sorted(HIT_POLICIES) if written == one or written.startswith(f"{one} ")), "")
    return letters.get(written, whole)


def _shown(text: str) -> str:
    """A text as the message about it begins."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _candidates(
    problem: Problem,
    tables: list[CompiledTable],
    known: list[str],
    model: DecisionModel,
    around: dict[int, Surroundings],
) -> Iterator[_Written]:
    """The texts that stand in the place of a problem."""
    for table in tables:
        near = around.setdefault(id(table), Surroundings(table, model))
        rules = table.box.rules if problem.rule is None else table.box.rules[problem.rule - 1 : problem.rule]
        for index, (clause, column) in enumerate(zip(table.box.inputs, table.table.inputs, strict=True)):
            type_ref = clause.type_ref or declared_type(model, table.table.decision, column.name or "")
            kind = domain_of(model, type_ref).kind
            cells = [rule.inputs[index] for rule in rules] if problem.rule is not None else []
            yield from _each([*cells, clause.allowed], kind, True, near, problem.column == column.label)
            yield from _each([clause.expression], kind, False, near, problem.column == column.label)
        for index, (output, made) in enumerate(zip(table.box.outputs, table.table.outputs, strict=True)):
            kind = domain_of(model, output.type_ref).kind
            cells = [rule.outputs[index] for rule in rules] if problem.rule is not None else []
            yield from _each([*cells, output.default], kind, False, near, problem.column == made.name)
            yield from _each([output.allowed], kind, True, near, problem.column == made.name)
    for decision in model.definitions.decisions:
        if decision.name == problem.decision:
            for text in _literals(decision.expression):
                yield _Written(text, None, False, known, Vocabulary())


def _each(
    texts: list[dmn.Text | None], kind: str | None, is_cell: bool, near: Surroundings, here: bool
) -> Iterator[_Written]:
    for text in texts if here else ():
        if text is not None and text.text and not is_script(text.text, text.language or near.language):
            yield _Written(text.text, kind, is_cell, [*near.own, *near.declared], near.vocabulary)


def _literals(box: dmn.Expression | None) -> Iterator[str]:
    """The texts of the literal expressions in a boxed one."""
    match box:
        case dmn.Typed(inner, _):
            yield from _literals(inner)
        case dmn.Literal(text):
            yield text.text
        case dmn.Context(entries):
            for entry in entries:
                yield from _literals(entry.expression)
        case dmn.Conditional(condition, one, other):
            for part in (condition, one, other):
                yield from _literals(part)
        case dmn.ListExpression(items):
            for item in items:
                yield from _literals(item)
        case dmn.Invocation(function, bindings):
            yield from _literals(function)
            for binding in bindings:
                yield from _literals(binding.expression)
        case _:
            return


def _not_required(problem: Problem, model: DecisionModel) -> str:
    """What a decision must require, where its text has the name of an element that it does not require."""
    units = facts_of(model).units.values()
    unit = next((unit for unit in units if unit.name == problem.decision), None)
    if unit is None:
        return ""
    required = unit.needs.names() | unit.exported.keys()
    text = problem.message
    for function in model.definitions.invocables():
        if f'there is no function "{function.variable.name}"' in text:
            return f'require the function "{function.variable.name}"'
    for one in sorted(model.definitions.all(), key=lambda element: -len(element.variable.name)):
        name = one.variable.name
        if " " in name and name in text and name not in required and one.id != unit.id:
            return f'require "{name}" in the decision, so that its name is known there'
    return ""
