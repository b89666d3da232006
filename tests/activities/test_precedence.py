"""Exactly one deployment stays in a place, and it is the highest: in every order of the steps of two and three runs."""

import random
from typing import Any

import pytest
from backroom import GONE, Backroom, asset, bare_model
from interleaving import BATCH, PlayedRun, different, orders, played

from activities.deployments import Deployments
from activities.precedence import (
    Claim,
    Loads,
    PrecedenceActivities,
    PushedOutByLoads,
    Settled,
)
from activities.surveys import Places, Survey
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.deployment import Deployment, DeploymentMode, DeploymentRequest, PushedOut, Rank
from mlc.model.failure import Refused
from mlc.model.snapshot import SnapshotOrder

SOURCE = [asset("model.py", "MODEL_SOURCE")]


async def snapshots(room: Backroom, number: int) -> list[str]:
    """Snapshots of one model, the lowest first."""
    model = await room.model(assets=SOURCE)
    return [await room.snapshot(model=model) for _ in range(number)]


async def active(room: Backroom, snapshot_id: str, *, place: str = BATCH) -> list[str]:
    """The snapshots of a model that are deployed in a place, one entry a deployment."""
    model_id = (await room.port.get_snapshot(snapshot_id)).model.id
    listed = await room.port.list_deployments(model_id=model_id)
    return [each.snapshot_id for each in listed if each.state == "deployed" and each.place == place]


async def rank(room: Backroom, snapshot_id: str) -> Rank:
    return Rank.of((await room.port.get_snapshot(snapshot_id)).order)


async def made(room: Backroom, snapshot_id: str, engine: wire.Engine | None = None, *, load: bool = True) -> str:
    """A deployment as a run makes it, which it has not confirmed yet; its id."""
    snapshot = await room.port.get_snapshot(snapshot_id)
    more: dict[str, Any] = {"engine": engine} if engine else {}
    return await room.deploy(
        snapshot_id,
        "DEPLOYED" if load else "DEPLOYING",
        mlc_rank=Rank.of(snapshot.order).model_dump(mode="json"),
        mlc_provisional=True,
        **more,
    )


async def confirmed(room: Backroom, snapshot_id: str, engine: wire.Engine | None = None) -> str:
    id_ = await made(room, snapshot_id, engine)
    await room.port.confirm_deployment(id_)
    return id_


async def settled(room: Backroom, snapshot_id: str, **deployments: str) -> Settled:
    answer = await room.run(room.precedence.take_over, Claim(snapshot_id=snapshot_id, deployments=deployments))
    assert isinstance(answer, Settled)
    return answer


async def survey(room: Backroom, snapshot_id: str, *places: str, allowed: Rank | None = None) -> Survey:
    wanted = Places(snapshot_id=snapshot_id, places=list(places) or [BATCH], allowed=allowed)
    answer = await room.run(room.surveys.find_newer, wanted)
    assert isinstance(answer, Survey)
    return answer


async def state(room: Backroom, deployment_id: str) -> str:
    return str((await room.port.get_deployment(deployment_id)).state)


# The heart: runs in every order of their steps.


async def test_of_two_runs_in_every_order_of_their_steps_exactly_the_higher_stays(room: Backroom) -> None:
    for order in filter(different, orders(5, 5)):
        low, high = await snapshots(room, 2)
        runs = [PlayedRun(room, id_, confirms=True) for id_ in (low, high)]
        await played(runs, order)
        assert await active(room, low) == [high], order
        assert runs[1].outcome == "deployed", order


async def test_of_three_runs_in_every_order_of_their_steps_exactly_the_highest_stays(room: Backroom) -> None:
    for order in filter(different, orders(3, 3, 3)):
        ids = await snapshots(room, 3)
        runs = [PlayedRun(room, id_) for id_ in ids]
        await played(runs, order)
        assert await active(room, ids[0]) == [ids[2]], order
        assert runs[2].outcome == "deployed", order


@pytest.mark.parametrize("allows", [True, False])
async def test_a_run_that_finds_a_newer_one_replaces_it_only_if_somebody_allows_that(
    room: Backroom, allows: bool
) -> None:
    asked = 0
    for order in orders(4, 4):
        low, high = await snapshots(room, 2)
        runs = [PlayedRun(room, id_, asks=True, allows=allows, confirms=True) for id_ in (low, high)]
        await played(runs, order)
        asked += bool(runs[0].replaces) or runs[0].outcome == "stopped"
        assert await active(room, low) == [low if runs[0].replaces else high], order
        assert runs[0].replaces in ([], [high]), order
        assert runs[1].replaces == [], order
    assert 0 < asked < 70


