"""The operands of FEEL: literals, names, brackets of every kind, and the expressions that begin with a keyword."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from mlc.dmn.errors import FeelSyntaxError, Kind, Place

from . import calls, iteration, temporal
from .cursor import KEYWORDS, Cursor, Node, constant
from .lexer import spelled, unquote
from .ranges import one_ended, range_from
from .reading import UNDER_TEST, Condition
from .run import ENTRY, ITEM, OBJECT, Code, Run, Scope, Value
from .typenames import type_name
from .types import ANY, BOOLEAN, Type, common, function_of, type_of
from .types import context_of as typed_context
from .types import list_of as list_type
from .values import NUMBERS, kind_of

#: Lists that one loop goes over.
ITERATORS = 10
RELATIONS = ("<=", ">=", "<", ">", "=", "!=")
#: What is not in the end of a range but behind it, outside of round brackets.
_NO_END = KEYWORDS | {",", ":", "[", "]", "{", "}", "=", "!=", "<", "<=", ">", ">="}
_WORDS = {"null": None, "true": True, "false": False}


def primary(parser: Cursor) -> Node:  # noqa: PLR0911, PLR0912 - one case for each kind of operand
    """One operand. Raises FeelSyntaxError."""
    token = parser.token
    if (node := parser.name()) is not None:
        return node
    if token.kind == "end":
        raise parser.unexpected("expected a value")
    parser.advance()
    match token.kind, token.text:
        case "number", text:
            return parser.fixed(lambda: _number(text), token.position)
        case "string", _:
            return constant(unquote(token, parser.vocabulary.dialect.escapes))
        case "name", ("null" | "true" | "false") as word:
            return constant(_WORDS[word])
        case "name", "if":
            return _conditional(parser)
        case "name", "for":
            return _loop(parser)
        case "name", ("some" | "every") as word:
            return _quantified(parser, decisive=word == "some")
        case "name", "function":
            return _function(parser)
        case "symbol", "?":
            parser.asks_input = True
            parser.reading.paths.append(UNDER_TEST)
            return Node(lambda scope, run: scope.get("?"), path=UNDER_TEST)  # noqa: ARG005
        case "symbol", "(":
            return _round(parser)
        case "symbol", "[":
            return _square(parser)
        case "symbol", "-" if parser.token.kind == "number":  # a sign belongs to a literal (grammar rule 37)
            return parser.fixed(lambda: _number("-" + parser.advance().text), token.position)
        case "symbol", "+" if parser.reads_plus and _has_sign(parser):  # beyond the grammar
            return parser.fixed(lambda: _number(parser.advance().text), token.position)
        case "symbol", "]":
            return range_from(parser, parser.endpoint(), low_closed=False)
        case "symbol", "{":
            return _context(parser)
        case "symbol", "@" if parser.token.kind == "string":
            text = unquote(parser.advance())
            return parser.fixed(lambda: temporal.parse_literal(text), token.position)
    parser.index -= 1
    raise parser.unexpected("expected a value")


def _has_sign(parser: Cursor) -> bool:
    """Whether the plus that has been read is the sign of a number; `++` is more likely a slip or another language's."""
    return parser.token.kind == "number" and parser.tokens[parser.index - 2].text != "+"


def _number(text: str) -> Decimal:
    return NUMBERS.create_decimal(text)


def _round(parser: Cursor) -> Node:
    """An expression in brackets, an open range, or one open end: `(< 10)`."""
    if parser.at(*RELATIONS):
        node = one_ended(parser)
        parser.expect(")")
        return node
    node = parser.expression()
    if parser.at(".."):
        return range_from(parser, node, low_closed=False)
    parser.expect(")")
    return node


def _square(parser: Cursor) -> Node:
    """A list or a range."""
    items: list[Code] = []
    types: list[Type] = []
    while not parser.at("]") or (not items and _begins_range(parser)):
        node = parser.expression()
        if not items and parser.at(".."):
            return range_from(parser, node, low_closed=True)
        parser.null_tests += node.null
        items.append(node.code)
        types.append(known_type(node))
        if not parser.take(","):
            break
    parser.expect("]")
    return Node(list_of(items), type=list_type(common(types)))


def _begins_range(parser: Cursor) -> bool:
    """Whether the `]` that comes next begins an open range, the first item of a list: `[ ]1..2[ ]`."""
    depth = 0
    for token in parser.tokens[parser.index + 1 :]:
        if token.kind in ("symbol", "name"):
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0 and token.text == "..":
                return True
            if depth < 0 or (depth == 0 and token.text in _NO_END):
                return False
    return False


def list_of(items: Sequence[Code]) -> Code:
    """A list of what these give."""

    def make(scope: Scope, run: Run) -> Value:
        run.hold(OBJECT + ITEM * len(items))
        return [item(scope, run) for item in items]

    return make


