"""A DMN file's XML to elements, found by their local names, whatever version of the namespace they are in.

Read is what decides: the requirements graph (DMN 1.5, clause 6), its logic (clauses 7, 8 and 10.2.1) and the types
(7.3.3). Diagrams, text annotations, knowledge sources and extensions are passed over.
"""

from __future__ import annotations

from collections.abc import Callable

from . import elements as dmn
from .document import attribute, child_of, children, squeezed
from .errors import DmnError, Kind, Place, Problem
from .markup import Element

#: Boxed expressions inside boxed expressions, and components inside components.
DEPTH = 30


def read(root: Element, place: Place) -> dmn.Definitions:
    """The elements below the root of a file. Raises DmnError when it is no DMN file."""
    return _Reader(place).definitions(root)


class _Reader:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.depth = 0
        self.boxes: dict[str, Callable[[Element], dmn.Expression]] = {
            "decisionTable": self.table,
            "literalExpression": lambda element: dmn.Literal(_read_text(element)),
            "context": self.context,
            "invocation": self.invocation,
            "functionDefinition": self.function,
            "list": lambda element: dmn.ListExpression([self.box(item) for item in element if item.name in self.boxes]),
            "relation": self.relation,
            "conditional": lambda element: dmn.Conditional(*(self.part(element, n) for n in ("if", "then", "else"))),
            "filter": lambda element: dmn.Filter(self.part(element, "in"), self.part(element, "match")),
            "for": self.loop,
            "some": self.loop,
            "every": self.loop,
        }

    def definitions(self, root: Element) -> dmn.Definitions:
        kinds = {child.name for child in root}
        if "bpmn" in root.tag.lower() or kinds & {"process", "collaboration"}:
            raise self.not_dmn("this is a BPMN file (a process), not a DMN file (decisions)", root)
        if root.name != "definitions":
            raise self.not_dmn(f"the file's root is <{root.name}>; a DMN file's is <definitions>", root)
        return dmn.Definitions(
            squeezed(root.get("name")),
            (root.get("namespace") or "").strip(),
            root.get("expressionLanguage"),
            [_import(child) for child in children(root, "import")],
            [self.item(child) for child in children(root, "itemDefinition")],
            [self.input_data(child) for child in children(root, "inputData")],
            [self.decision(child) for child in children(root, "decision")],
            [self.knowledge(child) for child in children(root, "businessKnowledgeModel")],
            [self.service(child) for child in children(root, "decisionService")],
            _dialect(root),
        )

    def not_dmn(self, message: str, root: Element) -> DmnError:
        return DmnError(Problem(Kind.NOT_DMN, message, self.place.at(line=root.line)))

    def item(self, element: Element) -> dmn.ItemDefinition:
        self.deeper(element)
        reference, function = child_of(element, "typeRef"), child_of(element, "functionItem")
        found = dmn.ItemDefinition(
            squeezed(element.get("name")),
            reference.text.strip() if reference is not None and reference.text else element.get("typeRef"),
            element.get("isCollection") in ("true", "1"),
            [self.item(child) for child in children(element, "itemComponent")],
            _text(child_of(element, "allowedValues")),
            _text(child_of(element, "typeConstraint")),
            None if function is None else _function_item(function),
            element.line,
        )
        self.depth -= 1
        return found

    def input_data(self, element: Element) -> dmn.InputData:
        variable = self.variable(element)
        named = child_of(element, "variable") is not None
        return dmn.InputData(element.get("id") or variable.name, variable, element.line, named)

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
            element.line,
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
        return dmn.Knowledge(element.get("id") or name, name, self.variable(element), function, required, element.line)

    def service(self, element: Element) -> dmn.Service:
        name = squeezed(element.get("name")) or element.get("id") or ""
        targets = ("outputDecision", "encapsulatedDecision", "inputDecision", "inputData")
        outputs, inside, decisions, inputs = ([_href(child) for child in children(element, one)] for one in targets)
        id_, variable = element.get("id") or name, self.variable(element)
        return dmn.Service(id_, name, variable, outputs, inside, decisions, inputs, element.line)

    # -- boxed expressions -------------------------------------------------------------------------------------------

    def deeper(self, element: Element) -> None:
        self.depth += 1
        if self.depth > DEPTH:
            place = self.place.at(line=element.line)
            raise DmnError(Problem(Kind.HOSTILE, f"elements are nested more than {DEPTH} deep", place))

    def box(self, element: Element) -> dmn.Expression:
        self.deeper(element)
        found, type_ref = self.boxes[element.name](element), element.get("typeRef")
        self.depth -= 1
        if not type_ref or isinstance(found, dmn.FunctionDefinition):
            return found
        return dmn.Typed(found, type_ref)

    def first_box(self, element: Element) -> dmn.Expression | None:
        child = child_of(element, *self.boxes)
        return None if child is None else self.box(child)

    def part(self, element: Element, name: str) -> dmn.Expression | None:
        child = child_of(element, name)
        if child is None:
            return None
        found, type_ref = self.first_box(child), child.get("typeRef")
        return dmn.Typed(found, type_ref) if found is not None and type_ref else found

    def context(self, element: Element) -> dmn.Context:
        return dmn.Context([self.entry(child) for child in children(element, "contextEntry")])

    def entry(self, element: Element) -> dmn.ContextEntry:
        child = child_of(element, "variable", "parameter")
        return dmn.ContextEntry(None if child is None else _named(child), self.first_box(element))

    def invocation(self, element: Element) -> dmn.Invocation:
        return dmn.Invocation(self.first_box(element), [self.entry(child) for child in children(element, "binding")])

    def function(self, element: Element) -> dmn.FunctionDefinition:
        parameters = [_named(child) for child in children(element, "formalParameter")]
        kind, type_ref = element.get("kind") or "FEEL", element.get("typeRef")
        return dmn.FunctionDefinition(parameters, self.first_box(element), kind, type_ref)

    def relation(self, element: Element) -> dmn.Relation:
        columns = [_named(column) for column in children(element, "column")]
        rows = children(element, "row")
        return dmn.Relation(columns, [[self.box(cell) for cell in row if cell.name in self.boxes] for row in rows])

    def loop(self, element: Element) -> dmn.Loop:
        body = "return" if element.name == "for" else "satisfies"
        variable = squeezed(element.get("iteratorVariable"))
        return dmn.Loop(element.name, variable, self.part(element, "in"), self.part(element, body))

    def table(self, element: Element) -> dmn.Table:
        return dmn.Table(
            [_input_clause(child, index) for index, child in enumerate(children(element, "input"), 1)],
            [_output_clause(child) for child in children(element, "output")],
            [_rule(child) for child in children(element, "rule")],
            element.get("hitPolicy") or "UNIQUE",
            element.get("aggregation"),
            element.get("outputLabel"),
            element.line,
        )


