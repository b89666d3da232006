"""The expiration date: the ticket's, or a year from now, and what is kept with it."""

import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from failing import GOOD
from office import Office, Run, office
from paperwork import remarked, remarks, text
from servers import eventually, skip
from temporalio.testing import WorkflowEnvironment

from mlc.model.ticket import TicketRef
from workflows.steps.outcome import one_year_after

FIELD = "customfield_10042"


async def review(desk: Office) -> tuple[Run, TicketRef]:
    """A run that waits for its reviewer."""
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    return run, await desk.ticket(run, "review")


async def set_date(desk: Office, ticket: TicketRef, value: str | None) -> None:
    (await desk.jira.put(f"issue/{ticket.key}", json={"fields": {FIELD: value}})).raise_for_status()


async def expired_on(desk: Office, run: Run) -> date:
    """The run's expiration date, which is the snapshot's too."""
    result = await run.result()
    assert result.expiration_date is not None
    snapshot = await desk.center.get_snapshot(result.snapshot_id)
    assert (snapshot.model_extra or {})["expirationDate"] == result.expiration_date.isoformat()
    return result.expiration_date


def write_anything(folder: Path, value: str) -> None:
    """Edit the date as where the field is one for any text: the desk's own takes dates only."""
    with sqlite3.connect(folder / "desk.db") as database:
        database.execute("UPDATE issue SET expiration = ?", (value,))


def in_a_year() -> set[date]:
    """One year from now, were it midnight meanwhile."""
    now = datetime.now(UTC)
    return {one_year_after((now - timedelta(minutes=minutes)).date()) for minutes in (0, 5)}


async def test_the_tickets_expiration_date_is_the_snapshots(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Done", **{FIELD: "2031-03-31"})
    assert await expired_on(desk, run) == date(2031, 3, 31)


async def test_an_empty_expiration_date_means_one_year(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Done")
    assert await expired_on(desk, run) in in_a_year()


@pytest.mark.parametrize("desk", [{"expiration_field": False}], indirect=True)
async def test_a_project_without_the_field_means_one_year_and_the_ticket_does_not_name_the_field(desk: Office) -> None:
    run, ticket = await review(desk)
    assert "Expiration Date" not in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    assert await expired_on(desk, run) in in_a_year()


@pytest.mark.parametrize("correction", ["2099-01-01", None], ids=["another date", "no date"])
async def test_a_date_in_the_past_keeps_the_question_open_until_it_is_corrected(
    desk: Office, correction: str | None
) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Done", **{FIELD: "2001-01-01"})
    said = await remarked(desk, run, ticket)
    assert said == "Expiration Date is 2001-01-01, which is past: set a date in the future."
    for _ in range(3):
        await desk.tell(run, ticket)
    await set_date(desk, ticket, correction)
    await desk.tell(run, ticket)
    assert await expired_on(desk, run) in ({date(2099, 1, 1)} if correction else in_a_year())
    assert len(await remarks(desk, ticket)) == 1


async def test_another_date_in_the_past_is_another_remark(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Done", **{FIELD: "2001-01-01"})
    await remarked(desk, run, ticket)
    await set_date(desk, ticket, "2002-02-02")
    await desk.tell(run, ticket)

    async def remarked_again() -> bool:
        return "2002-02-02" in (await desk.status(run)).waiting_for

    await eventually(remarked_again)
    assert [remark[:29] for remark in await remarks(desk, ticket)] == [
        "Expiration Date is 2001-01-01",
        "Expiration Date is 2002-02-02",
    ]


async def test_a_date_that_cant_be_read_keeps_the_question_open_until_it_is_corrected(
    desk: Office, tmp_path: Path
) -> None:
    run, ticket = await review(desk)
    write_anything(tmp_path, "next summer")
    await desk.decide(run, ticket, "Done")
    said = await remarked(desk, run, ticket)
    assert said == "Expiration Date holds no date that can be read: write it as 2030-12-31."
    write_anything(tmp_path, "2099-01-01")
    await desk.tell(run, ticket)
    assert await expired_on(desk, run) == date(2099, 1, 1)
    assert len(await remarks(desk, ticket)) == 1


async def test_a_rejection_is_taken_whatever_the_date_says(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Rejected", **{FIELD: "2001-01-01"})
    result = await run.result()
    assert (result.outcome, result.expiration_date) == ("rejected", None)
    assert await remarks(desk, ticket) == []


async def test_one_year_from_29_february_is_28_february(skipping_server: WorkflowEnvironment, tmp_path: Path) -> None:
    async with office(skipping_server.client, tmp_path) as desk:
        run, ticket = await review(desk)
        now = await skipping_server.get_current_time()
        leap_day = next(
            datetime(year, 2, 29, 12, tzinfo=UTC)
            for year in range(now.year, now.year + 9)
            if one_year_after(date(year, 3, 1)) > now.date()
            and year % 4 == 0
            and datetime(year, 2, 29, tzinfo=UTC) > now
        )
        await skip(skipping_server, leap_day - now)
        await desk.decide(run, ticket, "Done")
        assert await expired_on(desk, run) == date(leap_day.year + 1, 2, 28)


async def test_decision_verdict_and_hashes_of_the_assets_are_kept_on_the_snapshot(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", "jira")
    before = await desk.center.get_snapshot(snapshot_id)
    run = await desk.start(snapshot_id)
    job_id = await desk.finish_job(run, metrics=GOOD)
    ticket = await desk.ticket(run, "review")
    await desk.comment(ticket, "Looks right.")
    await desk.decide(run, ticket, "Done", **{FIELD: "2031-03-31"})
    assert await expired_on(desk, run) == date(2031, 3, 31)
    result = await run.result()
    kept = (await desk.center.get_snapshot(snapshot_id)).meta_data.custom["mlcDecision"]
    assert kept["decision"]["outcome"] == "approved"
    assert "bot" in kept["decision"]["by"]
    assert kept["decision"]["reason"] == "Looks right."
    assert (kept["decision"]["status"], kept["decision"]["resolution"]) == ("Done", "Done")
    assert kept["decision"]["url"] == ticket.url
    assert kept["verdict"]["passed"]
    assert (kept["testResultId"], kept["jobId"]) == (result.test_result_id, job_id)
    assert kept["workflowId"] == run.id
    hashes = {a.filename: a.content_hash.hex_string for a in before.stored_model.model_assets if a.content_hash}
    assert kept["assets"] == hashes
    assert len(hashes) == 6
