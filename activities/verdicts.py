"""Verdicts: the decision tables of a snapshot, asked about a test result."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from temporalio import activity

import mlc.dmn
from activities.failures import translated
from activities.results import newest_own, top_level_numbers
from mlc.center import Center, wire
from mlc.model.base import Record
from mlc.model.result import TestResult
from mlc.model.short import beginning, json_size
from mlc.model.snapshot import AssetRole
from mlc.model.verdict import RuleOutcome, Verdict
from mlc.settings import ProcessSettings

RULES_ROOM = 600
PROBLEMS_ROOM = 250
WARNINGS_ROOM = 150
"""Bytes of JSON that a history keeps of a verdict (it holds summaries under 2 KiB); the centre keeps all of it."""


class JudgeRequest(Record):
    """Judge this test result of the snapshot, or its newest own one if none is given."""

    snapshot_id: str
    test_result: TestResult | None = None


class Judgement(Record):
    test_result: TestResult | None
    verdict: Verdict


@dataclass
class VerdictActivities:
    center: Center
    settings: ProcessSettings

    @activity.defn
    async def judge(self, request: JudgeRequest) -> Judgement:
        """Evaluate every decision table on the snapshot; all must pass. The outcome is kept with the test result."""
        with translated():
            snapshot = await self.center.get_snapshot(request.snapshot_id)
            result = await self._result(request)
        tables = [a for a in snapshot.stored_model.model_assets if a.asset_role == AssetRole.TEST_RESULT_COMPARATOR]
        if not tables:
            verdict = Verdict(judged=False, passed=True)
        elif result is None:
            verdict = Verdict(judged=True, passed=False, problems=["There is no test result to judge."])
        else:
            verdict = await asyncio.to_thread(self._verdict, tables, judged_values(result, snapshot))
            with translated():
                await self.center.patch_test_result(result.id, {"dmnRuleResults": _rule_results(verdict)})
        return Judgement(test_result=request.test_result or _reference(result), verdict=summary(verdict))

    async def _result(self, request: JudgeRequest) -> wire.ModelTestResult | None:
        if request.test_result is not None:
            return await self.center.get_test_result(request.test_result.id)
        return newest_own(await self.center.list_test_results(request.snapshot_id))

    def _verdict(self, tables: list[wire.Asset], values: Mapping[str, object]) -> Verdict:
        rules: list[RuleOutcome] = []
        problems: list[str] = []
        warnings: list[str] = []
        for table in tables:
            name = table.filename or table.name
            try:
                model = mlc.dmn.load(table.content() or b"", name=name)
            except (mlc.dmn.DmnError, ValueError) as error:
                problems.append(f"{name} can't be used. {error}")
                continue
            for decision in model.top_decisions:
                if "passes" not in model.outputs(decision):
                    problems.append(f"{name}: decision {decision!r} has no output named 'passes'.")
                evaluation = model.evaluate(values, decision)
                rules.extend(_outcomes(name, evaluation))
                for problem in evaluation.problems:
                    self._weigh(problem, problems, warnings)
        passed = not problems and not any(rule.passes is False for rule in rules)
        return Verdict(judged=True, passed=passed, rules=rules, problems=problems, warnings=warnings)

    def _weigh(self, problem: mlc.dmn.Problem, problems: list[str], warnings: list[str]) -> None:
        lacking = problem.kind in {mlc.dmn.Kind.MISSING_INPUT, mlc.dmn.Kind.NULL_INPUT}
        if not lacking or self.settings.on_missing_metric == "fail":
            problems.append(str(problem))
        elif self.settings.on_missing_metric == "warn":
            warnings.append(str(problem))


def judged_values(result: wire.ModelTestResult, snapshot: wire.DeployableModel) -> dict[str, object]:
    """What a decision table may ask for: the result's top-level values and the model's methodology, risk and stage."""
    meta = snapshot.stored_model.model_meta_data
    about = {
        "modelMethodology": meta.model_methodology,
        "modelRisk": meta.model_risk,
        "modelStage": meta.model_stage,
    }
    return {**{name: value for name, value in about.items() if value is not None}, **result.test_results}


def _outcomes(table: str, evaluation: mlc.dmn.Evaluation) -> Iterator[RuleOutcome]:
    for rule in evaluation.matched_rules:
        yield RuleOutcome(
            table=table,
            rule=rule.index,
            passes=_truth(rule.outputs.get("passes")),
            reason=str(rule.outputs.get("reason") or ""),
            category=str(rule.outputs.get("category") or ""),
        )


def _truth(value: object) -> bool | None:
    """``passes`` as tables write it: a boolean, or the strings "true" and "false"."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().casefold())
    return value if isinstance(value, bool) else None


def _rule_results(verdict: Verdict) -> list[dict[str, Any]]:
    rules = [{"testCategory": rule.category, **rule.model_dump(mode="json")} for rule in verdict.rules]
    return rules + [{"testCategory": "", "passes": False, "reason": problem} for problem in verdict.problems]


def summary(verdict: Verdict) -> Verdict:
    """A verdict in some 1 KiB: the most telling rules and the first problems, cut short."""
    rules = []
    room = RULES_ROOM
    for rule in sorted(verdict.rules, key=lambda rule: rule.passes is not False):
        short = rule.model_copy(
            update={
                "table": beginning(rule.table, 60),
                "reason": beginning(rule.reason, 140),
                "category": beginning(rule.category, 30),
            }
        )
        room -= len(short.model_dump_json().encode())
        if room < 0:
            break
        rules.append(short)
    problems, warnings = _first(verdict.problems, PROBLEMS_ROOM), _first(verdict.warnings, WARNINGS_ROOM)
    return verdict.model_copy(update={"rules": rules, "problems": problems, "warnings": warnings})


def _first(sentences: list[str], room: int) -> list[str]:
    """The first sentences that find room, the first one cut if need be; and how many more there are."""
    shown: list[str] = []
    for sentence in sentences:
        short = beginning(sentence, 120)
        room -= json_size(short)
        if room < 0:
            return [*shown, f"... and {len(sentences) - len(shown)} more"]
        shown.append(short)
    return shown


def _reference(result: wire.ModelTestResult | None) -> TestResult | None:
    if result is None:
        return None
    return TestResult(id=result.id, job_id=result.job_id, metrics=top_level_numbers(result.test_results))
