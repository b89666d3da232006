"""The XML of a model against DMN's schema, as far as it matters: what the reader passes over is not lost silently."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.analysis.spelling import near
from mlc.dmn.document import squeezed
from mlc.dmn.errors import FeelSyntaxError, Kind, Place
from mlc.dmn.feel.lexer import tokenize
from mlc.dmn.markup import Element

_ALWAYS = "description extensionElements"
_EXPRESSION = (
    "decisionTable literalExpression context invocation functionDefinition list relation conditional filter"
    " for some every"
)
_CELL = "text importedValues"
#: What may stand in the elements that say how a decision is made.
_CHILDREN: Mapping[str, frozenset[str]] = {
    name: frozenset(f"{_ALWAYS} {children}".split())
    for name, children in {
        "decision": "question allowedAnswers variable informationRequirement knowledgeRequirement authorityRequirement"
        " supportedObjective impactedPerformanceIndicator decisionMaker decisionOwner usingProcess usingTask "
        + _EXPRESSION,
        "inputData": "variable",
        "businessKnowledgeModel": "variable encapsulatedLogic knowledgeRequirement authorityRequirement",
        "decisionService": "variable outputDecision encapsulatedDecision inputDecision inputData",
        "informationRequirement": "requiredInput requiredDecision",
        "knowledgeRequirement": "requiredKnowledge",
        "decisionTable": "input output rule annotation",
        "input": "inputExpression inputValues",
        "output": "outputValues defaultOutputEntry",
        "rule": "inputEntry outputEntry annotationEntry",
        "inputExpression": _CELL,
        "inputEntry": _CELL,
        "inputValues": _CELL,
        "outputEntry": _CELL,
        "outputValues": _CELL,
        "defaultOutputEntry": _CELL,
        "allowedValues": _CELL,
        "literalExpression": _CELL,
        "context": "contextEntry",
        "contextEntry": "variable " + _EXPRESSION,
        "invocation": "binding calledFunction " + _EXPRESSION,
        "binding": "parameter " + _EXPRESSION,
        "relation": "column row",
        "row": _EXPRESSION,
        "list": _EXPRESSION,
        "encapsulatedLogic": "formalParameter " + _EXPRESSION,
        "functionDefinition": "formalParameter " + _EXPRESSION,
        "conditional": "if then else",
        "filter": "in match",
        "for": "in return",
        "some": "in satisfies",
        "every": "in satisfies",
        "itemDefinition": "typeRef allowedValues typeConstraint itemComponent functionItem",
        "itemComponent": "typeRef allowedValues typeConstraint itemComponent functionItem",
    }.items()
}
_EXPRESSIONS = frozenset(_EXPRESSION.split())
_ONCE = frozenset(
    {"variable", "inputExpression", "inputValues", "outputValues", "defaultOutputEntry", "typeRef", "text"}
    | {"encapsulatedLogic", "requiredInput", "requiredDecision", "requiredKnowledge", "allowedValues", "parameter"}
    | {"if", "then", "else", "in", "match", "return", "satisfies"}
)
_ONE_EXPRESSION = frozenset({"decision", "contextEntry", "encapsulatedLogic", "functionDefinition", "binding"})
_NAMED = frozenset(
    {"decision", "inputData", "businessKnowledgeModel", "decisionService", "itemDefinition", "itemComponent"}
    | {"formalParameter", "column", "variable", "parameter"}
)
_TITLES = {
    "inputData": "input data",
    "businessKnowledgeModel": "knowledge model",
    "decisionService": "decision service",
    "decision": "decision",
    "itemDefinition": "type",
    "itemComponent": "component",
}
_DIAGRAMS = re.compile(r"https?://www\.omg\.org/spec/DMN/(\w+)/(DMNDI|DC|DI)/?")
_KNOWN_DIAGRAMS = frozenset({"20151101", "20180521", "20191111", "20211108", "20230324", "20240513"})
#: Kinds of elements that references of these names point to.
_TARGETS: Mapping[str, frozenset[str]] = {
    "requiredAuthority": frozenset({"knowledgeSource"}),
    "decisionMaker": frozenset({"organizationUnit"}),
    "decisionOwner": frozenset({"organizationUnit"}),
    "impactedPerformanceIndicator": frozenset({"performanceIndicator"}),
    "impactingDecision": frozenset({"decision"}),
    "decisionMade": frozenset({"decision"}),
    "decisionOwned": frozenset({"decision"}),
    "owner": frozenset({"organizationUnit"}),
    "sourceRef": frozenset(),
    "targetRef": frozenset(),
}
#: The same inside of <authorityRequirement>; elsewhere it is loading that looks these up.
_AUTHORITIES: Mapping[str, frozenset[str]] = {
    "requiredInput": frozenset({"inputData"}),
    "requiredDecision": frozenset({"decision"}),
}
#: Elements that are looked at. A file of the largest size that is read has less, unless it is made for harm.
ELEMENTS = 200_000


def name_of(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def check_schema(root: Element, place: Place) -> Iterator[Finding]:
    """What is wrong with the elements of a file."""
    namespace = root.tag.rpartition("}")[0]
    place = place.at(line=root.line)
    elements = list(itertools.islice(_walk(root, namespace, place), ELEMENTS))
    if not squeezed(root.get("name")):
        yield Finding(Severity.HINT, Aspect.MISSING_NAME, "the model has no name", place)
    for spaces in sorted(_namespaces(root)):
        if (found := _DIAGRAMS.fullmatch(spaces)) and found[1] not in _KNOWN_DIAGRAMS:
            message = f"the diagram is in the namespace {spaces}, which no version of DMN has"
            yield Finding(Severity.WARNING, Aspect.NOT_IN_THE_SCHEMA, message, place)
    ids = {id_: name_of(element) for element, _ in elements if (id_ := element.get("id"))}
    # The files of Camunda's and bpmn.io's modeler have variables for literal expressions alone, and no rule for what
    # they are called.
    own = itertools.chain.from_iterable(element.attributes for element, _ in elements)
    drawn_by = " ".join([f"{root.get('namespace')} {root.get('exporter')}", *set(own)]).lower()
    camunda = any(maker in drawn_by for maker in ("camunda", "bpmn.io"))
    wanted = not camunda and any(name_of(element) == "variable" for element, _ in elements)
    for element, around in elements:
        kind = name_of(element)
        if kind in _CHILDREN:
            yield from _children(element, around.at(line=element.line), namespace)
        if kind in _NAMED:
            here = around.at(line=element.line)
            yield from _names(element, here)
            if wanted:
                yield from _variable(element, here)
        elif kind in _TARGETS:
            yield from _reference(element, around.at(line=element.line), ids, _TARGETS[kind])
        elif kind == "authorityRequirement":
            for child in element:
                if (targets := _AUTHORITIES.get(name_of(child))) is not None:
                    yield from _reference(child, around.at(line=child.line), ids, targets)


def explicit_inputs(root: Element) -> set[str]:
    """The names of the input data that say by a variable what decisions know them by."""
    found = set()
    for element in root:
        if name_of(element) == "inputData":
            found |= {squeezed(child.get("name")) for child in element if name_of(child) == "variable"}
    return found


def _walk(root: Element, namespace: str, place: Place) -> Iterator[tuple[Element, Place]]:
    """The elements of DMN's own namespace, with the place of each. What others have added is theirs."""
    waiting = [(root, place)]
    while waiting:
        element, here = waiting.pop()
        yield element, here
        if name_of(element) in ("extensionElements", "importedValues"):
            continue
        in_service = name_of(element) == "decisionService"
        rules = 0
        following = []
        for child in element:
            if child.tag.rpartition("}")[0] != namespace or name_of(child) == "DMNDI":
                continue
            kind, inner = name_of(child), here
            if in_service and kind == "inputData":
                continue  # a reference of the same name
            if kind in ("decision", "businessKnowledgeModel", "decisionService"):
                inner = inner.at(decision=squeezed(child.get("name")) or child.get("id"))
            elif kind == "itemDefinition":
                inner = inner.at(type=squeezed(child.get("name")))
            elif kind == "rule":
                rules += 1
                inner = inner.at(rule=rules)
            following.append((child, inner))
        waiting += reversed(following)