def _dialect(root: Element) -> str:
    """Camunda's where its Modeler has written which of Camunda's engines the file is for."""
    platform = attribute(root, "executionPlatform") or ""
    return "camunda" if platform.strip().lower().startswith("camunda") else "feel"


def _text(element: Element | None) -> dmn.Text | None:
    return None if element is None else _read_text(element)


def _read_text(element: Element) -> dmn.Text:
    found = ""
    for child in element.children:
        if child.name == "text":
            found = child.whole_text().strip()
            break
    language = element.attributes.get("expressionLanguage")
    if not found and (loose := "".join([element.text, *(child.tail for child in element.children)]).strip()):
        return dmn.Text(loose, language, element.line, outside=True)
    return dmn.Text(found, language, element.line)


def _input_clause(element: Element, index: int) -> dmn.InputClause:
    expression = child_of(element, "inputExpression")
    text = _text(expression) or dmn.Text("")
    variable = squeezed(attribute(element, "inputVariable")) or None
    label = squeezed(element.get("label")) or squeezed(text.text) or variable or f"input {index}"
    type_ref = expression.get("typeRef") if expression is not None else None
    return dmn.InputClause(label, text, variable, type_ref, _text(child_of(element, "inputValues")), element.line)


def _output_clause(element: Element) -> dmn.OutputClause:
    name = squeezed(element.get("name")) or None
    allowed, default = (_text(child_of(element, child)) for child in ("outputValues", "defaultOutputEntry"))
    return dmn.OutputClause(
        name, squeezed(element.get("label")) or name or "", element.get("typeRef"), allowed, default, element.line
    )


def _rule(element: Element) -> dmn.Rule:
    found = dmn.Rule(element.attributes.get("id"), [], [], line=element.line)
    annotations = []
    description: str | None = None
    for child in element.children:
        match child.name:
            case "inputEntry":
                found.inputs.append(_read_text(child))
            case "outputEntry":
                found.outputs.append(_read_text(child))
            case "annotationEntry":
                annotations.append(_read_text(child).text)
            case "description" if description is None:
                description = child.text.strip()
    found.annotation = "; ".join(filter(None, annotations))
    found.description = description or ""
    return found


def _function_item(element: Element) -> dmn.FunctionItem:
    return dmn.FunctionItem([_named(child) for child in children(element, "parameters")], element.get("outputTypeRef"))


def _named(element: Element) -> dmn.Variable:
    return dmn.Variable(squeezed(element.get("name")), element.get("typeRef"))


def _import(element: Element) -> dmn.Import:
    name, namespace = squeezed(element.get("name")), (element.get("namespace") or "").strip()
    location = (element.get("locationURI") or "").strip() or None
    return dmn.Import(name, namespace, location, (element.get("importType") or "").strip(), element.line)


def _references(element: Element, requirement: str, target: str) -> list[str]:
    """What the requirements of one kind point to."""
    found = (child_of(child, target) for child in children(element, requirement))
    return [_href(reference) for reference in found if reference is not None]


def _href(element: Element) -> str:
    return (element.get("href") or "").strip()
