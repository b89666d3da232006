"""Mistakes that authors of decision tables make: each is told, as bad as it is, with the cell that was meant."""

from __future__ import annotations

import pytest
from author_tables import declared, findings, of_cell, of_output, table
from dmn_text import decision, dmn

from mlc.dmn.analysis import Aspect, Severity

ERROR, WARNING, HINT = Severity.ERROR, Severity.WARNING, Severity.HINT

#: type of the column, cell, how bad, kind, what is offered
MISTAKES = [
    # ranges
    ("number", "[0.9..0.7]", WARNING, "never_met", "[0.7..0.9]"),
    ("number", "(0.9..0.7]", WARNING, "never_met", "[0.7..0.9)"),
    ("number", "(5..5)", WARNING, "never_met", "5"),
    ("integer", "(5..6)", WARNING, "never_met", "[5..6]"),
    ("number", "0.7 - 0.9", WARNING, "not_a_range", "[0.7..0.9]"),
    ("number", "0.7-0.9", WARNING, "not_a_range", "[0.7..0.9]"),
    ("number", "0.9 - 0.7", WARNING, "not_a_range", "[0.7..0.9]"),
    ("number", "[0.7-0.9]", WARNING, "not_a_range", "[0.7..0.9]"),
    ("number", "[0.7, 0.9]", WARNING, "not_a_range", "[0.7..0.9]"),
    ("number", "0.7..0.9", ERROR, "syntax", "[0.7..0.9]"),
    ("number", "0.7 – 0.9", ERROR, "syntax", "[0.7..0.9]"),  # noqa: RUF001
    ("number", "0.7 to 0.9", ERROR, "syntax", "[0.7..0.9]"),
    ("number", "between 0.7 and 0.9", ERROR, "syntax", "[0.7..0.9]"),
    ("number", "[0.7;0.9]", ERROR, "syntax", "[0.7..0.9]"),
    ("number", "[0,7..0,9]", ERROR, "syntax", "[0.7..0.9]"),
    ("number", "0.7 < x <= 0.9", ERROR, "syntax", "(0.7..0.9]"),
    ("number", "[..0.7]", ERROR, "syntax", "<= 0.7"),
    ("number", "[0.7..]", ERROR, "syntax", ">= 0.7"),
    ("number", "{0.7, 0.9}", ERROR, "syntax", "0.7, 0.9"),
    # numbers
    ("number", ">= 0,7", WARNING, "comma_in_a_number", ">= 0.7"),
    ("number", "0,7", WARNING, "comma_in_a_number", "0.7"),
    ("number", "> 1,000", WARNING, "comma_in_a_number", "> 1000"),
    ("number", "1.000,5", WARNING, "comma_in_a_number", "1000.5"),
    ("number", ">= 1.234,5", WARNING, "comma_in_a_number", ">= 1234.5"),
    ("number", "in [0.7..0.9]", ERROR, "syntax", "[0.7..0.9]"),
    ("number", "> 1.000,50", WARNING, "comma_in_a_number", "> 1000.50"),
    ("number", "<= 12.345.678,9", ERROR, "syntax", "<= 12345678.9"),
    ("number", "> 1,000.50", WARNING, "comma_in_a_number", "> 1000.50"),
    ("number", "> 1,000,000", WARNING, "comma_in_a_number", "> 1000000"),
    ("number", "> 1,000,000.5", WARNING, "comma_in_a_number", "> 1000000.5"),
    ("number", "< 1, > 1,000,000", WARNING, "comma_in_a_number", "< 1, > 1000000"),
    ("number", "&lt; 0.7", ERROR, "syntax", "< 0.7"),
    ("number", "if <0 or >10 then true else false", ERROR, "syntax", "<0, >10"),
    ("number", "1_000", ERROR, "syntax", "1000"),
    # texts
    ("string", 'prod"', ERROR, "syntax", '"prod"'),
    ("string", '"prod "', WARNING, "text_of_a_test", '"prod"'),
    ("string", 'not(" prod")', WARNING, "text_of_a_test", 'not("prod")'),
    ("string", '"prod, dev"', HINT, "text_of_a_test", '"prod", "dev"'),
    ("string", '"prod|dev|test"', HINT, "text_of_a_test", '"prod", "dev", "test"'),
    ("string", '"not(prod)"', WARNING, "text_of_a_test", ""),
    ("string", '"prod*"', HINT, "text_of_a_test", 'starts with(?, "prod")'),
    ("string", '"*prod"', HINT, "text_of_a_test", 'ends with(?, "prod")'),
    ("string", '"*prod*"', HINT, "text_of_a_test", 'contains(?, "prod")'),
    ("string", "?", WARNING, "always_met", "-"),
    ("number", "?", WARNING, "always_met", "-"),
    # days
    ("date", "> 2026-07-31", ERROR, "not_a_date", '> date("2026-07-31")'),
    ("date", "[2026-01-01..2026-12-31]", ERROR, "not_a_date", '[date("2026-01-01")..date("2026-12-31")]'),
    ("date", "date(2026-07-31)", ERROR, "bad_constant", 'date("2026-07-31")'),
    ("dateTime", "< 2026-07-31", ERROR, "not_a_date", '< date and time("2026-07-31T00:00:00")'),
    ("number", "> 1.000.000", ERROR, "syntax", "> 1000000"),
    ("number", "80%", ERROR, "syntax", "0.8"),
    ("number", ">= 80 %", ERROR, "syntax", ">= 0.8"),
    ("number", "+5", ERROR, "syntax", "5"),
    ("number", "> $5", ERROR, "syntax", "> 5"),
    # relations and words of other languages
    ("number", "== 0.7", ERROR, "syntax", "= 0.7"),
    ("number", "=== 0.7", ERROR, "syntax", "= 0.7"),
    ("number", "!== 0.7", ERROR, "syntax", "!= 0.7"),
    ("number", "<> 0.7", ERROR, "syntax", "!= 0.7"),
    ("number", "=> 0.7", ERROR, "syntax", ">= 0.7"),
    ("number", "=< 0.7", ERROR, "syntax", "<= 0.7"),
    ("number", "> = 0.7", ERROR, "syntax", ">= 0.7"),
    ("number", "≥ 0.7", ERROR, "syntax", ">= 0.7"),
    ("number", "≤ 0.7", ERROR, "syntax", "<= 0.7"),
    ("number", "≠ 0.7", ERROR, "syntax", "!= 0.7"),
    ("number", "greater than 0.7", ERROR, "syntax", "> 0.7"),
    ("number", "at least 0.7", ERROR, "syntax", ">= 0.7"),
    ("number", "> 0.5 and < 0.9", ERROR, "syntax", "(0.5..0.9)"),
    ("number", ">= 0.5 && <= 0.9", ERROR, "syntax", "[0.5..0.9]"),
    ("number", "< 0.5 or > 0.9", ERROR, "syntax", "< 0.5, > 0.9"),
    ("number", "< 0.5 || > 0.9", ERROR, "syntax", "< 0.5, > 0.9"),
    ("number", "not > 5", ERROR, "bad_call", "not(> 5)"),
    ("number", "in (1, 2)", ERROR, "syntax", "1, 2"),
    ("number", "in [0.7..0.9]", ERROR, "syntax", "[0.7..0.9]"),
    ("string", 'not in ("a", "b")', ERROR, "bad_call", 'not("a", "b")'),
    ("number", "not in [1..2]", ERROR, "bad_call", "not([1..2])"),
    ("number", "> 5,", ERROR, "syntax", "> 5"),
    ("number", "1,,2", ERROR, "syntax", "1,2"),
    ("number", "[0.1..0.2", ERROR, "syntax", "[0.1..0.2)"),
    ("string", '"a" || "b"', ERROR, "syntax", '"a", "b"'),
    ("string", '"a" or "b"', WARNING, "never_met", '"a", "b"'),
    ("string", 'not "a"', ERROR, "syntax", 'not("a")'),
    ("string", '!"a"', ERROR, "syntax", 'not("a")'),
    ("string", "not prod", ERROR, "syntax", 'not("prod")'),
    ("string", "'a' or 'b'", ERROR, "syntax", '"a", "b"'),
    ("string", "in review or done", ERROR, "syntax", '"in review", "done"'),
    ("string", 'auc.equals("x")', ERROR, "other_language", 'auc = "x"'),
    ("string", '?.startsWith("x")', ERROR, "other_language", 'starts with(?, "x")'),
    # anything and nothing
    ("number", "*", ERROR, "syntax", "-"),
    ("number", "–", ERROR, "syntax", "-"),  # noqa: RUF001
    ("number", "any", ERROR, "unquoted_word", "-"),
    ("number", "N/A", ERROR, "unquoted_word", "null"),
    ("number", "None", ERROR, "unquoted_word", "null"),
    ("number", '"null"', ERROR, "type_mismatch", "null"),
    # disjunctions
    ("number", ">0.1, <0.2", WARNING, "always_met", "(0.1..0.2)"),
    ("number", ">= 0.1, <= 0.2", WARNING, "always_met", "[0.1..0.2]"),
    ("number", "!= 1, != 2", WARNING, "always_met", "not(1, 2)"),
    ("string", '!= "a", != "b"', WARNING, "always_met", 'not("a", "b")'),
    ("number", "not(> 5, <= 5)", WARNING, "never_met", ""),
    ("number", "> 0.5, > 0.7", HINT, "redundant_test", ""),
    ("number", "[5..1], 7", WARNING, "never_met", ""),
    ("boolean", "true, false", HINT, "always_met", "-"),
    ("number", "5 > 3", WARNING, "always_met", ""),
    # quotes and words
    ("string", "prod", ERROR, "unquoted_word", '"prod"'),
    ("string", "= prod", ERROR, "unquoted_word", '= "prod"'),
    ("string", "in review", ERROR, "syntax", '"in review"'),
    ("string", "'prod'", ERROR, "syntax", '"prod"'),
    ("string", "“prod”", ERROR, "syntax", '"prod"'),
    ("string", "„prod“", ERROR, "syntax", '"prod"'),
    ("string", "‘prod’", ERROR, "syntax", '"prod"'),  # noqa: RUF001
    ("string", "'prod', 'dev'", ERROR, "syntax", '"prod", "dev"'),
    ("string", '"prod', ERROR, "syntax", '"prod"'),
    ("string", '"> 0.7"', WARNING, "text_of_a_test", ""),
    ("string", '"-"', HINT, "text_of_a_test", "-"),
    ("boolean", "TRUE", ERROR, "unquoted_word", "true"),
    ("boolean", "True", ERROR, "unquoted_word", "true"),
    ("boolean", "yes", ERROR, "unquoted_word", "true"),
    ("boolean", "!true", ERROR, "syntax", "not(true)"),
    # other types
    ("number", '"0.7"', ERROR, "type_mismatch", "0.7"),
    ("number", '"> 0.7"', ERROR, "type_mismatch", "> 0.7"),
    ("number", '> "0.7"', ERROR, "type_mismatch", "> 0.7"),
    ("number", "true", ERROR, "type_mismatch", ""),
    ("number", '"a", > 5', WARNING, "type_mismatch", ""),
    ("double", '"0.7"', ERROR, "type_mismatch", "0.7"),
    ("long", '["1".."2"]', ERROR, "type_mismatch", "[1..2]"),
    ("string", "5", ERROR, "type_mismatch", '"5"'),
    ("boolean", '"true"', ERROR, "type_mismatch", "true"),
    ("boolean", "1", ERROR, "type_mismatch", "true"),
    # dates
    ("date", '"2026-01-01"', ERROR, "type_mismatch", 'date("2026-01-01")'),
    ("date", '>= "2026-01-01"', ERROR, "type_mismatch", '>= date("2026-01-01")'),
    ("date", "2026-01-31", ERROR, "not_a_date", 'date("2026-01-31")'),
    ("date", "2026-02-30", ERROR, "not_a_date", ""),
    ("date", "< 2026-01-31", ERROR, "not_a_date", '< date("2026-01-31")'),
    ("date", "> 2026-2-3", ERROR, "not_a_date", '> date("2026-02-03")'),
    ("date", "2026/01/31", ERROR, "not_a_date", 'date("2026-01-31")'),
    ("date", "> 01/31/2026", ERROR, "not_a_date", '> date("2026-01-31")'),
    ("date", "31/01/2026", ERROR, "not_a_date", 'date("2026-01-31")'),
    ("date", "< 31-01-2026", ERROR, "not_a_date", '< date("2026-01-31")'),
    ("date", "< 01/02/2026", ERROR, "not_a_date", ""),  # the second of January, or the first of February
    ("date", "[2026-01-01..2026-12-31]", ERROR, "not_a_date", '[date("2026-01-01")..date("2026-12-31")]'),
    ("date", "not(2026-01-31)", ERROR, "not_a_date", 'not(date("2026-01-31"))'),
    ("dateTime", "< 2026-01-31", ERROR, "not_a_date", '< date and time("2026-01-31T00:00:00")'),
    (None, "< 2026-01-31", WARNING, "not_a_date", '< date("2026-01-31")'),
    (None, "[2026-01-01..2026-12-31]", WARNING, "not_a_date", '[date("2026-01-01")..date("2026-12-31")]'),
    ("date", "< today", ERROR, "unquoted_word", "< today()"),
    ("date", "today", ERROR, "unquoted_word", "today()"),
    ("dateTime", ">= now", ERROR, "unquoted_word", ">= now()"),
    ("date", '< date("2026-01-31") + 30', ERROR, "bad_constant", '< date("2026-01-31") + duration("P30D")'),
    ("date", "01.02.2026", ERROR, "syntax", 'date("2026-02-01")'),
    ("date", 'date("2026-02-30")', ERROR, "bad_constant", ""),
    ("date", '>= date("2026-13-01")', ERROR, "bad_constant", ""),
    ("date", 'date("01.02.2026")', ERROR, "bad_constant", 'date("2026-02-01")'),
    ("date", "date(2026, 2, 30)", ERROR, "bad_constant", ""),
    ("date", '@"01.02.2026"', ERROR, "syntax", '@"2026-02-01"'),
    ("date", '[date("2026-05-01")..date("2026-01-01")]', WARNING, "never_met",
     '[date("2026-01-01")..date("2026-05-01")]'),
    ("date", '= date and time("2026-01-01T10:00:00")', ERROR, "type_mismatch", '= date("2026-01-01")'),
    ("date", "> today()", HINT, "depends_on_the_clock", ""),
    ("dateTime", 'date and time("soon")', ERROR, "bad_constant", ""),
    ("dateTime", "2026-01-01T10:00:00", ERROR, "syntax", 'date and time("2026-01-01T10:00:00")'),
    ("dateTime", 'date("2026-01-01")', ERROR, "type_mismatch", 'date and time("2026-01-01T00:00:00")'),
    ("time", 'time("25:00:00")', ERROR, "bad_constant", ""),
    ("dayTimeDuration", 'duration("1 day")', ERROR, "bad_constant", ""),
    ("dayTimeDuration", '> "P1D"', ERROR, "type_mismatch", '> duration("P1D")'),
    ("dayTimeDuration", 'duration("P1Y")', ERROR, "type_mismatch", ""),
    # what cannot be worked out
    ("string", '"a"/"b"', ERROR, "bad_constant", ""),
    ("string", '"v" + 5', ERROR, "bad_constant", '"v" + string(5)'),
    ("number", "1/0", ERROR, "bad_constant", ""),
    ("number", '> "a" * 2', ERROR, "bad_constant", ""),
    ("number", "[1/0..5]", ERROR, "bad_constant", ""),
    ("number", "[1, 2][3]", ERROR, "bad_constant", ""),
    # names and functions
    ("number", "> acu", WARNING, "unquoted_word", "> auc"),
    ("number", "AUC * 2 > 1", WARNING, "undeclared_input", "auc * 2 > 1"),
    ("number", "auc.value > 5", ERROR, "unknown_member", ""),
    ("string", 'contain(?, "x")', ERROR, "syntax", 'contains(?, "x")'),
    ("string", 'startsWith(?, "x")', ERROR, "syntax", 'starts with(?, "x")'),
    ("string", 'list contain(?, "x")', ERROR, "syntax", 'list contains(?, "x")'),
    ("string", "string lenght(?) > 3", ERROR, "syntax", "string length(?) > 3"),
    ("string", 'contains("x")', ERROR, "bad_call", 'contains(?, "x")'),
    ("string", 'contains "x"', ERROR, "syntax", 'contains(?, "x")'),
    ("number", "abs(?, 2) > 1", ERROR, "bad_call", ""),
    ("number", 'sqrt("a")', ERROR, "bad_call", ""),
    ("number", "round up(?, 12000) > 1", ERROR, "bad_call", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "cell", "severity", "aspect", "meant"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_a_mistake_is_told_with_its_place_and_with_what_was_meant(kind, cell, severity, aspect, meant) -> None:
    found = of_cell(cell, kind)

    assert [(one.severity, str(one.kind), one.suggestion) for one in found] == [(severity, aspect, meant)]
    assert found[0].place.decision == "verdict"
    assert (found[0].place.rule, found[0].place.column) == (1, "auc")


@pytest.mark.parametrize(
    ("kind", "meant"), [(kind, meant) for kind, _, severity, _, meant in MISTAKES if meant and severity is not HINT]
)
def test_what_is_offered_can_be_pasted_into_the_cell_and_is_right(kind, meant) -> None:
    # A test of three letters is right by itself, and not in a column of numbers.
    assert [str(one) for one in of_cell(meant, kind) if one.severity is ERROR] == []


@pytest.mark.parametrize(
    "cell", ["prod or dev", "prod/dev", "prod / dev", "(prod or dev)", "prod OR dev", "prod | dev"]
)
def test_words_that_are_joined_otherwise_than_by_commas_are_told_with_the_list_that_was_meant(cell) -> None:
    assert {one.suggestion for one in of_cell(cell, "string")} == {'"prod", "dev"'}


def test_of_very_many_dates_in_a_cell_the_first_are_told() -> None:
    found = of_cell(", ".join(f"{2000 + n}-01-31" for n in range(500)), "date")

    assert [str(one.kind) for one in found] == ["not_a_date"] * 20


def test_days_that_are_counted_from_today_as_a_number_are_told_beside_the_clock() -> None:
    found = [(one.severity, str(one.kind), one.suggestion) for one in of_cell("< today() + 30", "date")]

    assert (ERROR, "bad_constant", '< today() + duration("P30D")') in found
    assert [kind for _, kind, _ in found].count("bad_constant") == 1


@pytest.mark.parametrize(
    ("cell", "kind", "meant"),
    [
        ('"a" / "b"', "string", ""),
        ('"v" + 5', "string", '"v" + string(5)'),
        ("1/0", "number", ""),
        ("today() + 30", "date", 'today() + duration("P30D")'),
        ('date("2026-01-31") - 1', "date", 'date("2026-01-31") - duration("P1D")'),
    ],
)
def test_an_output_that_cannot_be_worked_out_is_told(cell, kind, meant) -> None:
    found = [(one.severity, one.suggestion) for one in of_output(cell, kind) if one.kind is Aspect.BAD_CONSTANT]

    assert found == [(ERROR, meant)]


@pytest.mark.parametrize(
    ("cell", "kind", "aspect", "meant"),
    [
        ("= false", "boolean", "syntax", "false"),
        ("—", "string", "syntax", "null"),
        ("2026-01-31", "date", "type_mismatch", 'date("2026-01-31")'),
    ],
)
def test_an_output_that_is_written_as_elsewhere_is_told_with_what_was_meant(cell, kind, aspect, meant) -> None:
    found = [(str(one.kind), one.suggestion) for one in of_output(cell, kind)]

    assert found == [(aspect, meant)]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("number", "1/2"),
        ("number", "10/5/2"),
        ("number", "> 100 - 20 - 5"),
        ("number", "[10-5-1..20-5-1]"),
        ("string", '"v" + string(5)'),
        ("date", 'date("2026-01-31") + duration("P30D")'),
        ("number", "1.000, 50"),
        ("number", "[0.7..0.9]"),
        ("number", "]0.1..0.2["),
        ("number", "(0.1..0.2)"),
        ("number", "[5..5]"),
        ("integer", "[5..6)"),
        ("number", "-0.7"),
        ("number", "> -0.7"),
        ("number", "1, 2, 3"),
        ("number", "1,2,3"),
        ("number", "1.125,5"),
        ("number", "0.125,5"),
        ("string", '"1,000"'),
        ("string", '"Not yet rated"'),
        ("string", '"a b, c d"'),
        ("string", '""'),
        ("string", '" "'),
        ("integer", "0,1"),
        ("number", "< 0.1, > 0.2"),
        ("number", "< 0.1, 0.5, > 0.9"),
        ("number", "not(1, 2)"),
        ("number", "null"),
        ("number", "not(null)"),
        ("number", "null, < 0.5"),
        ("number", "? > 0.5 and ? < 0.9"),
        ("number", "auc > 0.5"),
        ("number", "if ? > 5 then true else false"),
        ("number", "? between 0.1 and 0.2"),
        ("number", "abs(?) > 1"),
        ("number", ".7"),
        ("double", ">= 0.5"),
        ("string", '"prod", "dev"'),
        ("string", 'not("prod")'),
        ("string", '!= "prod"'),
        ("string", 'contains(?, "x")'),
        ("string", 'matches(?, "a.c")'),
        ("boolean", "true"),
        ("boolean", "not(true)"),
        ("date", 'date("2026-01-01")'),
        ("date", '> @"2026-01-01"'),
        ("date", '[date("2026-01-01")..date("2026-05-01")]'),
        ("dateTime", '< date and time("2026-01-01T10:00:00Z")'),
        ("time", 'time("10:00:00")'),
        ("yearMonthDuration", 'duration("P1Y")'),
        ("dayTimeDuration", '> duration("PT1H")'),
        (None, '"prod"'),
        (None, "> 0.5"),
        ("Any", "> 0.5"),
    ],
)
def test_a_cell_that_is_right_is_not_remarked_on(kind, cell) -> None:
    assert [str(one) for one in of_cell(cell, kind)] == []


