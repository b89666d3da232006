"""Runtimes that hold one model: what a run's load has pushed out is loaded again where the run's own doesn't stay."""

from barriers import Barrier
from deploying import (
    abandoned,
    cancelled,
    deployed,
    deployments,
    fail,
    load,
    load_everything,
    loading,
    notifications,
    places,
    said,
    schedule,
    successor,
    until,
)
from office import ASSETS, Office, Run, asset
from paperwork import add_assets, next_ticket, text
from servers import eventually

from mlc.model.processes import Phase

AGAIN = [("small", "DEPLOYED"), ("small", "UNDEPLOYED")]
WITHOUT_TABLE = [each for each in ASSETS if each.asset_role != "TEST_RESULT_COMPARATOR"]
MORE = asset("more.pkl", "WEIGHTS_FILE", b"that nobody deployed")


async def over(desk: Office, *, holds_many: bool = False) -> tuple[str, str, str, Run]:
    """A snapshot in production on a runtime that holds one model, its deployment, and a newer one whose run loads."""
    await desk.engine("small", online=True, holds_many=holds_many)
    before, (there,) = await deployed(desk)
    await schedule(desk, there, before, "weekly")
    newer = await successor(desk, before)
    return before, there, newer, await desk.start(newer)


async def loaded_again(desk: Office, before: str, there: str) -> None:
    """What was there is loaded again, and until it is the centre shows it as active; with its schedules."""
    again = (await loading(desk, before))["small"]
    assert await places(desk, before) == [("small", "DEPLOYED"), ("small", "DEPLOYING")]
    await load(desk, again)

    async def taken_over() -> bool:
        return await places(desk, before) == AGAIN

    await eventually(taken_over)
    (kept,) = [each for each in await deployments(desk, before) if each.id == again]
    assert [each.cron_expression for each in kept.schedules] == ["0 0 6 * * ?"]
    assert again != there


async def test_abandoned_after_it_failed_to_load_what_it_pushed_out_is_loaded_again(desk: Office) -> None:
    before, there, newer, run = await over(desk)
    await fail(desk, (await loading(desk, newer))["small"])
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await loaded_again(desk, before, there)
    await abandoned(run)
    assert await places(desk, newer) == [("small", "UNDEPLOYED")]
    assert "was abandoned; what was deployed before stays active" in await said(desk, newer)


async def test_cancelled_after_it_was_loaded_what_it_pushed_out_is_loaded_again(desk: Office) -> None:
    before, there, newer, run = await over(desk)
    barrier = Barrier(desk, "copy_schedules", "set_schedules", newer)
    await load(desk, (await loading(desk, newer))["small"])
    await barrier.reached(newer)
    await run.cancel()
    barrier.open(newer)
    await loaded_again(desk, before, there)
    await cancelled(run)
    assert await places(desk, newer) == [("small", "UNDEPLOYED")]


async def test_cancelled_while_it_loads_what_it_may_have_pushed_out_is_loaded_again(desk: Office) -> None:
    before, there, newer, run = await over(desk)
    await loading(desk, newer)
    await until(desk, run, Phase.DEPLOYMENT)
    await run.cancel()
    await loaded_again(desk, before, there)
    await cancelled(run)
    assert await places(desk, newer) == [("small", "UNDEPLOYED")]
    assert await notifications(desk, newer) == []


async def test_where_many_models_have_room_nothing_was_pushed_out_and_nothing_is_loaded_again(desk: Office) -> None:
    before, _, newer, run = await over(desk, holds_many=True)
    await fail(desk, (await loading(desk, newer))["small"])
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await abandoned(run)
    assert await places(desk, before) == [("small", "DEPLOYED")]


async def test_a_model_that_was_in_the_way_was_not_pushed_out_and_is_left_alone(desk: Office) -> None:
    await desk.engine("small", online=True, holds_many=False)
    other, _ = await deployed(desk, model="churn")
    run = await desk.start(await desk.snapshot())
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await abandoned(run)
    assert await places(desk, other) == [("small", "DEPLOYED")]


