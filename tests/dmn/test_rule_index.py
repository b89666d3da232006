"""A table whose rules are found by an index answers what it answers when all its rules are looked at: the same rules in
the same order, the same problems in the same order, the same number of steps.
"""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from property_settings import examples

import mlc.dmn
from mlc.dmn import tables
from mlc.dmn.errors import LimitExceededError
from mlc.dmn.feel.run import Run
from mlc.dmn.feel.values import Range
from mlc.dmn.tables import DecisionTable

USUAL = st.one_of(
    st.integers(-2, 8).map(str),
    st.tuples(st.sampled_from(["<", "<=", ">", ">="]), st.integers(-2, 8)).map(lambda pair: f"{pair[0]} {pair[1]}"),
    st.tuples(st.sampled_from("[(]"), st.integers(-1, 5), st.integers(-1, 7), st.sampled_from("])[")).map(
        lambda one: f"{one[0]}{one[1]}..{one[2]}{one[3]}"
    ),
    st.sampled_from(['"a"', '"b"', '"a", "b"', 'not("a")', 'not("a", 3)', "1, 2, [5..6]", '3, "a"', "not(< 3)"]),
    st.sampled_from(["true", "false", "-", "-", "0.5", "not(1, 2)", "(1..1)", "[7..2]", '"a", "a"', "2, 2"]),
)
UNUSUAL = st.sampled_from(
    [
        *["null", "? > 2", "other", "< other", "? / 0 > 1", "? = null", 'starts with(?, "a")', "[other..9]", "= 3"],
        *["!= 3", '!= "a"', "count([1, 2, ?]) = 3", "not(null)", "-, 1", "1 + 1", 'date("2026-07-31")', "missing"],
        *["< missing", "[1, 2]", "some x in 1..9000 satisfies x < 0", "?", "not(?)"],
    ]
)
VALUES = st.one_of(
    st.integers(-3, 9).map(Decimal),
    st.sampled_from([Decimal("0.5"), Decimal("1.0"), Decimal("2.5"), Decimal("6.9"), Decimal("1e30"), Decimal("-0")]),
    st.sampled_from(["a", "b", "c", "", None, True, False, date(2026, 7, 31), [Decimal(1)], [], {"a": Decimal(1)}]),
    st.just(Range(Decimal(1), Decimal(2))),
)
POLICIES = st.sampled_from(["COLLECT", "UNIQUE", "FIRST", "ANY", "RULE ORDER"])


def table(rows: list[list[str]], policy: str, fewest: int, types: str = "") -> DecisionTable:
    """The table with these cells, the last of each row an output; looked up by an index from `fewest` rules on."""
    width = len(rows[0]) - 1
    heads = "".join(
        f'<input label="c{n}"><inputExpression{types}><text>c{n}</text></inputExpression></input>' for n in range(width)
    )
    cells = [[escape(cell, quote=False) for cell in row] for row in rows]
    rules = "\n".join(
        f'<rule id="r{n}">'
        + "".join(f"<inputEntry>\n<text>{cell}</text></inputEntry>" for cell in row[:-1])
        + f"<outputEntry><text>{row[-1]}</text></outputEntry></rule>"
        for n, row in enumerate(cells)
    )
    needs = '<informationRequirement><requiredInput href="#o"/></informationRequirement>'
    data = (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" namespace="n" name="m">'
        f'<inputData id="o" name="other"/><decision id="d" name="d">{needs}'
        f'<decisionTable hitPolicy="{policy}">{heads}<output name="o"/>{rules}</decisionTable></decision></definitions>'
    )
    with patch.object(tables, "FEWEST", fewest):
        return mlc.dmn.load(data.encode(), strict=False, max_bytes=10**7).tables[0].table


def outcome(made: DecisionTable, values: dict[str, Any]) -> tuple[Any, ...]:
    """All that can be told of an evaluation, lines of problems included."""
    run = Run()
    run.missing.update({"missing"})
    try:
        result = made(dict(values), run)
    except LimitExceededError as error:
        result = str(error)
    matched = [(rule.index, rule.id, rule.outputs, [*map(str, rule.conditions)]) for rule in run.matched]
    problems = [(str(problem), problem.kind, problem.input, problem.place.line) for problem in run.problems]
    return repr(result), matched, problems, run.steps


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[str]], list[dict[str, Any]], str]:
    width = draw(st.integers(1, 4))
    odd = draw(st.integers(0, 3))  # how many cells of four are expressions, at most
    cell = st.integers(0, 7).flatmap(lambda one: UNUSUAL if one < odd else USUAL)
    row = st.tuples(*[cell] * width, st.sampled_from(["1", "2", '"x"', "c0", "1 / 0"])).map(list)
    rows = draw(st.lists(row, min_size=1, max_size=24))
    values = st.fixed_dictionaries({f"c{n}": VALUES for n in range(width)}, optional={"other": VALUES})
    return rows, draw(st.lists(values, min_size=1, max_size=5)), draw(POLICIES)