@pytest.mark.parametrize(
    ("kind", "values", "cell", "meant"),
    [
        ("string", '"prod", "dev"', '"prdo"', '"prod"'),
        ("string", '"prod", "dev"', '"prdo", "dev"', '"prod", "dev"'),
        ("string", '"prod", "dev"', '"Prod"', '"prod"'),
        ("string", '"prod", "dev"', '"staging"', ""),
        ("number", "[0..1]", "> 70", ""),
        ("number", "[0..1]", "[2..3]", ""),
        ("number", "1, 2, 3", "4", ""),
    ],
)
def test_a_cell_outside_of_the_allowed_values_is_told(kind, values, cell, meant) -> None:
    found = of_cell(cell, kind, allowed={"auc": values})

    assert [(one.severity, one.kind, one.suggestion) for one in found] == [(WARNING, Aspect.OUTSIDE_VALUES, meant)]


@pytest.mark.parametrize(
    ("kind", "values", "cell"),
    [("string", '"prod", "dev"', '"dev"'), ("number", "[0..1]", "> 0.7"), ("string", '"a", "b"', 'not("c")')],
)
def test_a_cell_among_the_allowed_values_is_not_remarked_on(kind, values, cell) -> None:
    assert of_cell(cell, kind, allowed={"auc": values}) == []


