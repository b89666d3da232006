"""Verdicts: the decision tables of a snapshot, asked about a test result."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

import mlc.dmn
from activities.awaited_jobs import finished_job
from activities.failures import translated, translated_while_waiting
from activities.judging import Table, judged, put_to_tables
from activities.monitor_tables import asking_for, associated, not_judged
from activities.results import newest_own, reference, result_of
from activities.table_findings import look_at_all, with_findings
from mlc.center import Center, Contents
from mlc.model.asset import Asset, AssetRole
from mlc.model.base import Record
from mlc.model.failure import Refused, TooLarge
from mlc.model.job import Job
from mlc.model.moment import in_utc
from mlc.model.result import Purpose, TestResult, TestResultRecord
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import json_size, truncate
from mlc.model.verdict import RuleOutcome, Verdict
from mlc.settings import ProcessSettings
from mlc.ticketing.content.differences import DECIDING

RULES_ROOM = 490
PROBLEMS_ROOM = 220
WARNINGS_ROOM = 150
ASSETS_ROOM = 250
"""Bytes of JSON that a history keeps of a verdict (it holds summaries under 2 KiB); the centre keeps all of it."""


HASH_KEPT = 16


class JudgeRequest(Record):
    """Judge this test result of the snapshot, or its newest own one if none is given."""

    snapshot_id: str
    test_result: TestResult | None = None


class Judgement(Record):
    """``assets`` are those of the files that decide about a verdict, as ``EarlierVerdict`` has them."""

    test_result: TestResult | None
    verdict: Verdict
    assets: dict[str, str] = {}


@dataclass
class VerdictActivities:
    center: Center
    settings: ProcessSettings
    text_limit: int
    """Bytes of a decision table that are read (``MLC_CENTER_TEXT_LIMIT``)."""

    @activity.defn
    async def judge(self, request: JudgeRequest) -> Judgement:
        """Evaluate every decision table on the snapshot; all must pass. The outcome is kept with the test result."""
        with translated():
            known = request.test_result.id if request.test_result else None
            async with self.center.open_surroundings(request.snapshot_id, result_id=known) as around:
                result = await (around.test_result(known) if known else self._newest(request.snapshot_id))
                tables = await self._tables(around.snapshot)
            judgement = await self._judged(tables, around.snapshot, result)
        return judgement.model_copy(update={"test_result": request.test_result or judgement.test_result})

    @activity.defn
    async def judge_back_test(self, job: Job) -> Judgement:
        """Wait for a back test's job, keep its result, and judge it by the tables that the snapshot has then.

        Raises:
            ApplicationError: ``NotFinished`` (ask again), ``JobFailed``, ``JobDeadline``, ``ResultUnreadable`` (final).
        """
        with translated_while_waiting(self.settings.outage_budget) as poll:
            async with finished_job(self.center, self.settings, job, poll) as finished:
                result = await result_of(self.center, job, finished, Purpose.BACK_TEST, self.text_limit)
            async with self.center.open_tested(result) as (kept, snapshot):
                tables = await self._tables(snapshot)
            return await self._judged(tables, snapshot, kept)

    async def _judged(self, tables: list[Table], snapshot: Snapshot, result: TestResultRecord | None) -> Judgement:
        own = result.values if result else {}
        tables = every = await asyncio.to_thread(self._with_monitors, tables, own, snapshot)
        left = [not_judged(table.name, table.monitor, snapshot) for table in tables if table.monitor]
        tables = [table for table in tables if not table.monitor]
        if not tables:
            verdict = Verdict(judged=False, passed=True, warnings=left)
        elif result is None:
            problems = ["There is no test result to judge."]
            verdict = Verdict(judged=True, passed=False, problems=problems, warnings=left)
        else:
            put, now = put_to_tables(result, snapshot), judged_at(result, activity.info().started_time)
            verdict = await asyncio.to_thread(judged, tables, put, now, self.settings, left)
        verdict = with_findings(verdict, every, await asyncio.to_thread(look_at_all, every), snapshot)
        if result is not None and (tables or left):
            await self.center.record_verdict(result.id, verdict)
        told = reference(result) if result else None
        return Judgement(test_result=told, verdict=summary(verdict), assets=deciding(snapshot))

    async def _tables(self, snapshot: Snapshot) -> list[Table]:
        """The decision tables of a snapshot that is open."""
        return [await self._table(asset, snapshot) for asset in snapshot.with_role(AssetRole.TEST_RESULT_COMPARATOR)]

    async def _newest(self, snapshot_id: str) -> TestResultRecord | None:
        return newest_own(await self.center.list_test_results(snapshot_id))

    async def _table(self, asset: Asset, snapshot: Snapshot) -> Table:
        table = await read_table(self.center, asset, self.text_limit)
        if table.problem or not table.content:  # whose it is can't be told, and it is judged: a problem
            return table
        monitor = await associated(self.center, snapshot, asset, table.content, self.text_limit)
        return table._replace(monitor=monitor)

    def _with_monitors(self, tables: list[Table], own: Mapping[str, object], snapshot: Snapshot) -> list[Table]:
        """Of those that are not set on a monitor, whose they are by what they ask for."""
        return [
            table
            if table.monitor
            else table._replace(monitor=asking_for(_asked(table), own, snapshot, self.settings.monitor_keys))
            for table in tables
        ]


async def read_table(contents: Contents, asset: Asset, limit: int) -> Table:
    """A decision table of what is open, or what keeps it from being read; of at most ``limit`` bytes."""
    if not asset.ref:
        return Table(asset.name)
    try:
        return Table(asset.name, await contents.read(asset, limit=limit))
    except TooLarge:
        problem = f"It is larger than {limit} bytes: make it smaller, or raise MLC_CENTER_TEXT_LIMIT."
        return Table(asset.name, problem=problem)
    except Refused as error:
        return Table(asset.name, problem=str(error))


def judged_at(result: TestResultRecord, now: datetime) -> datetime:
    """What the tables take for now, so that judging again gives the same: the time of the result.

    For a result without one it is the time of its first verdict, which is kept with it; ``now`` if this is the first.
    """
    earlier = result.verdict.judged_at if result.verdict else None
    return in_utc(result.created or earlier or now)


def _asked(table: Table) -> list[str]:
    """What a table asks for; nothing if it can't be read."""
    try:
        return [asked.name for asked in mlc.dmn.load(table.content, name=table.name).inputs]
    except (mlc.dmn.DmnError, ValueError):
        return []


