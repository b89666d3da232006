"""Hit policies, aggregations, defaults, output values and annotations of decision tables (DMN 1.5, 8.2.10 and 8.3)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape

import pytest
from dmn_text import decision, dmn, item

import mlc.dmn
from mlc.dmn import DmnError, Kind


def output(name: str, values: str = "", default: str = "", type_ref: str = "") -> str:
    inside = f"<outputValues><text>{escape(values)}</text></outputValues>" if values else ""
    inside += f"<defaultOutputEntry><text>{escape(default)}</text></defaultOutputEntry>" if default else ""
    kind = f' typeRef="{type_ref}"' if type_ref else ""
    return f'<output name="{name}"{kind}>{inside}</output>'


def table(policy: str, rows: Sequence[tuple[str, ...]], *outputs: str, attributes: str = "", values: str = "") -> str:
    """A table with one input `n`; every row has its cell, and then its outputs."""
    rules = "".join(
        f"<rule><inputEntry><text>{escape(cell)}</text></inputEntry>"
        + "".join(f"<outputEntry><text>{escape(one)}</text></outputEntry>" for one in cells)
        + f"<annotationEntry><text>note {number}</text></annotationEntry></rule>"
        for number, (cell, *cells) in enumerate(rows, 1)
    )
    allowed = f"<inputValues><text>{escape(values)}</text></inputValues>" if values else ""
    columns = "".join(outputs) or output("o")
    return (
        f'<decisionTable hitPolicy="{policy}"{attributes}><input label="n"><inputExpression><text>n</text>'
        f'</inputExpression>{allowed}</input>{columns}<annotation name="why"/>{rules}</decisionTable>'
    )


def evaluated(n: object, *arguments: str | Sequence[tuple[str, ...]], **options: str) -> mlc.dmn.Evaluation:
    return mlc.dmn.load(dmn(decision("x", table(*arguments, **options)))).evaluate({"n": n})


def kinds(evaluation: mlc.dmn.Evaluation) -> list[Kind]:
    return [problem.kind for problem in evaluation.problems]


ROWS = [("> 1", "10", '"a"'), ("> 2", "30", '"b"'), ("> 3", "20", '"a"')]
ONE = [row[:2] for row in ROWS]
ORDER = output("o", "30, 20, 10")


@pytest.mark.parametrize(
    ("policy", "aggregation", "n", "result", "matched"),
    [
        ("UNIQUE", "", 2, 10, [1]),
        ("UNIQUE", "", 0, None, []),
        ("FIRST", "", 9, 10, [1]),
        ("PRIORITY", "", 9, 30, [2]),
        ("PRIORITY", "", 0, None, []),
        ("RULE ORDER", "", 9, [10, 30, 20], [1, 2, 3]),
        ("OUTPUT ORDER", "", 9, [30, 20, 10], [2, 3, 1]),
        ("OUTPUT ORDER", "", 0, [], []),
        ("COLLECT", "", 9, [10, 30, 20], [1, 2, 3]),
        ("COLLECT", "", 0, [], []),
        ("COLLECT", "SUM", 9, 60, [1, 2, 3]),
        ("COLLECT", "MIN", 9, 10, [1, 2, 3]),
        ("COLLECT", "MAX", 9, 30, [1, 2, 3]),
        ("COLLECT", "COUNT", 9, 3, [1, 2, 3]),
        ("COLLECT", "COUNT", 0, 0, []),
        ("COLLECT", "SUM", 0, None, []),
    ],
)
def test_what_a_hit_policy_makes_of_the_rules_that_match(policy, aggregation, n, result, matched) -> None:
    attributes = f' aggregation="{aggregation}"' if aggregation else ""
    evaluation = evaluated(n, policy, ONE, ORDER, attributes=attributes)
    assert (evaluation.result, evaluation.problems) == (result, [])
    assert [rule.index for rule in evaluation.matched_rules] == matched


def test_several_outputs_are_contexts() -> None:
    outputs = output("o", "30, 20, 10"), output("p")
    assert evaluated(2, "UNIQUE", ROWS, *outputs).result == {"o": 10, "p": "a"}
    assert evaluated(3, "COLLECT", ROWS, *outputs).result == [{"o": 10, "p": "a"}, {"o": 30, "p": "b"}]
    assert evaluated(9, "PRIORITY", ROWS, *outputs).result == {"o": 30, "p": "b"}


def test_priority_looks_at_the_outputs_from_left_to_right() -> None:
    rows = [("-", '"low"', "1"), ("-", '"high"', "2"), ("-", '"high"', "1")]
    outputs = output("o", '"high", "low"'), output("p", "1, 2")
    evaluation = evaluated(0, "OUTPUT ORDER", rows, *outputs)
    assert [rule.index for rule in evaluation.matched_rules] == [3, 2, 1]


def test_rules_of_the_same_priority_keep_their_order() -> None:
    rows = [("-", '"b"'), ("-", '"a"'), ("-", '"b"')]
    evaluation = evaluated(0, "OUTPUT ORDER", rows, output("o", '"a", "b"'))
    assert [rule.index for rule in evaluation.matched_rules] == [2, 1, 3]


def test_priorities_may_come_from_the_allowed_values_of_the_type() -> None:
    level = item("tLevel", '<typeRef>string</typeRef><allowedValues><text>"high","low"</text></allowedValues>')
    rows = [("-", '"low"'), ("-", '"high"')]
    body = decision("x", table("PRIORITY", rows, output("o", type_ref="tLevel")))
    assert mlc.dmn.load(dmn(level, body)).evaluate({"n": 1}).result == "high"


def test_unique_and_any_are_violated_by_what_they_do_not_allow() -> None:
    evaluation = evaluated(9, "UNIQUE", ONE)
    assert (evaluation.result, kinds(evaluation)) == (None, [Kind.UNIQUE_VIOLATION])
    evaluation = evaluated(9, "ANY", ONE)
    assert (evaluation.result, kinds(evaluation)) == (None, [Kind.ANY_VIOLATION])
    assert evaluated(9, "ANY", [("-", "1.0"), ("-", "1")]).result == 1


@pytest.mark.parametrize(
    ("policy", "result"),
    [
        ("UNIQUE", 7),
        ("ANY", 7),
        ("FIRST", 7),
        ("PRIORITY", 7),
        ("RULE ORDER", [7]),
        ("OUTPUT ORDER", [7]),
        ("COLLECT", [7]),
    ],
)
def test_a_default_output_is_the_result_when_no_rule_matches(policy, result) -> None:
    evaluation = evaluated(0, policy, ONE, output("o", "30, 20, 10, 7", "7"))
    assert (evaluation.result, evaluation.matched_rules) == (result, [])


def test_defaults_of_several_outputs_are_a_context_and_have_the_types_of_their_columns() -> None:
    outputs = output("o", default="7"), output("p", default='["a"]', type_ref="string"), output("q")
    assert evaluated(0, "FIRST", [("> 1", "1", "2", "3")], *outputs).result == {"o": 7, "p": "a", "q": None}


def test_what_cannot_be_aggregated_is_null_and_a_problem() -> None:
    rows = [("-", "1"), ("-", '"two"')]
    for aggregation in ("SUM", "MIN", "MAX"):
        evaluation = evaluated(0, "COLLECT", rows, attributes=f' aggregation="{aggregation}"')
        assert (evaluation.result, kinds(evaluation)) == (None, [Kind.WRONG_TYPE])


@pytest.mark.parametrize("aggregation", ["MIN", "MAX"])
def test_strings_have_an_order_too(aggregation) -> None:
    rows = [("-", '"b"'), ("-", '"a"')]
    evaluation = evaluated(0, "COLLECT", rows, attributes=f' aggregation="{aggregation}"')
    assert evaluation.result == ("a" if aggregation == "MIN" else "b")


def test_sums_are_decimal() -> None:
    rows = [("-", "0.1"), ("-", "0.2")]
    assert evaluated(0, "COLLECT", rows, attributes=' aggregation="SUM"').result == Decimal("0.3")


def test_a_value_that_is_none_of_the_input_values_is_a_problem() -> None:
    assert kinds(evaluated(5, "FIRST", ONE, values="[0..10]")) == []
    (problem,) = evaluated(11, "FIRST", ONE, values="[0..10]").problems
    assert (problem.kind, problem.input, problem.column) == (Kind.NOT_ALLOWED, "n", "n")


def test_an_output_that_is_none_of_the_output_values_is_a_problem_with_its_place() -> None:
    rows = [("-", '"None"'), ("-", '"Jra"'), ("-", "")]
    evaluation = evaluated(1, "COLLECT", rows, output("action", '"None","Jira"'))
    assert evaluation.result == ["None", "Jra", None]
    (problem,) = evaluation.problems
    assert (problem.kind, problem.rule, problem.column) == (Kind.NOT_ALLOWED, 2, "action")


def test_matched_rules_have_their_annotations_and_conditions() -> None:
    (rule,) = evaluated(2, "UNIQUE", ONE).matched_rules
    assert (rule.annotation, rule.inputs, rule.outputs) == ("note 1", "n = 2 (> 1)", {"o": 10})


@pytest.mark.parametrize(
    "attributes", ["", ' preferredOrientation="CrossTable"', ' preferredOrientation="Rule-as-Column"']
)
def test_the_orientation_of_a_table_has_no_effect(attributes) -> None:
    assert evaluated(2, "UNIQUE", ONE, attributes=attributes).result == 10


@pytest.mark.parametrize("policy", ["PRIORITY", "OUTPUT ORDER"])
def test_priorities_without_output_values_are_a_problem(policy) -> None:
    with pytest.raises(DmnError, match="needs output values"):
        evaluated(1, policy, ONE)


def test_an_unknown_aggregation_and_two_rules_of_one_id_are_problems() -> None:
    with pytest.raises(DmnError, match="COLLECT has no aggregation AVERAGE"):
        evaluated(1, "COLLECT", ONE, attributes=' aggregation="AVERAGE"')
    body = decision("x", table("FIRST", ONE).replace("<rule>", '<rule id="r">'))
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(dmn(body))
    assert [(problem.kind, problem.rule) for problem in caught.value.problems] == [
        (Kind.DUPLICATE, 2),
        (Kind.DUPLICATE, 3),
    ]
