"""Tables as ModelOp's users have them: written by Camunda Modeler, with Camunda's and ModelOp's ways."""

from __future__ import annotations

from decimal import Decimal

import pytest

import mlc.dmn
from mlc.dmn import Kind

OLD = "http://www.omg.org/spec/DMN/20151101/dmn.xsd"
VARIABLE_TABLE = """
<decision id="Decision_1" name="Model Test Comparator">
  <decisionTable id="dt" hitPolicy="COLLECT">
    <input id="i1" label="AUC" camunda:inputVariable="auc">
      <inputExpression id="e1" typeRef="double" expressionLanguage="feel"><text></text></inputExpression></input>
    <input id="i2" label="PSI" camunda:inputVariable="score_PSI">
      <inputExpression id="e2" typeRef="double"><text></text></inputExpression></input>
    <output id="o1" label="passes" name="passes" typeRef="boolean"/>
    <output id="o2" label="reason" name="reason" typeRef="string"/>
    <rule id="R1"><description>agreed in May</description>
      <inputEntry id="a"><text>&lt;=.7</text></inputEntry><inputEntry id="b"><text></text></inputEntry>
      <outputEntry id="c"><text>false</text></outputEntry>
      <outputEntry id="d"><text>"AUC too low"</text></outputEntry></rule>
    <rule id="R2">
      <inputEntry id="e"><text>-</text></inputEntry><inputEntry id="f"><text>]0.1..0.2]</text></inputEntry>
      <outputEntry id="g"><text>true</text></outputEntry>
      <outputEntry id="h"><text>"drifts a little"</text></outputEntry></rule>
    <rule id="R3">
      <inputEntry id="i"><text></text></inputEntry><inputEntry id="j"><text>&gt; 0.2</text></inputEntry>
      <outputEntry id="k"><text>false</text></outputEntry><outputEntry id="l"><text>"drifts"</text></outputEntry></rule>
  </decisionTable>
</decision>"""
SCRIPT_TABLE = """
<decision id="d" name="Scripts"><decisionTable id="t" hitPolicy="COLLECT">
  <input id="i" label="methodology" camunda:inputVariable="modelMethodology">
    <inputExpression id="e" typeRef="string"><text></text></inputExpression></input>
  <output id="o" name="reason" typeRef="string"/>
  <rule id="r"><inputEntry id="c" expressionLanguage="{language}"><text><![CDATA[{cell}]]></text></inputEntry>
    <outputEntry id="p"><text>"hit"</text></outputEntry></rule>
</decisionTable></decision>"""


def scripts(definitions, cell, language="groovy"):
    return definitions(SCRIPT_TABLE.format(cell=cell, language=language))


@pytest.mark.parametrize("namespace", [OLD, "https://www.omg.org/spec/DMN/20191111/MODEL/", "urn:whatever"])
def test_an_input_without_expression_is_the_variable_that_camunda_names(definitions, namespace) -> None:
    model = mlc.dmn.load(definitions(VARIABLE_TABLE, namespace), name="auc.dmn")
    assert [(i.name, i.type.name) for i in model.inputs] == [("auc", "double"), ("score_PSI", "double")]
    evaluation = model.evaluate({"auc": 0.7, "score_PSI": 0.25})
    assert evaluation.problems == []
    assert evaluation.result == [
        {"passes": False, "reason": "AUC too low"},
        {"passes": False, "reason": "drifts"},
    ]
    assert [(rule.decision, rule.index, rule.id) for rule in evaluation.matched_rules] == [
        ("Model Test Comparator", 1, "R1"),
        ("Model Test Comparator", 3, "R3"),
    ]
    assert evaluation.matched_rules[0].description == "agreed in May"
    assert evaluation.matched_rules[0].inputs == "AUC = 0.7 (<=.7)"
    assert model.outputs("Model Test Comparator") == ["passes", "reason"]


def test_a_table_that_lists_only_failures_gives_an_empty_list_for_a_good_model(definitions) -> None:
    evaluation = mlc.dmn.load(definitions(VARIABLE_TABLE)).evaluate({"auc": 0.9, "score_PSI": 0.1})
    assert (evaluation.result, evaluation.matched_rules, evaluation.problems) == ([], [], [])