async def test_one_that_may_replace_the_highest_stays_whatever_comes_between_them(room: Backroom) -> None:
    every = list(filter(different, orders(3, 3, 3)))
    for order in random.Random(9).sample(every, 60):
        low, middle, high = await snapshots(room, 3)
        allowed = (await rank(room, high)).above((await room.port.get_snapshot(low)).order)
        runs = [PlayedRun(room, low, rank=allowed), PlayedRun(room, middle), PlayedRun(room, high)]
        await played(runs, order)
        assert await active(room, low) == [low], order
        assert runs[0].outcome == "deployed", order


@pytest.mark.parametrize("gate", range(1, 5))
@pytest.mark.parametrize("victim", [0, 1])
async def test_a_run_whose_worker_dies_at_any_step_decides_anew_from_the_list(
    room: Backroom, gate: int, victim: int
) -> None:
    for order in random.Random(gate).sample(list(filter(different, orders(4, 4))), 8):
        low, high = await snapshots(room, 2)
        runs = [PlayedRun(room, id_, confirms=True) for id_ in (low, high)]
        runs[victim].dies_at = gate
        await played(runs, order)
        assert await active(room, low) == [high], order


# What is lower ends.


async def test_only_the_models_lower_deployments_in_the_same_places_end(room: Backroom) -> None:
    first, second = await snapshots(room, 2)
    engine, other = await room.engine(online=True), await room.engine(online=True)
    same, elsewhere, batch = [await confirmed(room, first, at) for at in (engine, other, None)]
    stranger = await room.deploy(await room.snapshot(), engine=engine)
    failed = await room.deploy(first, engine=engine, state="ERROR")
    loading = await made(room, first, engine, load=False)
    new = await made(room, second, engine)
    for ended in (1, 0):
        assert await settled(room, second, **{str(engine.id): new}) == Settled(ended=ended)
    states = [await state(room, id_) for id_ in (same, elsewhere, batch, stranger, failed, loading, new)]
    assert states == ["undeployed", "deployed", "deployed", "deployed", "failed", "deploying", "deployed"]


async def test_an_earlier_deployment_of_the_same_snapshot_ends_and_a_later_one_stays(room: Backroom) -> None:
    (only,) = await snapshots(room, 1)
    first, second, third = [await confirmed(room, only) for _ in range(3)]
    assert (await settled(room, only, batch=second)).ended == 1
    assert [await state(room, id_) for id_ in (first, second, third)] == ["undeployed", "deployed", "deployed"]