@pytest.mark.parametrize(
    ("kind", "values", "aspect", "meant"),
    [
        ("string", "prod, dev", "unquoted_word", '"prod", "dev"'),
        ("number", '"a", "b"', "type_mismatch", ""),
        ("string", "1, 2", "type_mismatch", ""),
    ],
)
def test_allowed_values_without_quotes_or_of_another_type_are_told(kind, values, aspect, meant) -> None:
    found = [one for one in of_cell("-", kind, allowed={"auc": values}) if one.place.rule is None]

    assert {(one.severity, str(one.kind), one.suggestion) for one in found} == {(ERROR, aspect, meant)}


def test_a_cell_of_another_kind_than_its_column_without_a_type_is_told() -> None:
    rows = [["> 5", "true"], ['"0.7"', "true"], ["<= 5", "false"]]

    found = findings(declared(table([("auc", None)], [("passes", "boolean")], rows), ("auc", None)))

    assert [(one.severity, one.kind, one.place.rule, one.suggestion) for one in found] == [
        (WARNING, Aspect.MISMATCH, 2, "0.7")
    ]


def test_a_word_in_a_table_that_declares_no_inputs_is_told_with_the_near_name() -> None:
    rows = [["> 0.5", "prod"], ["> sage", '"dev"'], ["> baseline", '"dev"'], ["stage > 1", "-"]]
    text = table([("auc", "number"), ("stage", None)], [("passes", "boolean")], [[*row, "true"] for row in rows])

    found = findings(dmn(decision("verdict", text)))

    assert {(one.severity, one.place.rule, str(one.kind), one.suggestion) for one in found} == {
        (WARNING, 1, "unquoted_word", '"prod"'),
        (WARNING, 2, "unquoted_word", "> stage"),
        (WARNING, 3, "unquoted_word", ""),
    }


def test_cells_in_groovy_are_left_alone() -> None:
    text = table([("auc", None)], [("passes", "boolean")], [['auc.equals("x") && auc != 0', "true"]])
    groovy = text.replace("<inputEntry>", '<inputEntry expressionLanguage="groovy">')

    assert findings(declared(groovy, ("auc", None))) == []


def test_the_same_mistake_in_several_rules_is_told_for_each() -> None:
    rows = [["> 1,000", "true"], ["-", "false"], ["> 1,000", "true"]]

    found = findings(declared(table([("auc", "number")], [("passes", "boolean")], rows), ("auc", "number")))

    assert [one.place.rule for one in found] == [1, 3]
