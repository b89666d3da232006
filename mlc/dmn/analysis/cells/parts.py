"""The tests that a cell consists of, and the values on an ordered line that pass them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlc.dmn.analysis.closed import Closed, Reader
from mlc.dmn.feel.lexer import Token
from mlc.dmn.feel.primary import RELATIONS
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.values import Range

from .spans import Span

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


class Part(NamedTuple):
    """One test of a cell.

    `form`: "relation" (with its `symbol`), "range", "value", or "other" for what asks for a name or for `?`. `ends` are
    what stands behind the relation, the two ends, or the value.
    """

    text: str
    tokens: list[Token]
    form: str
    symbol: str = ""
    ends: tuple[Closed, ...] = ()
    low_closed: bool = True
    high_closed: bool = True

    def values(self) -> list[Value]:
        """The constants in it, those of lists and ranges, too."""
        found: list[Value] = []
        for end in self.ends:
            items = end.value if isinstance(end.value, list) else [end.value]
            for item in items:
                found += [item.low, item.high] if isinstance(item, Range) else [item]
        return [value for value in found if value is not None]

    def spans(self) -> list[Span] | None:
        """The values that pass it; None when they do not lie on a line. Null is on none."""
        if self.form == "other" or any(end.problems for end in self.ends):
            return None
        if self.form == "range":
            low, high = (end.value for end in self.ends)
            return None if low is None or high is None else [Span(low, self.low_closed, high, self.high_closed)]
        value = self.ends[0].value
        if self.form == "relation":
            return _related(self.symbol, value)
        if self.ends[0].truth:
            return None
        items = value if isinstance(value, list) else [value]
        return [
            Span(item.low, item.low_closed, item.high, item.high_closed)
            if isinstance(item, Range)
            else Span(item, True, item, True)
            for item in items
            if item is not None
        ]


class Cell(NamedTuple):
    """A cell: one of the `parts` must pass, or, if it is `negated`, none."""

    text: str
    parts: list[Part]
    negated: bool = False

    def replaced(self, part: Part, text: str) -> str:
        """The cell with another text in the place of one of its parts."""
        return self.replaced_all([(part, text)])

    def replaced_all(self, texts: Sequence[tuple[Part, str]]) -> str:
        """The cell with other texts in the places of some of its parts."""
        found = self.text
        for part, text in sorted(texts, key=lambda pair: -pair[0].tokens[0].position):
            found = found[: part.tokens[0].position] + text + found[_end(part.tokens[-1]) :]
        return found


def cell_of(text: str, reader: Reader) -> Cell | None:
    """The parts of a cell; None for one that cannot be cut into parts."""
    tokens = reader.tokens(text)
    if not tokens:
        return None
    negated = _negated(tokens)
    if negated:
        tokens = tokens[2:-1]
    pieces = split(tokens)
    if not all(pieces):
        return None
    return Cell(text, [_part(text, piece, reader) for piece in pieces], negated)


def split(tokens: Sequence[Token], at: str = ",") -> list[list[Token]]:
    """The tokens between those that are `at`, outside of brackets. `]0..1[` is in brackets, too."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for index, token in enumerate(tokens):
        if token.kind == "symbol":
            first = not pieces[-1]
            if token.text in _OPEN and not (token.text == "[" and _ends_range(tokens, index, depth)):
                depth += 1
            elif token.text == "]" and first and depth == 0:
                depth += 1  # an open range
            elif token.text in _CLOSE or token.text == "[":
                depth -= 1
            elif token.text == at and depth == 0:
                pieces.append([])
                continue
        pieces[-1].append(token)
    return pieces


def _ends_range(tokens: Sequence[Token], index: int, depth: int) -> bool:
    """Whether a `[` is the end of `[0..1[`: something stands before it, and a comma, a bracket or nothing behind."""
    following = tokens[index + 1].text if index + 1 < len(tokens) else ""
    return depth > 0 and index > 0 and following in ("", ",", ")")


def _negated(tokens: Sequence[Token]) -> bool:
    if len(tokens) < 4 or (tokens[0].text, tokens[1].text) != ("not", "("):
        return False
    depth = 0
    for index, token in enumerate(tokens[1:], 1):
        if token.kind == "symbol" and token.text in "()":
            depth += 1 if token.text == "(" else -1
            if depth == 0:
                return index == len(tokens) - 1
    return False


def _end(token: Token) -> int:
    return token.position + len(token.text)


def text_of_tokens(text: str, tokens: Sequence[Token]) -> str:
    """The text that some tokens in a row have been cut from."""
    return text[tokens[0].position : _end(tokens[-1])] if tokens else ""


def _part(text: str, tokens: list[Token], reader: Reader) -> Part:
    own = text_of_tokens(text, tokens)
    first, last = tokens[0].text, tokens[-1].text
    if first in RELATIONS and tokens[0].kind == "symbol":
        bound = reader.closed(text_of_tokens(text, tokens[1:]))
        return Part(own, tokens, "other" if bound is None else "relation", first, () if bound is None else (bound,))
    inner = split(tokens[1:-1], "..") if len(tokens) > 4 and tokens[0].kind == "symbol" else []
    if first in ("[", "(", "]") and last in ("]", ")", "[") and len(inner) == 2 and all(inner):
        ends = tuple(end for piece in inner if (end := reader.closed(text_of_tokens(text, piece))) is not None)
        form = "range" if len(ends) == 2 else "other"
        return Part(own, tokens, form, "", ends if form == "range" else (), first == "[", last == "]")
    value = reader.closed(own)
    return Part(own, tokens, "value" if value is not None else "other", "", () if value is None else (value,))


def _related(symbol: str, bound: Value) -> list[Span] | None:
    if bound is None or isinstance(bound, (list, dict)):
        return None
    return {
        "<": [Span(None, False, bound, False)],
        "<=": [Span(None, False, bound, True)],
        ">": [Span(bound, False, None, False)],
        ">=": [Span(bound, True, None, False)],
        "=": [Span(bound, True, bound, True)],
        "!=": [Span(None, False, bound, False), Span(bound, False, None, False)],
    }[symbol]
