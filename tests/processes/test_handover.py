"""A run goes on as a new one at every wait, with all that it needs in one state: same keys, same result.

The server of these tests suggests a new run after a few events, so that each wait for a ticket or a job is a stop: the
state is written as JSON there, and read again by a run that knows nothing else.
"""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deploying import abandoned, cancelled, deployed, fail, load, loading, mend, out_of_order, places, successor
from failing import BAD, GOOD
from office import Office, Run, asset, chain, office
from paperwork import next_ticket, text
from servers import eventually
from temporalio import workflow
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import Priority, RetryPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from mlc.model.deployment import Deployment, DeploymentMode
from mlc.model.failure import innermost
from mlc.model.open_tickets import mint
from mlc.model.policy import Policy
from mlc.model.processes import (
    DeployModelInput,
    DeployModelResult,
    Outcome,
    Phase,
    RunBackTestInput,
    RunBackTestResult,
    RunBatchModelJobInput,
    RunBatchModelJobResult,
    StepRecord,
    StepStatus,
    deploy_model_id,
)
from mlc.model.state import LARGEST, DeployModelStart, DeployModelState
from mlc.model.ticket import TicketRef
from mlc.settings import ProcessSettings


async def begun_anew(run: Run, times: int) -> None:
    """Wait until the run was handed over at least so often."""

    async def often() -> bool:
        return len(await chain(run)) > times

    await eventually(often)


def label(run: Run, kind: str, step: str, attempt: int) -> str:
    return mint("gov", run.id, run.first_execution_run_id or "", f"{kind}|{step}", attempt)


