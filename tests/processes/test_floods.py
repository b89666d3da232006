"""Floods of hints, through the gateway and straight to Temporal."""

import asyncio
import hashlib
import hmac
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from office import Office, Run
from pydantic import SecretStr
from servers import eventually, running
from test_handover import begun_anew, label
from test_sweep_tickets import sweep

from activities.sweep import WAITING
from mlc.gateway.app import create_app
from mlc.model.processes import TICKET_CHANGED, Outcome
from mlc.model.ticket import TicketRef
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings

HINTS, RUNS = 10_000, 50
"""Hints each way, through the gateway and straight to Temporal."""
SECRET = "the webhook's secret"


BY_TOKEN = f"Authorization: Bearer {SECRET}"


def signed(body: bytes) -> str:
    return "X-Hub-Signature: sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def event(ticket: TicketRef, **more: int) -> bytes:
    issue = {"key": ticket.key, "fields": {"labels": [ticket.label]}}
    return json.dumps({"timestamp": round(time.time() * 1000), "issue": issue, **more}).encode()


async def posted(
    gateway: httpx.AsyncClient, number: int, webhook: Callable[[int], tuple[bytes, str]], *, connections: int
) -> list[int]:
    """Send so many webhooks, each under a delivery id of its own, over so many connections; the answers' statuses."""
    numbers, statuses = iter(range(number)), list[int]()

    async def send() -> None:
        reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
        for each in numbers:
            body, header = webhook(each)
            head = (
                f"POST /webhooks/jira HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{header}\r\n"
                f"X-Atlassian-Webhook-Identifier: {uuid.uuid4()}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(answer.partition(b"content-length: ")[2].split(b"\r\n")[0]))
            statuses.append(int(answer.split()[1]))
        writer.close()

    await asyncio.gather(*(send() for _ in range(connections)))
    return statuses


async def hints(run: Run) -> int:
    """How many came to the run, in the present one of its chain."""
    history = await run._client.get_workflow_handle(run.id).fetch_history()
    return sum(event.HasField("workflow_execution_signaled_event_attributes") for event in history.events)


async def waiting_runs(desk: Office) -> list[tuple[Run, TicketRef]]:
    """Fifty runs that wait for their reviewer, as visibility knows them."""

    few = asyncio.Semaphore(8)

    async def one() -> tuple[Run, TicketRef]:
        async with few:
            run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
            return run, await desk.ticket(run, "review", seconds=60)

    await desk.engine("batch")
    return await asyncio.gather(*(one() for _ in range(RUNS)))


async def decided(
    desk: Office, runs: list[tuple[Run, TicketRef]], tell: Callable[[TicketRef], Awaitable[None]]
) -> list[Outcome]:
    """The reviewer decides about every run; how they ended."""
    few = asyncio.Semaphore(5)

    async def one(ticket: TicketRef) -> None:
        async with few:
            await desk.decide(None, ticket, "Rejected")
            await tell(ticket)

    await asyncio.gather(*(one(ticket) for _, ticket in runs))
    return [(await run.result()).outcome for run, _ in runs]


@pytest.mark.timeout(600)  # on a busy machine; else some 70 s
async def test_twenty_thousand_hints_to_a_run_harm_neither_it_nor_fifty_others(swept_desk: Office) -> None:
    """Through the gateway they become few; straight to Temporal too many are refused, and the run goes on as a new one.

    Then all are decided: a half is told by webhooks, of the others the webhooks are lost.
    """
    desk = swept_desk
    runs = await waiting_runs(desk)
    told, untold = runs[: RUNS // 2], runs[RUNS // 2 :]
    app = create_app(
        GatewaySettings(webhook_token=SecretStr(SECRET), webhook_rate=1e6, webhook_burst=10**6),
        JiraSettings(project=desk.project, webhook_secrets=[SecretStr(SECRET)]),
        temporal=desk.client,
        center=desk.port,
    )
    async with running(app) as (_, gateway):
        await webhooks_become_few_hints(gateway, *told[0])
        await signals_make_a_new_run(desk, *untold[0])

        async def tell(ticket: TicketRef) -> None:
            body = event(ticket)
            name, _, value = signed(body).partition(": ")
            answer = await gateway.post("/webhooks/jira", content=body, headers={name: value})
            assert answer.raise_for_status().json()["signalled"] == 1

        assert await decided(desk, told, tell) == [Outcome.REJECTED] * len(told)
    ends, _ = await asyncio.gather(decided(desk, untold, nobody_tells), swept(desk, {run.id for run, _ in runs}))
    assert ends == [Outcome.REJECTED] * len(untold)
    run, ticket = untold[0]
    assert [t.label for t in (await run.result()).tickets][:1] == [ticket.label] == [label(run, "review", "review", 1)]
    await eventually(lambda: all_recorded(desk))


async def webhooks_become_few_hints(gateway: httpx.AsyncClient, run: Run, ticket: TicketRef) -> None:
    """Most are one genuine event under ever new delivery ids, the others are of a sender that can't sign."""
    began, genuine = time.monotonic(), event(ticket)
    replayed = await posted(gateway, 8_000, lambda _: (genuine, signed(genuine)), connections=50)
    unsigned = await posted(gateway, 2_000, lambda n: (event(ticket, n=n), BY_TOKEN), connections=1_000)
    took = time.monotonic() - began
    assert Counter(replayed + unsigned) == {202: HINTS}
    assert await hints(run) <= took / 2 + 3


async def signals_make_a_new_run(desk: Office, run: Run, ticket: TicketRef) -> None:
    connection = desk.client.service_client.config.target_host, desk.client.namespace
    hint = json.dumps({"provider": "jira", "key": ticket.key})
    flood = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("flood.py"))),
        *(*connection, run.id, str(HINTS), TICKET_CHANGED, hint),
    )
    assert await flood.wait() == 0
    await begun_anew(run, 1)


async def nobody_tells(_: TicketRef) -> None:
    """The webhooks are lost."""


async def swept(desk: Office, ids: set[str]) -> None:
    """Sweep until none of these runs waits any more; others' may have been left waiting on this server."""

    async def everybody_is_told() -> bool:
        await sweep(desk)
        return not [run async for run in desk.client.list_workflows(WAITING) if run.id in ids]

    await eventually(everybody_is_told, seconds=240)


async def all_recorded(desk: Office) -> bool:
    """No question was asked twice: for each run there is its review, and the record of the rejection."""
    found = (await desk.jira.get("search/jql", params={"jql": f"project = {desk.project}", "maxResults": 5_000})).json()
    return len(found["issues"]) == 2 * RUNS
