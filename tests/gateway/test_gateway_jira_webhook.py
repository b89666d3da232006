import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import httpx
import pytest
from gateway_serving import serving
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle

from mlc.gateway.app import create_app
from mlc.gateway.temporal import connect
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings

SECRET, OLD_SECRET, TOKEN = "the webhook's secret", "the secret before", "for automation"
WaitFor = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]
_numbers = count(int(time.time() * 1000) % 10**9 * 100)


def new_key() -> str:
    return f"MLR-{next(_numbers)}"


def new_label() -> str:
    return f"gov-{secrets.token_hex(12)}"


def event(key: str, *, labels: list[str] | None = None, age: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": round((time.time() - age) * 1000),
        "webhookEvent": "jira:issue_updated",
        "user": {"accountId": "x"},
        "issue": {"id": "10001", "key": key, "fields": {"summary": "?", "labels": labels or []}},
        **more,
    }


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def app_settings(**gateway: Any) -> tuple[GatewaySettings, JiraSettings]:
    return (
        GatewaySettings(webhook_token=SecretStr(TOKEN), **gateway),
        JiraSettings(project="MLR", webhook_secrets=[SecretStr(SECRET), SecretStr(OLD_SECRET), SecretStr("")]),
    )


@pytest.fixture(scope="module")
async def gateway(temporal: Client) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(*app_settings(), temporal=temporal, center=None)) as client:  # type: ignore[arg-type]
        yield client


