"""Decision records: what a question is about, whether that is still so, and what each run decided and did."""

import hashlib
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from typing import Any

from temporalio import activity

from activities.bound_files import files_of, known_files, unjudged, untested
from activities.failures import translated
from activities.snapshots import DecisionEvidence, no_such_snapshot
from mlc.center import Center
from mlc.model.base import Record
from mlc.model.binding import (
    SCHEMA,
    Binding,
    BoundFile,
    differences,
    digest,
    digest_of,
    in_short,
)
from mlc.model.decision import DecisionRecord, DeployedPlace, RecordEvent
from mlc.model.deployment import DeploymentMode
from mlc.model.failure import NotFound
from mlc.model.open_tickets import mint
from mlc.model.policy import Policy
from mlc.model.processes import Outcome
from mlc.model.result import TestResult, TestResultRecord
from mlc.model.snapshot import DecisionEntry, Snapshot
from mlc.model.ticket import Answer
from mlc.settings import ProcessSettings

DISTRIBUTION = "mlc-temporal"
SETTINGS_KEPT = ("train_tag", "run_test_tag", "review_tag", "on_missing_metric", "on_no_match", "stage_aliases")
"""Settings that a run follows beside its policy."""


class BindingRequest(Record):
    """A question is about to be asked. ``note`` says why it is asked anew, if it is."""

    snapshot_id: str
    first_run_id: str
    test_result: TestResult | None = None
    note: str = ""
    policy: Policy
    judged: dict[str, str] = {}
    """By the names of files that decide about the verdict, the beginnings of their hashes when it was given."""


class Bound(Record):
    """What a question binds. ``untested`` are names of files that are not those that were tested.

    ``unjudged`` are names of files that have changed since the verdict: then nothing was written down.
    """

    binding: Binding
    untested: list[str] = []
    unjudged: list[str] = []


class Comparison(Record):
    """Compare a snapshot with what a question bound."""

    snapshot_id: str
    first_run_id: str
    binding: Binding


class Differences(Record):
    """What is not as it was bound, each as the end of a sentence; at most nine, and short."""

    changed: list[str] = []


class DecisionToKeep(Record):
    """An answer that counts. ``bound`` is the digest of what was asked about; empty if nothing was bound, as where a
    verdict was rejected.
    """

    evidence: DecisionEvidence
    first_run_id: str
    label: str
    bound: str = ""


class EndingToKeep(Record):
    """How a run ended: ``answers`` by label of the tickets that it had answered.

    ``deployments`` are ids of those that stay, ``places`` the same as the run knows them (else they are read), and
    ``digest`` is that of the files that all of them carry; empty if they differ.
    """

    snapshot_id: str
    first_run_id: str
    outcome: Outcome
    deployments: list[str] = []
    places: list[DeployedPlace] = []
    digest: str = ""
    answers: dict[str, Answer] = {}
    expiration_date: date | None = None
    note: str = ""


