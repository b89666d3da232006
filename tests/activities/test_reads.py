"""A snapshot is read at most once by each activity, under the id that the process has carried from its start."""

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from backroom import Backroom, asset, metrics

from activities.batch import BatchDeployment, BatchTarget
from activities.deployments import Deployments
from activities.snapshots import DecisionEvidence, Submission
from activities.verdicts import JudgeRequest
from mlc.model.deployment import DeploymentMode, DeploymentRequest, RuntimeRef
from mlc.model.job import Job, JobKind, JobRequest
from mlc.model.ticket import Decision, DecisionOutcome

Step = Callable[[Backroom, str], Awaitable[None]]


async def a_job(room: Backroom, snapshot_id: str, kind: JobKind) -> Job:
    request = JobRequest(snapshot_id=snapshot_id, kind=kind, key=uuid.uuid4().hex, workflow_id="w")
    job: Job = await room.run(room.jobs.create_job, request)
    return job


async def finish_training(room: Backroom, snapshot_id: str) -> None:
    job = await a_job(room, snapshot_id, JobKind.TRAINING)
    await room.end_job(job.id, asset("model.pkl", "UNKNOWN", b"trained"))
    watch(room, snapshot_id)
    await room.run(room.jobs.finish_training, job)


async def finish_test(room: Backroom, snapshot_id: str) -> None:
    job = await a_job(room, snapshot_id, JobKind.METRICS)
    await room.end_job(job.id, metrics(auc=0.95))
    watch(room, snapshot_id)
    await room.run(room.jobs.finish_test, job)


async def judge(room: Backroom, snapshot_id: str) -> None:
    await finish_test(room, snapshot_id)
    watch(room, snapshot_id)
    await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=snapshot_id))


async def create_job(room: Backroom, snapshot_id: str) -> None:
    await a_job(room, snapshot_id, JobKind.METRICS)


async def deploy(room: Backroom, snapshot_id: str) -> None:
    engine = await room.engine(online=True)
    runtime = RuntimeRef(id=engine.id or "", name=engine.name, mode=DeploymentMode.ONLINE)
    request = DeploymentRequest(
        snapshot_id=snapshot_id, mode=runtime.mode, runtime=runtime, key=uuid.uuid4().hex, workflow_id="w"
    )
    watch(room, snapshot_id)
    await room.run(room.deployments.deploy, request)


async def supersede(room: Backroom, snapshot_id: str) -> None:
    deployment = await room.deploy(snapshot_id)
    watch(room, snapshot_id)
    await room.run(room.deployments.supersede, Deployments(snapshot_id=snapshot_id, ids=[deployment]))


async def copy_schedules(room: Backroom, snapshot_id: str) -> None:
    deployment = await room.deploy(snapshot_id)
    watch(room, snapshot_id)
    await room.run(room.schedules.copy_schedules, Deployments(snapshot_id=snapshot_id, ids=[deployment]))


async def match_runtimes(room: Backroom, snapshot_id: str) -> None:
    await room.engine()
    watch(room, snapshot_id)
    await room.run(room.deployments.match_runtimes, snapshot_id)


async def record_decision(room: Backroom, snapshot_id: str) -> None:
    decision = Decision(outcome=DecisionOutcome.APPROVED, ticket="T-1", url="")
    await room.run(room.snapshots.record_decision, DecisionEvidence(snapshot_id=snapshot_id, decision=decision))


async def find_batch_deployment(room: Backroom, snapshot_id: str) -> None:
    await room.deploy(snapshot_id)
    watch(room, snapshot_id)
    found: BatchDeployment = await room.run(room.batch.find_batch_deployment, BatchTarget(tag="fraud"))
    assert found.snapshot.id == snapshot_id


async def submit_snapshot(room: Backroom, snapshot_id: str) -> None:
    await room.run(room.snapshots.submit_snapshot, Submission(snapshot_id=snapshot_id, first_run_id="r"))


async def add_missing_monitors(room: Backroom, snapshot_id: str) -> None:
    await room.run(room.monitors.add_missing_monitors, snapshot_id)


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (
        *(submit_snapshot, create_job, finish_training, finish_test, judge, record_decision, add_missing_monitors),
        *(match_runtimes, deploy, copy_schedules, supersede, find_batch_deployment),
    )
}

SEEN: list[tuple[str, str]] = []
"""Method and path of what was asked of the centre since ``watch``."""


def watch(room: Backroom, snapshot_id: str) -> None:
    """From now on requests are counted."""
    SEEN.clear()

    async def seen(request: httpx.Request) -> None:
        SEEN.append((request.method, request.url.path))

    room.http.event_hooks = {"request": [seen]}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
async def test_a_step_reads_its_snapshot_at_most_once(room: Backroom, step: Step) -> None:
    snapshot_id = await room.snapshot("fraud")
    watch(room, snapshot_id)
    await step(room, snapshot_id)
    room.http.event_hooks = {"request": []}
    reads = [path for method, path in SEEN if method == "GET" and path.endswith(f"/deployableModels/{snapshot_id}")]
    assert SEEN, "nothing was counted"
    assert len(reads) <= 1, SEEN


async def test_a_second_read_would_be_counted(room: Backroom) -> None:
    snapshot_id = await room.snapshot()
    watch(room, snapshot_id)
    await room.run(room.snapshots.get_snapshot, snapshot_id)
    await room.run(room.snapshots.get_snapshot, snapshot_id)
    room.http.event_hooks = {"request": []}
    assert len(SEEN) == 2


@pytest.mark.parametrize("runtimes", [2, 5])
async def test_deployments_on_many_runtimes_are_looked_at_in_one_request(room: Backroom, runtimes: int) -> None:
    snapshot_id = await room.snapshot()
    made = [await room.deploy(snapshot_id, engine=await room.engine(online=True)) for _ in range(runtimes)]
    watch(room, snapshot_id)
    deployments = Deployments(snapshot_id=snapshot_id, ids=made)
    seen = await room.run(room.deployments.finish_deployments, deployments)
    room.http.event_hooks = {"request": []}
    assert [deployment.id for deployment in seen] == made
    assert len([path for _, path in SEEN if "deployedModels" in path]) == 1, SEEN


async def test_a_deployment_that_the_listing_does_not_show_is_asked_for_by_itself(room: Backroom) -> None:
    snapshot_id, other = await room.snapshot(), await room.snapshot()
    made = [await room.deploy(each, engine=await room.engine(online=True)) for each in (snapshot_id, other)]
    seen = await room.run(
        room.deployments.finish_deployments, Deployments(snapshot_id=snapshot_id, ids=[*made, uuid.uuid4().hex])
    )
    assert [(each.ready, each.problem) for each in seen] == [
        (True, ""),
        (True, ""),
        (False, "it is no longer in the model centre"),
    ]


async def test_the_id_of_the_start_is_the_id_on_the_job_and_on_the_deployment(room: Backroom) -> None:
    snapshot_id = await room.snapshot()
    job = await a_job(room, snapshot_id, JobKind.METRICS)
    deployment = await room.deploy(snapshot_id)
    assert job.snapshot_id == snapshot_id
    assert (await room.port.get_deployment(deployment)).snapshot_id == snapshot_id
    stored: Any = await room.center.get_job(job.id)
    assert stored.model.id == snapshot_id
    assert json.loads(stored.model_dump_json())["model"]["id"] == snapshot_id
    assert timedelta(0) <= job.deadline - stored.created_date
