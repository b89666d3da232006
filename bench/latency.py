"""From a webhook to the run that it wakes, beside a bare signal to such a run: until the ticket has been read again.

python bench/latency.py            40 times each in three rounds, in turns
python bench/latency.py --quick    6 times each

Runs of DeployModel wait for tickets at the desk of standalone mode. `webhook_ms` is from before a signed event is sent
to the gateway, over HTTP, to the moment at which Temporal has the answer of the activity that reads the ticket; its
baseline is the same for a signal that is sent straight to Temporal. The tickets don't change, so the runs wait again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import statistics
import sys
import time
from typing import Any

import httpx
from centre import at_once, centre, deploy, model, snapshot, until
from measuring import Size, asked, figure, report, rounds_of
from parts import Parts, parts
from temporalio.client import Client, WorkflowHandle

from mlc.model.processes import TICKET_CHANGED
from mlc.model.ticket import TicketChanged

WAITING = "MlcTickets IS NOT NULL AND ExecutionStatus = 'Running'"
APART = 2.2
"""Seconds between two hints to one run: the gateway holds back what comes sooner, so that a flood does no harm."""
Run = WorkflowHandle[Any, Any]


class Waiting:
    """Runs that wait, each with its ticket, and ways to wake one of them."""

    def __init__(self, temporal: Client, system: Parts, runs: dict[str, str]) -> None:
        self.temporal = temporal
        self.gateway = httpx.AsyncClient(base_url=f"http://127.0.0.1:{system.ports.gateway}", timeout=60)
        (self.secret,) = json.loads(system.said["MLC_JIRA_WEBHOOK_SECRETS"])
        self._turn = itertools.cycle(runs.items())
        self._last: dict[str, float] = {}
        self._stamps = itertools.count(time.time_ns() // 1_000_000)

    async def webhook(self) -> float:
        """Milliseconds from an event to the ticket's being read."""
        return await self._reading(self._send_event)

    async def signal(self) -> float:
        """The same from a signal."""
        return await self._reading(self._send_signal)

    async def _reading(self, wake: Any) -> float:
        workflow_id, key = next(self._turn)
        run = self.temporal.get_workflow_handle(workflow_id)
        await asyncio.sleep(max(0.0, self._last.get(workflow_id, 0.0) + APART - time.monotonic()))
        before = (await run.describe()).history_length
        began = time.time()
        await wake(run, key)
        self._last[workflow_id] = time.monotonic()
        read = await until(lambda: _read_at(run, before), seconds=60, pause=0.02)
        return (read - began) * 1000

    async def _send_signal(self, run: Run, key: str) -> None:
        await run.signal(TICKET_CHANGED, TicketChanged(provider="jira", key=key))

    async def _send_event(self, _run: Run, key: str) -> None:
        # With a moment of its own each: an event that was heard before is not heard again.
        event = {
            "timestamp": next(self._stamps),
            "webhookEvent": "jira:issue_updated",
            "issue": {"id": "1", "key": key, "fields": {"labels": []}},
        }
        body = json.dumps(event).encode()
        signed = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature": f"sha256={signed}", "Content-Type": "application/json"}
        (await self.gateway.post("/webhooks/jira", content=body, headers=headers)).raise_for_status()


async def _read_at(run: Run, before: int) -> float | None:
    """When Temporal got the answer of the reading that followed, in seconds since 1970."""
    events = (await run.fetch_history()).events[before:]
    for event in events:
        if event.HasField("activity_task_completed_event_attributes"):
            return event.event_time.ToNanoseconds() / 1e9
    return None


async def measured(size: Size) -> dict[str, Any]:
    number, times = size.of(10, 5, 2), size.of(40, 6, 2)
    async with parts("temporal", "center", "desk", "setup", "worker", "gateway") as system:
        temporal = await system.temporal()
        async with centre(system) as center:
            stored = await model(center)

            async def one() -> None:
                await deploy(temporal, await snapshot(center, stored, "train"))

            await at_once([one] * number)

        async def all_wait() -> dict[str, str]:
            found = {run.id: run.search_attributes["MlcTickets"] async for run in temporal.list_workflows(WAITING)}
            keys = {id_: str(next(each for each in found[id_] if str(each).startswith("jira:"))) for id_ in found}
            return {id_: key.removeprefix("jira:") for id_, key in keys.items()} if len(keys) == number else {}

        waiting = Waiting(temporal, system, await until(all_wait, seconds=300))
        webhooks: list[float] = []
        signals: list[float] = []

        async def in_turns() -> float:
            """A pair of each, one after the other: what else the machine does meets both."""
            webhooks.clear()
            signals.clear()
            for _ in range(times):
                webhooks.append(await waiting.webhook())
                signals.append(await waiting.signal())
            return statistics.median(webhooks)

        async def of_signals() -> float:
            return statistics.median(signals)

        await waiting.webhook()  # connections and caches are made
        await waiting.signal()
        ours, bare = await rounds_of(size, in_turns, of_signals)
        await waiting.gateway.aclose()
    return {"webhook_ms": figure(ours, "ms", baseline=bare, at_most=1.5, digits=1)}


def main() -> int:
    size = asked(__doc__)
    return report("latency", size, asyncio.run(measured(size)))


if __name__ == "__main__":
    sys.exit(main())
