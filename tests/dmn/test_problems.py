"""What is wrong with a file is said on loading, with its place; what is wrong with inputs stands beside the result."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

import mlc.dmn
from mlc.dmn import DmnError, Kind, Place, Problem
from mlc.dmn.report import evaluation_report


def problems_of(data: bytes, name: str = "file.dmn") -> list[Problem]:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(data, name=name)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return caught.value.problems


# -- on loading ------------------------------------------------------------


def test_every_cell_that_does_not_parse_is_reported_with_its_place(table) -> None:
    data = table(["auc", "f1"], ["passes"], [["<< 1", "-", "true"], ["-", "[1..2", "tru e"], ["-", "-", "1"]])
    first, second, third = problems_of(data)
    assert first.place == Place("file.dmn", "Verdict", 1, "auc")
    assert second.place == Place("file.dmn", "Verdict", 2, "f1")
    assert third.place == Place("file.dmn", "Verdict", 2, "passes")
    assert str(first).startswith('file.dmn, decision "Verdict", rule 1, column "auc": ')


def test_too_few_and_too_many_cells_are_reported(table) -> None:
    problems = problems_of(table(["a", "b"], ["x"], [["1"], ["1", "2", "3", "4"]]))
    assert [(problem.kind, problem.rule) for problem in problems] == [(Kind.STRUCTURE, rule) for rule in (1, 1, 2)]
    assert [problem.message for problem in problems] == [
        "the rule has 1 input cells, and the table 2 inputs",
        "the rule has 0 output cells, and the table 1 outputs",
        "the rule has 2 output cells, and the table 1 outputs",
    ]


def test_too_few_input_cells_are_not_made_up_for_by_output_cells(definitions) -> None:
    body = """<decision id="d" name="D"><decisionTable id="t"><input id="i"><inputExpression id="e"><text>a</text>
      </inputExpression></input><output id="o" name="x"/><rule id="r"><outputEntry><text>1</text></outputEntry></rule>
      </decisionTable></decision>"""
    (problem,) = problems_of(definitions(body))
    assert problem.message == "the rule has 0 input cells, and the table 1 inputs"


@pytest.mark.parametrize(("policy", "kind"), [("BEST", Kind.STRUCTURE), ("PRIORITY", Kind.STRUCTURE)])
def test_a_hit_policy_that_is_unknown_or_lacks_its_priorities_is_reported(table, policy, kind) -> None:
    (problem,) = problems_of(table(["a"], ["x"], [["1", "2"]], policy=policy))
    assert problem.kind == kind


def test_an_aggregation_without_collect_is_reported(table) -> None:
    (problem,) = problems_of(table(["a"], ["x"], [["1", "2"]], policy="FIRST", extra=' aggregation="SUM"'))
    assert "FIRST has no aggregation SUM" in problem.message


def test_an_unknown_type_is_reported_with_its_column(table) -> None:
    (problem,) = problems_of(table([("a", "flaot")], ["x"], [["1", "2"]]))
    assert (problem.kind, problem.column, problem.message) == (Kind.UNKNOWN_TYPE, "a", 'there is no type "flaot"')


def test_two_outputs_of_one_name_are_reported(table) -> None:
    (problem,) = problems_of(table(["a"], ["x", "x"], [["1", "2", "3"]]))
    assert (problem.kind, problem.column) == (Kind.DUPLICATE, "x")


def test_an_unknown_function_is_reported(table) -> None:
    (problem,) = problems_of(table(["a"], ["x"], [["startswith(?, 1)", "2"]]))
    assert 'there is no function "startswith"' in problem.message


def literal(name: str, text: str, *required: str) -> str:
    needs = "".join(
        f'<informationRequirement id="{name}{n}"><requiredDecision href="#{other}"/></informationRequirement>'
        for n, other in enumerate(required)
    )
    logic = f"<literalExpression><text>{text}</text></literalExpression>"
    return f'<decision id="{name}" name="{name}">{needs}{logic}</decision>'


def test_a_circle_of_decisions_is_reported(definitions) -> None:
    body = literal("a", "b", "b") + literal("b", "c", "c") + literal("c", "a", "a") + literal("d", "d", "d")
    one, other = problems_of(definitions(body))
    assert one.kind == other.kind == Kind.CYCLE
    assert "a -> b -> c -> a" in one.message
    assert "d -> d" in other.message


def test_a_missing_required_decision_is_reported(definitions) -> None:
    (problem,) = problems_of(definitions(literal("a", "1", "elsewhere")))
    assert (problem.kind, problem.decision) == (Kind.REFERENCE, "a")


def test_duplicate_names_and_ids_are_reported(definitions) -> None:
    problems = problems_of(definitions(literal("a", "1") + literal("a", "2")))
    assert {problem.kind for problem in problems} == {Kind.DUPLICATE}
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("twice", "words"),
    [
        ('<inputData id="{}" name="auc"/>', '2 inputs have the name "auc"'),
        ('<businessKnowledgeModel id="{}" name="f"/>', '2 functions have the name "f"'),
        ('<itemDefinition id="{}" name="t"><typeRef>number</typeRef></itemDefinition>', '2 types have the name "t"'),
        ('<inputData id="i" name="{}"/>', '2 elements have the id "i"'),
    ],
)
def test_two_elements_of_a_kind_with_one_name_or_id_are_reported(definitions, twice, words) -> None:
    (problem,) = problems_of(definitions(twice.format("one") + twice.format("other") + literal("d", "1")))
    assert (problem.kind, problem.message) == (Kind.DUPLICATE, words)


@pytest.mark.parametrize("requirement", ["requiredInput", "requiredDecision", "requiredKnowledge"])
def test_what_is_required_and_is_not_there_is_reported_with_the_decision(definitions, requirement) -> None:
    outer = "knowledgeRequirement" if requirement == "requiredKnowledge" else "informationRequirement"
    needs = f'<{outer}><{requirement} href="#nowhere"/></{outer}>'
    body = literal("d", "1").replace("<literal", f"{needs}<literal", 1)
    (problem,) = problems_of(definitions(body))
    assert (problem.kind, problem.place) == (Kind.REFERENCE, Place("file.dmn", "d"))
    assert '"nowhere"' in problem.message


@pytest.mark.parametrize("place", ["definitions", "cell", "input", "output"])
def test_an_unknown_expression_language_is_reported_where_it_matters(table, place) -> None:
    data = table(["auc"], ["passes"], [["< 0.7", "false"]])
    tag = {
        "definitions": b"<definitions",
        "cell": b"<inputEntry",
        "input": b"<inputExpression",
        "output": b"<outputEntry",
    }
    data = data.replace(tag[place], tag[place] + b' expressionLanguage="brainf"', 1)
    problems = problems_of(data)
    assert {problem.kind for problem in problems} == {Kind.UNSUPPORTED}
    assert all('"brainf" is not supported' in problem.message and problem.column for problem in problems)
    assert len(problems) == (3 if place == "definitions" else 1)


def test_every_problem_of_a_file_is_reported_at_once(table) -> None:
    data = table([("auc", "flaot")], ["passes"], [["<", "false"], ["1"], ["-", ")"]], policy="BEST")
    assert [problem.kind for problem in problems_of(data)] == [Kind.STRUCTURE, Kind.STRUCTURE]
    data = table([("auc", "flaot")], ["passes"], [["<", "false"], ["-", ")"]], policy="BEST")
    assert {problem.kind for problem in problems_of(data)} == {Kind.STRUCTURE, Kind.UNKNOWN_TYPE, Kind.SYNTAX}
    assert len(problems_of(data)) == 4


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"/></definitions>', "BPMN"),
        (b"<html/>", "root is <html>"),
        (b"<definitions/>", "no decision"),
        (b"{}", "not well-formed"),
        (b"", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><definitions/>', "not well-formed"),
    ],
)
def test_what_is_not_a_dmn_file_is_named(data, words) -> None:
    (problem,) = problems_of(data)
    assert problem.kind == Kind.NOT_DMN
    assert words in problem.message


def test_a_file_that_is_read_with_leave_has_its_problems_and_answers_null(table) -> None:
    model = mlc.dmn.load(table(["a"], ["x"], [["<< 1", "2"], ["5", "3"]]), strict=False)
    assert [problem.kind for problem in model.problems] == [Kind.SYNTAX]


# -- on evaluation ------------------------------------------------------------


def test_a_missing_input_is_a_problem_of_its_own_kind_with_the_name_and_a_hint(table) -> None:
    model = mlc.dmn.load(table([("auc", "double"), "f1"], ["passes"], [["< 0.7", "-", "false"]]), name="t.dmn")
    evaluation = model.evaluate({"AUC": 0.5, "f1": 1})
    (problem,) = evaluation.problems
    assert (problem.kind, problem.input, problem.decision, problem.column) == ("missing_input", "auc", "Verdict", "auc")
    assert str(problem) == (
        't.dmn, decision "Verdict", column "auc": the input "auc" is not given; "AUC" is given: is it meant?'
    )
    assert evaluation.result == []


def test_a_name_that_only_a_cell_mentions_is_asked_for_too(table) -> None:
    model = mlc.dmn.load(table(["auc"], ["passes"], [["< threshold", "false"]]))
    assert [given.name for given in model.inputs] == ["auc", "threshold"]
    assert model.evaluate({"auc": 0.5, "threshold": 0.6}).result == [False]
    (problem,) = model.evaluate({"auc": 0.5}).problems
    assert (problem.kind, problem.input, problem.rule) == (Kind.MISSING_INPUT, "threshold", 1)


def test_an_input_that_is_null_is_a_problem_unless_a_cell_asks_for_null(table) -> None:
    strict = mlc.dmn.load(table(["auc"], ["passes"], [["< 0.7", "false"]]))
    (problem,) = strict.evaluate({"auc": None}).problems
    assert (problem.kind, problem.input) == (Kind.NULL_INPUT, "auc")
    asking = mlc.dmn.load(table(["auc"], ["passes"], [["< 0.7", "false"], ["null", "false"]]))
    assert asking.evaluate({"auc": None}) == mlc.dmn.Evaluation([False], asking.evaluate({"auc": None}).matched_rules)


def test_a_value_that_does_not_compare_is_a_problem_even_without_a_type(table) -> None:
    model = mlc.dmn.load(table(["auc"], ["passes"], [[">= 0.7", "true"], ["not(< 0.7)", "true"]]))
    evaluation = model.evaluate({"auc": "high"})
    assert evaluation.result == []
    assert [(problem.kind, problem.rule, problem.input) for problem in evaluation.problems] == [
        (Kind.WRONG_TYPE, 1, "auc"),
        (Kind.WRONG_TYPE, 2, "auc"),
    ]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("-Infinity"), np.float64("nan"), Decimal("1e7000")]
)
def test_what_is_not_a_finite_number_is_refused_as_an_input(table, value) -> None:
    model = mlc.dmn.load(table(["auc"], ["passes"], [["-", "true"], ["< 1", "false"]]))
    (problem,) = model.evaluate({"auc": value}).problems
    assert (problem.kind, problem.input) == (Kind.NOT_A_NUMBER, "auc")


def test_unique_violations_are_problems_that_name_the_rules(table) -> None:
    model = mlc.dmn.load(table(["auc"], ["passes"], [["< 0.9", "1"], ["> 5", "2"], ["< 0.8", "1"]], policy="UNIQUE"))
    evaluation = model.evaluate({"auc": 0.1})
    (problem,) = evaluation.problems
    assert evaluation.result is None
    assert (problem.kind, problem.rule) == (Kind.UNIQUE_VIOLATION, 1)
    assert "rules 1 and 3 match" in problem.message
    assert [rule.index for rule in evaluation.matched_rules] == [1, 3]


def test_any_allows_equal_outputs_and_reports_different_ones(table) -> None:
    rows = [["< 0.9", "1"], ["< 0.8", "1.0"], ["< 0.7", "2"]]
    model = mlc.dmn.load(table(["auc"], ["passes"], rows, policy="ANY"))
    assert (model.evaluate({"auc": 0.75}).result, model.evaluate({"auc": 0.75}).problems) == (1, [])
    evaluation = model.evaluate({"auc": 0.1})
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.ANY_VIOLATION])


def test_floats_are_the_decimals_that_they_print_as(feel, table) -> None:
    assert feel("a - b >= 0.01", a=0.94, b=0.93).result is True
    model = mlc.dmn.load(table(["x"], ["hit"], [["[0.1..0.3]", "1"]]))
    assert model.evaluate({"x": np.float64(0.3)}).result == [1]
    assert model.evaluate({"x": 0.1 + 0.2}).result == []


def test_values_never_compare_across_types(feel) -> None:
    for text in ('"high" >= 0.7', '1 = "1"', "true = 1", '@"2026-01-01" < "2026-01-02"', '@"P1M" < @"P31D"'):
        evaluation = feel(text)
        assert evaluation.result is None
        assert [problem.kind for problem in evaluation.problems] == [Kind.WRONG_TYPE]


def test_a_value_outside_of_the_allowed_ones_is_a_problem(definitions) -> None:
    body = """<itemDefinition name="tStage"><typeRef>string</typeRef>
      <allowedValues><text>"dev","prod"</text></allowedValues></itemDefinition>
      <inputData id="i" name="stage"><variable name="stage" typeRef="tStage"/></inputData>
      <decision id="d" name="d"><informationRequirement id="q"><requiredInput href="#i"/></informationRequirement>
      <literalExpression><text>stage</text></literalExpression></decision>"""
    model = mlc.dmn.load(definitions(body))
    assert model.evaluate({"stage": "prod"}).result == "prod"
    (problem,) = model.evaluate({"stage": "pord"}).problems
    assert (problem.kind, problem.input) == (Kind.WRONG_TYPE, "stage")
    assert 'allows only "dev","prod"' in problem.message


def test_division_by_zero_and_bad_arguments_are_problems(feel) -> None:
    assert [problem.kind for problem in feel("1 / x", x=0).problems] == [Kind.ARITHMETIC]
    assert [problem.kind for problem in feel('date("31.7.2026")').problems] == [Kind.BAD_ARGUMENT]
    assert feel('date("2026-07-31")').result == date(2026, 7, 31)


def test_which_decision_is_asked_when_several_are_on_top(definitions) -> None:
    model = mlc.dmn.load(definitions(literal("a", "1") + literal("b", "2")))
    assert model.evaluate({}, "b").result == 2
    with pytest.raises(DmnError, match='say which decision: "a", "b"'):
        model.evaluate({})
    with pytest.raises(DmnError, match='no decision "c"; there are "a", "b"'):
        model.evaluate({}, "c")


# -- reports ------------------------------------------------------------


def test_the_evaluation_report_says_result_rules_and_problems(table) -> None:
    model = mlc.dmn.load(table(["auc", "f1"], ["passes"], [["< 0.7", "-", "false"], ["-", "< 1", "true"]]))
    assert evaluation_report(model.evaluate({"auc": 0.5})).splitlines() == [
        "result: [false]",
        "matched rules",
        '  "Verdict" rule 1, because auc = 0.5 (< 0.7): passes false',
        "problems",
        '  missing_input: decision "Verdict", column "f1": the input "f1" is not given',
    ]


def test_a_problem_of_another_kind_is_kept_beside_ever_so_many_of_one(table) -> None:
    names = [f"m{n}" for n in range(120)]
    rows = [["< 1", *["-"] * 120, "true"], ["< 2", *["-"] * 120, "false"], ["-", *["0"] * 120, "false"]]
    evaluation = mlc.dmn.load(table(["auc", *names], ["passes"], rows, policy="UNIQUE")).evaluate({"auc": 0.5})
    assert {problem.kind for problem in evaluation.problems} == {Kind.MISSING_INPUT, Kind.UNIQUE_VIOLATION}
    assert len(evaluation.problems) == 101


def test_a_missing_input_hides_no_problem_of_a_cell_that_does_not_read_it(table) -> None:
    model = mlc.dmn.load(table(["e", "auc"], ["passes"], [["> 1", "-", "true"], ["-", '> "seven"', "false"]]))
    kinds = [problem.kind for problem in model.evaluate({"auc": 0.5}).problems]
    assert kinds == [Kind.MISSING_INPUT, Kind.WRONG_TYPE]
