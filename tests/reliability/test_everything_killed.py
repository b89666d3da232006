"""Every process of standalone mode is killed in the course of one run, which ends as if nothing had been."""

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import pytest
from cli.cli_process import Dev, mlc, wait_until
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from mlc.model.job import run_job_id
from mlc.model.processes import DeployModelResult

T = TypeVar("T")


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    running = Dev(tmp_path / "home")
    try:
        yield running.ready()
    finally:
        running.end(signal.SIGTERM)
        print(running.said())


def kill(dev: Dev, name: str) -> None:
    """kill -9, and wait until it runs again: `mlc dev` starts it."""
    killed = dev.children()[name]
    killed.kill()
    wait_until(lambda: dev.children().get(name) not in (None, killed))


class Systems:
    """Where the test looks: the model centre's and the desk's API."""

    def __init__(self, dev: Dev, snapshot_id: str) -> None:
        self._snapshot_id = snapshot_id
        token, account = dev.setting("MLC_CENTER_TOKEN"), (dev.setting("MLC_JIRA_USER"), dev.setting("MLC_JIRA_TOKEN"))
        self.center = httpx.Client(base_url=dev.setting("MLC_CENTER_URL"), headers={"Authorization": f"Bearer {token}"})
        self.jira = httpx.Client(base_url=f"{dev.setting('MLC_JIRA_URL')}/rest/api/2", auth=account)

    def found(self, finder: str) -> list[dict[str, Any]]:
        answer = self.center.get(finder, params={"deployableModelId": self._snapshot_id}).raise_for_status().json()
        return [entity for entities in answer.get("_embedded", {}).values() for entity in entities]

    def jobs(self) -> list[dict[str, Any]]:
        return self.found("jobs/search/findAllByModel_Id")

    def running_job(self) -> str | None:
        return next((job["id"] for job in self.jobs() if job["jobStatus"] == "RUNNING"), None)

    def tickets(self) -> list[dict[str, Any]]:
        answer = self.jira.get("/search/jql", params={"jql": "project = MLR", "fields": "*all"})
        return list(answer.raise_for_status().json()["issues"])

    def approve(self, ticket: str) -> bool:
        moves = self.jira.get(f"/issue/{ticket}/transitions").raise_for_status().json()["transitions"]
        done = next(move["id"] for move in moves if move["to"]["name"] == "Done")
        return self.jira.post(f"/issue/{ticket}/transitions", json={"transition": {"id": done}}).is_success


def patiently(ask: Callable[[], T], seconds: float = 60) -> T:
    """The first true answer of a system that may just be starting again."""

    def asked() -> T | None:
        try:
            return ask()
        except httpx.HTTPError:
            return None

    return cast(T, wait_until(asked, seconds))


async def test_a_run_survives_that_everything_is_killed(dev: Dev) -> None:
    tags = [f"--tag={tag}" for tag in ("train", "run_test", "jira", "online")]
    [snapshot_id] = re.findall(
        r"^Run +deploy-(\S+)", mlc(dev.home, "submit", "examples/breast_cancer", *tags).stdout, re.MULTILINE
    )
    temporal = await Client.connect(dev.setting("TEMPORAL_ADDRESS"), data_converter=pydantic_data_converter)
    systems = Systems(dev, snapshot_id)

    training = patiently(systems.running_job)
    queue = (await temporal.get_workflow_handle(run_job_id(training)).describe()).task_queue
    runtime = queue.removeprefix("mlc-runtime-")
    kill(dev, runtime)
    kill(dev, "center")
    patiently(lambda: len(systems.jobs()) == 2)  # trained: now it is tested
    kill(dev, "temporal")
    kill(dev, "worker")
    [ticket] = patiently(systems.tickets)
    kill(dev, "desk")
    dev.children()["gateway"].kill()  # the desk tells it in vain at first
    patiently(lambda: systems.approve(ticket["key"]))

    run = temporal.get_workflow_handle(f"deploy-{snapshot_id}", result_type=DeployModelResult)
    result = await run.result()
    assert result.outcome == "deployed"
    assert [ref.key for ref in result.tickets] == [ticket["key"]] == [issue["key"] for issue in systems.tickets()]
    assert [job["jobStatus"] for job in systems.jobs()] == ["COMPLETE"] * 2
    assert len(systems.found("modelTestResults/search/findAllByDeployableModel_Id")) == 1
    deployments = systems.found("deployedModels/search/findAllByDeployableModel_Id")
    assert sorted((d.get("engine") or {}).get("name", "batch") for d in deployments) == ["batch", "online-prod"]
    assert {deployment["state"] for deployment in deployments} == {"DEPLOYED"}
    killed = re.findall(r"^(\S+) was ended by SIGKILL; it is started again", dev.said(), re.MULTILINE)
    assert sorted(killed) == sorted([runtime, "center", "temporal", "worker", "desk", "gateway"])
