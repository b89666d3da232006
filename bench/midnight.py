"""A thousand back tests at midnight on two workers: who waits how long when one group asks for nearly all of them.

python bench/midnight.py            1,000 runs of RunBackTest, 900 of them of one group, then 20 each of five others
python bench/midnight.py --quick    120 runs, 90 of them of one group

All are there before the workers start, the large group's first, each with the fairness key of its model's group, as
the gateway and the mirror of schedules set it. `small_done` is which part of all back tests had ended when the small
groups' last had; its baseline is the same on a server that takes no turns. `share_while_all_wait` is the large group's
share of what ended up to then: one of six if all groups take turns. `seconds` is until all of them had ended.

The snapshots have no test data, so that a run ends by itself: it fetches its snapshot, and tells why it can't be
tested.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import Any

from centre import AT_ONCE, at_once, centre, model, snapshot, until
from measuring import Size, asked, figure, report, told
from parts import ended, parts, started
from temporalio.client import Client
from temporalio.common import Priority

from mlc import start
from mlc.model.fairness import fairness_key
from mlc.model.processes import TASK_QUEUE, RunBackTestInput
from mlc.standalone.needs import needs

LARGE = "large"
SMALL = [f"small-{number}" for number in range(5)]
FAIR = "matching.enableFairness"


async def one_midnight(size: Size, *, fair: bool) -> dict[str, Any]:
    of_large, of_each = size.of((900, 20), (90, 6), (12, 2))
    async with parts("temporal", "center", "desk", "setup", flags=() if fair else (f"{FAIR}=false",)) as system:
        temporal = await system.temporal()
        asked_for = [LARGE] * of_large + [group for _ in range(of_each) for group in SMALL]
        async with centre(system) as center:
            snapshots = {
                group: await snapshot(center, await model(center, group, group=group, assets=()))
                for group in {*asked_for}
            }

        async def ask(number: int, group: str) -> None:
            await temporal.start_workflow(
                "RunBackTest",
                RunBackTestInput(model_id=snapshots[group]),
                id=f"back-test-{group}-{number}",
                task_queue=TASK_QUEUE,
                priority=Priority(fairness_key=fairness_key(group)),
            )

        for first in range(0, len(asked_for), AT_ONCE):  # the large group's stand first in the queue
            some = list(enumerate(asked_for))[first : first + AT_ONCE]
            await at_once([lambda number=number, group=group: ask(number, group) for number, group in some])
        env = system._environments.of(needs()["worker"])
        began = time.monotonic()
        worker = start.command("worker")
        with ended(started(worker, env=env, cwd=system.home)), ended(started(worker, env=env, cwd=system.home)):
            order = await _ended(temporal, len(asked_for))
        spent = time.monotonic() - began
    last_small = max(place for place, group in enumerate(order) if group != LARGE) + 1
    shares = Counter(order[:last_small])
    told(f"{'with' if fair else 'without'} turns: the small groups' last was number {last_small} of {len(order)}")
    return {
        "small_done": last_small / len(order),
        "share": shares[LARGE] / last_small,
        "seconds": spent,
        "quarters": quarters(order),
    }


async def _ended(temporal: Client, number: int) -> list[str]:
    """The groups of the runs, in the order in which they ended."""

    async def all_have() -> bool:
        return (
            await temporal.count_workflows("WorkflowType = 'RunBackTest' AND ExecutionStatus != 'Running'")
        ).count == number

    await until(all_have, seconds=3600, pause=0.5)
    runs = [run async for run in temporal.list_workflows("WorkflowType = 'RunBackTest'")]
    return [
        run.id.removeprefix("back-test-").rpartition("-")[0] for run in sorted(runs, key=lambda run: run.close_time)
    ]


def quarters(order: list[str]) -> list[dict[str, int]]:
    """How many of each group ended in each quarter of the time, by number."""
    step = max(1, len(order) // 4)
    return [dict(sorted(Counter(order[first : first + step]).items())) for first in range(0, step * 4, step)]


async def measured(size: Size) -> tuple[dict[str, Any], dict[str, Any]]:
    found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for number in range(size.rounds if size.name == "full" else 1):
        told(f"round {number + 1}")
        for fair, of_kind in found.items():
            of_kind.append(await one_midnight(size, fair=fair))
    turns, none = found[True], found[False]

    def both(name: str) -> tuple[list[float], list[float]]:
        return [each[name] for each in turns], [each[name] for each in none]

    figures = {}
    for name, unit, most in (
        ("small_done", "part of all back tests", 0.75),
        ("share", "of the large group until then", None),
        ("seconds", "s", 1.25),
    ):
        ours, baseline = both(name)
        figures["share_while_all_wait" if name == "share" else name] = figure(
            ours, unit, baseline=baseline, at_most=most
        )
    return figures, {"ended_by_quarter": {"with turns": turns[0]["quarters"], "without": none[0]["quarters"]}}


def main() -> int:
    size = asked(__doc__)
    figures, more = asyncio.run(measured(size))
    return report("midnight", size, figures, **more)


if __name__ == "__main__":
    sys.exit(main())
