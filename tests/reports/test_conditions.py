"""What rules ask of numbers is read from their sentences, and nothing is read that isn't there."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlc.dmn
from mlc.model.verdict import RuleOutcome, TableOutcome, Threshold, Verdict
from mlc.reports.conditions import asked_of, comparisons
from mlc.standalone.monitors import monitor_folders

INF = math.inf


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("auc >= 0.8", [("auc", ">= 0.8", 0.8, INF)]),
        ("auc < 0.8 and f1 > .5", [("auc", "< 0.8", -INF, 0.8), ("f1", "> .5", 0.5, INF)]),
        ("auc: [0.5..0.7)", [("auc", "[0.5..0.7)", 0.5, 0.7)]),
        ("auc: ]-1e-3 .. +2]", [("auc", "]-1e-3 .. +2]", -0.001, 2.0)]),
        ('stage: "PROD" and auc > 1', [("auc", "> 1", 1.0, INF)]),
        ("research and development_CSI > 0.2", [("research and development_CSI", "> 0.2", 0.2, INF)]),
        ("AUC of the model [auc] > 0.2", [("auc", "> 0.2", 0.2, INF)]),
        ("auc > 0.2 and f1 > 0.55...", [("auc", "> 0.2", 0.2, INF)]),
        ("auc > f1", []),
        ("auc > 0.2 or more", []),
        ("auc: null", []),
        ("auc: [0.9..0.1]", []),
        ("auc > 1e999", []),
        ("anything", []),
        ("", []),
    ],
)
def test_comparisons_with_numbers_are_read(sentence: str, expected: list[tuple[str, str, float, float]]) -> None:
    assert list(comparisons(sentence, ["auc", "f1", "stage", "research and development_CSI"])) == expected


def test_a_metric_that_is_not_put_to_the_table_is_none() -> None:
    assert list(comparisons("precision > 0.5", ["auc"])) == []
    assert [found[0] for found in comparisons("precision > 0.5", [])] == ["precision"]


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_sentence_is_read_or_not(sentence: str) -> None:
    list(comparisons(sentence, ["auc"]))
    list(comparisons(f"{sentence} > 1 and {sentence}", []))


def test_a_sentence_that_is_made_to_take_long_does_not() -> None:
    assert list(comparisons("a > 1 b" * 100_000, [])) == []


def test_of_tables_of_one_name_it_is_not_said_which_matched() -> None:
    twice = [TableOutcome(table="t", decision=name, conditions=["auc > 1"], values={"auc": "2"}) for name in "ab"]
    rule = RuleOutcome(table="t", rule=1, passes=False)
    assert [each.matched for each in asked_of(Verdict(judged=True, passed=False, rules=[rule], tables=twice))] == [
        False
    ] * 2
    (only,) = asked_of(Verdict(judged=True, passed=False, rules=[rule], tables=twice[:1]))
    assert (only.matched, only.passes) == (True, False)


def test_two_decisions_of_one_file_are_told_apart_by_their_names() -> None:
    twice = [TableOutcome(table="t", decision=name, conditions=["auc > 1"], values={"auc": "2"}) for name in "ab"]
    rules = [RuleOutcome(table="t", decision=name, rule=1, passes=name == "a") for name in "ab"]
    for known in (rules, rules[:1]):
        asked = asked_of(Verdict(judged=True, passed=False, rules=known, tables=twice))
        assert [each.passes for each in asked] == [True, False if len(known) == 2 else None]
        assert [each.matched for each in asked] == [True, len(known) == 2]


def test_a_rule_of_a_decision_that_another_one_asks_is_not_taken_for_that_ones() -> None:
    table = TableOutcome(table="t", decision="top", conditions=["auc > 1"], values={"auc": "2"})
    inner = RuleOutcome(table="t", decision="inner", rule=1, passes=False)
    (asked,) = asked_of(Verdict(judged=True, passed=False, rules=[inner], tables=[table]))
    assert not asked.matched


def test_what_was_kept_of_a_comparison_counts_before_the_sentence_and_nonsense_does_not() -> None:
    kept = [
        Threshold(rule=3, metric="auc", text="[0.5..0.7]", low=0.5, high=0.7),
        Threshold(rule=4, metric="auc", text="< 1", low=math.nan, high=1),
        Threshold(rule=5, metric="auc", text="> 2", low=2, high=1),
        Threshold(rule=6, metric="f1", text="-"),
    ]
    table = TableOutcome(table="t", conditions=["auc > ..."], values={"auc": "2"}, thresholds=kept)
    asked = asked_of(Verdict(judged=True, passed=True, tables=[table]))
    assert [(each.rule, each.low, each.high) for each in asked] == [(3, 0.5, 0.7), (6, -INF, INF)]


@pytest.mark.parametrize("name", sorted(monitor_folders()))
def test_the_thresholds_of_the_out_of_the_box_monitors_are_read(name: str) -> None:
    table = next(asset for asset in monitor_folders()[name].files if asset.asset.name.endswith(".dmn"))
    assert table.path is not None
    found: list[str] = []
    for outlined in mlc.dmn.outline(table.path.read_bytes()):
        asked = [column.rpartition(" [")[0] or column for column in outlined.inputs]
        for rule in outlined.rules:
            found += [metric for metric, *_ in comparisons(" and ".join(outlined.conditions(rule)), asked)]
    assert found
    assert set(found) <= set(asked)
