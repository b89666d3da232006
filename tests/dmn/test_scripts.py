"""Groovy and JUEL, as far as real tables use them, and what is refused of them."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from dmn_text import decision, dmn, input_data

import mlc.dmn
from mlc.dmn import DmnError, Kind


def box(text: str, language: str | None = "juel") -> str:
    attribute = f' expressionLanguage="{language}"' if language else ""
    return f"<literalExpression{attribute}><text><![CDATA[{text}]]></text></literalExpression>"


def evaluated(text: str, language: str | None = "groovy", **inputs: Any) -> mlc.dmn.Evaluation:
    return mlc.dmn.load(dmn(decision("x", box(text, language)))).evaluate(inputs)


def cell(text: str, language: str = "groovy") -> bytes:
    return dmn(
        decision(
            "x",
            '<decisionTable hitPolicy="FIRST"><input label="n"><inputExpression><text>n</text></inputExpression>'
            f'</input><output name="o"/><rule><inputEntry expressionLanguage="{language}"><text><![CDATA[{text}]]>'
            "</text></inputEntry><outputEntry><text>true</text></outputEntry></rule></decisionTable>",
        )
    )


VALUES: dict[str, Any] = {
    "auc": 0.9,
    "psi": None,
    "name": "Churn",
    "empty_name": "",
    "rows": [{"k": 1, "some key": 2}, {"k": 3}],
    "tags": ["a", "b"],
    "none": [],
    "flag": True,
    "metrics": {"f1": 0.5, "drift": {"psi": 0.1}},
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # choices
        ('flag ? "yes" : "no"', "yes"),
        ('auc < 0.5 ? "low" : auc < 0.8 ? "middle" : "high"', "high"),
        ("(auc > 0.5 ? 1 : 2) + 1", 2),
        ('empty psi ? "none" : "some"', "none"),
        ('psi ?: "unknown"', "unknown"),
        ("empty_name ?: none ?: name", "Churn"),
        ("auc ?: 1", 0.9),
        # members
        ("rows[0].k", 1),
        ("rows[1]['k'] + rows[-1].k", 6),
        ('rows[0]["some key"]', 2),
        ("metrics.drift.psi", 0.1),
        ("metrics['drift']['psi']", 0.1),
        ("metrics?.drift?.psi", 0.1),
        ("psi?.drift", None),
        ("rows[auc > 0.5 ? 0 : 1].k", 1),
        ("name[0]", "C"),
        ("tags.get(1)", "b"),
        ("metrics.get('f1')", 0.5),
        # lists
        ("'a' in tags", True),
        ("name in ['Churn', 'Fraud']", True),
        ("!(name in ['Fraud'])", True),
        ("'f1' in metrics", True),
        ("[1, 2][1]", 2),
        ("tags.contains('b')", True),
        ("tags.size() + name.length()", 7),
        ("none.isEmpty() && !tags.isEmpty()", True),
        ("metrics.containsKey('f2')", False),
        # empty
        ("empty none", True),
        ("empty empty_name", True),
        ("not empty tags", True),
        ("!empty name && empty psi", True),
        ("empty nowhere", True),
        ("empty nowhere.at.all", True),
        ("empty auc", False),
        # strings
        ("name.toLowerCase().startsWith('ch')", True),
        ("name.toUpperCase() == 'CHURN'", True),
        ("' a '.trim()", "a"),
        ("name.endsWith('rn') and name.contains('hu')", True),
        ('name.equalsIgnoreCase("CHURN")', True),
        ("name.equals('churn')", False),
        ("'  '.isBlank()", True),
        ("name.size()", 5),
        ("psi.equals('x')", None),
        # words and arithmetic
        ("auc gt 0.5 and auc le 0.9 or false", True),
        ("not (auc eq 0.9) or auc ne 1", True),
        ("7 mod 4", 3),
        ("-7 % 4", -3),
        ("6 div 4", 1.5),
        ("7 % 4 * 2 / 3", 2),
        ("Math.abs(-2) + Math.max(1, 3) - Math.min(1, 3)", 4),
        ("Math.abs(psi)", None),
        ("return auc > 0.5;", True),
        ("auc > 0.5;", True),
    ],
)
@pytest.mark.parametrize("language", ["groovy", "juel"])
def test_what_real_files_use_is_known(text, wanted, language) -> None:
    evaluation = evaluated(text, language, **VALUES)
    assert evaluation.result == (Decimal(repr(wanted)) if isinstance(wanted, float) else wanted)
    assert evaluation.problems == []


@pytest.mark.parametrize("text", ["${auc > 0.5 ? 'y' : 'n'}", "#{auc > 0.5 ? 'y' : 'n'}"])
@pytest.mark.parametrize("language", [None, "feel", "juel"])
def test_both_of_juels_brackets_say_the_language(text, language) -> None:
    assert evaluated(text, language, auc=0.9).result == "y"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("rows[5].k", Kind.BAD_ARGUMENT),
        ("rows[0.5]", Kind.BAD_ARGUMENT),
        ("metrics['f2']", Kind.UNKNOWN_NAME),
        ("metrics[0]", Kind.WRONG_TYPE),
        ("name ? 1 : 2", Kind.WRONG_TYPE),
        ("psi ? 1 : 2", Kind.WRONG_TYPE),
        ("auc.toLowerCase()", Kind.WRONG_TYPE),
        ("name.contains(1)", Kind.WRONG_TYPE),
        ("name in 'Churn'", Kind.WRONG_TYPE),
        ("name in auc", Kind.WRONG_TYPE),
        ("1 % 0", Kind.ARITHMETIC),
        ("name % 2", Kind.WRONG_TYPE),
        ("name.equals(5)", Kind.WRONG_TYPE),
        ("Math.max(name, 1)", Kind.WRONG_TYPE),
        ("Math.max(1)", Kind.BAD_ARGUMENT),
        ("auc < 'x'", Kind.WRONG_TYPE),
    ],
)
def test_what_has_no_answer_is_null_and_a_problem(text, kind) -> None:
    evaluation = evaluated(text, **VALUES)
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [kind])


def test_a_missing_name_is_a_problem_unless_empty_asks_for_it() -> None:
    assert evaluated("nowhere ? 1 : 2").problems[0].kind == Kind.MISSING_INPUT
    declared = dmn(input_data("psi", "number"), decision("x", box("empty psi ? 0 : psi"), ["psi"]))
    assert [problem.kind for problem in mlc.dmn.load(declared).evaluate({}).problems] == [Kind.MISSING_INPUT]
    only = dmn(input_data("psi", "number"), decision("x", box("empty psi"), ["psi"]))
    evaluation = mlc.dmn.load(only).evaluate({})
    assert (evaluation.result, evaluation.problems) == (True, [])


@pytest.mark.parametrize(
    "text",
    [
        "new File('x')",
        "'ls'.execute()",
        "x.getClass()",
        "x.class.forName('y')",
        "System.exit(1)",
        "Math.random()",
        "Math.PI.foo()",
        "x = 1",
        "x += 1",
        "a ==~ /b/",
        "a =~ /b/",
        "a <=> b",
        "a instanceof String",
        "x as int",
        "[a: 1]",
        "[1, 2].any { it > 1 }",
        "1..5",
        "x -> x",
        "if (x) 1 else 2",
        "a; b",
        "return",
        "a ?",
        "a ? b",
        "a ? b :",
        "a ?: ",
        "a[",
        "a[]",
        "a[1",
        "[1, 2",
        "empty",
        "in [1]",
        "a.",
        "a?.",
        "a.length(1)",
        "a.equals()",
        "a.get(1, 2)",
        "f(x)",
        "a.f(x)",
        "`x`",
        "$x",
        '"${x}"',
        "@x",
        "x!",
        "a ? b : c : d",
        "1 < 2 < 3",
        "((((",
        "(" * 200 + "1" + ")" * 200,
        "1 ? " * 200 + "1" + " : 1" * 200,
        "!" * 300 + "x",
        "x" + "[0]" * 300,
        "[" * 200,
        "empty " * 200 + "x",
    ],
)
@pytest.mark.parametrize("language", ["groovy", "juel"])
def test_whatever_else_stands_there_is_refused_with_its_place(text, language) -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(cell(text, language), name="f.dmn")
    (problem,) = caught.value.problems
    assert (problem.kind, problem.rule, problem.column) == (Kind.SYNTAX, 1, "n")


@pytest.mark.parametrize(
    ("text", "value", "hit"),
    [
        ("cellInput >= 18 && cellInput <= 30", 20, True),
        ("cellInput >= 18 && cellInput <= 30", 31, False),
        ("${cellInput >= 18 and cellInput <= 30}", 18, True),
        ("#{n >= 18 and n <= 30}", 18, True),
        ("n > 5 ? n < 10 : false", 7, True),
        ("cellInput in [1, 2]", 2, True),
        ("empty cellInput", None, True),
    ],
)
def test_a_cell_may_ask_for_the_value_of_its_column(text, value, hit) -> None:
    evaluation = mlc.dmn.load(cell(text)).evaluate({"n": value})
    assert [rule.index for rule in evaluation.matched_rules] == ([1] if hit else [])


@pytest.mark.parametrize("text", ["1", "'x'", "n > 1 ? 1 : 2", "n > 1 ? 'a' : n > 2 ? 'b' : 'c'", "null"])
def test_a_cell_that_can_give_no_boolean_is_refused(text) -> None:
    with pytest.raises(DmnError, match="is a condition, and gives no boolean"):
        mlc.dmn.load(cell(text))


def test_an_output_and_a_column_may_be_scripts_too() -> None:
    table = (
        '<decisionTable hitPolicy="FIRST"><input><inputExpression expressionLanguage="juel"><text>rows[0].auc</text>'
        '</inputExpression></input><output name="o"/><rule><inputEntry><text>&lt; 0.7</text></inputEntry>'
        '<outputEntry expressionLanguage="groovy"><text>owner ?: "nobody"</text></outputEntry></rule></decisionTable>'
    )
    evaluation = mlc.dmn.load(dmn(decision("x", table))).evaluate({"rows": [{"auc": 0.6}], "owner": None})
    assert (evaluation.result, evaluation.problems) == ("nobody", [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n.contains('b')", "a" * 2_000_000),
        ("n.toUpperCase().toLowerCase().trim().length() > 1", "a" * 2_000_000),
        (" && ".join(["n.contains('b') == false"] * 500), "a" * 100_000),
        (" && ".join(["!(5 in n)"] * 500), list(range(10, 5_000))),
        ("[" + ",".join(["1"] * 9_000) + "].size() > 0", None),
        ("1" + " % 7" * 3_000 + " == 1", None),
    ],
)
def test_hostile_scripts_end_soon(text, value) -> None:
    began = time.thread_time()
    model = mlc.dmn.load(cell(text), max_bytes=2**21)
    model.evaluate({"n": value})
    assert time.thread_time() - began < 5
