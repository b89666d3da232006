"""Monitors at work: which are to be run, their results kept and judged, and the breach that one belongs to."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from temporalio import activity

from activities.awaited_jobs import finished_job
from activities.failures import non_retryable, translated, translated_while_waiting
from activities.judging import Table, judged, put_to_tables
from activities.monitors import newest_monitor
from activities.results import reference, result_of
from activities.snapshots import no_such_snapshot
from activities.table_findings import look_at_all, with_findings
from activities.verdicts import judged_at, read_table, summary
from mlc.center import Center
from mlc.model.asset import AssetRole
from mlc.model.base import Record
from mlc.model.breach import Action, Breach, actions, unknown_actions
from mlc.model.failure import FailureType, NotFound
from mlc.model.job import Job, Watched
from mlc.model.meant_monitors import NoSuchMonitor, Wanted, meant, monitor_called
from mlc.model.result import Purpose, TestResult, TestResultRecord
from mlc.model.snapshot import Monitor, Snapshot
from mlc.model.truncation import truncate
from mlc.model.verdict import Verdict
from mlc.settings import ProcessSettings


class NoResult(Record):
    """A monitor's job came to no result, and why, in a sentence."""

    watched: Watched
    first_run_id: str
    job_id: str | None = None
    message: str


class BreachToKeep(Record):
    """On which result what is to be written."""

    result_id: str
    breach: Breach


class WatchJudgement(Record):
    """What a monitor's result says, what is to be done, and the breach that went before, if one did."""

    test_result: TestResult
    verdict: Verdict
    actions: list[Action] = []
    before: Breach | None = None

    @property
    def alarms(self) -> bool:
        """Whether people are to be asked."""
        return Action.TICKET in self.actions or Action.UNDEPLOY in self.actions


