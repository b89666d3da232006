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

from .dialects import CAMUNDA_FUNCTIONS, UNREPEATABLE, undeclared, unrepeatable
from .lexer import LONGEST_NAME, Names, Token, spelled, tokenize
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
#: What a name may hold beside letters and digits (grammar rule 30).
NAME_SYMBOLS = frozenset({".", "/", "-", "'", "+", "*", "**", "?"})
_ABSENT: Any = object()


class Node(NamedTuple):
    """A compiled expression. `truth`: it is a boolean by its form. `constant`: it has one value in every scope.

    `type`: what a literal of a list, context or function is, as far as it says so. `builtin`: it is the built-in
    function of that name. `path`: it is nothing but a name, or a member of one, which are read from the inputs.
    """

    code: Code
    truth: bool = False
    constant: bool = False
    type: Type = ANY
    builtin: str = ""
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
    that stand where a value is tested for equality with what stands there. `borrowed` has the names in a filter that
    are members of its items, and that would be read as several names if they were not; with `plain` no name is read as
    such a one. `reads_plus`: a number may have the sign plus, which the grammar has not; in a cell it is no test.
    """

    def __init__(self, text: str, vocabulary: Vocabulary, place: Place) -> None:
        self.text = text
        self.tokens = tokenize(text, vocabulary.dialect.backticks)
        self.index = 0
        self.vocabulary = vocabulary
        self.names = vocabulary.names
        self.place = place
        self.depth = 0
        self.filters = vocabulary.filters
        self.borrowed: set[str] = set()
        self.plain = False
        self.reads_plus = False
        self.sparing = 0
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
        if token.text == "`":
            ends = "a name in backticks does not end" if self.vocabulary.dialect.backticks else undeclared("a backtick")
            return FeelSyntaxError(ends, token.position)
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

    def name(self) -> Node | None:  # noqa: PLR0911 - one return for each kind of name
        """The longest name in scope, else one word that the inputs must hold; None if no name comes next."""
        token = self.token
        if token.kind == "quoted":
            self.index += 1
            return self.named(token.text, declared=self.names.declares(token.text, until=BUILTIN_NAMES))
        if token.kind != "name" and token.text != "?":
            return None
        known = self.names.match(self.tokens, self.index)
        if token.kind != "name" and known is None:
            return None
        if token.text in KEYWORDS and (known is None or known[1] == 1):
            return self.function(token) if token.text in CAMUNDA_FUNCTIONS else None
        if self.filters and not self.plain:
            known = self.item_member(known)
        name, length = known or self.words()
        self.index += length
        if BUILTIN_NAMES.declares(name) and not self.names.declares(name, until=BUILTIN_NAMES):
            if self.at("("):
                self.index -= length
                return self.function(token, name, length)
            builtin = self.vocabulary.dialect.builtins.get(name)
            if builtin is None:  # Camunda's, and not called: the name of an input
                return self.named(name, declared=False)
            self.vocabulary.optional.setdefault(name)
            return Node(lookup(name, self.place, builtin), path=self.read(name))
        if known is None and self.at("(") and not self.filters:
            raise FeelSyntaxError(f'there is no function "{name}"', token.position)
        return self.named(name, declared=known is not None)

    def named(self, name: str, declared: bool) -> Node:
        """The value of a name, which the inputs must hold if nothing declares it, or may hold."""
        (self.vocabulary.spared if self.sparing else self.vocabulary.needed).add(name)
        if self.filters or (self.sparing and not declared):
            self.vocabulary.optional.setdefault(name)
        elif not declared:
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

    def function(self, token: Token, name: str = "", length: int = 1) -> Node | None:
        """A built-in in front of its arguments, by its name or by its one token. Raises FeelSyntaxError."""
        name = name or token.text
        if self.tokens[self.index + length].text != "(":
            return None
        builtin = self.vocabulary.dialect.builtins.get(name)
        if name in UNREPEATABLE:
            raise FeelSyntaxError(unrepeatable(name), token.position)
        if builtin is None:
            raise FeelSyntaxError(undeclared(f"{name}()"), token.position)
        self.index += length
        return Node(lambda scope, run: builtin, constant=True, builtin=name)  # noqa: ARG005

    def member_name(self) -> str:
        """The name behind a dot."""
        if self.token.kind == "quoted":
            return self.advance().text
        known = self.vocabulary.members.match(self.tokens, self.index) or self.names.match(self.tokens, self.index)
        if self.token.kind != "name" and known is None:
            raise self.unexpected("expected a name")
        name, length = known or self.words()
        key = self.vocabulary.keys.match(self.tokens, self.index)
        if key is not None and key[1] > length and self.of_words(key[1]):
            name, length = key
        elif known is not None and length == 1:
            name, length = self.words()
        self.index += length
        return name

    def item_member(self, known: tuple[str, int] | None) -> tuple[str, int] | None:
        """The longest name that begins here, of those in scope and those that an item of a filtered list may have."""
        best = known
        for names in (self.vocabulary.members, self.vocabulary.keys):
            member = names.match(self.tokens, self.index)
            if member is not None and member[1] > (1 if best is None else best[1]):
                best = member
        if best is not known and best is not None and not self.of_words(best[1]):
            self.borrowed.add(best[0])
        return self.words() if best is not None and best[1] == 1 and not BUILTIN_NAMES.declares(best[0]) else best

    def of_words(self, length: int) -> bool:
        """Whether these many tokens are words only, so that they can be nothing but one name."""
        tokens = self.tokens[self.index : self.index + length]
        return all(token.kind == "name" and token.text not in KEYWORDS for token in tokens)

    def words(self) -> tuple[str, int]:
        """The name that the words from here on are if nothing declares them: two words in a row can be no two names."""
        end = self.index + 1
        joins = bool(self.filters) or self.tokens[self.index - 1].text == "."
        while end - self.index < LONGEST_NAME:
            token = self.tokens[end]
            if not (token.text == "?" and not token.space) and not (
                token.kind == "name" and (not token.space or (joins and token.text not in KEYWORDS))
            ):
                break
            end += 1
        return spelled(self.tokens[self.index : end]), end - self.index

    def new_name(self, keywords: bool = False) -> str:
        """What becomes a name, of a parameter or of what a loop goes over: words, numbers and the symbols of names.

        `keywords`: words of the language may be in it, behind the first.
        """
        start = self.index
        self.index = start + 1 if self.token.kind == "quoted" else self.end_of_name(start, keywords)
        if self.index == start:
            raise self.unexpected("expected a name")
        return spelled(self.tokens[start : self.index])

    def end_of_name(self, start: int, keywords: bool) -> int:
        """Where a name that begins at a token may end at the latest (grammar rules 27 to 30); `start` if none does.

        Of the keywords it may hold those that a built-in function's name holds: `date and time`.
        """
        known = BUILTIN_NAMES.match(self.tokens, start)
        end = start + known[1] if known is not None and known[1] > 1 else start
        while end - start < LONGEST_NAME:
            token = self.tokens[end]
            if token.kind == "name":
                if end > start and not keywords and token.text in KEYWORDS:
                    break
            elif token.text != "?" and (end == start or (token.kind != "number" and token.text not in NAME_SYMBOLS)):
                break
            end += 1
        return end

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
