"""Add Missing Monitors: which ones, what they bring along, and what happens where one can't be added."""

from datetime import timedelta

import pytest
from deploying import deployed, mend, notifications, out_of_order, said, successor
from office import Office, asset
from paperwork import add_assets, failure_of, next_ticket, text

from mlc.center.modelop import wire
from mlc.model.monitor_plan import CLASSIFICATION, REGRESSION

STABILITY = "Stability Monitor: PSI/CSI"
LACKS_BASELINE = "the snapshot has no asset with the role BASELINE_DATA; mlc monitor baseline SNAPSHOT makes one"
SCHEDULE = {"scheduleId": "nightly", "cronExpression": "0 0 2 * * ?", "action": {"signalName": "x"}}


async def monitors(desk: Office, snapshot_id: str) -> dict[str, wire.Association]:
    associations = (await desk.center.get_snapshot(snapshot_id)).associated_models
    names = [monitor.name for monitor in (await desk.port.get_snapshot(snapshot_id)).monitors]
    found = dict(zip(names, associations, strict=True))
    assert len(found) == len(associations), "a monitor is there twice"
    return found


async def change_monitor(desk: Office, snapshot_id: str, name: str, **changes: object) -> wire.Association:
    """Set something on a monitor of a snapshot, as people do in the centre."""
    found = await monitors(desk, snapshot_id)
    found[name] = wire.Association.model_validate(found[name].wire() | changes)
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [each.wire() for each in found.values()]})
    return found[name]


