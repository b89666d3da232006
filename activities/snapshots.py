"""Snapshots: reading them, and what a process writes on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import non_retryable, translated
from activities.matching import not_run
from activities.results import hashes
from mlc.center import Center
from mlc.model.base import Record
from mlc.model.failure import FailureType, NotFound
from mlc.model.job import OnLostRecords
from mlc.model.monitor_plan import OnMissingMonitor
from mlc.model.policy import OnFailedVerdict, Policy
from mlc.model.processes import DeployModelInput, RunBackTestInput
from mlc.model.result import TestResult
from mlc.model.snapshot import DecisionEntry, Snapshot, SnapshotSummary
from mlc.model.snapshot import Submission as TakenUp
from mlc.model.ticket import Decision
from mlc.model.truncation import truncate
from mlc.model.verdict import Verdict
from mlc.settings import ProcessSettings

ALWAYS_RUN = "python"


class Submission(Record):
    """A run begins on a snapshot."""

    snapshot_id: str
    first_run_id: str


class Submitted(Record):
    snapshot: SnapshotSummary
    policy: Policy
    not_run: str = ""
    """Why no runtime of the centre can run this model, whatever people decide; empty if one can."""


class DecisionEvidence(Record):
    """Who approved which snapshot on which evidence, and until when."""

    snapshot_id: str
    decision: Decision
    expiration_date: date | None = None
    """None for a rejection."""
    test_result: TestResult | None = None
    verdict: Verdict | None = None


@dataclass
class SnapshotActivities:
    center: Center
    settings: ProcessSettings
    ticket_systems: Sequence[str]
    """The providers that are set up."""
    review_tags: Mapping[str, str]
    """The tags that ask for a review in one ticket system, and the provider of each."""

    @activity.defn
    async def submit_snapshot(self, submission: Submission) -> Submitted:
        """Read the snapshot, mark it as taken up by this run, and fix the settings that the run will follow.

        Raises:
            ApplicationError: ``NoSuchSnapshot`` and ``NotDeployable`` (final), ``Outage``, ``Refused``.
        """
        snapshot = await self._read(submission.snapshot_id, DeployModelInput.command("ID"))
        if snapshot.model.is_monitor:
            raise non_retryable(FailureType.NOT_DEPLOYABLE, monitor_text(snapshot))
        mark = TakenUp(workflow_id=activity.info().workflow_id or "", run_id=submission.first_run_id)
        if snapshot.submission != mark:
            with translated():
                await self.center.record_submission(snapshot, mark)
        return Submitted(
            snapshot=summary(snapshot, self.settings, self.review_tags),
            policy=self._policy(),
            not_run=await self._not_run(snapshot),
        )

    @activity.defn
    async def open_snapshot(self, snapshot_id: str) -> Submitted:
        """Read the snapshot for a process that leaves it as it is, and fix the settings that the run will follow.

        Raises:
            ApplicationError: ``NoSuchSnapshot`` (final), ``Outage``, ``Refused``.
        """
        snapshot = await self._read(snapshot_id, RunBackTestInput.command("ID"))
        return Submitted(snapshot=summary(snapshot, self.settings, self.review_tags), policy=self._policy())

    @activity.defn
    async def read_policy(self) -> Policy:
        """The settings that a run will follow, for one that has yet to find its snapshot."""
        return self._policy()

    @activity.defn
    async def get_snapshot(self, snapshot_id: str) -> SnapshotSummary:
        """Read the snapshot afresh, as before each new attempt of a step."""
        return summary(await self._read(snapshot_id), self.settings, self.review_tags)

    @activity.defn
    async def record_decision(self, record: DecisionEvidence) -> None:
        """Write expiration date, decision and evidence on the snapshot, where they outlive the run's history."""
        snapshot = await self._read(record.snapshot_id)
        entry = DecisionEntry(
            decision=record.decision,
            verdict=record.verdict,
            test_result_id=record.test_result.id if record.test_result else None,
            job_id=record.test_result.job_id if record.test_result else None,
            assets=hashes(snapshot.assets),
            workflow_id=activity.info().workflow_id or "",
            expiration_date=record.expiration_date,
        )
        with translated():
            await self.center.record_decision(snapshot, entry)

    async def _not_run(self, snapshot: Snapshot) -> str:
        """See :func:`activities.matching.not_run`. Python is what every centre's runtimes run: no need to ask."""
        if snapshot.model.type.casefold().startswith(ALWAYS_RUN):
            return ""
        with translated():
            return not_run(snapshot.model.type, await self.center.list_runtimes())

    async def _read(self, snapshot_id: str, command: str = "") -> Snapshot:
        with translated():
            try:
                return await self.center.get_snapshot(snapshot_id)
            except NotFound:
                raise no_such_snapshot(snapshot_id, command) from None

    def _policy(self) -> Policy:
        return Policy(
            outage_budget=self.settings.outage_budget,
            ticket_index_lag=self.settings.ticket_index_lag,
            center_index_lag=self.settings.center_index_lag,
            on_failed_verdict=OnFailedVerdict(self.settings.on_failed_verdict),
            on_lost_records=OnLostRecords(self.settings.on_lost_records),
            on_missing_monitor=OnMissingMonitor(self.settings.on_missing_monitor),
            handover=self.settings.handover,
            monitor_silence=self.settings.monitor_silence,
            undeploy_asks=self.settings.monitor_undeploy == "ask",
            ticketing=self.settings.ticketing,
            ticket_systems=list(self.ticket_systems),
        )


def summary(snapshot: Snapshot, settings: ProcessSettings, review_tags: Mapping[str, str]) -> SnapshotSummary:
    """What a process has to know of a snapshot; ``review_tags`` as of :class:`SnapshotActivities`."""
    provider = next((provider for tag, provider in review_tags.items() if is_set(snapshot, tag)), None)
    return SnapshotSummary(
        id=snapshot.id,
        name=truncate(snapshot.name, 200),
        model_id=snapshot.model.id,
        model_name=truncate(snapshot.model.name, 200),
        stage=truncate(snapshot.stage, 100),
        methodology=truncate(snapshot.model.methodology, 100),
        train=is_set(snapshot, settings.train_tag),
        run_test=is_set(snapshot, settings.run_test_tag),
        review=provider is not None or is_set(snapshot, settings.review_tag),
        ticketing=provider,
    )


def monitor_text(snapshot: Snapshot) -> str:
    """Why a monitor is not deployed, and what it is for."""
    name = truncate(snapshot.model.name, 200)
    return (
        f"{name!r} is a monitor, not a business model: it is not deployed. DeployModel puts the monitors that a model "
        "needs on the model's own snapshots; to deploy this one as a model, change its category."
    )


def is_set(snapshot: Snapshot, flag: str) -> bool:
    """Whether a control tag is set: a tag of the snapshot, or a true flag of that name in its custom metadata."""
    value = snapshot.custom.get(flag)
    return flag in snapshot.tags or value is True or (isinstance(value, str) and value.casefold() == "true")


def no_such_snapshot(snapshot_id: str, command: str = "") -> ApplicationError:
    """``command`` is what starts the process, if its id is what somebody typed."""
    advice = f" Start the process with the id of an existing one: {command}" if command else ""
    return non_retryable(
        FailureType.NO_SUCH_SNAPSHOT, f"There is no snapshot {snapshot_id!r} in the model centre.{advice}"
    )
