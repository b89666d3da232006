"""Files that are meant to do harm end quickly, with a problem that says why."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlc.dmn
from mlc.dmn import DmnError, Kind
from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.parser import parse_expression, parse_unary_tests
from mlc.dmn.feel.run import Run
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.script import parse_script


@pytest.fixture(autouse=True)
def quickly():
    """Every one of these takes well under a second; the bound is wide because machines are shared."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE definitions>",
        '<!DOCTYPE definitions [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE definitions SYSTEM "file:///etc/passwd">',
    ],
)
def test_a_doctype_of_any_kind_is_refused(definitions, head) -> None:
    data = definitions("<decision id='d' name='d'/>").replace(b"<definitions", head.encode() + b"<definitions", 1)
    with pytest.raises(DmnError, match="DOCTYPE") as caught:
        mlc.dmn.load(data)
    assert caught.value.problems[0].kind == Kind.HOSTILE


def test_an_oversized_file_is_refused_without_reading_all_of_it(tmp_path) -> None:
    path = tmp_path / "huge.dmn"
    with path.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(DmnError, match="more than the 1,048,576 bytes"):
        mlc.dmn.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 9_000 + "1" + ")" * 9_000,
        "[" * 19_000,
        "]" * 19_000,
        "-" * 10_000 + "(" * 9_000,
        "not(" * 4_000,
        "x in (" * 3_000,
        "if " * 6_000,
        "for x in " * 2_000,
        "{a:" * 6_000,
        "function(a) " * 1_500,
        "a[" * 9_000,
        "f(" * 9_000,
        "x" + ".y" * 9_000,
        "1" + "[1]" * 6_000,
        "(<" * 9_000,
        "/*" * 9_000,
        '"' + "\\" * 9_001,
        "list<" * 3_000,
        "1 instance of " + "list<" * 3_000,
        "1 instance of number " * 900,
    ],
)
def test_deep_nesting_of_every_kind_is_a_problem_of_the_cell(table, text) -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(table(["a"], ["x"], [[text, "1"], ["1", text]]))
    assert [problem.rule for problem in caught.value.problems] == [1, 2]


def test_deeply_nested_boxes_are_refused(definitions) -> None:
    body = "<context><contextEntry>" * 5_000 + "</contextEntry></context>" * 5_000
    with pytest.raises(DmnError, match="nested more than"):
        mlc.dmn.load(definitions(f'<decision id="d" name="d">{body}</decision>'))


def test_a_business_knowledge_model_that_calls_itself_reaches_a_limit(definitions) -> None:
    body = """<businessKnowledgeModel id="f" name="f"><encapsulatedLogic><formalParameter name="n"/><literalExpression>
      <text>if n = 0 then 0 else 1 + f(n - 1)</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>
      <decision id="d" name="d"><knowledgeRequirement id="k"><requiredKnowledge href="#f"/></knowledgeRequirement>
      <literalExpression><text>f(start)</text></literalExpression></decision>"""
    model = mlc.dmn.load(definitions(body))
    assert model.evaluate({"start": 20}).result == 20
    evaluation = model.evaluate({"start": 10**6})
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])


def test_a_long_chain_of_operators_is_no_deep_one(feel) -> None:
    assert feel("1" + "+1" * 9_000).result == Decimal(9_001)
    assert feel("true" + " and true" * 1_900).result is True


@pytest.mark.parametrize(
    "text",
    [
        "for x in 1..30000, y in 1..30000 return x * y",
        "count(for x in 1..999999999999 return x)",
        "some x in 1..30000, y in 1..30000 satisfies x < 0",
        "{f: function(g, n) g(g, n) + 1, r: f(f, 1)}.r",
        "{f: function(g) g(g), r: f(f)}.r",
        '{f: function(g, s) g(g, s + s), r: f(f, "xxxxxxxxxxxxxxxx")}.r',
        "{f: function(g, l) g(g, concatenate(l, l)), r: f(f, [1,2,3,4])}.r",
        "(for x in 1..100000 return x)[item > (for y in 1..100000 return y)[1]]",
        "distinct values(for x in 1..100000 return [x])",
    ],
)
def test_an_expression_without_end_reaches_a_limit(feel, text) -> None:
    evaluation = feel(text)
    assert evaluation.result is None
    assert [problem.kind for problem in evaluation.problems if problem.kind != Kind.UNKNOWN_NAME] == [Kind.LIMIT]


