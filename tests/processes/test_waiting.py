"""Waiting costs nothing: no history, however long it takes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from office import Office, Run, office
from servers import eventually, skip
from temporalio.testing import WorkflowEnvironment

GOOD = {"auc": 0.97}


@pytest.fixture
async def patient_desk(skipping_server: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Office]:
    def configure(settings):
        return settings.model_copy(update={"job_poll": timedelta(hours=1), "job_deadline": timedelta(days=8)})

    async with office(skipping_server.client, tmp_path, configure=configure) as opened:
        yield opened


async def events(run: Run) -> int:
    return (await run.describe()).history_length


async def test_thirty_days_of_waiting_for_a_reviewer_add_no_history(
    patient_desk: Office, skipping_server: WorkflowEnvironment
) -> None:
    await patient_desk.engine("batch")
    run = await patient_desk.start(await patient_desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await patient_desk.ticket(run, "review")
    before = await events(run)
    await skip(skipping_server, timedelta(days=30))
    assert await events(run) == before
    await patient_desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"


async def test_a_week_of_waiting_for_a_job_adds_no_history(
    patient_desk: Office, skipping_server: WorkflowEnvironment
) -> None:
    await patient_desk.engine("batch")
    run = await patient_desk.start(await patient_desk.snapshot("run_test"))

    async def awaited() -> bool:
        return " job " in (await patient_desk.status(run)).waiting_for

    await eventually(awaited)
    await skip(skipping_server, timedelta(minutes=1))  # until the job is waited for by the server's retries alone
    before = await events(run)
    await skip(skipping_server, timedelta(days=7))
    assert await events(run) == before
    await patient_desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "deployed"


async def test_a_job_over_its_deadline_is_cancelled_and_makes_a_rejection_ticket(
    patient_desk: Office, skipping_server: WorkflowEnvironment
) -> None:
    snapshot_id = await patient_desk.snapshot("run_test")
    run = await patient_desk.start(snapshot_id)

    async def awaited() -> bool:
        return " job " in (await patient_desk.status(run)).waiting_for

    await eventually(awaited)
    await skip(skipping_server, timedelta(days=9))
    ticket = await patient_desk.ticket(run, "rejection")
    assert "8 days" in (await patient_desk.fields(ticket))["description"]
    assert [job["jobStatus"] for job in await patient_desk.jobs(snapshot_id)] == ["CANCELLED"]
    await patient_desk.decide(run, ticket, "Rejected")
    assert (await run.result()).outcome == "rejected"
