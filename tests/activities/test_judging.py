"""What comes of the values that are put to decision tables: nothing is a pass that no table says is one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from decision_files import decision, file, literal, logic

from activities.judging import Put, judged, put_to_tables
from mlc.model.result import TestResultRecord
from mlc.model.snapshot import Model, Snapshot
from mlc.model.verdict import Verdict
from mlc.settings import ProcessSettings

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def verdict(body: str, values: dict[str, Any], **settings: Any) -> Verdict:
    """Of one file."""
    return judged([file(body)], Put(values), NOW, ProcessSettings(**settings))


# -- what passes says ------------------------------------------------------------

YES = ["true", '"true"', '" True "', '"TRUE"']
NO = ["false", '"false"', '"False "', '"no"', '"NO"', '"fail"', '"Fail"', "0", "0.0", "-0", '"0"']
NEITHER = ['"yes"', "1", '"1"', "", "null", '"pass"', '"ok"', '""', '"nope"', '"0.0"', "0.5", "[false]", '{a: "true"}']


@pytest.mark.parametrize("policy", ["COLLECT", "UNIQUE", "FIRST", "ANY", "RULE ORDER"])
@pytest.mark.parametrize("outputs", [("passes",), ("passes", "reason"), ("reason", "passes")])
@pytest.mark.parametrize("cell", [*YES, *NO, *NEITHER])
def test_true_is_yes_some_words_are_no_and_all_else_is_a_problem(cell: str, outputs: Any, policy: str) -> None:
    says = {"passes": cell, "reason": '"why"'}
    found = verdict(logic(["auc"], [["> 0", *(says[name] for name in outputs)]], policy, outputs), {"auc": 1})
    assert found.passed is (cell in YES)
    (rule,) = found.rules
    assert rule.passes is (True if cell in YES else False if cell in NO else None)
    assert len(found.problems) == (cell in NEITHER)
    if cell in NEITHER:
        assert found.problems[0].startswith('t.dmn, decision "D", rule 1 has passes ')


@pytest.mark.parametrize("cell", [*NO, *NEITHER])
def test_a_column_of_booleans_lets_nothing_pass_that_is_no_yes(cell: str) -> None:
    assert not verdict(logic(["auc"], [["> 0", cell]], kind="boolean"), {"auc": 1}).passed


@pytest.mark.parametrize("cell", NO)
def test_one_no_among_many_yes_is_enough(cell: str) -> None:
    rows = [["> 0", "true"], ["> 0.5", cell], ["> 0.6", '"true"']]
    assert not verdict(logic(["auc"], rows), {"auc": 1}).passed


HALF = "\ud800"
"""Half of a surrogate pair, which JSON can escape, and UTF-8 cannot hold."""


@pytest.mark.parametrize(
    "row",
    [['"a"', "true", '"why"'], ["> 1", "true", '"why"'], ["-", "stage", "stage"], ["-", "false", "stage"]],
    ids=["lies in no rule", "cannot be compared", "neither yes nor no", "the reason"],
)
def test_a_value_that_no_text_can_hold_is_told_all_the_same(row: list[str]) -> None:
    found = verdict(logic(["stage"], [row], "FIRST", ("passes", "reason")), {"stage": HALF})
    assert Verdict.model_validate_json(found.model_dump_json()) == found


# -- the decision's result ------------------------------------------------------------


@pytest.mark.parametrize("policy", ["UNIQUE", "FIRST", "COLLECT", "RULE ORDER", "ANY"])
@pytest.mark.parametrize(("default", "passed"), [("false", False), ('"no"', False), ("true", True), ('"maybe"', False),
                                                 ("auc > 0.8", False), ("null", False)])  # fmt: skip
def test_a_default_output_is_the_verdict_where_no_rule_matches(policy: str, default: str, passed: bool) -> None:
    found = verdict(logic(["auc"], [["> 0.9", "true"]], policy, defaults=(default,)), {"auc": 0.7})
    assert (found.passed, found.rules, found.warnings) == (passed, [], [])
    assert len(found.problems) == (not passed)


def test_a_default_output_of_false_says_why() -> None:
    table = logic(
        ["auc"], [["> 0.9", "true", '"fine"']], "FIRST", ("passes", "reason"), defaults=("false", '"too low"')
    )
    assert verdict(table, {"auc": 0.7}).problems == [
        't.dmn, decision "D": no rule matches, and the default output says no: too low'
    ]
    assert verdict(table, {"auc": 0.95}).passed


def test_a_default_for_another_output_alone_leaves_passes_empty() -> None:
    table = logic(["auc"], [["< 0.5", "false", '"low"']], "FIRST", ("passes", "reason"), defaults=("", '"fine"'))
    assert "neither yes nor no" in verdict(table, {"auc": 0.7}).problems[0]


@pytest.mark.parametrize("aggregation", ["COUNT", "SUM", "MIN", "MAX"])
@pytest.mark.parametrize("cell", ["true", "1", "false"])
def test_a_count_or_sum_of_answers_is_no_yes(aggregation: str, cell: str) -> None:
    table = logic(["auc"], [["> 0.5", cell], ["> 0.6", cell]], more=f' aggregation="{aggregation}"')
    assert not verdict(table, {"auc": 0.7}).passed
    assert not (verdict(table, {"auc": 0.1}).passed and aggregation == "COUNT")


def test_the_highest_priority_decides() -> None:
    values = "<outputValues><text>{}</text></outputValues></output>"
    table = logic(["auc"], [["> 0.5", '"true"'], ["> 0.6", '"false"']], "PRIORITY")
    strict = table.replace("</output>", values.format('"false", "true"'))
    assert not verdict(strict, {"auc": 0.7}).passed
    assert verdict(strict, {"auc": 0.55}).passed


CONTEXTS = {
    "a context": ("{passes: auc > 0.7}", True),
    "a context that says no": ("{passes: auc > 0.9}", False),
    "a list of contexts": ("[{passes: true}, {passes: auc > 0.7}]", True),
    "a list with a no": ("[{passes: true}, {passes: auc > 0.9}]", False),
    "a list with something else": ("[{passes: true}, 1]", False),
    "an empty list": ("[]", False),
    "a word": ('"true"', False),
    "a boolean": ("auc > 0.7", False),
    "a context with a strange answer": ('{passes: "yes"}', False),
    "a context with null": ("{passes: null}", False),
    "null": ("null", False),
}


@pytest.mark.parametrize(("text", "passed"), CONTEXTS.values(), ids=CONTEXTS.keys())
def test_a_decision_that_is_no_table_is_judged_by_passes_of_its_result(text: str, passed: bool) -> None:
    found = verdict(literal(text), {"auc": 0.8})
    assert found.passed is passed
    assert bool(found.problems) is not passed


def test_a_condition_that_is_false_for_want_of_a_value_does_not_pass() -> None:
    found = verdict(literal("{passes: if auc < 0.7 then false else true}"), {"auc": None})
    assert (found.passed, ["auc" in problem for problem in found.problems]) == (False, [True])


def test_a_rule_of_a_required_decision_that_says_no_is_enough() -> None:
    inner = decision("inner", logic(["auc"], [["< 0.9", "false"]], "FIRST", defaults=("true",)))
    outer = decision("outer", logic(["f1"], [["> 0", "true"]]), "inner")
    assert not verdict(inner + outer, {"auc": 0.8, "f1": 1}).passed
    assert verdict(inner + outer, {"auc": 0.95, "f1": 1}).passed


def test_every_decision_that_no_other_requires_is_judged() -> None:
    both = decision("A", logic(["auc"], [["> 0", "true"]])) + decision("B", logic(["auc"], [["> 0", '"no"']]))
    assert not verdict(both, {"auc": 0.8}).passed


def test_a_file_with_functions_and_no_decision_does_not_pass() -> None:
    found = verdict(
        '<businessKnowledgeModel id="f" name="f"><encapsulatedLogic>'
        f"{literal('1')}</encapsulatedLogic></businessKnowledgeModel>",
        {},
    )
    assert (found.passed, len(found.problems)) == (False, 1)


# -- no rule matches ------------------------------------------------------------


@pytest.mark.parametrize("policy", ["COLLECT", "UNIQUE", "FIRST", "ANY", "RULE ORDER"])
@pytest.mark.parametrize("cell", ["false", '"False"', '"no"', "0", '"fail"'])
def test_a_list_of_failures_passes_what_is_in_none_without_remark(cell: str, policy: str) -> None:
    found = verdict(logic(["auc"], [["< 0.5", cell], ["> 1", "false"]], policy), {"auc": 0.7}, on_no_match="fail")
    assert (found.passed, found.problems, found.warnings) == (True, [], [])


@pytest.mark.parametrize("policy", ["COLLECT", "UNIQUE", "FIRST", "ANY", "RULE ORDER"])
@pytest.mark.parametrize("cell", ["true", '"true"', "auc > 0.9", '"maybe"', ""])
def test_where_a_rule_may_say_yes_no_match_is_a_gap_that_is_named_by_its_values(cell: str, policy: str) -> None:
    table = logic(["auc"], [["< 0.5", "false"], ["> 0.9", cell]], policy)
    sentence = 't.dmn, decision "D": auc = 0.7 lies in no rule'
    found = {setting: verdict(table, {"auc": 0.7}, on_no_match=setting) for setting in ("pass", "warn", "fail")}
    assert (found["pass"].passed, found["pass"].warnings) == (True, [])
    assert (found["warn"].passed, found["warn"].warnings) == (True, [sentence])
    assert (found["fail"].passed, found["fail"].problems) == (False, [sentence])
    assert verdict(table, {"auc": 0.7}) == found["warn"]
    assert verdict(table, {"auc": 0.1}).warnings == []


def test_a_gap_of_several_columns_names_those_that_are_tested() -> None:
    table = logic(["auc", "psi * 100", "f1"], [["> 0.9", "< 20", "-", "true"]])
    found = verdict(table, {"auc": 0.7, "psi": 0.1, "f1": 1, "more": 1})
    assert found.warnings == ['t.dmn, decision "D": auc = 0.7, psi * 100 = 10 lie in no rule']


def test_a_table_without_rules_is_a_gap() -> None:
    found = verdict(logic(["auc"], []), {"auc": 0.7})
    assert found.warnings == ['t.dmn, decision "D": there is no rule']


def test_a_gap_beside_a_problem_is_not_remarked() -> None:
    found = verdict(logic(["auc", "f1"], [["> 0.9", "> 0.5", "true"]]), {"auc": 0.7, "f1": None})
    assert (found.warnings, len(found.problems)) == ([], 1)


# -- what a model may not say of itself ------------------------------------------------------------


def put(values: dict[str, Any], **about: str) -> Put:
    return put_to_tables(TestResultRecord(id="r", values=values), Snapshot(id="s", model=Model(**about)))


@pytest.mark.parametrize(
    ("field", "name"), [("risk", "modelRisk"), ("stage", "modelStage"), ("methodology", "modelMethodology")]
)
def test_a_snapshots_own_facts_win_and_another_value_is_a_problem(field: str, name: str) -> None:
    found = put({name: "low", "auc": 1}, **{field: "high"})
    assert found.values == {name: "high", "auc": 1}
    assert found.claims == [
        f'The test result says that \'{name}\' is "low", and the snapshot that it is "high": what a model is, only its '
        "snapshot says."
    ]
    table = file(logic(["auc"], [["> 0", "true"]]))
    assert not judged([table], found, NOW, ProcessSettings()).passed
    equal = put({name: "high", "auc": 1}, **{field: "high"})
    assert (equal.values, list(equal.claims)) == ({name: "high", "auc": 1}, [])
    assert judged([table], equal, NOW, ProcessSettings()).passed


@pytest.mark.parametrize("value", ["low", "", 1, False, ["high"], {"modelRisk": "high"}, "High"])
def test_whatever_is_not_the_snapshots_value_is_another_one(value: object) -> None:
    assert len(put({"modelRisk": value}, risk="high").claims) == 1


def test_null_claims_nothing() -> None:
    assert put({"modelRisk": None}, risk="high") == Put({"modelRisk": "high"}, [], [])


@pytest.mark.parametrize("own", ["", "  "])
@pytest.mark.parametrize("setting", ["fail", "warn"])
def test_what_the_snapshot_lacks_is_missing_whatever_the_result_says(own: str, setting: str) -> None:
    found = put({"modelRisk": "low", "auc": 1}, risk=own)
    assert found.values == {"auc": 1}
    table = file(logic(["modelRisk"], [['not("high")', "true"]]))
    answer = judged([table], found, NOW, ProcessSettings(on_missing_metric=setting))
    (sentence,) = answer.problems or answer.warnings[:1]
    assert sentence.endswith('"modelRisk" is not given; what the test result says of it does not count')
    assert answer.passed is (setting == "warn")


@pytest.mark.parametrize("key", ["modelrisk", " modelRisk", "modelRisk ", "MODELRISK", "model Risk", "model\u00a0risk"])
def test_a_name_that_differs_in_case_or_white_space_only_is_no_metric(key: str) -> None:
    assert put({key: "low"}, risk="high").values == {"modelRisk": "high"}
    assert len(put({key: "low"}, risk="high").claims) == 1
    assert put({key: "high"}, risk="high") == Put({"modelRisk": "high"}, [], [])
    assert put({key: "low"}) == Put({}, [], ["modelRisk"])


def test_a_member_of_an_object_is_the_results_own() -> None:
    values = {"summary": {"modelRisk": "low"}, "summary.modelRisk": "low", "model_risk": 0.2}
    assert put(values, risk="high") == Put({"modelRisk": "high", **values}, [], [])


def test_a_result_moves_no_clock() -> None:
    rows = [['> date and time("2026-06-01T00:00:00Z")', "false"], ["< now()", "false"], ["-", "true"]]
    values = {"now": "2026-07-01T00:00:00Z", "today": "2026-07-01", "now()": "2026-07-01T00:00:00Z"}
    assert verdict(logic(["now()"], rows), values).passed


def test_an_imported_files_names_are_not_asked_of_a_result() -> None:
    body = '<import name="other" namespace="urn:o" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>'
    table = file(body + decision("D", logic(["auc"], [["> 0", "true"]])))
    found = judged([table], Put({"auc": 1, "other.modelRisk": "low"}), NOW, ProcessSettings())
    assert "can't be used" in found.problems[0]
