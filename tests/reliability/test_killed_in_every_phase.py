"""The worker is killed in every phase of DeployModel, and every run ends as if nothing had been."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

from processes.office import Office, Run, asset
from reliability.worker_process import WorkerProcess
from servers import eventually

from mlc.center.modelop import wire
from mlc.model.processes import DeployModelResult, Phase
from mlc.standalone.faults import Effect

GOOD = {"auc": 0.97}


@dataclass(frozen=True)
class Case:
    """A run that comes to one request, and there stays until the worker is dead.

    That request is the run's first ``METHOD path``; with ``after``, the first one after its job or its ticket.
    In the path ``SNAPSHOT`` is the run's snapshot and ``EARLIER`` the deployment that it is to supersede.
    """

    tags: str
    request: str
    effect: Effect
    after: Literal["start", "job", "ticket"] = "start"
    without: tuple[str, ...] = ()


CASES = {
    "submitted": Case("", "PATCH deployableModels/SNAPSHOT$", Effect.HANG_AFTER),
    "training": Case("train", "PATCH deployableModels/SNAPSHOT$", Effect.HANG_AFTER, after="job"),
    "testing": Case("run_test", "POST modelTestResults$", Effect.HANG_AFTER, after="job"),
    "verdict": Case("run_test jira", "PATCH modelTestResults/", Effect.HANG, after="job"),
    "failure ticket": Case("run_test", "POST issue$", Effect.LATE, without=("TEST_DATA",)),
    "expiration": Case(
        "jira", "PATCH deployableModels/SNAPSHOT$", Effect.HANG, after="ticket", without=("TEST_RESULT_COMPARATOR",)
    ),
    "monitors": Case("", "GET storedModels/search/", Effect.HANG),
    "deployment": Case("", "POST deployedModels$", Effect.HANG_AFTER),
    "schedules": Case("", "PATCH deployedModels/(?!EARLIER)", Effect.HANG_AFTER),
    "supersede": Case("", "PATCH deployedModels/EARLIER$", Effect.HANG_AFTER),
    "done": Case("", "POST notifications$", Effect.HANG_AFTER),
}

ELSEWHERE = {"verdict": "review", "failure ticket": "testing"}
"""The phases of the cases that have no phase's name."""
PHASES = {name: ELSEWHERE.get(name, name) for name in CASES}


async def held(desk: Office, case: Case) -> Run:
    """Start a run and lead it to the request of its case, where it stays."""
    old = await desk.center.get_snapshot(await desk.snapshot())
    schedule = wire.Schedule(schedule_id="weekly", cron_expression="0 0 6 * * ?", action={"signalName": "x"})
    earlier = await desk.center.create_deployment(
        wire.DeployedModel(deployable_model=old, deployment_target="PROD", schedules=[schedule], state="DEPLOYED")
    )
    stored = old.stored_model.model_copy(
        update={"model_assets": [a for a in old.stored_model.model_assets if a.asset_role not in case.without]}
    )
    snapshot_id = await desk.snapshot_of(stored, *case.tags.split())
    method, path = case.request.replace("SNAPSHOT", snapshot_id).replace("EARLIER", earlier.id).split(" ", 1)
    faults = desk.faults if path == "issue$" else desk.center_faults
    already = len(faults.hanging)

    def plan() -> None:
        faults.add(case.effect, method=method, path=f"/{path}")

    async def stays() -> bool:
        return len(faults.hanging) > already

    if case.after == "start":
        plan()
    run = await desk.start(snapshot_id)
    if case.after == "job":
        made = {"outputData": [asset("model.pkl", "UNKNOWN", b"trained").wire()]} if case.tags == "train" else {}
        await desk.job_awaited(run)
        plan()
        await desk.finish_job(run, metrics=None if made else GOOD, **made)
    elif case.after == "ticket":
        ticket = await desk.ticket(run, "review")
        plan()
        await desk.decide(run, ticket, "Done")
    await eventually(stays)
    return run


