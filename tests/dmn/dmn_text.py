"""The text of DMN files, element by element. An element's id is its name with `_` in front and for spaces."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

NAMESPACE = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def id_of(name: str) -> str:
    return "_" + name.replace(" ", "_")


def href(name: str) -> str:
    """A reference to an element of the same file by its name, or of another one as `namespace#name`."""
    namespace, _, last = name.rpartition("#")
    return f"{namespace}#{id_of(last)}"


def typed(type_ref: str | None) -> str:
    return f' typeRef="{escape(type_ref)}"' if type_ref else ""


def literal(text: str, type_ref: str | None = None) -> str:
    return f"<literalExpression{typed(type_ref)}><text>{escape(text, quote=False)}</text></literalExpression>"


def needs(inputs: Sequence[str] = (), decisions: Sequence[str] = (), knowledge: Sequence[str] = ()) -> str:
    text = "".join(
        f'<informationRequirement><required{kind} href="{href(name)}"/></informationRequirement>'
        for kind, names in (("Input", inputs), ("Decision", decisions))
        for name in names
    )
    return text + "".join(
        f'<knowledgeRequirement><requiredKnowledge href="{href(name)}"/></knowledgeRequirement>' for name in knowledge
    )


def decision(
    name: str,
    logic: str,
    inputs: Sequence[str] = (),
    decisions: Sequence[str] = (),
    knowledge: Sequence[str] = (),
    type_ref: str | None = None,
) -> str:
    """A decision; logic that is no box is the text of a literal expression."""
    box = logic if logic.startswith("<") or not logic else literal(logic)
    return (
        f'<decision name="{name}" id="{id_of(name)}"><variable name="{name}"{typed(type_ref)}/>'
        f"{needs(inputs, decisions, knowledge)}{box}</decision>"
    )


def input_data(name: str, type_ref: str | None = None) -> str:
    return f'<inputData name="{name}" id="{id_of(name)}"><variable name="{name}"{typed(type_ref)}/></inputData>'


def function(parameters: Sequence[str | tuple[str, str]], logic: str, tag: str, attributes: str = "") -> str:
    pairs = [one if isinstance(one, tuple) else (one, None) for one in parameters]
    formal = "".join(f'<formalParameter name="{name}"{typed(kind)}/>' for name, kind in pairs)
    return f"<{tag}{attributes}>{formal}{logic if logic.startswith('<') else literal(logic)}</{tag}>"


def knowledge_model(
    name: str,
    parameters: Sequence[str | tuple[str, str]],
    logic: str,
    knowledge: Sequence[str] = (),
    type_ref: str | None = None,
    attributes: str = "",
) -> str:
    return (
        f'<businessKnowledgeModel name="{name}" id="{id_of(name)}"><variable name="{name}"{typed(type_ref)}/>'
        f"{function(parameters, logic, 'encapsulatedLogic', attributes)}{needs(knowledge=knowledge)}"
        "</businessKnowledgeModel>"
    )


def service(
    name: str,
    outputs: Sequence[str],
    inputs: Sequence[str] = (),
    input_decisions: Sequence[str] = (),
    encapsulated: Sequence[str] = (),
    type_ref: str | None = None,
) -> str:
    kinds = (("outputDecision", outputs), ("encapsulatedDecision", encapsulated), ("inputDecision", input_decisions))
    references = "".join(
        f'<{tag} href="{href(one)}"/>' for tag, names in (*kinds, ("inputData", inputs)) for one in names
    )
    return (
        f'<decisionService name="{name}" id="{id_of(name)}"><variable name="{name}"{typed(type_ref)}/>'
        f"{references}</decisionService>"
    )


def imported(namespace: str, name: str | None = "", location: str | None = None, kind: str = NAMESPACE) -> str:
    where = f' locationURI="{location}"' if location is not None else ""
    return f'<import namespace="{namespace}" name="{name}" importType="{kind}"{where}/>'


def item(name: str, body: str, tag: str = "itemDefinition", attributes: str = "") -> str:
    """An item definition; a body that is no element is its typeRef."""
    return f'<{tag} name="{name}"{attributes}>{body if body.startswith("<") else f"<typeRef>{body}</typeRef>"}</{tag}>'


def dmn(*elements: str, namespace: str = "urn:main", name: str = "main") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="{NAMESPACE}" id="definitions" name="{name}" '
        f'namespace="{namespace}">{"".join(elements)}</definitions>'
    ).encode()
