"""Judgement: what decision tables say, what they can't say, and on which test result."""

import asyncio
from typing import Any

import pytest
from failing import BAD, GOOD
from office import ASSETS, Office, Run, asset
from paperwork import next_ticket, text
from tables import table, under

from mlc.center.modelop import wire
from mlc.model.verdict import Verdict

OTHERS = [a for a in ASSETS if a.asset_role != "TEST_RESULT_COMPARATOR"]


def missing_metric(setting: str) -> dict[str, Any]:
    return {"configure": lambda s: s.model_copy(update={"on_missing_metric": setting})}


def no_match(setting: str) -> dict[str, Any]:
    return {"configure": lambda s: s.model_copy(update={"on_no_match": setting})}


async def judged(desk: Office, *tables: str, metrics: dict[str, Any] = GOOD) -> Run:
    """A run that was judged by these tables, ``1.dmn`` and so on, on these metrics."""
    dmn = [asset(f"{n}.dmn", "TEST_RESULT_COMPARATOR", content) for n, content in enumerate(tables, start=1)]
    run = await desk.start(await desk.snapshot("run_test", "jira", assets=[*OTHERS, *dmn]))
    await desk.finish_job(run, metrics=metrics)
    return run


async def verdict(desk: Office, run: Run) -> Verdict:
    found = (await desk.status(run)).result.verdict
    assert found is not None
    return found


async def newer_result(desk: Office, snapshot_id: str, metrics: dict[str, Any], **more: Any) -> str:
    """A test result that somebody else's job made; a later one has a later date."""
    await asyncio.sleep(0.002)
    result = wire.ModelTestResult(deployable_model_id=snapshot_id, job_id="another", test_results=metrics, **more)
    return (await desk.center.create_test_result(result)).id


async def test_a_snapshot_without_a_decision_table_is_reviewed_and_the_ticket_says_not_judged(desk: Office) -> None:
    run = await judged(desk)
    ticket = await desk.ticket(run, "review")
    assert "Not judged: the snapshot carries no decision table." in await text(desk, ticket)
    found = await verdict(desk, run)
    assert (found.judged, found.passed) == (False, True)


async def test_no_rule_that_matches_is_a_pass_and_the_ticket_says_so(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9))
    said = await text(desk, await desk.ticket(run, "review"))
    assert "Passed. No rule of the decision tables matched." in said
    assert (await verdict(desk, run)).passed


BOTH_WAYS = table(["auc"], ["passes", "reason"], (["< 0.9"], ["false", '"too low"']), ([">= 0.98"], ["true", '"good"']))


async def test_a_value_in_no_rule_of_a_table_that_may_say_yes_is_a_warning_on_the_review_ticket(desk: Office) -> None:
    run = await judged(desk, BOTH_WAYS)
    said = await text(desk, await desk.ticket(run, "review"))
    assert "Passed. No rule of the decision tables matched." in said
    assert 'Warning: 1.dmn, decision "Thresholds": auc = 0.97 lies in no rule' in said
    assert (await verdict(desk, run)).passed


@pytest.mark.parametrize("desk", [no_match("fail")], indirect=True)
async def test_a_value_in_no_rule_can_be_not_passed(desk: Office) -> None:
    run = await judged(desk, BOTH_WAYS)
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert 'Problem: 1.dmn, decision "Thresholds": auc = 0.97 lies in no rule' in said
    assert not (await verdict(desk, run)).passed


@pytest.mark.parametrize("desk", [no_match("pass")], indirect=True)
async def test_a_value_in_no_rule_can_be_let_through_without_a_word(desk: Office) -> None:
    run = await judged(desk, BOTH_WAYS)
    assert "auc = 0.97 lies in no rule" not in await text(desk, await desk.ticket(run, "review"))
    assert (await verdict(desk, run)).passed


async def test_a_default_output_of_false_is_not_passed(desk: Office) -> None:
    default = "<defaultOutputEntry><text>{}</text></defaultOutputEntry>"
    yes = table(["auc"], ["passes", "reason"], ([">= 0.98"], ["true", '"good"']))
    yes = yes.replace('name="passes"/>', f'name="passes">{default.format("false")}</output>')
    yes = yes.replace('name="reason"/>', f'name="reason">{default.format(chr(34) + "not good" + chr(34))}</output>')
    said = await text(desk, await desk.ticket(await judged(desk, yes), "rejection"))
    assert 'Problem: 1.dmn, decision "Thresholds": no rule matches, and the default output says no: not good' in said


