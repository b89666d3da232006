"""Null in a decision table: what it matches, and when it is a problem that nothing asked for it."""

from __future__ import annotations

from typing import Any

import pytest
from dmn_text import decision, dmn, input_data

import mlc.dmn
from mlc.dmn import Evaluation, Kind

CELLS = """<decision id="v" name="Verdict"><decisionTable id="t" hitPolicy="COLLECT">
  <input id="i" label="auc"><inputExpression id="e"><text>auc</text></inputExpression></input>
  <output id="o" name="passes"/>
  <rule id="r"><inputEntry id="c" expressionLanguage="groovy"><text><![CDATA[{cell}]]></text></inputEntry>
  <outputEntry id="p"><text>false</text></outputEntry></rule></decisionTable></decision>"""


def kinds(evaluation: Evaluation) -> list[tuple[str, str | None]]:
    return [(problem.kind, problem.column) for problem in evaluation.problems]


# -- what null matches ------------------------------------------------------------


@pytest.mark.parametrize("column", ["psi", "psi * 100", "min(values)", "psi + limit"])
@pytest.mark.parametrize("cell", ["? < 0.25", "? > 25", "abs(?) < 1", "? * 2", "? + 1, ? - 1", "not(? > 25)", "?[1]"])
def test_an_expression_with_the_value_under_test_whose_answer_is_null_does_not_match(table, column, cell) -> None:
    model = mlc.dmn.load(table([column], ["passes"], [[cell, "true"]]))
    evaluation = model.evaluate({"psi": None, "values": [], "limit": None})
    assert evaluation.result == []
    assert (Kind.NULL_INPUT, column) in kinds(evaluation)


@pytest.mark.parametrize(
    "cell", ['not("a")', "not(list contains([1], ?))", "null", "? = null", "1, null", "[null, 1]", "not(1)"]
)
def test_null_matches_what_the_specification_says_that_it_does(table, cell) -> None:
    model = mlc.dmn.load(table(["x"], ["passes"], [[cell, "true"]]))
    assert model.evaluate({"x": None}).result == [True]


@pytest.mark.parametrize(
    "cell", ["prod", "= prod", "? = prod", "prod, dev", "not(!= prod)", "lower case(prod)", "[prod]"]
)
def test_a_name_that_is_missing_does_not_match_a_missing_input(table, cell) -> None:
    model = mlc.dmn.load(table(["stage"], ["passes"], [[cell, "true"]]))
    for inputs in ({}, {"stage": None}):
        evaluation = model.evaluate(inputs)
        assert evaluation.result == []
        assert {"missing_input"} <= {problem.kind for problem in evaluation.problems}


def test_a_name_that_is_given_as_null_equals_null(table) -> None:
    model = mlc.dmn.load(table(["stage"], ["passes"], [["prod", "true"]]))
    evaluation = model.evaluate({"stage": None, "prod": None})
    assert evaluation.result == [True]
    assert {problem.input for problem in evaluation.problems} == {"stage", "prod"}


# -- when null is a problem ------------------------------------------------------------


@pytest.mark.parametrize("cell", ["< 25", "> 25", "not(25)", '"null"', "/* null */ 5", "5 // null", "-1", "nullable"])
@pytest.mark.parametrize("column", ["psi", "psi * 100", "max(values)", "if psi > 0 then 1 else psi"])
def test_null_in_a_column_is_one_problem_with_its_label_whether_or_not_a_rule_matches(table, column, cell) -> None:
    model = mlc.dmn.load(table([column], ["passes"], [[cell, "false"], ["-", "true"]]))
    evaluation = model.evaluate({"psi": None, "values": [], "nullable": 3})
    assert kinds(evaluation) == [(Kind.NULL_INPUT, column)]


