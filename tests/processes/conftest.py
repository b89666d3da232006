import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from office import Office, Run, office
from temporalio.testing import WorkflowEnvironment

HISTORIES = Path(__file__).parent.parent / "histories"


@pytest.fixture
async def desk(
    dev_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """An office on the development server; indirect parameters are ``office``'s keywords.

    With MLC_SAVE_HISTORIES set, the runs of the tests in ``test_deploy_model*.py`` are saved for the replay test.
    """
    async with office(dev_server.client, tmp_path, **getattr(request, "param", {})) as opened:
        yield opened
        if os.environ.get("MLC_SAVE_HISTORIES") and request.path.name.startswith("test_deploy_model"):
            for number, run in enumerate(opened.started, start=1):
                await save(run, f"{request.node.originalname.removeprefix('test_')}-{number}")


async def save(run: Run, name: str) -> None:
    """Keep a run's history, unless another one with the same course is there: parameters seldom make a new branch."""
    document = (await run.fetch_history()).to_json_dict()
    if course(document) not in (course(json.loads(file.read_text())) for file in HISTORIES.glob("*.json")):
        (HISTORIES / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")


def course(document: dict[str, Any]) -> list[tuple[str, str]]:
    """What happened in a run, without with what."""
    return [
        (
            event["eventType"],
            event.get("activityTaskScheduledEventAttributes", {}).get("activityType", {}).get("name", ""),
        )
        for event in document["events"]
    ]
