"""What `mlc check` says about a Temporal namespace, from an empty one to a complete one."""

from datetime import timedelta

import pytest
from check_site import bare_namespace, polling
from pydantic import ValidationError
from servers import eventually
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from mlc.check.temporal import check_temporal
from mlc.model.finding import Finding, Mark
from mlc.model.processes import TASK_QUEUE
from mlc.model.schedule import MIRROR_SCHEDULE
from mlc.namespace import SWEEP_SCHEDULE, missing_attributes, schedule_mirror, schedule_sweep, set_up_jobs, setup
from mlc.settings import ProcessSettings

EVERY = ProcessSettings.model_fields["sweep_interval"].default


async def flaws() -> dict[str, str]:
    return {finding.what: finding.remedy for finding in await findings() if finding.mark in {Mark.WRONG, Mark.WARNING}}


async def findings() -> list[Finding]:
    return [finding async for finding in check_temporal()]


@pytest.fixture
def address(dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> str:
    address = dev_server.client.service_client.config.target_host
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    return address


async def empty(dev_server: WorkflowEnvironment, name: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", name)
    return await bare_namespace(dev_server.client, name)


async def test_a_namespace_that_is_not_there_is_to_be_created(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    assert await flaws() == {
        "There is no namespace nowhere": "create it (`temporal operator namespace create -n nowhere`), "
        "or set TEMPORAL_NAMESPACE."
    }


async def test_what_an_empty_namespace_lacks_is_listed_and_mlc_setup_and_a_worker_bring_it(
    dev_server: WorkflowEnvironment, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await empty(dev_server, "check-empty", monkeypatch)
    lacking = await flaws()
    assert list(lacking) == [
        "Namespace check-empty keeps closed runs for 1 day, not 30 days",
        "Search attributes are missing: MlcModel, MlcPhase, MlcStage, MlcTickets",
        "There is no schedule sweep-tickets",
        "No worker polls the task queue mlc",
        "No worker polls the task queue mlc-tickets",
    ]
    assert all(
        word in remedy
        for word, remedy in zip(("setup", "setup", "setup", "worker", "worker"), lacking.values(), strict=True)
    )
    await setup(client, ProcessSettings())
    assert list(await flaws()) == ["No worker polls the task queue mlc", "No worker polls the task queue mlc-tickets"]
    async with polling(client):
        assert await flaws() == {}


async def test_a_worker_that_serves_the_processes_queue_alone_is_not_enough(
    dev_server: WorkflowEnvironment, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await empty(dev_server, "check-one-queue", monkeypatch)
    async with polling(client, TASK_QUEUE):
        found = await flaws()
    assert "no ticket is made" in found["No worker polls the task queue mlc-tickets"]
    assert "No worker polls the task queue mlc" not in found


async def test_whether_the_server_takes_turns_between_groups_is_told_by_its_version(
    dev_server: WorkflowEnvironment, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (today,) = [finding for finding in await findings() if "turns" in finding.what]
    assert today.mark is Mark.UNCHECKED
    assert "matching.enableFairness" in today.remedy
    monkeypatch.setattr("mlc.check.temporal.FAIR_SINCE", (99, 0))
    (old,) = [what for what in await flaws() if "fairness" in what]
    assert old.startswith("Temporal 1.")


async def test_an_attribute_of_another_type_is_told_with_both(
    dev_server: WorkflowEnvironment, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await empty(dev_server, "check-types", monkeypatch)
    wrong = {"MlcTickets": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=client.namespace, search_attributes=wrong)
    )

    async def known() -> bool:
        return len(await missing_attributes(client)) == 3

    await eventually(known)
    assert "Search attribute MlcTickets is a Keyword, not a KeywordList" in await flaws()


async def test_a_sweep_that_is_paused_or_runs_at_another_pace_is_told(
    dev_server: WorkflowEnvironment, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await empty(dev_server, "check-sweep", monkeypatch)
    await schedule_sweep(client, EVERY * 2)
    pace = await flaws()
    assert "run `mlc setup`" in pace["The schedule sweep-tickets runs every 0:10:00, not every 0:05:00"]
    await client.get_schedule_handle(SWEEP_SCHEDULE).pause()
    assert "--unpause" in (await flaws())["The schedule sweep-tickets is paused"]


async def test_the_mirrors_schedule_is_looked_at_where_it_is_to_run(
    dev_server: WorkflowEnvironment, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await empty(dev_server, "check-mirror", monkeypatch)
    assert not any("mlc-mirror" in what for what in await flaws())
    monkeypatch.setenv("MLC_MIRROR_SCHEDULES", "true")
    assert "run `mlc setup`" in (await flaws())["There is no schedule mlc-mirror-schedules"]
    await schedule_mirror(client, ProcessSettings(mirror_interval=timedelta(minutes=3)))
    pace = (await flaws())["The schedule mlc-mirror-schedules runs every 0:03:00, not every 0:01:00"]
    assert "MLC_MIRROR_INTERVAL" in pace
    await client.get_schedule_handle(MIRROR_SCHEDULE).pause()
    assert "would not be followed" in (await flaws())["The schedule mlc-mirror-schedules is paused"]


async def test_the_namespace_of_jobs_is_looked_for_where_there_is_one(
    dev_server: WorkflowEnvironment, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = dev_server.client

    async def said(mark: Mark) -> dict[str, str]:
        return {each.what: each.remedy for each in await findings() if each.mark is mark and "namespace" in each.what}

    assert not any("RunJob" in what for what in await said(Mark.GOOD))
    monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", "checked-jobs")
    lacking = (await said(Mark.WRONG))["There is no namespace checked-jobs for RunJob"]
    assert lacking == "correct MLC_RUN_JOB_NAMESPACE, or run `mlc setup`, which makes it; no job would run."
    await set_up_jobs(client, "checked-jobs", timedelta(days=1))
    assert not any("RunJob" in what for what in await said(Mark.WRONG))
    assert "RunJob has the namespace checked-jobs of its own" in await said(Mark.GOOD)
    monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", client.namespace)
    assert "MLC_RUN_JOB_NAMESPACE is the processes' own namespace default" in {
        each.what for each in await findings() if each.mark is Mark.WARNING
    }
    monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", "two words")
    with pytest.raises(ValidationError):
        await findings()  # which the report tells as a setting that can't be used


async def test_a_temporal_that_never_answers_is_given_up(dead_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{dead_port}")
    assert list(await flaws()) == [f"Temporal can't be reached at 127.0.0.1:{dead_port}"]