def test_a_range_that_is_open_by_turned_brackets_excludes_its_ends(table) -> None:
    model = mlc.dmn.load(
        table(["psi"], ["band"], [["[0..0.1[", '"low"'], ["]0.1..0.2]", '"mid"'], [">=3,]-99..-1]", "1"]])
    )
    assert model.evaluate({"psi": 0.1}).result == []
    assert model.evaluate({"psi": 0}).result == ["low"]
    assert model.evaluate({"psi": 0.2}).result == ["mid"]
    assert model.evaluate({"psi": -99}).result == []
    assert model.evaluate({"psi": 3}).result == [Decimal(1)]


def test_a_name_with_a_hyphen_is_looked_up_before_it_is_a_subtraction(table) -> None:
    name = "DataDrift_maxKolmogorov-SmirnovPValue"
    model = mlc.dmn.load(table([name], ["passes"], [["< 0.05", "false"]]))
    assert [i.name for i in model.inputs] == [name]
    assert model.evaluate({name: 0.01}).result == [False]
    assert model.evaluate({name: 0.05}).result == []
    both = {"DataDrift_maxKolmogorov": 1, "SmirnovPValue": 0.99}
    assert model.evaluate(both).result == [False]
    assert model.evaluate({**both, name: 0.5}).result == []
    (problem,) = model.evaluate({"SmirnovPValue": 1}).problems
    assert (problem.kind, problem.input) == (Kind.MISSING_INPUT, name)


def test_a_cell_may_compare_with_a_metric_whose_name_has_a_hyphen(table) -> None:
    model = mlc.dmn.load(table(["a-b", "auc"], ["passes"], [["-", "< a-b", "false"]]))
    assert model.evaluate({"a-b": 0.8, "auc": 0.7}).result == [False]


def test_names_of_metrics_may_be_those_of_built_in_functions(table) -> None:
    model = mlc.dmn.load(table(["count", "mean"], ["passes"], [["< 10", "> count", "false"]]))
    assert model.evaluate({"count": 5, "mean": 7}).result == [False]
    assert [p.input for p in model.evaluate({}).problems] == ["count", "mean"]


@pytest.mark.parametrize(
    ("type_ref", "right", "wrong"),
    [
        ("integer", 5, 5.5),
        ("long", 5, "5"),
        ("double", 0.5, "0.5"),
        ("string", "high", 1),
        ("boolean", True, "true"),
        ("date", "2026-07-31", "31.7.2026"),
        ("dateTime", "2026-07-31T10:00:00", "yesterday"),
    ],
)
def test_types_of_camunda_are_known_and_checked(table, type_ref, right, wrong) -> None:
    model = mlc.dmn.load(table([("x", type_ref)], ["hit"], [["not(null)", "1"]]))
    assert model.evaluate({"x": right}).problems == []
    (problem,) = model.evaluate({"x": wrong}).problems
    assert (problem.kind, problem.input, problem.column) == (Kind.WRONG_TYPE, "x", "x")


@pytest.mark.parametrize(
    ("cell", "inputs", "hit"),
    [
        ('modelMethodology.equalsIgnoreCase("regression") && r2_score<0.7', {"r2_score": 0.6}, True),
        ('modelMethodology.equalsIgnoreCase("regression") && r2_score<0.7', {"r2_score": 0.7}, False),
        ('!modelMethodology.equals("Regression")', {}, False),
        ("modelMethodology == 'Regression' || missing.contains('x')", {"missing": "y"}, True),
        ("auc >= 0.5 && (auc < 0.9 || auc != baseline * 2)", {"auc": 0.5, "baseline": 0.25}, True),
        ("-auc + 1 <= .5d && true", {"auc": 0.5}, True),
        ("auc == null", {"auc": None}, True),
    ],
)
def test_a_groovy_cell_is_a_whole_condition_on_any_input(definitions, cell, inputs, hit) -> None:
    evaluation = mlc.dmn.load(scripts(definitions, cell)).evaluate({"modelMethodology": "Regression", **inputs})
    assert (evaluation.result, evaluation.problems) == (["hit"] if hit else [], [])


@pytest.mark.parametrize("language", ["juel", "feel"])
def test_a_juel_cell_compares_two_metrics(definitions, language) -> None:
    model = mlc.dmn.load(scripts(definitions, "${currentDay_ActualRate < currentDay_Threshold}", language))
    given = {"modelMethodology": "x", "currentDay_ActualRate": 0.1, "currentDay_Threshold": 0.2}
    assert model.evaluate(given).result == ["hit"]
    del given["currentDay_Threshold"]
    (problem,) = model.evaluate(given).problems
    assert (problem.kind, problem.input, problem.rule) == (Kind.MISSING_INPUT, "currentDay_Threshold", 1)


