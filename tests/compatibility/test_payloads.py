"""Every payload of every saved history is read as it was written, and what would be lost is named."""

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from temporalio import workflow

from mlc.model.base import Record
from tests.compatibility.declared import activities, process_of, processes
from tests.compatibility.histories import History, histories
from tests.compatibility.payloads import parts, problems

HISTORIES = histories()
FORGED = {"0.1.0/hints_for_other_tickets_and_forged_ones_read_nothing_and_change_nothing-1": {39, 40, 45, 46, 51}}
"""Events that hold signals which nobody may be able to read."""


@pytest.mark.parametrize("saved", HISTORIES, ids=lambda saved: saved.name)
def test_every_payload_of_a_saved_history_comes_back_as_it_was(saved: History) -> None:
    forged = FORGED.get(saved.name, set())
    said = [(int(problem.split(",")[0].removeprefix("event ")), problem) for problem in problems(saved.document)]
    assert [problem for event, problem in said if event not in forged] == []
    assert {event for event, _ in said} == forged


def test_there_are_payloads_to_compare() -> None:
    assert all(sum(1 for event in saved.document["events"] for _ in parts(event)) >= 3 for saved in HISTORIES)


def test_activities_and_workflows_are_declared_with_all_their_types() -> None:
    assert {"submit_snapshot", "open_ticket", "execute_job", "close_job", "mirror_schedules"} <= activities().keys()
    assert {"DeployModel", "RunBackTest", "RunBatchModelJob", "RunJob", "SweepTickets"} <= processes().keys()
    assert processes()["DeployModel"].signals.keys() == {"ticket_changed", "job_changed", "job_progress"}
    assert processes()["DeployModel"].updates.keys() == {"recheck_tickets"}
    assert Any not in [call.result for call in activities().values()]


@pytest.fixture
def document() -> dict[str, Any]:
    """The history of a run that did everything."""
    name = "0.1.0/a_snapshot_is_trained_tested_judged_approved_and_deployed-1"
    return deepcopy(next(saved for saved in HISTORIES if saved.name == name).document)


def doctored(document: dict[str, Any], event_type: str, change: Callable[[Any], Any], holding: str = "") -> str:
    """The problems after the first payload of such an event that holds a text was changed; there are none before."""
    assert list(problems(document)) == []
    for event in document["events"]:
        for part in parts(event) if event["eventType"] == f"EVENT_TYPE_{event_type}" else ():
            text = base64.b64decode(part.payload.get("data", "")).decode()
            if holding in text and part.path[0] != "userMetadata":
                changed = json.dumps(change(json.loads(text))).encode()
                part.payload["data"] = base64.b64encode(changed).decode()
                return "; ".join(problems(document))
    raise AssertionError(f"no {event_type} holds {holding!r}")


def renamed(old: str, new: str) -> Callable[[Any], Any]:
    """Everywhere in a value."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {new if name == old else name: change(inner) for name, inner in value.items()}
        return [change(inner) for inner in value] if isinstance(value, list) else value

    return change


def replaced(old: Any, new: Any) -> Callable[[Any], Any]:
    """Everywhere in a value."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: change(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [change(inner) for inner in value]
        return new if value == old else value

    return change


@pytest.mark.parametrize(
    ("event_type", "old"),
    [
        ("WORKFLOW_EXECUTION_STARTED", "snapshot_id"),
        ("WORKFLOW_EXECUTION_COMPLETED", "expiration_date"),
        ("WORKFLOW_EXECUTION_COMPLETED", "test_result_id"),
        ("WORKFLOW_EXECUTION_SIGNALED", "provider"),
        ("WORKFLOW_EXECUTION_SIGNALED", "job_id"),
        ("ACTIVITY_TASK_SCHEDULED", "first_run_id"),
        ("ACTIVITY_TASK_SCHEDULED", "label"),
        ("ACTIVITY_TASK_COMPLETED", "run_test"),
        ("ACTIVITY_TASK_COMPLETED", "on_failed_verdict"),
        ("ACTIVITY_TASK_COMPLETED", "decided_by"),
        ("ACTIVITY_TASK_COMPLETED", "passed"),
    ],
)
def test_a_renamed_field_is_a_problem(document: dict[str, Any], event_type: str, old: str) -> None:
    said = doctored(document, event_type, renamed(old, "other_name"), holding=f'"{old}"')
    assert "other_name" in said or "Field required" in said


