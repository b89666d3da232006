"""A new release goes on with the runs of the old one: their saved histories replay, with the same keys."""

from copy import deepcopy
from typing import Any

import pytest
from temporalio import workflow

from tests.compatibility.histories import History, histories
from tests.compatibility.patches import calls, outgrown
from tests.compatibility.releases import ROOT
from tests.compatibility.replays import asked_in_replay, asked_then, differences

HISTORIES = histories()
PATCHES = calls(ROOT)


@pytest.mark.parametrize("saved", HISTORIES, ids=lambda saved: saved.name)
async def test_a_saved_history_replays_and_asks_for_the_same_things_by_the_same_keys(saved: History) -> None:
    if (patch := outgrown(saved, PATCHES, HISTORIES)) is not None:
        pytest.skip(f"from before the patch {patch!r}, which is deprecated")
    assert list(differences(asked_then(saved.document), await asked_in_replay(saved.document))) == []


def test_there_are_histories_to_replay() -> None:
    assert HISTORIES


async def test_a_history_with_another_activity_in_it_does_not_replay() -> None:
    """So that the tests above can fail."""
    document = deepcopy(HISTORIES[0].document)
    for event in document["events"]:
        if scheduled := event.get("activityTaskScheduledEventAttributes"):
            scheduled["activityType"]["name"] = "something_else"
    with pytest.raises(workflow.NondeterminismError):
        await asked_in_replay(document)


@pytest.fixture
def document() -> dict[str, Any]:
    """The history of a run that asked several times."""
    return deepcopy(next(saved for saved in HISTORIES if "each_attempt_makes_one_ticket" in saved.name).document)


@pytest.mark.parametrize(("name", "field"), [("open_ticket", "label"), ("create_job", "key")])
def test_another_key_in_a_replay_is_a_difference(document: dict[str, Any], name: str, field: str) -> None:
    then, now = asked_then(document), asked_then(document)
    asked = next(arguments for activity, arguments in now if activity == name)[0]
    asked[field] = asked[field][:-1] + "?"
    (said,) = differences(then, now)
    assert said.startswith(f"{name}[0].{field}: it was ")


async def test_the_keys_in_a_replay_are_computed_and_depend_on_the_first_run(document: dict[str, Any]) -> None:
    then = asked_then(document)
    started = document["events"][0]["workflowExecutionStartedEventAttributes"]
    started["firstExecutionRunId"] = "another"
    said = " ".join(differences(then, await asked_in_replay(document)))
    assert "open_ticket[0].label: it was 'gov-" in said
    assert "create_job[0].key: it was 'job-" in said