@dataclass
class WatchActivities:
    center: Center
    settings: ProcessSettings
    text_limit: int
    """Bytes of a test result, and of a decision table, that are read (``MLC_CENTER_TEXT_LIMIT``)."""

    @activity.defn
    async def find_monitors(self, wanted: Wanted) -> list[str]:
        """The names of the monitors of a snapshot that are to be run.

        Raises:
            ApplicationError: ``NoSuchSnapshot``, ``NoSuchMonitor`` (final).
        """
        with translated():
            snapshot = await self._snapshot(wanted.snapshot_id)
        with _said():
            return meant(snapshot, wanted)

    @activity.defn
    async def find_monitor_snapshot(self, watched: Watched) -> str:
        """The id of the snapshot of a monitor that a business model's snapshot carries.

        Raises:
            ApplicationError: ``NoSuchSnapshot``, ``NoSuchMonitor`` (final).
        """
        with translated():
            snapshot = await self._snapshot(watched.snapshot_id)
            monitor = _one(snapshot, watched.monitor)
            if monitor.snapshot_id:
                return monitor.snapshot_id
            newest = await newest_monitor(self.center, monitor.name)
        if newest is None:
            raise non_retryable(
                FailureType.NO_SUCH_MONITOR,
                f"The model centre has no snapshot of the monitor {monitor.name!r}, and {snapshot.name!r} does not say "
                "which one it carries: put the monitor on it anew.",
            )
        return newest.id

    @activity.defn
    async def judge_monitor(self, job: Job) -> WatchJudgement:
        """Wait for a monitor's job, keep its result with the snapshot that it watches, and judge it by the tables that
        are set on the monitor, or else by the monitor's own.

        Raises:
            ApplicationError: ``NotFinished`` (ask again), ``JobFailed``, ``JobDeadline``, ``ResultUnreadable`` (final).
        """
        assert job.watched is not None
        with translated_while_waiting(self.settings.outage_budget) as poll:
            async with finished_job(self.center, self.settings, job, poll) as finished:
                result = await result_of(self.center, job, finished, Purpose.MONITOR, self.text_limit)
            of = {"snapshot_id": job.watched.snapshot_id, "monitor": job.watched.monitor}
            kept = await self._kept(result.model_copy(update=of))
            async with AsyncExitStack() as opened:
                snapshot, tables = await self._tables(job, opened)
            return await self._judged(kept, snapshot, tables)

    @activity.defn
    async def judge_no_result(self, lack: NoResult) -> WatchJudgement:
        """Keep it with the snapshot that nothing is known of it: that is no pass either, and goes on as a breach does.

        Raises:
            ApplicationError: ``NoSuchSnapshot`` (final), ``Outage``, ``Refused``.
        """
        about = lack.job_id or lack.first_run_id
        with translated():
            kept = await self._kept(
                TestResultRecord(
                    id=str(uuid5(NAMESPACE_URL, f"modelTestResult|{about}")),
                    snapshot_id=lack.watched.snapshot_id,
                    job_id=lack.job_id,
                    purpose=Purpose.MONITOR,
                    monitor=lack.watched.monitor,
                )
            )
            problem = truncate(f"The monitor came to no result. {lack.message}", 1_000)
            verdict = Verdict(
                judged=True, passed=False, problems=[problem], judged_at=judged_at(kept, activity.info().started_time)
            )
            return await self._with_breach(kept, verdict)

    @activity.defn
    async def keep_breach(self, keep: BreachToKeep) -> None:
        """Write down what has become of a breach, on the last result that belongs to it."""
        with translated():
            await self.center.record_breach(keep.result_id, keep.breach)

    async def _snapshot(self, snapshot_id: str) -> Snapshot:
        try:
            return await self.center.get_snapshot(snapshot_id)
        except NotFound:
            raise no_such_snapshot(snapshot_id) from None

    async def _kept(self, result: TestResultRecord) -> TestResultRecord:
        """The result as the centre has it, with the time at which it was made: what its verdict takes for now."""
        kept = await self.center.keep_test_result(result)
        return kept if kept.created else await self.center.get_test_result(kept.id)

    async def _tables(self, job: Job, opened: AsyncExitStack) -> tuple[Snapshot, list[Table]]:
        """The watched snapshot, and the tables for its monitor's results."""
        assert job.watched is not None
        snapshot = await opened.enter_async_context(self.center.open_snapshot(job.watched.snapshot_id))
        assets = _one(snapshot, job.watched.monitor).assets
        tables = [asset for asset in assets if asset.role == AssetRole.TEST_RESULT_COMPARATOR]
        if not tables:
            monitor = await opened.enter_async_context(self.center.open_snapshot(job.snapshot_id))
            tables = monitor.with_role(AssetRole.TEST_RESULT_COMPARATOR)
        return snapshot, [await read_table(self.center, asset, self.text_limit) for asset in tables]

    async def _judged(self, result: TestResultRecord, snapshot: Snapshot, tables: Sequence[Table]) -> WatchJudgement:
        if not tables:
            none = f"The monitor {result.monitor!r} has no decision table: its result was not judged."
            return await self._with_breach(result, Verdict(judged=False, passed=True, warnings=[none]))
        put, now = put_to_tables(result, snapshot), judged_at(result, activity.info().started_time)
        verdict = await asyncio.to_thread(judged, tables, put, now, self.settings)
        verdict = with_findings(verdict, tables, await asyncio.to_thread(look_at_all, tables), snapshot)
        told = [*verdict.warnings, *unknown_actions(verdict)]
        return await self._with_breach(result, verdict.model_copy(update={"warnings": told}))

    async def _with_breach(self, result: TestResultRecord, verdict: Verdict) -> WatchJudgement:
        """Keep the verdict. A breach that begins or goes on is written down before anybody is asked about it: whoever
        goes on after a crash, or the next night, asks under the same label.
        """
        before = await self._before(result)
        judgement = WatchJudgement(
            test_result=reference(_telling_first(result, verdict)),
            verdict=summary(verdict),
            actions=actions(verdict),
            before=before,
        )
        await self.center.record_verdict(result.id, verdict)
        if (before is not None and not before.over) or judgement.alarms:
            on = before if before is not None and not before.over else Breach(opened_by=result.id)
            await self.center.record_breach(result.id, on)
        return judgement

    async def _before(self, result: TestResultRecord) -> Breach | None:
        """What the last result of the monitor that was judged, or was to be, belonged to."""
        async with aclosing(self.center.iter_test_results(result.snapshot_id)) as results:
            async for other in results:
                ours = other.purpose is Purpose.MONITOR and other.monitor == result.monitor
                if ours and other.id != result.id and other.verdict is not None:
                    return other.breach
        return None


def _telling_first(result: TestResultRecord, verdict: Verdict) -> TestResultRecord:
    """The result with what the tables asked for before its other values: of those a history keeps the first few."""
    asked = {name for table in verdict.tables for name in table.values} & result.values.keys()
    return result.model_copy(update={"values": {name: result.values[name] for name in sorted(asked)} | result.values})


def _one(snapshot: Snapshot, name: str) -> Monitor:
    """The one monitor of a name.

    Raises:
        ApplicationError: ``NoSuchMonitor``.
    """
    with _said():
        return monitor_called(snapshot, name)


@contextmanager
def _said() -> Iterator[None]:
    """That there is no such monitor is final."""
    try:
        yield
    except NoSuchMonitor as error:
        raise non_retryable(FailureType.NO_SUCH_MONITOR, str(error)) from None
