"""Names and formats that outlive a release in Temporal, in the centre and in ticket systems, shown by examples.

What is imported here may move and get other names. What it makes must stay as it is.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

from temporalio import workflow
from temporalio.api.enums.v1 import IndexedValueType

from mlc.center.modelop import wire
from mlc.center.modelop.decisions import file_name, written_document
from mlc.center.modelop.jobs import job_parameters
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import DECISION_MARK, DEPLOY_MARK
from mlc.gateway.idempotency import FINGERPRINT, KEY_GIVEN, fingerprint
from mlc.model import open_tickets
from mlc.model.decision import DecisionRecord, RecordEvent
from mlc.model.deployment import Rank
from mlc.model.failure import FailureType
from mlc.model.job import JobKind, run_job_id, runtime_task_queue, slots_task_queue
from mlc.model.processes import (
    RUN_BACK_TEST,
    TASK_QUEUE,
    Phase,
    RunBackTestInput,
    back_test_id,
    batch_job_id,
    deploy_model_id,
)
from mlc.model.schedule import MIRROR_SCHEDULE, MIRRORED_BY, ORIGIN, PAUSED, mirrored_id
from mlc.model.snapshot import SnapshotOrder
from mlc.model.ticket import TicketKind, TicketRef, ticket_queue
from mlc.namespace import SWEEP_SCHEDULE, TYPES
from workflows.steps.once import question_key

WORKFLOW, FIRST_RUN = "deploy-5a31b3c6", "0f6f1d1e-6a53-4a3b-9d4a-3f6a7c2f9b10"
TICKET = TicketRef(provider="jira", id="10001", key="MLR-7", url="", label="gov-0da4676d604cddd27ca58f96")
INCIDENT = TicketRef(provider="servicenow", id="9d38", key="INC0010023", url="", label="gov-ffa4676d604cddd27ca58f97")
VERSION = "2026-11-22T11:31:46.648+0000 10000"


def values() -> dict[str, dict[str, Any]]:
    """What stands in other systems' memory, by kinds: each kind may get more entries, and none may change."""
    return {
        "task queues": {
            "the processes'": TASK_QUEUE,
            "the ticket activities'": ticket_queue(TASK_QUEUE),
            "the runtime small's": runtime_task_queue("small"),
            "its slots'": slots_task_queue(runtime_task_queue("small")),
        },
        "workflow ids": {
            "DeployModel of snapshot-1": deploy_model_id("snapshot-1"),
            "RunBackTest of snapshot-1, key k": back_test_id("snapshot-1", "k"),
            "RunBatchModelJob of tag t, key k": batch_job_id("t", "k"),
            "RunJob of job-1": run_job_id("job-1"),
        },
        "schedule ids": {
            "the sweep's": SWEEP_SCHEDULE,
            "the mirror's": MIRROR_SCHEDULE,
            "schedule s of deployment d": mirrored_id("d", "s"),
            "how the mirror's own pauses begin": PAUSED,
        },
        f"keys of {WORKFLOW}, first run {FIRST_RUN}": _keys(),
        "search attributes": {str(name): IndexedValueType.Name(type_) for name, type_ in sorted(TYPES.items())},
        "MlcTickets": {
            "one ticket": ticket_entries([TICKET]),
            "one ticket, read in a version": ticket_entries([TICKET], seen={TICKET.label: VERSION}),
            "two tickets, the second read": ticket_entries([TICKET, INCIDENT], seen={INCIDENT.label: VERSION}),
        },
        "memo": {
            "what was asked for": FINGERPRINT,
            "the caller's key": KEY_GIVEN,
            "the mirror's queue": MIRRORED_BY,
            "the schedule it comes from": ORIGIN,
            "what was asked for, of a back test": fingerprint(
                _start(
                    RUN_BACK_TEST, model_id="snapshot-1", ticketing="jira", input_file={"url": "file:///data/in.csv"}
                )
            ),
        },
        "custom metadata": {"a run began": DEPLOY_MARK, "what was decided": DECISION_MARK},
        "job parameters": {what: name for name, what in job_parameters("the key", "the workflow").items()},
        "decision records": {
            "the collection": CenterSettings.model_fields["decision_records"].default,
            "a file on the stored model": file_name("rec-1"),
            "an entry": _entry(),
        },
        "a deployment's key": wire.DeployedModel(mlc_key="dep-1").model_dump(by_alias=True, exclude_unset=True),
        "a deployment's rank, and whether its run has confirmed it": wire.DeployedModel(
            mlc_rank=_rank().model_dump(mode="json"), mlc_provisional=True
        ).model_dump(by_alias=True, exclude_unset=True),
        "a runtime that holds many models": wire.Engine(mlc_many_models=True).model_dump(
            by_alias=True, exclude_unset=True
        ),
        "failure types": {str(value): str(value) for value in FailureType},
    }


def ticket_entries(tickets: list[TicketRef], seen: dict[str, str] | None = None) -> list[str]:
    """What ``MlcTickets`` holds of these open tickets; ``seen`` is the version of each that the run has read."""
    return open_tickets.encode(tickets, seen or {})


def tickets_read(entries: list[str]) -> list[tuple[str, str, str, str | None]]:
    """Provider, key, label and version read of each ticket in ``MlcTickets``, as the sweep reads it."""
    found = open_tickets.decode(entries, workflow_id=WORKFLOW, run_id=FIRST_RUN)
    return [(ticket.provider, ticket.key, ticket.label, ticket.seen) for ticket in found]


def _start(name: str, **given: Any) -> Any:
    """What a signal starts, without files that came with it."""
    return SimpleNamespace(workflow=name, embedded=(), input=lambda _: RunBackTestInput.model_validate(given))


def _rank() -> Rank:
    newer = SnapshotOrder(created=datetime(2026, 11, 29, 12, tzinfo=UTC), id="snapshot-2")
    return Rank.of(newer).above(SnapshotOrder(id="snapshot-1"))


def _entry() -> dict[str, Any]:
    """An entry as the centre keeps it."""
    at = datetime(2026, 11, 29, 13, tzinfo=UTC)
    entry = DecisionRecord(
        key="rec-1", snapshot_id="s", workflow_id=WORKFLOW, first_run_id=FIRST_RUN, event=RecordEvent.DECIDED, at=at
    )
    return written_document(entry).model_dump(mode="json", by_alias=True, exclude_unset=True)


def _keys() -> dict[str, str]:
    info = SimpleNamespace(workflow_id=WORKFLOW, first_execution_run_id=FIRST_RUN, run_id="another")
    key: Callable[..., str] = question_key
    with mock.patch.object(workflow, "info", return_value=info):
        return {
            "review ticket, first attempt": key("gov", f"{TicketKind.REVIEW}|{Phase.REVIEW}", 1),
            "error ticket of deployment, second attempt": key("gov", f"{TicketKind.ERROR}|{Phase.DEPLOYMENT}", 2),
            "training job": key("job", JobKind.TRAINING, 0),
            "metrics job after one": key("job", JobKind.METRICS, 1),
            "deployment on the runtime r": key("dep", "r", 0),
            "batch deployment after one that failed": key("dep", "batch", 1),
        }
