"""What a run of DeployModel costs against what it is about: requests to the centre, and its history.

python bench/growth.py            runtimes 1, 3, 10; monitors 4, 20; models of 1 MB, 100 MB, 2 GB; a minute, 30 days
python bench/growth.py --quick    runtimes 1, 3; monitors 4, 20; models of 1 MB, 8 MB; the same waits

The automatic path, without tags, on standalone mode: the bench plays the runtimes, which load at once. Each figure has
`requests` (from the worker to the model centre) and `centre_bytes` (both ways), the history's `events` and
`history_bytes`. They are counts: one run of each. What may grow is written in ALLOWED, for each unit more; whatever
grows beyond that is a figure that was not kept. A run that waits for its ticket is on the test server that skips time.
"""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from centre import ASSETS, asset, deploy, model, snapshot, until
from measuring import MEBIBYTE, Report, Size, asked, report, told, told_apart
from parts import Parts, parts
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from mlc import start
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.attribute import Attribute
from mlc.model.file import FileRules
from mlc.namespace import register
from mlc.settings import ProcessSettings
from mlc.standalone.needs import needs
from mlc.standalone.temporal_server import temporal_binary
from mlc.ticketing import registry
from mlc.ticketing.jira.settings import JiraSettings
from mlc.worker import MlcPlugin, activities_of, new_worker

Cost = dict[str, int]
KIB = 1024
ALLOWED: Mapping[str, Mapping[str, int]] = {
    # An activity for each more runtime at most: three events, and a workflow task of three. The snapshot, which has
    # some 16 KiB here with its four monitors, is read and sent, and comes with the answers to that and to the
    # confirmation.
    "runtimes": {"requests": 3, "centre_bytes": 96 * KIB, "events": 6, "history_bytes": 3 * KIB},
    "monitors": {"requests": 0, "centre_bytes": 64 * KIB, "events": 0, "history_bytes": 64},
    "megabytes": {"requests": 0, "centre_bytes": 0, "events": 0, "history_bytes": 0},
    "days": {"requests": 0, "centre_bytes": 0, "events": 0, "history_bytes": 0},
}
NOISE: Cost = {"requests": 2, "centre_bytes": 64 * KIB, "events": 3, "history_bytes": KIB}
"""In which two runs of the same may differ: ids, times, and how many answers came before one workflow task."""
METADATA = '{"name": "%s", "modelMethodology": "Classification", "modelStage": "S1"}'


class Playing:
    """Runtimes that load whatever comes, seen by the centre alone: what they ask is not counted."""

    def __init__(self, system: Parts, center: ModelManage, temporal: Client) -> None:
        self.system, self.center, self.temporal = system, center, temporal

    async def runtimes(self, stage: str, number: int) -> None:
        ends = [{"endpointType": "REST", "path": "0"}]
        for each in range(number):
            await self.center.save_engine(
                wire.Engine(
                    name=f"{stage}-{each}", environment_name=stage, platform={"python": "3.11"}, state="UP",
                    input_endpoints=ends, output_endpoints=ends, mlc_many_models=True,
                )
            )  # fmt: skip

    async def cost(self, begin: Callable[[], Awaitable[str]]) -> Cost:
        """Of the run of the id that ``begin`` starts and tells."""
        relay = self.system.relays["center"]
        relay.forget()
        run: WorkflowHandle[Any, Any] = self.temporal.get_workflow_handle(await begin())

        async def ended() -> bool:
            for each in await self.center.list_deployments():
                if (each.model_extra or {}).get("state") == "DEPLOYING":
                    await self.center.patch_deployment(each.id, {"state": "DEPLOYED"})
            return (await run.describe()).close_time is not None

        await until(ended, seconds=600, pause=0.3)
        await run.result()
        return {"requests": len(relay.requests), "centre_bytes": relay.received + relay.sent, **await history(run)}


async def history(run: WorkflowHandle[Any, Any]) -> Cost:
    info = (await run.describe()).raw_description.workflow_execution_info
    return {"events": info.history_length, "history_bytes": info.history_size_bytes}


async def deployed(size: Size) -> tuple[dict[str, dict[float, Cost]], dict[str, str]]:
    """What runs cost, by what grows and how much of it there is; and what was left out, and why."""
    found: dict[str, dict[float, Cost]] = {"runtimes": {}, "monitors": {}, "megabytes": {}}
    skipped: dict[str, str] = {}
    # Without the mirror of schedules, which would be counted with a run that takes long to submit.
    async with parts(
        "temporal", "center", "desk", "setup", "worker", counted=["center"], MLC_MIRROR_INTERVAL="PT24H"
    ) as system:
        url = system.said["MLC_CENTER_URL"].replace(str(system.ports.center), str(system.relays["center"].behind))
        settings = CenterSettings(url=url, token=SecretStr(system.said["MLC_CENTER_TOKEN"]), timeout=300)
        center = ModelManage(settings)
        playing = Playing(system, center, await system.temporal())
        runtimes = size.of((1, 3, 10), (1, 3), (1, 2))
        for number in runtimes:
            await playing.runtimes(f"S{number}", number)
        data = [asset(f"{role}.csv", f"{role}_DATA", "x,y\n1,0\n") for role in ("BASELINE", "COMPARATOR")]

        async def at(stage: str, **more: Any) -> str:
            stored = await model(center, f"at-{stage}", assets=[*ASSETS, *data])
            stored.model_meta_data.model_stage = stage
            id_ = await snapshot(center, stored)
            if more:
                await center.patch_snapshot(id_, more)
            return (await deploy(playing.temporal, id_)).id

        told("a first run, which makes connections and caches")
        await playing.cost(lambda: at("S1"))
        for number in runtimes:
            told(f"{number} runtimes")
            found["runtimes"][number] = await playing.cost(lambda number=number: at(f"S{number}"))
        for number in size.of((4, 20), (4, 20), (4,)):
            told(f"{number} monitors")
            others = [_monitor(each) for each in range(number - 4)]
            more = {"associatedModels": others} if others else {}
            found["monitors"][number] = await playing.cost(lambda more=more: at("S1", **more))
        for megabytes in size.of((1, 100, 2048), (1, 8), (1,)):
            told(f"a model of {megabytes} MB")
            try:
                found["megabytes"][megabytes] = await playing.cost(
                    lambda megabytes=megabytes: asyncio.to_thread(_submitted, system, megabytes, url)
                )
            except subprocess.CalledProcessError as error:
                skipped[f"megabytes {megabytes}"] = error.stderr.decode(errors="replace").strip()[-300:]
        await center.aclose()
    return found, skipped


