"""Which runtimes a snapshot is deployed to."""

from typing import Any

import pytest
from deploying import deployments, load_everything, place, places
from office import Office
from paperwork import text

from mlc.center.modelop import wire


async def runtimes_of(desk: Office, snapshot_id: str) -> list[str]:
    """Deploy, and tell where to."""
    run = await desk.start(snapshot_id)
    await load_everything(desk, snapshot_id, run)
    assert (await run.result()).outcome == "deployed"
    return sorted(place(each) for each in await deployments(desk, snapshot_id))


async def ticket_text(desk: Office, snapshot_id: str) -> str:
    """What the error ticket says when there is nowhere to deploy to."""
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "error")
    assert (await desk.fields(ticket))["property"]["step"] == "deployment"
    return await text(desk, ticket)


async def pin(desk: Office, snapshot_id: str, *engines: dict[str, str]) -> None:
    await desk.center.patch_snapshot(snapshot_id, {"targetRuntimes": list(engines)})


async def test_where_no_runtime_matches_the_ticket_says_what_was_looked_for_and_what_there_is(desk: Office) -> None:
    await desk.engine("testbed", stage="DEV", tags=["credit"])
    said = await ticket_text(desk, await desk.snapshot("run_it", stage="PROD"))
    assert "stage 'PROD', model type PYTHON, tags ['run_it']" in said
    assert "The centre's runtimes: testbed (stage DEV, tags ['credit'], platform python)." in said


async def test_where_there_is_no_runtime_at_all_the_ticket_says_so(desk: Office) -> None:
    assert "The centre's runtimes: none at all." in await ticket_text(desk, await desk.snapshot())


async def test_pinned_runtimes_are_taken_whatever_their_stage_and_no_others(desk: Office) -> None:
    await desk.engine("matching", online=True)
    by_id = await desk.engine("pinned by id", online=True, stage="DEV", tags=["other"])
    await desk.engine("pinned by name", online=True, stage="UAT")
    snapshot_id = await desk.snapshot()
    await pin(desk, snapshot_id, {"id": by_id}, {"name": "pinned by name"})
    assert await runtimes_of(desk, snapshot_id) == ["pinned by id", "pinned by name"]


async def test_a_pinned_runtime_that_is_not_there_is_named_on_the_ticket(desk: Office) -> None:
    await desk.engine("matching")
    snapshot_id = await desk.snapshot()
    await pin(desk, snapshot_id, {"name": "gone"})
    said = await ticket_text(desk, snapshot_id)
    assert "it is pinned to gone" in said
    assert "The centre's runtimes: matching" in said


@pytest.mark.parametrize(
    ("model", "runtime"),
    [
        ("PROD", {"stage": "Production"}),
        ("Production", {"stage": "prod"}),
        ("production", {"stage": "elsewhere", "tags": ["PROD"]}),
        ("UAT", {"stage": "uat"}),
        ("Blue", {"stage": "BLUE"}),
    ],
)
async def test_stages_match_by_any_of_their_names_or_as_a_tag(
    desk: Office, model: str, runtime: dict[str, Any]
) -> None:
    await desk.engine("right", online=True, **runtime)
    await desk.engine("wrong", online=True, stage="SIT")
    assert await runtimes_of(desk, await desk.snapshot(stage=model)) == ["right"]


@pytest.mark.parametrize(
    "desk",
    [{"configure": lambda s: s.model_copy(update={"stage_aliases": {"Live": ["Go-Live", "PROD"]}})}],
    indirect=True,
)
async def test_names_of_stages_in_the_settings_may_be_spelt_as_people_like(desk: Office) -> None:
    await desk.engine("right", online=True, stage="go-live", tags=["LIVE"])  # the tag is a stage: it restricts nothing
    await desk.engine("wrong", online=True, stage="production")
    assert await runtimes_of(desk, await desk.snapshot(stage="Prod")) == ["right"]


@pytest.mark.parametrize("stage", ["unassigned", "Unassigned", ""])
async def test_an_unassigned_stage_never_matches(desk: Office, stage: str) -> None:
    await desk.center.save_engine(wire.Engine(name="without a stage", platform={"python": "3.11"}))
    await desk.engine("unassigned", stage="unassigned")
    assert "No runtime matches" in await ticket_text(desk, await desk.snapshot(stage=stage))


@pytest.mark.parametrize(
    ("platform", "suits"),
    [
        ({"python": "3.11"}, True),
        ({"r": "4.3", "python": "3.11"}, True),
        ({}, True),
        ({"r": "4.3"}, False),
        ({"r": "4.3", "python": None}, False),
    ],
)
async def test_a_runtime_takes_models_of_its_platforms_only(
    desk: Office, platform: dict[str, Any], suits: bool
) -> None:
    await desk.center.save_engine(wire.Engine(name="asked", environment_name="PROD", platform=platform))
    snapshot_id = await desk.snapshot()
    if suits:
        assert await runtimes_of(desk, snapshot_id) == ["batch"]
    else:
        assert "No runtime matches" in await ticket_text(desk, snapshot_id)


async def test_a_runtime_with_service_tags_takes_only_snapshots_with_one_of_them(desk: Office) -> None:
    await desk.engine("for all", online=True, tags=["PROD", "jira"])  # neither a stage nor a control tag restricts
    await desk.engine("for credit", online=True, tags=["credit", "cards"])
    await desk.engine("for fraud", online=True, tags=["fraud"])
    assert await runtimes_of(desk, await desk.snapshot("cards")) == ["for all", "for credit"]
    assert await runtimes_of(desk, await desk.snapshot("unheard of")) == ["for all"]


async def test_every_matching_online_runtime_is_deployed_to_and_batch_once_beside_them(desk: Office) -> None:
    for name in ("online 1", "online 2"):
        await desk.engine(name, online=True)
    for name in ("batch 1", "batch 2"):
        await desk.engine(name)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await load_everything(desk, snapshot_id, run)
    result = await run.result()
    assert [(d.mode, d.runtime) for d in result.deployments] == [
        ("online", "online 1"),
        ("online", "online 2"),
        ("batch", None),
    ]
    everywhere = [("batch", "DEPLOYED"), ("online 1", "DEPLOYED"), ("online 2", "DEPLOYED")]
    assert await places(desk, snapshot_id) == everywhere
