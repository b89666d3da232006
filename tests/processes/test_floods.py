"""Twenty thousand hints to one of fifty waiting runs harm neither it nor the others."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable

import httpx
from office import Office, Run
from pydantic import SecretStr
from servers import running
from temporalio.service import RPCError
from test_handover import begun_anew, label

from mlc.gateway.app import create_app
from mlc.model.processes import Outcome
from mlc.model.ticket import TicketRef
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings

HINTS, RUNS = 20_000, 50
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

    async def one() -> tuple[Run, TicketRef]:
        run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
        return run, await desk.ticket(run, "review", seconds=60)

    await desk.engine("batch")
    return await asyncio.gather(*(one() for _ in range(RUNS)))


async def test_twenty_thousand_webhooks_about_one_ticket_are_few_hints_and_every_run_is_decided(desk: Office) -> None:
    """Half of them are one genuine event under ever new delivery ids, half are of a sender that can't sign."""
    runs = await waiting_runs(desk)
    run, ticket = runs[0]
    app = create_app(
        GatewaySettings(webhook_token=SecretStr(SECRET), webhook_rate=1e6, webhook_burst=10**6),
        JiraSettings(project=desk.project, webhook_secrets=[SecretStr(SECRET)]),
        temporal=desk.client,
        center=desk.port,
    )
    async with running(app) as (_, gateway):
        began = time.monotonic()
        genuine = event(ticket)
        answers = Counter(await posted(gateway, HINTS // 2, lambda _: (genuine, signed(genuine)), connections=50))
        other = Counter(await posted(gateway, HINTS // 2, lambda n: (event(ticket, n=n), BY_TOKEN), connections=2_000))
        most = (time.monotonic() - began) / 2 + 50  # the first fifty replays came at the same time
        print("flood", time.monotonic() - began, answers, other)
        assert set(answers + other) == {202}
        assert await hints(run) <= most

        async def decided(run: Run, ticket: TicketRef) -> Outcome:
            await desk.decide(None, ticket, "Rejected")
            body = event(ticket)
            answer = await gateway.post("/webhooks/jira", content=body, headers=signed(body))
            assert answer.raise_for_status().json()["signalled"] == 1
            return (await run.result()).outcome

        assert await asyncio.gather(*(decided(*each) for each in runs)) == [Outcome.REJECTED] * RUNS
    print("all", time.monotonic() - began)


async def test_twenty_thousand_signals_straight_to_a_run_leave_it_and_the_sweep_at_work(swept_desk: Office) -> None:
    """Temporal refuses what is too much for one run; what was taken is handed over, and nobody else notices."""
    desk = swept_desk
    runs = await waiting_runs(desk)
    run, ticket = runs[0]
    refused = 0
    gate = asyncio.Semaphore(200)

    async def hint() -> None:
        nonlocal refused
        async with gate:
            try:
                await desk.tell(run, ticket)
            except RPCError as error:
                assert "exceeded workflow execution limit" in str(error)
                refused += 1

    began = time.monotonic()
    await asyncio.gather(*(hint() for _ in range(HINTS)))
    print("flood", time.monotonic() - began, refused)
    await asyncio.gather(*(desk.decide(None, each, "Rejected") for _, each in runs))
    await begun_anew(run, 1)
    print("begun anew", time.monotonic() - began)
    report = await desk.client.execute_workflow("SweepTickets", id=f"sweep-{uuid.uuid4()}", task_queue=desk.task_queue)
    print(report)
    results = await asyncio.gather(*(each.result() for each, _ in runs))
    assert {result.outcome for result in results} == {Outcome.REJECTED}
    assert [t.label for t in results[0].tickets][:1] == [ticket.label] == [label(run, "review", "review", 1)]
    assert len(await desk.tickets()) == 100  # no question is asked twice
    print("all", time.monotonic() - began)
