"""Output cells that give what their column, the allowed values or the hit policy cannot take."""

from __future__ import annotations

import pytest
from author_tables import declared, findings, of_output, table

from mlc.dmn.analysis import Aspect, Severity

ERROR, WARNING, HINT = Severity.ERROR, Severity.WARNING, Severity.HINT


@pytest.mark.parametrize(
    ("kind", "cell", "severity", "aspect", "meant"),
    [
        ("boolean", '"yes"', ERROR, "type_mismatch", "true"),
        ("boolean", "1", ERROR, "type_mismatch", "true"),
        ("boolean", "yes", ERROR, "unquoted_word", "true"),
        ("boolean", "TRUE", ERROR, "unquoted_word", "true"),
        ("number", '"0.7"', ERROR, "type_mismatch", "0.7"),
        ("number", "0,7", ERROR, "syntax", "0.7"),
        ("number", "80%", ERROR, "syntax", "0.8"),
        ("number", "auc > 5", ERROR, "type_mismatch", ""),
        ("number", "true", ERROR, "type_mismatch", ""),
        ("number", "auk + 1", WARNING, "undeclared_input", "auc + 1"),
        ("number", "auc.value", ERROR, "unknown_member", ""),
        ("number", 'number("a")', ERROR, "bad_call", ""),
        ("integer", "0.5", ERROR, "type_mismatch", ""),
        ("string", "passed", ERROR, "unquoted_word", '"passed"'),
        ("string", "'passed'", ERROR, "syntax", '"passed"'),
        ("string", "“passed”", ERROR, "syntax", '"passed"'),
        ("date", '"2026-01-31"', ERROR, "type_mismatch", 'date("2026-01-31")'),
        ("date", 'date("2026-02-30")', ERROR, "bad_constant", ""),
        ("date", "today()", HINT, "depends_on_the_clock", ""),
        ("boolean", "-", ERROR, "syntax", "null"),
        ("boolean", "true,", ERROR, "syntax", "true"),
        ("boolean", "", WARNING, "empty_output", ""),
        ("string", "", HINT, "empty_output", ""),
    ],
)
def test_an_output_that_is_wrong_is_told(kind, cell, severity, aspect, meant) -> None:
    found = of_output(cell, kind)

    assert [(one.severity, str(one.kind), one.suggestion) for one in found] == [(severity, aspect, meant)]
    assert (found[0].place.rule, found[0].place.column) == (1, "result")


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("boolean", "true"),
        ("boolean", '"true"'),  # as Camunda reads it
        ("boolean", "auc > 0.5"),
        ("boolean", "null"),
        ("number", "0.7"),
        ("number", "auc * 2"),
        ("integer", "2"),
        ("string", '"passed"'),
        ("string", "5"),  # as Camunda writes it out
        ("string", '"auc is " + string(auc)'),
        ("date", 'date("2026-01-31")'),
        (None, "{a: 1}"),
    ],
)
def test_an_output_that_is_right_is_not_remarked_on(kind, cell) -> None:
    assert [str(one) for one in of_output(cell, kind)] == []


@pytest.mark.parametrize(
    ("kind", "values", "cell", "expected"),
    [
        ("string", '"yes", "no"', '"maybe"', [(ERROR, Aspect.OUTSIDE_VALUES, "")]),
        ("string", '"yes", "no"', '"Yes"', [(ERROR, Aspect.OUTSIDE_VALUES, '"yes"')]),
        ("number", "[0..1]", "70", [(ERROR, Aspect.OUTSIDE_VALUES, "")]),
        ("string", '"yes", "no"', '"yes"', []),
        ("number", "[0..1]", "0.7", []),
    ],
)
def test_an_output_outside_of_the_allowed_ones_is_told(kind, values, cell, expected) -> None:
    found = of_output(cell, kind, allowed={"result": values})

    assert [(one.severity, one.kind, one.suggestion) for one in found] == expected


