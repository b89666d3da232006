"""CPU, rate and requests of DeployModel's automatic path, beside a bare workflow with the same calls.

python bench/throughput.py [--quick]     prints JSON; status 1 when a figure is beyond its limit

Each round has fresh Temporal servers, one for each way: `bare`, a workflow with as many activities, upserts, summaries
and details that do nothing; `instant`, DeployModel with a centre in the worker's own process, which answers at once;
`standalone`, DeployModel with the standalone centre over HTTP. CPU is that of server, worker and centre, children
included, in milliseconds a run; runs are started so many at a time. A lone run is one after the other.

The bare workflow makes the calls that DeployModel makes: they are taken from the history of a run, a call that runs
within the workflow's worker counted like any other.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from bare import QUEUE as BARE
from bare import Plan
from measuring import Report, asked, children_of, cpu_seconds, figure, report, told
from parts import ended, free_port, started, temporal_server
from temporalio.client import Client, WorkflowHandle

from mlc import start
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.model.processes import DEPLOY_MODEL, TASK_QUEUE, deploy_model_id
from mlc.standalone.environment import HOST

HERE = Path(__file__).parent
TOKEN = "bench-token-of-nobody"
AT_MOST = {"instant": 1.15, "standalone": 1.7, "lone": 2.0}
IN_FLIGHT = 20
Begin = Callable[[], Awaitable[WorkflowHandle[Any, Any]]]


@dataclass
class Measured:
    """What one round of one way took: CPU in ms a run by process, runs a second, a lone run's ms."""

    cpu: dict[str, float] = field(default_factory=dict)
    rate: float = 0
    lone: float = 0
    plan: Plan | None = None

    @property
    def whole(self) -> float:
        return sum(self.cpu.values())


def used(pids: dict[str, int]) -> dict[str, float]:
    return {name: sum(cpu_seconds(each) or 0 for each in children_of(pid)) for name, pid in pids.items()}


async def measured(begin: Begin, pids: dict[str, int], runs: int, lone: int) -> Measured:
    """Warm up, then let runs go side by side, then one by one."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with gate:
            await (await begin()).result()

    await asyncio.gather(*(one() for _ in range(min(runs, IN_FLIGHT))))
    before, began = used(pids), time.monotonic()
    await asyncio.gather(*(one() for _ in range(runs)))
    took, after = time.monotonic() - began, used(pids)
    alone = []
    for _ in range(lone):
        at = time.monotonic()
        last = await begin()
        await last.result()
        alone.append(time.monotonic() - at)
    cpu = {name: (after[name] - before[name]) / runs * 1000 for name in pids}
    return Measured(cpu, runs / took, statistics.median(alone) * 1000, await plan_of(last))


async def plan_of(run: WorkflowHandle[Any, Any]) -> Plan:
    """The calls and upserts in a run's history."""
    calls, upserts = [], 0
    async for event in run.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            calls.append(event.user_metadata.summary.data.decode().strip('"'))
        elif event.HasField("marker_recorded_event_attributes"):
            if event.marker_recorded_event_attributes.marker_name == "core_local_activity":
                calls.append(event.user_metadata.summary.data.decode().strip('"') or "a local call")
        elif event.HasField("upsert_workflow_search_attributes_event_attributes"):
            upserts += 1
    return Plan(calls=calls, upserts=upserts)


async def polled(client: Client, queue: str) -> None:
    """Wait until somebody works on a queue."""
    from temporalio.api.enums.v1 import TaskQueueType
    from temporalio.api.taskqueue.v1 import TaskQueue
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with asyncio.timeout(60):
        while not (await client.workflow_service.describe_task_queue(request)).pollers:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def working(queue: str, command: Callable[[str], list[str]], **more: Any) -> AsyncIterator[tuple[Client, Any]]:
    """A fresh server with a worker: a client, and the processes' ids."""
    async with temporal_server() as (client, server):
        address = client.service_client.config.target_host
        with ended(started(command(address), **more)) as worker:
            await polled(client, queue)
            yield client, {"server": server, "worker": worker.pid}


def script(name: str) -> Callable[[str], list[str]]:
    return lambda address: [sys.executable, str(HERE / name), address]


def deploy(client: Client, snapshot_ids: Callable[[], str]) -> Begin:
    async def begin() -> WorkflowHandle[Any, Any]:
        snapshot_id = snapshot_ids()
        request = {"snapshot_id": snapshot_id}
        return await client.start_workflow(
            DEPLOY_MODEL, request, id=deploy_model_id(snapshot_id), task_queue=TASK_QUEUE
        )

    return begin


async def bare(plan: Plan, runs: int, lone: int) -> Measured:
    async with working(BARE, script("bare.py")) as (client, pids):

        async def begin() -> WorkflowHandle[Any, Any]:
            return await client.start_workflow("Bare", plan, id=f"bare-{uuid.uuid4()}", task_queue=BARE)

        return await measured(begin, pids, runs, lone)


