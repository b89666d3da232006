"""ServiceNow's webhooks; what they share with Jira's is tested there, and here that they do share it."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
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
from mlc.ticketing.servicenow.settings import ServiceNowSettings

SECRET, OLD_SECRET, TOKEN = "the script's secret", "the secret before", "for flows"
WaitFor = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]
_numbers = count(int(time.time() * 1000) % 10**9 * 100)


def new_number() -> str:
    return f"CHG{next(_numbers):011}"


def event(number: str | None, *, age: float = 0, **more: Any) -> dict[str, Any]:
    """As a business rule's script sends it; it writes some numbers as texts."""
    return {
        "event": "change_request.updated",
        "table": "change_request",
        "sys_id": uuid.uuid4().hex,
        "number": number,
        "correlation_id": f"gov-{secrets.token_hex(12)}",
        "sys_mod_count": "3",
        "timestamp": round((time.time() - age) * 1000),
        **more,
    }


def app_for(temporal: Client, *, tables: Sequence[str] = (), **gateway: Any) -> Any:
    settings = GatewaySettings(**({"webhook_token": SecretStr(TOKEN)} | gateway))
    listened_to = [SecretStr(SECRET), SecretStr(OLD_SECRET), SecretStr("")]
    servicenow = ServiceNowSettings(webhook_secrets=listened_to, webhook_tables=list(tables))
    return create_app(settings, JiraSettings(), servicenow, temporal=temporal, center=None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
async def gateway(temporal: Client) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app_for(temporal)) as client:
        yield client


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def send(
    gateway: httpx.AsyncClient, what: dict[str, Any] | bytes, *, to: str = "/webhooks/servicenow", **headers: str
) -> httpx.Response:
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    given = {"X-Hub-Signature": signature(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.post(to, content=body, headers={k: v for k, v in given.items() if v})


async def heard(run: WorkflowHandle[Any, Any]) -> list[str]:
    return list(await run.query("heard"))


async def test_a_signed_event_reaches_the_run_that_waits_for_the_ticket(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    number = new_number()
    run, other = await wait_for(f"servicenow:{number}"), await wait_for(f"jira:{number}")
    answer = await send(gateway, event(number), X_MLC_Delivery="d-1")
    assert (answer.status_code, answer.json()) == (202, {"signalled": 1, "why": ""})
    assert await heard(run) == [f"servicenow:{number}:d-1"]
    assert await heard(other) == []


async def test_a_ticket_is_found_by_our_label_in_its_correlation_id(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    told, number = event(new_number()), new_number()
    run = await wait_for(f"servicenow:{number}", told["correlation_id"])
    assert (await send(gateway, told)).json()["signalled"] == 1
    assert await heard(run) == [f"servicenow:{number}:"]


async def test_a_repeated_delivery_signals_once_and_a_forged_id_silences_nobody(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    number, delivery = new_number(), str(uuid.uuid4())
    run = await wait_for(f"servicenow:{number}")
    body = json.dumps(event(number)).encode()
    for _ in range(3):
        assert (await send(gateway, body, X_MLC_Delivery=delivery)).status_code == 202
    assert len(await heard(run)) == 1
    await send(gateway, event(number), X_MLC_Delivery=delivery)
    assert len(await heard(run)) == 2


async def test_both_secrets_and_both_encodings_of_the_digest_are_good_and_others_are_not(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    number = new_number()
    run = await wait_for(f"servicenow:{number}")
    body = json.dumps(event(number)).encode()
    in_base64 = "sha256=" + base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    for forged in (signature(body + b" "), signature(body, ""), signature(body, "x"), signature(body)[7:], "sha256="):
        assert (await send(gateway, body, X_Hub_Signature=forged)).status_code == 401, forged
    assert (await send(gateway, body, X_Hub_Signature="")).status_code == 401
    both = await send(gateway, body, X_Hub_Signature="sha256=" + "0" * 64, Authorization=f"Bearer {TOKEN}")
    assert both.status_code == 401
    assert await heard(run) == []
    for good in (signature(body), signature(body, OLD_SECRET), in_base64):
        assert (await send(gateway, body, X_Hub_Signature=good)).status_code == 202, good
        assert (await send(gateway, body, X_Hub_Signature="", X_MLC_Signature=good)).status_code == 202, good
    assert len(await heard(run)) == 1  # it is the same event every time
    wrong = await send(gateway, body, X_Hub_Signature="", X_MLC_Signature=signature(body, "x"))
    assert wrong.status_code == 401


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"mlc:{password}".encode()).decode()


async def test_a_site_that_can_not_sign_sends_a_bearer_token_or_a_basic_password(
    gateway: httpx.AsyncClient, wait_for: WaitFor
) -> None:
    number = new_number()
    run = await wait_for(f"servicenow:{number}")
    body = {"number": number, "table": "change_request"}
    for header in (f"Bearer {TOKEN}", basic(TOKEN)):
        answer = await send(gateway, body, X_Hub_Signature="", Authorization=header)
        assert (answer.status_code, answer.json()["signalled"]) == (202, 1)
    assert len(await heard(run)) == 2
    for header in ("Bearer wrong", basic("wrong"), basic(""), "Basic", "Basic !", TOKEN):
        assert (await send(gateway, body, X_Hub_Signature="", Authorization=header)).status_code == 401, header


async def test_the_time_under_the_signature_decides_whether_an_event_is_stale(gateway: httpx.AsyncClient) -> None:
    for age, status in ((23.9 * 3600, 202), (24.1 * 3600, 400), (-30, 202), (-120, 400)):
        created = event(new_number(), age=age, sys_mod_count=0)
        assert (await send(gateway, created)).status_code == status, age
        updated = datetime.fromtimestamp(time.time() - age, UTC).strftime("%Y-%m-%d %H:%M:%S")
        created |= {"timestamp": None, "sys_updated_on": updated}
        assert (await send(gateway, created)).status_code == status, age
    # A header is not under the signature: it makes nothing fresh.
    fresh = {"X_MLC_Timestamp": str(round(time.time() * 1000))}
    assert (await send(gateway, event(new_number(), age=30 * 3600), **fresh)).status_code == 400


async def test_hostile_bodies_get_a_clear_refusal(gateway: httpx.AsyncClient) -> None:
    for body in (
        b"",
        b"[]",
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps(event("CHG1' OR WorkflowType = 'DeployModel")).encode(),
        json.dumps(event("CHG٣")).encode(),
        json.dumps(event("C" * 100 + "1")).encode(),
        b'{"table": "change_request"}',
        b'{"number": 7, "table": "change_request"}',
    ):
        answer = await send(gateway, body)
        assert answer.status_code == 400, body[:60]
        assert len(answer.json()["detail"]) < 400
    assert (await send(gateway, event("CHG0998877\n"))).json()["signalled"] == 0
    label = f"gov-{secrets.token_hex(12)}' OR ExecutionStatus = 'Running"
    assert (await send(gateway, event(new_number(), correlation_id=label))).json()["signalled"] == 0
    assert (await send(gateway, event(new_number(), correlation_id=None))).json()["signalled"] == 0
    assert (await send(gateway, b" " * (1024 * 1024 + 1))).status_code == 413


async def test_other_tables_and_events_about_no_ticket_are_none_of_our_business(
    gateway: httpx.AsyncClient, wait_for: WaitFor, temporal: Client
) -> None:
    number = new_number()
    run = await wait_for(f"servicenow:{number}")
    for body in (event(number, table="sys_user"), event(number, table=""), event(number, table=7), event(None)):
        answer = await send(gateway, body)
        assert (answer.status_code, answer.json()["signalled"]) == (202, 0)
    assert await heard(run) == []
    async with serving(app_for(temporal, tables=["x_risk_review"])) as other:
        assert (await send(other, event(number))).json()["signalled"] == 0
        assert (await send(other, event(number, table="x_risk_review"))).json()["signalled"] == 1


async def test_one_source_can_not_flood_the_gateway(temporal: Client) -> None:
    async with serving(app_for(temporal, webhook_rate=0.001, webhook_burst=3)) as gateway:
        answers = [await send(gateway, event(new_number(), sys_mod_count=0)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]


async def test_only_the_networks_of_the_settings_may_send_to_a_path_that_is_hard_to_guess(temporal: Client) -> None:
    hidden = "/webhooks/servicenow/Xk3_u"
    created = event(new_number(), sys_mod_count=0)
    async with serving(app_for(temporal, webhook_suffix="Xk3_u", webhook_networks=["127.0.0.0/8"])) as gateway:
        assert (await send(gateway, created, to=hidden)).status_code == 202
        assert (await send(gateway, created)).status_code == 404
        assert "Xk3_u" not in (await gateway.get("/openapi.json")).text
    async with serving(app_for(temporal, webhook_networks=["10.0.0.0/8", "::1/128"])) as gateway:
        assert (await send(gateway, created)).status_code == 403


async def test_nothing_but_delivery_and_number_is_logged(
    gateway: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="mlc")
    number, delivery = new_number(), str(uuid.uuid4())
    await send(gateway, event(number, sys_mod_count=0, work_notes="secret words"), X_MLC_Delivery=delivery)
    await send(gateway, event(number, sys_mod_count=0, work_notes="other words"), X_MLC_Delivery="x\tforged line")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("mlc")]
    assert ours == [f"servicenow webhook delivery={name} key={number} runs=0" for name in (delivery, "-")]


async def test_while_temporal_is_down_the_sender_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    async with serving(app_for(await connect())) as gateway:
        for _ in range(2):  # a delivery that was not dealt with is not taken for a repeated one
            answer = await send(gateway, event(new_number()), X_MLC_Delivery="d")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


async def test_a_system_without_secrets_is_not_listened_to_and_does_not_keep_the_gateway_from_starting(
    temporal: Client,
) -> None:
    jira = JiraSettings(webhook_secrets=[SecretStr(SECRET)])
    servicenow = ServiceNowSettings(webhook_secrets=[SecretStr(SECRET)])
    settings = GatewaySettings()
    for app, silent, told in (
        (create_app(settings, jira, temporal=temporal, center=None), "servicenow", "MLC_SERVICENOW_WEBHOOK_SECRETS"),  # type: ignore[arg-type]
        (create_app(settings, JiraSettings(), servicenow, temporal=temporal, center=None), "jira", "MLC_JIRA_WEBHOOK"),  # type: ignore[arg-type]
    ):
        async with serving(app) as gateway:
            body = json.dumps(event(new_number())).encode()
            for secret in (SECRET, ""):
                answer = await send(gateway, body, to=f"/webhooks/{silent}", X_Hub_Signature=signature(body, secret))
                assert answer.status_code == 404
                assert told in answer.json()["detail"]
            assert f"/webhooks/{silent}" not in (await gateway.get("/openapi.json")).json()["paths"]
            heard_of = {"jira", "servicenow"} - {silent}
            unsigned = await send(gateway, body, to=f"/webhooks/{heard_of.pop()}", X_Hub_Signature="")
            assert unsigned.status_code == 401
