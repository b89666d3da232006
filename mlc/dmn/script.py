"""Groovy and JUEL cells, as ModelOp's tables have them: a small subset, compiled to closures and never evaluated.

Comparison (`< <= > >= == !=` and JUEL's words for them), `&& || !`, arithmetic, names, members, literals, and the
methods of strings that are in METHODS. Whatever else stands in a cell is refused when the file is loaded. Values
compare as in FEEL: never across types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import DecimalException

from .errors import FeelError, FeelSyntaxError, Kind, Place
from .feel import calls, operators
from .feel.cursor import DEPTH, Node, constant, lookup
from .feel.lexer import LONGEST, Token
from .feel.run import Code, Run, Scope, Value
from .feel.values import NUMBERS, Function
from .feel.vocabulary import Vocabulary

LANGUAGES = frozenset({"groovy", "juel"})
_FEEL = re.compile(r"feel", re.IGNORECASE)
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[dDfFgGlL]?(?!\w))
      | (?P<string>"(?:[^"\\$\n]|\\["'\\nt])*"|'(?:[^'\\\n]|\\["'\\nt])*')
      | (?P<name>[A-Za-z_]\w*)
      | (?P<symbol>==|!=|<=|>=|&&|\|\||[-+*/<>!().,])""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t"}
_WORDS = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
          "div": "/"}  # fmt: skip
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
_CONSTANTS = {"true": True, "false": False, "null": None}
#: Words of the two languages that are no names. A script with one of them does more than compare.
_REFUSED = frozenset(
    {"abstract", "as", "assert", "break", "case", "catch", "class", "def", "do", "else", "empty", "enum", "finally"}
    | {"for", "if", "import", "in", "instanceof", "interface", "mod", "new", "return", "super", "switch", "this"}
    | {"throw", "throws", "try", "var", "void", "while"}
)


def _method(name: str, answer: Callable[[str, str], bool]) -> Function:
    def call(arguments: list[Value], _: Run) -> Value:
        one, *rest = arguments
        if one is None:
            return None
        if not all(isinstance(value, str) for value in arguments) or len(rest) != 1:
            raise FeelError(f"{name}() compares a string with a string", Kind.WRONG_TYPE)
        return answer(one, rest[0])

    return Function(name, ("string", "other"), call)


#: The methods that a script may call; each is a method of a string and takes one string.
METHODS = {
    method.name: method
    for method in (
        _method("equals", lambda one, other: one == other),
        _method("equalsIgnoreCase", lambda one, other: one.lower() == other.lower()),
        _method("contains", lambda one, other: other in one),
        _method("startsWith", lambda one, other: one.startswith(other)),
        _method("endsWith", lambda one, other: one.endswith(other)),
    )
}


def is_script(text: str, language: str | None) -> bool:
    """Whether a text is for this module: by its language, or because it is in JUEL's `${...}`."""
    return (language or "").strip().lower() in LANGUAGES or (text.startswith("${") and text.endswith("}"))


def known_language(language: str | None) -> bool:
    """Whether an expression language is FEEL, by any of its many addresses, or one of this module's."""
    return not language or language.strip().lower() in LANGUAGES or _FEEL.search(language) is not None


def parse_script(text: str, vocabulary: Vocabulary, place: Place) -> Node:
    """Compile a script. Raises FeelSyntaxError for what is not in the subset."""
    inner = text[2:-1] if text.startswith("${") and text.endswith("}") else text
    parser = _ScriptParser(_tokens(inner), vocabulary, place)
    node = parser.operation(0)
    if parser.token.kind != "end":
        raise parser.refused()
    return node


def _tokens(text: str) -> list[Token]:
    if len(text) > LONGEST:
        raise FeelSyntaxError(f"the script has {len(text):,} characters; {LONGEST:,} are allowed")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FeelSyntaxError(f"{text[position]!r} is not supported in a script", position)
        kind, part = match.lastgroup or "", match.group()
        if kind == "name" and part in _WORDS:
            kind, part = "symbol", _WORDS[part]
        if kind != "space":
            tokens.append(Token(kind, part, False, position))
        position = match.end()
    return [*tokens, Token("end", "", False, position)]