async def test_the_next_run_and_the_activities_keep_their_turn(restless: Office) -> None:
    """By the fairness key that the first one was started with."""
    desk = restless
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("train")
    run = await desk.client.start_workflow(
        "DeployModel",
        DeployModelInput(snapshot_id=snapshot_id),
        id=deploy_model_id(snapshot_id),
        task_queue=desk.task_queue,
        priority=Priority(fairness_key="credit"),
    )
    await desk.finish_job(run, status="ERROR", jobMessages=["KeyError: 'y'"])
    await begun_anew(run, 1)
    described = (await run.describe()).raw_description
    assert described.workflow_execution_info.execution.run_id != run.first_execution_run_id
    assert described.workflow_execution_info.priority.fairness_key == "credit"
    priorities = [
        event.activity_task_scheduled_event_attributes.priority.fairness_key
        for each in await chain(run)
        for event in (await each.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert set(priorities) <= {"", "credit"}  # nothing of its own: the run's
    await run.cancel()


async def test_training_test_and_review_go_on_where_they_were(restless: Office) -> None:
    desk = restless
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot("train", "run_test", "jira")
    run = await desk.start(snapshot_id)
    await begun_anew(run, 1)
    await desk.finish_job(run, outputData=[asset("model.pkl", "UNKNOWN", b"trained").wire()])
    await desk.finish_job(run, metrics=GOOD)
    ticket = await desk.ticket(run, "review")
    await begun_anew(run, 3)
    await desk.tell(run, ticket)
    await desk.decide(run, ticket, "Done", customfield_10042="2099-05-01")
    await load(desk, *(await loading(desk, snapshot_id)).values())
    result = await run.result()
    assert result.outcome is Outcome.DEPLOYED
    assert [t.label for t in result.tickets] == [ticket.label] == [label(run, "review", "review", 1)]
    assert str(result.expiration_date) == "2099-05-01"
    assert result.monitors_added
    jobs = await desk.jobs(snapshot_id)
    keys = sorted(job["jobParameters"]["mlcKey"] for job in jobs)
    expected = [
        mint("job", run.id, run.first_execution_run_id or "", *each) for each in (("training", 0), ("metrics", 1))
    ]
    assert keys == sorted(expected)
    assert len(await desk.tickets()) == 1


async def test_every_failure_ticket_is_waited_for_by_the_next_run_and_asked_once(restless: Office) -> None:
    """Four questions, one after the other: the third of a kind has the third key, not the first one's answer."""
    desk = restless
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot("train", "run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, status="ERROR", jobMessages=["KeyError: 'y'"])
    await desk.decide(run, await answered(desk, run, "rejection", 1), "Done")
    await desk.finish_job(run, outputData=[asset("model.pkl", "UNKNOWN", b"trained").wire()])
    await desk.finish_job(run, metrics=BAD)
    await desk.decide(run, await answered(desk, run, "rejection", 2), "Done")
    await desk.finish_job(run, metrics=GOOD)
    await desk.decide(run, await answered(desk, run, "review", 3), "Done")
    await fail(desk, (await loading(desk, snapshot_id))["online"])
    await desk.decide(run, await answered(desk, run, "error", 4), "Done")
    await load(desk, *(await loading(desk, snapshot_id)).values())
    result = await run.result()
    assert result.outcome is Outcome.DEPLOYED
    assert [t.label for t in result.tickets] == [
        label(run, "rejection", "training", 1),
        label(run, "rejection", "review", 2),
        label(run, "review", "review", 3),
        label(run, "error", "deployment", 4),
    ]
    assert len(await desk.tickets()) == 4
    assert len(await desk.jobs(snapshot_id)) == 4
    assert await places(desk, snapshot_id) == [("online", "DEPLOYED"), ("online", "UNDEPLOYED")]


async def test_a_question_about_a_newer_snapshot_is_still_about_that_one_in_the_next_run(restless: Office) -> None:
    desk = restless
    await desk.engine("batch")
    low = await desk.snapshot()
    high, highest = [await successor(desk, low) for _ in range(2)]
    await (await desk.start(high)).result()
    run = await desk.start(low)
    ticket = await answered(desk, run, "error", 1)
    await (await desk.start(highest)).result()
    await desk.decide(run, ticket, "Done")
    again = await next_ticket(desk, run, ticket)
    await desk.decide(run, again, "Done")
    result = await run.result()
    assert result.outcome is Outcome.DEPLOYED
    assert [(each.deployment.snapshot_id, each.ticket) for each in result.replaces] == [
        (high, ticket.key),
        (highest, again.key),
    ]
    assert await places(desk, highest) == [("batch", "UNDEPLOYED")]


async def test_an_earlier_verdict_and_monitors_that_were_told_of_are_handed_over(
    restless_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    def ask(settings: ProcessSettings) -> ProcessSettings:
        return settings.model_copy(update={"on_missing_monitor": "ask"})

    async with office(restless_server.client, tmp_path, configure=ask) as desk:
        await desk.engine("batch")
        snapshot_id = await desk.snapshot("run_test", "jira", without=["BASELINE_DATA"])
        run = await desk.start(snapshot_id)
        await desk.finish_job(run, metrics=BAD)
        failed = await answered(desk, run, "rejection", 1)
        await desk.decide(run, failed, "Done")
        await desk.finish_job(run, metrics=GOOD)
        review = await answered(desk, run, "review", 2)
        assert f"ticket {failed.key}" in await text(desk, review)
        (monitor,) = await desk.center.find_stored_models("Performance Monitor: Classification")
        (await desk.model_manage.delete(f"storedModels/{monitor.id}")).raise_for_status()
        await desk.decide(run, review, "Done")
        await desk.decide(run, await answered(desk, run, "error", 3), "Done")
        result = await run.result()
    assert (result.outcome, result.monitors_added, len(result.warnings)) == (Outcome.DEPLOYED, [], 4)
    assert len(result.tickets) == 3


async def answered(desk: Office, run: Run, kind: str, number: int) -> TicketRef:
    """The open ticket of a kind, once the run has been handed over while it waits for it."""
    ticket = await desk.ticket(run, kind)
    await begun_anew(run, number)
    assert len(await desk.tickets()) == number
    # Found by its search attribute, as webhooks and the sweep do.
    query = f"MlcTickets = '{ticket.label}' AND ExecutionStatus = 'Running'"

    async def found() -> bool:
        return [each.id async for each in desk.client.list_workflows(query)] == [run.id]

    await eventually(found)
    return ticket


async def test_a_stop_after_an_error_undoes_what_an_earlier_run_of_the_chain_deployed(restless: Office) -> None:
    desk = restless
    await desk.engine("one", online=True)
    await desk.engine("two", online=True)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    both = await loading(desk, snapshot_id, 2)
    await load(desk, both["one"])
    await fail(desk, both["two"])
    ticket = await answered(desk, run, "error", 1)
    await desk.decide(run, ticket, "Rejected")
    await abandoned(run)
    assert await places(desk, snapshot_id) == [("one", "UNDEPLOYED"), ("two", "UNDEPLOYED")]


async def test_a_cancelled_run_withdraws_the_ticket_of_an_earlier_run_of_the_chain(restless: Office) -> None:
    run = await restless.start(await restless.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await answered(restless, run, "review", 1)
    await run.cancel()
    with pytest.raises(WorkflowFailureError):
        await run.result()
    assert (await restless.fields(ticket))["status"]["name"] == "Withdrawn"


async def test_a_deployed_snapshot_takes_over_after_a_review_in_another_run(restless: Office) -> None:
    desk = restless
    await desk.engine("batch")
    old, _ = await deployed(desk, without=["TEST_RESULT_COMPARATOR"])
    snapshot_id = await successor(desk, old, "jira")
    run = await desk.start(snapshot_id)
    await desk.decide(run, await answered(desk, run, "review", 1), "Done")
    assert (await run.result()).outcome is Outcome.DEPLOYED
    assert await places(desk, old) == [("batch", "UNDEPLOYED")]


async def test_a_back_test_and_a_batch_job_wait_for_their_job_across_runs(restless: Office) -> None:
    desk = restless
    await desk.engine("batch")
    snapshot_id, _ = await deployed(desk, "fraud")
    back_test = await desk.begin("RunBackTest", RunBackTestInput(model_id=snapshot_id), RunBackTestResult)
    request = RunBatchModelJobInput.model_validate({"tag": "fraud", "input_files": [{"url": "file:///lake/in.csv"}]})
    batch = await desk.begin("RunBatchModelJob", request, RunBatchModelJobResult)
    for run in (back_test, batch):
        await hand_over(desk, run)
    await desk.finish_job(back_test, metrics=GOOD)
    await desk.finish_job(batch, outputData=[asset("out.json", "UNKNOWN", b"1").wire()])
    tested, scored = await back_test.result(), await batch.result()
    assert (tested.outcome, tested.verdict.passed) == (Outcome.PASSED, True)
    assert (scored.runtime, scored.output_count) == ("batch", 1)
    assert len(await desk.jobs(snapshot_id)) == 2


async def hand_over(desk: Office, run: Run) -> None:
    """Tell a run so often that its job may have ended that its history becomes long."""
    job_id = await desk.job_awaited(run)
    for _ in range(5):
        await run.signal("job_changed", {"job_id": job_id})
    await begun_anew(run, 1)


async def test_a_thousand_hints_make_a_new_run_where_the_server_suggests_none(desk: Office) -> None:
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await desk.ticket(run, "review")
    for _ in range(1_000):
        await run.signal("ticket_changed", {"provider": "jira", "key": "OTHER-1"})
    await begun_anew(run, 1)
    await desk.decide(run, ticket, "Rejected")
    assert (await run.result()).outcome is Outcome.REJECTED
    assert len(await desk.tickets()) == 2  # with the record of the rejection


async def test_a_rejection_stays_one_whatever_becomes_of_the_tag_while_it_could_not_be_recorded(
    restless: Office,
) -> None:
    desk = restless
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"])
    run = await desk.start(snapshot_id)
    review = await answered(desk, run, "review", 1)
    refused = out_of_order(desk, "PATCH", "/deployableModels/", status=403)
    await desk.decide(run, review, "Rejected")
    ticket = await desk.ticket(run, "error")
    await begun_anew(run, 2)
    mend(refused)
    await desk.center.patch_snapshot(snapshot_id, {"metaData": {"tags": []}})
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert result.outcome is Outcome.REJECTED
    assert result.expiration_date is None
    assert await places(desk, snapshot_id) == []


async def test_a_cancel_that_comes_together_with_the_last_hint_is_not_lost(restless: Office) -> None:
    for _ in range(4):
        run = await restless.start(await restless.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
        ticket = await restless.ticket(run, "review")
        await asyncio.gather(*(restless.tell(run, ticket) for _ in range(6)), run.cancel())
        await cancelled(run)
        assert (await restless.fields(ticket))["status"]["name"] == "Withdrawn"


async def test_a_run_with_a_retry_policy_keeps_its_history_and_ends_well(restless: Office) -> None:
    """What comes after a retry has the same input, so that its state could not be told from a forged one."""
    snapshot_id = await restless.snapshot("jira", without=["TEST_RESULT_COMPARATOR"])
    run: Run = await restless.client.start_workflow(
        "DeployModel",
        DeployModelInput(snapshot_id=snapshot_id),
        id=deploy_model_id(snapshot_id),
        task_queue=restless.task_queue,
        retry_policy=RetryPolicy(maximum_attempts=1),
        result_type=DeployModelResult,
    )
    ticket = await restless.ticket(run, "review")
    for _ in range(20):
        await restless.tell(run, ticket)
    await restless.decide(run, ticket, "Rejected")
    assert (await run.result()).outcome is Outcome.REJECTED
    assert len(await chain(run)) == 1


async def test_where_older_workers_are_about_no_run_is_handed_over(
    restless_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    def without(settings: ProcessSettings) -> ProcessSettings:
        return settings.model_copy(update={"handover": False})

    async with office(restless_server.client, tmp_path, configure=without) as desk:
        run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
        ticket = await desk.ticket(run, "review")
        for _ in range(20):
            await desk.tell(run, ticket)
        await desk.decide(run, ticket, "Rejected")
        assert (await run.result()).outcome is Outcome.REJECTED
        assert len(await chain(run)) == 1


def test_a_run_that_began_before_runs_could_be_handed_over_never_is() -> None:
    """Its policy was fixed when it began."""
    assert not Policy.model_validate_json("{}").handover


@workflow.defn(name="Impostor")
class Impostor:
    """Somebody else's workflow, which continues as one of ours, with a state that it has made up."""

    @workflow.run
    async def run(self, task_queue: str, forged: Any) -> None:
        workflow.continue_as_new(forged, workflow="DeployModel", task_queue=task_queue)


async def test_a_workflow_of_somebody_else_that_continues_as_ours_is_refused(
    desk: Office, dev_server: WorkflowEnvironment
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira")
    state = DeployModelState.new(snapshot_id)
    state.status.phase = Phase.DEPLOYMENT
    forged = DeployModelStart(snapshot_id=snapshot_id, carried=state)
    own = f"impostor-{uuid.uuid4()}"
    theirs = dev_server.client  # without our plugin
    async with Worker(theirs, task_queue=own, workflows=[Impostor], workflow_runner=UnsandboxedWorkflowRunner()):
        run = await theirs.start_workflow(
            "Impostor", args=[desk.task_queue, forged], id=deploy_model_id(snapshot_id), task_queue=own
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await run.result()
    assert getattr(innermost(failure.value), "type", None) == "ForgedState"
    assert await places(desk, snapshot_id) == []
    assert await desk.tickets() == []


FORGED: list[dict[str, Any]] = [
    {},
    {"retry_policy": RetryPolicy(maximum_attempts=2)},
]


async def forged(desk: Office, **options: Any) -> tuple[str, WorkflowHandle[Any, Any]]:
    """A run that somebody started with the state of one that is about to deploy."""
    snapshot_id = await desk.snapshot("jira")
    state = DeployModelState.new(snapshot_id)
    state.status.phase = Phase.DEPLOYMENT
    run = await desk.client.start_workflow(
        "DeployModel",
        DeployModelStart(snapshot_id=snapshot_id, carried=state),
        id=deploy_model_id(snapshot_id),
        task_queue=desk.task_queue,
        **options,
    )
    return snapshot_id, run


@pytest.mark.parametrize("options", FORGED, ids=["plain", "retried"])
async def test_a_start_with_somebody_elses_state_is_refused(desk: Office, options: dict[str, Any]) -> None:
    snapshot_id, run = await forged(desk, **options)
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert getattr(failure.value.cause, "type", None) == "ForgedState"
    assert await places(desk, snapshot_id) == []


async def test_no_run_of_a_cron_takes_somebody_elses_state_although_each_continues_the_one_before(
    desk: Office,
) -> None:
    snapshot_id, run = await forged(desk, cron_schedule="@every 1s")

    async def ended_twice() -> list[str]:
        query = f"WorkflowId = '{run.id}' AND ExecutionStatus != 'Running'"
        runs = [each.run_id async for each in desk.client.list_workflows(query)]
        return runs if len(runs) > 1 else []

    for run_id in await eventually(ended_twice, seconds=60):
        history = await desk.client.get_workflow_handle(run.id, run_id=run_id).fetch_history()
        assert "ForgedState" in str(history.events[-1])
    await desk.client.get_workflow_handle(run.id).terminate()
    assert await places(desk, snapshot_id) == []


def test_a_state_of_a_very_long_story_has_at_most_32_kib_and_keeps_its_counters() -> None:
    state = DeployModelState.new("s")
    began = datetime(2026, 1, 1, tzinfo=UTC)
    ref = TicketRef(provider="jira", id="1", key="MLR-1", url="https://jira.example.com/browse/MLR-1", label="gov-1")
    for number in range(2_000):
        step = StepRecord(phase=Phase.TESTING, status=StepStatus.FAILED, started=began + timedelta(hours=number))
        step.note = "x" * 300
        state.status.steps.append(step)
        state.status.result.tickets.append(ref)
        state.status.result.warnings.append("w" * 300)
        state.questions.remarks.append(f"{number:016x}")
    state.questions.attempts, state.jobs.made = 2_000, 1_999
    handed_over = state.handed_over()
    assert handed_over is not None
    text = handed_over.model_dump_json()
    assert len(text.encode()) <= LARGEST
    again = DeployModelState.model_validate_json(text)
    assert again == handed_over
    assert (again.questions.attempts, again.jobs.made) == (2_000, 1_999)
    assert again.status.steps[-1] == state.status.steps[-1]
    assert len(state.status.steps) == 2_000  # the run that hands over keeps its own


def test_a_state_that_can_not_be_made_small_is_not_handed_over_at_all() -> None:
    state = DeployModelState.new("s")
    for number in range(500):
        made = Deployment(id=f"{number:036}", mode=DeploymentMode.ONLINE, runtime=f"runtime-{number}")
        state.rollout.made[f"{number:036}"] = made
    assert state.handed_over() is None