@pytest.mark.parametrize(
    "cell",
    [
        *("null", "not(null)", "!= null", "1, null", "[null, 3]", "? = null", "null = ?", "(? = (null))"),
        *("? != null and ? < 3", "? in (null, 3)", "? in [3, null]", "list contains([null], ?)"),
        *("? instance of Null", "psi = null"),
    ],
)
def test_a_cell_that_names_null_or_asks_for_it_makes_null_a_value_of_its_column(table, cell) -> None:
    model = mlc.dmn.load(table(["psi", "f1"], ["passes"], [[cell, "-", "false"], ["> 25", "-", "false"]]))
    assert model.evaluate({"psi": None, "f1": 1}).problems == []


def test_a_computed_column_may_name_null_too(table) -> None:
    model = mlc.dmn.load(table(["psi * 100"], ["passes"], [["> 25", "false"], ["null", "false"]]))
    evaluation = model.evaluate({"psi": None})
    assert (evaluation.result, evaluation.problems) == ([False], [])


@pytest.mark.parametrize(
    "cell", ["b = null", "b != null and ? > 3", "if ? > 3 then true else null", "b in (null, 1)", "is(b, null)"]
)
def test_a_cell_that_asks_for_another_ones_null_does_not_ask_for_its_columns(table, cell) -> None:
    model = mlc.dmn.load(table(["a"], ["passes"], [[cell, "false"]]))
    evaluation = model.evaluate({"a": None, "b": 1})
    assert (Kind.NULL_INPUT, "a") in kinds(evaluation)


def test_a_column_that_no_cell_tests_may_be_null(table) -> None:
    model = mlc.dmn.load(table(["a", "b", "c * 2"], ["passes"], [["> 1", "-", "", "true"], ["> 2", "", "-", "false"]]))
    assert model.evaluate({"a": 3, "b": None, "c": None}).problems == []


def test_an_input_that_is_missing_is_one_problem_of_a_computed_column(table) -> None:
    model = mlc.dmn.load(table(["psi * 100"], ["passes"], [["> 25", "false"]]))
    assert kinds(model.evaluate({})) == [(Kind.MISSING_INPUT, "psi * 100")]


READS: dict[str, tuple[list[str], list[list[str]]]] = {
    "a cell": (["auc"], [["< limit", "false"]]),
    "a cell of another column": (["auc", "f1"], [["< 0.5", "-", "false"], ["-", "limit > 3", "false"]]),
    "a condition": (["if limit > 0.2 then 1 else 2"], [["1", "false"], ["2", "true"]]),
    "a function": (["list contains([1, 2], limit)"], [["true", "false"]]),
    "a comparison": (["limit = 3"], [["true", "false"]]),
    "an output": (["auc"], [["< 0.5", 'if limit > 1 then "false" else "true"']]),
    "a filter": (["count([1, 2][item > limit])"], [["> 0", "false"]]),
    "a member": (["auc"], [["if more.limit > 3 then true else false", "false"]]),
}


@pytest.mark.parametrize(("columns", "rows"), READS.values(), ids=READS.keys())
def test_a_name_that_is_read_and_null_is_a_problem_where_nothing_asks_for_null(table, columns, rows) -> None:
    model = mlc.dmn.load(table(columns, ["passes"], rows))
    evaluation = model.evaluate({"auc": 0.7, "f1": 0.9, "limit": None, "more": {"limit": None}})
    (problem,) = evaluation.problems
    assert (problem.kind, "limit" in problem.message) == (Kind.NULL_INPUT, True)
    assert model.evaluate({"auc": 0.7, "f1": 0.9, "limit": 0.1, "more": {"limit": 3}}).problems == []


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (["if limit = null then 0 else limit"], [["> 3", "false"]]),
        (["auc"], [["if limit = null then ? < 0.5 else ? < limit", "false"]]),
        (["limit", "auc"], [["null", "< limit", "false"], ["> 2", "-", "false"]]),
    ],
)
def test_a_name_that_is_asked_whether_it_is_null_is_none(table, columns, rows) -> None:
    model = mlc.dmn.load(table(columns, ["passes"], rows))
    assert [p for p in model.evaluate({"auc": 0.7, "limit": None}).problems if p.kind == Kind.NULL_INPUT] == []


