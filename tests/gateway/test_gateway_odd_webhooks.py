"""Webhooks are hints: whatever else a body holds, it is taken if it names a ticket, since it does not come again."""

import asyncio
import hashlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from gateway_serving import serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from servers import serving as served
from temporalio.client import Client, WorkflowHandle
from webhook_bodies import JSON, encoded

from mlc.gateway.app import create_app
from mlc.gateway.temporal import connect
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.settings import ServiceNowSettings

SECRET = "the webhook's secret"
PROVIDERS = ["jira", "servicenow"]
WaitFor = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]
_numbers = count(int(time.time() * 1000) % 10**9 * 100)


def app(temporal: Client) -> Any:
    secrets = [SecretStr(SECRET)]
    jira = JiraSettings(project="MLR", webhook_secrets=secrets)
    servicenow = ServiceNowSettings(webhook_secrets=secrets)
    gateway = GatewaySettings(webhook_rate=1e6, webhook_burst=10**6)
    return create_app(gateway, jira, servicenow, temporal=temporal, center=None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
async def gateway(temporal: Client) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app(temporal)) as client:
        yield client


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def new_key(provider: str) -> str:
    return f"MLR-{next(_numbers)}" if provider == "jira" else f"CHG{next(_numbers):011}"


def event(provider: str, key: str, **more: Any) -> dict[str, Any]:
    """One that names its ticket, and says nothing else."""
    return {"issue": {"key": key}, **more} if provider == "jira" else {"number": key, "table": "change_request", **more}


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


async def send(gateway: httpx.AsyncClient, provider: str, body: bytes) -> httpx.Response:
    return await gateway.post(f"/webhooks/{provider}", content=body, headers=signed(body))


async def heard(run: WorkflowHandle[Any, Any]) -> int:
    return len(await run.query("heard"))


@pytest.mark.parametrize(
    "odd", ["2026-11-20T12:00:00.0+0100", 1_769_851_800, -1, 10**400], ids=lambda odd: str(odd)[:24]
)
async def test_a_time_that_can_not_be_read_counts_as_none_and_neither_refuses_nor_drops_the_event(
    gateway: httpx.AsyncClient, wait_for: WaitFor, provider: str, odd: Any
) -> None:
    key = new_key(provider)
    run = await wait_for(f"{provider}:{key}")
    body = json.dumps(event(provider, key, timestamp=odd)).encode()
    for times in (1, 2):  # the next event may have the same body
        answer = await send(gateway, provider, body)
        assert (answer.status_code, answer.json()) == (202, {"signalled": 1, "why": ""})
        assert await heard(run) == times


async def test_a_time_in_digits_is_one(gateway: httpx.AsyncClient, wait_for: WaitFor, provider: str) -> None:
    key = new_key(provider)
    run = await wait_for(f"{provider}:{key}")
    for now in (round(time.time() * 1000), time.time() * 1000, str(round(time.time() * 1000) + 1)):
        body = json.dumps(event(provider, key, timestamp=now)).encode()
        before = await heard(run)
        assert [(await send(gateway, provider, body)).status_code for _ in range(2)] == [202, 202]
        assert await heard(run) == before + 1  # the same body is the same event
    old = json.dumps(event(provider, key, timestamp=str(round((time.time() - 25 * 3600) * 1000)))).encode()
    assert (await send(gateway, provider, old)).status_code == 400


@pytest.mark.parametrize("updated", ["31/01/2026 09:30", {"value": "soon"}], ids=str)
async def test_a_time_of_servicenow_that_can_not_be_read_counts_as_none(
    gateway: httpx.AsyncClient, wait_for: WaitFor, updated: Any
) -> None:
    key = new_key("servicenow")
    run = await wait_for(f"servicenow:{key}")
    body = json.dumps(event("servicenow", key, sys_updated_on=updated, sys_mod_count=3)).encode()
    for times in (1, 2):
        assert (await send(gateway, "servicenow", body)).status_code == 202
        assert await heard(run) == times


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
async def test_an_event_in_another_encoding_reaches_its_run(
    gateway: httpx.AsyncClient, wait_for: WaitFor, provider: str, encoding: str
) -> None:
    key = new_key(provider)
    run = await wait_for(f"{provider}:{key}")
    body = json.dumps(event(provider, key, said="Größe ≥ 1"), ensure_ascii=False).encode(encoding)
    assert (await send(gateway, provider, body)).json()["signalled"] == 1
    assert await heard(run) == 1


async def test_labels_as_a_text_find_the_run_of_an_issue_that_was_moved(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    label = f"gov-{next(_numbers):024x}"
    run = await wait_for(f"jira:{new_key('jira')}", label)
    issue = {"key": new_key("jira"), "fields": {"labels": f"risk, {label}"}}
    assert (await send(gateway, "jira", json.dumps(issue).encode())).json()["signalled"] == 1
    assert await heard(run) == 1


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[httpx.Client]:
    """A gateway that has no Temporal, and on another thread than the examples are made on."""
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
        with served(app(asyncio.run(connect())), listener) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield client


_SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@_SLOW
@given(st.sampled_from(PROVIDERS), st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_is_an_error_of_ours(elsewhere: httpx.Client, provider: str, body: bytes) -> None:
    answer = elsewhere.post(f"/webhooks/{provider}", content=body, headers=signed(body))
    assert answer.status_code in {202, 400, 503}, answer.text
    assert answer.status_code != 400 or 0 < len(answer.json()["detail"]) < 400


@_SLOW
@given(st.data())
def test_any_body_that_names_a_ticket_is_taken(elsewhere: httpx.Client, data: st.DataObject) -> None:
    """One of another project or table, for which nothing has to be asked of Temporal."""
    for provider, body in data.draw(encoded("OTHER-7", "CHG7", table="sys_user")).items():
        answer = elsewhere.post(f"/webhooks/{provider}", content=body, headers=signed(body))
        assert (answer.status_code, answer.json()["why"][-16:]) == (202, "not listened to."), body