async def test_what_can_not_be_loaded_again_is_told_in_a_notification(desk: Office) -> None:
    before, _, newer, run = await over(desk)
    await loading(desk, newer)
    await until(desk, run, Phase.DEPLOYMENT)
    await run.cancel()
    await fail(desk, (await loading(desk, before))["small"], "init failed: no memory")
    await cancelled(run)
    assert await places(desk, before) == AGAIN, "the centre goes on to show what was there"
    (told,) = await notifications(desk, newer)
    assert told.severity == "ERROR"
    assert f"What was there before, the snapshot {before}, was not loaded again:" in told.message
    assert "small: init failed: no memory" in told.message


async def test_what_was_pushed_out_and_has_changed_since_is_not_loaded_again_and_that_is_told(desk: Office) -> None:
    before, _, newer, run = await over(desk)
    await fail(desk, (await loading(desk, newer))["small"])
    await add_assets(desk, before, MORE)
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await abandoned(run)
    assert await places(desk, before) == [("small", "DEPLOYED")]
    messages = [each.message for each in await notifications(desk, newer)]
    assert any("since it was deployed there, more.pkl is new." in message for message in messages)
    assert len(messages) == 2


async def test_while_it_is_asked_anew_what_was_pushed_out_is_loaded_again(desk: Office) -> None:
    """Two runtimes: one has loaded what was approved, the other one fails, and a file is added before another try."""
    await desk.engine("small", online=True, holds_many=False)
    before, (there,) = await deployed(desk, assets=WITHOUT_TABLE)
    await schedule(desk, there, before, "weekly")
    await desk.engine("large", online=True)
    newer = await successor(desk, before, "jira")
    run = await desk.start(newer)
    first = await desk.ticket(run, "review")
    await desk.decide(run, first, "Done")
    ids = await loading(desk, newer, 2)
    await load(desk, ids["small"])
    await fail(desk, ids["large"])
    error = await desk.ticket(run, "error")
    await add_assets(desk, newer, MORE)
    await desk.decide(run, error, "Done")
    await loaded_again(desk, before, there)
    second = await next_ticket(desk, run, error)
    assert "more.pkl is new" in await text(desk, second)
    await desk.decide(run, second, "Rejected")
    assert (await run.result()).outcome == "rejected"
    assert await places(desk, before) == AGAIN
    assert {state for _, state in await places(desk, newer)} == {"UNDEPLOYED"}


async def test_what_was_loaded_again_and_pushed_out_once_more_is_loaded_once_more(desk: Office) -> None:
    """Asked anew and approved, the run loads a second time; and is cancelled then."""
    await desk.engine("small", online=True, holds_many=False)
    before, (there,) = await deployed(desk, assets=WITHOUT_TABLE)
    await desk.engine("large", online=True)
    newer = await successor(desk, before, "jira")
    run = await desk.start(newer)
    await desk.decide(run, await desk.ticket(run, "review"), "Done")
    ids = await loading(desk, newer, 2)
    await load(desk, ids["small"])
    await fail(desk, ids["large"])
    error = await desk.ticket(run, "error")
    await add_assets(desk, newer, MORE)
    await desk.decide(run, error, "Done")
    again = (await loading(desk, before))["small"]
    await load(desk, again)
    await desk.decide(run, await next_ticket(desk, run, error), "Done")
    await loading(desk, newer, 2)
    await run.cancel()
    once_more = (await loading(desk, before))["small"]
    assert len({there, again, once_more}) == 3
    await load(desk, once_more)
    await cancelled(run)
    assert await places(desk, before) == [("small", "DEPLOYED"), *[("small", "UNDEPLOYED")] * 2]


async def test_where_a_newer_one_was_loaded_meanwhile_nothing_is_put_in_its_place(desk: Office) -> None:
    before, _, newer, run = await over(desk)
    await fail(desk, (await loading(desk, newer))["small"])
    error = await desk.ticket(run, "error")
    newest = await successor(desk, before)
    await load_everything(desk, newest, await desk.start(newest))
    await desk.decide(run, error, "Rejected")
    await load_everything(desk, newest, run)
    await abandoned(run)
    assert await places(desk, before) == [("small", "UNDEPLOYED")]
    assert (await places(desk, newest)).count(("small", "DEPLOYED")) == 1