def deciding(snapshot: Snapshot) -> dict[str, str]:
    """The beginnings of the hashes of what decides about a verdict, as far as they are known and find room."""
    shown: dict[str, str] = {}
    room = ASSETS_ROOM
    for asset in sorted(snapshot.assets, key=lambda asset: asset.role != AssetRole.TEST_RESULT_COMPARATOR):
        if asset.role in DECIDING and asset.sha256:
            room -= json_size(asset.name) + HASH_KEPT + len('"": "", ')
            if room < 0:
                break
            shown[asset.name] = asset.sha256[:HASH_KEPT]
    return shown


def summary(verdict: Verdict) -> Verdict:
    """A verdict in some 1 KiB: the most telling rules and the first problems, cut short; and how many are left out."""
    rules: list[RuleOutcome] = []
    room = RULES_ROOM
    for rule in sorted(verdict.rules, key=lambda rule: rule.passes is not False):
        short = rule.model_copy(
            update={
                "table": truncate(rule.table, 60),
                "reason": truncate(rule.reason, 140),
                "category": truncate(rule.category, 30),
                "action": "",
                "decision": "",
                "conditions": [],
            }
        )
        room -= len(short.model_dump_json(exclude={"action", "conditions", "decision"}).encode())
        if room < 0:
            break
        rules.append(short)
    problems, warnings = _first(verdict.problems, PROBLEMS_ROOM), _first(verdict.warnings, WARNINGS_ROOM)
    failed, shown = (sum(rule.passes is False for rule in each) for each in (verdict.rules, rules))
    left = WARNINGS_ROOM - sum(map(json_size, warnings))  # for what the analysis found
    return verdict.model_copy(
        update={
            "rules": rules,
            "problems": problems,
            "warnings": warnings,
            "tables": [],
            "more_failed": failed - shown,
            "findings": (told := verdict.findings) and told.model_copy(update={"said": _first(told.said, left)}),
        }
    )


def _first(sentences: list[str], room: int) -> list[str]:
    """The first sentences that find room, the first one cut if need be; and how many more there are."""
    shown: list[str] = []
    for sentence in sentences:
        short = truncate(sentence, 120)
        room -= json_size(short)
        if room < 0:
            return [*shown, f"... and {len(sentences) - len(shown)} more"]
        shown.append(short)
    return shown
