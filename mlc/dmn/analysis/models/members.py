"""Members behind a dot that a value of the declared type does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mlc.dmn import elements as dmn
from mlc.dmn.analysis.cells.columntypes import CHAIN, answer_type, domain_of
from mlc.dmn.analysis.closed import Reader
from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import Place
from mlc.dmn.feel.lexer import Names, Token
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script

from .calls import Fault
from .texts import texts_of

#: Something behind a dot that is no digit and no second dot.
_PATH = re.compile(r"[^.\s]\.\s*[^\W\d]")
_SIMPLE = frozenset({"number", "string", "boolean"})


def members_of(model: DecisionModel) -> dict[str, list[str]]:
    """The members that the values of names have, as far as their types say it; none for numbers and the like."""
    found: dict[str, list[str]] = {}
    facts = facts_of(model)
    for data in model.definitions.inputs:
        _add(found, data.variable.name, data.variable.type_ref, model)
    for decision in model.definitions.decisions:
        name = decision.variable.name
        _add(found, name, decision.variable.type_ref or answer_type(decision), model)
        unit = facts.units.get(decision.id)
        table = unit.table if unit is not None else None
        if name not in found and table is not None and len(table.names) > 1 and table.aggregation is None:
            found[name] = list(table.names)
    return found


def _add(found: dict[str, list[str]], name: str, type_ref: str | None, model: DecisionModel) -> None:
    if domain_of(model, type_ref).kind in _SIMPLE:
        found[name] = []
        return
    items = facts_of(model).items
    for _ in range(CHAIN):
        item = items.get(type_ref or "")
        if item is None:
            return
        if item.components:
            found[name] = [component.name for component in item.components]
            return
        type_ref = item.type_ref


def check_members(model: DecisionModel, place: Place) -> Iterator[Finding]:
    """Literal expressions, and the input expressions of tables."""
    members = members_of(model)
    names = Names(members)
    unparsed, reader = facts_of(model).unparsed, facts_of(model).reader
    for text, here in texts_of(model.definitions, place):
        if here not in unparsed and not is_script(text.text, text.language or model.definitions.language):
            for fault in _faults(text, members, names, reader):
                yield Finding(Severity.ERROR, fault.kind, fault.message, here, suggestion=fault.suggestion)


def check_members_in_cells(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """The cells of a table."""
    if not any(_PATH.search(text.text) for rule in table.box.rules for text in (*rule.inputs, *rule.outputs)):
        return
    members = members_of(model)
    names = Names(members)
    unparsed, reader = facts_of(model).unparsed, facts_of(model).reader
    labels = [*(column.label for column in table.table.inputs), *table.table.names]
    for rule, box in zip(table.table.rules, table.box.rules, strict=True):
        for label, text in zip(labels, (*box.inputs, *box.outputs), strict=True):
            place = rule.place.at(column=label)
            if "." not in text.text or place in unparsed:
                continue
            if is_script(text.text, text.language or model.definitions.language):
                continue
            for fault in _faults(text, members, names, reader):
                yield Finding(
                    Severity.ERROR, fault.kind, fault.message, place, values=((label, text.text),),
                    suggestion=fault.suggestion,
                )  # fmt: skip


def _faults(text: dmn.Text, members: Mapping[str, list[str]], names: Names, reader: Reader) -> Iterator[Fault]:
    tokens = reader.tokens(text.text)
    if not tokens or not any(token.text == "." for token in tokens):
        return
    with_end = [*tokens, Token("end", "", False, len(text.text))]
    for index, token in enumerate(tokens):
        if token.kind != "name" or (index and tokens[index - 1].text == "."):
            continue
        found = names.match(with_end, index)
        if found is None:
            continue
        name, length = found
        dot = index + length
        if with_end[dot].text != "." or dot + 1 >= len(tokens) or tokens[dot + 1].kind != "name":
            continue
        if dot + 2 < len(tokens) and tokens[dot + 2].text == "(":
            continue  # a method of another language, which is told as such
        known = members[name]
        if Names(known).match(with_end, dot + 1) is not None:
            continue
        member = tokens[dot + 1].text
        close = reader.near(member, known)
        has = f"it has {', '.join(known)}" if known else "it has no members"
        also = f"; did you mean {close}?" if close else ""
        better = text.text.replace(f"{name}.{member}", f"{name}.{close}") if close else ""
        yield Fault(Aspect.UNKNOWN_MEMBER, f'{name} has no "{member}": {has}{also}', better)
