"""Deployments: where a snapshot may go, and what becomes of those that were there before."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backroom import GONE, Backroom, bare_model

from activities.deployments import Deployments
from mlc.center.modelop import wire
from mlc.model.deployment import DeploymentMode, DeploymentRequest, Rank, RuntimeRef


def request(snapshot_id: str, runtime: wire.Engine | None = None, **more: Any) -> DeploymentRequest:
    mode = DeploymentMode.ONLINE if runtime else DeploymentMode.BATCH
    ref = RuntimeRef(id=runtime.id or "", name=runtime.name, mode=mode) if runtime else None
    fields = {"snapshot_id": snapshot_id, "mode": mode, "runtime": ref, "key": uuid.uuid4().hex, "workflow_id": "w"}
    return DeploymentRequest(**(fields | more))


async def state(room: Backroom, deployment_id: str) -> str:
    return str(((await room.center.get_deployment(deployment_id)).model_extra or {})["state"])


async def test_runtimes_match_by_stage_and_tag_online_ones_first_and_a_control_tag_says_nothing(room: Backroom) -> None:
    stage = f"stage-{uuid.uuid4().hex[:6]}"
    batch = await room.engine(stage=stage)
    online = await room.engine(stage=stage.upper(), online=True, tags=["train"])
    await room.engine(stage=stage, online=True, tags=["vip"])
    await room.engine(stage="other", online=True)
    id_ = await room.snapshot("train", model_stage=stage)
    found = await room.run(room.deployments.match_runtimes, id_)
    assert [(ref.name, ref.mode) for ref in found] == [(online.name, "online"), (batch.name, "batch")]


async def test_a_pin_by_name_or_id_comes_before_everything_else(room: Backroom) -> None:
    one, two = await room.engine(stage="other"), await room.engine(stage="other", online=True)
    id_ = await room.snapshot(more={"target_runtimes": [wire.Engine(name=one.name), wire.Engine(id=two.id)]})
    assert {ref.id for ref in await room.run(room.deployments.match_runtimes, id_)} == {one.id, two.id}


@pytest.mark.parametrize("stage", ["nowhere", None, ""])
async def test_that_no_runtime_matches_is_told_with_what_there_is(room: Backroom, stage: str | None) -> None:
    engine = await room.engine(stage="dev")
    error = await room.failure(room.deployments.match_runtimes, await room.snapshot(model_stage=stage))
    assert (error.type, error.non_retryable) == ("NoMatchingRuntime", True)
    assert engine.name in str(error)


async def test_the_same_key_deploys_once(room: Backroom) -> None:
    asked = request(await room.snapshot(), await room.engine(online=True))
    assert await room.run(room.deployments.find_deployment, asked) is None
    made = await room.run(room.deployments.deploy, asked)
    again, found = (
        await room.run(room.deployments.deploy, asked),
        await room.run(room.deployments.find_deployment, asked),
    )
    assert made == again == found
    assert (made.ready, made.problem) == (False, "")
    kept = await room.center.get_deployment(made.id)
    assert kept.deployable_model is not None
    assert (kept.deployable_model.id, kept.mlc_key, kept.deployment_target) == (asked.snapshot_id, asked.key, "PROD")
    assert [a.content() is not None for a in kept.deployable_model.stored_model.model_assets] == [True] * 6


async def test_a_batch_deployment_is_deployed_at_once_and_on_no_runtime(room: Backroom) -> None:
    made = await room.run(room.deployments.deploy, request(await room.snapshot()))
    assert (made.ready, made.runtime, made.mode) == (True, None, DeploymentMode.BATCH)
    assert (await room.center.get_deployment(made.id)).engine is None


async def test_a_runtime_or_a_snapshot_that_is_gone_meanwhile_is_told(room: Backroom) -> None:
    gone = wire.Engine(id=GONE, name="gone")
    error = await room.failure(room.deployments.deploy, request(await room.snapshot(), gone))
    assert (error.type, error.message) == ("NoMatchingRuntime", "Runtime 'gone' is no longer in the model centre.")
    assert (await room.failure(room.deployments.deploy, request(GONE))).type == "Refused"


@pytest.mark.parametrize(
    ("changes", "ready", "problem"),
    [
        ({"state": "DEPLOYED"}, True, ""),
        ({"state": "ERROR", "messages": ["no module named x"]}, False, "no module named x"),
        (
            {"state": "ERROR", "messages": ["Traceback (most recent call last):", "E: two:", " - column"]},
            False,
            "E: two:\n - column",
        ),
        (
            {
                "state": "ERROR",
                "messages": ["too late.", "Traceback (most recent call last):", "KeyError", "too late."],
            },
            False,
            "too late.\nTraceback (most recent call last):\nKeyError",
        ),
        ({"state": "ERROR"}, False, "the runtime gave no reason"),
        ({"state": "UNDEPLOYED"}, False, "it was undeployed meanwhile"),
    ],
)
async def test_a_deployment_is_waited_for_until_it_is_loaded_or_has_failed(
    room: Backroom, changes: dict[str, Any], ready: bool, problem: str
) -> None:
    made = await room.run(room.deployments.deploy, request(await room.snapshot(), await room.engine(online=True)))
    waiting = Deployments(snapshot_id="s", ids=[made.id])
    assert (await room.failure(room.deployments.finish_deployments, waiting)).type == "NotFinished"
    await room.center.patch_deployment(made.id, changes)
    (ended,) = await room.run(room.deployments.finish_deployments, waiting)
    assert (ended.ready, ended.problem) == (ready, problem)


async def test_of_a_deployment_that_failed_the_reason_comes_first_and_then_what_came_before_it(room: Backroom) -> None:
    made = await room.run(room.deployments.deploy, request(await room.snapshot(), await room.engine(online=True)))
    for log, why, ends in (
        (["printed " * 500, "Traceback:", "KeyError: 'b'"], "It can't score.", "Traceback:\nKeyError: 'b'"),
        (["Traceback:"], "It can't score." + "x" * 9000, "...\nTraceback:"),
    ):
        messages = [why, *log, why]
        await room.center.patch_deployment(made.id, {"state": "ERROR", "messages": messages})
        (ended,) = await room.run(room.deployments.finish_deployments, Deployments(snapshot_id="s", ids=[made.id]))
        assert ended.problem.startswith("It can't score.")
        assert ended.problem.endswith(ends)
        assert len(ended.problem) <= 1010


async def test_a_deployment_that_is_loaded_tells_its_address_and_its_warning(room: Backroom) -> None:
    made = await room.run(room.deployments.deploy, request(await room.snapshot(), await room.engine(online=True)))
    custom = {"mlcAddress": "http://r/deployments/d/score", "mlcWarning": "Not tried. " * 200, "other": 1}
    await room.center.patch_deployment(made.id, {"state": "DEPLOYED", "metaData": {"custom": custom}})
    (loaded,) = await room.run(room.deployments.finish_deployments, Deployments(snapshot_id="s", ids=[made.id]))
    assert (loaded.ready, loaded.address) == (True, "http://r/deployments/d/score")
    assert loaded.warning.startswith("Not tried. ")
    assert len(loaded.warning) <= 400
    strange = await room.run(room.deployments.deploy, request(await room.snapshot(), await room.engine(online=True)))
    await room.center.patch_deployment(strange.id, {"state": "DEPLOYED", "metaData": {"custom": {"mlcAddress": 7}}})
    (read,) = await room.run(room.deployments.finish_deployments, Deployments(snapshot_id="s", ids=[strange.id]))
    assert (read.ready, read.address, read.warning) == (True, "", "")


async def test_one_that_never_loads_is_given_up_and_one_that_is_gone_is_a_problem(room: Backroom) -> None:
    made = await room.run(room.deployments.deploy, request(await room.snapshot(), await room.engine(online=True)))
    room.at(datetime.now(UTC), waited=room.settings.deployment_deadline + timedelta(seconds=1))
    waiting = Deployments(snapshot_id="s", ids=[made.id, GONE])
    late, gone = await room.run(room.deployments.finish_deployments, waiting)
    assert (late.ready, gone.ready) == (False, False)
    assert "is the runtime up?" in late.problem
    assert gone.problem == "it is no longer in the model centre"


async def test_deployments_are_taken_back_with_their_schedules_and_those_that_are_gone_are_ended(
    room: Backroom,
) -> None:
    id_ = await room.deploy(await room.snapshot(), schedules=[wire.Schedule(schedule_id="s1")])
    for _ in range(2):
        await room.run(room.deployments.undo_deployments, Deployments(snapshot_id="s", ids=[GONE, id_]))
    assert await state(room, id_) == "UNDEPLOYED"
    assert (await room.center.get_deployment(id_)).schedules == []


async def small(room: Backroom) -> wire.Engine:
    """ModelOp's own: it doesn't say that it holds more than one model."""
    return await room.engine(online=True, mlc_many_models=None)


@pytest.mark.parametrize("there", ["DEPLOYED", "DEPLOYING"])
async def test_a_runtime_that_holds_another_model_takes_none_beside_it_and_the_occupant_is_named(
    room: Backroom, there: str
) -> None:
    engine, stranger = await small(room), await room.snapshot(name="churn")
    occupant = await room.deploy(stranger, there, engine=engine)
    asked = request(await room.snapshot(), engine)
    for _ in range(2):
        error = await room.failure(room.deployments.deploy, asked)
        assert (error.type, error.non_retryable) == ("RuntimeOccupied", True)
        for named in (f"The runtime {engine.name} holds one model", "the model churn", stranger, occupant):
            assert named in error.message
    assert await room.run(room.deployments.find_deployment, asked) is None
    await room.port.end_deployment(occupant)
    assert (await room.run(room.deployments.deploy, asked)).problem == ""


async def test_a_runtime_that_holds_one_model_takes_another_version_of_it_and_not_a_lower_one(room: Backroom) -> None:
    engine, model = await small(room), await room.model()
    low, middle, high = [await room.snapshot(model=model) for _ in range(3)]
    ranks = [Rank.of((await room.port.get_snapshot(id_)).order) for id_ in (low, middle, high)]
    await room.deploy(middle, engine=engine)
    assert (await room.run(room.deployments.deploy, request(high, engine, rank=ranks[2]))).problem == ""
    error = await room.failure(room.deployments.deploy, request(low, engine, rank=ranks[0]))
    assert (error.type, high in error.message) == ("RuntimeOccupied", True)
    allowed = ranks[2].above(ranks[0].own)
    assert (await room.run(room.deployments.deploy, request(low, engine, rank=allowed))).problem == ""


async def test_where_nobody_can_tell_which_model_it_is_any_other_is_in_the_way(room: Backroom) -> None:
    engine = await small(room)
    await room.deploy(await room.snapshot(model=bare_model()), engine=engine)
    for asked in (request(await room.snapshot(), engine), request(await room.snapshot(model=bare_model()), engine)):
        assert (await room.failure(room.deployments.deploy, asked)).type == "RuntimeOccupied"


async def test_of_two_models_loaded_at_once_where_one_has_room_the_first_to_be_made_stays(room: Backroom) -> None:
    engine = await small(room)
    ids = [await room.deploy(await room.snapshot(), engine=engine) for _ in range(2)]
    first, second = await room.run(room.deployments.finish_deployments, Deployments(snapshot_id="s", ids=ids))
    assert (first.ready, first.problem, second.ready) == (True, "", False)
    assert f"The runtime {engine.name} holds one model only, and there is" in second.problem


async def test_what_the_settings_say_of_engines_decides_which_of_them_hold_one_model(room: Backroom) -> None:
    engine, many = await small(room), await room.engine(online=True)
    spark = await room.engine(online=True, engine_type="SPARK_RUNTIME", mlc_many_models=None)
    said = {r.name: r.single_model for r in await room.port.list_runtimes()}
    assert [said[e.name] for e in (engine, many, spark)] == [True, False, False]


async def test_only_the_models_earlier_deployments_in_the_same_places_are_superseded(room: Backroom) -> None:
    model, engine, other = await room.model(), await room.engine(online=True), await room.engine(online=True)
    first, second = await room.snapshot(model=model), await room.snapshot(model=model)
    same, elsewhere, batch = (
        await room.deploy(first, engine=engine),
        await room.deploy(first, engine=other),
        await room.deploy(first),
    )
    stranger = await room.deploy(await room.snapshot(), engine=engine)
    failed = await room.deploy(first, engine=engine, state="ERROR")
    new = Deployments(snapshot_id=second, ids=[await room.deploy(second, engine=engine)])
    assert await room.run(room.deployments.supersede, new) == [same]
    assert await room.run(room.deployments.supersede, new) == []
    states = [await state(room, id_) for id_ in (same, elsewhere, batch, stranger, failed, *new.ids)]
    assert states == ["UNDEPLOYED", "DEPLOYED", "DEPLOYED", "DEPLOYED", "ERROR", "DEPLOYED"]


async def test_the_snapshot_of_no_model_supersedes_nothing(room: Backroom) -> None:
    stranger = await room.deploy(await room.snapshot())
    id_ = await room.snapshot(model=bare_model())
    new = Deployments(snapshot_id=id_, ids=[await room.deploy(id_)])
    assert await room.run(room.deployments.supersede, new) == []
    assert await state(room, stranger) == "DEPLOYED"


async def test_what_is_put_back_carries_the_same_files_and_else_it_is_told_what_changed(room: Backroom) -> None:
    id_, engine = await room.snapshot(), await room.engine(online=True)
    first = await room.run(room.deployments.deploy, request(id_, engine))
    again = await room.run(room.deployments.deploy, request(id_, engine, expected=first.digest, like=first.id))
    assert again.digest == first.digest
    present = (await room.center.get_snapshot(id_)).stored_model.model_assets
    documents = [each.wire() for each in present[1:]]
    await room.center.patch_snapshot(id_, {"storedModel": {"modelAssets": documents}})
    asked = request(id_, engine, expected=first.digest, like=first.id)
    error = await room.failure(room.deployments.deploy, asked)
    assert (error.type, error.non_retryable) == ("ChangedSinceApproval", True)
    assert f"since it was deployed there, {present[0].filename} is gone." in error.message
    gone = await room.failure(room.deployments.deploy, asked.model_copy(update={"like": GONE}))
    assert "since it was deployed there, it changed." in gone.message


async def test_a_snapshot_is_taken_out_of_use_wherever_it_is_and_no_other(room: Backroom) -> None:
    id_, other = await room.snapshot(), await room.snapshot()
    loading = await room.run(room.deployments.deploy, request(id_, await room.engine(online=True)))
    batch = await room.run(room.deployments.deploy, request(id_))
    stays = await room.run(room.deployments.deploy, request(other))
    assert sorted(await room.run(room.deployments.undeploy, id_)) == sorted([loading.id, batch.id])
    assert [await state(room, each.id) for each in (loading, batch, stays)] == ["UNDEPLOYED", "UNDEPLOYED", "DEPLOYED"]
    assert await room.run(room.deployments.undeploy, id_) == []
    assert await room.run(room.deployments.undeploy, GONE) == []
