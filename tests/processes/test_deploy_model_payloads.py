"""Histories stay small: no payload over 2 KiB, whatever models, tables, jobs and reviewers are called or say."""

from typing import Any

import pytest
from office import ASSETS, Office, Run, asset
from paperwork import payloads, remarked, text
from servers import eventually
from tables import table

from mlc.center.modelop import wire

LIMIT = 2048
RESULT_LIMIT = 8192
LETTERS = {"four bytes": "😀", "escaped": "\x07"}
"""Those that take most room, in UTF-8 and in JSON."""

ASK = {"configure": lambda s: s.model_copy(update={"on_failed_verdict": "ask"})}


async def check(run: Run) -> None:
    """No payload of the run is too large, and no failure's text either."""
    history = await run.fetch_history()
    for event in history.events:
        scheduled = event.activity_task_scheduled_event_attributes
        where = f"event {event.event_id} {scheduled.activity_type.name}"
        failure = event.activity_task_failed_event_attributes.failure
        assert len(failure.message.encode()) <= LIMIT, f"{where}: failure {failure.message[:200]}"
        for path, payload in payloads(event):
            last = path.startswith(".workflow_execution_completed_event_attributes.result")
            size = len(payload.data)
            assert size <= (RESULT_LIMIT if last else LIMIT), f"{where}{path}: {size} bytes: {payload.data[:3000]!r}"


def hostile(letter: str) -> dict[str, Any]:
    """A snapshot with everything long, and much of it: 60 rules that fail, 60 metrics missing, data to choose from."""
    long = letter * 400
    rules = [
        (["< 0.9"], ["false", '"' + f"reason {n} " + letter.replace('"', "'") * 300 + '"', '"c"']) for n in range(60)
    ]
    many_rules = table(["auc"], ["passes", "reason", "category"], *rules).replace("\x07", "?")
    missing = [f"missing_{n}_{'m' * 100}" for n in range(60)]
    many_missing = table(missing, ["passes"], (["< 0.9"] * 60, ["false"]))
    names = [f"{letter * 60}{n}" for n in range(3)]
    stable = table(["CSI_maxCSIValue"], ["passes"], (["> 0.2"], ["false"]))
    source = (
        "# modelop.train\ndef train(a, b, c):\n    pass\n\n# modelop.metrics\ndef metrics(a, b, c):\n    yield {}\n"
    )
    data = [
        asset(f"{letter * 100}{n}.csv", role, "x,y\n1,0\n")
        for role in ("TRAINING_DATA", "TEST_DATA", "COMPARATOR_DATA")
        for n in range(12)
    ]
    others = {"TEST_RESULT_COMPARATOR", "BASELINE_DATA", "MODEL_SOURCE"}
    return {
        "methodology": long,
        "model": long,
        "assets": [
            asset("model.py", "MODEL_SOURCE", source),
            *data,
            *(a for a in ASSETS if a.asset_role not in others),
            asset(f"{names[0]}-stable.dmn", "TEST_RESULT_COMPARATOR", stable),
            asset(f"{names[0]}.dmn", "TEST_RESULT_COMPARATOR", many_rules),
            asset(f"{names[1]}.dmn", "TEST_RESULT_COMPARATOR", many_missing),
            asset(f"{names[2]}.dmn", "TEST_RESULT_COMPARATOR", "<no table>"),
            *(asset(f"{names[0]}-{n}.dmn", "UNKNOWN", many_rules) for n in range(9)),
        ],
    }


@pytest.mark.parametrize("desk", [ASK], indirect=True)
@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS.keys())
async def test_no_payload_of_a_hostile_snapshots_run_is_over_2_kib(desk: Office, letter: str) -> None:
    await desk.engine(f"a{letter * 190}")
    await desk.engine(f"b{letter * 190}", online=True)
    snapshot_id = await desk.snapshot("train", "run_test", "jira", **hostile(letter))
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, status="ERROR", jobMessages=[f"{letter * 2000}"] * 50)
    await desk.decide(run, await desk.ticket(run, "rejection"), "Done")
    artefacts = [asset(f"{n}{letter * 100}.pkl", "UNKNOWN", b"trained").wire() for n in range(60)]
    await desk.finish_job(run, outputData=artefacts)
    metrics = {f"{letter * 200}{n}": n + 0.123456789012 for n in range(60)}
    await desk.finish_job(
        run, metrics={"auc": 0.5, **{f"{n}{name}": value for n, (name, value) in enumerate(metrics.items())}}
    )
    ticket = await desk.ticket(run, "review")
    await desk.decide(run, ticket, "Done")
    await remarked(desk, run, ticket)
    await desk.comment(ticket, f"because {letter * 5000}")
    await desk.tell(run, ticket)

    async def failed() -> list[str]:
        found = await desk.center.list_deployments(snapshot_id=snapshot_id)
        return [d.id for d in found if (d.model_extra or {})["state"] == "DEPLOYING"]

    for loading in await eventually(failed):
        await desk.center.patch_deployment(loading, {"state": "ERROR", "messages": [letter * 3000]})
    error = await desk.ticket(run, "error")
    await check(run)
    await desk.decide(run, error, "Done")
    for loading in await eventually(failed):
        await desk.center.patch_deployment(loading, {"state": "DEPLOYED"})
    result = await run.result()
    assert result.outcome == "deployed"
    assert result.decision is not None
    assert result.decision.outcome == "overridden"
    await check(run)


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS.keys())
async def test_no_payload_of_a_run_that_finds_many_newer_ones_is_over_2_kib(desk: Office, letter: str) -> None:
    name = f"b{letter * 190}"
    await desk.engine(name, online=True)
    (engine,) = await desk.center.list_engines()
    low = await desk.snapshot(model=letter * 400)
    stored = (await desk.center.get_snapshot(low)).stored_model
    for _ in range(5):
        newer = await desk.center.get_snapshot(await desk.snapshot_of(stored))
        made = await desk.center.create_deployment(wire.DeployedModel(deployable_model=newer, engine=engine))
        await desk.center.patch_deployment(made.id, {"state": "DEPLOYED"})
    run = await desk.start(low)
    ticket = await desk.ticket(run, "error")
    assert "and 2 more" in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")

    async def loaded() -> bool:
        for each in await desk.center.list_deployments(snapshot_id=low):
            await desk.center.patch_deployment(each.id, {"state": "DEPLOYED"})
        return (await run.describe()).close_time is not None

    await eventually(loaded)
    assert (await run.result()).outcome == "deployed"
    await check(run)


async def test_no_payload_of_a_run_with_many_attempts_is_over_its_limit(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira", **hostile("x")))
    for _ in range(12):
        await desk.finish_job(run, metrics={"auc": 0.5})
        await desk.decide(run, await desk.ticket(run, "rejection"), "Done")
    await desk.finish_job(run, metrics={"auc": 0.5})
    await desk.decide(run, await desk.ticket(run, "rejection"), "Rejected")
    assert len((await run.result()).tickets) == 13
    await check(run)


async def test_no_payload_of_an_abandoned_run_without_a_fitting_runtime_is_over_2_kib(desk: Office) -> None:
    for n in range(30):
        await desk.engine(f"{n}{'r' * 190}", stage="ELSEWHERE", tags=[f"{'t' * 100}{m}" for m in range(20)])
    run = await desk.start(await desk.snapshot(*(f"{'s' * 100}{n}" for n in range(60))))
    assert await desk.ticket(run, "error")
    await check(run)
