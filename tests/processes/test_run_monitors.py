"""RunMonitor: which monitor runs on what, what its table asks for, and one question for as long as a breach lasts."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from monitored import BAD, DRIFT, GOOD, STABILITY, begin, carrying, monitor, night, reference, says, thresholds, turn
from office import Office
from paperwork import comments, failure_of, text
from servers import eventually
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from mlc.center.modelop import wire
from mlc.model.monitor_processes import RunMonitorInput, monitor_id
from mlc.standalone.faults import Effect

SILENT = {"configure": lambda settings: settings.model_copy(update={"monitor_silence": timedelta(0)})}


async def lines(desk: Office, issue: dict[str, object]) -> list[str]:
    return [said.partition(" gov-event:")[0] for said in await comments(desk, reference(issue))]


async def links(desk: Office, issue: dict[str, Any]) -> list[str]:
    """Titles of the ticket's links."""
    linked = (await desk.jira.get(f"issue/{issue['key']}/remotelink")).raise_for_status().json()
    return [each["object"]["title"] for each in linked]


async def in_use(desk: Office, snapshot_id: str, state: str = "DEPLOYED") -> str:
    """A deployment of the snapshot; its id."""
    snapshot = await desk.center.get_snapshot(snapshot_id)
    document = {"deployableModel": snapshot.wire(), "state": state}
    return (await desk.center.create_deployment(wire.DeployedModel.model_validate(document))).id


async def state_of(desk: Office, deployment_id: str) -> str:
    return str((await desk.port.get_deployment(deployment_id)).state.value).upper()


async def dies(desk: Office, snapshot_id: str, *, asked: bool) -> None:
    """A bad night whose run is lost: just before its ticket is made, or when it was made and nobody has heard of it."""
    outer = await begin(desk, snapshot_id)
    run = await turn(desk, snapshot_id)
    desk.center_faults.add(Effect.HANG, method="PATCH", path="/modelTestResults/", skip=3 if asked else 2)
    await desk.finish_job(run, metrics=BAD)

    async def hangs() -> bool:
        return len(await desk.tickets()) == 1 if asked else bool(desk.center_faults.hanging)

    await eventually(hangs)
    await run.terminate("as a worker's whole machine that is lost, and the run with it")
    with pytest.raises(WorkflowFailureError):
        await outer.result()
    desk.center_faults.planned.clear()


async def test_the_job_is_the_monitors_and_about_the_snapshot_and_its_result_is_kept_with_that(desk: Office) -> None:
    drift = await monitor(desk, DRIFT, says("Jira"))
    id_ = await carrying(desk, drift)
    result = await night(desk, id_, GOOD)
    assert (result.outcome, result.actions, result.tickets) == ("passed", [], [])
    job = await desk.center.get_job(result.job_id or "")
    assert job.model is not None
    assert job.reference_model is not None
    assert (job.model.id, job.reference_model.id) == (drift.id, id_)
    assert [each.filename for each in job.input_data] == ["baseline.csv", "comparator.csv"]
    kept = await desk.port.get_test_result(result.test_result_id or "")
    assert (kept.snapshot_id, kept.monitor, kept.purpose, kept.values) == (id_, DRIFT, "monitor", GOOD)
    assert kept.verdict is not None
    assert (kept.verdict.passed, kept.breach) == (True, None)
    assert await desk.tickets() == []