@pytest.mark.parametrize(
    ("methodology", "expected"),
    [
        ("Regression", REGRESSION),
        ("Linear REGRESSION", REGRESSION),
        ("regression", REGRESSION),
        ("Classification", CLASSIFICATION),
    ],
)
async def test_the_methodology_decides_which_monitors_are_added(
    desk: Office, methodology: str, expected: tuple[str, ...]
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot(methodology=methodology)
    result = await (await desk.start(snapshot_id)).result()
    assert tuple(result.monitors_added) == expected
    assert set(await monitors(desk, snapshot_id)) == set(expected)
    assert result.warnings == []


@pytest.mark.parametrize(("methodology", "named"), [("LLM", "is 'LLM'"), ("", "is not given")])
async def test_a_methodology_that_does_not_decide_gets_classification_and_a_warning(
    desk: Office, methodology: str, named: str
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot(methodology=methodology)
    result = await (await desk.start(snapshot_id)).result()
    assert tuple(result.monitors_added) == CLASSIFICATION
    warning = f"The model's methodology {named}: it gets the monitors of a classification model."
    assert result.warnings == [warning]
    (notification,) = await notifications(desk, snapshot_id)
    assert warning in notification.message
    assert notification.severity == "WARN"


async def test_monitors_that_are_there_already_are_left_alone(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id, _ = await deployed(desk)
    before = await change_monitor(desk, snapshot_id, STABILITY, schedules=[SCHEDULE], associationRole="MINE")
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [before.wire()]})
    result = await (await desk.start(snapshot_id)).result()
    assert set(result.monitors_added) == set(CLASSIFICATION) - {STABILITY}
    after = await monitors(desk, snapshot_id)
    assert after[STABILITY].wire() == before.wire()
    again = await (await desk.start(snapshot_id)).result()
    assert again.monitors_added == []
    assert await monitors(desk, snapshot_id) == after


async def test_a_monitor_whose_asset_is_missing_is_a_warning(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot(without=["BASELINE_DATA"])
    result = await (await desk.start(snapshot_id)).result()
    assert result.outcome == "deployed"
    assert result.monitors_added == ["Performance Monitor: Classification"]
    assert len(result.warnings) == 3
    warning = f"Monitor {STABILITY!r} was not added: {LACKS_BASELINE}."
    assert warning in result.warnings
    assert warning in await said(desk, snapshot_id)


async def test_what_monitors_lack_is_told_to_the_reviewer_and_in_the_result(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"], schemas=[]))
    ticket = await desk.ticket(run, "review")
    warning = f"Not all is there for {', '.join(CLASSIFICATION)}. The model has no input schema"
    assert warning in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert (result.outcome, tuple(result.monitors_added)) == ("deployed", CLASSIFICATION)
    assert any(each.startswith(warning) for each in result.warnings)


async def test_a_monitor_that_the_centre_does_not_have_is_a_warning(desk: Office) -> None:
    await desk.engine("batch")
    (model,) = await desk.center.find_stored_models(STABILITY)
    (await desk.model_manage.delete(f"storedModels/{model.id}")).raise_for_status()
    snapshot_id = await desk.snapshot()
    result = await (await desk.start(snapshot_id)).result()
    assert len(result.monitors_added) == 3
    warning = f"Monitor {STABILITY!r} was not added: the model centre has no snapshot of a monitor of this name."
    assert result.warnings == [warning]
    assert warning in await said(desk, snapshot_id)


async def test_what_was_set_on_a_monitor_goes_on_with_the_next_snapshot(desk: Office) -> None:
    await desk.engine("batch")
    first, _ = await deployed(desk)
    action = {"signalName": "x", "signalVariables": {"MODEL_ID": first}}
    table = asset("psi.dmn", "TEST_RESULT_COMPARATOR", "<definitions/>")
    old = (await monitors(desk, first))[STABILITY]
    await change_monitor(
        desk,
        first,
        STABILITY,
        schedules=[SCHEDULE | {"action": action}],
        associationAssets=[a.wire() for a in [*old.association_assets, table]],
    )
    second = await successor(desk, first)
    await desk.center.patch_snapshot(second, {"associatedModels": []})
    await (await desk.start(second)).result()
    new = (await monitors(desk, second))[STABILITY]
    assert [s.cron_expression for s in new.schedules] == [SCHEDULE["cronExpression"]]
    assert [s.action["signalVariables"] for s in new.schedules] == [{"MODEL_ID": second}]
    assert [s.schedule_id for s in new.schedules] != ["nightly"]
    roles = [(a.asset_role, a.filename) for a in new.association_assets]
    assert roles == [
        ("BASELINE_DATA", "baseline.csv"),
        ("COMPARATOR_DATA", "comparator.csv"),
        ("TEST_RESULT_COMPARATOR", "psi.dmn"),
    ]


@pytest.mark.parametrize(
    "desk", [{"configure": lambda s: s.model_copy(update={"outage_budget": timedelta(seconds=6)})}], indirect=True
)
async def test_an_outage_while_monitors_are_added_becomes_an_error_ticket_after_the_patience(desk: Office) -> None:
    await desk.engine("batch")
    outage = out_of_order(desk, "GET", "/storedModels")
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "error")
    assert (await desk.fields(ticket))["property"]["step"] == "monitors"
    assert "503" in (await desk.fields(ticket))["description"]
    mend(outage)
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert (result.outcome, len(result.monitors_added)) == ("deployed", 4)
    assert result.warnings == []


@pytest.mark.parametrize(
    "desk", [{"configure": lambda s: s.model_copy(update={"monitor_schedule": "0 0 2 * * ?"})}], indirect=True
)
async def test_where_the_setting_says_when_the_monitors_of_a_first_deployment_run_by_themselves(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id, _ = await deployed(desk)
    for name, added in (await monitors(desk, snapshot_id)).items():
        (schedule,) = added.schedules
        assert schedule.cron_expression == "0 0 2 * * ?"
        assert schedule.action["signalVariables"] == {"MODEL_ID": snapshot_id, "MONITOR": name}


def missing_monitors(setting: str) -> dict[str, object]:
    return {"configure": lambda s: s.model_copy(update={"on_missing_monitor": setting})}


BASELINE = asset("baseline.csv", "BASELINE_DATA", b"x,y,score\n1,0,0\n")
WITHOUT = "Data Drift Monitor: Comprehensive Analysis"


async def remove_monitor(desk: Office, name: str) -> None:
    (model,) = await desk.center.find_stored_models(name)
    (await desk.model_manage.delete(f"storedModels/{model.id}")).raise_for_status()


async def test_the_reviewer_learns_which_monitors_will_be_added_and_which_not(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["BASELINE_DATA", "TEST_RESULT_COMPARATOR"]))
    said = await text(desk, await desk.ticket(run, "review"))
    assert "||Performance Monitor: Classification|Will be added.|" in said
    assert f"||{STABILITY}|Can't be added: {LACKS_BASELINE}.|" in said
    assert "An approval deploys the model without those that can't be added" in said
    await desk.decide(run, await desk.ticket(run, "review"), "Done")
    assert (await run.result()).outcome == "deployed"


@pytest.mark.parametrize("desk", [missing_monitors("ask")], indirect=True)
async def test_where_people_are_asked_the_reviewers_approval_says_to_go_on_without(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["BASELINE_DATA", "TEST_RESULT_COMPARATOR"]))
    ticket = await desk.ticket(run, "review")
    assert f"An approval also says that the model is deployed without {WITHOUT} and " in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert (result.outcome, len(result.tickets), len(result.warnings)) == ("deployed", 1, 3)


@pytest.mark.parametrize("desk", [missing_monitors("ask")], indirect=True)
async def test_a_monitor_that_goes_missing_after_the_review_is_asked_about(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    review = await desk.ticket(run, "review")
    await remove_monitor(desk, STABILITY)
    await desk.decide(run, review, "Done")
    ticket = await desk.ticket(run, "error")
    assert f"{STABILITY} can't be added. Shall the model be deployed without?" in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert (result.outcome, len(result.monitors_added), len(result.warnings)) == ("deployed", 3, 1)


@pytest.mark.parametrize("desk", [missing_monitors("ask")], indirect=True)
async def test_where_nobody_reviews_a_ticket_asks_whether_to_go_on_without(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot(without=["BASELINE_DATA"]))
    ticket = await desk.ticket(run, "error")
    fields = await desk.fields(ticket)
    assert fields["summary"].startswith("[Monitors are missing] ")
    assert (fields["property"]["yes"], fields["property"]["no"]) == ("Go on without", "Stop")
    assert "Done or Approved: it is deployed without." in await text(desk, ticket)
    await desk.decide(run, ticket, "Rejected")
    assert (await failure_of(run)).type == "DeploymentAbandoned"


@pytest.mark.parametrize("desk", [missing_monitors("fail")], indirect=True)
async def test_where_none_may_be_missing_the_step_fails_until_it_is_put_right(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira", without=["BASELINE_DATA", "TEST_RESULT_COMPARATOR"])
    run = await desk.start(snapshot_id)
    review = await desk.ticket(run, "review")
    assert "As long as one can't be added, the process does not go on after an approval" in await text(desk, review)
    await desk.decide(run, review, "Done")
    ticket = await desk.ticket(run, "error")
    said = await text(desk, ticket)
    assert f"These monitors can't be added: {WITHOUT}, " in said
    assert f"Can't be added: {LACKS_BASELINE}." in said
    await add_assets(desk, snapshot_id, BASELINE)
    await desk.decide(run, ticket, "Done")
    anew = await next_ticket(desk, run, ticket)  # what was approved has no such file
    assert "Asked anew" in await text(desk, anew)
    await desk.decide(run, anew, "Done")
    result = await run.result()
    assert (result.outcome, len(result.monitors_added), result.warnings) == ("deployed", 4, [])