def of_policy(policy: str, aggregation: str, kind: str | None, *cells: str) -> list[tuple[Severity, str]]:
    attributes = f' aggregation="{aggregation}"' if aggregation else ""
    rows = [[f"> {number}", cell] for number, cell in enumerate(cells)]
    text = table([("auc", "number")], [("result", kind)], rows, policy, attributes)
    return [(one.severity, str(one.kind)) for one in findings(declared(text, ("auc", "number")))]


@pytest.mark.parametrize(
    ("aggregation", "kind", "cells", "expected"),
    [
        ("SUM", "string", ['"a"', '"b"'], [(ERROR, "aggregation")]),
        ("SUM", None, ['"a"', "1"], [(ERROR, "aggregation")]),
        ("SUM", "boolean", ["true", "false"], [(ERROR, "aggregation")]),
        ("SUM", "number", ["1", ""], [(ERROR, "aggregation"), (HINT, "empty_output")]),
        ("MIN", "boolean", ["true", "false"], [(ERROR, "aggregation")]),
        ("MAX", "string", ['"a"', '"b"'], [(WARNING, "aggregation")]),
        ("SUM", "number", ["1", "auc"], []),
        ("MIN", "number", ["1", "2"], []),
        ("MAX", "date", ['date("2026-01-01")', 'date("2026-01-02")'], []),
        ("COUNT", "string", ['"a"', '"b"'], []),
    ],
)
def test_what_an_aggregation_cannot_take_is_told(aggregation, kind, cells, expected) -> None:
    found = [one for one in of_policy("COLLECT", aggregation, kind, *cells) if one[1] != "empty_output" or expected]

    assert sorted(found) == sorted(expected)


def test_a_remark_that_is_left_out_is_a_hint_and_an_answer_is_a_warning() -> None:
    rows = [["< 0.5", "false", '"too low"'], ["< 0.7", "", '"low"'], [">= 0.7", "true", ""]]
    text = table([("auc", "number")], [("passes", "boolean"), ("reason", "string")], rows)

    found = findings(declared(text, ("auc", "number")))

    assert {(one.severity, one.kind, one.place.rule, one.place.column) for one in found} == {
        (WARNING, Aspect.EMPTY_OUTPUT, 2, "passes"),
        (HINT, Aspect.EMPTY_OUTPUT, 3, "reason"),
    }


@pytest.mark.parametrize(("empty", "severity"), [(1, WARNING), (2, WARNING), (3, HINT), (20, HINT)])
def test_a_column_that_is_often_left_empty_is_a_habit_and_one_hint(empty, severity) -> None:
    """ModelOp's `action` is left empty where its default is meant."""
    cells = ['"Notify"', *[""] * empty, '"Jira"', '"Notify"', '"Notify"']
    rows = [[f"< 0.{10 + n}", "false", cell] for n, cell in enumerate(cells)]
    text = table([("auc", "number")], [("passes", "boolean"), ("action", "string")], rows, "COLLECT")

    found = [one for one in findings(declared(text, ("auc", "number"))) if one.kind is Aspect.EMPTY_OUTPUT]

    assert {(one.severity, one.place.column) for one in found} == {(severity, "action")}
    if empty < 3:
        assert [one.place.rule for one in found] == list(range(2, empty + 2))
    else:
        assert [(one.place.rule, one.rules) for one in found] == [(2, tuple(range(2, empty + 2)))]


def test_a_verdict_that_is_often_left_out_is_a_warning_for_each_rule() -> None:
    rows = [[f"< 0.{10 + n}", "" if n % 2 else "false"] for n in range(12)]
    text = table([("auc", "number")], [("passes", "boolean")], rows, "COLLECT")

    found = findings(declared(text, ("auc", "number")))

    assert [(one.severity, one.place.rule) for one in found] == [(WARNING, n) for n in range(2, 13, 2)]


def test_an_output_that_the_priorities_do_not_list_is_told() -> None:
    rows = [["> 0.5", '"low"'], ["-", '"hgih"']]
    text = table([("auc", "number")], [("risk", "string")], rows, "PRIORITY", allowed={"risk": '"high", "low"'})

    found = findings(declared(text, ("auc", "number")))

    assert [(one.severity, one.place.rule, one.suggestion) for one in found] == [(ERROR, 2, '"high"')]