@examples(150)
@given(cases())
def test_a_table_with_an_index_answers_as_one_without(case) -> None:
    rows, inputs, policy = case
    indexed, plain = table(rows, policy, 1), table(rows, policy, 10**9)
    assert (indexed.index is None, plain.index is None) == (False, True)
    for values in inputs:
        assert outcome(indexed, values) == outcome(plain, values)
        looked_at = indexed.index.candidates([*map(values.get, (f"c{n}" for n in range(len(rows[0]) - 1)))], Run())
        event("fewer rules were looked at" if len(looked_at) < len(rows) else "all rules were looked at")


@examples(15)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), min_size=300, max_size=400), st.integers(0, 460))
def test_the_sets_between_many_numbers_are_right(spans, value) -> None:
    rows = [[f"[{low}..{low + length})", f"< {low + 30}", "1"] for low, length in spans]
    made = table(rows, "COLLECT", 1)
    wanted = [n for n, (low, length) in enumerate(spans, 1) if low <= value < low + length and value < low + 30]
    for at in (Decimal(value), Decimal(value) - Decimal("0.5"), Decimal(value)):
        run = Run()
        made({"c0": at, "c1": at}, run)
        found = [rule.index for rule in run.matched]
    assert found == wanted


def test_few_rules_of_many_are_looked_at() -> None:
    rows = [[f"[{n}..{n + 2})", f'"a{n % 10}"', "> 5" if n % 2 else "-", "1"] for n in range(1000)]
    index = table(rows, "COLLECT", 1).index
    assert index is not None
    chosen = index.candidates([Decimal(500), "a0", Decimal(1)], Run())
    assert [rule.index for rule in chosen] == [501]
    assert index.candidates([Decimal(500), "a9", Decimal(1)], Run()) == []
    assert len(index.candidates([Decimal(500), date(2026, 7, 31), Decimal(1)], Run())) == 1000


def test_a_small_table_has_no_index() -> None:
    rows = [["1", "1"]] * (tables.FEWEST - 1)
    assert table(rows, "COLLECT", tables.FEWEST).index is None
    assert table([*rows, ["1", "1"]], "COLLECT", tables.FEWEST).index is not None


def test_a_cell_in_another_language_is_no_usual_one() -> None:
    rows = [["5", "1"]] * 100
    with patch.object(tables, "FEWEST", 1):
        data = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="m"><decision id="d" name="d">
          <decisionTable hitPolicy="COLLECT"><input><inputExpression><text>c0</text></inputExpression></input>
          <output name="o"/>%s</decisionTable></decision></definitions>""" % (
            b'<rule><inputEntry expressionLanguage="juel"><text>true</text></inputEntry>'
            b"<outputEntry><text>1</text></outputEntry></rule>"
            b"<rule><inputEntry><text>true</text></inputEntry><outputEntry><text>2</text></outputEntry></rule>" * 20
        )
        model = mlc.dmn.load(data)
    assert table(rows, "COLLECT", 1).index is not None
    for _ in range(2):
        assert len(model.evaluate({"c0": True}).matched_rules) == 40
        assert len(model.evaluate({"c0": False}).matched_rules) == 20


def test_the_making_of_an_index_takes_nothing_of_an_evaluations_time() -> None:
    run = Run()
    run.look_at_the_clock()
    left = run.deadline - time.thread_time()
    with run.untimed():
        begin = time.thread_time()
        while time.thread_time() < begin + 0.05:
            pass
    assert run.deadline - time.thread_time() == pytest.approx(left, abs=0.02)


def test_ten_thousand_rules_take_about_as_long_as_a_thousand() -> None:
    def seconds(count: int) -> float:
        rows = [[f"[{n}..{n + 2})", f"< {n + 7}", 'not("x")', "1"] for n in range(count)]
        made = table(rows, "COLLECT", 64)
        values = [{"c0": Decimal(n), "c1": Decimal(n), "c2": "y"} for n in range(1, 1000, 10)]
        assert {len(outcome(made, one)[1]) for one in values} == {2}
        best = 9.0
        for _ in range(7):
            start = time.thread_time()
            for one in values:
                made(one, Run())
            best = min(best, time.thread_time() - start)
        return best

    assert seconds(10_000) < 3 * seconds(1_000)
