"""One ticket, job and deployment, although worker or connection die between request and answer."""

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path

import pytest
from processes.office import Office, Run
from reliability.worker_process import WorkerProcess
from servers import eventually
from temporalio.api.workflow.v1 import PendingActivityInfo

from mlc.standalone.faults import Effect

GOOD = {"auc": 0.97}
KILLED = (Effect.HANG, Effect.LATE, Effect.HANG_AFTER)
"""The worker is killed with its request lost, carried out afterwards, or carried out but not answered."""


async def to_review(desk: Office) -> str:
    return await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"])


async def to_test(desk: Office) -> str:
    return await desk.snapshot("run_test")


async def to_deploy(desk: Office) -> str:
    return await desk.snapshot()


async def ticket_run(desk: Office) -> Run:
    return await desk.start(await to_review(desk))


async def job_run(desk: Office) -> Run:
    return await desk.start(await to_test(desk))


async def deployment_run(desk: Office) -> Run:
    return await desk.start(await to_deploy(desk))


def plan(desk: Office, effect: Effect) -> None:
    desk.faults.add(effect, method="POST", path="/issue$")
    desk.center_faults.add(effect, method="POST", path="/jobs$")
    desk.center_faults.add(effect, method="POST", path="/deployedModels$")


async def ends_right(desk: Office, tickets: list[Run], jobs: list[Run], deployments: list[Run]) -> None:
    """Every run ends as deployed, with one of each thing that it needs."""
    for run in tickets:
        await desk.decide(run, await desk.ticket(run, "review"), "Done")
    for run in jobs:
        await desk.finish_job(run, metrics=GOOD)
    everything = [*tickets, *jobs, *deployments]
    results = await asyncio.gather(*(run.result() for run in everything))
    assert [result.outcome for result in results] == ["deployed"] * len(everything)
    snapshots = [result.snapshot_id for result in results]
    assert len(await desk.tickets()) == len(tickets)
    made = [len(await desk.jobs(snapshot)) for snapshot in snapshots]
    assert made == [0] * len(tickets) + [1] * len(jobs) + [0] * len(deployments)
    assert [len(await desk.center.list_deployments(snapshot_id=snapshot)) for snapshot in snapshots] == [1] * len(made)


async def test_a_worker_killed_between_request_and_answer_leaves_one_of_each(
    unmanned: Office, worker: WorkerProcess
) -> None:
    await unmanned.engine("batch")
    for effect in KILLED:
        plan(unmanned, effect)
    starts = (ticket_run, job_run, deployment_run)
    runs = {start: [await start(unmanned) for _ in KILLED] for start in starts}

    async def all_held() -> bool:
        return len(unmanned.faults.hanging) == len(KILLED) and len(unmanned.center_faults.hanging) == 2 * len(KILLED)

    await eventually(all_held)
    worker.kill()
    killed = time.monotonic()
    worker.start()
    await ends_right(unmanned, *runs.values())
    assert time.monotonic() - killed < 40


@pytest.mark.parametrize("effect", [Effect.DROP, Effect.DROP_AFTER])
async def test_a_connection_cut_between_request_and_answer_leaves_one_of_each(desk: Office, effect: Effect) -> None:
    await desk.engine("batch")
    plan(desk, effect)
    await ends_right(desk, [await ticket_run(desk)], [await job_run(desk)], [await deployment_run(desk)])
    assert not [fault for faults in (desk.faults, desk.center_faults) for fault in faults.planned if fault.times]


async def test_what_a_killed_worker_was_doing_is_done_again_within_seconds(
    unmanned: Office, worker: WorkerProcess
) -> None:
    await unmanned.engine("batch")
    run = await ticket_run(unmanned)
    ticket = await unmanned.ticket(run, "review")
    unmanned.faults.add(Effect.HANG, method="GET", path=f"/issue/{ticket.id}$|/issue/{ticket.key}$")
    await unmanned.decide(run, ticket, "Done")

    async def read_is_held() -> bool:
        return bool(unmanned.faults.hanging)

    await eventually(read_is_held)
    worker.kill()
    killed = time.monotonic()
    worker.start()
    assert (await run.result()).outcome == "deployed"
    assert time.monotonic() - killed < 20


async def test_heartbeats_keep_what_an_attempt_has_left_for_the_next(unmanned: Office, worker: WorkerProcess) -> None:
    """When an outage of the centre began, in this case, on which the patience with it depends."""
    run = await job_run(unmanned)
    unmanned.center_faults.add(Effect.ANSWER, method="GET", path="/jobs/[^/]+$", status=503)
    unmanned.center_faults.add(Effect.HANG, method="GET", path="/jobs/[^/]+$")

    async def asking() -> PendingActivityInfo | None:
        pending = (await run.describe()).raw_description.pending_activities
        return pending[0] if unmanned.center_faults.hanging else None

    async def heard() -> PendingActivityInfo | None:
        now = await asking()
        return now if now and now.last_heartbeat_time.ToDatetime() > began else None

    began = (await eventually(asking)).last_started_time.ToDatetime()
    details = (await eventually(heard)).heartbeat_details.payloads
    assert datetime.fromisoformat(json.loads(details[0].data)).replace(tzinfo=None) < began


async def test_a_worker_frozen_after_it_looked_creates_nothing_when_it_thaws(
    unmanned: Office, worker: WorkerProcess, tmp_path: Path
) -> None:
    """As a machine that is suspended: meanwhile another worker has created the same things."""
    await unmanned.engine("batch")
    snapshots = [await snapshot(unmanned) for snapshot in (to_review, to_test, to_deploy)]
    unmanned.faults.add(Effect.SLOW, method="GET", path="/search/jql$", seconds=3)
    unmanned.center_faults.add(Effect.SLOW, method="GET", path="/jobs/search/", seconds=3)
    # Of the snapshot that is deployed, the fourth read brings the deployments along.
    unmanned.center_faults.add(Effect.SLOW, method="GET", path=f"/deployableModels/{snapshots[2]}$", seconds=3, skip=3)
    runs = [await unmanned.start(snapshot_id) for snapshot_id in snapshots]

    async def all_look() -> bool:
        if any(fault.times for faults in (unmanned.faults, unmanned.center_faults) for fault in faults.planned):
            return False
        doing = [(await run.describe()).raw_description.pending_activities for run in runs]
        return [[each.activity_type.name for each in each_run] for each_run in doing] == [
            ["open_ticket"],
            ["create_job"],
            ["deploy"],
        ]

    await eventually(all_look)
    worker.freeze()
    second = WorkerProcess(unmanned, tmp_path)
    second.start()

    async def all_made() -> bool:
        made = (
            await unmanned.tickets(),
            await unmanned.jobs(snapshots[1]),
            await unmanned.center.list_deployments(snapshot_id=snapshots[2]),
        )
        return all(made)

    try:
        await eventually(all_made, seconds=180)
    finally:
        second.kill()
    worker.thaw()
    await ends_right(unmanned, *([run] for run in runs))
