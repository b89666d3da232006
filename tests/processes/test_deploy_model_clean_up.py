"""A clean-up is made of parts: one that is refused, gone or down keeps no other from being done, and none is lost."""

from collections.abc import Sequence

import pytest
from barriers import Barrier
from deploying import (
    abandoned,
    cancelled,
    deployments,
    fail,
    load,
    load_everything,
    loading,
    out_of_order,
    state,
    successor,
    trying,
    until,
)
from leaving import (
    DOWN,
    GONE,
    HOWS,
    PAIRS,
    REFUSED,
    Part,
    Stopped,
    held_up,
    job_part,
    plan,
    stopped,
    waits,
)
from office import Office
from paperwork import comments
from servers import eventually

from mlc.model.processes import Phase
from mlc.standalone.faults import Effect
from mlc.ticketing.port import NOBODY_WAITS


@pytest.fixture(scope="module", autouse=True)
async def runtimes(open_desk: Office) -> None:
    await open_desk.engine("batch")
    await open_desk.engine("east", online=True)


@pytest.fixture
def desk(shared_desk: Office) -> Office:
    return shared_desk


async def hindered(parts: Sequence[Part], hows: str) -> list[Part]:
    """Let these things happen to the parts; those that are down."""
    for part, how in zip(parts, hows, strict=True):
        await part.hinder(HOWS[how])
    return [part for part, how in zip(parts, hows, strict=True) if HOWS[how] == DOWN]


async def mended(run: Stopped, parts: Sequence[Part], down: list[Part]) -> None:
    """One after the other is up again, is done then, and is no longer said to be waited for."""
    await held_up(run.run, down) if down else None
    for number, part in enumerate(down, start=1):
        assert not await part.is_done()
        part.mend()
        await eventually(part.is_done)
        if down[number:]:
            await held_up(run.run, down[number:])


@pytest.mark.parametrize("hows", PAIRS)
async def test_whatever_is_in_the_way_of_each_part_of_a_cancelled_runs_clean_up_the_others_are_done(
    desk: Office, hows: str
) -> None:
    left = await stopped(desk)
    parts = [left.undo, left.withdraw, left.record, left.tell]
    down = await hindered(parts, hows)
    await left.run.cancel()
    await mended(left, parts, down)
    await cancelled(left.run)
    warnings = " ".join((await desk.status(left.run)).result.warnings)
    assert ("could not be undeployed" in warnings) is (hows[0] == "r")
    assert ("Field Assignee is required." in warnings) is (hows[1] == "r")
    assert (f"{left.error.key} stays open." in warnings) is (hows[1] == "r")
    assert ("record" in warnings.lower()) is (hows[2] in "rg")
    if hows[1] == "r":
        (said,) = await comments(desk, left.error)
        assert NOBODY_WAITS in said
        assert (await desk.fields(left.error))["status"]["name"] == "To Do"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)], ids=["there", "and back"])
async def test_when_everything_is_down_each_part_is_done_as_soon_as_its_system_is_up(
    desk: Office, order: tuple[int, ...]
) -> None:
    left = await stopped(desk)
    parts = [left.undo, left.withdraw, left.record, left.tell]
    down = await hindered(parts, "dddd")
    await left.run.cancel()
    await mended(left, parts, [down[place] for place in order])
    await cancelled(left.run)
    assert (await desk.status(left.run)).result.warnings == []
    (record,) = [r for r in await desk.port.list_decisions(left.snapshot_id) if r.event == "ended"]
    assert record.note.startswith("The run was cancelled. Still to be done when this was written: ")


@pytest.mark.parametrize("hows", ["rrr", "dgd", "rdg"])
async def test_a_record_of_servicenow_is_withdrawn_beside_everything_else(desk: Office, hows: str) -> None:
    left = await stopped(desk, "servicenow")
    parts = [left.undo, left.withdraw, left.record]
    down = await hindered(parts, hows)
    await left.run.cancel()
    await mended(left, parts, down)
    await cancelled(left.run)
    warnings = " ".join((await desk.status(left.run)).result.warnings)
    assert (f"{left.error.key} stays open." in warnings) is (hows[1] == "r")