async def test_the_tables_that_are_set_on_the_monitor_are_asked_and_not_its_own(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")), assets=(says("None"),))
    assert (await night(desk, id_, BAD)).outcome == "passed"


async def test_a_monitor_without_a_table_judges_nothing_and_says_so(desk: Office) -> None:
    result = await night(desk, await carrying(desk, await monitor(desk)), BAD)
    assert result.verdict is not None
    assert (result.outcome, result.verdict.judged) == ("passed", False)
    assert "has no decision table" in result.verdict.warnings[0]


@pytest.mark.parametrize(
    ("action", "passes", "asked", "tickets", "notices"),
    [
        ("None", "false", [], 0, 0),
        ("Notify", "true", ["notify"], 0, 1),
        ("Notify", "false", ["notify"], 0, 1),
        ("Jira", "false", ["ticket"], 1, 0),
        ("ServiceNow", "true", ["ticket"], 1, 0),
        ("", "false", ["ticket"], 1, 0),
        ("", "true", [], 0, 0),
        ("Page the boss", "true", ["ticket"], 1, 0),
        (" jira ", "true", ["ticket"], 1, 0),
    ],
)
async def test_what_is_done_follows_the_tables_action_row_by_row(
    shared_desk: Office, action: str, passes: str, asked: list[str], tickets: int, notices: int
) -> None:
    before = len(await shared_desk.tickets())
    id_ = await carrying(shared_desk, await monitor(shared_desk, DRIFT, says(action, passes)))
    result = await night(shared_desk, id_, BAD)
    assert result.actions == asked
    assert result.outcome == ("failed" if tickets else "passed")
    assert len(await shared_desk.tickets()) - before == len(result.tickets) == tickets
    said = await shared_desk.center.list_notifications(snapshot_id=id_)
    assert len(said) == notices
    if action == "Page the boss":
        kept = await shared_desk.port.get_test_result(result.test_result_id or "")
        assert kept.verdict is not None
        told = [each for each in kept.verdict.warnings if "the action 'Page the boss' is unknown, so a ticket" in each]
        assert told == kept.verdict.warnings


async def test_a_metric_that_the_table_asks_for_and_the_result_lacks_makes_a_ticket(desk: Office) -> None:
    result = await night(desk, await carrying(desk, await monitor(desk, DRIFT, says("None"))), {"other": 1})
    assert (result.outcome, len(result.tickets)) == ("failed", 1)


async def test_the_ticket_tells_monitor_numbers_and_rule_and_nobody_waits_for_it(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    result = await night(desk, id_, BAD)
    (issue,) = await desk.tickets()
    assert issue["fields"]["summary"].startswith(f"[Monitor: {DRIFT}] model-")
    said = await text(desk, reference(issue))
    for part in ("A monitor of this snapshot raises an alarm", DRIFT, "drift > 0.2", "0.31", "Nobody waits"):
        assert part in said
    assert "has no earlier result on this snapshot to compare with" in said
    (page,) = [each for each in issue["fields"]["attachment"] if each["filename"].startswith("page-")]
    assert page["filename"].endswith(".html")
    attached = (await desk.jira.get(page["content"])).raise_for_status().text
    assert DRIFT in attached
    assert "0.31" in attached
    kept = await desk.port.get_test_result(result.test_result_id or "")
    assert kept.breach is not None
    assert (kept.breach.opened_by, kept.breach.over) == (kept.id, False)
    assert kept.breach.ticket is not None
    assert kept.breach.ticket.key == issue["key"] == result.tickets[0].key


async def test_a_ticket_compares_with_the_monitors_result_before_this_one(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    before = await night(desk, id_, GOOD)
    await night(desk, id_, BAD)
    (issue,) = await desk.tickets()
    said = await text(desk, reference(issue))
    assert f"Before: test result {before.test_result_id}" in said
    assert f"of the monitor '{DRIFT}'" in said
    assert "0.05" in said


async def test_a_breach_that_goes_on_is_one_ticket_with_one_comment_a_day_and_one_when_it_is_over(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    for _ in range(3):
        await night(desk, id_, BAD)
    (issue,) = await desk.tickets()
    (goes_on,) = await lines(desk, issue)
    assert goes_on.startswith("It goes on on 20")
    assert "drift > 0.2" in goes_on
    assert "drift 0.31" in goes_on
    for _ in range(2):
        assert (await night(desk, id_, GOOD)).outcome == "passed"
    _, over = await lines(desk, issue)
    assert over.startswith("It is over: the result of 20")
    assert "drift 0.05" in over
    assert issue["fields"]["status"]["name"] == (await desk.tickets())[0]["fields"]["status"]["name"]


async def test_one_that_is_back_before_its_ticket_was_closed_is_told_there(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    for metrics in (BAD, GOOD, BAD):
        await night(desk, id_, metrics)
    (issue,) = await desk.tickets()
    assert [said.split(" on ")[0].split(":")[0] for said in await lines(desk, issue)] == ["It is over", "It is back"]


async def test_one_that_is_back_after_its_ticket_was_closed_is_a_new_question(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    await night(desk, id_, BAD)
    await night(desk, id_, GOOD)
    await desk.decide(None, reference((await desk.tickets())[0]), "Done")
    await night(desk, id_, BAD)
    assert len(await desk.tickets()) == 2


async def test_closed_while_it_goes_on_nothing_is_said_for_some_days(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    await night(desk, id_, BAD)
    (issue,) = await desk.tickets()
    await desk.decide(None, reference(issue), "Done")
    result = await night(desk, id_, BAD)
    assert (result.outcome, result.tickets) == ("failed", [])
    assert len(await desk.tickets()) == 1
    assert await lines(desk, issue) == []
    kept = await desk.port.get_test_result(result.test_result_id or "")
    assert kept.breach is not None
    assert kept.breach.closed_on is not None


@pytest.mark.parametrize("desk", [SILENT], indirect=True)
async def test_and_then_it_is_asked_anew_on_a_ticket_that_is_linked_to_the_old_one(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    await night(desk, id_, BAD)
    (first,) = await desk.tickets()
    await desk.decide(None, reference(first), "Rejected")
    await night(desk, id_, BAD)
    _, second = await desk.tickets()
    assert f"The ticket before this one, {first['key']}" in await links(desk, second)
    await night(desk, id_, BAD)
    assert len(await desk.tickets()) == 2
    assert len(await lines(desk, second)) == 1


async def test_a_ticket_that_was_deleted_is_asked_anew(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    await night(desk, id_, BAD)
    (first,) = await desk.tickets()
    (await desk.jira.delete(f"issue/{first['key']}")).raise_for_status()
    await night(desk, id_, BAD)
    (second,) = await desk.tickets()
    assert second["key"] != first["key"]


@pytest.mark.parametrize("effect", [Effect.DROP, Effect.DROP_AFTER])
async def test_a_creation_of_which_nobody_knows_whether_it_took_effect_makes_no_second_ticket(
    desk: Office, effect: Effect
) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    desk.faults.add(effect, method="POST", path="/issue$")
    await night(desk, id_, BAD)
    await night(desk, id_, BAD)
    (issue,) = await desk.tickets()
    assert len(await lines(desk, issue)) == 1


async def test_a_job_that_fails_is_no_pass_and_goes_on_as_one_question(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    for _ in range(2):
        result = await night(desk, id_, status="ERROR", jobMessages=["no such column: income"])
        assert result.outcome == "error"
    (issue,) = await desk.tickets()
    assert "The monitor came to no result" in await text(desk, reference(issue))
    assert "no such column: income" in await text(desk, reference(issue))
    await night(desk, id_, GOOD)
    assert len(await lines(desk, issue)) == 2


async def without_production_data(desk: Office) -> str:
    """A snapshot that carries a monitor, has nothing for it to compare, and has scored nothing."""
    drift = await monitor(desk, DRIFT, says("Jira"))
    id_ = await desk.snapshot(without=["COMPARATOR_DATA"])
    association = {"associationRole": "DATA_DRIFT_MODEL", "associatedModel": drift.wire()}
    await desk.center.patch_snapshot(id_, {"associatedModels": [association]})
    return id_


@pytest.mark.parametrize("desk", [SILENT], indirect=True)
async def test_data_that_are_lacking_are_no_pass_either(desk: Office) -> None:
    id_ = await without_production_data(desk)
    for _ in range(2):
        ended = await (await begin(desk, id_)).result()
        assert (await (await turn(desk, id_)).result()).outcome == "error"
    (issue,) = await desk.tickets()
    assert "COMPARATOR_DATA" in await text(desk, reference(issue))
    (told,) = ended.runs
    assert [ticket.key for ticket in told.tickets] == [issue["key"]]
    assert "The monitor came to no result" in told.message


@pytest.mark.parametrize("desk", [{"center": {"standalone": True}}], indirect=True)
async def test_a_new_snapshot_that_has_scored_nothing_yet_is_waited_for(desk: Office) -> None:
    id_ = await without_production_data(desk)
    (told,) = (await (await begin(desk, id_)).result()).runs
    result = await (await turn(desk, id_)).result()
    assert (told.outcome, result.outcome, result.verdict) == ("waiting", "waiting", None)
    assert "Nor has the snapshot scored anything" in told.message
    assert result.warnings[0].startswith(told.message[:100])
    assert await desk.tickets() == []


async def test_two_nights_of_a_breach_make_one_ticket_although_the_worker_is_gone_in_between(
    desk: Office,
) -> None:
    """In the first night the worker dies when the ticket was made and nobody has heard of it yet."""
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    await dies(desk, id_, asked=True)
    result = await night(desk, id_, BAD)
    (issue,) = await desk.tickets()
    assert [ticket.key for ticket in result.tickets] == [issue["key"]]


async def test_a_ticket_that_was_made_and_not_written_down_is_told_that_it_is_over(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    await dies(desk, id_, asked=True)
    assert (await night(desk, id_, GOOD)).outcome == "passed"
    (issue,) = await desk.tickets()
    (over,) = await lines(desk, issue)
    assert over.startswith("It is over: the result of 20")
    await night(desk, id_, BAD)
    assert [each["key"] for each in await desk.tickets()] == [issue["key"]]
    assert (await lines(desk, issue))[-1].startswith("It is back on 20")


async def test_a_breach_that_was_over_before_its_ticket_was_made_makes_none(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    await dies(desk, id_, asked=False)
    for _ in range(2):
        result = await night(desk, id_, GOOD)
        assert (result.outcome, result.tickets) == ("passed", [])
    assert await desk.tickets() == []
    kept = await desk.port.get_test_result(result.test_result_id or "")
    assert kept.breach is None


async def test_one_that_cannot_be_run_keeps_none_of_the_others_from_it(desk: Office) -> None:
    """One is lost from the centre."""
    lost = await monitor(desk, STABILITY)
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")), lost)
    (await desk.model_manage.delete(f"deployableModels/{lost.id}")).raise_for_status()
    outer = await begin(desk, id_, role="DATA_DRIFT_MODEL")
    await desk.finish_job(await turn(desk, id_), metrics=BAD)
    failure = await failure_of(outer)
    assert failure.message.startswith("1 of 2 monitors could not be run.")
    assert len(await desk.tickets()) == 1
    (told,) = await desk.center.list_notifications(snapshot_id=id_)
    assert f"{STABILITY} on" in told.message
    assert "could not be run" in told.message


async def test_a_start_of_monitors_without_input_says_how_to_start_them(desk: Office) -> None:
    for name in ("RunMonitors", "RunMonitor"):
        run = await desk.client.start_workflow(name, id=f"w-{uuid.uuid4()}", task_queue=desk.task_queue)
        failure = await failure_of(run)
        assert "temporal workflow start --type RunMonitors" in failure.message


async def test_a_cancelled_run_of_monitors_ends_its_jobs(desk: Office) -> None:
    drift = await monitor(desk, DRIFT, says("Jira"))
    id_ = await carrying(desk, drift)
    outer = await begin(desk, id_)
    run = await turn(desk, id_)
    job_id = await desk.job_awaited(run)
    await outer.cancel()
    for each in (outer, run):
        with pytest.raises(WorkflowFailureError) as failure:
            await each.result()
        assert isinstance(failure.value.cause, CancelledError)
    assert (await desk.center.get_job(job_id)).job_status == "CANCELLED"
    assert await desk.tickets() == []


async def test_two_at_a_time_are_one_run(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    first = await begin(desk, id_)
    await desk.job_awaited(await turn(desk, id_))
    second = await (await begin(desk, id_)).result()
    (joined,) = second.runs
    assert (joined.joined, joined.workflow_id) == (True, monitor_id(id_, DRIFT))
    await desk.finish_job(await turn(desk, id_), metrics=BAD)
    (ran,) = (await first.result()).runs
    assert (ran.joined, ran.outcome, len(ran.tickets)) == (False, "failed", 1)
    assert len(await desk.tickets()) == 1


async def test_under_another_id_a_run_is_refused_before_it_does_anything(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Jira")))
    run = await desk.begin("RunMonitor", RunMonitorInput(model_id=id_, monitor=DRIFT), dict)
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert monitor_id(id_, DRIFT) in str(failure.value.cause)


async def test_all_monitors_in_a_role_are_run_and_listed_unless_one_is_called_as_is_wished(desk: Office) -> None:
    other = "Another Drift Monitor"
    both = [await monitor(desk, name, says("Jira")) for name in (STABILITY, other)]
    id_ = await carrying(desk, *both)
    outer = await begin(desk, id_, role="DATA_DRIFT_MODEL", called="Data Drift")
    for name in (STABILITY, other):
        await desk.finish_job(await turn(desk, id_, name), metrics=GOOD)
    assert [each.monitor for each in (await outer.result()).runs] == [STABILITY, other]

    id_ = await carrying(desk, *both, await monitor(desk, DRIFT, says("Jira")))
    outer = await begin(desk, id_, role="DATA_DRIFT_MODEL", called="Data Drift")
    await desk.finish_job(await turn(desk, id_), metrics=GOOD)
    assert [each.monitor for each in (await outer.result()).runs] == [DRIFT]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"monitor": "Data Drift Monitor"}, "no monitor 'Data Drift Monitor'; it has .* Was .* meant"),
        ({"role": "PERFORMANCE_MODEL"}, "no monitor in the role PERFORMANCE_MODEL"),
    ],
)
async def test_a_monitor_that_is_not_there_is_said_with_those_that_are(
    desk: Office, given: dict[str, str], said: str
) -> None:
    id_ = await carrying(desk, await monitor(desk))
    failure = await failure_of(await begin(desk, id_, **given))
    assert failure.type == "NoSuchMonitor"
    assert re.search(said, failure.message)


async def test_a_snapshot_that_is_not_there_is_said(desk: Office) -> None:
    failure = await failure_of(await begin(desk, str(uuid.uuid4())))
    assert failure.type == "NoSuchSnapshot"


async def test_undeploy_is_asked_and_done_when_a_person_says_so(desk: Office) -> None:
    await desk.engine("batch")
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Undeploy")))
    deployed = [await in_use(desk, id_, state) for state in ("DEPLOYED", "DEPLOYING")]
    result = await night(desk, id_, BAD)
    assert (result.outcome, result.actions) == ("failed", ["undeploy"])
    (issue,) = await desk.tickets()
    ticket = result.tickets[0]
    assert "Shall this snapshot be taken out of use?" in await text(desk, reference(issue))
    asking = desk.client.get_workflow_handle(f"undeploy-{id_}-{ticket.label}")
    desk.started.append(asking)

    async def waits() -> bool:
        status = await desk.told(asking)
        return bool(status and status["waiting_for"].startswith("an answer"))

    await eventually(waits)
    await night(desk, id_, BAD)  # while it waits, each night is run all the same
    assert len(await desk.tickets()) == 1
    assert len(await lines(desk, issue)) == 1
    await desk.decide(asking, ticket, "Done")
    ended = await asking.result()
    assert ended["outcome"] == "undeployed"
    assert ended["decision"]["ticket"] == ticket.key
    assert sorted(ended["deployments"]) == sorted(deployed)
    assert {await state_of(desk, each) for each in deployed} == {"UNDEPLOYED"}
    assert (await lines(desk, issue))[-1] == "2 deployments of the snapshot were ended."


async def test_undeploy_that_is_rejected_leaves_the_snapshot_in_use(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Undeploy")))
    deployed = await in_use(desk, id_)
    ticket = (await night(desk, id_, BAD)).tickets[0]
    asking = desk.client.get_workflow_handle(f"undeploy-{id_}-{ticket.label}")
    desk.started.append(asking)
    await desk.decide(None, ticket, "Rejected")
    await desk.tell(asking, ticket)
    ended = await asking.result()
    assert (ended["outcome"], ended["deployments"]) == ("rejected", [])
    assert await state_of(desk, deployed) == "DEPLOYED"


@pytest.mark.parametrize(
    "desk", [{"configure": lambda s: s.model_copy(update={"monitor_undeploy": "at_once"})}], indirect=True
)
async def test_undeploy_is_done_at_once_where_a_setting_says_so_and_a_ticket_tells(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, says("Undeploy")))
    deployed = await in_use(desk, id_)
    await night(desk, id_, BAD)
    assert await state_of(desk, deployed) == "UNDEPLOYED"
    (issue,) = await desk.tickets()
    assert "Nobody waits" in await text(desk, reference(issue))


ESCALATES = (("> 0.5", "false", "Undeploy"), ("> 0.2", "false", "Jira"), ("<= 0.2", "true", "None"))


async def test_an_alarm_that_becomes_a_question_about_its_use_is_a_ticket_of_its_own(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, thresholds(*ESCALATES)))
    await night(desk, id_, BAD)
    await night(desk, id_, {"drift": 0.8})
    alarm, question = await desk.tickets()
    assert [each["fields"]["summary"].split("]")[0] for each in (alarm, question)] == ["[Monitor", "[Undeploy"]
    await night(desk, id_, BAD)
    assert len(await desk.tickets()) == 2
    assert len(await lines(desk, question)) == 1
    assert f"The ticket before this one, {alarm['key']}" in await links(desk, question)


async def test_a_question_about_its_use_is_not_linked_to_an_alarms_ticket_that_was_deleted(desk: Office) -> None:
    id_ = await carrying(desk, await monitor(desk, DRIFT, thresholds(*ESCALATES)))
    await night(desk, id_, BAD)
    (alarm,) = await desk.tickets()
    (await desk.jira.delete(f"issue/{alarm['key']}")).raise_for_status()
    await night(desk, id_, {"drift": 0.8})
    (question,) = await desk.tickets()
    assert not [title for title in await links(desk, question) if "before this one" in title]