def _monitor(number: int) -> dict[str, Any]:
    return {"associatedModel": {"storedModel": {"modelMetaData": {"name": f"another monitor {number}"}}}}


def _submitted(system: Parts, megabytes: int, url: str) -> str:
    """Submit a folder with a file of weights, by the command; the workflow's id."""
    with tempfile.TemporaryDirectory(prefix="mlc-bench-") as place:
        folder = Path(place) / "model"
        folder.mkdir()
        (folder / "metadata.json").write_text(METADATA % f"of-{megabytes}-mb")
        (folder / "model.py").write_text("# modelop.score\ndef score(df):\n    yield {}\n")
        with (folder / "weights.bin").open("wb") as file:
            for _ in range(megabytes):
                file.write(secrets.token_bytes(MEBIBYTE))
        env = system._environments.of(needs()["demo"]) | {"MLC_CENTER_URL": url}
        command = start.command("submit", str(folder), "--stage", "S1")
        said = subprocess.run(command, env=env, cwd=place, check=True, capture_output=True).stdout.decode()
    return next(line.split()[1] for line in said.splitlines() if line.startswith("Run"))


async def waited(size: Size) -> dict[float, Cost]:
    """The history of a run that waits for its ticket, by days."""
    found: dict[float, Cost] = {}
    async with parts("center", "desk") as system, _skipping() as server, _worker(system, server.client) as center:
        for days in size.of((1 / 1440, 30), (1 / 1440, 30), (1 / 1440, 2)):
            told(f"a wait of {timedelta(days=days)}")
            stored = await model(center.model_manage)
            run = await deploy(server.client, await snapshot(center.model_manage, stored, "train"))

            async def waits(run: WorkflowHandle[Any, Any] = run) -> bool:
                return bool((await run.query("status"))["waiting_for"].startswith("an answer"))

            await until(waits, seconds=120)
            left = timedelta(days=days)
            while left > timedelta(0):
                await server.sleep(min(left, timedelta(hours=6)))
                left -= timedelta(hours=6)
            events = (await run.fetch_history()).events
            # This server does not tell a history's size.
            found[days] = {"events": len(events), "history_bytes": sum(event.ByteSize() for event in events)}
            await run.terminate()
    return found


@asynccontextmanager
async def _skipping() -> Any:
    binary = str(temporal_binary().with_name("temporal-test-server"))
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter, test_server_existing_path=binary
    ) as server:
        await register(server.client, Attribute)
        yield server


@asynccontextmanager
async def _worker(system: Parts, client: Client) -> Any:
    """A worker of the processes on that server, in this process, with the centre and the desk of the parts."""
    said = system.said
    center = ModelOpCenter(CenterSettings(url=said["MLC_CENTER_URL"], token=SecretStr(said["MLC_CENTER_TOKEN"])))
    jira = JiraSettings(url=said["MLC_JIRA_URL"], user=said["MLC_JIRA_USER"], token=SecretStr(said["MLC_JIRA_TOKEN"]))
    with ThreadPoolExecutor(4) as threads:
        activities = activities_of(center, registry.set_up(jira), threads, process=ProcessSettings(), files=FileRules())
        config = client.config(active_config=True)
        config["plugins"] = [MlcPlugin(activities)]
        async with new_worker(Client(**config)):
            yield center
    with suppress(RuntimeError):
        await center.aclose()


def grown(what: str, found: Mapping[float, Cost]) -> Report:
    """The costs of one thing, and what grew beyond what is allowed between the least and the most of it."""
    counts = sorted(found)
    too_much = []
    for few, many in pairwise(counts):
        for name, value in found[many].items():
            most = found[few][name] + NOISE[name] + round(ALLOWED[what][name] * (many - few))
            if value > most:
                too_much.append(f"{name}: {found[few][name]} for {few:g} {what}, {value} for {many:g}, at most {most}")
    return {"by": {f"{count:g}": found[count] for count in counts}, "kept": not too_much, "grew": too_much}


async def measured(size: Size) -> tuple[dict[str, Report], dict[str, str]]:
    found, skipped = await deployed(size)
    found["days"] = await waited(size)
    figures = {what: grown(what, costs) for what, costs in found.items()}
    return figures, skipped


def main() -> int:
    size = asked(__doc__)
    # What the worker in this process has to tell, for which the output is the usual place, is no part of the report.
    with told_apart():
        figures, skipped = asyncio.run(measured(size))
    nothing = all(each["kept"] for each in figures.values())
    return report("growth", size, figures, skipped=skipped, nothing_grows_that_should_not=nothing)


if __name__ == "__main__":
    sys.exit(main())
