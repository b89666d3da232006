"""Ways in which a run of DeployModel comes to a failure ticket: each starts a run and makes it fail."""

from collections.abc import Awaitable, Callable

from office import Office, Run, asset
from servers import eventually

GOOD = {"auc": 0.97}
BAD = {"auc": 0.5}

Failing = Callable[[Office], Awaitable[Run]]


async def start(desk: Office, *tags: str, without: tuple[str, ...] = ()) -> Run:
    return await desk.start(await desk.snapshot(*tags, without=without))


async def missing_training_data(desk: Office) -> Run:
    return await start(desk, "train", without=("TRAINING_DATA",))


async def training_job_error(desk: Office) -> Run:
    run = await start(desk, "train")
    await desk.finish_job(run, status="ERROR", jobMessages=["Traceback (most recent call last):", "KeyError: 'y'"])
    return run


async def training_job_cancelled(desk: Office) -> Run:
    run = await start(desk, "train")
    await desk.finish_job(run, status="CANCELLED")
    return run


async def missing_test_data(desk: Office) -> Run:
    return await start(desk, "run_test", without=("TEST_DATA",))


async def metrics_job_error(desk: Office) -> Run:
    run = await start(desk, "run_test")
    await desk.finish_job(run, status="ERROR", jobMessages=["Scoring began", "ValueError: could not convert 'n/a'"])
    return run


async def metrics_job_cancelled(desk: Office) -> Run:
    run = await start(desk, "run_test")
    await desk.finish_job(run, status="CANCELLED", jobMessages=["The job was cancelled by eve."])
    return run


async def metrics_job_deleted(desk: Office) -> Run:
    run = await start(desk, "run_test")
    await delete_job(desk, run)
    return run


async def no_output(desk: Office) -> Run:
    run = await start(desk, "run_test")
    await desk.finish_job(run)
    return run


async def failed_verdict(desk: Office) -> Run:
    run = await start(desk, "run_test", "jira")
    await desk.finish_job(run, metrics=BAD)
    return run


async def snapshot_gone(desk: Office) -> Run:
    """The snapshot is deleted while a rejection ticket waits, and somebody asks for another try."""
    snapshot_id = await desk.snapshot("run_test", without=["TEST_DATA"])
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    (await desk.model_manage.delete(f"deployableModels/{snapshot_id}")).raise_for_status()
    await desk.decide(run, ticket, "Done")
    return run


async def no_runtime(desk: Office) -> Run:
    return await desk.start(await desk.snapshot(stage="NOWHERE"))


REJECTED: dict[str, Failing] = {
    "missing training data": missing_training_data,
    "training job error": training_job_error,
    "training job cancelled": training_job_cancelled,
    "missing test data": missing_test_data,
    "metrics job error": metrics_job_error,
    "metrics job cancelled": metrics_job_cancelled,
    "metrics job deleted": metrics_job_deleted,
    "no output": no_output,
    "failed verdict": failed_verdict,
}
"""Failures about the model: their ticket is a rejection ticket."""

ERRORS: dict[str, Failing] = {"snapshot gone": snapshot_gone, "no runtime": no_runtime}
"""Failures about the surroundings: their ticket is an error ticket."""


async def delete_job(desk: Office, run: Run) -> None:
    """Somebody deletes the job that the run waits for."""

    async def awaited() -> str:
        waiting_for = (await desk.status(run)).waiting_for
        return waiting_for.rsplit(" ", 1)[1] if " job " in waiting_for else ""

    job_id = await eventually(awaited)
    (await desk.model_manage.delete(f"jobs/{job_id}")).raise_for_status()
    await run.signal("job_changed", {"job_id": job_id})


MODEL_FILE = asset("model.pkl", "UNKNOWN", b"trained")
