"""What a text of a table depends on: the constants in it, and whether anything but the value under test.

A text is read once more for this, by a parser that listens: loading and evaluation know nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import DecimalException
from typing import Any, NamedTuple

from mlc.dmn.errors import FeelError, FeelSyntaxError, LimitExceededError, Place
from mlc.dmn.feel import reading, unary
from mlc.dmn.feel.cursor import Node
from mlc.dmn.feel.lexer import Token
from mlc.dmn.feel.parser import Parser
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import NUMBERS, Range
from mlc.dmn.feel.vocabulary import Vocabulary

#: Steps that the constants of one text may take to work out: a cell has a handful of literals, or one call of `date`.
STEPS = 2_000
#: Tokens that the constants of one text have, each counted as often as it is worked out.
WORK = 20_000
_NUMBER = r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_STRING = r'"[^"\\]*"'
#: Most cells of real tables. They need no parser.
_NUMERIC = re.compile(rf"(?:[<>]=?|!?=)?\s*{_NUMBER}|[\[\](]\s*{_NUMBER}\s*\.\.\s*{_NUMBER}\s*[\])\[]")
_NUMBERS = re.compile(_NUMBER)
_STRINGS = re.compile(rf"{_STRING}(?:\s*,\s*{_STRING})*")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL_ALONE = re.compile(rf"{_NUMBER}|{_STRING}|true|false")
_NULL = re.compile(r"\bnull\b")
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})


class Reading(NamedTuple):
    """What a text says: `plain` if its answer can change at its `constants` only; the `paths` of the names it reads."""

    constants: tuple[Value, ...]
    plain: bool
    paths: tuple[str, ...] = ()


_BEYOND = Reading((), False)


class _Listener(Parser):
    """A parser that keeps every expression that it has read, and the paths of names in them.

    `work` counts the tokens of these expressions, those of inner ones with every outer one again.
    """

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        super().__init__(text, vocabulary, Place())
        self.nodes: list[Node] = []
        self.paths: list[str] = []
        self.work = 0

    def heard(self, node: Node, start: int) -> Node:
        self.nodes.append(node)
        self.work += self.index - start
        return node

    def expression(self) -> Node:
        start = self.index
        return self.heard(super().expression(), start)

    def endpoint(self) -> Node:
        start = self.index
        return self.heard(super().endpoint(), start)

    def operation(self, *given: Any, **named: Any) -> Node:
        start = self.index
        return self.heard(super().operation(*given, **named), start)

    def comparison(self, left: Node, *given: Any, **named: Any) -> Node:
        self.heard(left, 0)
        return super().comparison(left, *given, **named)

    def name(self) -> Node | None:
        start = self.token.position
        node = super().name()
        if node is not None and not node.constant:
            self.paths.append(" ".join(self.text[start : self.token.position].split()))
        return node

    def member_name(self) -> str:
        name = super().member_name()
        if self.paths:
            self.paths[-1] += f".{name}"
        return name


def is_simple(text: str) -> bool:
    """Whether a cell needs no parser to be read."""
    return _NUMERIC.fullmatch(text) is not None or _STRINGS.fullmatch(text) is not None


def cell(text: str, vocabulary: Vocabulary) -> Reading:
    """What the text of a cell depends on, which is in FEEL and compiles."""
    text = text.strip()
    if _NUMERIC.fullmatch(text):
        try:
            ends = [_NUMBERS.findall(part)[0] for part in text.split("..")]
            return Reading(tuple(NUMBERS.create_decimal(end) for end in ends), True)
        except DecimalException:
            return _BEYOND
    if _STRINGS.fullmatch(text):
        return Reading(tuple(re.findall(r'"([^"]*)"', text)), True)
    listeners: list[_Listener] = []

    def begin() -> _Listener:
        listeners.append(_Listener(text, _apart(vocabulary)))
        return listeners[-1]

    try:
        unary.tests(begin)
    except (FeelSyntaxError, RecursionError):
        return _BEYOND
    return _reading(listeners[-1])


def names_null(text: str) -> bool:
    """Whether a cell names null."""
    return "null" in text and _NULL.search(_LITERAL.sub('""', text)) is not None


def expression(text: str, vocabulary: Vocabulary) -> Reading:
    """What the text of an expression depends on; it is plain if it has one value in every scope, at any time."""
    if _LITERAL_ALONE.fullmatch(text.strip()):
        return Reading((), True)
    try:
        listener = _Listener(text, _apart(vocabulary))
        listener.expression()
        listener.end()
    except (FeelSyntaxError, RecursionError):
        return _BEYOND
    return _reading(listener)


def _apart(vocabulary: Vocabulary) -> Vocabulary:
    """The same names, with what is found to be free kept apart from the model's."""
    inner = vocabulary.inside()
    inner.free, inner.optional, inner.instead = {}, {}, {}
    inner.needed, inner.spared = set(), set()
    inner.reading = reading.Reading()
    return inner


def _reading(listener: _Listener) -> Reading:
    paths = tuple(listener.paths)
    if paths or listener.work > WORK or not _compares_only(listener.tokens):
        return Reading((), False, paths)
    run = Run()
    run.steps = STEPS
    found: list[Value] = []
    try:
        for node in listener.nodes:
            found += _scalars(node.code({}, run))
    except (FeelError, LimitExceededError, RecursionError, ArithmeticError):
        return _BEYOND
    return Reading(tuple(found), run.clock is None)


def _scalars(value: Value) -> Iterator[Value]:
    """The values at which a test of being in a value may change its answer."""
    if isinstance(value, Range):
        yield from (end for end in (value.low, value.high) if end is not None)
    elif isinstance(value, list):
        for item in value:
            if not isinstance(item, list):
                yield from _scalars(item)
    else:
        yield value


def _compares_only(tokens: list[Token]) -> bool:
    """Whether each `?` is one whole side of a comparison, of `in` or of `between`: then only what it is compared with
    can make a difference, and that is among what the listener has heard.
    """
    for index, token in enumerate(tokens):
        if token.kind != "symbol" or token.text != "?":
            continue
        before = tokens[index - 1].text if index else "("
        after = tokens[index + 1]
        left = before in ("(", "and", "or", ",", "if", "then", "else") and (
            after.text in _COMPARISONS or after.text in ("in", "between")
        )
        right = before in _COMPARISONS and (
            after.kind == "end" or after.text in (")", "and", "or", ",", "then", "else")
        )
        if not (left or right):
            return False
    return True
