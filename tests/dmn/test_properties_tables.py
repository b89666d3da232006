"""What a table answers, by every hit policy, against a few lines of Python; the order of rules counts where it may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from property_settings import examples

import mlc.dmn
from mlc.dmn import Evaluation, Kind
from tests.fuzz import seeds

#: A rule: the range that the input must lie in, and the output.
Rule = tuple[int, int, int]
RULES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4)).map(
        lambda rule: (min(rule[:2]), max(rule[:2]), rule[2])
    ),
    max_size=6,
)
VALUES = st.integers(-1, 7)
#: The output values of the tables, from the highest priority to the lowest.
PRIORITIES = [3, 1, 4, 2]


def evaluated(rules: list[Rule], value: int, policy: str, aggregation: str = "") -> Evaluation:
    """What a table with these rules answers for the input `x`."""
    rows = "".join(
        f"<rule><inputEntry><text>[{low}..{high}]</text></inputEntry><outputEntry><text>{output}</text></outputEntry></rule>"
        for low, high, output in rules
    )
    kind = f' aggregation="{aggregation}"' if aggregation else ""
    order = f"<outputValues><text>{', '.join(map(str, PRIORITIES))}</text></outputValues>"
    table = (
        f'<decisionTable hitPolicy="{policy}"{kind}><input><inputExpression typeRef="number"><text>x</text>'
        f'</inputExpression></input><output name="o" typeRef="number">{order}</output>{rows}</decisionTable>'
    )
    return mlc.dmn.load(seeds.definitions(seeds.decision(table)).encode()).evaluate({"x": value})


def hits(rules: list[Rule], value: int) -> list[Decimal]:
    """The outputs of the rules that match, in order."""
    return [Decimal(output) for low, high, output in rules if low <= value <= high]


def kinds(evaluation: Evaluation) -> set[Kind]:
    return {problem.kind for problem in evaluation.problems}


@examples(120)
@given(RULES, VALUES, st.randoms(use_true_random=False))
def test_unique_gives_the_one_rule_that_matches_in_whatever_order(rules, value, random) -> None:
    outputs = hits(rules, value)
    for order in (rules, random.sample(rules, len(rules))):
        evaluation = evaluated(order, value, "UNIQUE")
        assert evaluation.result == (outputs[0] if len(outputs) == 1 else None)
        assert kinds(evaluation) == ({Kind.UNIQUE_VIOLATION} if len(outputs) > 1 else set())


@examples(120)
@given(RULES, VALUES, st.randoms(use_true_random=False))
def test_any_gives_what_all_rules_that_match_agree_on_in_whatever_order(rules, value, random) -> None:
    outputs = set(hits(rules, value))
    for order in (rules, random.sample(rules, len(rules))):
        evaluation = evaluated(order, value, "ANY")
        assert evaluation.result == (min(outputs) if len(outputs) == 1 else None)
        assert kinds(evaluation) == ({Kind.ANY_VIOLATION} if len(outputs) > 1 else set())


@examples(120)
@given(RULES, VALUES, st.randoms(use_true_random=False))
def test_priority_and_output_order_go_by_the_output_values_in_whatever_order(rules, value, random) -> None:
    outputs = sorted(hits(rules, value), key=PRIORITIES.index)
    for order in (rules, random.sample(rules, len(rules))):
        assert evaluated(order, value, "PRIORITY").result == (outputs[0] if outputs else None)
        assert evaluated(order, value, "OUTPUT ORDER").result == outputs


@examples(120)
@given(RULES, VALUES, st.randoms(use_true_random=False))
def test_collect_gives_every_output_and_its_aggregations_do_not_depend_on_the_order(rules, value, random) -> None:
    outputs = hits(rules, value)
    wanted: dict[str, Any] = {
        "SUM": sum(outputs) if outputs else None,
        "MIN": min(outputs, default=None),
        "MAX": max(outputs, default=None),
        "COUNT": len(outputs),
    }
    for order in (rules, random.sample(rules, len(rules))):
        assert sorted(evaluated(order, value, "COLLECT").result) == sorted(outputs)
        for aggregation, answer in wanted.items():
            assert evaluated(order, value, "COLLECT", aggregation).result == answer


@examples(120)
@given(RULES, VALUES)
def test_first_rule_order_and_collect_keep_the_order_of_rules(rules, value) -> None:
    outputs = hits(rules, value)
    first = evaluated(rules, value, "FIRST")
    assert first.result == (outputs[0] if outputs else None)
    assert [rule.index for rule in first.matched_rules] == [
        number for number, (low, high, _) in enumerate(rules, 1) if low <= value <= high
    ][:1]
    for policy in ("RULE ORDER", "COLLECT"):
        evaluation = evaluated(rules, value, policy)
        assert evaluation.result == outputs
        assert [rule.outputs["o"] for rule in evaluation.matched_rules] == outputs


@examples(100)
@given(
    st.lists(st.lists(st.sampled_from(["-", "<3", ">=3", "[1..4]"]), min_size=2, max_size=2), max_size=4),
    VALUES,
    VALUES,
)
def test_a_rule_matches_when_all_of_its_cells_do(rows, x, y) -> None:
    holds = {"-": lambda v: True, "<3": lambda v: v < 3, ">=3": lambda v: v >= 3, "[1..4]": lambda v: 1 <= v <= 4}
    rules = "".join(
        "<rule>"
        + "".join(f"<inputEntry><text>{cell.replace('<', '&lt;')}</text></inputEntry>" for cell in row)
        + "<outputEntry><text>x * 10 + y</text></outputEntry></rule>"
        for row in rows
    )
    columns = "".join(f"<input><inputExpression><text>{name}</text></inputExpression></input>" for name in "xy")
    table = f'<decisionTable hitPolicy="COLLECT">{columns}<output name="o"/>{rules}</decisionTable>'
    evaluation = mlc.dmn.load(seeds.definitions(seeds.decision(table)).encode()).evaluate({"x": x, "y": y})
    matching = [n for n, row in enumerate(rows, 1) if holds[row[0]](x) and holds[row[1]](y)]
    assert [rule.index for rule in evaluation.matched_rules] == matching
    assert evaluation.result == [x * 10 + y] * len(matching)


def test_a_model_answers_in_many_threads_what_it_answers_in_one() -> None:
    rules = [(low, low + 3, low % 4 + 1) for low in range(6)]
    table = (
        '<decisionTable hitPolicy="COLLECT"><input><inputExpression><text>sum(for i in 1..x return i) - x * x / 2'
        '</text></inputExpression></input><output name="o"/>'
        + "".join(
            f"<rule><inputEntry><text>[{low}..{high}]</text></inputEntry><outputEntry><text>x + {output}</text>"
            "</outputEntry></rule>"
            for low, high, output in rules
        )
        + "</decisionTable>"
    )
    model = mlc.dmn.load(seeds.definitions(seeds.decision(table)).encode())
    inputs = [{"x": x} for x in range(1, 17)] * 20
    alone = [model.evaluate(one) for one in inputs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(model.evaluate, inputs)) == alone
    assert sum(len(evaluation.result) for evaluation in alone) > len(alone)
