"""Atlassian's own OpenAPI description as the judge of both sides: what the adapter sends and what the desk answers."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from desk_harness import TOKEN, USER, Desks, RunningDesk
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError

from mlc.ticketing import Attachment, TicketRequest

SPECS = Path(os.environ.get("MLC_SPECS", Path(__file__).parents[2] / "../shared/specs"))
SPECIFICATION = SPECS / "jira-cloud-v2-derived-subset.json"
NOT_DESCRIBED = ("GET /rest/api/2/project/", "GET /rest/api/2/issue/MLR-1/remotelink")
"""The subset lacks projects; and it calls a list of links an object, against its own example."""

pytestmark = pytest.mark.skipif(
    not SPECIFICATION.is_file(), reason=f"{SPECIFICATION} is missing: set MLC_SPECS to the folder of the specifications"
)


def as_jira_is(node: Any) -> Any:
    """The specification without what Jira itself doesn't keep: its times have no colon in their offset (+0000)."""
    if isinstance(node, dict):
        return {key: as_jira_is(value) for key, value in node.items() if (key, value) != ("format", "date-time")}
    return [as_jira_is(item) for item in node] if isinstance(node, list) else node


@cache
def specification() -> OpenAPI:
    described = as_jira_is(json.loads(SPECIFICATION.read_text()))
    for value in described["components"]["schemas"]["ChangeDetails"]["properties"].values():
        value["nullable"] = True  # a field that was empty before has no "from"
    described["components"]["schemas"]["FieldDetails"]["properties"]["untranslatedName"] = {"type": "string"}
    return OpenAPI.from_dict(described)


class Recorder:
    """Keeps every exchange that goes through ``requests``."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.exchanges: list[requests.Response] = []

    def check(self) -> list[str]:
        """What the specification has against them; each as "METHOD path: complaint"."""
        complaints = []
        for response in self.exchanges:
            asked = f"{response.request.method} {response.request.path_url}"
            if response.request.url is None or asked.startswith(NOT_DESCRIBED):
                continue
            response.request.url = response.request.url.replace(self.base, "https://your-domain.atlassian.net")
            request = RequestsOpenAPIRequest(requests.Request(**_as_request(response.request)))
            try:
                if "multipart" not in response.request.headers.get("Content-Type", ""):
                    specification().validate_request(request)
                if response.content:  # a 204 is described as JSON, which an empty body is not
                    specification().validate_response(request, RequestsOpenAPIResponse(response))
            except OpenAPIError as error:
                complaints.append(f"{asked}: {error!r} {getattr(error, 'schema_errors', error.__cause__)}")
        return complaints


def _as_request(prepared: requests.PreparedRequest) -> dict[str, Any]:
    return {
        "method": prepared.method,
        "url": prepared.url,
        "headers": dict(prepared.headers) | {"Authorization": "Basic eDp5"},
        "data": prepared.body if isinstance(prepared.body, str | bytes) else None,  # multipart is a stream
    }


@pytest.fixture
def desk(desks: Desks) -> RunningDesk:
    return desks.start(deployment="cloud")


@pytest.fixture
def recorder(desk: RunningDesk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    recorder = Recorder(desk.url)
    send = requests.Session.send

    def recording(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        response = send(session, request, **how)
        recorder.exchanges.append(response)
        return response

    monkeypatch.setattr(requests.Session, "send", recording)
    return recorder


def test_what_the_adapter_sends_and_the_desk_answers_is_jiras_api(
    desk: RunningDesk, recorder: Recorder, question: TicketRequest
) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    tickets.find(question.label)
    tickets.comment(ref, "e1", "text")
    tickets.attach(ref, Attachment(name="results.json", content=b"{}"))
    tickets.link(ref, "run", "http://127.0.0.1:8233/run", "Run")
    tickets.link(ref, "run", "http://127.0.0.1:8233/other", "Run")
    desk.set_expiration(ref, "2099-01-01")
    desk.move(ref, "Done")
    tickets.get(ref)
    tickets.get_many([ref])
    desk.move(ref, "To Do")
    tickets.close(ref, "e2", "withdrawn")
    tickets.check()
    assert len(recorder.exchanges) > 15
    assert recorder.check() == []


def test_the_rest_of_the_desks_api_is_jiras_too(desk: RunningDesk, recorder: Recorder, question: TicketRequest) -> None:
    ref = desk.adapter().create(question)
    recorder.exchanges.clear()
    with requests.Session() as session:
        session.auth, session.trust_env = (USER, TOKEN), False
        base = f"{desk.url}/rest/api/2"
        for path in (
            "serverInfo",
            "myself",
            "field",
            "status",
            "resolution",
            "issue/createmeta/MLR/issuetypes",
            "issue/createmeta/MLR/issuetypes/10100",
            f"issue/{ref.key}?expand=changelog",
            f"issue/{ref.key}/changelog",
            f"issue/{ref.key}/comment",
            f"issue/{ref.key}/transitions?expand=transitions.fields",
            f"issue/{ref.key}/remotelink",
            f"issue/{ref.key}/properties/gov.ticket",
            "search/jql?jql=project%20%3D%20MLR&fields=*all",
        ):
            assert session.get(f"{base}/{path}").status_code == 200, path
        session.put(f"{base}/issue/{ref.key}", json={"update": {"labels": [{"add": "x"}]}}).raise_for_status()
        session.post(f"{base}/search/jql", json={"jql": "labels = x", "fields": ["labels"]}).raise_for_status()
        session.put(f"{base}/issue/{ref.key}/properties/p", json={"a": 1}).raise_for_status()
        session.delete(f"{base}/issue/{ref.key}").raise_for_status()
    assert recorder.check() == []


def test_the_judge_has_objections_when_there_are_some(desk: RunningDesk, recorder: Recorder) -> None:
    with requests.Session() as session:
        session.auth, session.trust_env = (USER, TOKEN), False
        session.post(f"{desk.url}/rest/api/2/search/jql", json={"jql": "project = MLR", "maxResults": "many"})
    assert len(recorder.check()) == 1
    assert httpx.get(desk.url + "/rest/api/2/myself", trust_env=False).status_code == 401