@pytest.mark.parametrize(
    ("event_type", "value"),
    [
        ("ACTIVITY_TASK_COMPLETED", "approved"),
        ("ACTIVITY_TASK_COMPLETED", "reject"),
        ("ACTIVITY_TASK_COMPLETED", "training"),
        ("ACTIVITY_TASK_COMPLETED", "online"),
        ("ACTIVITY_TASK_SCHEDULED", "training"),
    ],
)
def test_an_unknown_enum_value_is_a_problem_whether_it_is_refused_or_read_as_unknown(
    document: dict[str, Any], event_type: str, value: str
) -> None:
    said = doctored(document, event_type, replaced(value, "never-heard-of"), holding=f'"{value}"')
    assert "never-heard-of" in said or "can't be read" in said


def test_a_result_of_another_type_is_a_problem(document: dict[str, Any]) -> None:
    assert "can't be read" in doctored(document, "ACTIVITY_TASK_COMPLETED", lambda _: 7)


def test_an_empty_result_where_one_is_needed_is_a_problem(document: dict[str, Any]) -> None:
    for event in document["events"]:
        if result := event.get("activityTaskCompletedEventAttributes", {}).get("result"):
            result["payloads"] = [{"metadata": {"encoding": base64.b64encode(b"binary/null").decode()}}]
            break
    assert "can't be read" in " ".join(problems(document))


def test_an_activity_or_signal_or_argument_that_nobody_declares_is_a_problem(document: dict[str, Any]) -> None:
    for event in document["events"]:
        if scheduled := event.get("activityTaskScheduledEventAttributes"):
            scheduled["activityType"]["name"] += "_of_old"
            scheduled["input"]["payloads"] *= 2
        if signaled := event.get("workflowExecutionSignaledEventAttributes"):
            signaled["signalName"] = "ticket_moved"
    said = " ".join(problems(document))
    assert "nobody declares the activity 'submit_snapshot_of_old'" in said
    assert "nobody declares the signal 'ticket_moved'" in said


def test_an_argument_too_many_is_a_problem(document: dict[str, Any]) -> None:
    started = document["events"][0]["workflowExecutionStartedEventAttributes"]
    started["input"]["payloads"] *= 2
    assert "1 arguments are declared, this is number 2" in " ".join(problems(document))


def test_a_workflow_that_nobody_declares_is_a_problem(document: dict[str, Any]) -> None:
    document["events"][0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"] = "Deploy"
    assert "nobody declares the workflow 'Deploy'" in " ".join(problems(document))


@pytest.mark.parametrize("place", ["memo", "searchAttributes", "header"])
def test_a_payload_that_stands_where_nobody_looked_is_a_problem(document: dict[str, Any], place: str) -> None:
    payload = {"metadata": {"encoding": base64.b64encode(b"json/plain").decode()}, "data": base64.b64encode(b'"x"')}
    payload["data"] = base64.b64encode(b'"x"').decode()
    fields = {"searchAttributes": "indexedFields"}.get(place, "fields")
    document["events"][0]["workflowExecutionStartedEventAttributes"][place] = {fields: {"mlcNew": payload}}
    assert "nobody" in " ".join(problems(document))


class Reading(Record):
    """Types with what pydantic might quietly change."""

    count: int = 0
    share: float = 0.0
    sure: bool = False
    rest: dict[str, Any] = {}


@workflow.defn(name="Reader")
class Reader:
    @workflow.run
    async def run(self, _: Reading) -> None: ...


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"count": 7, "share": 0.5, "sure": True, "rest": {"a": [1, None, {"b": 2}]}}, ""),
        ({"share": 1}, ""),
        ({}, ""),
        ({"count": "7"}, '.count: "7" came back as 7'),
        ({"sure": 1}, ".sure: 1 came back as true"),
        ({"count": True}, ".count: true came back as 1"),
        ({"amount": 7}, ".amount: Reading has no such field"),
        ({"count": 0, "amount": 0}, ".amount: Reading has no such field"),
        ({"rest": []}, "can't be read"),
    ],
)
def test_values_come_back_as_what_they_were(written: dict[str, Any], said: str) -> None:
    payload = {
        "metadata": {"encoding": base64.b64encode(b"json/plain").decode()},
        "data": base64.b64encode(json.dumps(written).encode()).decode(),
    }
    started = {"workflowType": {"name": "Reader"}, "input": {"payloads": [payload]}}
    event = {
        "eventId": "1",
        "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
        "workflowExecutionStartedEventAttributes": started,
    }
    found = list(problems({"events": [event]}, process_of(Reader)[1]))
    assert said in "; ".join(found)
    assert bool(found) == bool(said)