@pytest.mark.parametrize(
    ("cell", "problems"),
    [("auc < 0.7", 1), ("f1 < 0.7", 2), ("auc == null || auc < 0.7", 0), ("f1 == null && auc < 0.7", 1)],
)
def test_a_script_that_compares_null_is_a_problem_and_one_that_asks_for_it_is_not(definitions, cell, problems) -> None:
    evaluation = mlc.dmn.load(definitions(CELLS.format(cell=cell))).evaluate({"auc": None, "f1": None})
    assert [problem.kind for problem in evaluation.problems] == [Kind.NULL_INPUT] * problems


def test_a_name_of_a_script_that_is_null_is_a_problem_beside_a_column_that_is_not(definitions) -> None:
    evaluation = mlc.dmn.load(definitions(CELLS.format(cell="r2 < 0.7"))).evaluate({"auc": 0.9, "r2": None})
    assert [(problem.kind, problem.input) for problem in evaluation.problems] == [(Kind.NULL_INPUT, "r2")]


def chain(inner: str) -> mlc.dmn.DecisionModel:
    outer = (
        '<decisionTable hitPolicy="COLLECT"><input><inputExpression><text>rating</text></inputExpression></input>'
        '<output name="passes"/><rule><inputEntry><text>"bad"</text></inputEntry>'
        "<outputEntry><text>false</text></outputEntry></rule></decisionTable>"
    )
    return mlc.dmn.load(
        dmn(
            input_data("psi"),
            decision("rating", inner, ["psi"]),
            decision("Verdict", outer, decisions=["rating"]),
        )
    )


INNER = (
    "<decisionTable><input><inputExpression><text>psi</text></inputExpression></input>"
    '<output name="rating"/><rule><inputEntry><text>[0..1]</text></inputEntry>'
    '<outputEntry><text>"bad"</text></outputEntry></rule></decisionTable>'
)


@pytest.mark.parametrize(
    ("inner", "value"), [(INNER, 7), (INNER, None), ('if psi > 0.2 then "bad" else "good"', None), ("abs(psi)", None)]
)
def test_null_of_a_required_decision_or_that_it_was_made_of_is_a_problem(inner: str, value: Any) -> None:
    model = chain(inner)
    assert Kind.NULL_INPUT not in {problem.kind for problem in model.evaluate({"psi": 0.5}, "Verdict").problems}
    assert Kind.NULL_INPUT in {problem.kind for problem in model.evaluate({"psi": value}, "Verdict").problems}


def test_null_that_is_passed_on_as_null_is_no_problem(feel) -> None:
    assert feel("x", x=None).problems == []
    assert feel("x * 2", x=None).problems == []
    assert [problem.input for problem in feel('if x > 2 then "bad" else "good"', x=None).problems] == ["x"]
    assert feel("if x = null then 1 else x", x=None).problems == []


# -- no rule matches ------------------------------------------------------------


def test_the_values_that_lie_in_no_rule_are_named(table) -> None:
    rows = [["< 0.5", "-", "-", "false"], ["> 0.9", "< 20", "-", "true"]]
    model = mlc.dmn.load(table(["auc", "psi * 100", "unasked"], ["passes"], rows))
    (unmatched,) = model.evaluate({"auc": 0.7, "psi": 0.1, "unasked": 1}).unmatched
    assert (unmatched.decision, unmatched.default) == ("Verdict", False)
    assert str(unmatched) == "auc = 0.7, psi * 100 = 10 lie in no rule"
    assert model.evaluate({"auc": 0.4, "psi": 0.1, "unasked": 1}).unmatched == []


def test_what_rules_say_whatever_the_inputs_are_is_known(table) -> None:
    rows = [["1", "false"], ["2", '"no"'], ["3", "auc > 1"], ["4", "1 = 1"], ["5", "now() = null"], ["6", ""]]
    model = mlc.dmn.load(table(["auc"], ["passes"], rows))
    assert model.says("Verdict", "passes") == [False, "no", ..., True, ..., None]
    with pytest.raises(mlc.dmn.DmnError, match='no table with an output "reason"'):
        model.says("Verdict", "reason")


