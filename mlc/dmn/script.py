"""Groovy and JUEL cells, as ModelOp's and Camunda's tables have them: a small subset, compiled to closures and never
evaluated.

Comparison (`< <= > >= == !=` and JUEL's words for them), `in`, `&& || !`, `empty`, `a ? b : c`, `a ?: b`, arithmetic,
names, members (`a.b`, `a?.b`, `a["b"]`, `a[0]`), literals, lists, and the methods that are in `script_methods`.
Whatever else stands in a cell is refused when the file is loaded. Values compare as in FEEL: never across types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import DecimalException

from .errors import FeelError, FeelSyntaxError, Kind, Place
from .feel import calls, operators
from .feel.cursor import DEPTH, Node, constant, lookup
from .feel.lexer import Token
from .feel.run import Code, Run, Scope, Value
from .feel.values import NUMBERS, kind_of
from .feel.vocabulary import Vocabulary
from .script_methods import MATH, METHODS, is_empty, item_of, remainder, within
from .script_tokens import is_script, is_wrapped, known_language, tokens_of

__all__ = ["METHODS", "is_script", "known_language", "parse_script"]

_ESCAPES = {"n": "\n", "t": "\t"}
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_CONSTANTS = {"true": True, "false": False, "null": None}
#: Words of the two languages that are no names. A script with one of them does more than compare.
_REFUSED = frozenset(
    {"abstract", "as", "assert", "break", "case", "catch", "class", "def", "do", "else", "empty", "enum", "finally"}
    | {"for", "if", "import", "in", "instanceof", "interface", "new", "return", "super", "switch", "this"}
    | {"throw", "throws", "try", "var", "void", "while"}
)


def parse_script(text: str, vocabulary: Vocabulary, place: Place, condition: bool = False) -> Node:
    """Compile a script, which is a `condition` or anything. Raises FeelSyntaxError for what is not in the subset."""
    parser = _ScriptParser(tokens_of(text[2:-1] if is_wrapped(text) else text), vocabulary, place)
    if parser.token.text == "return":
        parser.advance()
    node = parser.choice()
    if parser.at(";"):
        parser.advance()
    if parser.token.kind != "end":
        raise parser.refused()
    if condition and parser.is_no_boolean(node):
        raise FeelSyntaxError("the script is a condition, and gives no boolean", 0)
    return node


class _ScriptParser:
    def __init__(self, tokens: list[Token], vocabulary: Vocabulary, place: Place) -> None:
        self.tokens = tokens
        self.vocabulary = vocabulary
        self.reading = vocabulary.reading
        self.place = place
        self.index = 0
        self.depth = 0
        self.sparing = False
        self.branches: dict[Code, tuple[Node, Node]] = {}

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def at(self, *symbols: str) -> bool:
        return self.token.text in symbols and (self.token.kind == "symbol" or self.token.text in ("in", "empty"))

    def advance(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def refused(self) -> FeelSyntaxError:
        token = self.token
        found = "the script ends too early" if token.kind == "end" else f"{token.text!r} is not supported here"
        allowed = (
            "a script may have comparisons, in, &&, ||, !, empty, a ? b : c, a ?: b, arithmetic, literals, lists, "
            "names, a.b, a[0], Math.abs, Math.max, Math.min and the methods "
        )
        return FeelSyntaxError(f"{found}; {allowed}{', '.join(METHODS)}", token.position)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEPTH:
            raise FeelSyntaxError(f"the script is nested more than {DEPTH} deep", self.token.position)

    def choice(self) -> Node:
        """`a ? b : c`, `a ?: b`, or an operation."""
        self.deeper()
        begin = len(self.reading.paths)
        node = self.operation(0)
        if self.at("?:"):
            self.advance()
            self.reading.mind(begin)
            node = Node(_or_else(node.code, self.choice().code))
        elif self.at("?"):
            self.advance()
            one = self.choice()
            self.expect(":")
            other = self.choice()
            node = Node(_choose(node.code, one.code, other.code, self.place))
            self.branches[node.code] = (one, other)
        self.depth -= 1
        return node

    def is_no_boolean(self, node: Node) -> bool:
        """Whether what a script gives is certainly neither true nor false: a number, or a choice between two."""
        if node.code in self.branches:
            return all(map(self.is_no_boolean, self.branches[node.code]))
        return node.constant and not isinstance(node.code({}, Run()), bool)

    def operation(self, level: int) -> Node:
        """Operators of one level, and those that bind tighter."""
        if level == len(_LEVELS):
            return self.signed()
        begin = len(self.reading.paths)
        left = self.operation(level + 1)
        null = left.null
        chain: list[tuple[str, Code]] = []
        while self.at(*_LEVELS[level]):
            symbol = self.advance().text
            right = self.operation(level + 1)
            null = null or right.null
            chain.append((symbol, right.code))
        if not chain:
            return left
        if level < 2:
            operands = [left.code, *(code for _, code in chain)]
            return Node(operators.connect(operands, decisive=level == 0), truth=True)
        if level > 2:
            return Node(self.arithmetic(left.code, chain))
        if len(chain) > 1:
            raise FeelSyntaxError("comparisons do not chain; write && between them", self.token.position)
        symbol, right_code = chain[0]
        if null and symbol in ("==", "!="):
            self.reading.mind(begin)
        if symbol == "in":
            return Node(_noting(within, [left.code, right_code], self.place), truth=True)
        code = operators.compare({"==": "="}.get(symbol, symbol), left.code, right_code, self.place)
        return Node(code, truth=True)

    def arithmetic(self, left: Code, chain: list[tuple[str, Code]]) -> Code:
        """A chain of operators of one level, with `%` among them."""
        for symbol, right in chain:
            if symbol == "%":
                left = _noting(remainder, [left, right], self.place, null=True)
            else:
                left = operators.arithmetic(left, [(symbol, right)], self.place)
        return left

    def signed(self) -> Node:
        self.deeper()
        if self.at("!"):
            self.advance()
            operand = self.signed().code
            node = Node(lambda scope, run: operators.negation(operand(scope, run)), truth=True)
        elif self.at("-"):
            self.advance()
            node = Node(operators.negate(self.signed().code, self.place))
        elif self.at("empty"):
            self.advance()
            outer, self.sparing, begin = self.sparing, True, len(self.reading.paths)
            asked = calls.spared(self.signed().code)
            self.sparing = outer
            self.reading.mind(begin)
            node = Node(lambda scope, run: is_empty(asked(scope, run)), truth=True)
        else:
            node = self.members(self.operand())
        self.depth -= 1
        return node

    def operand(self) -> Node:
        token = self.token
        if token.kind in ("end", "symbol") and token.text not in ("(", "["):
            raise self.refused()
        self.advance()
        if token.text == "(" and token.kind == "symbol":
            node = self.choice()
            self.expect(")")
        elif token.text == "[" and token.kind == "symbol":
            items = self.arguments("]")
            node = Node(lambda scope, run: [item(scope, run) for item in items])
        elif token.kind == "number":
            node = self.number(token)
        elif token.kind == "string":
            unescaped = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), token.text[1:-1])
            node = constant(unescaped)
        elif token.text in _CONSTANTS:
            node = constant(_CONSTANTS[token.text])
        else:
            node = self.name(token)
        return node

    def number(self, token: Token) -> Node:
        try:
            return constant(NUMBERS.create_decimal(token.text.rstrip("dDfFgGlL")))
        except DecimalException:
            raise FeelSyntaxError("a number is out of range", token.position) from None

    def name(self, token: Token) -> Node:
        """A name of an input; one that nothing declares must be given, unless `empty` asks for it."""
        if token.text in _REFUSED or self.at("("):
            self.index -= 1
            raise self.refused()
        if token.text == "Math" and self.at("."):
            return self.math()
        name, vocabulary = token.text, self.vocabulary
        (vocabulary.spared if self.sparing else vocabulary.needed).add(name)
        declared = vocabulary.names.match([Token("name", name, False, 0), Token("end", "", False, 0)], 0) is not None
        if not declared and self.sparing:
            vocabulary.optional.setdefault(name)
        elif not declared:
            vocabulary.free.setdefault(name, self.place)
        self.reading.paths.append((name,))
        return Node(lookup(name, self.place), path=(name,))

    def math(self) -> Node:
        """`Math.abs(number)` and the like."""
        self.advance()
        called = MATH.get(self.token.text)
        if called is None or self.tokens[self.index + 1].text != "(":
            raise self.refused()
        self.index += 2
        return Node(_noting(called, self.arguments(")"), self.place))

    def members(self, node: Node) -> Node:
        """`.member`, `?.member`, `.method(argument)` and `[key]` behind an operand."""
        for _ in range(DEPTH):
            if self.at("["):
                self.advance()
                key = self.choice().code
                self.expect("]")
                node = Node(_noting(item_of, [node.code, key], self.place, null=True))
                continue
            if not self.at(".", "?."):
                return node
            self.advance()
            if self.token.kind != "name":
                raise self.refused()
            member = self.advance().text
            if self.at("("):
                node = self.method(node, member)
                continue
            path = (*node.path, member) if node.path else ()
            if path:
                self.reading.paths[-1] = path
            node = Node(operators.path(node.code, member, self.place), path=path)
        raise self.refused()

    def method(self, node: Node, name: str) -> Node:
        """A call of a method, in front of its arguments."""
        method = METHODS.get(name)
        if method is None:
            self.index -= 1
            raise self.refused()
        position = self.advance().position
        arguments = self.arguments(")")
        if len(arguments) != len(method.arguments):
            count = "an argument" if method.arguments else "no argument"
            raise FeelSyntaxError(f"{name}() takes {count}", position)
        return Node(_noting(method.call, [node.code, *arguments], self.place))

    def arguments(self, end: str) -> list[Code]:
        """Expressions with commas between them, and what ends them."""
        found: list[Code] = []
        while not self.at(end):
            found.append(self.choice().code)
            if not self.at(","):
                break
            self.advance()
        self.expect(end)
        return found

    def expect(self, symbol: str) -> None:
        if not self.at(symbol):
            raise self.refused()
        self.advance()


def _noting(answer: Callable[..., Value], operands: Sequence[Code], place: Place, null: bool = False) -> Code:
    """What a function of the run and of operands answers; null, and noted, when it cannot. `null`: null of a null."""

    def code(scope: Scope, run: Run) -> Value:
        values = [operand(scope, run) for operand in operands]
        if null and None in values:
            return None
        run.spend()
        try:
            return answer(run, *values)
        except FeelError as error:
            run.note(error.kind, str(error), place)
        except DecimalException as error:
            run.note(Kind.ARITHMETIC, f"a number is out of range ({type(error).__name__})", place)
        return None

    return code


def _choose(condition: Code, one: Code, other: Code, place: Place) -> Code:
    """`condition ? one : other`; null, and noted, where the condition is neither true nor false."""

    def choose(scope: Scope, run: Run) -> Value:
        answer = condition(scope, run)
        if isinstance(answer, bool):
            return one(scope, run) if answer else other(scope, run)
        run.note(Kind.WRONG_TYPE, f"the condition in front of the question mark is {kind_of(answer)}", place)
        return None

    return choose


def _or_else(one: Code, other: Code) -> Code:
    """`one ?: other`: the other where the first is null, false, zero or empty."""

    def choose(scope: Scope, run: Run) -> Value:
        value = one(scope, run)
        return value or other(scope, run)

    return choose
