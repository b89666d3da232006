"""A new release goes on with the runs of the old one: their saved histories replay."""

from copy import deepcopy
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from mlc.worker import MlcPlugin
from tests.compatibility.histories import History, histories
from tests.compatibility.patches import calls, outgrown
from tests.compatibility.releases import ROOT

HISTORIES = histories()
PATCHES = calls(ROOT)


def history(document: dict[str, Any]) -> WorkflowHistory:
    workflow_id = document["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    return WorkflowHistory.from_json(workflow_id, document)


async def replay(document: dict[str, Any]) -> None:
    await Replayer(workflows=[], plugins=[MlcPlugin()]).replay_workflow(history(document))


@pytest.mark.parametrize("saved", HISTORIES, ids=lambda saved: saved.name)
async def test_a_saved_history_replays(saved: History) -> None:
    if (patch := outgrown(saved, PATCHES, HISTORIES)) is not None:
        pytest.skip(f"from before the patch {patch!r}, which is deprecated")
    await replay(saved.document)


def test_there_are_histories_to_replay() -> None:
    assert HISTORIES


async def test_a_history_with_another_activity_in_it_does_not_replay() -> None:
    """So that the tests above can fail."""
    document = deepcopy(HISTORIES[0].document)
    for event in document["events"]:
        if scheduled := event.get("activityTaskScheduledEventAttributes"):
            scheduled["activityType"]["name"] = "something_else"
    with pytest.raises(workflow.NondeterminismError):
        await replay(document)