@dataclass
class DecisionActivities:
    center: Center
    settings: ProcessSettings

    @activity.defn
    async def bind_question(self, request: BindingRequest) -> Bound:
        """Hash all that a question is about, and write it down before anybody is asked, if it is what was judged.

        Raises:
            ApplicationError: ``NoSuchSnapshot`` (final), ``Outage``, ``Refused``.
        """
        with translated():
            snapshot, files = await self._files(request.snapshot_id)
            result = await self._result(request.test_result.id if request.test_result else None)
            binding = Binding(
                digest=digest(files),
                count=len(files),
                loose=sum(not file.by_content for file in files),
                test_result_id=result.id if result else None,
                result_digest=digest_of(result.values) if result else "",
            )
            if changed := unjudged(request.judged, files):
                return Bound(binding=binding, unjudged=in_short(changed))
            await self._append(
                request.snapshot_id,
                request.first_run_id,
                RecordEvent.ASKED,
                f"{binding.digest}|{binding.result_digest}|{request.note}",
                note=request.note,
                digest=binding.digest,
                files=files,
                test_result_id=binding.test_result_id,
                result_digest=binding.result_digest,
                job_id=request.test_result.job_id if request.test_result else None,
                policy=self._policy(request.policy),
            )
        return Bound(binding=binding, untested=in_short(untested(snapshot, result)) if result else [])

    @activity.defn
    async def compare_bound(self, request: Comparison) -> Differences:
        """Whether snapshot, tables and test result are what the question bound; what is not, by name.

        Raises:
            ApplicationError: ``NoSuchSnapshot`` (final), ``Outage``, ``Refused``.
        """
        bound = request.binding
        with translated():
            _, files = await self._files(request.snapshot_id)
            changed: list[str] = []
            if digest(files) != bound.digest:
                then = await self._asked(request.snapshot_id, request.first_run_id, bound.digest)
                known = differences(then.files, files) if then is not None else []
                changed += known or ["a file of the snapshot changed; which one is not known"]
            if bound.test_result_id is not None:
                try:
                    result = await self._result(bound.test_result_id)
                except NotFound:
                    changed.append("the test result is gone")
                else:
                    if result is None or digest_of(result.values) != bound.result_digest:
                        changed.append("the test result changed")
        return Differences(changed=in_short(changed))

    @activity.defn
    async def keep_decision(self, request: DecisionToKeep) -> None:
        """Write an answer that counts on the snapshot, where the latest one stands, and into the run's record."""
        evidence, bound = request.evidence, request.bound
        with translated():
            snapshot, files = await self._files(evidence.snapshot_id)
            now, then = digest(files), None
            if bound:
                then = await self._asked(evidence.snapshot_id, request.first_run_id, bound)
            if bound and bound != now:
                files = then.files if then is not None else []
            result, decided = evidence.test_result, evidence.decision
            entry = DecisionEntry(
                decision=decided,
                verdict=evidence.verdict,
                test_result_id=result.id if result else None,
                job_id=result.job_id if result else None,
                assets={file.name: file.sha256 for file in files if file.sha256 and file.role != SCHEMA},
                workflow_id=activity.info().workflow_id or "",
                expiration_date=evidence.expiration_date,
            )
            await self.center.record_decision(snapshot, entry)
            await self._append(
                evidence.snapshot_id,
                request.first_run_id,
                RecordEvent.DECIDED,
                f"{request.label}|{decided.outcome}|{bound or now}",
                decision=decided,
                label=request.label,
                verdict=evidence.verdict,
                digest=bound or now,
                files=files,
                test_result_id=entry.test_result_id,
                result_digest=then.result_digest if then is not None else "",
                job_id=entry.job_id,
                expiration_date=evidence.expiration_date,
                policy=then.policy if then is not None else self._policy(None),
            )

    @activity.defn
    async def keep_ending(self, request: EndingToKeep) -> None:
        """Write down what came of a run: what it deployed where, with the hashes, and how its tickets were answered."""
        with translated():
            places = request.places or [await self._place(id_) for id_ in request.deployments]
            files = known_files(request.digest) or [] if request.digest else []
            if request.digest and not files:
                _, now = await self._files(request.snapshot_id)
                files = now if digest(now) == request.digest else await self._known(request)
            await self._append(
                request.snapshot_id,
                request.first_run_id,
                RecordEvent.ENDED,
                "|".join([request.outcome, *request.deployments]),
                outcome=request.outcome,
                note=request.note,
                deployed=places,
                answers=request.answers,
                digest=request.digest,
                files=files,
                expiration_date=request.expiration_date,
                policy=self._policy(None),
            )

    async def _append(
        self, snapshot_id: str, first_run_id: str, event: RecordEvent, told: str, **fields: Any
    ) -> DecisionRecord:
        workflow_id = activity.info().workflow_id or ""
        what = f"{snapshot_id}|{event}|{hashlib.sha256(told.encode()).hexdigest()}"
        record = DecisionRecord(
            key=mint("rec", workflow_id, first_run_id, what, 0),
            snapshot_id=snapshot_id,
            workflow_id=workflow_id,
            first_run_id=first_run_id,
            event=event,
            at=activity.info().started_time,
            software=software(),
            **fields,
        )
        return await self.center.append_decision(record)

    async def _asked(self, snapshot_id: str, first_run_id: str, bound: str) -> DecisionRecord | None:
        """The entry that was written when the question was asked last."""
        return next(
            (
                record
                for record in reversed(await self.center.list_decisions(snapshot_id))
                if (record.event, record.digest) == (RecordEvent.ASKED, bound)
                and (record.workflow_id, record.first_run_id) == (activity.info().workflow_id, first_run_id)
            ),
            None,
        )

    async def _known(self, request: EndingToKeep) -> list[BoundFile]:
        """Files that the record knows by their digest, though they are no longer the snapshot's."""
        records = await self.center.list_decisions(request.snapshot_id)
        return next((record.files for record in records if record.digest == request.digest and record.files), [])

    async def _place(self, deployment_id: str) -> DeployedPlace:
        try:
            found = await self.center.get_deployment(deployment_id)
        except NotFound:
            return DeployedPlace(id=deployment_id, mode=DeploymentMode.UNKNOWN)
        mode = DeploymentMode.BATCH if found.runtime_id is None else DeploymentMode.ONLINE
        return DeployedPlace(id=deployment_id, mode=mode, runtime=found.runtime_name if found.runtime_id else "")

    async def _files(self, snapshot_id: str) -> tuple[Snapshot, list[BoundFile]]:
        try:
            return await files_of(self.center, snapshot_id)
        except NotFound:
            raise no_such_snapshot(snapshot_id) from None

    async def _result(self, result_id: str | None) -> TestResultRecord | None:
        return await self.center.get_test_result(result_id) if result_id else None

    def _policy(self, policy: Policy | None) -> dict[str, Any]:
        """The settings that a run follows; there are no secrets among them."""
        kept = self.settings.model_dump(mode="json", include=set(SETTINGS_KEPT))
        return kept | (policy.model_dump(mode="json") if policy is not None else {})


def software() -> str:
    """This project's version, as it was installed."""
    try:
        return f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}"
    except metadata.PackageNotFoundError:
        return DISTRIBUTION
