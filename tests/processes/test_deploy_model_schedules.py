"""Add Schedule, and the end of the earlier deployments."""

from typing import Any

from deploying import (
    abandoned,
    deployed,
    deployments,
    load,
    load_everything,
    loading,
    out_of_order,
    place,
    places,
    said,
    schedule,
    state,
    successor,
)
from office import Office
from paperwork import next_ticket, text

from mlc.center.modelop import wire
from mlc.standalone.faults import Effect


async def schedules(desk: Office, snapshot_id: str) -> dict[str, list[wire.Schedule]]:
    """The schedules of a snapshot's active deployments, by place."""
    found = await deployments(desk, snapshot_id)
    return {place(each): each.schedules for each in found if state(each) == "DEPLOYED" and each.schedules}


def variables(schedules: list[wire.Schedule]) -> list[dict[str, Any]]:
    return [each.action["signalVariables"] for each in schedules]


async def test_schedules_are_copied_with_the_new_snapshots_id(desk: Office) -> None:
    await desk.engine("batch")
    first, [old] = await deployed(desk)
    await schedule(desk, old, first, "weekly")
    second, [new] = await deployed_after(desk, first)
    (copy,) = (await desk.center.get_deployment(new)).schedules
    assert variables([copy]) == [{"MODEL_ID": second, "OTHER": ["kept", second]}]
    assert copy.cron_expression == "0 0 6 * * ?"
    assert copy.schedule_id != "weekly"
    assert (await desk.center.get_deployment(old)).schedules == []


async def test_an_id_inside_a_longer_text_of_a_schedule_is_replaced_too(desk: Office) -> None:
    await desk.engine("batch")
    first, [old] = await deployed(desk)
    action = {"signalName": "x", "signalVariables": {"INPUT": f"s3://bucket/{first}/input.csv"}}
    await desk.center.patch_deployment(old, {"schedules": [{"scheduleId": "weekly", "action": action}]})
    second, [new] = await deployed_after(desk, first)
    (copy,) = (await desk.center.get_deployment(new)).schedules
    assert variables([copy]) == [{"INPUT": f"s3://bucket/{second}/input.csv"}]


async def test_schedules_are_copied_once_although_the_answer_was_lost(desk: Office) -> None:
    await desk.engine("batch")
    first, [old] = await deployed(desk)
    await schedule(desk, old, first, "weekly", "monthly")
    desk.center_faults.add(Effect.DROP_AFTER, method="PATCH", path="/deployedModels/")
    second = await successor(desk, first)
    result = await (await desk.start(second)).result()
    assert result.schedules_copied == 2
    assert len((await desk.center.get_deployment(result.deployments[0].id)).schedules) == 2


