"""A centre that answers everything with a page, status 200: an outage that is retried, whatever was asked."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from backroom import Backroom
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.model.job import Job, JobKind, JobRequest

PAGES = {
    "a page": ("text/html", "<html><h1>Back soon</h1></html>"),
    "nothing": ("application/json", ""),
    "a proxy's word": ("application/json", '{"error": "upstream is being maintained"}'),
}
JOB = Job(id="j", kind=JobKind.METRICS, snapshot_id="s")
REQUEST = JobRequest(snapshot_id="s", kind=JobKind.METRICS, key=uuid.uuid4().hex, workflow_id="w")
Ask = Callable[[Backroom], tuple[Callable[..., Any], Any]]

READS: dict[str, Ask] = {
    "the snapshot": lambda room: (room.snapshots.get_snapshot, "s"),
    "the end of a job": lambda room: (room.jobs.finish_test, JOB),
    "whether there is such a job": lambda room: (room.jobs.find_job, REQUEST),
    "the runtimes": lambda room: (room.deployments.match_runtimes, "s"),
}


@pytest.fixture(params=PAGES)
async def maintained(request: pytest.FixtureRequest) -> AsyncIterator[Backroom]:
    kind, text = PAGES[request.param]

    async def answer(_: Request) -> Response:
        return Response(text, media_type=kind)

    methods = ["GET", "POST", "PATCH"]
    app = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
        yield Backroom(ModelOpCenter(CenterSettings(url="http://centre/api"), http=http), http)


@pytest.mark.parametrize("what", READS)
async def test_what_is_asked_meanwhile_is_asked_again(maintained: Backroom, what: str) -> None:
    error = await maintained.failure(*READS[what](maintained))
    assert (error.type, error.non_retryable) == ("Outage", False)
    assert "MLC_CENTER_URL" in str(error)


async def test_what_is_to_be_made_meanwhile_is_not_taken_for_made_or_refused(maintained: Backroom) -> None:
    error = await maintained.failure(maintained.jobs.create_job, REQUEST)
    assert error.type in {"NotSent", "Ambiguous"}
