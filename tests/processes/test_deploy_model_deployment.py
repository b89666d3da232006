"""Model Deployment: what happens where a deployment fails, never loads, is taken away or can't be undone."""

from datetime import timedelta

import pytest
from deploying import (
    abandoned,
    deployed,
    deployments,
    fail,
    load,
    loading,
    out_of_order,
    place,
    places,
    said,
    schedule,
    successor,
)
from office import Office
from paperwork import text

from mlc.standalone.faults import Effect


async def three_runtimes(desk: Office) -> None:
    for name in ("east", "north", "west"):
        await desk.engine(name, online=True)


async def test_only_the_deployment_that_failed_is_tried_again(desk: Office) -> None:
    await three_runtimes(desk)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ids = await loading(desk, snapshot_id, 3)
    await load(desk, ids["east"], ids["west"])
    await fail(desk, ids["north"], "init failed: no model.pkl")
    ticket = await desk.ticket(run, "error")
    assert "1 of 3 deployments failed. north: init failed: no model.pkl" in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    again = await loading(desk, snapshot_id)
    assert again.keys() == {"north"}
    await load(desk, *again.values())
    result = await run.result()
    assert {d.runtime: d.id for d in result.deployments} == ids | again
    assert await places(desk, snapshot_id) == [
        ("east", "DEPLOYED"),
        ("north", "DEPLOYED"),
        ("north", "UNDEPLOYED"),
        ("west", "DEPLOYED"),
    ]
    assert desk.center_faults.requests.count("POST /model-manage/api/deployedModels") == 4


async def test_where_a_deployment_answers_and_that_it_was_not_tried_is_in_the_result_and_the_notification(
    desk: Office,
) -> None:
    await three_runtimes(desk)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ids = await loading(desk, snapshot_id, 3)
    told = {"mlcAddress": "http://north/deployments/d/score", "mlcWarning": "Not tried: no record."}
    await desk.center.patch_deployment(ids["north"], {"metaData": {"custom": told}})
    await load(desk, *ids.values())
    result = await run.result()
    assert result.warnings == ["online on north: Not tried: no record."]
    assert {d.runtime: d.address for d in result.deployments} == {
        "east": "",
        "north": "http://north/deployments/d/score",
        "west": "",
    }
    notification = await said(desk, snapshot_id)
    assert "online on north at http://north/deployments/d/score" in notification
    assert "online on north: Not tried: no record." in notification


async def test_a_model_that_can_not_score_its_test_data_is_an_error_ticket_with_record_and_traceback(
    desk: Office,
) -> None:
    await desk.engine("north", online=True)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ids = await loading(desk, snapshot_id)
    trace = ["Traceback (most recent call last):", '  File "model.py", line 3, in s', "KeyError: 'b'"]
    told = "The model can't score record 1 of test.csv, {\"a\": 1}: The score function 's' of model.py failed: KeyError"
    failed = {"state": "ERROR", "messages": [told, "printed " * 400, *trace, told]}
    await desk.center.patch_deployment(ids["north"], failed)
    ticket = await desk.ticket(run, "error")
    for line in [*trace, told]:
        assert " ".join(line.split()) in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    again = await loading(desk, snapshot_id)
    await load(desk, *again.values())
    assert (await run.result()).warnings == []


async def test_an_abandoned_run_undoes_its_deployments_and_leaves_the_earlier_ones_as_they_were(desk: Office) -> None:
    await three_runtimes(desk)
    first, old = await deployed(desk)
    await schedule(desk, old[0], first, "weekly")
    before = await deployments(desk, first)
    second = await successor(desk, first)
    run = await desk.start(second)
    ids = await loading(desk, second, 3)
    await load(desk, ids["east"], ids["west"])
    await fail(desk, ids["north"])
    ticket = await desk.ticket(run, "error")
    assert "everything that this run deployed is undone" in await text(desk, ticket)
    await desk.decide(run, ticket, "Rejected")
    assert "1 of 3 deployments failed" in await abandoned(run)
    undone = [("east", "UNDEPLOYED"), ("north", "UNDEPLOYED"), ("west", "UNDEPLOYED")]
    assert await places(desk, second) == undone
    assert await deployments(desk, first) == before
    assert [s.schedule_id for d in before for s in d.schedules] == ["weekly"]
    assert "was abandoned; what was deployed before stays active" in await said(desk, second)


@pytest.mark.parametrize(
    "desk",
    [{"configure": lambda s: s.model_copy(update={"deployment_deadline": timedelta(seconds=1)})}],
    indirect=True,
)
async def test_a_deployment_that_never_loads_is_given_up_at_its_deadline(desk: Office) -> None:
    await desk.engine("slow", online=True)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "error")
    assert "slow: not loaded within 0:00:01; is the runtime up?" in await text(desk, ticket)
    assert await places(desk, snapshot_id) == [("slow", "UNDEPLOYED")]
    await desk.decide(run, ticket, "Done")
    await load(desk, *(await loading(desk, snapshot_id)).values())
    assert (await run.result()).outcome == "deployed"


async def test_a_deployment_that_was_deleted_in_the_centre_is_made_anew(desk: Office) -> None:
    await three_runtimes(desk)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ids = await loading(desk, snapshot_id, 3)
    (await desk.model_manage.delete(f"deployedModels/{ids['north']}")).raise_for_status()
    await load(desk, ids["east"], ids["west"])
    ticket = await desk.ticket(run, "error")
    assert "north: it is no longer in the model centre" in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    await load(desk, *(await loading(desk, snapshot_id)).values())
    result = await run.result()
    assert [d.runtime for d in result.deployments] == ["east", "north", "west"]
    assert await places(desk, snapshot_id) == [("east", "DEPLOYED"), ("north", "DEPLOYED"), ("west", "DEPLOYED")]


async def test_a_deployment_whose_creation_was_refused_is_tried_again_and_the_others_stay(desk: Office) -> None:
    await three_runtimes(desk)
    desk.center_faults.add(Effect.ANSWER, method="POST", path="/deployedModels$", status=403)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "error")
    assert "403" in await text(desk, ticket)
    made = [d.id for d in await deployments(desk, snapshot_id)]
    assert len(made) == 2
    await desk.decide(run, ticket, "Done")
    await load(desk, *(await loading(desk, snapshot_id, 3)).values())
    result = await run.result()
    assert {d.id for d in result.deployments} > set(made)
    assert len(await deployments(desk, snapshot_id)) == 3


async def test_a_refused_undo_is_said_and_the_others_are_undone_all_the_same(desk: Office) -> None:
    await three_runtimes(desk)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ids = await loading(desk, snapshot_id, 3)
    await load(desk, ids["east"], ids["west"])
    out_of_order(desk, "PATCH", f"/deployedModels/{ids['east']}$", status=403)
    await fail(desk, ids["north"])
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await abandoned(run)
    states = {place(d): (d.model_extra or {})["state"] for d in await deployments(desk, snapshot_id)}
    assert (states["north"], states["west"]) == ("UNDEPLOYED", "UNDEPLOYED")
    assert f"Deployment {ids['east']} could not be undeployed." in await said(desk, snapshot_id)