class _ScriptParser:
    def __init__(self, tokens: list[Token], vocabulary: Vocabulary, place: Place) -> None:
        self.tokens = tokens
        self.vocabulary = vocabulary
        self.reading = vocabulary.reading
        self.place = place
        self.index = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def at(self, *symbols: str) -> bool:
        return self.token.kind == "symbol" and self.token.text in symbols

    def advance(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def refused(self) -> FeelSyntaxError:
        token = self.token
        found = "the script ends too early" if token.kind == "end" else f"{token.text!r} is not supported here"
        allowed = "a script may have comparisons, &&, ||, !, arithmetic, literals, names and methods of strings: "
        return FeelSyntaxError(f"{found}; {allowed}{', '.join(METHODS)}", token.position)

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
            return Node(operators.arithmetic(left.code, chain, self.place))
        if len(chain) > 1:
            raise FeelSyntaxError("comparisons do not chain; write && between them", self.token.position)
        symbol, other = chain[0]
        if null and symbol in ("==", "!="):
            self.reading.mind(begin)
        code = operators.compare({"==": "="}.get(symbol, symbol), left.code, other, self.place)
        return Node(code, truth=True)

    def signed(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH:
            raise FeelSyntaxError(f"the script is nested more than {DEPTH} deep", self.token.position)
        if self.at("!"):
            self.advance()
            operand = self.signed().code
            node = Node(lambda scope, run: operators.negation(operand(scope, run)), truth=True)
        elif self.at("-"):
            self.advance()
            node = Node(operators.negate(self.signed().code, self.place))
        else:
            node = self.operand()
        self.depth -= 1
        return node

    def operand(self) -> Node:
        token = self.token
        if token.kind in ("end", "symbol") and token.text != "(":
            raise self.refused()
        self.advance()
        if token.text == "(":
            node = self.operation(0)
            self.expect(")")
        elif token.kind == "number":
            node = self.number(token)
        elif token.kind == "string":
            unescaped = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), token.text[1:-1])
            node = constant(unescaped)
        elif token.text in _CONSTANTS:
            node = constant(_CONSTANTS[token.text])
        else:
            node = self.name(token)
        return self.members(node)

    def number(self, token: Token) -> Node:
        try:
            return constant(NUMBERS.create_decimal(token.text.rstrip("dDfFgGlL")))
        except DecimalException:
            raise FeelSyntaxError("a number is out of range", token.position) from None

    def name(self, token: Token) -> Node:
        """A name of an input; one that nothing declares must be given."""
        if token.text in _REFUSED or self.at("("):
            self.index -= 1
            raise self.refused()
        if self.vocabulary.names.match([Token("name", token.text, False, 0), Token("end", "", False, 0)], 0) is None:
            self.vocabulary.free.setdefault(token.text, self.place)
        self.reading.paths.append((token.text,))
        return Node(lookup(token.text, self.place), path=(token.text,))

    def members(self, node: Node) -> Node:
        """`.member` and `.method(argument)` behind an operand."""
        for _ in range(DEPTH):
            if not self.at("."):
                return node
            self.advance()
            if self.token.kind != "name":
                raise self.refused()
            member = self.advance().text
            if not self.at("("):
                path = (*node.path, member) if node.path else ()
                if path:
                    self.reading.paths[-1] = path
                node = Node(operators.path(node.code, member, self.place), path=path)
                continue
            if member not in METHODS:
                self.index -= 1
                raise self.refused()
            self.advance()
            argument = self.operation(0).code
            self.expect(")")
            node = Node(_call(METHODS[member], node.code, argument, self.place), truth=True)
        raise self.refused()

    def expect(self, symbol: str) -> None:
        if not self.at(symbol):
            raise self.refused()
        self.advance()


def _call(method: Function, target: Code, argument: Code, place: Place) -> Code:
    def calling(scope: Scope, run: Run) -> Value:
        return calls.apply(method, [target(scope, run), argument(scope, run)], run, place)

    return calling