async def test_all_decision_tables_are_judged_and_one_that_fails_is_enough(desk: Office) -> None:
    metrics = {"auc": 0.97, "f1": 0.1, "recall": 0.99}
    run = await judged(desk, under("auc", 0.9), under("f1", 0.8), under("recall", 0.5), metrics=metrics)
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert "The test result: not passed. f1 under 0.8 (2.dmn, rule 1)" in said
    assert [(r.table, r.passes) for r in (await verdict(desk, run)).rules] == [("2.dmn", False)]


async def test_all_decision_tables_that_pass_are_a_pass(desk: Office) -> None:
    says_yes = table(["auc"], ["passes", "reason"], ([">= 0.9"], ["true", '"AUC is high"']))
    run = await judged(desk, under("auc", 0.9), says_yes)
    said = await text(desk, await desk.ticket(run, "review"))
    assert "AUC is high" in said
    assert "1.dmn, Thresholds: none of 1 rule matched. They ask for auc < 0.9. The values were auc 0.97." in said
    assert "2.dmn, Thresholds: 1 of 1 rule matched." in said
    assert "auc >= 0.9 (it is 0.97)" in said
    assert [(r.table, r.passes) for r in (await verdict(desk, run)).rules] == [("2.dmn", True)]


async def test_a_decision_table_that_does_not_load_is_not_passed_and_done_judges_the_repaired_one(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), "<definitions>")
    ticket = await desk.ticket(run, "rejection")
    assert "Problem: 2.dmn can't be used." in await text(desk, ticket)
    assert not (await verdict(desk, run)).passed
    repaired = asset("2.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.8)).wire()
    snapshot_id = run.id.removeprefix("deploy-")
    assets = (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets
    kept = [a.wire() for a in assets if a.filename != "2.dmn"]
    await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelAssets": [*kept, repaired]}})
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    assert await desk.ticket(run, "review")


async def test_what_is_found_in_the_tables_stands_on_the_review_ticket_and_turns_no_verdict(desk: Office) -> None:
    unasked = asset("rules {code}.dmn", "UNKNOWN", under("auc", 0.99))
    never = table(["auc"], ["passes"], (["< 0.9"], ["false"]), (["[0.95..0.92]"], ["false"]))
    dmn = asset("1.dmn", "TEST_RESULT_COMPARATOR", never)
    run = await desk.start(await desk.snapshot("run_test", "jira", assets=[*OTHERS, dmn, unasked]))
    await desk.finish_job(run, metrics=GOOD)
    said = (await text(desk, await desk.ticket(run, "review"))).replace("\\", "")
    assert "Passed. No rule" in said
    assert "Decision tables" in said
    assert "A warning is what may change a verdict without anybody noticing." in said
    assert "Warning: rules {code}." in said
    assert "dmn was not judged: its role is UNKNOWN" in said
    assert 'rule 2, column "auc": [0.95..0.92] is met by no value. Suggestion: [0.92..0.95]' in said
    found = await verdict(desk, run)
    assert (found.passed, found.warnings) == (True, [])
    assert found.findings is not None
    assert found.findings.warnings == 2


async def test_a_decision_table_without_the_output_passes_is_not_passed(desk: Office) -> None:
    run = await judged(desk, table(["auc"], ["verdict"], (["< 0.9"], ["false"])))
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert "Problem: 1.dmn: decision 'Thresholds' has no output named 'passes'." in said


async def test_passes_written_as_the_string_false_is_not_passed(desk: Office) -> None:
    run = await judged(desk, table(["auc"], ["passes", "reason"], (["< 0.99"], ['"False"', '"not quite"'])))
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert "The test result: not passed. not quite (1.dmn, rule 1)" in said


async def test_passes_that_says_neither_yes_nor_no_is_not_passed(desk: Office) -> None:
    run = await judged(desk, table(["auc"], ["passes", "reason"], (["> 0.9"], ['"yes"', '"high"'])))
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert 'rule 1 has passes "yes", which is neither yes nor no: write true or false' in said


async def test_a_metric_that_is_missing_is_not_passed(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), metrics={"f1": 0.9})
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert 'Problem: 1.dmn, decision "Thresholds", column "auc": the input "auc" is not given' in said


@pytest.mark.parametrize("desk", [missing_metric("warn")], indirect=True)
async def test_a_missing_metric_can_be_a_warning_on_the_review_ticket(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), metrics={"f1": 0.9})
    said = await text(desk, await desk.ticket(run, "review"))
    assert 'Warning: 1.dmn, decision "Thresholds", column "auc": the input "auc" is not given' in said
    found = await verdict(desk, run)
    assert found.passed
    assert len(found.warnings) == 1


