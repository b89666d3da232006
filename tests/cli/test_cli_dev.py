import json
import re
import shlex
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from cli_process import Dev, alive, environment, mlc, wait_until
from servers import eventually
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from mlc.model.processes import DeployModelResult, DeployModelStatus
from mlc.standalone.temporal_server import temporal_binary

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home, and no process left behind by a failing test."""
    yield tmp_path / "home"
    for holder in tmp_path.glob("home/dev.lock"):
        with suppress(Exception):
            process = psutil.Process(int(holder.read_text()))
            if any("mlc" in word for word in process.cmdline()):
                process.kill()


def desk(dev: Dev) -> httpx.Client:
    """The desk's Jira API."""
    account = (dev.setting("MLC_JIRA_USER"), dev.setting("MLC_JIRA_TOKEN"))
    return httpx.Client(base_url=f"{dev.setting('MLC_JIRA_URL')}/rest/api/2", auth=account)


async def temporal(dev: Dev) -> Client:
    return await Client.connect(dev.setting("TEMPORAL_ADDRESS"), data_converter=pydantic_data_converter)


async def test_models_go_from_folders_to_production_through_deaths_and_a_restart(home: Path) -> None:
    dev = Dev(home).ready()
    assert stat.S_IMODE((home / "mlc.env").stat().st_mode) == 0o600

    second = mlc(home, "dev", "--free-ports")
    assert second.returncode == 1
    assert second.stderr.startswith(f"`mlc dev` or `mlc demo` runs already on {home} (process {dev.process.pid})")

    submitted = mlc(home, "submit", "examples/diabetes", "--tag", "run_test", "--tag", "jira")
    assert submitted.returncode == 0, submitted.stderr
    workflow_id = re.search(r"deploy-\S+", submitted.stdout)
    assert workflow_id

    async def ticket_of(dev: Dev) -> str:
        run = (await temporal(dev)).get_workflow_handle(workflow_id[0])
        while True:
            status: DeployModelStatus = await run.query("status", result_type=DeployModelStatus)
            # An activity that is lost with its worker would be waited for for minutes.
            busy = (await run.describe()).raw_description.pending_activities
            if status.open_tickets and not busy:
                return status.open_tickets[0].key

    ticket = await ticket_of(dev)

    # Whatever is killed comes back, and nothing is lost.
    for name in ("worker", "temporal"):
        killed = dev.children()[name]
        killed.kill()
        wait_until(lambda name=name, killed=killed: dev.children().get(name) not in (None, killed))  # type: ignore[misc]
    assert dev.said().count("was ended by SIGKILL; it is started again.") == 2
    for name in ("center", "desk", "gateway"):
        dev.children()[name].terminate()
        wait_until(lambda name=name: f"{name} ended with exit code 0; it is started again." in dev.said())  # type: ignore[misc]

    began = time.monotonic()
    assert dev.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 15

    again = Dev(home).ready()
    assert "worker was ended" not in again.said()
    run = (await temporal(again)).get_workflow_handle(workflow_id[0], result_type=DeployModelResult)
    assert (await run.describe()).status == WorkflowExecutionStatus.RUNNING
    assert await ticket_of(again) == ticket
    decide(again, ticket, "Done")
    result = await run.result()
    assert result.outcome == "deployed"
    assert [deployment.mode for deployment in result.deployments] == ["batch"]

    watch_one_go_online(again)
    kill_and_see_nothing_left(again)


def decide(dev: Dev, ticket: str, status: str) -> None:
    with desk(dev) as jira:
        moves = jira.get(f"/issue/{ticket}/transitions").raise_for_status().json()["transitions"]
        move = next(move["id"] for move in moves if move["to"]["name"] == status)
        jira.post(f"/issue/{ticket}/transitions", json={"transition": {"id": move}}).raise_for_status()