@pytest.mark.parametrize("text", ["9**(9**(9**9))", "10**6000 * 10**6000", "exp(10**10)", "(-1)**0.5"])
def test_a_number_out_of_range_is_null_and_a_problem(feel, text) -> None:
    evaluation = feel(text)
    assert (evaluation.result, {problem.kind for problem in evaluation.problems}) == (None, {Kind.ARITHMETIC})


def test_a_tower_of_powers_ends(feel) -> None:
    assert feel("9**9**9**9").result == Decimal(9) ** 729 or feel("9**9**9**9").result > 10**695


def test_an_input_nested_without_end_is_a_problem(feel) -> None:
    deep: list[object] = []
    deep.append(deep)
    (problem,) = feel("a", a=deep).problems
    assert (problem.kind, problem.input) == (Kind.LIMIT, "a")


WORDS = """
    a b-c "s" 1 .5 1..2 [ ] ( ) { } , . : ? - + * / ** < <= > >= = != .. -> @"P1D" @"x" and or not( if then else for in
    return some every satisfies between instance of function null true false date( count( x y item partial number
    list< > // /* */ ' \\ \u00e9 \U0001f40e && || ! == .equals( ${"""
PIECES = st.sampled_from(WORDS.split())
TEXTS = st.one_of(
    st.text(max_size=40), st.lists(PIECES, max_size=25).map(" ".join), st.lists(PIECES, max_size=25).map("".join)
)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_the_parsers_raise_nothing_but_their_own_error_and_what_they_accept_evaluates(text) -> None:
    for parse in (parse_expression, parse_unary_tests, parse_script):
        try:
            made = parse(text, Vocabulary(), Place())
        except FeelSyntaxError:
            continue
        if parse is parse_unary_tests:
            for value in (None, Decimal(1), "s", True, [Decimal(1)], {"a": None}):
                assert made is None or made(value, {}, Run()) in (True, False, None)
        else:
            made.code({"a": Decimal(1), "x": ["s"]}, Run())


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: f"<definitions>{text}</definitions>".encode())
    )
)
def test_loading_bytes_raises_nothing_but_dmn_errors(data) -> None:
    with pytest.raises(DmnError):
        mlc.dmn.load(data)


NUMBERS = st.decimals(-1000, 1000, places=2)


@settings(max_examples=200, deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.booleans())
def test_a_range_agrees_with_comparisons(value, low, high, low_closed, high_closed) -> None:
    cell = f"{'[' if low_closed else ']'}{low:f}..{high:f}{']' if high_closed else '['}"
    same = f"? {'>=' if low_closed else '>'} {low:f} and ? {'<=' if high_closed else '<'} {high:f}"
    expected = (low <= value if low_closed else low < value) and (value <= high if high_closed else value < high)
    for text in (cell, same, f"? in {cell}", f"not(not(? in {cell}))"):
        test = parse_unary_tests(text, Vocabulary(), Place())
        assert test is not None
        assert test(value, {}, Run()) is expected


@settings(max_examples=200, deadline=None)
@given(NUMBERS, NUMBERS)
def test_arithmetic_is_that_of_decimals(one, other) -> None:
    for symbol, wanted in (("+", one + other), ("-", one - other), ("*", one * other)):
        assert parse_expression(f"{one:f} {symbol} {other:f}", Vocabulary(), Place()).code({}, Run()) == wanted