async def test_with_nothing_in_the_way_all_parts_are_done(desk: Office) -> None:
    left = await stopped(desk)
    await left.run.cancel()
    await cancelled(left.run)
    for part in (left.undo, left.withdraw, left.record, left.tell):
        assert await part.is_done(), part.name
    status = await desk.status(left.run)
    assert (status.waiting_for, status.open_tickets, status.result.warnings) == ("", [], [])


@pytest.mark.parametrize("hows", ["dgrd", "gddr"])
async def test_whatever_is_in_the_way_of_each_part_of_an_abandoned_runs_end_the_others_are_done(
    desk: Office, hows: str
) -> None:
    left = await stopped(desk)
    parts = [left.undo, left.record, left.notify, left.tell]
    down = await hindered(parts, hows)
    await desk.decide(left.run, left.error, "Rejected")
    await mended(left, parts, down)
    await abandoned(left.run)
    for part, how in zip(parts, hows, strict=True):
        assert how != "d" or await part.is_done()


async def test_a_cancel_while_an_abandoned_run_cleans_up_loses_none_of_its_parts(desk: Office) -> None:
    left = await stopped(desk)
    parts = [left.undo, left.record, left.notify, left.tell]
    down = await hindered(parts, "dddd")
    await desk.decide(left.run, left.error, "Rejected")
    await held_up(left.run, down)
    await left.run.cancel()
    await mended(left, parts, down)
    await cancelled(left.run)
    assert len([r for r in await desk.port.list_decisions(left.snapshot_id) if r.event == "ended"]) == 1


@pytest.mark.parametrize("part", ["record", "notify"])
async def test_the_end_of_a_rejected_run_waits_for_no_part_of_it(desk: Office, part: str) -> None:
    run = await desk.start(await desk.snapshot("run_test", without=["TEST_DATA"]))
    ticket = await waits(desk, run, 1)
    left = Stopped(desk, run.id.removeprefix("deploy-"), run, ticket, ticket)
    hindered_part: Part = getattr(left, part)
    await hindered_part.hinder(DOWN)
    await desk.decide(run, ticket, "Rejected")
    await held_up(run, [hindered_part])
    for other in (left.record, left.notify, left.tell):
        if other.name != hindered_part.name:
            await eventually(other.is_done)
    assert not await hindered_part.is_done()
    hindered_part.mend()
    assert (await run.result()).outcome == "rejected"
    assert await hindered_part.is_done()


async def test_a_half_made_deployment_is_undone_while_nobody_can_say_whether_a_ticket_was_made(desk: Office) -> None:
    """Jira made the ticket, its answer was lost, and then it is down."""
    snapshot_id = await desk.snapshot()
    plan(desk.center_faults, "POST", "/deployedModels$", 400).times = 1
    desk.faults.add(Effect.DROP_AFTER, method="POST", path="/issue$")
    run = await desk.start(snapshot_id)

    async def unclear() -> bool:
        return "another try" in (await desk.status(run)).waiting_for

    await eventually(unclear)
    down = plan(desk.faults, "GET", "/search", 503)
    await run.cancel()

    async def undone() -> bool:
        return [state(each) for each in await deployments(desk, snapshot_id)] == ["UNDEPLOYED"]

    await eventually(undone)

    async def shown() -> bool:
        said = (await desk.status(run)).waiting_for
        return said.startswith("cleaning up: look for a ticket that may have been made (gov-") and "503" in said

    await eventually(shown)
    down.times = 0
    await cancelled(run)
    (ticket,) = (await desk.status(run)).result.tickets
    assert (await desk.fields(ticket))["status"]["name"] == "Withdrawn"