def _context(parser: Cursor) -> Node:
    """`{key: value, ...}`; each value sees the entries before it."""
    entries: dict[str, Code] = {}
    types: dict[str, Type] = {}
    with parser.nested():
        while not parser.at("}"):
            key, position = _key(parser), parser.token.position
            if key in entries:
                raise FeelSyntaxError(f'the entry "{key}" is given twice', position)
            parser.expect(":")
            node = one_ended(parser) if parser.at(*RELATIONS) else parser.expression()
            entries[key], types[key] = node.code, known_type(node)
            parser.names.add(key)
            parser.vocabulary.members.add(key)
            if not parser.take(","):
                break
    parser.expect("}")
    return Node(context_of(entries), type=typed_context(types))


def context_of(entries: dict[str, Code]) -> Code:
    """A context of entries that see each other in order."""

    def make(scope: Scope, run: Run) -> Value:
        run.hold(OBJECT + (ENTRY + ITEM) * len(entries))
        inner, result = dict(scope), {}
        for key, code in entries.items():
            result[key] = inner[key] = code(inner, run)
        return result

    return make


def _key(parser: Cursor) -> str:
    """The key of an entry: a string, or a name with all that stands before the colon."""
    start, first = parser.index, parser.token
    if first.kind not in ("name", "string", "quoted") and first.text != "?":
        raise parser.unexpected("expected the key of an entry")
    parser.advance()
    if first.kind == "string":
        return unquote(first, parser.vocabulary.dialect.escapes)
    while not parser.at(":"):
        if parser.token.kind == "end" or parser.at("{", "}", "[", "]", "(", ")", ","):
            raise parser.unexpected('expected ":"')
        parser.advance()
    return spelled(parser.tokens[start : parser.index])


def _conditional(parser: Cursor) -> Node:
    begin = len(parser.reading.paths)
    node = parser.expression()
    condition = node.code
    if not node.null:
        condition = Condition.since(begin, condition, '"if"', parser.reading, parser.place)
    parser.expect("then")
    one = parser.expression().code
    parser.expect("else")
    other = parser.expression().code
    return Node(conditional(_boolean_or_null(condition, parser.place), one, other))


def _boolean_or_null(condition: Code, place: Place) -> Code:
    """A condition that is noted where it is something else, such as "false": as the specification has it, null then."""

    def check(scope: Scope, run: Run) -> Value:
        answer = condition(scope, run)
        if answer is not None and not isinstance(answer, bool):
            run.note(Kind.WRONG_TYPE, f'the condition of "if" is a {kind_of(answer)}, not a boolean', place)
            return None
        return answer

    return check


def conditional(condition: Code, one: Code, other: Code) -> Code:
    """`if condition then one else other`; a condition that is not true counts as false."""
    return lambda scope, run: one(scope, run) if condition(scope, run) is True else other(scope, run)


def _sources(parser: Cursor) -> list[iteration.Source]:
    """`name in items, name in low..high`; each sees the names before it. To be called inside of `nested`."""
    sources: list[iteration.Source] = []
    while not sources or parser.take(","):
        if len(sources) == ITERATORS:
            raise FeelSyntaxError(f"a loop goes over {ITERATORS} lists at most", parser.token.position)
        name = parser.new_name()
        parser.expect("in")
        items = parser.expression().code
        high = parser.expression().code if parser.take("..") else None
        if high is None and parser.vocabulary.dialect.lists_alone:
            items = iteration.listed(items, parser.place)
        sources.append(iteration.Source(name, items, high))
        parser.names.add(name)
    return sources


def _loop(parser: Cursor) -> Node:
    start = parser.index
    with parser.nested("partial"):
        sources = _sources(parser)
        parser.expect("return")
        body = parser.operation(0).code
    partial = any(token.text == "partial" for token in parser.tokens[start : parser.index])
    return Node(iteration.for_loop(sources, body, parser.cost(start), parser.place, partial))


def _quantified(parser: Cursor, decisive: bool) -> Node:
    start = parser.index
    with parser.nested():
        sources = _sources(parser)
        parser.expect("satisfies")
        body = parser.operation(0).code
    return Node(iteration.quantified(sources, body, decisive, parser.cost(start), parser.place), truth=True)


def _function(parser: Cursor) -> Node:
    """`function(parameter: type, ...) body`."""
    parameters: list[str] = []
    types: list[Type] = []
    parser.expect("(")
    while not parser.at(")"):
        parameters.append(parser.new_name(keywords=True))
        types.append(type_name(parser) if parser.take(":") else ANY)
        if not parser.take(","):
            break
    parser.expect(")")
    if parser.at("external"):
        raise FeelSyntaxError("external functions are not supported", parser.token.position)
    with parser.nested(*parameters):
        body = parser.operation(0)
    answer = known_type(body)
    function = calls.define(parameters, body.code, types=types, answer=answer)
    return Node(function, type=function_of(types, answer))


def known_type(node: Node) -> Type:
    """The type of what an expression gives, as far as its form tells; Any otherwise."""
    if node.truth:
        return BOOLEAN
    return type_of(node.code({}, Run())) if node.constant else node.type
