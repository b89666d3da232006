"""Runs that wait for tickets: what a worker holds in memory for them, and what a sweep over all of them costs.

python bench/waiting.py            10,000 runs: setting them up, which is not timed, takes a quarter of an hour
python bench/waiting.py --quick    120

Real runs of DeployModel, each with a ticket of its own at the desk of standalone mode. `worker_mb` is the worker's own
memory (RssAnon + RssShmem) when all of them wait; its baseline is that of the same worker when its cache of runs was
just full. `sweep_seconds` and `sweep_calls_per_50` are of the process SweepTickets as its schedule starts it: from
start to result, and requests that came to the desk meanwhile, for each 50 tickets. `told` says whether a sweep woke
those runs whose tickets were decided without anybody being told, and no others.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from typing import Any

from centre import at_once, centre, deploy, jira, model, move, snapshot, until
from measuring import MEBIBYTE, Size, asked, figure, own_memory, report, told, verdict
from parts import Parts, parts
from temporalio.client import Client

from mlc.model.failure import Unavailable
from mlc.model.processes import TASK_QUEUE

WAITING = "MlcTickets IS NOT NULL AND ExecutionStatus = 'Running'"
DECIDED = 10
SET_UP = 7_200
"""Seconds within which all runs must have come to their tickets."""
SETTLED = 3.0
"""Seconds after which a worker has nothing more to do."""


async def measured(size: Size) -> tuple[dict[str, Any], dict[str, Any]]:
    number, cache = size.of(10_000, 120, 12), size.of(500, 30, 4)
    # Neither webhooks nor the schedule of the sweep: nothing but the sweeps of the bench reads the tickets.
    async with parts(
        "temporal", "center", "desk", "setup", "worker",
        counted=["desk"], MLC_CACHED_RUNS=str(cache), MLC_SWEEP_INTERVAL="PT24H",
    ) as system:  # fmt: skip
        temporal = await system.temporal()
        idle = _memory(system)
        keys = await _waiting(system, temporal, cache)
        await asyncio.sleep(SETTLED)
        full = _memory(system)
        keys += await _waiting(system, temporal, number - cache, before=cache)
        await asyncio.sleep(SETTLED)
        many = _memory(system)
        seconds, calls, woken = [], [], []
        for _ in range(size.rounds):
            spent, came, result = await _sweep(system, temporal)
            seconds.append(spent)
            calls.append(came / (number / 50))
            woken.append(result["woken"])
            assert result["open_tickets"] == number, result
        decided = keys[:: max(1, len(keys) // DECIDED)][:DECIDED]
        async with jira(system) as desk:
            for key in decided:
                await move(desk, key, "Rejected")
        _, _, result = await _sweep(system, temporal)
        right = (set(woken), result["woken"]) == ({0}, len(decided))
    figures = {
        "worker_mb": figure([many], "MiB", baseline=[full], at_most=1.3, digits=1),
        "sweep_seconds": figure(seconds, f"s for {number} tickets", at_most=20),
        "sweep_calls_per_50": figure(calls, "requests to the desk", at_most=1 if number > 1000 else None),
        "told": verdict(right, f"of {len(decided)} decided {result['woken']} were woken, of none {set(woken)}"),
    }
    return figures, {"runs": number, "cached_runs": cache, "idle_worker_mb": round(idle, 1)}


async def _waiting(system: Parts, temporal: Client, number: int, before: int = 0) -> list[str]:
    """So many more runs that wait; keys of their tickets."""
    async with centre(system) as center:
        # Asked to train without training data, a run comes to its ticket at once.
        stored = await model(center)
        told(f"{number} runs on their way to a ticket")
        began = time.monotonic()

        async def one() -> None:
            made = None
            while made is None:
                with suppress(Unavailable):  # thousands at once: a snapshot more, without a run, changes nothing
                    made = await snapshot(center, stored, "train")
            await deploy(temporal, made)

        await at_once([one] * number)

    async def all_wait() -> bool:
        there = (await temporal.count_workflows(WAITING)).count - before
        told(f"{there} of them wait, after {time.monotonic() - began:.0f} s")
        return there == number

    await until(all_wait, seconds=SET_UP, pause=20 if number > 1000 else 0.5)
    told(f"they wait, after {time.monotonic() - began:.0f} s")
    found = []
    async for run in temporal.list_workflows(WAITING, limit=number):
        found += [each for each in run.search_attributes["MlcTickets"] if str(each).startswith("jira:")]
    return [str(each).removeprefix("jira:") for each in found]


async def _sweep(system: Parts, temporal: Client) -> tuple[float, int, dict[str, Any]]:
    """Seconds, requests to the desk, and the sweep's own report."""
    desk = system.relays["desk"]
    desk.forget()
    began = time.monotonic()
    result = await temporal.execute_workflow("SweepTickets", id=f"sweep-{began}", task_queue=TASK_QUEUE)
    return time.monotonic() - began, len(desk.requests), result


def _memory(system: Parts) -> float:
    return (own_memory(system.pids["worker"]) or 0) / MEBIBYTE


def main() -> int:
    size = asked(__doc__)
    figures, more = asyncio.run(measured(size))
    return report("waiting", size, figures, **more)


if __name__ == "__main__":
    sys.exit(main())
