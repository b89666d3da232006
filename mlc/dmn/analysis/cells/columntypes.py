"""What values a column has by what the model declares: their kind, whether they are whole, what is allowed."""

from __future__ import annotations

from typing import NamedTuple

from mlc.dmn import elements as dmn
from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.feel.types import TYPES
from mlc.dmn.model import DecisionModel

_KINDS = {
    "number": "number", "integer": "number", "long": "number", "double": "number", "string": "string",
    "boolean": "boolean", "date": "date", "time": "time", "date and time": "date and time",
    "days and time duration": "days and time duration", "years and months duration": "years and months duration",
}  # fmt: skip
_WHOLE = frozenset({"integer", "long"})
#: Item definitions that refer to each other, one after the other.
CHAIN = 30


class Domain(NamedTuple):
    """`kind` is FEEL's name for the kind of the values, None where nothing says it. `allowed` are texts of tests, all
    of which a value passes.
    """

    kind: str | None = None
    whole: bool = False
    allowed: tuple[dmn.Text, ...] = ()


def domain_of(model: DecisionModel, type_ref: str | None, *allowed: dmn.Text | None) -> Domain:
    """The values of a type, restricted by further allowed values."""
    texts = [text for text in allowed if text is not None and text.text]
    items = facts_of(model).items
    for _ in range(CHAIN):
        item = items.get(type_ref or "") or items.get((type_ref or "").rpartition(":")[2])
        if item is None:
            break
        if item.is_collection or item.components or item.function is not None:
            return Domain()
        texts += [text for text in (item.allowed, item.constraint) if text is not None and text.text]
        type_ref = item.type_ref
    found = TYPES.get(type_ref or "") or TYPES.get((type_ref or "").rpartition(":")[2])
    name = found.name if found is not None else ""
    return Domain(_KINDS.get(name), name in _WHOLE, tuple(texts))


def declared_type(model: DecisionModel, decision: str, name: str) -> str | None:
    """The typeRef of the input data or decision that a decision knows by a name; None where none is declared."""
    facts = facts_of(model)
    function = facts.functions.get(decision)
    if function is not None and function.function is not None:
        return next((one.type_ref for one in function.function.parameters if one.name == name), None)
    if name in facts.inputs:
        return facts.inputs[name].variable.type_ref
    other = facts.decisions.get(name)
    return None if other is None or other.name == decision else other.variable.type_ref or answer_type(other)


def answer_type(decision: dmn.Decision) -> str | None:
    """The typeRef of a decision's logic, as far as it is one value."""
    box = decision.expression
    type_ref = None
    if isinstance(box, dmn.Typed):
        type_ref, box = box.type_ref, box.expression
    if isinstance(box, dmn.Table):
        single = len(box.outputs) == 1 and box.hit_policy.strip().upper() in ("UNIQUE", "ANY", "FIRST", "PRIORITY")
        return type_ref or (box.outputs[0].type_ref if single else None)
    return type_ref
