"""Jobs handed to runtimes through a real Temporal server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from center_harness import TOKEN, CenterProcess, served, settings_for
from pydantic import SecretStr
from temporalio import workflow
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.wire import DeployableModel, Engine, Job, ModelMetaData, StoredModel
from mlc.model.failure import NotFound
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.access.client import issue_runtime_token
from mlc.standalone.center import dispatch
from mlc.standalone.center.app import create_app
from mlc.standalone.center.entities import HANDED_TO, KINDS
from mlc.standalone.center.store import Store


@workflow.defn(name="RunJob", sandboxed=False)
class RunJobDouble:
    """Notes what it was given, and waits to be cancelled or told to end."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self, given: dict[str, Any]) -> dict[str, Any]:
        await workflow.wait_condition(lambda: self.over)
        return given

    @workflow.signal
    def end(self) -> None:
        self.over = True


class Switch(Interceptor):
    """Lets the centre reach Temporal, or not, and lets something happen right after it has started a workflow."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.on = True
        self.after_start: Callable[[str], Awaitable[None]] | None = None

    async def connect(self) -> Client:
        if not self.on:
            raise ConnectionError("switched off")
        config = self.client.service_client.config
        return await Client.connect(config.target_host, interceptors=[self], data_converter=pydantic_data_converter)

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # Temporal's name
        switch = self

        class AfterStart(OutboundInterceptor):
            async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
                handle = await super().start_workflow(input)
                if switch.after_start:
                    await switch.after_start(input.id.removeprefix("job-"))
                return handle

        return AfterStart(next)


@dataclass
class Place:
    address: str
    center: ModelManage
    temporal: Client
    switch: Switch
    database: Path = Path("/nowhere")

    def promise(self, job: Job, name: str) -> None:
        """As a centre that died right after it."""
        store = Store(self.database)
        store.change(KINDS["jobs"], job.id, lambda document: document.update({HANDED_TO: name}))
        store.close()

    async def as_runtime(self, name: str) -> ModelManage:
        token = await issue_runtime_token(self.address, TOKEN, name)
        return ModelManage(CenterSettings(url=f"{self.address}/model-manage/api", token=SecretStr(token)))

    async def job(self, **more: Any) -> Job:
        meta = ModelMetaData(name="m", model_stage="prod")
        snapshot = await self.center.create_snapshot(DeployableModel(stored_model=StoredModel(model_meta_data=meta)))
        return await self.center.create_job(Job(job_type="MODEL_BATCH_TEST_JOB", model=snapshot, **more))

    async def status(self, job: Job) -> str:
        return (await self.center.get_job(job.id)).job_status

    def patching(self, **changes: str) -> Callable[[str], Awaitable[None]]:
        """Something that changes the job of an id, from whatever event loop."""

        async def patch(job_id: str) -> None:
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
                answer = await http.patch(f"{self.address}/model-manage/api/jobs/{job_id}", json=changes)
                assert answer.is_success

        return patch

    async def until(self, job: Job, status: str) -> Job:
        async with asyncio.timeout(60):
            while (read := await self.center.get_job(job.id)).job_status != status:
                await asyncio.sleep(0.05)
        return read

    async def until_state(self, job: Job, status: WorkflowExecutionStatus) -> None:
        async with asyncio.timeout(60):
            while await self.state(job) != status:
                await asyncio.sleep(0.05)

    async def state(self, job: Job) -> WorkflowExecutionStatus | None:
        try:
            return (await self.temporal.get_workflow_handle(f"job-{job.id}").describe()).status
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return None


@pytest.fixture
async def place(tmp_path: Path, dev_server: WorkflowEnvironment) -> AsyncIterator[Place]:
    switch = Switch(dev_server.client)
    settings = StandaloneCenterSettings(database=tmp_path / "dispatch.db", token=SecretStr(TOKEN))
    with served(create_app(settings, connect=switch.connect)) as base:
        center = ModelManage(settings_for(base))
        yield Place(base, center, dev_server.client, switch, settings.database)
        await center.aclose()


def a_name() -> str:
    return f"r-{uuid4().hex[:8]}"


@asynccontextmanager
async def a_runtime(place: Place, name: str, **more: Any) -> AsyncIterator[Engine]:
    engine = await place.center.save_engine(Engine(name=name, platform={"python": "3"}, **more))
    queue = f"mlc-runtime-{name}"
    async with Worker(
        place.temporal, task_queue=queue, workflows=[RunJobDouble], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        yield engine


async def test_a_job_is_handed_to_the_runtime_as_plain_json(place: Place) -> None:
    async with a_runtime(place, a_name()) as engine:
        job = await place.until(await place.job(), "WAITING")
        assert job.target_engine is not None
        assert (job.target_engine.id, job.target_engine.name) == (engine.id, engine.name)
        handle = place.temporal.get_workflow_handle(f"job-{job.id}")
        await handle.signal("end")
        assert await handle.result() == {"job_id": job.id}
        description = await handle.describe()
        assert (description.workflow_type, description.task_queue) == ("RunJob", f"mlc-runtime-{engine.name}")


async def test_a_job_waits_for_a_runtime_and_then_goes_to_it(place: Place) -> None:
    job = await place.job()
    named = a_name()
    waiting = await place.job(target_engine=Engine(name=named))
    async with a_runtime(place, a_name()):
        await place.until(job, "WAITING")
        assert await place.status(waiting) == "CREATED"
        async with a_runtime(place, named, environment_name="dev", input_endpoints=[{"endpointType": "REST"}]):
            handed = await place.until(waiting, "WAITING")
            assert handed.target_engine is not None
            assert handed.target_engine.name == named


async def test_a_job_waits_for_temporal_and_then_goes_on(place: Place) -> None:
    place.switch.on = False
    async with a_runtime(place, a_name()):
        job = await place.job()
        await asyncio.sleep(1.5)  # longer than the centre waits between two tries
        assert await place.status(job) == "CREATED"
        place.switch.on = True
        await place.until(job, "WAITING")


async def test_a_job_that_was_handed_over_already_is_not_handed_over_again(place: Place) -> None:
    place.switch.on = False
    first, second = a_name(), a_name()
    async with a_runtime(place, first), a_runtime(place, second):
        job = await place.job()
        await place.temporal.start_workflow(
            "RunJob", {"job_id": job.id}, id=f"job-{job.id}", task_queue=f"mlc-runtime-{first}"
        )
        place.switch.on = True
        handed = await place.until(job, "WAITING")
        assert handed.target_engine is not None
        assert handed.target_engine.name == first, "where it runs, not where it would be sent now"


async def test_a_runtime_may_read_its_job_the_moment_it_learns_of_it(place: Place) -> None:
    read: list[int] = []
    async with a_runtime(place, a_name()) as engine, a_runtime(place, a_name()) as another:
        token = await issue_runtime_token(place.address, TOKEN, engine.name)
        other = await place.as_runtime(another.name)

        async def reads(job_id: str) -> None:
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
                read.append((await http.get(f"{place.address}/model-manage/api/jobs/{job_id}")).status_code)

        place.switch.after_start = reads
        job = await place.until(await place.job(target_engine=Engine(name=engine.name)), "WAITING")
        assert read == [200]
        with pytest.raises(NotFound):
            await other.get_job(job.id)
        await other.aclose()


async def test_a_job_that_a_dead_centre_handed_over_stays_with_its_runtime(place: Place) -> None:
    place.switch.on = False
    first, second = a_name(), a_name()
    async with a_runtime(place, first), a_runtime(place, second):  # the second was heard of last: it would be chosen
        job = await place.job()
        place.promise(job, first)
        await place.temporal.start_workflow(
            "RunJob", {"job_id": job.id}, id=f"job-{job.id}", task_queue=f"mlc-runtime-{first}"
        )
        place.switch.on = True
        handed = await place.until(job, "WAITING")
        assert (handed.model_extra or {})[HANDED_TO] == first
        runtime = await place.as_runtime(first)
        assert (await runtime.patch_job(job.id, {"jobStatus": "RUNNING"})).job_status == "RUNNING"
        await runtime.aclose()


async def test_a_job_that_was_promised_and_never_handed_over_goes_to_who_is_there(place: Place) -> None:
    place.switch.on = False
    gone, here = a_name(), a_name()
    async with a_runtime(place, here):
        job = await place.job()
        place.promise(job, gone)
        place.switch.on = True
        handed = await place.until(job, "WAITING")
        assert (handed.model_extra or {})[HANDED_TO] == here
        runtime = await place.as_runtime(gone)
        with pytest.raises(NotFound):
            await runtime.get_job(job.id)
        await runtime.aclose()


async def test_a_runtime_that_is_quicker_than_the_centre_is_not_overruled(place: Place) -> None:
    place.switch.after_start = place.patching(jobStatus="RUNNING")
    async with a_runtime(place, a_name()) as engine:
        job = await place.job()
        async with asyncio.timeout(60):
            while not (read := await place.center.get_job(job.id)).target_engine:
                await asyncio.sleep(0.05)
        assert read.job_status == "RUNNING"
        assert read.target_engine is not None
        assert read.target_engine.name == engine.name


async def test_a_job_cancelled_while_it_is_handed_over_is_cancelled_there(place: Place) -> None:
    place.switch.after_start = place.patching(jobStatus="CANCELLED")
    async with a_runtime(place, a_name()):
        job = await place.job()
        await place.until_state(job, WorkflowExecutionStatus.CANCELED)
        assert await place.status(job) == "CANCELLED"


async def test_cancelling_a_job_cancels_its_workflow(place: Place) -> None:
    async with a_runtime(place, a_name()):
        job = await place.until(await place.job(), "WAITING")
        await place.center.patch_job(job.id, {"jobStatus": "CANCELLED"})
        await place.until_state(job, WorkflowExecutionStatus.CANCELED)


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The centre looks after quiet jobs in every round."""
    monkeypatch.setattr(dispatch, "WATCH_INTERVAL", 0)