@pytest.mark.parametrize("desk", [missing_metric("ignore")], indirect=True)
async def test_a_missing_metric_can_be_ignored(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), metrics={"f1": 0.9})
    said = await text(desk, await desk.ticket(run, "review"))
    assert "Warning" not in said
    assert "Problem" not in said
    assert (await verdict(desk, run)).passed


async def test_the_models_methodology_risk_and_stage_are_judged_as_well(desk: Office) -> None:
    by_risk = table(["modelRisk"], ["passes", "reason"], (['"high"'], ["false", '"too risky"'])).replace(
        'typeRef="double"', 'typeRef="string"'
    )
    run = await judged(desk, by_risk)
    assert "too risky (1.dmn, rule 1)" in await text(desk, await desk.ticket(run, "rejection"))


async def test_a_result_that_lowers_its_own_models_risk_is_not_passed(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), metrics=GOOD | {"modelRisk": "low"})
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert 'Problem: The test result says that \'modelRisk\' is "low", and the snapshot that it is "high"' in said
    assert not (await verdict(desk, run)).passed


async def test_a_result_that_repeats_what_the_snapshot_says_of_the_model_passes(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), metrics=GOOD | {"modelRisk": "high"})
    assert "Problem" not in await text(desk, await desk.ticket(run, "review"))


async def test_without_a_test_result_a_decision_table_is_not_passed(desk: Office) -> None:
    run = await desk.start(await desk.snapshot("jira"))
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert "Problem: There is no test result to judge." in said