async def test_what_init_writes_goes_all_the_way_to_production_and_a_monitor_is_only_stored(home: Path) -> None:
    dev = Dev(home).ready()
    folder = home.with_name("churn")
    assert mlc(home, "init", str(folder)).returncode == 0
    shown = mlc(home, "validate", str(folder), "--tag", "online", "--tag", "train")
    assert shown.returncode == 0, shown.stdout
    assert "(of the model centre)" in shown.stdout
    assert "warning" not in shown.stdout, "the runtime of standalone mode carries the tag online"
    elsewhere = mlc(
        home.with_name("elsewhere"), "submit", str(folder), TEMPORAL_ADDRESS=dev.setting("TEMPORAL_ADDRESS")
    )
    assert elsewhere.returncode == 1
    assert elsewhere.stderr.startswith("No model centre is set")
    assert "set MLC_HOME" in elsewhere.stderr
    submitted = mlc(home, "submit", str(folder), "--tag", "online", "--tag", "train", "--no-start")
    assert submitted.returncode == 0, submitted.stderr
    found = re.search(r"deploy-\S+", submitted.stdout)
    assert found
    with pytest.raises(RPCError, match="not found"):
        await (await temporal(dev)).get_workflow_handle(found[0]).describe()
    (start,) = re.findall(r"^  temporal (workflow start .*)$", submitted.stdout, re.MULTILINE)
    assert f"monitor baseline {found[0].removeprefix('deploy-')}\n" in submitted.stdout
    subprocess.run(
        [temporal_binary(), *shlex.split(start)],
        env=environment(home, TEMPORAL_ADDRESS=dev.setting("TEMPORAL_ADDRESS")),
        check=True,
        timeout=120,
    )
    run = (await temporal(dev)).get_workflow_handle(found[0], result_type=DeployModelResult)

    async def open_ticket() -> str | None:
        status: DeployModelStatus = await run.query("status", result_type=DeployModelStatus)
        return status.open_tickets[0].key if status.open_tickets else None

    decide(dev, await eventually(open_ticket), "Done")
    result = await run.result()
    assert result.outcome == "deployed"
    assert result.verdict is not None
    assert (result.verdict.judged, result.verdict.passed, result.warnings) == (True, True, [])
    assert len(result.monitors_added) == 4
    assert {deployment.mode for deployment in result.deployments} == {"online", "batch"}
    online = re.search(r"http\S+roundtrip/0/1", dev.said())
    assert online
    record = {"visits": 1, "complaints": 5, "months": 2}
    wait_until(lambda: httpx.post(online[0], json=record).status_code != 503)
    assert '"score": 1' in json.dumps(httpx.post(online[0], json=record).raise_for_status().json())

    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps(metadata | {"modelCategory": "MODEL_MONITORING_MODEL"}))
    stored = mlc(home, "submit", str(folder), "--watch")
    assert stored.returncode == 0, stored.stderr
    assert "(new)" in stored.stdout, "a model of its name is another one"
    assert "It is a monitor: it is stored" in stored.stdout
    assert "deploy-" not in stored.stdout
    assert dev.end(signal.SIGTERM) == 0


def watch_one_go_online(dev: Dev) -> None:
    watched = mlc(dev.home, "submit", "examples/diabetes", "--tag", "online", "--watch")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert "Outcome: deployed" in watched.stdout
    assert re.search(r"deployment +done +.*online on online-prod", watched.stdout)
    online = re.search(r"http\S+roundtrip/0/1", dev.said())
    assert online
    header, first = Path("examples/diabetes/to_score.csv").read_text().splitlines()[:2]
    record = {name: float(value) for name, value in zip(header.split(","), first.split(","), strict=True)}
    # The runtime looks once a second for what it is to serve.
    wait_until(lambda: httpx.post(online[0], json=record).status_code != 503)
    answer = httpx.post(online[0], json=record)
    assert (answer.status_code, "score" in answer.text) == (200, True), answer.text


def kill_and_see_nothing_left(dev: Dev) -> None:
    # The model's process that serves online is a grandchild: it goes, too.
    assert len(dev.children()) == 7
    dev.process.kill()
    dev.process.wait()
    wait_until(lambda: not any(map(alive, dev.seen)))


def test_a_start_can_be_ended_before_it_is_complete(home: Path) -> None:
    dev = Dev(home)
    wait_until((home / "logs" / "temporal.log").exists)
    assert dev.end(signal.SIGINT) == 0
    assert "Ready" not in dev.said()


def test_a_busy_port_is_one_sentence_that_names_it(home: Path) -> None:
    with ExitStack() as held:
        with suppress(OSError):  # somebody else has it
            held.enter_context(socket.create_server(("127.0.0.1", 8090)))
        refused = mlc(home, "dev")
    assert refused.returncode == 1
    [sentence] = refused.stderr.splitlines()
    assert re.match(r"Port \d+, for .*, can't be used .* --free-ports\.$", sentence)


def test_what_does_not_come_up_is_named_with_the_end_of_its_log_and_the_rest_is_ended(home: Path) -> None:
    home.mkdir()
    (home / "center.db").write_text("this is no database")
    dev = Dev(home)
    assert dev.process.wait(120) == 1
    assert re.search(r"^center ended with exit code \d.* Log: .*center\.log\n  \| ", dev.said(), re.MULTILINE)
    wait_until(lambda: not any(map(alive, dev.seen)))
