import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from office import Office, Run, office
from temporalio.testing import WorkflowEnvironment

HISTORIES = Path(__file__).parent.parent / "histories"
SAVED = ("test_deploy_model", "test_run_back_test", "test_run_batch_model_job")
LARGEST = 85_000
"""Characters: what is longer holds the same again and again."""


@pytest.fixture
async def desk(
    dev_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """An office on the development server; indirect parameters are ``office``'s keywords.

    With MLC_SAVE_HISTORIES set, the runs of these files' tests (``SAVED``) are saved for the replay test.
    """
    async with office(dev_server.client, tmp_path, **getattr(request, "param", {})) as opened:
        yield opened
        await kept(opened, request)


@pytest.fixture
async def swept_desk(
    uncrowded_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """The same on a server where sweeps find few other runs."""
    async with office(uncrowded_server.client, tmp_path, **getattr(request, "param", {})) as opened:
        yield opened
        await kept(opened, request)


async def kept(opened: Office, request: pytest.FixtureRequest) -> None:
    if os.environ.get("MLC_SAVE_HISTORIES") and request.path.name.startswith(SAVED):
        for number, run in enumerate(opened.started, start=1):
            await save(run, f"{request.node.originalname.removeprefix('test_')}-{number}")


async def save(run: Run, name: str) -> None:
    """Keep a run's history, unless it is a large one or another with the same course is there."""
    document = without_traces((await run.fetch_history()).to_json_dict())
    text = json.dumps(document, separators=(",", ":"))
    known = (course(json.loads(file.read_text())) for file in HISTORIES.glob("*.json"))
    if len(text) <= LARGEST and course(document) not in known:
        (HISTORIES / f"{name}.json").write_text(text + "\n")


def without_traces(part: Any) -> Any:
    """Stack traces say where this was run, and no replay reads them."""
    if isinstance(part, dict):
        return {name: without_traces(value) for name, value in part.items() if name != "stackTrace"}
    return [without_traces(value) for value in part] if isinstance(part, list) else part


def course(document: dict[str, Any]) -> list[str]:
    """What a run did, in order: the commands that a replay has to give again, and how each ended."""
    steps = []
    for event in document["events"]:
        kind = event["eventType"].removeprefix("EVENT_TYPE_")
        if not kind.startswith("WORKFLOW_TASK") and kind != "ACTIVITY_TASK_STARTED":
            scheduled = event.get("activityTaskScheduledEventAttributes", {})
            steps.append(f"{kind} {scheduled.get('activityType', {}).get('name', '')}")
    return steps
