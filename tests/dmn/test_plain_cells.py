"""The usual cells, which are read without the parser, mean what they mean when they are read by it."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.parser import parse_expression, parse_unary_tests
from mlc.dmn.feel.plain import plain_test, plain_value
from mlc.dmn.feel.run import Run
from mlc.dmn.feel.values import Range
from mlc.dmn.feel.vocabulary import Vocabulary

NUMBERS = st.sampled_from(
    ["0", "1", "-1", "0.7", "00.70", "-0", "12345.678", "999999999999999.999999999999999", "1e3", ".5", "5."]
)
STRINGS = st.sampled_from(['"a"', '"B c"', '""', '"a, b"', '"not(1)"', '"é"', '"\\n"', '"a"b"', '"(1..2)"', '"\'"'])
SPACES = st.sampled_from(["", "", " ", "  ", "\n"])


@st.composite
def alternatives(draw: st.DrawFn) -> str:
    space = draw(SPACES)
    kind = draw(st.sampled_from(["relation", "number", "string", "range", "odd"]))
    if kind == "relation":
        return draw(st.sampled_from(["<", "<=", ">", ">=", "=", "!=", "=>", "=="])) + space + draw(NUMBERS)
    if kind == "range":
        begin, end = draw(st.sampled_from("[(]")), draw(st.sampled_from("])["))
        return f"{begin}{draw(NUMBERS)}{space}..{space}{draw(NUMBERS)}{end}"
    if kind == "odd":
        return draw(
            st.sampled_from(["true", "null", "-", "x", "?", "1 2", '"a" "b"', "", "not(1)", "(1)", "[1]", "1+1"])
        )
    return draw(NUMBERS if kind == "number" else STRINGS)


@st.composite
def cells(draw: st.DrawFn) -> str:
    comma = draw(SPACES) + "," + draw(SPACES)
    text = comma.join(draw(st.lists(alternatives(), min_size=1, max_size=4)))
    return (
        draw(st.sampled_from(["{}", "{}", "not({})", "not ( {} )", "{},", "not({}", "not({}))"])).format(text).strip()
    )


VALUES: list[Any] = [
    *map(Decimal, ["-1", "0", "-0", "0.5", "0.7", "0.70", "1", "1.5", "5", "1000", "12345.678", "1e20"]),
    *["", "a", "B c", "a, b", "b", "é", "'", "0.7"],
    *[None, True, False, date(2026, 7, 31), [Decimal(1)], ["a"], {}, Range(Decimal(0), Decimal(1))],
]


@given(cells())
@example('not("a"), "b"')
@example("1,")
@example('"a",,"b"')
@example("not(true)")
@example("true")
@example("[2..1]")
@example("-5")
@example("- 5")
def test_a_cell_that_needs_no_parser_answers_as_the_parsers_does(text: str) -> None:
    found = plain_test(text)
    if found is None:
        return
    test = parse_unary_tests(text, Vocabulary(), Place())
    assert test is not None
    for value in VALUES:
        one, other = Run(), Run()
        answer = found.test(value, {}, one)
        assert (answer, list(one.problems), one.steps) == (test(value, {}, other), list(other.problems), other.steps)


@given(cells())
def test_between_its_numbers_a_cell_has_one_answer(text: str) -> None:
    found = plain_test(text)
    if found is None:
        return
    ends = sorted({*found.numbers})
    between = [(low + high) / 2 for low, high in itertools.pairwise(ends)]
    for low, middle, high in zip(ends, between, ends[1:], strict=False):
        inside = [middle, low + (high - low) / 100, high - (high - low) / 100]
        assert len({found.test(value, {}, Run()) for value in inside}) == 1
    far = [value for value in ("", "zzz", "0.7", "x") if value not in found.strings]
    assert len({found.test(value, {}, Run()) for value in far}) <= 1


@given(st.one_of(NUMBERS, STRINGS, alternatives()))
def test_a_value_that_needs_no_parser_is_the_parsers(text: str) -> None:
    value = plain_value(text)
    if value is not None:
        found = parse_expression(text, Vocabulary(), Place()).code({}, Run())
        assert (value, type(value), str(value)) == (found, type(found), str(found))


@pytest.mark.parametrize(
    "text",
    [
        "< 0.7",
        "[0.1..0.9)",
        "]1..2[",
        '"a"',
        '"a", "b"',
        'not("a", "b")',
        "true",
        "false",
        "1, 2, [5..7]",
        "-1",
        ">= -0.5",
    ],
)
def test_the_usual_cells_need_no_parser(text: str) -> None:
    assert plain_test(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1 +",
        "< x",
        "1e5",
        '"a',
        '"\\u0041"',
        "1,",
        ",1",
        "not()",
        "not(1",
        "1..2",
        "<",
        "1" * 16,
        "null",
        "1" * 501,
        '"' + "a" * 600 + '"',
        "1," * 400 + "1",
    ],
)
def test_all_else_is_for_the_parser(text: str) -> None:
    assert plain_test(text) is None


@pytest.mark.parametrize("text", ["1,", '"a', "<", "not(1", "1 2"])
def test_what_does_not_parse_is_left_to_who_says_so(text: str) -> None:
    assert plain_test(text) is None
    with pytest.raises(FeelSyntaxError):
        parse_unary_tests(text, Vocabulary(), Place())