async def test_without_run_test_done_judges_the_newest_own_result(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira")
    await newer_result(desk, snapshot_id, BAD)
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    assert "AUC under 0.9" in await text(desk, ticket)
    newer = await newer_result(desk, snapshot_id, GOOD)
    await desk.decide(run, ticket, "Done")
    await desk.decide(run, await desk.ticket(run, "review"), "Done")
    result = await run.result()
    assert (result.outcome, result.test_result_id) == ("deployed", newer)
    assert await desk.jobs(snapshot_id) == []


OTHER_RESULTS: dict[str, dict[str, Any]] = {
    "a monitor's": {"associatedModel": {"id": "psi"}},
    "a back test's": {"provenance": {"purpose": "backTest"}},
}


@pytest.mark.parametrize("more", OTHER_RESULTS.values(), ids=OTHER_RESULTS.keys())
async def test_a_monitors_or_a_back_tests_result_is_never_judged(desk: Office, more: dict[str, Any]) -> None:
    snapshot_id = await desk.snapshot("jira")
    own = await newer_result(desk, snapshot_id, BAD)
    await newer_result(desk, snapshot_id, GOOD, **more)
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    assert "AUC under 0.9" in await text(desk, ticket)
    await newer_result(desk, snapshot_id, GOOD, **more)
    await desk.decide(run, ticket, "Done")
    again = await next_ticket(desk, run, ticket)
    assert "AUC under 0.9" in await text(desk, again)
    assert (await desk.status(run)).result.test_result_id == own


async def test_the_runs_own_test_is_judged_and_not_a_newer_result(desk: Office) -> None:
    snapshot_id = await desk.snapshot("run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=BAD)
    ticket = await desk.ticket(run, "rejection")
    await newer_result(desk, snapshot_id, GOOD)
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=BAD)
    again = await next_ticket(desk, run, ticket)
    assert "AUC under 0.9" in await text(desk, again)


async def test_every_rule_of_a_long_verdict_stands_on_the_ticket_and_in_the_centre(desk: Office) -> None:
    rules = [([f"< {1 + n}"], ["false", f'"limit {n} of many"']) for n in range(20)]
    run = await judged(desk, table(["auc"], ["passes", "reason"], *rules))
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert all(f"limit {n} of many" in said for n in range(20))
    (kept,) = await desk.center.list_test_results(run.id.removeprefix("deploy-"))
    assert len(kept.dmn_rule_results) == 20


async def replaced(desk: Office, run: Run, *assets: wire.Asset) -> None:
    """Somebody puts other versions of some files on the snapshot."""
    snapshot_id, names = run.id.removeprefix("deploy-"), {each.filename for each in assets}
    there = (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets
    kept = [a.wire() for a in there if a.filename not in names]
    changed = {"storedModel": {"modelAssets": [*kept, *(a.wire() for a in assets)]}}
    await desk.center.patch_snapshot(snapshot_id, changed)


async def test_a_review_after_a_failed_verdict_tells_it_and_what_was_changed_since(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), metrics=BAD)
    failed = await desk.ticket(run, "rejection")
    lenient = asset("1.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.1))
    await replaced(
        desk, run, lenient, asset("model.py", "MODEL_SOURCE", "# modelop.score\ndef action(row): return 1\n")
    )
    await desk.decide(run, failed, "Done")
    await desk.finish_job(run, metrics=BAD)
    said = await text(desk, await desk.ticket(run, "review"))
    assert "This run's test results did not pass once before. This verdict was given on " in said
    assert f"(ticket {failed.key}): auc under 0.9 (1.dmn, rule 1)." in said
    assert "Changed since then: 1.dmn (decision table), model.py (source)." in said
    assert '- if auc < 0.9: passes = false, reason = "auc under 0.9"' in said
    assert '+ if auc < 0.1: passes = false, reason = "auc under 0.1"' in said
    assert "+def action(row): return 1" in said


async def test_a_later_rejection_ticket_tells_how_many_verdicts_failed_before_and_that_nothing_changed(
    desk: Office,
) -> None:
    run = await judged(desk, under("auc", 0.9), metrics=BAD)
    first = await desk.ticket(run, "rejection")
    assert "Judged before" not in await text(desk, first)
    await desk.decide(run, first, "Done")
    await desk.finish_job(run, metrics=BAD)
    second = await next_ticket(desk, run, first)
    assert "did not pass once before" in await text(desk, second)
    await desk.decide(run, second, "Done")
    await desk.finish_job(run, metrics=BAD)
    said = await text(desk, await next_ticket(desk, run, second))
    assert "did not pass 2 times before. The last such verdict was given on " in said
    assert f"(ticket {second.key})" in said
    assert "Since then no file of the snapshot changed, nor a schema" in said


async def test_a_new_run_tells_of_the_verdict_that_an_earlier_one_did_not_pass(desk: Office) -> None:
    run = await judged(desk, under("auc", 0.9), metrics=BAD)
    await desk.decide(run, await desk.ticket(run, "rejection"), "Rejected")
    assert (await run.result()).outcome == "rejected"
    await replaced(desk, run, asset("1.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.1)))
    again = await desk.start(run.id.removeprefix("deploy-"))
    await desk.finish_job(again, metrics=BAD)
    said = await text(desk, await desk.ticket(again, "review"))
    assert "Test results of this snapshot in earlier runs did not pass once before." in said
    assert ": auc under 0.9 (1.dmn, rule 1)." in said
    assert "+ if auc < 0.1: passes = false" in said


async def test_without_a_test_job_what_changed_since_is_told_by_hashes(desk: Office) -> None:
    snapshot_id = await desk.snapshot(
        "jira", assets=[*OTHERS, asset("1.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.9))]
    )
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    await replaced(desk, run, asset("1.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.1)))
    await newer_result(desk, snapshot_id, BAD)
    await desk.decide(run, ticket, "Done")
    said = await text(desk, await desk.ticket(run, "review"))
    assert "What changed since can't be shown: no test job keeps a copy of what was judged then." in said
    assert "Changed since then: 1.dmn." in said
    assert "1.dmn: SHA-256 " in said