@pytest.mark.parametrize(
    "cell",
    [
        "'ls'.execute()",
        "System.exit(0)",
        "new File('/etc/passwd').text == ''",
        "x = 5",
        "x.class.forName('java.lang.Runtime')",
        "[1, 2].any { it > 1 }",
        "auc < 0.5; true",
        "${''.getClass()}",
        "$" + "{x ? 1 : 2}",
        '"${auc}" == "1"',
        "execute('x')",
        "a.equals(b).equals(",
        "1 < 2 < 3",
    ],
)
def test_a_script_outside_of_the_subset_is_refused_on_loading_with_its_place(definitions, cell) -> None:
    with pytest.raises(mlc.dmn.DmnError) as caught:
        mlc.dmn.load(scripts(definitions, cell), name="evil.dmn")
    (problem,) = caught.value.problems
    assert (problem.kind, problem.decision, problem.rule, problem.column) == (Kind.SYNTAX, "Scripts", 1, "methodology")
    assert str(problem).startswith('evil.dmn, decision "Scripts", rule 1, column "methodology": ')


def test_an_unknown_expression_language_is_refused(definitions) -> None:
    with pytest.raises(mlc.dmn.DmnError, match='the expression language "javascript" is not supported'):
        mlc.dmn.load(scripts(definitions, "x < 1", "javascript"))


def test_the_broken_cell_that_was_found_in_the_wild_is_an_error_with_its_place(table) -> None:
    with pytest.raises(mlc.dmn.DmnError) as caught:
        mlc.dmn.load(
            table(["a", "b"], ["passes"], [["-", "-", "true"], ["-", "if <0 or >10 then true else false", "1"]])
        )
    (problem,) = caught.value.problems
    assert (problem.kind, problem.rule, problem.column) == (Kind.SYNTAX, 2, "b")
    assert "at character 4" in problem.message


def test_an_omitted_hit_policy_is_unique(table) -> None:
    model = mlc.dmn.load(table(["auc"], ["passes"], [["< 0.9", "false"], ["< 0.8", "false"]], policy=None))
    assert model.hit_policy("Verdict") == "UNIQUE"
    assert model.evaluate({"auc": 0.85}).result is False
    (problem,) = model.evaluate({"auc": 0.7}).problems
    assert problem.kind == Kind.UNIQUE_VIOLATION


def test_an_output_of_booleans_reads_the_words_in_strings_and_nothing_else(table) -> None:
    model = mlc.dmn.load(table(["auc"], [("passes", "boolean")], [["< 0.9", '"false"'], ["< 0.8", '"no"']]))
    assert model.evaluate({"auc": 0.85}).result == [False]
    evaluation = model.evaluate({"auc": 0.7})
    assert evaluation.result == [False, None]
    assert [(problem.kind, problem.rule, problem.column) for problem in evaluation.problems] == [
        ("wrong_type", 2, "passes")
    ]


def test_an_output_of_strings_writes_a_boolean_out_and_an_empty_cell_is_null(table) -> None:
    model = mlc.dmn.load(table(["auc"], [("passes", "string"), "action"], [["< 0.9", "false", ""]]))
    assert model.evaluate({"auc": 0.85}).result == [{"passes": "false", "action": None}]


def test_outputs_of_a_required_table_are_called_by_their_own_names(definitions) -> None:
    body = """
    <decision id="dish" name="Dish">
      <informationRequirement id="q"><requiredDecision href="#season"/></informationRequirement>
      <decisionTable id="t1">
        <input id="i1"><inputExpression id="e1" typeRef="string"><text>kind</text></inputExpression></input>
        <output id="o1" name="food"/>
        <rule id="r1"><inputEntry><text>"cold"</text></inputEntry><outputEntry><text>"stew"</text></outputEntry></rule>
      </decisionTable></decision>
    <decision id="season" name="Season"><decisionTable id="t2">
        <input id="i2"><inputExpression id="e2" typeRef="integer"><text>degrees</text></inputExpression></input>
        <output id="o2" name="kind" typeRef="string"/>
        <rule id="r2"><inputEntry><text>&lt; 10</text></inputEntry><outputEntry><text>"cold"</text></outputEntry></rule>
      </decisionTable></decision>"""
    model = mlc.dmn.load(definitions(body))
    assert (model.decisions, model.top_decisions) == (["Dish", "Season"], ["Dish"])
    evaluation = model.evaluate({"degrees": 5})
    assert (evaluation.result, evaluation.problems) == ("stew", [])
    assert [rule.decision for rule in evaluation.matched_rules] == ["Season", "Dish"]
