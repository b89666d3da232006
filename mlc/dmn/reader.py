"""A DMN file to elements. Elements are found by their local names, whatever version of the namespace they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from . import elements as dmn
from .errors import DmnError, Kind, Place, Problem

#: Largest file, in bytes. The largest of some hundred real ones has 300 KB.
LARGEST = 1024 * 1024
#: Boxed expressions inside boxed expressions.
DEPTH = 30


def read(source: str | Path | bytes, name: str | None = None) -> dmn.Definitions:
    """Read a file, or the bytes of one. Raises DmnError when it cannot be read or is no DMN, OSError as `open` does."""
    if isinstance(source, bytes):
        data, place = source, Place(name)
    else:
        path = Path(source)
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        place = Place(name or path.name)
    if len(data) > LARGEST:
        raise DmnError(Problem(Kind.HOSTILE, f"the file is larger than {LARGEST // 1024**2} MiB", place))
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        raise DmnError(
            Problem(Kind.HOSTILE, "the file has a DOCTYPE, which DMN does not need: remove it", place)
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise DmnError(Problem(Kind.NOT_DMN, f"the file is not well-formed XML: {error}", place)) from None
    return _Reader(place).definitions(root)


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its local name: `inputVariable` finds `camunda:inputVariable`."""
    value = element.get(name)
    if value is None:
        value = next((value for key, value in element.items() if key.rpartition("}")[2] == name), None)
    return value


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these names."""
    return (child for child in element if local(child) in names)


def child_of(element: Element, *names: str) -> Element | None:
    """The first child of these names."""
    return next(children(element, *names), None)


def squeezed(name: str | None) -> str:
    """A name with single spaces."""
    return " ".join((name or "").split())


class _Reader:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.depth = 0
        self.boxes: dict[str, Callable[[Element], dmn.Expression]] = {
            "decisionTable": self.table,
            "literalExpression": lambda element: dmn.Literal(_text(element) or dmn.Text("")),
            "context": self.context,
            "invocation": self.invocation,
            "functionDefinition": self.function,
            "list": lambda element: dmn.ListExpression(
                [self.box(item) for item in element if local(item) in self.boxes]
            ),
            "relation": self.relation,
            "conditional": lambda element: dmn.Conditional(*(self.part(element, n) for n in ("if", "then", "else"))),
            "filter": lambda element: dmn.Filter(self.part(element, "in"), self.part(element, "match")),
            "for": self.loop,
            "some": self.loop,
            "every": self.loop,
        }

    def definitions(self, root: Element) -> dmn.Definitions:
        kinds = {local(child) for child in root}
        if "bpmn" in root.tag.lower() or kinds & {"process", "collaboration"}:
            raise self.not_dmn("this is a BPMN file (a process), not a DMN file (decisions)")
        if local(root) != "definitions":
            raise self.not_dmn(f"the file's root is <{local(root)}>; a DMN file's is <definitions>")
        if not kinds & {"decision", "businessKnowledgeModel"}:
            raise self.not_dmn("the file has no decision")
        if "import" in kinds:
            raise DmnError(
                Problem(Kind.UNSUPPORTED, "the file imports another one, which is not supported", self.place)
            )
        return dmn.Definitions(
            squeezed(root.get("name")),
            root.get("expressionLanguage"),
            [self.item(child) for child in children(root, "itemDefinition")],
            [self.input_data(child) for child in children(root, "inputData")],
            [self.decision(child) for child in children(root, "decision")],
            [self.knowledge(child) for child in children(root, "businessKnowledgeModel")],
        )

    def not_dmn(self, message: str) -> DmnError:
        return DmnError(Problem(Kind.NOT_DMN, message, self.place))

    def item(self, element: Element) -> dmn.ItemDefinition:
        self.deeper()
        reference = child_of(element, "typeRef")
        allowed = child_of(element, "allowedValues", "typeConstraint")
        found = dmn.ItemDefinition(
            squeezed(element.get("name")),
            reference.text.strip() if reference is not None and reference.text else element.get("typeRef"),
            element.get("isCollection") == "true",
            [self.item(child) for child in children(element, "itemComponent")],
            _text(allowed),
            child_of(element, "functionItem") is not None,
        )
        self.depth -= 1
        return found

    def input_data(self, element: Element) -> dmn.InputData:
        return dmn.InputData(element.get("id") or squeezed(element.get("name")), self.variable(element))

    def variable(self, element: Element) -> dmn.Variable:
        """The `variable` child of an element, which is named like the element itself."""
        child = child_of(element, "variable")
        name = squeezed(element.get("name")) or squeezed(element.get("id"))
        if child is None:
            return dmn.Variable(name, element.get("typeRef"))
        return dmn.Variable(squeezed(child.get("name")) or name, child.get("typeRef"))

    def decision(self, element: Element) -> dmn.Decision:
        name = squeezed(element.get("name")) or element.get("id") or ""
        self.place = self.place.at(decision=name)
        found = dmn.Decision(
            element.get("id") or name,
            name,
            self.variable(element),
            self.first_box(element),
            _references(element, "informationRequirement", "requiredInput"),
            _references(element, "informationRequirement", "requiredDecision"),
            _references(element, "knowledgeRequirement", "requiredKnowledge"),
        )
        self.place = self.place.at(decision=None)
        return found

    def knowledge(self, element: Element) -> dmn.Knowledge:
        name = squeezed(element.get("name")) or element.get("id") or ""
        self.place = self.place.at(decision=name)
        logic = child_of(element, "encapsulatedLogic")
        required = _references(element, "knowledgeRequirement", "requiredKnowledge")
        function = self.function(logic) if logic is not None else None
        self.place = self.place.at(decision=None)
        return dmn.Knowledge(element.get("id") or name, name, self.variable(element), function, required)

    # -- boxed expressions -------------------------------------------------------------------------------------------

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEPTH:
            raise DmnError(Problem(Kind.HOSTILE, f"elements are nested more than {DEPTH} deep", self.place))

    def box(self, element: Element) -> dmn.Expression:
        self.deeper()
        found = self.boxes[local(element)](element)
        self.depth -= 1
        return found

    def first_box(self, element: Element) -> dmn.Expression | None:
        child = child_of(element, *self.boxes)
        return None if child is None else self.box(child)

    def part(self, element: Element, name: str) -> dmn.Expression | None:
        child = child_of(element, name)
        return None if child is None else self.first_box(child)

    def context(self, element: Element) -> dmn.Context:
        return dmn.Context([self.entry(child) for child in children(element, "contextEntry")])

    def entry(self, element: Element) -> dmn.ContextEntry:
        child = child_of(element, "variable", "parameter")
        variable = None if child is None else dmn.Variable(squeezed(child.get("name")), child.get("typeRef"))
        return dmn.ContextEntry(variable, self.first_box(element))

    def invocation(self, element: Element) -> dmn.Invocation:
        return dmn.Invocation(self.first_box(element), [self.entry(child) for child in children(element, "binding")])

    def function(self, element: Element) -> dmn.FunctionDefinition:
        parameters = [
            dmn.Variable(squeezed(child.get("name")), child.get("typeRef"))
            for child in children(element, "formalParameter")
        ]
        return dmn.FunctionDefinition(
            parameters, self.first_box(element), element.get("kind") or "FEEL", element.get("typeRef")
        )

    def relation(self, element: Element) -> dmn.Relation:
        columns = [squeezed(column.get("name")) for column in children(element, "column")]
        rows = children(element, "row")
        return dmn.Relation(columns, [[self.box(cell) for cell in row if local(cell) in self.boxes] for row in rows])

    def loop(self, element: Element) -> dmn.Loop:
        body = "return" if local(element) == "for" else "satisfies"
        variable = squeezed(element.get("iteratorVariable"))
        return dmn.Loop(local(element), variable, self.part(element, "in"), self.part(element, body))

    def table(self, element: Element) -> dmn.Table:
        return dmn.Table(
            [_input_clause(child, index) for index, child in enumerate(children(element, "input"), 1)],
            [_output_clause(child) for child in children(element, "output")],
            [_rule(child) for child in children(element, "rule")],
            element.get("hitPolicy") or "UNIQUE",
            element.get("aggregation"),
            element.get("outputLabel"),
        )


def _text(element: Element | None) -> dmn.Text | None:
    if element is None:
        return None
    text = child_of(element, "text")
    language = element.get("expressionLanguage")
    return dmn.Text("" if text is None else "".join(text.itertext()).strip(), language)


def _input_clause(element: Element, index: int) -> dmn.InputClause:
    expression = child_of(element, "inputExpression")
    text = _text(expression) or dmn.Text("")
    variable = squeezed(attribute(element, "inputVariable")) or None
    label = squeezed(element.get("label")) or squeezed(text.text) or variable or f"input {index}"
    type_ref = expression.get("typeRef") if expression is not None else None
    return dmn.InputClause(label, text, variable, type_ref, _text(child_of(element, "inputValues")))


def _output_clause(element: Element) -> dmn.OutputClause:
    name = squeezed(element.get("name")) or None
    allowed, default = (_text(child_of(element, child)) for child in ("outputValues", "defaultOutputEntry"))
    return dmn.OutputClause(
        name, squeezed(element.get("label")) or name or "", element.get("typeRef"), allowed, default
    )


def _rule(element: Element) -> dmn.Rule:
    def texts(name: str) -> list[Any]:
        return [_text(child) for child in children(element, name)]

    description = child_of(element, "description")
    annotations = [entry.text for entry in texts("annotationEntry") if entry.text]
    return dmn.Rule(
        element.get("id"),
        texts("inputEntry"),
        texts("outputEntry"),
        "; ".join(annotations),
        "" if description is None else (description.text or "").strip(),
    )


def _references(element: Element, requirement: str, target: str) -> list[str]:
    """Ids that the requirements of one kind point to."""
    found = (child_of(child, target) for child in children(element, requirement))
    return [(reference.get("href") or "").rpartition("#")[2] for reference in found if reference is not None]