async def instant(runs: int, lone: int) -> Measured:
    async with working(TASK_QUEUE, script("instant.py")) as (client, pids):
        return await measured(deploy(client, lambda: str(uuid.uuid4())), pids, runs, lone)


@asynccontextmanager
async def center(folder: Path) -> AsyncIterator[tuple[dict[str, str], int]]:
    """The standalone centre: the settings of its clients, and its process."""
    port = free_port()
    env = {
        "MLC_STANDALONE_CENTER_TOKEN": TOKEN,
        "MLC_STANDALONE_CENTER_HOST": HOST,
        "MLC_STANDALONE_CENTER_PORT": str(port),
        "MLC_STANDALONE_CENTER_DATABASE": str(folder / "center.db"),
        "MLC_HOME": str(folder),
    }
    with ended(started(start.command("center"), env=env, cwd=folder)) as process:
        url = f"http://{HOST}:{port}"
        async with asyncio.timeout(60), httpx.AsyncClient() as http:
            while True:
                try:
                    await http.get(url)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield (
            {
                "MLC_CENTER_URL": f"{url}/model-manage/api",
                "MLC_CENTER_TOKEN": TOKEN,
                "MLC_CENTER_STANDALONE": "true",
                "MLC_CENTER_CONTENTS": "reference",
            },
            process.pid,
        )


async def snapshots(port: ModelOpCenter, number: int, *, there: bool) -> list[str]:
    """So many snapshots, each of a model of its own; their monitors are ``there``, or will be added."""
    manage = port.model_manage
    await manage.save_engine(
        wire.Engine(name="batch-runtime", environment_name="PROD", platform={"python": "3.12"}, mlc_many_models=True)
    )
    roles = ["MODEL_SOURCE", "TRAINING_DATA", "TEST_DATA", "BASELINE_DATA", "COMPARATOR_DATA"]
    assets = [wire.Asset(name=r, filename=r, asset_role=r, file_content="eCx5CjEsMAo=") for r in roles]
    monitors = []
    if there:
        from mlc.model.monitor_plan import CLASSIFICATION

        monitors = [
            wire.Association(associated_model={"storedModel": {"modelMetaData": {"name": name}}})
            for name in CLASSIFICATION
        ]
    made = []
    for each in range(number):
        meta = wire.ModelMetaData(name=f"model-{each}", model_methodology="Classification", model_stage="PROD")
        stored = await manage.create_stored_model(wire.StoredModel(model_meta_data=meta, model_assets=assets))
        snapshot = wire.DeployableModel(
            stored_model=stored, meta_data=wire.MetaData(name=f"model-{each}-1"), associated_models=monitors
        )
        made.append((await manage.create_snapshot(snapshot)).id)
    return made


async def standalone(runs: int, lone: int) -> Measured:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlc-bench-")))
        async with center(folder) as (settings, center_pid):
            port = ModelOpCenter(CenterSettings(url=settings["MLC_CENTER_URL"], token=TOKEN))  # type: ignore[arg-type]
            ids = await snapshots(port, runs + lone + IN_FLIGHT, there=True)
            await port.aclose()
            env = settings | {
                "MLC_JIRA_URL": "http://127.0.0.1:9",
                "MLC_JIRA_USER": "bench",
                "MLC_JIRA_TOKEN": TOKEN,
                "MLC_HOME": str(folder),
            }
            worker = start.command("worker")
            async with temporal_server() as (client, server):
                env["TEMPORAL_ADDRESS"] = client.service_client.config.target_host
                with ended(started(worker, env=env, cwd=folder)) as process:
                    await polled(client, TASK_QUEUE)
                    pids = {"server": server, "worker": process.pid, "center": center_pid}
                    return await measured(deploy(client, ids.pop), pids, runs, lone)


async def main() -> int:
    size = asked(__doc__)
    runs, lone = size.of(200, 36, 6), size.of(15, 5, 2)
    found: dict[str, list[Measured]] = {"bare": [], "instant": [], "standalone": []}
    for number in range(size.rounds):
        told(f"round {number + 1} of {size.rounds}")
        found["standalone"].append(await standalone(runs, lone))
        plan = found["standalone"][0].plan
        assert plan is not None
        found["bare"].append(await bare(plan, runs, lone))
        found["instant"].append(await instant(runs, lone))
    base = found["bare"]
    figures: dict[str, Report] = {}
    for way in ("instant", "standalone"):
        mine = found[way]
        figures[f"{way}_cpu"] = figure(
            [each.whole for each in mine], "ms a run", baseline=[each.whole for each in base], at_most=AT_MOST[way]
        )
        figures[f"{way}_rate"] = figure([m.rate for m in mine], "runs/s", baseline=[b.rate for b in base])
        figures[f"{way}_lone_run"] = figure(
            [m.lone for m in mine], "ms", baseline=[b.lone for b in base], at_most=AT_MOST["lone"]
        )
    by_process = {
        way: {name: round(statistics.median(m.cpu[name] for m in each), 1) for name in each[0].cpu}
        for way, each in found.items()
    }
    return report("throughput", size, figures, cpu_ms_by_process=by_process, plan=plan.model_dump())


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