async def everything_made(desk: Office, result: DeployModelResult) -> dict[str, Any]:
    """What there is of a run in the centre, counted."""
    snapshot = await desk.center.get_snapshot(result.snapshot_id)
    deployments = await desk.center.list_deployments(model_id=snapshot.stored_model.id)
    return {
        "outcome": result.outcome,
        "tickets": len(result.tickets),
        "jobs": len(await desk.jobs(snapshot.id)),
        "results": len(await desk.center.list_test_results(snapshot.id)),
        "monitors": len(snapshot.associated_models),
        "deployments": sorted(
            ("new" if d.deployable_model.id == snapshot.id else "old", d.model_extra["state"], len(d.schedules))
            for d in deployments
        ),
        "notifications": len(await desk.center.list_notifications(snapshot_id=snapshot.id)),
    }


def expected(case: Case) -> dict[str, Any]:
    deployed = "TEST_DATA" not in case.without
    return {
        "outcome": "deployed" if deployed else "rejected",
        "tickets": 1 if "jira" in case.tags or not deployed else 0,
        "jobs": 1 if case.after == "job" else 0,
        "results": 1 if case.after == "job" and "run_test" in case.tags else 0,
        "monitors": 4 if deployed else 0,
        "deployments": [("new", "DEPLOYED", 1), ("old", "UNDEPLOYED", 0)] if deployed else [("old", "DEPLOYED", 1)],
        "notifications": 1,
    }


def test_there_is_a_case_for_every_phase() -> None:
    assert set(PHASES.values()) == {phase.value for phase in Phase if phase.name != "UNKNOWN"}


async def test_a_run_survives_that_its_worker_is_killed_in_any_phase(unmanned: Office, worker: WorkerProcess) -> None:
    await unmanned.engine("batch")
    runs = {phase: await held(unmanned, case) for phase, case in CASES.items()}
    assert {name: (await unmanned.status(run)).phase for name, run in runs.items()} == PHASES
    worker.kill()
    worker.start()
    for phase, kind, answer in (("verdict", "review", "Done"), ("failure ticket", "rejection", "Rejected")):
        await unmanned.decide(runs[phase], await unmanned.ticket(runs[phase], kind, seconds=40), answer)
    results = await asyncio.gather(*(run.result() for run in runs.values()))
    made = {phase: await everything_made(unmanned, result) for phase, result in zip(runs, results, strict=True)}
    assert made == {phase: expected(case) for phase, case in CASES.items()}
    assert len(await unmanned.tickets()) == sum(case["tickets"] for case in made.values())


async def test_one_run_survives_that_its_worker_is_killed_whenever_it_waits(
    unmanned: Office, worker: WorkerProcess
) -> None:
    def again() -> None:
        worker.kill()
        worker.start()

    runtime = await unmanned.engine("online", online=True)
    snapshot_id = await unmanned.snapshot("train", "run_test", "jira")
    run = await unmanned.start(snapshot_id)
    for changes in ({"outputData": [asset("model.pkl", "UNKNOWN", b"trained").wire()]}, {"metrics": GOOD}):
        await unmanned.job_awaited(run)
        again()
        await unmanned.finish_job(run, **changes)
    ticket = await unmanned.ticket(run, "review")
    again()
    await unmanned.decide(run, ticket, "Done")

    async def deploying() -> list[wire.DeployedModel]:
        return await unmanned.center.list_deployments(engine_id=runtime)

    made = await eventually(deploying)
    again()
    await unmanned.center.patch_deployment(made[0].id, {"state": "DEPLOYED"})
    result = await run.result()
    assert (result.outcome, len(result.monitors_added)) == ("deployed", 4)
    assert len(await unmanned.tickets()) == 1
    assert [job["jobStatus"] for job in await unmanned.jobs(snapshot_id)] == ["COMPLETE"] * 2
    assert len(await deploying()) == 1
