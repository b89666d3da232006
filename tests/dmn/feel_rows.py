"""Rows of tests written as `expression => what it must be`, both in FEEL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mlc.dmn.errors import Place
from mlc.dmn.feel.parser import parse_expression
from mlc.dmn.feel.run import Run
from mlc.dmn.feel.values import text_of
from mlc.dmn.feel.vocabulary import Vocabulary


def answer(text: str, /, **scope: Any) -> tuple[Any, list[str]]:
    """The value of an expression, and the messages of its problems. Raises FeelSyntaxError and LimitExceededError."""
    vocabulary, run = Vocabulary(), Run()
    for name in scope:
        vocabulary.names.add(name)
    value = parse_expression(text, vocabulary, Place()).code(scope, run)
    return value, [problem.message for problem in run.problems]


def rows(table: str) -> Any:
    """Parameters `expression` and `wanted`, one pair for each line."""
    pairs = [line.partition(" => ") for line in map(str.strip, table.strip().splitlines()) if line]
    assert all(separator for _, separator, _ in pairs), "a row has no =>"
    return pytest.mark.parametrize(("expression", "wanted"), [(one, other.strip()) for one, _, other in pairs])


def check(expression: str, wanted: str) -> None:
    """The expression must be what is wanted, of the same type, and raise no problem unless it is null."""
    value, problems = answer(expression)
    expected, _ = answer(wanted)
    assert type(value) is type(expected), (value, problems)
    # Texts, since they tell zones and offsets apart, which are equal as moments.
    assert text_of(value, inner=True) == text_of(expected, inner=True)
    if isinstance(value, Decimal):
        assert value == expected
    if expected is not None:
        assert problems == []
