"""What is wrong with a model as a whole: logic that is missing, names that are there twice, calls that do not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mlc.dmn import elements as dmn
from mlc.dmn.analysis.cells.columntypes import domain_of
from mlc.dmn.analysis.cells.parts import split
from mlc.dmn.analysis.closed import Reader
from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.errors import FeelError, Kind, Place
from mlc.dmn.feel.builtins import BUILTINS
from mlc.dmn.feel.builtins.signature import Builtin
from mlc.dmn.feel.dialects import CAMUNDA_FUNCTIONS
from mlc.dmn.feel.types import TYPES
from mlc.dmn.feel.values import Function, kind_of
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script

from .calls import faults_of
from .names import nothing_allowed
from .texts import boxes_of, inside, texts_of

_B_FEEL = "B-FEEL is another language than FEEL: what is null here is a value there"


def check_logic(model: DecisionModel, place: Place) -> Iterator[Finding]:
    """Decisions, functions and boxed expressions in which something is missing."""
    for decision in model.definitions.decisions:
        if decision.expression is None:
            message = "the decision has neither a table nor an expression: its result is always null"
            yield Finding(Severity.ERROR, Aspect.MISSING_LOGIC, message, place.at(decision=decision.name))
    for knowledge in model.definitions.knowledge:
        if knowledge.function is None or knowledge.function.body is None:
            message = "the knowledge model has no expression: who calls it gets null"
            yield Finding(Severity.ERROR, Aspect.MISSING_LOGIC, message, place.at(decision=knowledge.name))
    own = {id(knowledge.function) for knowledge in model.definitions.knowledge}
    for box, here in boxes_of(model.definitions, place):
        for message in () if id(box) in own else _missing_in(box):
            yield Finding(Severity.ERROR, Aspect.MISSING_LOGIC, message, here)


def _missing_in(box: dmn.Expression | None) -> Iterator[str]:
    """What a boxed expression lacks. An empty literal is told on loading."""
    match box:
        case dmn.Context():
            yield from _missing_in_context(box)
        case dmn.Invocation():
            yield from _missing_in_invocation(box)
        case dmn.Relation(columns, _):
            for name, times in Counter(column.name for column in columns).items():
                if times > 1:
                    yield f'the relation has {times} columns "{name}"'
        case dmn.Conditional() | dmn.Filter() | dmn.Loop() if any(part is None for part in inside(box)):
            yield "the expression has an empty part"
        case dmn.FunctionDefinition(_, None, kind) if kind.upper() == "FEEL":
            yield "the function has no expression"
        case dmn.Table(_, outputs, rules) if outputs and not rules:
            yield "the table has no rules"
        case _:
            return


def _missing_in_context(box: dmn.Context) -> Iterator[str]:
    if not box.entries:
        yield "the context has no entries"
    for number, entry in enumerate(box.entries, 1):
        name = f'"{entry.variable.name}"' if entry.variable is not None else f"{number}"
        if entry.expression is None:
            yield f"the entry {name} of the context has no expression"
        if entry.variable is None and number < len(box.entries):
            yield f"the entry {name} of the context has no variable, and is not the last one, its result"


def _missing_in_invocation(box: dmn.Invocation) -> Iterator[str]:
    if box.function is None:
        yield "the invocation does not say which function it calls"
    for binding in box.bindings:
        if binding.variable is None:
            yield "a binding of the invocation has no parameter"
        elif binding.expression is None:
            yield f'the invocation gives no expression for "{binding.variable.name}"'


def check_names_once(model: DecisionModel, place: Place) -> Iterator[Finding]:
    """Names that mean two things. Loading tells of those of one kind; here are those of different kinds."""
    titles: dict[str, list[str]] = {}
    groups: Sequence[tuple[str, Sequence[str]]] = (
        ("an import", [one.name for one in model.definitions.imports if one.name]),
        ("an input", [one.variable.name for one in model.definitions.inputs]),
        ("a decision", [one.variable.name for one in model.definitions.decisions]),
        ("a knowledge model", [one.variable.name for one in model.definitions.knowledge]),
        ("a decision service", [one.variable.name for one in model.definitions.services]),
    )
    for title, names in groups:
        for name in dict.fromkeys(names):
            titles.setdefault(name, []).append(title)
    for name, kinds in titles.items():
        if len(kinds) > 1:
            message = f'{" and ".join(kinds)} have the name "{name}": which of them it means is not clear'
            yield Finding(Severity.ERROR, Kind.DUPLICATE, message, place)
    types = {item.name for item in model.definitions.types}
    for name in types & {one.name for one in model.definitions.imports}:
        yield Finding(Severity.ERROR, Kind.DUPLICATE, f'an import and a type have the name "{name}"', place)
    for item in model.definitions.types:
        here = place.at(type=item.name)
        if item.name in TYPES:
            message = f'the type has the name of the built-in type "{item.name}"'
            yield Finding(Severity.ERROR, Kind.DUPLICATE, message, here)
        yield from _components(item, here)
        yield from _allowed(item, here, model)


def _components(item: dmn.ItemDefinition, place: Place) -> Iterator[Finding]:
    for name, times in Counter(component.name for component in item.components).items():
        if times > 1:
            yield Finding(Severity.ERROR, Kind.DUPLICATE, f'the type has {times} components "{name}"', place)
    for component in item.components:
        yield from _components(component, place)


def _allowed(item: dmn.ItemDefinition, place: Place, model: DecisionModel) -> Iterator[Finding]:
    """Allowed values of another type than the type that they restrict: no value is allowed."""
    kind = domain_of(model, item.type_ref).kind
    for component in item.components:
        yield from _allowed(component, place, model)
    if item.allowed is not None and item.allowed.text:
        yield from nothing_allowed(item.allowed, kind, place, facts_of(model).reader)


def check_calls(model: DecisionModel, place: Place) -> Iterator[Finding]:
    """Texts that give null whatever the inputs are, and calls of functions with other arguments than they take."""
    language = model.definitions.language
    if _is_b_feel(language):
        yield Finding(Severity.ERROR, Aspect.OTHER_LANGUAGE, _B_FEEL, place)
    functions = {
        one.variable.name: [parameter.name for parameter in one.function.parameters]
        for one in model.definitions.knowledge
        if one.function is not None
    }
    reader, unparsed = facts_of(model).reader, facts_of(model).unparsed
    for text, here in texts_of(model.definitions, place):
        if is_script(text.text, text.language or language) or here in unparsed:
            continue
        values = ((here.column, text.text),) if here.column else ()
        if _is_b_feel(text.language):
            yield Finding(Severity.ERROR, Aspect.OTHER_LANGUAGE, _B_FEEL, here, values=values)
        told = False
        for fault in faults_of(text.text, reader):
            told = True
            yield Finding(Severity.ERROR, fault.kind, fault.message, here, values=values, suggestion=fault.suggestion)
        whole = reader.closed(text.text)
        if whole is not None and whole.problems and not told:
            message = f"{_short(text.text)} cannot be worked out: {whole.problems[0].message}"
            yield Finding(Severity.ERROR, Aspect.BAD_CONSTANT, message, here, values=values)
        yield from _own_calls(text.text, here, functions, model)
    known = _named(model, place)
    for box, here in boxes_of(model.definitions, place):
        if isinstance(box, dmn.Invocation):
            yield from _bindings(box, here, functions, reader)
            if here not in unparsed:
                yield from _called(box, here, known, reader)


def _is_b_feel(language: str | None) -> bool:
    return "B-FEEL" in (language or "").upper()


def _named(model: DecisionModel, place: Place) -> set[str] | None:
    """All names that a file has for something; None where imports may add some."""
    definitions = model.definitions
    if not all(one.name for one in definitions.imports):
        return None
    named = {*BUILTINS, *CAMUNDA_FUNCTIONS, "item", "partial"}
    named.update(one.variable.name for one in definitions.inputs)
    named.update(one.variable.name for one in definitions.decisions)
    named.update(one.name for one in definitions.invocables())
    named.update(one.variable.name for one in definitions.invocables())
    for box, _ in boxes_of(definitions, place):
        if isinstance(box, dmn.Context):
            named.update(entry.variable.name for entry in box.entries if entry.variable is not None)
        elif isinstance(box, dmn.FunctionDefinition):
            named.update(parameter.name for parameter in box.parameters)
        elif isinstance(box, dmn.Loop):
            named.add(box.variable)
    return named


def _called(box: dmn.Invocation, place: Place, known: set[str] | None, reader: Reader) -> Iterator[Finding]:
    """What an invocation calls: a name that the file has for nothing, or a value that is no function."""
    function = _function(box)
    if function is None:
        return
    text, whole = function.text.text, reader.closed(function.text.text)
    tokens = (reader.tokens(text) or ()) if known is not None else ()
    if whole is not None and whole.value is not None and not isinstance(whole.value, Function):
        message = f"the invocation calls {_short(text)}, which is no function but a {kind_of(whole.value)}"
        yield Finding(Severity.ERROR, Aspect.BAD_CALL, message, place)
    elif known is not None and len(tokens) == 1 and tokens[0].kind == "name" and text.strip() not in known:
        message = f'the invocation calls "{text.strip()}", and nothing here has that name'
        close = reader.near(text.strip(), known)
        yield Finding(Severity.ERROR, Aspect.BAD_CALL, message, place, suggestion=close)


def _function(box: dmn.Invocation) -> dmn.Literal | None:
    """The text that says what an invocation calls, where it is one."""
    function = box.function.expression if isinstance(box.function, dmn.Typed) else box.function
    return function if isinstance(function, dmn.Literal) else None


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _own_calls(
    text: str, place: Place, functions: Mapping[str, Sequence[str]], model: DecisionModel
) -> Iterator[Finding]:
    """Calls of the model's own functions with too few or too many arguments by position."""
    tokens = facts_of(model).reader.tokens(text)
    there = {token.text for token in tokens or ()}
    for name, parameters in functions.items():
        words = name.split()
        if not words or words[0] not in there:
            continue
        for index in range(len(tokens or []) - len(words)):
            if tokens is None or [token.text for token in tokens[index : index + len(words)]] != words:
                continue
            opening = index + len(words)
            if tokens[opening].text != "(" or (index and tokens[index - 1].text == "."):
                continue
            depth, end = 0, None
            for position in range(opening, len(tokens)):
                depth += {"(": 1, ")": -1}.get(tokens[position].text, 0) if tokens[position].kind == "symbol" else 0
                if depth == 0:
                    end = position
                    break
            given = split(tokens[opening + 1 : end]) if end is not None and end > opening + 1 else []
            if end is None or any(len(piece) > 1 and piece[1].text == ":" for piece in given):
                continue
            if len(given) != len(parameters):
                message = f"{name}() takes {len(parameters)} arguments ({', '.join(parameters)}), not {len(given)}"
                yield Finding(Severity.ERROR, Aspect.BAD_CALL, message, place)


def _bindings(
    box: dmn.Invocation, place: Place, functions: Mapping[str, Sequence[str]], reader: Reader
) -> Iterator[Finding]:
    """Parameters that an invocation gives, and those that the function has."""
    function = _function(box)
    if function is None:
        return
    name = function.text.text
    given = [binding.variable.name for binding in box.bindings if binding.variable is not None]
    if name not in functions:
        if isinstance(own := BUILTINS.get(name), Builtin):
            try:
                own.bind(dict.fromkeys(given))
            except FeelError as error:
                yield Finding(Severity.ERROR, Aspect.BAD_CALL, str(error), place)
        return
    for one in given:
        if one not in functions[name]:
            close = reader.near(one, functions[name])
            message = f'the invocation gives "{one}", and {name}() takes ({", ".join(functions[name])})'
            yield Finding(Severity.ERROR, Aspect.BAD_CALL, message, place, suggestion=close)
    for one in functions[name]:
        if one not in given:
            message = f'the invocation of {name}() does not give "{one}"'
            yield Finding(Severity.ERROR, Aspect.BAD_CALL, message, place)
