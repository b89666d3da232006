"""Text to tokens, and names to the tokens that spell them.

A FEEL name may hold spaces and operators ("baseline auc", "a-b"), so which tokens are one name depends on the names in
scope: the lexer cuts text into its smallest parts, and `Names` finds the longest known name that the parts spell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from mlc.dmn.errors import FeelSyntaxError

#: Longest expression, in characters. Real cells have some dozens.
LONGEST = 20_000

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*(?:.*?\*/)?)
      | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<string>"(?:[^"\\]|\\.)*"?)
      | (?P<name>(?:[^\W\d]|[\U00010000-\U000EFFFF])(?:\w|[\u00b7\u203f\u2040\U00010000-\U000EFFFF])*)
      | (?P<symbol>\*\*|\.\.|->|<=|>=|!=|==|&&|\|\||[-+*/=<>()\[\]{},.:?@'!$%&;\\^`|~\#])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{6}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}


class Token(NamedTuple):
    """A part of the text. `kind` is number, string, name, symbol or end; `space`: white space stands before it."""

    kind: str
    text: str
    space: bool
    position: int


def tokenize(text: str) -> list[Token]:
    """Cut text into tokens, the last one of kind `end`. Raises FeelSyntaxError."""
    if len(text) > LONGEST:
        raise FeelSyntaxError(f"the expression has {len(text):,} characters; {LONGEST:,} are allowed")
    tokens: list[Token] = []
    position, space = 0, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FeelSyntaxError(f"unexpected character {text[position]!r}", position)
        kind, part = match.lastgroup or "", match.group()
        if kind == "space":
            if part.startswith("/*") and (len(part) < 4 or not part.endswith("*/")):
                raise FeelSyntaxError("a comment that begins with /* does not end", position)
            space = True
        else:
            if kind == "string" and (len(part) < 2 or not part.endswith('"')):
                raise FeelSyntaxError("a string does not end", position)
            tokens.append(Token(kind, part, space, position))
            space = False
        position = match.end()
    tokens.append(Token("end", "", space, position))
    return tokens


def unquote(token: Token) -> str:
    """The text that a string token stands for (grammar rule 35); a backslash that begins no escape is itself."""

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in _ESCAPES:
            return _ESCAPES[code]
        if len(code) > 1 and int(code[1:], 16) <= 0x10FFFF:
            return chr(int(code[1:], 16))
        return match.group()

    text = token.text[1:-1]
    # A pair of \u escapes may spell one character beyond the basic plane.
    return (
        _ESCAPE.sub(replace, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\\" in text
        else text
    )


#: Longest name, in tokens, that is looked for in an expression.
LONGEST_NAME = 60

Spelling = tuple[tuple[str, bool], ...]


class Names:
    """The names that an expression can see, with those of the scopes around it."""

    __slots__ = ("_around", "_lengths", "_names", "_spelled")

    def __init__(self, names: Iterable[str] = (), around: Names | None = None) -> None:
        self._around = around
        self._names: set[str] = set()
        self._lengths: dict[str, list[int]] = {}
        self._spelled: dict[tuple[str, Spelling], str] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Make a name known. What does not begin like a name cannot be told from a literal, and stays unknown."""
        if name in self._names:
            return
        self._names.add(name)
        try:
            first, *rest = tokenize(name)
        except FeelSyntaxError:
            return
        if first.kind != "name" or len(rest) > LONGEST_NAME:
            return
        rest.pop()  # the token of the end
        self._spelled.setdefault((first.text, _spelling(rest)), name)
        lengths = self._lengths.setdefault(first.text, [])
        if len(rest) not in lengths:
            lengths.append(len(rest))
            lengths.sort(reverse=True)

    def declares(self, name: str, until: Names) -> bool:
        """Whether this scope or one around it, up to but without `until`, has the name."""
        scope: Names | None = self
        while scope is not None and scope is not until:
            if name in scope._names:
                return True
            scope = scope._around
        return False

    def match(self, tokens: list[Token], start: int) -> tuple[str, int] | None:
        """The longest known name that begins at a token, and how many tokens it takes."""
        first = tokens[start].text
        best: tuple[str, int] | None = None
        scope: Names | None = self
        while scope is not None:
            for length in scope._lengths.get(first, ()):
                if best is not None and length < best[1]:
                    break
                following = _spelling(tokens[start + 1 : start + 1 + length])
                if (name := scope._spelled.get((first, following))) is not None:
                    best = (name, length + 1)
                    break
            scope = scope._around
        return best


def _spelling(tokens: list[Token]) -> Spelling:
    return tuple((token.text, token.space) for token in tokens)
