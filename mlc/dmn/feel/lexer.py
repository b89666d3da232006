"""Text to tokens, and names to the tokens that spell them.

A FEEL name may hold spaces and operators ("baseline auc", "a-b"), so which tokens are one name depends on the names in
scope: the lexer cuts text into its smallest parts, and `Names` finds the longest known name that the parts spell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mlc.dmn.errors import FeelSyntaxError

#: Longest expression, in characters. Real cells have some dozens.
LONGEST = 20_000

#: White space (grammar rules 61 and 62): what Python counts as such, and three characters that have no width.
_SPACE = r"\s\u180e\u200b\ufeff"
#: Characters beyond ASCII that are in no name (rules 28 to 30), unless they are letters.
_NO_NAME = (
    r"\x80-\xbf\xd7\xf7\u1680\u180e\u2000-\u200b\u200e-\u206f\u2190-\u2bff\u2ff0-\u3000\ud800-\uf8ff\ufdd0-\ufdef"
    r"\ufeff\ufffe\uffff"
)
_PART = rf"(?:\w|[^\x00-\x7f{_NO_NAME}]|[\xb7\u203f\u2040])"
_TOKEN = re.compile(
    "|".join(
        [
            rf"(?P<space>[{_SPACE}]+|//[^\n]*|/\*(?:.*?\*/)?)",
            r"(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)",
            r'(?P<string>"(?:[^"\\]|\\.)*"?)',
            # A question mark begins a name where more of one follows (rule 28); alone it is the value under test.
            rf"(?P<name>(?:[^\W\d]|[^\x00-\x7f\d{_NO_NAME}\u0300-\u036f]){_PART}*|\?(?:\?|{_PART})+)",
            r"(?P<symbol>\*\*|\.\.|->|<=|>=|!=|==|&&|\|\||[-+*/=<>()\[\]{},.:?@'!$%&;\\^`|~#])",
        ]
    ),
    re.DOTALL,
)
_QUOTED = re.compile(r"`(?P<quoted>[^`\n]+)`")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{6}|.)", re.DOTALL)
#: What stands behind the backslash of an escape (grammar rule 35), and what it means.
ESCAPES: Mapping[str, str] = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}


class Token(NamedTuple):
    """A part of the text. `kind` is number, string, name, quoted (a name in backticks), symbol or end.

    `space`: white space stands before it.
    """

    kind: str
    text: str
    space: bool
    position: int


def tokenize(text: str, backticks: bool = False) -> list[Token]:
    """Cut text into tokens, the last one of kind `end`; a name in backticks is one. Raises FeelSyntaxError."""
    if len(text) > LONGEST:
        raise FeelSyntaxError(f"the expression has {len(text):,} characters; {LONGEST:,} are allowed")
    tokens: list[Token] = []
    position, space = 0, False
    while position < len(text):
        match = (backticks and _QUOTED.match(text, position)) or _TOKEN.match(text, position)
        if match is None:
            raise FeelSyntaxError(f"unexpected character {text[position]!r}", position)
        kind, part = match.lastgroup or "", match.group()
        if kind == "quoted":
            tokens.append(Token(kind, " ".join(part[1:-1].split()), space, position))
            space = False
        elif kind == "space":
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


def spelled(tokens: Iterable[Token]) -> str:
    """The name that tokens spell: a single space wherever there is white space, or a comment, between two of them."""
    return "".join(f" {token.text}" if token.space else token.text for token in tokens).lstrip(" ")


def unquote(token: Token, escapes: Mapping[str, str] = ESCAPES) -> str:
    """The text that a string token stands for; a backslash that begins no escape, nor a code point, is itself."""

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in escapes:
            return escapes[code]
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


class _Branch(dict[tuple[str, bool], "_Branch"]):
    """What may follow a part of a name: the next token and whether white space stands before it. `name`: it may end."""

    __slots__ = ("name",)

    def __init__(self) -> None:
        super().__init__()
        self.name: str | None = None


class Names:
    """The names that an expression can see, with those of the scopes around it (10.3.1.4)."""

    __slots__ = ("_around", "_names", "_root")

    def __init__(self, names: Iterable[str] = (), around: Names | None = None) -> None:
        self._around = around
        self._names: set[str] = set()
        self._root = _Branch()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Make a name known. What does not begin like a name cannot be told from a literal, and stays unknown."""
        if name in self._names:
            return
        self._names.add(name)
        try:
            *tokens, _ = tokenize(name)
        except FeelSyntaxError:
            return
        if not tokens or len(tokens) > LONGEST_NAME:
            return
        if tokens[0].kind != "name" and (tokens[0].text != "?" or len(tokens) == 1):
            return
        branch = self._root
        for index, token in enumerate(tokens):
            branch = branch.setdefault((token.text, token.space and index > 0), _Branch())
        branch.name = branch.name or name

    def declares(self, name: str, until: Names | None = None) -> bool:
        """Whether this scope or one around it, up to but without `until`, has the name."""
        scope: Names | None = self
        while scope is not None and scope is not until:
            if name in scope._names:
                return True
            scope = scope._around
        return False

    def match(self, tokens: list[Token], start: int) -> tuple[str, int] | None:
        """The longest known name that begins at a token, and how many tokens it takes."""
        best: tuple[str, int] | None = None
        first = (tokens[start].text, False)
        scope: Names | None = self
        while scope is not None:
            branch, length = scope._root.get(first), 1
            while branch is not None:
                if branch.name is not None and (best is None or length > best[1]):
                    best = (branch.name, length)
                if start + length == len(tokens):
                    break
                following = tokens[start + length]
                branch = branch.get((following.text, following.space))
                length += 1
            scope = scope._around
        return best