async def send(gateway: httpx.AsyncClient, what: dict[str, Any] | bytes, **headers: str) -> httpx.Response:
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    given = {"X-Hub-Signature": signature(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.post("/webhooks/jira", content=body, headers={k: v for k, v in given.items() if v})


async def heard(run: WorkflowHandle[Any, Any]) -> list[str]:
    return list(await run.query("heard"))


async def test_a_signed_event_reaches_the_run_that_waits_for_the_ticket(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    key = new_key()
    run, other = await wait_for(f"jira:{key}", new_label()), await wait_for(f"jira:{new_key()}")
    answer = await send(gateway, event(key), X_Atlassian_Webhook_Identifier="d-1")
    assert (answer.status_code, answer.json()) == (202, {"signalled": 1, "why": ""})
    assert await heard(run) == [f"jira:{key}:d-1"]
    assert await heard(other) == []


async def test_a_moved_issue_is_found_by_its_label(gateway: httpx.AsyncClient, wait_for: WaitFor) -> None:
    """The run is told of the key that it knows: it would not know the other one for its own."""
    label, key = new_label(), new_key()
    run = await wait_for(f"jira:{key}", label, listed=True)
    assert (await send(gateway, event(new_key(), labels=["risk", label]))).json()["signalled"] == 1
    assert await heard(run) == [f"jira:{key}:"]


async def test_a_run_that_visibility_does_not_know_yet_is_waited_for_shortly(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    label, key = new_label(), new_key()
    run = await wait_for(f"jira:{key}", label, seconds_before=0.5, listed=False)
    answer = await send(gateway, event(key, labels=[label]))
    assert answer.json()["signalled"] == 1
    assert await heard(run) == [f"jira:{key}:"]


async def test_an_event_that_nobody_waits_for_is_accepted_after_a_bounded_search(gateway: httpx.AsyncClient) -> None:
    started = time.monotonic()
    answer = await send(gateway, event(new_key(), labels=[new_label()]))
    assert answer.status_code == 202
    assert answer.json()["signalled"] == 0
    assert 1 < time.monotonic() - started < 5
    # One that carries none of our labels, or that tells of the creation itself, is not searched for twice.
    for body in (event(new_key()), event(new_key(), labels=[new_label()], webhookEvent="jira:issue_created")):
        started = time.monotonic()
        assert (await send(gateway, body)).status_code == 202
        assert time.monotonic() - started < 1


async def test_a_run_that_has_ended_is_not_signalled(
    gateway: httpx.AsyncClient, wait_for: WaitFor, temporal: Client
) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    await run.signal("finish")
    await run.result()
    answer = await send(gateway, event(key))
    assert (answer.status_code, answer.json()["signalled"]) == (202, 0)


async def test_a_repeated_delivery_signals_once_and_a_forged_id_silences_nobody(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    delivery = str(uuid.uuid4())
    body = json.dumps(event(key)).encode()
    for _ in range(3):
        assert (await send(gateway, body, X_Atlassian_Webhook_Identifier=delivery)).status_code == 202
    assert len(await heard(run)) == 1
    await send(gateway, event(key, other=1), X_Atlassian_Webhook_Identifier=delivery)
    assert len(await heard(run)) == 2


async def test_both_secrets_and_both_encodings_of_the_digest_are_good(gateway: httpx.AsyncClient) -> None:
    body = json.dumps(event(new_key())).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    for good in (
        signature(body),
        signature(body, OLD_SECRET),
        "sha256=" + digest.hex().upper(),
        "sha256=" + base64.b64encode(digest).decode(),
    ):
        assert (await send(gateway, body, X_Hub_Signature=good)).status_code == 202, good


async def test_a_forged_event_is_refused(gateway: httpx.AsyncClient, wait_for: WaitFor) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    body = json.dumps(event(key)).encode()
    right = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    for forged in (
        signature(body + b" "),
        signature(body, ""),  # an empty secret stands in the settings, and verifies nothing
        signature(body, "another"),
        f"sha1={right}",
        right,
        "sha256=",
        "sha256=" + right[:-2],
        "sha256=" + "é" * 32,
        "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest(),
    ):
        answer = await gateway.post(
            "/webhooks/jira", content=body, headers=[(b"X-Hub-Signature", forged.encode("latin-1"))]
        )
        assert answer.status_code == 401, forged
    assert (await gateway.post("/webhooks/jira", content=body)).status_code == 401
    # A wrong signature isn't helped by a right token.
    both = await send(gateway, body, X_Hub_Signature="sha256=" + "0" * 64, Authorization=f"Bearer {TOKEN}")
    assert both.status_code == 401
    assert await heard(run) == []


@pytest.mark.parametrize("shape", ["jira", "bare", "custom"])
async def test_automation_without_signature_is_accepted_by_its_token(
    gateway: httpx.AsyncClient, wait_for: WaitFor, shape: str
) -> None:
    key = new_key()
    run = await wait_for(f"jira:{key}")
    issue = {"id": 10001, "key": key, "fields": {"labels": None}, "changelog": {"histories": None}}
    body = {"jira": {"issue": issue}, "bare": issue, "custom": {"issue": {"key": key}}}[shape]
    good = await send(gateway, body, X_Hub_Signature="", Authorization=f"Bearer {TOKEN}")
    assert (good.status_code, good.json()["signalled"]) == (202, 1)
    assert await heard(run) == [f"jira:{key}:"]
    for header in ("Bearer wrong", "Bearer", f"Basic {TOKEN}", TOKEN):
        assert (await send(gateway, body, X_Hub_Signature="", Authorization=header)).status_code == 401


async def test_stale_and_future_events_are_refused(gateway: httpx.AsyncClient) -> None:
    for age, status in ((90 * 60, 202), (23.9 * 3600, 202), (24.1 * 3600, 400), (-30, 202), (-120, 400)):
        assert (await send(gateway, event(new_key(), age=age))).status_code == status, age


async def test_a_large_body_is_refused_while_it_streams(gateway: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64 * 1024 * 1024:
            sent += 65536
            yield b" " * 65536

    try:
        answer = await gateway.post("/webhooks/jira", content=endless(), headers={"X-Hub-Signature": "sha256=00"})
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the gateway hung up while we were still sending: as good
    assert sent < 32 * 1024 * 1024
    for size in (1024 * 1024 + 1, 2 * 1024 * 1024):  # not so much larger that the gateway would hang up
        told = await gateway.post("/webhooks/jira", content=b" " * size)
        assert told.status_code == 413


async def test_hostile_bodies_get_a_clear_refusal(gateway: httpx.AsyncClient) -> None:
    quoting = "MLR-1' OR WorkflowType = 'DeployModel"
    for body in (
        b"",
        b"not json",
        b"[]",
        b"[" * 100_000,
        b'{"timestamp": ' + b"9" * 5000 + b"}",
        b"{}",
        b'{"issu": {"key": "MLR-7"}, "timestamp": 1}',
        b'{"issue": {"key": null}, "key": 7}',
        b'{"issue": {"key": "None"}}',
        b"\xff\xfe",
        json.dumps(event("MLR-٣")).encode(),
    ):
        answer = await send(gateway, body)
        assert answer.status_code == 400, body[:60]
        assert len(answer.json()["detail"]) < 400
    # Of what stands around a key nothing is used.
    for around in (quoting, "MLR-1\n"):
        assert (await send(gateway, event(around))).json()["signalled"] == 0
    # A label is only ever used when it is one of ours to the letter.
    label = f"{new_label()}' OR ExecutionStatus = 'Running"
    assert (await send(gateway, event(new_key(), labels=[label]))).json()["signalled"] == 0


async def test_other_projects_and_events_about_no_issue_are_none_of_our_business(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    key = f"OTHER-{next(_numbers)}"
    run = await wait_for(f"jira:{key}")
    for body in (event(key), {"timestamp": round(time.time() * 1000), "webhookEvent": "project_updated"}):
        answer = await send(gateway, body)
        assert (answer.status_code, answer.json()["signalled"]) == (202, 0)
    assert await heard(run) == []


async def test_one_source_can_not_flood_the_gateway(temporal: Client) -> None:
    app = create_app(*app_settings(webhook_rate=0.001, webhook_burst=3), temporal=temporal, center=None)  # type: ignore[arg-type]
    async with serving(app) as gateway:
        answers = [(await send(gateway, event(new_key()))) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert "retry-after" in answers[-1].headers


async def test_nothing_but_delivery_and_key_is_logged(
    gateway: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="mlc")
    key, delivery = new_key(), str(uuid.uuid4())
    await send(gateway, event(key, comment="secret words"), X_Atlassian_Webhook_Identifier=delivery)
    await send(gateway, event(key), X_Atlassian_Webhook_Identifier="x\tforged line")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("mlc")]
    assert ours == [f"jira webhook delivery={name} key={key} runs=0" for name in (delivery, "-")]


async def test_while_temporal_is_down_the_sender_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    delivery, body = str(uuid.uuid4()), event(new_key())
    async with serving(create_app(*app_settings(), temporal=await connect(), center=None)) as gateway:  # type: ignore[arg-type]
        for _ in range(2):  # a delivery that was not dealt with is not taken for a repeated one
            answer = await send(gateway, body, X_Atlassian_Webhook_Identifier=delivery)
            assert answer.status_code == 503
            assert "Temporal" in answer.json()["detail"]
            assert "retry-after" in answer.headers


def test_without_any_secret_the_gateway_refuses_to_start(temporal: Client) -> None:
    for secrets_given in ([], [SecretStr("")]):
        jira = JiraSettings(webhook_secrets=secrets_given)
        with pytest.raises(ValueError, match="MLC_JIRA_WEBHOOK_SECRETS"):
            create_app(GatewaySettings(), jira, temporal=temporal, center=None)  # type: ignore[arg-type]
