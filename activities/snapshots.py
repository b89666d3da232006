"""Snapshots: reading them, and what a process writes on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mlc.center.wire import DeployableModel
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import final, translated
from mlc.center import Center
from mlc.model.base import Record
from mlc.model.failure import FailureType, NotFound
from mlc.model.processes import DeployModelInput, OnFailedVerdict, Policy, RunBackTestInput
from mlc.model.result import TestResult
from mlc.model.short import beginning
from mlc.model.snapshot import SnapshotSummary
from mlc.model.ticket import Decision
from mlc.model.verdict import Verdict
from mlc.settings import CenterSettings, ProcessSettings

DEPLOY_MARK = "mlcDeployModel"
"""Custom metadata that says a run of DeployModel began for this snapshot; the gateway starts no second one."""

DECISION_MARK = "mlcDecision"


class Submission(Record):
    """A run begins on a snapshot."""

    snapshot_id: str
    first_run_id: str


class Submitted(Record):
    snapshot: SnapshotSummary
    policy: Policy


class DecisionRecord(Record):
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
    center_settings: CenterSettings
    ticket_systems: Sequence[str]
    """The providers that are set up."""
    review_tags: Mapping[str, str]
    """The tags that ask for a review in one ticket system, and the provider of each."""

    @activity.defn
    async def submit_snapshot(self, submission: Submission) -> Submitted:
        """Read the snapshot, mark it as taken up by this run, and fix the settings that the run will follow.

        Raises:
            ApplicationError: ``NoSuchSnapshot`` (final), ``Outage``, ``Refused``.
        """
        snapshot = await self._read(submission.snapshot_id, DeployModelInput.command("ID"))
        mark = {"workflowId": activity.info().workflow_id, "runId": submission.first_run_id}
        if snapshot.meta_data.custom.get(DEPLOY_MARK, {}) != mark:
            await self._patch_custom(snapshot, {DEPLOY_MARK: mark}, {})
        return Submitted(snapshot=summary(snapshot, self.settings, self.review_tags), policy=self._policy())

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
    async def record_decision(self, record: DecisionRecord) -> None:
        """Write expiration date, decision and evidence on the snapshot, where they outlive the run's history."""
        snapshot = await self._read(record.snapshot_id)
        evidence = {
            "decision": record.decision.model_dump(mode="json"),
            "verdict": record.verdict.model_dump(mode="json") if record.verdict else None,
            "testResultId": record.test_result.id if record.test_result else None,
            "jobId": record.test_result.job_id if record.test_result else None,
            "assets": dict(asset_hashes(snapshot)),
            "workflowId": activity.info().workflow_id,
        }
        date = record.expiration_date
        expiration = {self.center_settings.expiration_field: date.isoformat()} if date else {}
        await self._patch_custom(snapshot, {DECISION_MARK: evidence}, expiration)

    async def _read(self, snapshot_id: str, command: str = "") -> DeployableModel:
        with translated():
            try:
                return await self.center.get_snapshot(snapshot_id)
            except NotFound:
                raise no_such_snapshot(snapshot_id, command) from None

    def _policy(self) -> Policy:
        return Policy(
            patience=self.settings.outage_budget,
            settle=self.settings.ticket_index_lag,
            center_settle=self.settings.center_index_lag,
            on_failed_verdict=OnFailedVerdict(self.settings.on_failed_verdict),
            ticketing=self.settings.ticketing,
            ticket_systems=list(self.ticket_systems),
        )

    async def _patch_custom(self, snapshot: DeployableModel, custom: dict[str, Any], more: dict[str, Any]) -> None:
        # The whole of `custom` is sent: whether a centre merges nested objects or replaces them is not proven.
        changes = {"metaData": {"custom": {**snapshot.meta_data.custom, **custom}}, **more}
        with translated():
            await self.center.patch_snapshot(snapshot.id, changes)


def summary(snapshot: DeployableModel, settings: ProcessSettings, review_tags: Mapping[str, str]) -> SnapshotSummary:
    """What a process has to know of a snapshot; ``review_tags`` as of :class:`SnapshotActivities`."""
    meta, model = snapshot.meta_data, snapshot.stored_model
    provider = next((provider for tag, provider in review_tags.items() if is_set(snapshot, tag)), None)
    return SnapshotSummary(
        id=snapshot.id,
        name=beginning(meta.name, 200),
        model_id=model.id or "",
        model_name=beginning(model.model_meta_data.name, 200),
        stage=beginning(stage_of(snapshot), 100),
        methodology=beginning(model.model_meta_data.model_methodology or "", 100),
        train=is_set(snapshot, settings.train_tag),
        run_test=is_set(snapshot, settings.run_test_tag),
        review=provider is not None or is_set(snapshot, settings.review_tag),
        ticketing=provider,
    )


def is_set(snapshot: DeployableModel, flag: str) -> bool:
    """Whether a control tag is set: a tag of the snapshot, or a true flag of that name in its custom metadata."""
    value = snapshot.meta_data.custom.get(flag)
    return flag in snapshot.meta_data.tags or value is True or (isinstance(value, str) and value.casefold() == "true")


def stage_of(snapshot: DeployableModel) -> str:
    """The model stage as the snapshot carries it; ``unassigned`` if none."""
    return snapshot.stored_model.model_meta_data.model_stage or "unassigned"


def asset_hashes(snapshot: DeployableModel) -> Iterable[tuple[str, str]]:
    """File name and SHA-256 of every asset whose hash the centre knows."""
    for asset in snapshot.stored_model.model_assets:
        if asset.content_hash is not None:
            yield asset.filename or asset.name, asset.content_hash.hex_string


def no_such_snapshot(snapshot_id: str, command: str = "") -> ApplicationError:
    """``command`` is what starts the process, if its id is what somebody typed."""
    advice = f" Start the process with the id of an existing one: {command}" if command else ""
    return final(FailureType.NO_SUCH_SNAPSHOT, f"There is no snapshot {snapshot_id!r} in the model centre.{advice}")
