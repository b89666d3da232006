"""Several snapshots of one model in one place: whoever comes when, the highest stays there, or what may replace it."""

import asyncio

from barriers import Barrier
from deploying import (
    abandoned,
    cancelled,
    deployed,
    deployments,
    load,
    load_everything,
    loading,
    mend,
    notifications,
    out_of_order,
    places,
    said,
    schedule,
    state,
    successor,
    until,
)
from office import Office, Run, asset
from paperwork import add_assets, next_ticket, text, told

from mlc.model.processes import DeployModelResult, Phase

NEWER = "A newer snapshot is deployed, or being loaded, where this one belongs."
REPLACES = "Done or Approved: this one replaces it."


async def versions(desk: Office, number: int, *tags: str) -> list[str]:
    """Snapshots of one model, the lowest first."""
    first = await desk.snapshot(*tags)
    return [first, *[await successor(desk, first, *tags) for _ in range(number - 1)]]


async def ends(*runs: Run) -> list[DeployModelResult]:
    return list(await asyncio.gather(*(asyncio.wait_for(run.result(), 60) for run in runs)))


async def active(desk: Office, *snapshot_ids: str) -> list[str]:
    """The snapshots that are deployed, one entry a deployment."""
    return [id_ for id_ in snapshot_ids for _, state in await places(desk, id_) if state == "DEPLOYED"]


# Three interleavings of real runs.


async def test_of_two_submitted_at_once_the_higher_stays_and_the_lower_is_overtaken(desk: Office) -> None:
    await desk.engine("batch")
    low, high = await versions(desk, 2)
    barrier = Barrier(desk, "take_over", "list_deployments", low, high)
    runs = [await desk.start(id_) for id_ in (low, high)]
    await barrier.reached(low, high)
    assert await active(desk, low, high) == [low, high]
    barrier.open(low, high)
    lower, higher = await ends(*runs)
    assert (lower.outcome, higher.outcome) == ("overtaken", "deployed")
    assert (lower.deployments, lower.tickets) == ([], [])
    assert [each.snapshot_id for each in lower.overtaken_by] == [high]
    assert await active(desk, low, high) == [high]
    assert "was deployed and taken back, because a newer snapshot of the model is there" in await said(desk, low)
    assert await desk.tickets() == []
    status = await desk.status(runs[0])
    assert "overtaken by" in next(step.note for step in status.steps if step.phase == Phase.SUPERSEDE)


async def test_one_that_is_deployed_while_the_lower_ends_what_was_before_ends_the_lower(desk: Office) -> None:
    await desk.engine("batch")
    old, low, high = await versions(desk, 3)
    await ends(await desk.start(old))
    barrier = Barrier(desk, "take_over", "end_deployment", low)
    lower = await desk.start(low)
    await barrier.reached(low)  # it has listed: nothing higher was there
    (higher,) = await ends(await desk.start(high))
    assert higher.outcome == "deployed"
    barrier.open(low)
    (lower_result,) = await ends(lower)
    assert lower_result.outcome == "overtaken"
    assert await active(desk, old, low, high) == [high]
    assert await desk.tickets() == []


async def test_of_three_at_once_in_any_order_exactly_the_highest_stays(desk: Office) -> None:
    await desk.engine("batch")
    low, middle, high = await versions(desk, 3)
    barrier = Barrier(desk, "take_over", "list_deployments", low, middle, high)
    runs = [await desk.start(id_) for id_ in (high, low, middle)]
    await barrier.reached(low, middle, high)
    barrier.open(middle)
    (second,) = await ends(runs[2])
    barrier.open(high)
    (first,) = await ends(runs[0])
    barrier.open(low)
    (third,) = await ends(runs[1])
    assert [each.outcome for each in (first, second, third)] == ["deployed", "overtaken", "overtaken"]
    assert await active(desk, low, middle, high) == [high]
    assert await desk.tickets() == []


