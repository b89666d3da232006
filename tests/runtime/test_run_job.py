"""RunJob for real: a job made in the centre is run by a runtime, through Temporal."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from jobs_in_centre import content, ended, gone, job_on, sleeping
from servers import eventually
from small_models import embedded, example_data, example_model, python_model
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.job import run_job_id

StartRuntime = Callable[..., Awaitable[Any]]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")


async def test_a_metrics_job_of_an_example_is_run_and_its_outcome_stored(
    center: ModelManage, start_runtime: StartRuntime
) -> None:
    runtime = await start_runtime()
    name = runtime.settings.name
    trained = await center.create_job(
        job_on(
            name,
            example_model("breast_cancer"),
            example_data("breast_cancer", "train.csv"),
            job_type=CenterSettings().training_job_type,
        )
    )
    artefacts = (await ended(center, trained.id)).output_data
    assert [(a.filename, a.asset_role) for a in artefacts] == [("model.pkl", "WEIGHTS_FILE")]

    output = wire.Asset(name="test_result.json", filename="test_result.json", file_format="JSON")
    model = example_model("breast_cancer", *artefacts)
    test = await center.create_job(job_on(name, model, example_data("breast_cancer", "test.csv"), output_data=[output]))
    tested = await ended(center, test.id)
    assert (tested.job_status, tested.job_result) == ("COMPLETE", "SUCCESS")
    content = tested.output_data[0].content()
    assert content is not None
    assert json.loads(content)["auc"] > 0.95
    assert tested.output_data[0].content_hash.hex_string == tested.runtime_info["sha256"]["outputs"]["test_result.json"]
    assert tested.runtime_info["runtime"] == name
    assert "> model loaded: 10 features" in tested.job_messages


@pytest.mark.usefixtures("models_write_outside")
async def test_a_batch_shows_how_far_it_is_and_reads_and_writes_allowed_files(
    center: ModelManage,
    start_runtime: StartRuntime,
    dev_server: WorkflowEnvironment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("MLC_FILE_ROOT", str(tmp_path))
    caplog.set_level("INFO", logger="mlc.runtime.activities")
    runtime = await start_runtime()
    go = tmp_path / "go"
    (tmp_path / "in.csv").write_text("a\n" + "".join(f"{n}\n" for n in range(5_000)))
    source = f"""
        import os, time
        # modelop.score
        def s(r):
            if r["a"] >= 3_000 and not os.path.exists({str(go)!r}): time.sleep(0.05)
            yield r["a"]
        """
    files = [
        wire.Asset(name=name, filename=name, asset_type="EXTERNAL_FILE", file_url=f"file://{tmp_path}/{name}")
        for name in ("in.csv", "out.jsonl")
    ]
    scoring = CenterSettings().scoring_job_type
    job = await center.create_job(
        job_on(runtime.settings.name, python_model(source), files[0], job_type=scoring, output_data=files[1:])
    )
    handle = dev_server.client.get_workflow_handle(run_job_id(job.id))

    async def records_in_the_ui() -> int:
        try:
            pending = (await handle.describe()).raw_description.pending_activities
        except RPCError:  # not handed over yet
            return 0
        beats = [json.loads(payload.data) for a in pending for payload in a.heartbeat_details.payloads]
        return beats[0]["records"] if beats else 0

    assert 3_000 < await eventually(records_in_the_ui) < 5_000
    await eventually(lambda: _logged(caplog, f"job {job.id}: 3,0"))
    go.touch()
    done = await ended(center, job.id)
    assert done.job_status == "COMPLETE", done.job_messages
    assert done.runtime_info["records"] == {
        "read": 5_000,
        "written": 5_000,
        "bad": 0,
        "unanswered": 0,
        "paired": True,
        "examples": [],
    }
    assert done.job_result == "SUCCESS"
    assert (tmp_path / "out.jsonl").read_text() == "".join(f"{n}\n" for n in range(5_000))
    assert done.output_data[0].content() is None
    assert done.output_data[0].file_url == f"file://{tmp_path}/out.jsonl"


async def _logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


async def test_a_scoring_job_that_lost_records_is_complete_and_has_failed_with_its_counts(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment
) -> None:
    runtime = await start_runtime()
    model = python_model("# modelop.score\ndef s(r): yield 6 / r['a']")
    data = embedded("data.csv", "a\n1\n0\n2\n0\n", file_format="CSV")
    job = await center.create_job(
        job_on(runtime.settings.name, model, data, job_type=CenterSettings().scoring_job_type)
    )
    done = await ended(center, job.id)
    assert (done.job_status, done.job_result) == ("COMPLETE", "FAILURE")
    counts = dict(done.runtime_info["records"])
    bad = "The score function 's' of model.py failed: ZeroDivisionError: division by zero (line 2)."
    assert counts.pop("examples") == [f"Record {number} of data.csv is bad: {bad}" for number in (2, 4)]
    assert counts == {"read": 4, "written": 2, "bad": 2, "unanswered": 0, "paired": True}
    assert done.output_data[0].content() == b"6.0\n3.0\n"
    end = await dev_server.client.get_workflow_handle(run_job_id(job.id)).result()
    assert (end["status"], end["message"]) == ("COMPLETE", "2 of 4 records were lost (2 bad); 2 were written")


async def test_a_models_failure_is_stored_and_the_next_job_is_taken(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment
) -> None:
    runtime = await start_runtime(max_parallel_jobs=1)
    bad = python_model("# modelop.metrics\ndef m(df): raise ValueError('no good')")
    good = python_model("# modelop.metrics\ndef m(df): yield {'a': 1}")
    first = await center.create_job(job_on(runtime.settings.name, bad, CSV))
    second = await center.create_job(job_on(runtime.settings.name, good, CSV))

    failed = await ended(center, first.id)
    assert (failed.job_status, failed.job_result) == ("ERROR", "FAILURE")
    assert failed.job_messages[-1] == "> The metrics function 'm' of model.py failed: ValueError: no good (line 2)."
    assert any("Traceback" in line for line in failed.job_messages)
    assert (await ended(center, second.id)).job_status == "COMPLETE"
    ends = [await dev_server.client.get_workflow_handle(run_job_id(job.id)).result() for job in (first, second)]
    assert [end["status"] for end in ends] == ["ERROR", "COMPLETE"]
    assert list((runtime.settings.folder / "process-1").glob("jobs/*")) == []


@pytest.mark.usefixtures("models_write_outside")
async def test_a_cancelled_job_is_stopped_within_seconds_and_its_process_is_gone(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    runtime = await start_runtime()
    started = tmp_path / "started"
    body = f"open({str(started)!r}, 'w').write(str(os.getpid())); print('working'); time.sleep(600)"
    model = python_model(f"import os, time\n# modelop.metrics\ndef m(df): {body}")
    job = await center.create_job(job_on(runtime.settings.name, model, CSV))
    pid = int(await eventually(lambda: content(started)))

    workflow = dev_server.client.get_workflow_handle(run_job_id(job.id))
    await workflow.cancel()
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(workflow.result(), 20)
    assert isinstance(failure.value.cause, CancelledError)
    cancelled = await center.get_job(job.id)
    assert cancelled.job_status == "CANCELLED"
    assert "> working" in cancelled.job_messages
    assert not psutil.pid_exists(pid)


@pytest.mark.usefixtures("models_write_outside")
async def test_a_job_cancelled_in_the_centre_is_stopped_and_stays_cancelled(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    runtime = await start_runtime()
    started = tmp_path / "started"
    body = f"open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    model = python_model(f"import os, time\n# modelop.metrics\ndef m(df): {body}")
    job = await center.create_job(job_on(runtime.settings.name, model, CSV))
    pid = int(await eventually(lambda: content(started)))
    await center.patch_job(job.id, {"jobStatus": "CANCELLED"})
    await eventually(lambda: gone(pid))
    assert (await center.get_job(job.id)).job_status == "CANCELLED"


async def test_a_job_that_has_ended_is_not_run_again(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment
) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {'a': 1}")
    runtime = await start_runtime()
    job = await ended(center, (await center.create_job(job_on(runtime.settings.name, model, CSV))).id)
    end = await dev_server.client.execute_workflow(
        "RunJob",
        {"job_id": job.id},
        id=f"again-{job.id}",
        task_queue=f"mlc-runtime-{runtime.settings.name}",
        result_type=dict[str, Any],
    )
    assert (end["status"], end["message"]) == ("COMPLETE", "The job had ended before it was run.")
    assert (await center.get_job(job.id)) == job


async def test_a_job_that_does_not_exist_fails_at_once_with_a_sentence(
    start_runtime: StartRuntime, dev_server: WorkflowEnvironment
) -> None:
    runtime = await start_runtime()
    queue = f"mlc-runtime-{runtime.settings.name}"
    with pytest.raises(WorkflowFailureError) as failure:
        await dev_server.client.execute_workflow("RunJob", {"job_id": "no-such-job"}, id="job-none", task_queue=queue)
    assert failure.value.cause.cause.type == "Refused"
    with pytest.raises(WorkflowFailureError) as failure:
        await dev_server.client.execute_workflow("RunJob", {"job": "x"}, id="job-misspelt", task_queue=queue)
    assert "job_id" in str(failure.value.cause)


async def test_a_job_type_that_nobody_knows_is_an_error_of_the_job(
    center: ModelManage, start_runtime: StartRuntime
) -> None:
    runtime = await start_runtime()
    model = python_model("# modelop.metrics\ndef m(df): yield {'a': 1}")
    job = await center.create_job(job_on(runtime.settings.name, model, CSV, job_type="MODEL_PAINTING_JOB"))
    failed = await ended(center, job.id)
    assert failed.job_status == "ERROR"
    assert failed.job_messages == ["This runtime knows no jobs of the type 'MODEL_PAINTING_JOB'."]


@pytest.mark.usefixtures("models_write_outside")
async def test_a_job_is_closed_at_once_while_others_take_all_slots(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    runtime = await start_runtime(max_parallel_jobs=1)
    name, started, go, never = (runtime.settings.name, *(tmp_path / file for file in ("started", "go", "never")))
    running = await center.create_job(job_on(name, sleeping(started, until=go), CSV))
    await eventually(lambda: content(started))
    given_up = await center.create_job(job_on(name, sleeping(never), CSV))
    handle = dev_server.client.get_workflow_handle(run_job_id(given_up.id))
    await eventually(lambda: _queued(handle))
    await handle.cancel()
    assert (await ended(center, given_up.id)).job_status == "CANCELLED"
    assert (await center.get_job(running.id)).job_status == "RUNNING"
    go.touch()
    assert (await ended(center, running.id)).job_status == "COMPLETE"
    assert not never.exists()


async def _queued(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        pending = (await handle.describe()).raw_description.pending_activities
    except RPCError:  # not handed over yet
        return False
    return [a.activity_type.name for a in pending] == ["execute_job"]