async def test_an_unclear_deployment_is_looked_for_beside_everything_else(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    desk.center_faults.add(Effect.DROP_AFTER, method="POST", path="/deployedModels$")
    run = await desk.start(snapshot_id)

    async def unclear() -> bool:
        return "another try" in (await desk.status(run)).waiting_for

    await eventually(unclear)
    down = plan(desk.center_faults, "GET", "/findAllByDeployableModel_Id$", 503)
    await run.cancel()

    async def looks() -> bool:
        said = (await desk.status(run)).waiting_for
        return said.startswith("cleaning up: look for a deployment that may have been made") and "503" in said

    await eventually(looks)
    down.times = 0
    await cancelled(run)
    assert {state(each) for each in await deployments(desk, snapshot_id)} == {"UNDEPLOYED"}


async def test_a_deployment_that_cant_be_undone_now_keeps_no_other_from_being_undone(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await loading(desk, snapshot_id)
    ids = [each.id for each in await deployments(desk, snapshot_id)]
    outage = out_of_order(desk, "PATCH", f"/deployedModels/{ids[0]}$")
    await run.cancel()

    async def undone() -> bool:
        return state(await desk.center.get_deployment(ids[1])) == "UNDEPLOYED"

    await eventually(undone)
    outage.times = 0
    await cancelled(run)
    assert {state(each) for each in await deployments(desk, snapshot_id)} == {"UNDEPLOYED"}


@pytest.mark.parametrize("how", [REFUSED, GONE, DOWN])
async def test_the_job_of_a_cancelled_run_is_ended_beside_everything_else(desk: Office, how: str) -> None:
    snapshot_id = await desk.snapshot("run_test")
    run = await desk.start(snapshot_id)
    part = job_part(desk, await desk.job_awaited(run))
    await part.hinder(how)
    await run.cancel()

    async def recorded() -> bool:
        return any(r.event == "ended" for r in await desk.port.list_decisions(snapshot_id))

    await eventually(recorded)
    if how == DOWN:
        await held_up(run, [part])
        part.mend()
    await cancelled(run)
    assert how != DOWN or await part.is_done()
    assert any("PATCH jobs" in warning for warning in (await desk.status(run)).result.warnings) is (how == REFUSED)


@pytest.mark.parametrize("how", [REFUSED, GONE, DOWN])
async def test_what_a_cancelled_run_was_putting_back_and_can_not_be_loaded_is_undone(desk: Office, how: str) -> None:
    await desk.engine(f"small-{how}", online=True, stage="DEV", tags=[how], holds_many=False)
    low = await desk.snapshot(how, stage="DEV")
    high = await successor(desk, low, how)
    barrier = Barrier(desk, "take_over", "list_deployments", low)
    run = await desk.start(low)
    await load(desk, *(await loading(desk, low)).values())
    await barrier.reached(low)
    await load_everything(desk, high, await desk.start(high))
    barrier.open(low)
    (again,) = (await loading(desk, high)).values()

    async def loads() -> bool:
        return (await desk.status(run)).waiting_for == "the runtimes to load the model"

    await until(desk, run, Phase.SUPERSEDE)
    await eventually(loads)

    async def is_undone() -> bool:
        return state(await desk.center.get_deployment(again)) == "UNDEPLOYED"

    status = {REFUSED: 403, GONE: 404, DOWN: 503}[how]
    await run.cancel()
    await fail(desk, again)
    outage = plan(desk.center_faults, "PATCH", f"/deployedModels/{again}$", status)
    if how == DOWN:
        await trying(run, "undo_deployments", call=2)
        outage.times = 0
        await eventually(is_undone)
    await cancelled(run)
    warnings = (await desk.status(run)).result.warnings
    assert any("was not loaded again" in warning for warning in warnings)
    said = any("could not be undeployed" in warning for warning in warnings)
    assert said is (how == REFUSED)


async def test_a_ticket_that_was_archived_meanwhile_keeps_no_cancelled_run_from_ending(desk: Office) -> None:
    """Jira shows it, and lets nobody comment on it or move it."""
    left = await stopped(desk)
    body = '{"errorMessages": ["Issue is archived. You can not modify this issue."], "errors": {}}'
    plan(desk.faults, "POST|PUT", f"/issue/{left.error.id}/", 400, body)
    await left.run.cancel()
    await cancelled(left.run)
    assert await left.undo.is_done()
    (warning,) = (await desk.status(left.run)).result.warnings
    assert f"{left.error.key} stays open." in warning
    assert "archived" in warning


async def test_a_transition_that_fails_again_and_again_is_shown_and_keeps_nothing_else_from_being_done(
    desk: Office,
) -> None:
    left = await stopped(desk)
    outage = plan(desk.faults, "POST", f"/issue/{left.error.id}/transitions$", 503)
    await left.run.cancel()
    await held_up(left.run, [left.withdraw])
    for part in (left.undo, left.record, left.tell):
        await eventually(part.is_done)
    outage.times = 0
    await cancelled(left.run)
    assert await left.withdraw.is_done()
