"""A new release goes on with the runs of the old one: their saved histories replay."""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from mlc.worker import MlcPlugin

HISTORIES = sorted((Path(__file__).parent.parent / "histories").glob("*.json"))


def history(document: dict[str, Any]) -> WorkflowHistory:
    workflow_id = document["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    return WorkflowHistory.from_json(workflow_id, document)


async def replay(document: dict[str, Any]) -> None:
    await Replayer(workflows=[], plugins=[MlcPlugin()]).replay_workflow(history(document))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_saved_history_replays(file: Path) -> None:
    await replay(json.loads(file.read_text()))


def test_there_are_histories_to_replay() -> None:
    assert HISTORIES


async def test_a_history_with_another_activity_in_it_does_not_replay() -> None:
    """So that the tests above can fail."""
    document = json.loads(HISTORIES[0].read_text())
    for event in document["events"]:
        if scheduled := event.get("activityTaskScheduledEventAttributes"):
            scheduled["activityType"]["name"] = "something_else"
    with pytest.raises(workflow.NondeterminismError):
        await replay(document)
