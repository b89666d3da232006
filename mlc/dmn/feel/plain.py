"""The usual cells of decision tables, read without a parser: numbers, strings and booleans, compared or in ranges.

`< 0.7`, `[0.1..0.9)`, `"low", "medium"`, `not("high")`, `true`: nearly all cells of large tables are like these. What
they mean is what `unary` says, by which these are compiled, too; all else is for the parser. Such a text asks for no
name, takes no steps and notes no problem, so that it is one and the same wherever it stands.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from . import unary
from .run import Test, Value
from .values import Range

#: Longest text that is looked at.
LONGEST = 500

# So many digits at most that a number between two others has no more than decimal128 holds.
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_STRING = r'"[^"\\\n]*"'
_ONE = re.compile(
    rf"\s*(?:(?P<relation><=|>=|<|>)\s*(?P<bound>{_NUMBER})|(?P<number>{_NUMBER})|(?P<string>{_STRING})"
    rf"|(?P<open>[\[(\]])\s*(?P<low>{_NUMBER})\s*\.\.\s*(?P<high>{_NUMBER})\s*(?P<close>[\])\[]))\s*(?:,(?=.)|\Z)",
    re.DOTALL,
)
_NEGATED = re.compile(r"not\s*\((.*)\)", re.DOTALL)
_LITERAL = re.compile(rf"(?P<number>{_NUMBER})|{_STRING}")
_WORDS = {"true": True, "false": False}


class Plain(NamedTuple):
    """A cell: its test, its form, and the numbers and strings in it.

    To all numbers between two of its own that follow each other the test has one answer, and so to all strings but its
    own. Cells of one form whose numbers and strings are in the same order have the same answers.
    """

    test: Test
    form: str
    numbers: tuple[Decimal, ...] = ()
    strings: tuple[str, ...] = ()


def plain_test(text: str) -> Plain | None:
    """A cell; None for one that the parser has to read."""
    if len(text) > LONGEST:
        return None
    if text in _WORDS:
        return Plain(unary.of_constant(_WORDS[text]), text)
    negated = _NEGATED.fullmatch(text) if text.startswith("not") else None
    rest = negated.group(1) if negated else text
    alternatives: list[Test] = []
    numbers: list[Decimal] = []
    strings: list[str] = []
    form = "not" if negated else ""
    position = 0
    while not alternatives or position < len(rest):
        match = _ONE.match(rest, position)
        if match is None:
            return None
        position = match.end()
        relation, bound, number, string, begin, low, high, close = match.groups()
        if relation:
            numbers.append(limit := Decimal(bound))
            alternatives.append(unary.against_number(relation, limit))
            form += relation
        elif number:
            numbers.append(limit := Decimal(number))
            alternatives.append(unary.of_constant(limit))
            form += "n"
        elif string:
            strings.append(string[1:-1])
            alternatives.append(unary.of_constant(string[1:-1]))
            form += "s"
        else:
            ends = Decimal(low), Decimal(high)
            numbers += ends
            alternatives.append(unary.of_constant(Range(*ends, begin == "[", close == "]")))
            form += begin + close
    test = unary.any_of(alternatives)
    return Plain(unary.none_of(test) if negated else test, form, tuple(numbers), tuple(strings))


def plain_value(text: str) -> Value | None:
    """The number, string or boolean that a text is; None for what the parser has to read."""
    if text in _WORDS:
        return _WORDS[text]
    match = _LITERAL.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    return Decimal(text) if match["number"] else text[1:-1]
