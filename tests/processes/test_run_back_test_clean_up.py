"""What a back test ends and tells when it goes no further: neither waits for the other, and none of it is lost."""

from typing import Any

import pytest
from deploying import notifications, trying
from leaving import DOWN, GONE, REFUSED, Part, cancelled_without, held_up, job_part, plan
from office import Office
from servers import eventually
from temporalio.client import WorkflowFailureError, WorkflowHandle

from mlc.model.processes import RunBackTestInput, RunBackTestResult


@pytest.fixture
def desk(shared_desk: Office) -> Office:
    return shared_desk


async def under_test(desk: Office) -> tuple[str, WorkflowHandle[Any, RunBackTestResult], Part]:
    """A back test that waits for its job; and the part of a clean-up that ends it."""
    snapshot_id = await desk.snapshot()
    run = await desk.begin("RunBackTest", RunBackTestInput(model_id=snapshot_id), RunBackTestResult)
    job_id = await desk.job_awaited(run)
    await trying(run, "judge_back_test")  # it has looked, and looks no more until it is told
    return snapshot_id, run, job_part(desk, job_id)


def notice_part(desk: Office, snapshot_id: str) -> Part:
    async def is_done() -> bool:
        return len(await notifications(desk, snapshot_id)) == 1

    async def hinder(how: str) -> None:
        status = {REFUSED: 403, GONE: 404, DOWN: 503}[how]
        part.faults += [plan(desk.center_faults, "POST", "/notifications$", status)]

    part = Part("notify", is_done, hinder)
    return part


@pytest.mark.parametrize(
    ("job", "notice"),
    [(REFUSED, DOWN), (GONE, REFUSED), (DOWN, GONE), (DOWN, DOWN)],
)
async def test_a_failed_back_tests_job_is_ended_and_its_failure_told_whatever_is_in_the_way(
    desk: Office, job: str, notice: str
) -> None:
    snapshot_id, run, ended = await under_test(desk)
    told = notice_part(desk, snapshot_id)
    plan(desk.center_faults, "GET", f"/jobs/{ended.of}$", 403).times = 1
    await ended.hinder(job)
    await told.hinder(notice)
    await run.signal("job_changed", {"job_id": ended.of})
    down = [part for part, how in ((ended, job), (told, notice)) if how == DOWN]
    if down:
        await held_up(run, down)
    for part in down:
        part.mend()
        await eventually(part.is_done)
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert getattr(failure.value.cause, "type", None) == "Refused"
    warnings = " ".join((await run.query("status"))["result"]["warnings"])
    assert ("PATCH jobs" in warnings) is (job == REFUSED)
    assert ("POST notifications" in warnings) is (notice in {REFUSED, GONE})


@pytest.mark.parametrize("how", [REFUSED, GONE, DOWN])
async def test_a_cancelled_back_test_ends_whatever_is_in_the_way_of_ending_its_job(desk: Office, how: str) -> None:
    _, run, ended = await under_test(desk)
    await cancelled_without(run, ended, how)
