"""A batch job that goes no further: its scoring job is ended beside the ticket that tells of it."""

from typing import Any

import pytest
from deploying import trying
from leaving import DOWN, GONE, REFUSED, Part, cancelled_without, job_part, plan
from office import LAKE, Office
from servers import eventually
from temporalio.client import WorkflowFailureError, WorkflowHandle
from test_run_batch_model_job import begin, deployed

from mlc.model.processes import RunBatchModelJobResult


@pytest.fixture(scope="module", autouse=True)
async def deployment(open_desk: Office) -> None:
    await open_desk.engine("batch")
    await deployed(open_desk, "fraud")


@pytest.fixture
def desk(shared_desk: Office) -> Office:
    return shared_desk


async def scoring(desk: Office) -> tuple[WorkflowHandle[Any, RunBatchModelJobResult], Part]:
    """A run that waits for its job; and the part of a clean-up that ends it."""
    run = await begin(desk, "fraud", input_files=[{"url": f"file://{LAKE}/in.csv"}], output_files=[])
    job_id = await desk.job_awaited(run)
    await trying(run, "finish_scoring")  # it has looked, and looks no more until it is told
    return run, job_part(desk, job_id)


@pytest.mark.parametrize("how", ["unhindered", REFUSED, GONE, DOWN])
async def test_a_failed_batch_jobs_scoring_job_is_ended_while_its_ticket_cant_be_made(desk: Office, how: str) -> None:
    run, ended = await scoring(desk)
    plan(desk.center_faults, "GET", f"/jobs/{ended.of}$", 403).times = 1
    no_tickets = plan(desk.faults, "POST", "/issue$", 503)
    if how != "unhindered":
        await ended.hinder(how)
    await run.signal("job_changed", {"job_id": ended.of})

    async def shown() -> bool:
        said = (await run.query("status"))["waiting_for"]
        return "another try: Jira answered 503" in said and (f"cancel the job {ended.of} (" in said) is (how == DOWN)

    await eventually(shown)
    ended.mend()
    if how in {"unhindered", DOWN}:
        await eventually(ended.is_done)
    no_tickets.times = 0
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert getattr(failure.value.cause, "type", None) == "Refused"
    status = await run.query("status")
    assert len(status["result"]["tickets"]) == 1
    assert any("PATCH jobs" in warning for warning in status["result"]["warnings"]) is (how == REFUSED)


@pytest.mark.parametrize("how", [REFUSED, DOWN])
async def test_a_cancelled_batch_job_ends_whatever_is_in_the_way_of_ending_its_scoring_job(
    desk: Office, how: str
) -> None:
    run, ended = await scoring(desk)
    await cancelled_without(run, ended, how)
