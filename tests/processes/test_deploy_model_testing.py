"""Testing: the metrics job, its result, and what can go wrong with both."""

import pytest
from failing import GOOD, metrics_job_cancelled, metrics_job_deleted, metrics_job_error, no_output, start
from office import Office
from paperwork import next_ticket, text

UNREADABLE = {
    "not JSON": (b"auc: 0.9", "is not JSON:"),
    "not text": (b"\xff\xfe\x00", "is not JSON:"),
    "a list": (b'[{"auc": 0.9}, {"auc": 0.8}]', "is a JSON list; the metrics function must yield one dict"),
    "a number": (b"0.9", "is a JSON float; the metrics function must yield one dict"),
    "null": (b"null", "is empty; the metrics function must yield one dict"),
    "too deep": (b"[" * 200_000, "is not JSON:"),
    "an endless integer": (b'{"auc": ' + b"9" * 5000 + b"}", "is not JSON:"),
}


async def test_a_metrics_jobs_messages_stand_on_the_ticket_and_done_tests_again(desk: Office) -> None:
    await desk.engine("batch")
    run = await metrics_job_error(desk)
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert "The step testing did not succeed. What shall happen?" in said
    assert "Done or Approved: that step is tried again, with the snapshot as it is then." in said
    assert "ended as ERROR. ValueError: could not convert 'n/a'" in said
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    result = await run.result()
    assert result.outcome == "deployed"
    assert len(await desk.jobs(result.snapshot_id)) == 2


@pytest.mark.parametrize("result", ["FAILURE", "UNKNOWN", "SUCESS", "", None])
async def test_a_metrics_job_that_is_complete_without_success_has_failed_whatever_it_measured(
    desk: Office, result: str | None
) -> None:
    await desk.engine("batch")
    run = await start(desk, "run_test")
    await desk.finish_job(run, metrics=GOOD, jobResult=result, jobMessages=["ValueError: could not convert 'n/a'"])
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert "ended as COMPLETE" in said
    assert "ValueError: could not convert 'n/a'" in said
    assert await desk.center.list_test_results(run.id.removeprefix("deploy-")) == []
    await desk.decide(run, ticket, "Rejected")
    assert (await run.result()).outcome == "rejected"


async def test_a_job_with_very_long_messages_has_them_attached(desk: Office) -> None:
    lines = [f"line {number}: {'x' * 90}" for number in range(2000)]
    run = await desk.start(await desk.snapshot("run_test"))
    await desk.finish_job(run, status="ERROR", jobMessages=[*lines, "MemoryError"])
    ticket = await desk.ticket(run, "rejection")
    assert "MemoryError" in await text(desk, ticket)
    (attached,) = (await desk.fields(ticket))["attachment"]
    content = (await desk.jira.get(f"attachment/content/{attached['id']}")).raise_for_status().text
    assert lines[0] in content


async def test_a_job_cancelled_in_the_centre_is_a_rejection_ticket_and_done_tests_again(desk: Office) -> None:
    await desk.engine("batch")
    run = await metrics_job_cancelled(desk)
    ticket = await desk.ticket(run, "rejection")
    assert "ended as CANCELLED. The job was cancelled by eve." in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "deployed"


async def test_a_job_deleted_in_the_centre_is_a_rejection_ticket_and_done_tests_again(desk: Office) -> None:
    await desk.engine("batch")
    run = await metrics_job_deleted(desk)
    ticket = await desk.ticket(run, "rejection")
    assert "is no longer in the model centre." in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "deployed"


async def test_a_job_without_output_is_a_rejection_ticket_and_done_tests_again(desk: Office) -> None:
    await desk.engine("batch")
    run = await no_output(desk)
    ticket = await desk.ticket(run, "rejection")
    assert "is empty; the metrics function must yield one dict with the metrics as keys." in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "deployed"


@pytest.mark.parametrize(("output", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_result_that_cant_be_read_is_a_rejection_ticket_that_says_why(
    desk: Office, output: bytes, reason: str
) -> None:
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics=output)
    ticket = await desk.ticket(run, "rejection")
    assert reason in await text(desk, ticket)
    assert await desk.center.list_test_results(run.id.removeprefix("deploy-")) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_metric_that_is_no_number_is_kept_as_null_and_does_not_pass(desk: Office, value: str) -> None:
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics=f'{{"auc": {value}, "f1": 0.9}}'.encode())
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert 'Problem: thresholds.dmn, decision "Thresholds", column "auc": the input "auc" is null' in said
    (kept,) = await desk.center.list_test_results(run.id.removeprefix("deploy-"))
    assert kept.test_results == {"auc": None, "f1": 0.9}


async def test_a_metric_that_is_no_number_and_that_nobody_asks_for_disturbs_nobody(desk: Office) -> None:
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics=b'{"auc": 0.97, "by_class": [0.9, NaN]}')
    assert await desk.ticket(run, "review")


async def test_an_integer_of_400_digits_is_kept_and_judged_like_any_number(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics=b'{"auc": ' + b"9" * 400 + b"}")
    ticket = await desk.ticket(run, "review")
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"
    (kept,) = await desk.center.list_test_results(run.id.removeprefix("deploy-"))
    assert kept.test_results == {"auc": int("9" * 400)}


async def test_a_result_in_a_list_of_one_is_that_result(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test"))
    await desk.finish_job(run, metrics=[GOOD])
    assert (await run.result()).outcome == "deployed"


async def test_several_objects_of_a_result_are_one_if_they_agree(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics=[GOOD, {"more": 1}])
    await desk.ticket(run, "review")
    (kept,) = await desk.center.list_test_results(run.id.removeprefix("deploy-"))
    assert kept.test_results == GOOD | {"more": 1}
    await run.terminate()


async def test_a_failed_test_is_tried_as_often_as_people_ask_for_it(desk: Office) -> None:
    await desk.engine("batch")
    run = await metrics_job_error(desk)
    first = await desk.ticket(run, "rejection")
    await desk.decide(run, first, "Done")
    await desk.finish_job(run, status="ERROR", jobMessages=["again"])
    second = await next_ticket(desk, run, first)
    await desk.decide(run, second, "Done")
    await desk.finish_job(run, metrics=GOOD)
    result = await run.result()
    assert [t.key for t in result.tickets] == [first.key, second.key]
    assert len(await desk.jobs(result.snapshot_id)) == 3