def _namespaces(root: Element) -> set[str]:
    """The namespaces of the diagrams in a file."""
    found = set()
    for child in root:
        if name_of(child) == "DMNDI":
            waiting = [child]
            while waiting:
                element = waiting.pop()
                found.add(element.tag.rpartition("}")[0])
                waiting += element.children
    return found


def _children(element: Element, place: Place, namespace: str) -> Iterator[Finding]:
    """Children that do not belong into an element, or are there too often."""
    own = name_of(element)
    allowed = _CHILDREN[own]
    children = [child for child in element if child.tag.rpartition("}")[0] == namespace]
    for child in children:
        kind = name_of(child)
        if kind not in allowed:
            close = near(kind, allowed)
            message = f"<{kind}> is no element of <{own}>: it is not read"
            yield Finding(
                Severity.ERROR, Aspect.NOT_IN_THE_SCHEMA, message, place.at(line=child.line),
                suggestion=f"<{close}>" if close else "",
            )  # fmt: skip
    counts = Counter(map(name_of, children))
    for kind, times in counts.items():
        if kind in _ONCE and kind in allowed and times > 1:
            message = f"<{own}> has {times} elements <{kind}>: only one of them is read"
            yield Finding(Severity.ERROR, Aspect.NOT_IN_THE_SCHEMA, message, place)
    expressions = sum(times for kind, times in counts.items() if kind in _EXPRESSIONS)
    if own in _ONE_EXPRESSION and expressions > 1:
        message = f"<{own}> has {expressions} expressions: only the first is read"
        yield Finding(Severity.ERROR, Aspect.NOT_IN_THE_SCHEMA, message, place)
    if own == "decisionTable":
        outputs = [child for child in children if name_of(child) == "output"]
        nameless = [child for child in outputs if not squeezed(child.get("name"))]
        if len(outputs) > 1 and nameless:
            message = "an output has no name, and the table has several outputs: nobody can ask for it"
            yield Finding(Severity.ERROR, Aspect.MISSING_NAME, message, place.at(line=nameless[0].line))
        if len(outputs) > 1 and element.get("aggregation"):
            message = "the table has several outputs and an aggregation, which DMN defines for one output"
            yield Finding(Severity.WARNING, Aspect.AGGREGATION, message, place)
    if own in ("for", "some", "every") and not squeezed(element.get("iteratorVariable")):
        yield Finding(Severity.ERROR, Aspect.MISSING_NAME, f"<{own}> has no iteratorVariable", place)