async def test_one_that_loads_later_than_a_higher_one_took_over_is_overtaken_while_it_waits(desk: Office) -> None:
    await desk.engine("east", online=True)
    low, high = await versions(desk, 2)
    runs = [await desk.start(low)]
    (mine,) = (await loading(desk, low)).values()
    barrier = Barrier(desk, "finish_deployments", "get_deployment", low)
    await barrier.reached(low)
    await load(desk, mine)
    runs.append(await desk.start(high))
    await load_everything(desk, high, runs[1])
    barrier.open(low)
    lower, higher = await ends(*runs)
    assert (lower.outcome, higher.outcome) == ("overtaken", "deployed")
    assert await active(desk, low, high) == [high]
    assert await desk.tickets() == []


# A newer one is there before.


async def newer_there(desk: Office) -> tuple[str, str, Run]:
    """A snapshot whose run asks about a newer one that is deployed: both, and the run."""
    await desk.engine("batch")
    low, high = await versions(desk, 2)
    await ends(await desk.start(high))
    return low, high, await desk.start(low)


async def test_a_newer_one_in_its_place_is_asked_about_and_done_replaces_it(desk: Office) -> None:
    low, high, run = await newer_there(desk)
    ticket = await desk.ticket(run, "error")
    asked = await text(desk, ticket)
    (there,) = await deployments(desk, high)
    assert NEWER in asked
    assert REPLACES in asked
    assert "The newer one stays." in asked
    assert f"({high})" in asked
    assert f"as batch, deployment {there.id}" in asked
    assert await deployments(desk, low) == []
    await desk.decide(run, ticket, "Done")
    (result,) = await ends(run)
    assert result.outcome == "deployed"
    assert [(each.deployment.snapshot_id, each.ticket) for each in result.replaces] == [(high, ticket.key)]
    assert await active(desk, low, high) == [low]
    assert "Newer, and allowed to be replaced:" in await said(desk, low)


async def test_one_that_comes_after_the_one_look_at_runtimes_and_places_is_given_way_to(desk: Office) -> None:
    await desk.engine("batch")
    low, high = await versions(desk, 2)
    barrier = Barrier(desk, "deploy", "create_deployment", low)
    run = await desk.start(low)
    await barrier.reached(low)
    await (await desk.start(high)).result()
    barrier.open(low)
    (lower,) = await ends(run)
    assert (lower.outcome, lower.tickets) == ("overtaken", [])
    assert await active(desk, low, high) == [high]
    events = (await run.fetch_history()).events
    called = {event.activity_task_scheduled_event_attributes.activity_type.name for event in events}
    assert called.isdisjoint({"match_runtimes", "find_newer"})


async def test_rejected_leaves_the_newer_one_where_it_is(desk: Office) -> None:
    low, high, run = await newer_there(desk)
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    assert NEWER in await abandoned(run)
    assert await active(desk, low, high) == [high]
    assert await deployments(desk, low) == []
    assert "was abandoned; what was deployed before stays active." in await said(desk, low)
    steps = [(step.phase, step.status) for step in (await desk.status(run)).steps]
    assert steps[-2:] == [(Phase.DEPLOYMENT, "rejected"), (Phase.DONE, "done")]


async def test_done_allows_no_newer_one_that_came_while_the_ticket_waited(desk: Office) -> None:
    low, high, run = await newer_there(desk)
    ticket = await desk.ticket(run, "error")
    highest = await successor(desk, low)
    await ends(await desk.start(highest))
    await desk.decide(run, ticket, "Done")
    again = await next_ticket(desk, run, ticket)
    assert f"({highest})" in await text(desk, again)
    await desk.decide(run, again, "Done")
    (result,) = await ends(run)
    assert [each.deployment.snapshot_id for each in result.replaces] == [high, highest]
    assert await active(desk, low, high, highest) == [low]