async def test_a_snapshot_that_is_deployed_again_keeps_its_schedules(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id, [old] = await deployed(desk)
    await schedule(desk, old, snapshot_id, "weekly", "monthly")
    result = await (await desk.start(snapshot_id)).result()
    assert result.schedules_copied == 2
    assert [(state(d), len(d.schedules)) for d in await deployments(desk, snapshot_id)] == [
        ("UNDEPLOYED", 0),
        ("DEPLOYED", 2),
    ]


async def test_of_several_earlier_deployments_those_of_the_last_snapshot_give_their_schedules(desk: Office) -> None:
    await desk.engine("batch")
    await desk.engine("east", online=True)
    await desk.engine("west", online=True)
    first, of_first = await deployed(desk)
    await schedule(desk, of_first[0], first, "of the first")
    second, of_second = await deployed_after(desk, first, "west", "batch")
    for id_, name in zip(of_second, ("weekly", "monthly"), strict=True):
        await schedule(desk, id_, second, name)
    assert await places(desk, first) == [("batch", "UNDEPLOYED"), ("east", "DEPLOYED"), ("west", "UNDEPLOYED")]
    third, _ = await deployed_after(desk, second)
    copies = [copy for each in (await schedules(desk, third)).values() for copy in each]
    assert variables(copies) == [{"MODEL_ID": third, "OTHER": ["kept", third]}] * 2


async def test_a_refusal_while_schedules_are_copied_is_an_error_ticket_and_rejected_undoes_all(desk: Office) -> None:
    await desk.engine("batch")
    first, [old] = await deployed(desk)
    await schedule(desk, old, first, "weekly")
    desk.center_faults.add(Effect.ANSWER, method="PATCH", path="/deployedModels/", status=403)
    second = await successor(desk, first)
    run = await desk.start(second)
    ticket = await desk.ticket(run, "error")
    assert "The step schedules did not succeed" in await text(desk, ticket)
    await desk.decide(run, ticket, "Rejected")
    await abandoned(run)
    assert await places(desk, second) == [("batch", "UNDEPLOYED")]
    assert await places(desk, first) == [("batch", "DEPLOYED")]
    assert len((await desk.center.get_deployment(old)).schedules) == 1


async def test_earlier_deployments_end_where_the_new_ones_are_and_stay_elsewhere(desk: Office) -> None:
    await desk.engine("east", online=True)
    await desk.engine("west", online=True)
    other_model, _ = await deployed(desk)
    first, of_first = await deployed(desk)
    for id_ in of_first:
        await schedule(desk, id_, first, "weekly")
    second, _ = await deployed_after(desk, first, "west")
    assert await places(desk, second) == [("west", "DEPLOYED")]
    assert sorted((place(d), state(d), len(d.schedules)) for d in await deployments(desk, first)) == [
        ("east", "DEPLOYED", 1),
        ("west", "UNDEPLOYED", 0),
    ]
    assert await places(desk, other_model) == [("east", "DEPLOYED"), ("west", "DEPLOYED")]


async def test_an_error_at_the_last_step_is_tried_again(desk: Office) -> None:
    await desk.engine("batch")
    first, [old] = await deployed(desk)
    desk.center_faults.add(Effect.ANSWER, method="PATCH", path=f"/deployedModels/{old}$", status=403)
    second = await successor(desk, first)
    run = await desk.start(second)
    ticket = await desk.ticket(run, "error")
    assert await places(desk, first) == [("batch", "DEPLOYED")]
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert (result.outcome, len(result.deployments)) == ("deployed", 1)
    assert (await places(desk, first), await places(desk, second)) == (
        [("batch", "UNDEPLOYED")],
        [("batch", "DEPLOYED")],
    )


async def test_rejected_at_the_last_step_keeps_the_new_deployments_and_says_so(desk: Office) -> None:
    await desk.engine("east", online=True)
    await desk.engine("west", online=True)
    first, of_first = await deployed(desk)
    stubborn = of_first[0]
    out_of_order(desk, "PATCH", f"/deployedModels/{stubborn}$", status=403)
    second = await successor(desk, first)
    run = await desk.start(second)
    await load(desk, *(await loading(desk, second, 2)).values())
    ticket = await desk.ticket(run, "error")
    asked = await text(desk, ticket)
    assert "The step supersede did not succeed" in asked
    assert "Rejected: the process stops. The new deployments stay, and perhaps some of the earlier ones" in asked
    assert "undone" not in asked
    await desk.decide(run, ticket, "Done")
    ticket = await next_ticket(desk, run, ticket)
    await desk.decide(run, ticket, "Rejected")
    await abandoned(run)
    assert (await desk.status(run)).result.outcome == "kept"
    assert await places(desk, second) == [("east", "DEPLOYED"), ("west", "DEPLOYED")]
    assert await places(desk, first) == [("east", "DEPLOYED"), ("west", "UNDEPLOYED")]
    notification = await said(desk, second)
    assert "was deployed: online on east, online on west." in notification
    assert "Not all earlier deployments of the model could be ended" in notification


async def deployed_after(desk: Office, snapshot_id: str, *targets: str) -> tuple[str, list[str]]:
    """The next snapshot of the model went through the process: its id and those of its deployments."""
    following = await successor(desk, snapshot_id, targets=targets)
    run = await desk.start(following)
    await load_everything(desk, following, run)
    return following, [deployment.id for deployment in (await run.result()).deployments]
