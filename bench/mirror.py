"""A look of the schedule mirror at a centre with thousands of deployments: seconds and requests.

python bench/mirror.py            5,000 deployments, of as many models; half of them have a schedule
python bench/mirror.py --quick    120

`look_seconds` and `look_requests` are of the process MirrorSchedules as its schedule starts it, when one deployment's
schedule has changed since the last look; their baseline is a look that reads everything, as the first one does. The
schedules name a signal that nobody listens to, so that the looks read and nothing is made in Temporal.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from centre import at_once, centre, model, snapshot
from measuring import Size, asked, figure, report, told
from parts import Parts, parts
from temporalio.client import Client

from mlc.center.modelop import wire
from mlc.model.processes import TASK_QUEUE
from mlc.model.schedule import MIRROR_SCHEDULE
from mlc.settings import ProcessSettings

UNHEARD = "com.modelop.mlc.definitions.Signals_model_changed"


def schedule(hour: int) -> dict[str, Any]:
    action = {"signalName": UNHEARD, "signalVariables": {}}
    return {"scheduleId": "nightly", "cronExpression": f"0 0 {hour} * * ?", "action": action}


async def measured(size: Size) -> dict[str, Any]:
    number = size.of(5_000, 120, 20)
    # Its own schedule rests: nothing looks but the bench.
    async with parts(
        "temporal", "center", "desk", "setup", "worker", counted=["center"], MLC_MIRROR_INTERVAL="PT24H"
    ) as system:
        temporal = await system.temporal()
        async with centre(system) as center:
            told(f"{number} deployments")
            ids = await at_once([lambda each=each: _deployment(center, each) for each in range(number)])
            full, full_requests, looks, look_requests = [], [], [], []
            for each in range(size.rounds):
                seconds, requests, report_of = await _look(system, temporal, anew=True)
                full.append(seconds)
                full_requests.append(requests)
                # As long after the last change as a look usually is: else what came just before is read again.
                await _settled(system, temporal)
                await center.patch_deployment(ids[0], {"schedules": [schedule(each)]})
                seconds, requests, report_of = await _look(system, temporal)
                assert not report_of["looked"]["full"], report_of
                looks.append(seconds)
                look_requests.append(requests)
    return {
        "look_seconds": figure(looks, "s", baseline=full) | _kept(looks, 2),
        "look_requests": figure(look_requests, "requests", baseline=full_requests) | _kept(look_requests, 20),
    }


def _kept(values: list[float], limit: float) -> dict[str, Any]:
    """The limit is of the look itself, not of how much cheaper it is."""
    return {"at_most": limit, "kept": sorted(values)[len(values) // 2] <= limit}


async def _deployment(center: Any, number: int) -> str:
    id_ = await snapshot(center, await model(center, f"m{number}", assets=()))
    given = await center.get_snapshot(id_)
    document = {"deployableModel": given.wire(), "state": "DEPLOYED"}
    document |= {"schedules": [schedule(6)]} if number % 2 == 0 else {}
    return str((await center.create_deployment(wire.DeployedModel.model_validate(document))).id)


async def _look(system: Parts, temporal: Client, *, anew: bool = False) -> tuple[float, float, dict[str, Any]]:
    """A look by the schedule, which hands it what the last one said; ``anew`` by hand, which has none before it."""
    relay = system.relays["center"]
    relay.forget()
    began = time.monotonic()
    if anew:
        result = await temporal.execute_workflow("MirrorSchedules", id=f"look-{began}", task_queue=TASK_QUEUE)
        return time.monotonic() - began, len(relay.requests), result
    handle = temporal.get_schedule_handle(MIRROR_SCHEDULE)
    before = (await handle.describe()).info.num_actions
    await handle.trigger()
    while (info := (await handle.describe()).info).num_actions == before:
        await asyncio.sleep(0.02)
    run = temporal.get_workflow_handle(info.recent_actions[-1].action.workflow_id)
    result = await run.result()
    described = await run.describe()
    assert described.close_time
    return (described.close_time - described.start_time).total_seconds(), len(relay.requests), result


async def _settled(system: Parts, temporal: Client) -> None:
    """A look by the schedule, until nothing that came before it is read again."""
    await _look(system, temporal)
    await asyncio.sleep(ProcessSettings().mirror_overlap.total_seconds() + 1)


def main() -> int:
    size = asked(__doc__)
    return report("mirror", size, asyncio.run(measured(size)))


if __name__ == "__main__":
    sys.exit(main())
