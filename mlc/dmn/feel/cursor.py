"""The place of a parser in its text: the tokens, the names in scope, how deep it is, and what the grammar goes back to.

A grammar is a circle: brackets hold expressions, and expressions operands. The circle is closed here, by three methods
that the rooms of the grammar (`primary`, `unary`, `typenames`) call on a cursor and that `parser`, which knows these
rooms, defines. So imports run one way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import DecimalException
from typing import Any, NamedTuple

from mlc.dmn.errors import FeelError, FeelSyntaxError, Kind, Place

from .builtins import BUILTINS
from .lexer import Names, Token, tokenize
from .reading import Path
from .run import Code, Run, Scope, Value
from .types import ANY, Type
from .vocabulary import BUILTIN_NAMES, Vocabulary

#: Brackets inside brackets.
DEPTH = 50
KEYWORDS = frozenset(
    {"if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "function", "external"}
    | {"or", "and", "between", "instance", "null", "true", "false"}
)
_ABSENT: Any = object()


class Node(NamedTuple):
    """A compiled expression. `truth`: it is a boolean by its form. `constant`: it has one value in every scope.

    `type`: what a literal of a list, context or function is, as far as it says so. `path`: it is nothing but a name, or
    a member of one, which are read from the inputs.
    """

    code: Code
    truth: bool = False
    constant: bool = False
    type: Type = ANY
    path: Path = ()

    @property
    def null(self) -> bool:
        """Whether it is the literal `null`."""
        return self.constant and self.code({}, Run()) is None


def constant(value: Value) -> Node:
    """The expression that is one value."""
    return Node(lambda scope, run: value, constant=True)  # noqa: ARG005


class Cursor(ABC):
    """A position in a text that is read from left to right, and the scope at that position.

    `asks_input` tells whether `?`, the value that a unary test is put to, has been met; `null_tests` counts the nulls
    that stand where a value is tested for equality with what stands there.
    """

    def __init__(self, text: str, vocabulary: Vocabulary, place: Place) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.index = 0
        self.vocabulary = vocabulary
        self.names = vocabulary.names
        self.place = place
        self.depth = 0
        self.filters = 0
        self.in_endpoint = False
        self.asks_input = False
        self.reading = vocabulary.reading
        self.null_tests = 0

    @abstractmethod
    def expression(self) -> Node:
        """Read any expression."""

    @abstractmethod
    def operation(self, lowest: int, left: Node | None = None, begin: int = 0) -> Node:
        """Read operators of a precedence and those that bind tighter; 0 is the lowest.

        `left` has been read already, and begins at a path of the reading.
        """

    @abstractmethod
    def endpoint(self) -> Node:
        """Read the end of a range or of a comparison in a unary test: no comparison, and a filter in brackets only."""

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.index]

    def at(self, *symbols: str) -> bool:
        """Whether the next token is one of these symbols or keywords."""
        token = self.tokens[self.index]
        return token.text in symbols and token.kind in ("symbol", "name")

    def take(self, symbol: str) -> bool:
        """Pass over a symbol or keyword if it comes next."""
        if self.at(symbol):
            self.index += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        """Pass over a symbol or keyword that must come next."""
        if not self.take(symbol):
            raise self.unexpected(f'expected "{symbol}"')

    def advance(self) -> Token:
        """Pass over the next token, whatever it is."""
        token = self.token
        if token.kind != "end":
            self.index += 1
        return token

    def unexpected(self, wanted: str) -> FeelSyntaxError:
        """The error for a token that does not belong here."""
        token = self.token
        found = "the end" if token.kind == "end" else token.text if token.kind == "string" else f'"{token.text}"'
        return FeelSyntaxError(f"{wanted}, found {found}", token.position)

    def end(self) -> None:
        """Nothing may follow."""
        if self.token.kind != "end":
            raise self.unexpected("expected the end of the expression")

    @contextmanager
    def nested(self, *names: str) -> Iterator[None]:
        """One level deeper, with further names in scope. Inside of a bracket, `[` may begin a filter again."""
        outer, endpoint = self.names, self.in_endpoint
        self.depth += 1
        if self.depth > DEPTH:
            raise FeelSyntaxError(f"the expression is nested more than {DEPTH} deep", self.token.position)
        self.names, self.in_endpoint = Names(names, around=outer), False
        yield
        self.depth -= 1
        self.names, self.in_endpoint = outer, endpoint

    def cost(self, start: int) -> int:
        """Steps that one pass over what stands since the token `start` costs."""
        return 1 + (self.index - start) // 8

    def name(self) -> Node | None:
        """The longest name in scope, else one word that the inputs must hold; None if no name comes next."""
        token = self.token
        if token.kind != "name":
            return None
        known = self.names.match(self.tokens, self.index)
        if token.text in KEYWORDS and (known is None or known[1] == 1):
            return None
        name, length = known or (token.text, 1)
        self.index += length
        if name in BUILTINS and not self.names.declares(name, until=BUILTIN_NAMES):
            if self.at("("):
                return constant(BUILTINS[name])
            self.vocabulary.optional.setdefault(name)
            return Node(lookup(name, self.place, BUILTINS[name]), path=self.read(name))
        if known is None and self.at("(") and not self.filters:
            raise FeelSyntaxError(f'there is no function "{name}"', token.position)
        if self.filters:
            self.vocabulary.optional.setdefault(name)
        elif known is None:
            self.vocabulary.free.setdefault(name, self.place)
        return Node(lookup(name, self.place), path=self.read(name))

    def read(self, name: str) -> Path:
        """Keep that a name is read; none of what the expression itself defines, such as what a loop goes over."""
        if self.names.declares(name, until=self.vocabulary.names):
            return ()
        self.reading.paths.append((name,))
        return (name,)

    def read_member(self, path: Path, member: str) -> Path:
        """Keep that of the name that was read last only a member is."""
        if not path:
            return ()
        self.reading.paths[-1] = longer = (*path, member)
        return longer

    def member_name(self) -> str:
        """The name behind a dot."""
        known = self.vocabulary.members.match(self.tokens, self.index) or self.names.match(self.tokens, self.index)
        if self.token.kind != "name":
            raise self.unexpected("expected a name")
        name, length = known or (self.token.text, 1)
        self.index += length
        return name

    def new_name(self) -> str:
        """What becomes a name: of a parameter or of what a loop goes over. Of the keywords it may hold those that a
        built-in function's name holds: `date and time`.
        """
        words: list[str] = []
        if (known := BUILTIN_NAMES.match(self.tokens, self.index)) and self.token.kind == "name":
            words, self.index = [known[0]], self.index + known[1]
        while self.token.kind == "name" and (not words or self.token.text not in KEYWORDS):
            words.append(self.advance().text)
        if not words:
            raise self.unexpected("expected a name")
        return " ".join(words)

    def fixed(self, make: Callable[[], Value], position: int) -> Node:
        """A literal whose text may be wrong."""
        try:
            return constant(make())
        except (FeelError, DecimalException) as error:
            message = str(error) if isinstance(error, FeelError) else "a number is out of range"
            raise FeelSyntaxError(message, position) from None


def lookup(name: str, place: Place, default: Value = _ABSENT) -> Code:
    """The code of a name; one that is not in scope is null, and noted."""

    def look(scope: Scope, run: Run) -> Value:
        value = scope.get(name, default)
        if value is _ABSENT:
            run.note(Kind.UNKNOWN_NAME, f'nothing is called "{name}" here', place)
            return None
        return value

    return look