@pytest.fixture
def impatient(watchful: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are quiet at once."""
    monkeypatch.setattr(dispatch, "QUIET", timedelta(0))


@pytest.mark.usefixtures("impatient")
async def test_a_job_whose_workflow_was_terminated_ends_with_a_sentence(place: Place) -> None:
    async with a_runtime(place, a_name()):
        waiting, running, other = [await place.until(await place.job(), "WAITING") for _ in range(3)]
        await place.center.patch_job(running.id, {"jobStatus": "RUNNING", "jobMessages": ["it began"]})
        unknown = await place.job(target_engine=Engine(name="nobody"))
        await place.center.patch_job(unknown.id, {"jobStatus": "RUNNING"})
        for job in (waiting, running):
            await place.temporal.get_workflow_handle(f"job-{job.id}").terminate()
        ended = [await place.until(job, "ERROR") for job in (waiting, running)]
        sentences = [
            f"Nothing runs this job any more: its workflow job-{job.id} is terminated; create another job."
            for job in ended
        ]
        assert [job.job_messages for job in ended] == [[sentences[0]], ["it began", sentences[1]]]
        assert {job.job_result for job in ended} == {"FAILURE"}
        assert await place.status(other) == "WAITING", "its workflow runs"
        assert await place.status(unknown) == "RUNNING", "Temporal knows nothing of it"


@pytest.mark.usefixtures("impatient")
async def test_a_runtime_that_asks_for_no_jobs_where_they_are_is_told_once(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """It is registered and sends heartbeats, but in another namespace than the centre's jobs, say."""
    deaf = a_name()
    await place.center.save_engine(Engine(name=deaf, platform={"python": "3"}))

    def told(name: str) -> list[str]:
        return [m for r in caplog.records if f"the runtime {name}, which asks for no jobs" in (m := r.getMessage())]

    first, second = [await place.until(await place.job(target_engine=Engine(name=deaf)), "WAITING") for _ in range(2)]
    async with asyncio.timeout(60):
        while not told(deaf):
            await asyncio.sleep(0.05)
    async with a_runtime(place, a_name()) as hears:
        job = await place.until(await place.job(target_engine=Engine(name=hears.name)), "WAITING")
        await place.temporal.get_workflow_handle(f"job-{job.id}").terminate()
        await place.until(job, "ERROR")  # so that there was another round
        assert told(hears.name) == []
    (sentence,) = told(deaf)
    assert sentence.startswith((f"Job {first.id} waits for", f"Job {second.id} waits for"))
    assert "namespace default: see whether it runs, and whether MLC_RUN_JOB_NAMESPACE is there" in sentence


@pytest.mark.usefixtures("watchful")
async def test_a_job_that_changed_a_moment_ago_is_not_looked_up(place: Place) -> None:
    async with a_runtime(place, a_name()):
        job = await place.until(await place.job(), "WAITING")
        await place.temporal.get_workflow_handle(f"job-{job.id}").terminate()
        for _ in range(2):  # the second is handed over in a round after the first one's
            await place.until(await place.job(), "WAITING")
        assert await place.status(job) == "WAITING"


async def test_a_job_cancelled_while_temporal_is_away_is_never_started(place: Place) -> None:
    place.switch.on = False
    async with a_runtime(place, a_name()):
        job = await place.job()
        await place.center.patch_job(job.id, {"jobStatus": "CANCELLED"})
        place.switch.on = True
        await place.until(await place.job(), "WAITING")
        assert await place.state(job) is None
        assert await place.status(job) == "CANCELLED"


async def test_a_centre_that_was_killed_hands_its_jobs_over_after_its_restart(
    process: CenterProcess, dev_server: WorkflowEnvironment
) -> None:
    process.start()
    center = ModelManage(settings_for(process.address))
    place = Place(process.address, center, dev_server.client, Switch(dev_server.client))
    job = await place.job()
    process.kill()
    process.environment["TEMPORAL_ADDRESS"] = dev_server.client.service_client.config.target_host
    process.start()
    async with a_runtime(place, a_name()):
        await place.until(job, "WAITING")
    await center.aclose()


@pytest.mark.parametrize("group", ["credit", None])
async def test_a_jobs_run_takes_turns_by_its_models_group_else_by_its_model(place: Place, group: str | None) -> None:
    new = StoredModel(group=group, model_meta_data=ModelMetaData(name="m", model_stage="prod"))
    model = await place.center.create_stored_model(new)
    snapshot = await place.center.create_snapshot(DeployableModel(stored_model=model))
    async with a_runtime(place, a_name()):
        job = await place.center.create_job(Job(job_type="MODEL_BATCH_TEST_JOB", model=snapshot))
        await place.until(job, "WAITING")
        described = await place.temporal.get_workflow_handle(f"job-{job.id}").describe()
    key = described.raw_description.workflow_execution_info.priority.fairness_key
    assert key == (group or model.id)