async def test_one_that_is_being_loaded_is_asked_about_too_and_what_was_allowed_stays(desk: Office) -> None:
    await desk.engine("east", online=True)
    low, high = await versions(desk, 2)
    higher = await desk.start(high)
    (theirs,) = (await loading(desk, high)).values()
    lower = await desk.start(low)
    await desk.decide(lower, await desk.ticket(lower, "error"), "Done")
    await load(desk, theirs, *(await loading(desk, low)).values())
    first, second = await ends(lower, higher)
    assert first.outcome == "deployed"
    # The newer run was first to look, and was ended later; or it found that the other one had taken over.
    assert second.outcome in {"deployed", "overtaken"}
    assert await active(desk, low, high) == [low]


async def test_the_same_snapshot_again_and_one_that_is_newer_are_not_asked_about(desk: Office) -> None:
    await desk.engine("batch")
    low, high = await versions(desk, 2)
    for id_ in (low, low, high, high):
        (result,) = await ends(await desk.start(id_))
        assert (result.outcome, result.replaces) == ("deployed", [])
        assert await active(desk, low, high) == [id_]
    assert await desk.tickets() == []


async def test_cancelled_while_it_asks_about_a_newer_one_the_ticket_is_withdrawn(desk: Office) -> None:
    low, high, run = await newer_there(desk)
    ticket = await desk.ticket(run, "error")
    await run.cancel()
    await cancelled(run)
    assert (await desk.fields(ticket))["status"]["name"] == "Withdrawn"
    assert await active(desk, low, high) == [high]


# Late, in part, and gone.


async def test_one_that_waited_on_an_error_ticket_while_a_newer_one_was_deployed_is_overtaken(desk: Office) -> None:
    await desk.engine("batch")
    old, low, high = await versions(desk, 3)
    (before,) = (await ends(await desk.start(old)))[0].deployments
    await schedule(desk, before.id, old, "weekly")
    fault = out_of_order(desk, "PATCH", "/deployedModels/", status=403)
    run = await desk.start(low)
    ticket = await desk.ticket(run, "error")
    mend(fault)
    (newer,) = await ends(await desk.start(high))
    assert newer.outcome == "deployed"
    await desk.decide(run, ticket, "Done")
    (result,) = await ends(run)
    assert (result.outcome, [t.key for t in result.tickets]) == ("overtaken", [ticket.key])
    (word,) = await told(desk, ticket)
    assert "The model was deployed. It was taken back where a newer snapshot is: " in word
    assert high in word
    assert await active(desk, old, low, high) == [high]
    assert [s.schedule_id for d in await deployments(desk, high) for s in d.schedules] != []


async def test_overtaken_in_one_of_two_places_it_stays_in_the_other_and_says_so(desk: Office) -> None:
    await desk.engine("east", online=True)
    await desk.engine("north", online=True)
    low, _ = await versions(desk, 2)
    high = await successor(desk, low, targets=["east"])
    run = await desk.start(low)
    barrier = Barrier(desk, "take_over", "list_deployments", low)
    await load(desk, *(await loading(desk, low, 2)).values())
    await barrier.reached(low)
    newer = await desk.start(high)
    await load_everything(desk, high, newer)
    barrier.open(low)
    (result,) = await ends(run)
    assert (result.outcome, [d.runtime for d in result.deployments]) == ("deployed", ["north"])
    assert await places(desk, low) == [("east", "UNDEPLOYED"), ("north", "DEPLOYED")]
    assert await places(desk, high) == [("east", "DEPLOYED")]
    assert "It was taken back where a newer snapshot is:" in await said(desk, low)
    assert await desk.tickets() == []


async def ended_by_hand(desk: Office) -> tuple[str, Run, str]:
    """A snapshot whose deployment somebody ended before its run was through; the run, and the deployment's id."""
    await desk.engine("batch")
    (only,) = await versions(desk, 1)
    barrier = Barrier(desk, "take_over", "confirm_deployment", only)
    run = await desk.start(only)
    await barrier.reached(only)
    (mine,) = await deployments(desk, only)
    await desk.port.end_deployment(mine.id)
    barrier.open(only)
    return only, run, mine.id


