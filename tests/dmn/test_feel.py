"""FEEL's grammar and built-ins, by examples written from the specification."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from feel_rows import check, rows

import mlc.dmn
from mlc.dmn import Kind, YearsMonthsDuration
from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.parser import parse_expression, parse_unary_tests
from mlc.dmn.feel.run import Run
from mlc.dmn.feel.values import text_of
from mlc.dmn.feel.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3 ** 2", 19),
        ("-3 ** 2", 9),
        ("2 ** 3 ** 2", 64),
        ("10 - 4 - 3", 3),
        ("1 / 3 * 3 = 1", False),
        ("0.1 + 0.2 = 0.3", True),
        ("1.5e3", 1500),
        ("5 between 1 and 5 and true", True),
        ("5 in (<3, >= 5)", True),
        ("5 in [1..5)", False),
        ("3 in (1..5)", True),
        ('"b" in ("a", "b")', True),
        ("null = null", True),
        ("null != 1", True),
        ("true or null", True),
        ("false and null", False),
        ("true and null", None),
        ("if null then 1 else 2", 2),
        ("for x in 1..3, y in x..3 return x * y", [1, 2, 3, 4, 6, 9]),
        ("for i in 3..1 return i", [3, 2, 1]),
        ("for i in 1..5 return if i < 3 then 1 else partial[-1] + partial[-2]", [1, 1, 2, 3, 5]),
        ("some x in [1, 2, 3] satisfies x > 2", True),
        ("every x in [1, 2, 3] satisfies x > 2", False),
        ("every x in [] satisfies x > 2", True),
        ("[10, 20, 30][2]", 20),
        ("[10, 20, 30][-1]", 30),
        ("[10, 20, 30][item > 15]", [20, 30]),
        ("[{a: 1, b: 2}, {a: 3, b: 4}][a > 1].b", [4]),
        ("[{a: 1}, {a: 3}].a", [1, 3]),
        ('{"a b": 1, c: a b + 1}.c', 2),
        ("{a: {b: {c: 5}}}.a.b.c", 5),
        ("(function(a, b) a - b)(b: 1, a: 5)", 4),
        ("{double: function(x: number) x * 2, y: double(4)}.y", 8),
        ("1 instance of number", True),
        ('["a"] instance of list<string>', True),
        ("null instance of number", False),
        ('@"2026-07-31" instance of date', True),
        ("[1..5].start included", True),
        ("// a comment\n1 /* and another */ + 1", 2),
        (r'"a\"b\\c\u0041\n"', 'a"b\\cA\n'),
        ('"\U0001f40e" + "x"', "\U0001f40ex"),
    ],
)
def test_expressions(feel, text, wanted) -> None:
    evaluation = feel(text)
    assert (evaluation.result, evaluation.problems) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('date("2026-07-31")', date(2026, 7, 31)),
        ("date(2026, 7, 31)", date(2026, 7, 31)),
        ('time("10:30:00") - time("09:00:00")', timedelta(hours=1, minutes=30)),
        ('date and time("2026-07-31T10:30:00").hour', 10),
        ('@"2026-01-31" + duration("P1M")', date(2026, 2, 28)),
        ('@"2026-07-31" - @"2026-07-01"', timedelta(days=30)),
        ('duration("P1DT2H") * 2', timedelta(days=2, hours=4)),
        ('duration("P1Y2M")', YearsMonthsDuration(14)),
        ('duration("P1D") / duration("PT6H")', 4),
        ('years and months duration(@"2024-12-31", @"2026-01-01")', YearsMonthsDuration(12)),
        ('day of week(@"2026-07-31")', "Friday"),
        ('@"2026-07-31".weekday', 5),
        ('time(@"2026-07-31T10:30:00")', time(10, 30)),
        ('@"2026-07-31T10:00:00+02:00" = @"2026-07-31T08:00:00Z"', True),
        ('@"2026-07-31" in [@"2026-01-01"..@"2026-12-31"]', True),
    ],
)
def test_dates_times_and_durations(feel, text, wanted) -> None:
    evaluation = feel(text)
    assert (evaluation.result, evaluation.problems) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('substring("foobar", -3, 2)', "ba"),
        ('substring(string: "foobar", start position: 3)', "obar"),
        ('string length("a\U0001f40e")', 2),
        ('substring before("a=b", "=") + substring after("a=b", "=")', "ab"),
        ('upper case("a") + lower case("B")', "Ab"),
        ('contains("foobar", "ob")', True),
        ('string join(["a", null, "b"], "-")', "a-b"),
        ('number("1.000,5", ".", ",")', Decimal("1000.5")),
        ("string(1.50)", "1.5"),
        ('string({a: ["x", null, true]})', '{a: ["x", null, true]}'),
        ("min(3, 1, 2) + max([3, 1, 2])", 4),
        ("sum([1, 2, 3.5])", Decimal("6.5")),
        ("mean(1, 2)", Decimal("1.5")),
        ("median([5, 1, 3])", 3),
        ("stddev(2, 4, 7, 5)", Decimal("2.081665999466132735282297706979931")),
        ("mode(6, 3, 9, 6, 6)", [6]),
        ("count([])", 0),
        ("all([true, null])", None),
        ("any([true, null])", True),
        ("concatenate([1], [2, 3], [4])", [1, 2, 3, 4]),
        ("append([1], 2, 3)", [1, 2, 3]),
        ("insert before([1, 3], 2, 2)", [1, 2, 3]),
        ("remove([1, 2, 3], 2)", [1, 3]),
        ("list replace([1, 2, 3], -1, 9)", [1, 2, 9]),
        ("index of([1, 2, 1], 1)", [1, 3]),
        ("distinct values([1, 2, 1])", [1, 2]),
        ("flatten([1, [2, [3]]])", [1, 2, 3]),
        ("sort([3, 1, 2], function(a, b) a > b)", [3, 2, 1]),
        ("round half up(5.5, 0) + round half down(5.5, 0)", 11),
        ("decimal(1/3, 2)", Decimal("0.33")),
        ("floor(-1.5) + ceiling(1.2)", 0),
        ("modulo(-12, 5)", 3),
        ("get entries({a: 1})", [{"key": "a", "value": 1}]),
        ('context put({a: 1}, "b", 2)', {"a": 1, "b": 2}),
    ],
)
def test_built_ins(feel, text, wanted) -> None:
    evaluation = feel(text)
    assert (evaluation.result, evaluation.problems) == (wanted, [])


@pytest.mark.parametrize(
    ("cell", "passed", "failed", "unknown"),
    [
        ("< 5", [4], [5], ["4", True]),
        ("-99", [-99], [99], []),
        ('"a", "b"', ["a", "b"], ["c", None], [1]),
        ("not(1, 2)", [3], [1, 2], []),
        ("null", [None], [1], []),
        ("true", [True], [False, None], []),
        ("[1..2], (3..4), ]5..6[", [1, 2, Decimal("3.5"), Decimal("5.5")], [3, 4, 5, 6, 7], ["1"]),
        ("? > 1 and ? < 3", [2], [1, 3], []),
        ('contains(?, "x")', ["ax"], ["a"], []),
        ("max([1, 2])", [2], [1], []),
        ("not(null)", [1], [None], []),
        ("= 1", [1], [2], []),
        ("!= 1", [2], [1], []),
        ('@"2026-01-01", > @"2026-06-01"', [date(2026, 1, 1), date(2026, 7, 1)], [date(2026, 3, 1)], ["2026-01-01"]),
        ("[1, 2]", [1, 2], [3], []),
        ("not(1) or false", [], [], []),
    ],
)
def test_unary_tests(cell, passed, failed, unknown) -> None:
    test = parse_unary_tests(cell, Vocabulary(), Place())
    assert test is not None

    def answers(values: list[object]) -> list[object]:
        made = [Decimal(value) if type(value) is int else value for value in values]
        return [test(value, {}, Run()) for value in made]

    assert answers(passed) == [True] * len(passed)
    assert answers(failed) == [False] * len(failed)
    assert answers(unknown) == [None] * len(unknown)


@pytest.mark.parametrize("cell", ["", "-", "  -  "])
def test_a_cell_with_a_dash_or_nothing_passes_everything(cell) -> None:
    assert parse_unary_tests(cell, Vocabulary(), Place()) is None


def parsed(text: str, *names: str, **scope: object) -> object:
    vocabulary = Vocabulary()
    for name in names:
        vocabulary.names.add(name)
    return parse_expression(text, vocabulary, Place()).code(scope, Run())


def test_the_longest_name_in_scope_is_read() -> None:
    scope = {"a": Decimal(1), "b": Decimal(2), "a-b": Decimal(10), "a b c": Decimal(20), "in date": Decimal(30)}
    assert parsed("a-b + a - b", *scope, **scope) == 9
    assert parsed("a b c * 2", *scope, **scope) == 40
    assert parsed("in date + 1", *scope, **scope) == 31
    with pytest.raises(FeelSyntaxError, match='found "b"'):
        parsed("a b", *scope, **scope)


BROKEN = ["1 +", "(1", "[1, 2", "{a 1}", "if 1 then 2", "for x return 1", '"a', "1 = 1 = 1", "f(1)", "a.1", "1..2"]
BROKEN += ['@"x"', "'a'", "x in", "{a: 1, a: 2}", "f(a: 1, 2)", "/* open", "1e99999", "\x00"]


@pytest.mark.parametrize("text", BROKEN)
def test_what_does_not_parse_says_where(text) -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        parsed(text)
    assert caught.value.position is not None


def test_names_in_a_filter_are_members_of_the_item_before_they_are_inputs(feel) -> None:
    assert feel("rows[x > limit]", rows=[{"x": 1}, {"x": 5}], limit=2).result == [{"x": 5}]
    missing = feel("rows[x > limit]", rows=[{"x": 1}])
    assert (missing.result, [problem.kind for problem in missing.problems]) == ([], [Kind.UNKNOWN_NAME])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00"), "0"),
        (timedelta(days=-1, hours=-2), "-P1DT2H"),
        (timedelta(), "PT0S"),
        (YearsMonthsDuration(-14), "-P1Y2M"),
        (datetime(2026, 7, 31, 10, 0, 0, 500000, UTC), "2026-07-31T10:00:00.5Z"),
        (mlc.dmn.Range(Decimal(1), None, False), "(1..]"),
    ],
)
def test_values_as_text(value, text) -> None:
    assert text_of(value) == text


POLICIES = [
    ("FIRST", "", "b"),
    ("PRIORITY", "", "a"),
    ("RULE ORDER", "", ["b", "a", "b"]),
    ("OUTPUT ORDER", "", ["a", "b", "b"]),
    ("COLLECT", "", ["b", "a", "b"]),
    ("COLLECT", ' aggregation="COUNT"', 3),
    ("COLLECT", ' aggregation="MIN"', "a"),
    ("COLLECT", ' aggregation="MAX"', "b"),
]


@pytest.mark.parametrize(("policy", "extra", "wanted"), POLICIES)
def test_hit_policies(table, policy, extra, wanted) -> None:
    rows = [["> 1", '"b"'], ["> 2", '"a"'], ["> 3", '"b"']]
    data = table(["n"], ["x"], rows, policy=policy, extra=extra)
    data = data.replace(b'<output id="o0" name="x"/>', b'<output id="o0" name="x"><outputValues><text>"a", "b"</text>'
                        b"</outputValues></output>")  # fmt: skip
    model = mlc.dmn.load(data)
    assert (model.evaluate({"n": 5}).result, model.evaluate({"n": 5}).problems) == (wanted, [])
    nothing = 0 if "COUNT" in extra else ([] if isinstance(wanted, list) else None)
    assert model.evaluate({"n": 0}).result == nothing


def test_sums_need_numbers(table) -> None:
    make = lambda last: table(["n"], ["x"], [["> 1", "1.5"], ["> 2", last]], extra=' aggregation="SUM"')  # noqa: E731
    assert mlc.dmn.load(make("2")).evaluate({"n": 5}).result == Decimal("3.5")
    evaluation = mlc.dmn.load(make('"2"')).evaluate({"n": 5})
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.WRONG_TYPE])


@rows(
    """
    for date and time in [1, 2] return date and time + 1 => [2, 3]
    every date and time in [true, true] satisfies date and time => true
    for years and months duration in [1], y in [2] return years and months duration + y => [3]
    (function(date and time, b) date and time - b)(3, 1) => 2
    for date in [1] return date => [1]
    for date x in [1] return date x => [1]
    """
)
def test_a_new_name_may_be_one_of_a_function_with_a_keyword_in_it(expression, wanted) -> None:
    check(expression, wanted)