def _names(element: Element, place: Place) -> Iterator[Finding]:
    """Elements without a name, and names that expressions cannot use."""
    kind, name = name_of(element), element.get("name")
    title = _TITLES.get(kind, kind)
    if not squeezed(name):
        yield Finding(Severity.ERROR, Aspect.MISSING_NAME, f"the {title} has no name", place)
        return
    if name != squeezed(name) and kind != "variable":
        message = f'the name of the {title} has spaces that do not count: it is read as "{squeezed(name)}"'
        yield Finding(Severity.HINT, Aspect.BAD_NAME, message, place, suggestion=squeezed(name))
    if kind in ("itemDefinition", "variable"):
        return
    try:
        usable = tokenize(squeezed(name))[0].kind == "name"
    except FeelSyntaxError:
        usable = False
    if not usable:
        message = f'"{squeezed(name)}" does not begin like a name of FEEL: no expression can use it'
        yield Finding(Severity.WARNING, Aspect.BAD_NAME, message, place)


def _variable(element: Element, place: Place) -> Iterator[Finding]:
    """The variable by which others know an element."""
    kind = name_of(element)
    if kind not in ("decision", "inputData", "businessKnowledgeModel", "decisionService"):
        return
    variables = [child for child in element if name_of(child) == "variable"]
    own = squeezed(element.get("name"))
    if not variables:
        message = f'the {_TITLES[kind]} "{own}" has no variable: it has no type, and its name is the element\'s'
        yield Finding(Severity.WARNING, Aspect.VARIABLE, message, place)
        return
    name = squeezed(variables[0].get("name"))
    if name and own and name != own:
        message = f'the variable of the {_TITLES[kind]} "{own}" is called "{name}": the two have one name'
        yield Finding(
            Severity.ERROR, Aspect.VARIABLE, message, place.at(line=variables[0].line), suggestion=f'name="{own}"'
        )


def _reference(element: Element, place: Place, ids: Mapping[str, str], targets: frozenset[str]) -> Iterator[Finding]:
    """References beside those that loading resolves: to authorities, owners and the like."""
    kind = name_of(element)
    href = (element.get("href") or "").strip()
    namespace, _, id_ = href.rpartition("#")
    if namespace:
        return
    if id_ not in ids:
        message = f'<{kind}> refers to "{id_}", which is not in the file'
    elif targets and ids[id_] not in targets:
        message = f'<{kind}> refers to "{id_}", which is a <{ids[id_]}>'
    else:
        return
    yield Finding(Severity.WARNING, Kind.REFERENCE, message, place)