# -- Camunda's dialect ------------------------------------------------------------

ASKED = {"is defined(?)": 0, "get or else(?, 5) > 1": 0, "get or else(?, b) > 1": 1, "get or else(b, ?) > 1": 1,
         "is empty(?)": 1, "is blank(?)": 1}  # fmt: skip


@pytest.mark.parametrize(("cell", "problems"), ASKED.items())
def test_functions_that_ask_whether_something_is_there_make_null_a_value(table, cell, problems) -> None:
    model = mlc.dmn.load(table(["a"], ["passes"], [[cell, "false"]]), dialect="camunda")
    found = model.evaluate({"a": None, "b": 1 if "b, ?" in cell else None}).problems
    assert [problem.kind for problem in found if problem.kind == Kind.NULL_INPUT] == [Kind.NULL_INPUT] * problems


def test_a_script_that_asks_whether_something_is_empty_asks_for_null(definitions) -> None:
    for cell in ("empty auc || auc > 5", "(auc ?: 0) > 3"):
        model = mlc.dmn.load(definitions(CELLS.format(cell=cell)))
        assert model.evaluate({"auc": None}).problems == []


# -- conditions that are neither true nor false ------------------------------------------------------------

CHOOSING = [
    "if min(values) < 0.7 then false else true",
    "count([min(values)][item < 0.7]) = 0",
    "count(groups[auc < 0.7]) = 0",
    "count(groups[item.auc < 0.7]) = 0",
    "if groups[1].auc < 0.7 then false else true",
    "not(if min(values) < 0.7 then true else false)",
]


@pytest.mark.parametrize("text", CHOOSING)
@pytest.mark.parametrize("kind", ["an output", "a decision", "a cell"])
def test_a_condition_that_is_null_chooses_nothing_without_a_problem(table, kind: str, text: str) -> None:
    files = {
        "an output": table(["x"], ["passes"], [["-", text]], "UNIQUE"),
        "a decision": dmn(decision("Verdict", text)),
        "a cell": table(["x"], ["passes"], [[f"? = 1 and ({text})", "true"]], "UNIQUE"),
    }
    model = mlc.dmn.load(files[kind])
    evaluation = model.evaluate({"x": 1, "values": [], "groups": [{"auc": None}]})
    assert evaluation.result is True
    assert [problem.kind for problem in evaluation.problems] == [Kind.NULL_INPUT]
    assert "neither true nor false" in evaluation.problems[0].message
    assert model.evaluate({"x": 1, "values": [0.8], "groups": [{"auc": 0.9}]}).problems == []


@pytest.mark.parametrize(
    "text",
    [
        "if auc < 0.7 then false else auc != null",
        "if auc = null or auc < 0.7 then false else true",
        "if get or else(auc, 0) < 0.7 then false else true",
        "count(groups[auc != null and auc < 0.7]) = 0",
        "count(groups[auc < 0.7]) = 0 and count(groups[auc = null]) = 1",
    ],
)
def test_a_condition_that_is_null_is_no_problem_where_something_asks_for_it(text: str) -> None:
    model = mlc.dmn.load(dmn(decision("Verdict", text)), dialect="camunda")
    assert model.evaluate({"auc": None, "groups": [{"auc": None}]}).problems == []


@pytest.mark.parametrize("value", ["true", 1, 0, []])
def test_a_condition_of_another_type_counts_as_false_and_is_a_problem(value: Any) -> None:
    model = mlc.dmn.load(dmn(decision("Verdict", "if degraded then false else true")))
    evaluation = model.evaluate({"degraded": value})
    assert evaluation.result is True
    assert [problem.kind for problem in evaluation.problems] == [Kind.WRONG_TYPE]