async def test_what_one_refuses_to_end_is_told_after_all_others_have_ended(
    room: Backroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await snapshots(room, 4)
    old = [await confirmed(room, id_) for id_ in ids[:3]]
    new = await made(room, ids[3])
    end = room.port.end_deployment

    async def refuses(id_: str, **more: Any) -> Any:
        if id_ == old[1]:
            raise Refused("model centre", "it may not", status=403)
        return await end(id_, **more)

    monkeypatch.setattr(room.port, "end_deployment", refuses)
    claim = Claim(snapshot_id=ids[3], deployments={BATCH: new})
    error = await room.failure(room.precedence.take_over, claim)
    assert (error.type, error.non_retryable) == ("Refused", True)
    assert [await state(room, id_) for id_ in (*old, new)] == ["undeployed", "deployed", "undeployed", "deployed"]
    monkeypatch.undo()
    assert (await room.run(room.precedence.take_over, claim)).ended == 1


# Giving way.


async def test_a_run_gives_way_where_something_higher_is_and_takes_over_where_nothing_is(room: Backroom) -> None:
    old, low, high = await snapshots(room, 3)
    engine, at = await room.engine(online=True), str(BATCH)
    before = [await confirmed(room, old, where) for where in (engine, None)]
    mine = {str(engine.id): await made(room, low, engine), at: await made(room, low)}
    there = await confirmed(room, high, engine)
    answer = await settled(room, low, **mine)
    assert {place: other.id for place, other in answer.overtaken.items()} == {engine.id: there}
    assert "on " + engine.name in str(answer.overtaken[str(engine.id)])
    states = [await state(room, id_) for id_ in (*before, *mine.values(), there)]
    # The one before is left to the higher run: should that come to nothing, it is still there.
    assert states == ["deployed", "undeployed", "deployed", "deployed", "deployed"]


@pytest.mark.parametrize("load", [True, False])
async def test_a_run_does_not_give_way_to_one_that_may_still_be_taken_back(room: Backroom, load: bool) -> None:
    low, high = await snapshots(room, 2)
    engine = await room.engine(online=True)
    lower, higher = await made(room, low, engine), await made(room, high, engine, load=load)
    assert await settled(room, low, **{str(engine.id): lower}) == Settled()
    assert [await state(room, lower), await state(room, higher)] == ["deployed", "deployed" if load else "deploying"]
    if load:  # its run comes to the same step later
        assert (await settled(room, high, **{str(engine.id): higher})).ended == 1
    else:  # it comes to nothing
        await room.run(room.deployments.undo_deployments, Deployments(snapshot_id=high, ids=[higher]))
        assert await active(room, low, place=str(engine.id)) == [low]


async def test_a_run_gives_way_to_a_newer_one_that_somebody_deployed_by_hand(room: Backroom) -> None:
    low, high = await snapshots(room, 2)
    there, mine = await room.deploy(high), await made(room, low)
    assert (await settled(room, low, batch=mine)).overtaken["batch"].id == there
    assert await state(room, there) == "deployed"


async def test_a_run_that_waited_for_days_ends_nothing_that_was_deployed_meanwhile(room: Backroom) -> None:
    low, high = await snapshots(room, 2)
    mine = await made(room, low)
    assert (await settled(room, high, batch=await made(room, high))).ended == 1
    answer = await settled(room, low, batch=mine)
    assert (answer.ended, answer.gone, answer.overtaken["batch"].snapshot_id) == (0, {}, high)
    assert await active(room, low) == [high]


async def test_a_run_whose_own_deployment_is_gone_says_so_unless_something_higher_is_there(room: Backroom) -> None:
    low, high = await snapshots(room, 2)
    mine, other = await made(room, high), await confirmed(room, low)
    await room.port.end_deployment(mine)
    assert await settled(room, high, batch=mine) == Settled(gone={"batch": "it was undeployed meanwhile"})
    assert await settled(room, high, batch=GONE) == Settled(gone={"batch": "it is no longer in the model centre"})
    assert await state(room, other) == "deployed", "nothing ends for one that is gone itself"


async def test_another_deployment_of_the_same_snapshot_is_as_good_as_the_one_that_is_gone(room: Backroom) -> None:
    (only,) = await snapshots(room, 1)
    mine, later = await made(room, only), await confirmed(room, only)
    await room.port.end_deployment(mine)
    answer = await settled(room, only, batch=mine)
    assert answer == Settled(adopted={"batch": Deployment(id=later, mode=DeploymentMode.BATCH)})


async def test_a_higher_one_that_has_ended_this_ones_deployment_is_no_failure_of_it(room: Backroom) -> None:
    low, high = await snapshots(room, 2)
    engine = await room.engine(online=True)
    mine = await made(room, low, engine)
    await settled(room, high, **{str(engine.id): await made(room, high, engine)})
    (seen,) = await room.run(room.deployments.finish_deployments, Deployments(snapshot_id=low, ids=[mine]))
    assert (seen.ready, seen.problem, seen.overtaken) == (False, "", True)


# Asking.


async def test_without_a_newer_one_in_its_places_a_run_has_nothing_to_ask(room: Backroom) -> None:
    low, mine, high = await snapshots(room, 3)
    engine = await room.engine(online=True)
    await confirmed(room, low)
    await confirmed(room, mine)
    await confirmed(room, high, engine)
    await room.port.end_deployment(await confirmed(room, high))
    await room.deploy(high, "ERROR")
    assert await survey(room, mine) == Survey(rank=await rank(room, mine))


@pytest.mark.parametrize("load", [True, False])
async def test_a_newer_one_that_is_active_or_being_loaded_is_named(room: Backroom, load: bool) -> None:
    low, high = await snapshots(room, 2)
    engine = await room.engine(online=True)
    there = await made(room, high, engine, load=load)
    found = await survey(room, low, BATCH, str(engine.id))
    name = (await room.port.get_snapshot(high)).name
    assert [str(each) for each in found.newer] == [
        f"{name} ({high}) of the model {name.removesuffix('-1')} on {engine.name}, deployment {there}"
    ]
    assert (found.count, found.highest) == (1, await rank(room, high))
    allowed = await survey(room, low, BATCH, str(engine.id), allowed=found.highest)
    assert (allowed.newer, allowed.highest) == ([], None)
    assert await rank(room, high) < allowed.rank


async def test_what_was_allowed_holds_for_nothing_that_is_newer_still(room: Backroom) -> None:
    low, high, highest = await snapshots(room, 3)
    await confirmed(room, high)
    found = await survey(room, low)
    await confirmed(room, highest)
    again = await survey(room, low, allowed=found.highest)
    assert [each.snapshot_id for each in again.newer] == [highest]


async def test_a_newer_snapshot_needs_nobodys_word_to_take_the_place_back(room: Backroom) -> None:
    low, middle, high = await snapshots(room, 3)
    above = (await rank(room, high)).above((await room.port.get_snapshot(low)).order)
    await room.deploy(low, mlc_rank=above.model_dump(mode="json"))
    for snapshot_id in (middle, high):
        found = await survey(room, snapshot_id)
        assert found.newer == []
        assert found.rank > above


async def test_of_many_newer_ones_the_first_few_are_named_and_the_others_counted(room: Backroom) -> None:
    low, *newer = await snapshots(room, 6)
    for id_ in newer:
        await confirmed(room, id_)
    found = await survey(room, low)
    assert ([each.snapshot_id for each in found.newer], found.count) == (newer[:1:-1], 5)


# Centres that are late, large, or say little.


class Late:
    """A centre whose list of a model's deployments shows what was so when it was ``frozen``."""

    def __init__(self, port: ModelOpCenter) -> None:
        self._port = port
        self.frozen: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    async def list_deployments(self, **by: Any) -> Any:
        return self.frozen if self.frozen is not None else await self._port.list_deployments(**by)


async def test_a_run_waits_until_the_list_shows_what_it_has_done_itself(room: Backroom) -> None:
    low, high = await snapshots(room, 2)
    late: Any = Late(room.port)
    activities = PrecedenceActivities(late, room.settings)
    model_id = (await room.port.get_snapshot(low)).model.id
    before = await room.port.list_deployments(model_id=model_id)
    lower, higher = await confirmed(room, low), await made(room, high)
    unconfirmed = await room.port.list_deployments(model_id=model_id)
    claim = Claim(snapshot_id=high, deployments={BATCH: higher})
    for late.frozen in (before, unconfirmed):
        assert (await room.failure(activities.take_over, claim)).type == "NotFinished"
        assert await state(room, lower) == "deployed"
    late.frozen = None
    assert (await room.run(activities.take_over, claim)).ended == 1


async def test_a_list_that_never_shows_it_is_told_once_the_index_lag_is_over(room: Backroom) -> None:
    (only,) = await snapshots(room, 1)
    late: Any = Late(room.port)
    late.frozen = []
    activities = PrecedenceActivities(late, room.settings)
    claim = Claim(snapshot_id=only, deployments={BATCH: await made(room, only)})
    room.late()
    error = await room.failure(activities.take_over, claim)
    assert (error.type, error.non_retryable) == ("DeploymentFailed", True)
    assert "is its finder right?" in error.message


async def test_an_old_deployment_is_found_behind_a_thousand_others(room: Backroom) -> None:
    old, new = await snapshots(room, 2)
    engine = await room.engine(online=True)
    first = await confirmed(room, old)
    many = wire.DeployedModel(deployable_model=wire.DeployableModel(id=old), engine=engine)
    for _ in range(1_100):
        await room.center.create_deployment(many)
    assert (await survey(room, old)).newer == []
    assert (await settled(room, new, batch=await made(room, new))).ended == 1
    assert await state(room, first) == "undeployed"


async def test_a_deployment_whose_snapshot_is_gone_has_its_place_in_the_order(room: Backroom) -> None:
    low, middle, high = await snapshots(room, 3)
    there = [await confirmed(room, id_) for id_ in (low, high)]
    for id_ in (low, high):
        address = f"http://centre/model-manage/api/deployableModels/{id_}"
        (await room.http.delete(address, headers={"Authorization": "Bearer t"})).raise_for_status()
    mine = await made(room, middle)
    assert (await settled(room, middle, batch=mine)).overtaken["batch"].id == there[1]
    await room.port.end_deployment(there[1])
    assert (await settled(room, middle, batch=mine)).ended == 1
    assert await state(room, there[0]) == "undeployed"


async def test_a_snapshot_of_no_model_asks_nothing_and_ends_nothing(room: Backroom) -> None:
    stranger = await room.deploy(await room.snapshot())
    id_ = await room.snapshot(model=bare_model())
    assert (await survey(room, id_)).newer == []
    mine = await made(room, id_)
    assert await settled(room, id_, batch=mine) == Settled()
    assert [await state(room, each) for each in (stranger, mine)] == ["deployed", "deployed"]


async def test_a_listing_that_leaves_out_when_snapshots_were_created_is_asked_for_each(
    room: Backroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = await snapshots(room, 2)
    older, newer = await room.deploy(low), await room.deploy(high)
    listed = room.port.list_deployments

    async def short(**by: Any) -> Any:
        return [each.model_copy(update={"snapshot_created": None}) for each in await listed(**by)]

    monkeypatch.setattr(room.port, "list_deployments", short)
    assert [each.id for each in (await survey(room, low)).newer] == [newer]
    assert (await survey(room, high)).newer == []
    assert (await settled(room, high, batch=newer)).ended == 1
    assert await state(room, older) == "undeployed"


async def test_a_rank_that_cant_be_read_is_that_of_the_snapshot(room: Backroom) -> None:
    low, high = await snapshots(room, 2)
    for broken in ("first", {"level": {"created": "soon"}}, {"turn": 7}, []):
        await room.deploy(low, mlc_rank=broken)
    await made(room, high)
    assert (await survey(room, high)).rank == await rank(room, high)
    assert len((await survey(room, low)).newer) == 1


def test_a_later_time_then_the_id_decide_and_no_time_is_the_lowest() -> None:
    told = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+00:30", "2026-01-01T01:00:00"]
    orders = [SnapshotOrder.model_validate({"created": created, "id": id_}) for created in told for id_ in ("a", "b")]
    lowest = [SnapshotOrder(id="z"), SnapshotOrder(id="a"), SnapshotOrder()]
    mixed = [*orders, *lowest]
    random.Random(1).shuffle(mixed)
    assert sorted(mixed) == [*reversed(lowest), *orders]
    assert max(mixed) == orders[-1]


def test_ranks_are_one_order_whoever_was_allowed_what() -> None:
    low, middle, high = (Rank.of(SnapshotOrder(id=id_)) for id_ in "abc")
    allowed = high.above(low.own)
    assert low < middle < high < allowed < allowed.above(middle.own) < allowed.above(high.own)
    assert high.above(low.own) < high.above(middle.own)


async def test_a_deployment_is_made_with_its_rank_and_provisional(room: Backroom) -> None:
    (only,) = await snapshots(room, 1)
    asked = DeploymentRequest(
        snapshot_id=only, mode=DeploymentMode.BATCH, key=GONE, workflow_id="w", rank=await rank(room, only)
    )
    id_ = (await room.run(room.deployments.deploy, asked)).id
    record = await room.port.get_deployment(id_)
    assert (record.placed, record.provisional) == (asked.rank, True)
    await settled(room, only, batch=id_)
    assert not (await room.port.get_deployment(id_)).provisional


# Runtimes that hold one model.


async def pushed_out(room: Backroom, *engines: wire.Engine) -> dict[str, PushedOut]:
    loads = Loads(runtimes=[str(engine.id) for engine in engines])
    found = await room.run(room.precedence.find_pushed_out, loads)
    assert isinstance(found, PushedOutByLoads)
    return found.deployments


async def test_what_is_active_on_a_runtime_that_holds_one_model_was_pushed_out_by_a_load(room: Backroom) -> None:
    low, high = await snapshots(room, 2)
    engine = await room.engine(online=True, mlc_many_models=None)
    many, elsewhere = await room.engine(online=True), await room.engine(online=True, mlc_many_models=None)
    older, newer = [await confirmed(room, id_, engine) for id_ in (low, high)]
    for other in (many, elsewhere):
        await confirmed(room, low, other)
    found = await pushed_out(room, engine, many)
    assert list(found) == [engine.id]
    there = found[str(engine.id)]
    assert (there.deployment_id, there.snapshot_id, there.rank) == (newer, high, await rank(room, high))
    assert (there.runtime.name, bool(there.digest)) == (engine.name, True)
    await room.port.end_deployment(newer)
    assert (await pushed_out(room, engine))[str(engine.id)].deployment_id == older


async def test_what_is_being_loaded_or_may_be_taken_back_was_not_pushed_out(room: Backroom) -> None:
    (only,) = await snapshots(room, 1)
    engine = await room.engine(online=True, mlc_many_models=None)
    await made(room, only, engine)
    await made(room, only, engine, load=False)
    assert await pushed_out(room, engine) == {}
    assert await pushed_out(room) == {}
