"""Replayed events, and many at once: a run is told seldom, and of the last one in any case."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from gateway_serving import serving
from gateway_stand_ins import WaitsForTickets
from pydantic import SecretStr
from servers import eventually, running, start_dev_server
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from mlc.gateway.app import create_app
from mlc.model.processes import TASK_QUEUE
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.settings import ServiceNowSettings

SECRET, TOKEN = "the webhook's secret", "of those who can't sign"
JOB = "com.modelop.mlc.definitions.Signals_job_status_changed"
WaitFor = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]
BY_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


def app(temporal: Client) -> Any:
    return create_app(
        GatewaySettings(webhook_token=SecretStr(TOKEN), webhook_rate=1e6, webhook_burst=10**6),
        JiraSettings(project="MLR", webhook_secrets=[SecretStr(SECRET)]),
        ServiceNowSettings(webhook_secrets=[SecretStr(SECRET)]),
        temporal=temporal,
        center=None,  # type: ignore[arg-type]
    )


@pytest.fixture
async def gateway(temporal: Client) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app(temporal)) as client:
        yield client


def new_key() -> str:
    return f"MLR-{secrets.randbelow(10**15) + 1}"


def event(key: str, **more: Any) -> bytes:
    issue = {"key": key, "fields": {"labels": more.pop("labels", [])}}
    return json.dumps({"timestamp": round(time.time() * 1000), "issue": issue, **more}).encode()


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


async def send(
    gateway: httpx.AsyncClient, body: bytes, headers: dict[str, str], delivery: str = "", to: str = "jira"
) -> httpx.Response:
    named = {"X-Atlassian-Webhook-Identifier": delivery, "X-MLC-Delivery": delivery} if delivery else {}
    return await gateway.post(f"/webhooks/{to}", content=body, headers=headers | named)


async def heard(run: WorkflowHandle[Any, Any]) -> list[str]:
    return list(await run.query("heard"))


async def held(requests: list[asyncio.Task[httpx.Response]]) -> None:
    """They are in, and are not answered yet, since their hint may not go yet."""
    for request in requests:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(request), 0.3)


async def test_a_replayed_event_is_dropped_whatever_its_delivery_is_called(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    body = event(key)
    assert (await send(gateway, body, signed(body), "first")).json() == {"signalled": 1, "why": ""}
    for _ in range(200):
        answer = await send(gateway, body, signed(body), str(uuid.uuid4()))
        assert answer.status_code == 202
        assert answer.json() == {"signalled": 0, "why": "This event was dealt with before."}
    assert await heard(run) == [f"jira:{key}:first"]


async def test_another_copy_of_the_gateway_or_a_new_start_tells_of_a_replayed_event_once_more(
    temporal: Client, wait_for: WaitFor
) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    body = event(key)
    for _ in range(2):
        async with serving(app(temporal)) as one, serving(app(temporal)) as other:
            for copy in (one, other, one, other):
                assert (await send(copy, body, signed(body))).status_code == 202
    assert len(await heard(run)) == 4


async def test_an_event_that_is_not_signed_or_not_dated_exactly_may_come_again_with_the_same_body(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    key, number = new_key(), f"CHG{secrets.randbelow(10**12)}"
    told_by_token, told_by_second = await wait_for(f"jira:{key}"), await wait_for(f"servicenow:{number}")
    second = {"sys_updated_on": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())}
    record = {"table": "change_request", "number": number, **second}
    undated = json.dumps(record).encode()
    dated = json.dumps(record | {"sys_mod_count": 7}).encode()
    for _ in range(2):
        assert (await send(gateway, event(key), BY_TOKEN, "the same")).json()["signalled"] == 1
        assert (await send(gateway, undated, signed(undated), "the same", "servicenow")).json()["signalled"] == 1
    assert len(await heard(told_by_token)) == len(await heard(told_by_second)) == 2
    answers = [(await send(gateway, dated, signed(dated), "the same", "servicenow")).json() for _ in range(2)]
    assert [answer["signalled"] for answer in answers] == [1, 0]


async def test_many_different_events_are_few_hints_and_the_last_one_is_among_them(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    key, label = new_key(), f"gov-{secrets.token_hex(12)}"
    run = await wait_for(f"jira:{key}", label)
    began = time.monotonic()

    async def one(number: int) -> dict[str, Any]:
        # Under whatever key it comes: it is the one ticket of this run.
        body = event(key if number % 2 else new_key(), labels=[label], number=number)
        by = signed(body) if number % 3 else BY_TOKEN
        return dict((await send(gateway, body, by, f"d-{number}")).raise_for_status().json())

    answers = await asyncio.gather(*(one(number) for number in range(300)))
    assert (await one(300))["signalled"] == 1
    took = time.monotonic() - began
    assert all(answer["signalled"] == 1 for answer in answers)
    names = await heard(run)
    assert len(names) <= 2 + took / 2
    assert names[-1] == f"jira:{key}:d-300"


async def test_another_run_does_not_wait_for_one_that_is_told_often(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    busy, quiet = new_key(), new_key()
    await wait_for(f"jira:{busy}")
    await wait_for(f"jira:{quiet}")
    flood = [asyncio.create_task(send(gateway, event(busy, n=n), BY_TOKEN)) for n in range(20)]
    began = time.monotonic()
    assert (await send(gateway, event(quiet), BY_TOKEN)).json()["signalled"] == 1
    assert time.monotonic() - began < 1.5
    await asyncio.gather(*flood)


async def test_a_gateway_that_is_told_to_end_delivers_what_waits_first(temporal: Client, wait_for: WaitFor) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    async with running(app(temporal)) as (server, gateway):
        assert (await send(gateway, event(key), BY_TOKEN)).json()["signalled"] == 1
        waiting = [asyncio.create_task(send(gateway, event(key, n=n), BY_TOKEN)) for n in range(3)]
        await held(waiting)
        server.should_exit = True
        answers = [(await each).json() for each in waiting]
    assert [answer["signalled"] for answer in answers] == [1, 1, 1]
    assert len(await heard(run)) == 2


async def test_a_sender_that_hangs_up_takes_no_hint_along(gateway: httpx.AsyncClient, wait_for: WaitFor) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    await send(gateway, event(key), BY_TOKEN)
    with pytest.raises(httpx.TimeoutException):
        await gateway.post("/webhooks/jira", content=event(key, n=1), headers=BY_TOKEN, timeout=0.5)

    async def told_again() -> bool:
        return len(await heard(run)) == 2

    await eventually(told_again)


async def test_if_temporal_dies_while_a_hint_waits_its_senders_are_told_to_come_again() -> None:
    environment = await start_dev_server()
    key = new_key()
    try:
        async with Worker(environment.client, task_queue=TASK_QUEUE, workflows=[WaitsForTickets]):
            await environment.client.start_workflow(
                "WaitsForTickets", args=[[f"jira:{key}"], 0], id="waits", task_queue=TASK_QUEUE
            )

            async def found() -> bool:
                return bool([r async for r in environment.client.list_workflows(f"MlcTickets = 'jira:{key}'")])

            await eventually(found)
        async with serving(app(environment.client)) as gateway:
            assert (await send(gateway, event(key), BY_TOKEN)).json()["signalled"] == 1
            body = event(key, n=1)
            waiting = [asyncio.create_task(send(gateway, body, signed(body))) for _ in range(3)]
            await held(waiting)
            await environment.shutdown()
            for each in waiting:
                assert (await each).status_code == 503
                assert "retry-after" in (await each).headers
    finally:
        await environment.shutdown()


async def test_many_signals_of_a_job_are_few_hints_and_each_job_is_told(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    run = await wait_for(f"jira:{new_key()}")

    async def ended(job: str) -> httpx.Response:
        value = {"id": job, "jobStatus": "COMPLETE", "jobParameters": {"mlcWorkflowId": run.id}}
        return await gateway.post(
            "/mlc-service/rest/signalResponsive", json={"name": JOB, "variables": {"JOB": {"value": value}}}
        )

    answers = await asyncio.gather(*(ended(job) for job in ("one", "two") for _ in range(50)))
    assert {answer.json()["workflowIds"][0] for answer in answers} == {run.id}
    names = await heard(run)
    assert set(names) == {"job:one", "job:two"}
    assert len(names) <= 4
    answers = await asyncio.gather(*(ended(f"job-{number}") for number in range(20)))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