async def test_what_somebody_ended_by_hand_before_the_run_was_through_is_deployed_again(desk: Office) -> None:
    only, run, mine = await ended_by_hand(desk)
    ticket = await desk.ticket(run, "error")
    assert f"1 of 1 deployments are gone. {mine}: it was undeployed meanwhile" in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    (result,) = await ends(run)
    assert result.outcome == "deployed"
    assert [d.id for d in result.deployments] != [mine]
    assert await places(desk, only) == [("batch", "DEPLOYED"), ("batch", "UNDEPLOYED")]


async def test_rejected_after_its_deployment_was_gone_says_that_nothing_is_there(desk: Office) -> None:
    only, run, _ = await ended_by_hand(desk)
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await abandoned(run)
    assert "is deployed nowhere any more" in await said(desk, only)


async def test_cancelled_while_it_takes_over_it_does_not_stay_beside_a_newer_one(desk: Office) -> None:
    await desk.engine("batch")
    low, high = await versions(desk, 2)
    barrier = Barrier(desk, "take_over", "list_deployments", low)
    run = await desk.start(low)
    await barrier.reached(low)
    ending = Barrier(desk, "take_over", "end_deployment", high)
    higher = await desk.start(high)
    await ending.reached(high)
    await run.cancel()
    barrier.open(low)
    await cancelled(run)
    assert await active(desk, low, high) == [high]
    ending.open(high)
    await ends(higher)


async def test_cancelled_while_it_gives_way_its_deployment_is_taken_back_all_the_same(desk: Office) -> None:
    await desk.engine("batch")
    low, high = await versions(desk, 2)
    barrier = Barrier(desk, "take_over", "list_deployments", low)
    run = await desk.start(low)
    await barrier.reached(low)
    held = Barrier(desk, "undo_deployments", "end_deployment", low)
    ending = Barrier(desk, "take_over", "end_deployment", high)
    higher = await desk.start(high)
    await ending.reached(high)
    barrier.open(low)
    await held.reached(low)
    await run.cancel()
    held.open(low)
    await cancelled(run)
    ending.open(high)
    await ends(higher)
    assert await active(desk, low, high) == [high]
    assert len(await notifications(desk, high)) == 1


# Runtimes that hold one model.


async def small(desk: Office, name: str = "small") -> str:
    """A runtime of ModelOp's own, which doesn't say that it holds more than one model."""
    return await desk.engine(name, online=True, holds_many=False)


async def test_a_runtime_that_holds_another_model_is_an_error_ticket_that_names_it(desk: Office) -> None:
    await small(desk)
    other, (there,) = await deployed(desk, model="churn")
    (mine,) = await versions(desk, 1)
    run = await desk.start(mine)
    ticket = await desk.ticket(run, "error")
    asked = await text(desk, ticket)
    assert (
        f"The runtime small holds one model only, and there is churn-1 ({other}) of the model churn on small" in asked
    )
    assert there in asked
    await desk.decide(run, ticket, "Done")
    again = await next_ticket(desk, run, ticket)
    assert await deployments(desk, mine) == []
    await desk.port.end_deployment(there)
    await desk.decide(run, again, "Done")
    await load_everything(desk, mine, run)
    assert (await run.result()).outcome == "deployed"


async def test_a_runtime_that_holds_many_takes_another_model_beside_the_first(desk: Office) -> None:
    await desk.engine("large", online=True)
    first, _ = await deployed(desk)
    second, _ = await deployed(desk)
    assert await active(desk, first, second) == [first, second]


