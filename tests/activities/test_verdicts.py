"""Verdicts: what decision tables say of a result, and what keeps one from being trusted."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backroom import GONE, LIMIT, TABLE, Backroom, asset
from processes.tables import table as made_of

from activities.verdicts import JudgeRequest, judged_at, summary
from mlc.center.modelop import wire
from mlc.model.result import TestResult, TestResultRecord
from mlc.model.verdict import RuleOutcome, Threshold, Verdict
from mlc.reports.conditions import asked_of
from workflows.steps.outcome import verdict_text

CLOCK = (
    TABLE.replace(' typeRef="number"', "")
    .replace("<text>auc</text>", "<text>now()</text>")
    .replace("&lt; 0.9", '&gt; date and time("2200-01-01T00:00:00Z")')
)
BY_MODEL = (
    TABLE.replace(' typeRef="number"', "")
    .replace("<text>auc</text>", "<text>modelRisk</text>")
    .replace("&lt; 0.9", '"high"')
)


def table(name: str = "t.dmn", content: bytes | str | None = TABLE) -> wire.Asset:
    return asset(name, "TEST_RESULT_COMPARATOR", content)


async def result(room: Backroom, snapshot_id: str, values: dict[str, Any] | None = None, **more: Any) -> TestResult:
    document = {"deployable_model_id": snapshot_id, "test_results": {"auc": 0.97} if values is None else values, **more}
    return TestResult(id=(await room.center.create_test_result(wire.ModelTestResult(**document))).id)


async def judged(room: Backroom, *tables: wire.Asset, values: dict[str, Any] | None = None, **about: Any) -> Verdict:
    id_ = await room.snapshot(assets=tables, **about)
    request = JudgeRequest(snapshot_id=id_, test_result=await result(room, id_, values))
    return (await room.run(room.verdicts.judge, request)).verdict


@pytest.mark.parametrize(("auc", "passed"), [(0.97, True), (0.5, False)])
async def test_a_verdict_is_kept_whole_with_the_result(room: Backroom, auc: float, passed: bool) -> None:
    id_ = await room.snapshot(assets=[table()])
    given = await result(room, id_, {"auc": auc})
    request = JudgeRequest(snapshot_id=id_, test_result=given)
    judgement = await room.run(room.verdicts.judge, request)
    assert (judgement.verdict.judged, judgement.verdict.passed) == (True, passed)
    kept = (await room.port.get_test_result(given.id)).verdict
    assert kept is not None
    assert summary(kept) == judgement.verdict
    room.at(datetime.now(UTC) + timedelta(days=1000))
    assert await room.run(room.verdicts.judge, request) == judgement


async def test_a_history_keeps_some_failed_rules_and_says_how_many_more_there_are(room: Backroom) -> None:
    def failing(*reasons: str) -> Verdict:
        rules = [RuleOutcome(table="thresholds.dmn", rule=n, passes=False, reason=r) for n, r in enumerate(reasons, 1)]
        return summary(Verdict(judged=True, passed=False, rules=rules))

    four = failing("Accuracy is below 0.85", "Recall is below 0.80: too many are missed", "F1 is below 0.80", "AUC")
    assert [rule.rule for rule in four.rules] == [1, 2, 3, 4]
    assert verdict_text(four).endswith("F1 is below 0.80 (thresholds.dmn, rule 3); AUC (thresholds.dmn, rule 4)")

    many = failing(*["A reason of some length " * 5] * 9)
    kept = len(many.rules)
    assert 0 < kept < 9
    assert many.more_failed == 9 - kept
    assert verdict_text(many).endswith(f"(thresholds.dmn, rule {kept}); and {9 - kept} more rules that failed")
    assert many.failed_rules()[-1] == f"and {9 - len(many.failed_rules()) + 1} more"


async def test_without_a_table_nothing_speaks_against_it_and_nothing_is_written(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[])
    given = await result(room, id_)
    judgement = await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=given))
    assert (judgement.verdict.judged, judgement.verdict.passed, judgement.verdict.judged_at) == (False, True, None)
    assert (await room.port.get_test_result(given.id)).verdict is None


async def test_without_a_result_a_table_does_not_pass(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[table()])
    judgement = await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_))
    assert (judgement.test_result, judgement.verdict.passed) == (None, False)
    assert judgement.verdict.problems == ["There is no test result to judge."]


async def test_the_newest_own_result_is_judged_and_no_others(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[table()])
    own = await result(room, id_, {"auc": 0.95})
    await result(room, id_, {"auc": 0.1}, provenance={"purpose": "backTest"})
    await result(room, id_, {"auc": 0.1}, provenance={"purpose": "one of a newer release"})
    await result(room, id_, {"auc": 0.1}, associatedModel={"id": "a monitor"})
    judgement = await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_))
    assert judgement.test_result is not None
    assert (judgement.test_result.id, judgement.verdict.passed) == (own.id, True)


@pytest.mark.parametrize(
    ("content", "says"),
    {
        "empty": ("", "t.dmn can't be used."),
        "without content": (None, "t.dmn can't be used."),
        "no table": ("<html/>", "t.dmn can't be used."),
        "no text": (b"\xff\xfe\x00", "t.dmn can't be used."),
        "too large": (TABLE.ljust(LIMIT + 1), "t.dmn can't be used. It is larger than 20000 bytes"),
        "no output": (TABLE.replace('name="passes"', 'name="fine"'), "has no output named 'passes'"),
    }.values(),
)
async def test_a_table_that_cant_be_trusted_does_not_pass_and_is_named(
    room: Backroom, content: bytes | str | None, says: str
) -> None:
    verdict = await judged(room, table("fine.dmn"), table("t.dmn", content))
    assert (verdict.judged, verdict.passed) == (True, False)
    assert any(says in problem for problem in verdict.problems)


async def test_a_table_of_just_the_size_is_read(room: Backroom) -> None:
    assert (await judged(room, table(content=TABLE.ljust(LIMIT)))).passed


@pytest.mark.parametrize("values", [{}, {"auc": None}, {"AUC": 1}, {"auc": "high"}], ids=str)
async def test_a_metric_that_is_missing_null_misspelt_or_no_number_does_not_pass(
    room: Backroom, values: dict[str, Any]
) -> None:
    verdict = await judged(room, table(), values=values)
    assert not verdict.passed
    assert verdict.problems


async def test_a_missing_metric_is_a_warning_where_the_settings_say_so(room: Backroom) -> None:
    room.verdicts.settings = room.settings.model_copy(update={"on_missing_metric": "warn"})
    verdict = await judged(room, table(), values={})
    assert (verdict.passed, verdict.problems) == (True, [])
    assert "auc" in verdict.warnings[0]


async def test_two_tables_must_both_pass(room: Backroom) -> None:
    strict = table("strict.dmn", TABLE.replace("0.9<", "0.99<"))
    verdict = await judged(room, table(), strict)
    assert (verdict.passed, [rule.table for rule in verdict.rules]) == (False, ["strict.dmn"])


async def test_a_table_may_ask_for_what_the_model_is(room: Backroom) -> None:
    assert not (await judged(room, table(content=BY_MODEL), model_risk="high")).passed
    assert (await judged(room, table(content=BY_MODEL), model_risk="low")).passed
    assert (await judged(room, table(content=BY_MODEL), model_risk=None)).problems


async def test_a_result_does_not_lower_its_models_risk(room: Backroom) -> None:
    for own, told, problems in (("high", "low", 1), ("high", "high", 0), ("low", "high", 1), ("low", "low", 0)):
        verdict = await judged(room, table(content=BY_MODEL), model_risk=own, values={"modelRisk": told})
        assert (verdict.passed, len(verdict.problems)) == (own == told == "low", problems)
        assert [rule.passes for rule in verdict.rules] == [False] * (own == "high")
    lacking = await judged(room, table(content=BY_MODEL), model_risk=None, values={"modelRisk": "low"})
    assert 'the input "modelRisk" is not given' in lacking.problems[0]


async def test_a_tables_clock_is_the_time_of_its_result_however_late_it_is_judged(room: Backroom) -> None:
    room.at(datetime(2300, 1, 1, tzinfo=UTC))
    verdict = await judged(room, table(content=CLOCK))
    assert verdict.passed
    assert verdict.judged_at is not None
    assert verdict.judged_at.year < 2300


@pytest.mark.parametrize("created", ["2026-05-01T12:00:00", "2026-05-01T12:00:00Z", "2026-05-01T14:00:00+02:00"])
def test_a_time_without_a_zone_is_utc(created: str) -> None:
    record = TestResultRecord(id="r", created=datetime.fromisoformat(created))
    clock = judged_at(record, datetime.now(UTC))
    assert clock.isoformat() == "2026-05-01T12:00:00+00:00"


def test_a_result_without_a_time_is_judged_at_the_time_of_its_first_verdict() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    record = TestResultRecord(id="r")
    assert judged_at(record, now) == now
    kept = record.model_copy(update={"verdict": Verdict(judged=True, passed=True, judged_at=now)})
    assert judged_at(kept, now + timedelta(days=1)) == now
    old = record.model_copy(update={"verdict": Verdict(judged=True, passed=True)})
    assert judged_at(old, now) == now


async def test_what_is_judged_and_gone_is_refused(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[table()])
    lost = JudgeRequest(snapshot_id=id_, test_result=TestResult(id=GONE))
    for request in (lost, JudgeRequest(snapshot_id=GONE)):
        error = await room.failure(room.verdicts.judge, request)
        assert (error.type, error.non_retryable) == ("Refused", True)


async def test_a_history_keeps_a_verdict_in_short_and_the_centre_all_of_it(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[table(f"{n}-{'x' * 100}.dmn") for n in range(40)])
    given = await result(room, id_, {"auc": 0.1})
    judgement = await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=given))
    assert len(judgement.model_dump_json()) < 2048
    whole = (await room.port.get_test_result(given.id)).verdict
    assert whole is not None
    assert len(whole.rules) == 40


@pytest.mark.parametrize(("auc", "matched"), [(0.97, 0), (0.5, 1)])
async def test_tables_rules_and_thresholds_are_kept_with_the_values_that_were_put_to_them(
    room: Backroom, auc: float, matched: int
) -> None:
    id_ = await room.snapshot(assets=[table()])
    given = await result(room, id_, {"auc": auc, "unasked": 1})
    short = (await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=given))).verdict
    kept = (await room.port.get_test_result(given.id)).verdict
    assert kept is not None
    (told,) = kept.tables
    assert (told.table, told.matched, told.rules) == ("t.dmn", matched, 1)
    assert (told.conditions, told.values) == (["auc < 0.9"], {"auc": str(auc)})
    assert [rule.conditions for rule in kept.rules] == [["auc < 0.9 (it is 0.5)"]] * matched
    assert {rule.decision for rule in kept.rules} <= {told.decision}
    assert told.thresholds == [Threshold(rule=1, metric="auc", text="< 0.9", high=0.9)]
    assert (short.tables, [rule.conditions for rule in short.rules]) == ([], [[]] * matched)


async def test_a_threshold_is_kept_however_long_the_rule_is_in_which_it_stands(room: Backroom) -> None:
    """What is shown of the rule is cut, and this is not read from there."""
    long = "z" * 200
    document = made_of([long, "auc"], ["passes"], (["< 1", "< 0.9"], ["false"])).encode()
    id_ = await room.snapshot(assets=[table(content=document)])
    given = await result(room, id_, {"auc": 0.5, long: 0.1})
    await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=given))
    kept = (await room.port.get_test_result(given.id)).verdict
    assert kept is not None
    (told,) = kept.tables
    assert "0.9" not in told.conditions[0]
    assert [(each.metric, each.text) for each in told.thresholds] == [(long, "< 1"), ("auc", "< 0.9")]
    assert [(each.metric, each.high, each.matched) for each in asked_of(kept)] == [(long, 1, True), ("auc", 0.9, True)]


async def test_hashes_of_what_decides_about_a_verdict_come_with_it_as_far_as_they_find_room(room: Backroom) -> None:
    sources = [asset(f"{'n' * 40}{n}.py", "MODEL_SOURCE", str(n)) for n in range(20)]
    id_ = await room.snapshot(assets=[*sources, asset("data.csv", "TEST_DATA", "x"), table()])
    given = await result(room, id_)
    judgement = await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=given))
    assert judgement.assets["t.dmn"] == hashlib.sha256(TABLE.encode()).hexdigest()[:16]
    assert "data.csv" not in judgement.assets
    assert 1 < len(judgement.assets) < 6