async def test_what_the_lower_ones_load_pushed_out_is_deployed_again_with_its_schedules(desk: Office) -> None:
    await small(desk)
    low, high = await versions(desk, 2)
    barrier = Barrier(desk, "take_over", "list_deployments", low)
    run = await desk.start(low)
    await load(desk, *(await loading(desk, low)).values())
    await barrier.reached(low)
    ending = Barrier(desk, "take_over", "end_deployment", high)
    higher = await desk.start(high)
    (theirs,) = (await loading(desk, high)).values()
    await load(desk, theirs)
    await ending.reached(high)
    ending.open(high)
    (newer,) = await ends(higher)
    await schedule(desk, theirs, high, "weekly")
    barrier.open(low)
    again = (await loading(desk, high))["small"]
    assert await active(desk, high) == [high], "what is there stays until the new one is loaded"
    await load(desk, again)
    (result,) = await ends(run)
    assert (newer.outcome, result.outcome) == ("deployed", "overtaken")
    assert await places(desk, high) == [("small", "DEPLOYED"), ("small", "UNDEPLOYED")]
    assert await active(desk, low, high) == [high]
    (kept,) = [d for d in await deployments(desk, high) if d.id == again]
    assert len(kept.schedules) == 1
    assert await desk.tickets() == []


async def pushed_out(desk: Office) -> tuple[str, str, Run, Barrier]:
    """A lower snapshot's run that has loaded a runtime for one model, and looks only when the higher one is there, too.

    Returns:
        Both snapshots, that run, and what keeps it from looking.
    """
    await small(desk)
    low, high = await versions(desk, 2)
    barrier = Barrier(desk, "take_over", "list_deployments", low)
    run = await desk.start(low)
    await load(desk, *(await loading(desk, low)).values())
    await barrier.reached(low)
    await load_everything(desk, high, await desk.start(high))
    return low, high, run, barrier


async def test_what_was_pushed_out_and_has_changed_since_is_not_put_back_in_its_place(desk: Office) -> None:
    low, high, run, barrier = await pushed_out(desk)
    await add_assets(desk, high, asset("another.pkl", "WEIGHTS_FILE", b"that nobody deployed"))
    barrier.open(low)
    ticket = await desk.ticket(run, "error")
    asked = await text(desk, ticket)
    assert "was pushed out of small and is not put back: since it was deployed there, another.pkl is new." in asked
    assert "Take the change back in the model centre, then Done puts the snapshot back." in asked
    assert await places(desk, high) == [("small", "DEPLOYED")]
    await desk.decide(run, ticket, "Rejected")
    await abandoned(run)
    assert await active(desk, low, high) == [high]


async def test_what_was_pushed_out_and_changed_is_put_back_once_the_change_was_taken_back(desk: Office) -> None:
    low, high, run, barrier = await pushed_out(desk)
    before = [each.wire() for each in (await desk.center.get_snapshot(high)).stored_model.model_assets]
    await add_assets(desk, high, asset("another.pkl", "WEIGHTS_FILE", b"that nobody deployed"))
    barrier.open(low)
    first = await desk.ticket(run, "error")
    await desk.decide(run, first, "Done")
    second = await next_ticket(desk, run, first)
    assert "another.pkl is new" in await text(desk, second), "it is not deployed as it is now"
    await desk.center.patch_snapshot(high, {"storedModel": {"modelAssets": before}})
    await desk.decide(run, second, "Done")
    await load(desk, (await loading(desk, high))["small"])
    assert [each.outcome for each in await ends(run)] == ["overtaken"]
    assert await active(desk, low, high) == [high]


async def test_cancelled_while_it_puts_back_what_it_pushed_out_that_is_finished(desk: Office) -> None:
    low, high, run, barrier = await pushed_out(desk)
    barrier.open(low)
    again = (await loading(desk, high))["small"]
    await until(desk, run, Phase.SUPERSEDE)
    await run.cancel()
    await load(desk, again)
    await cancelled(run)
    assert await places(desk, high) == [("small", "DEPLOYED"), ("small", "UNDEPLOYED")]
    assert [each.id for each in await deployments(desk, high) if state(each) == "DEPLOYED"] == [again]
