"""From ModelOp's signal to the end of the process that it starts."""

import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from office import LAKE, Office
from pydantic import SecretStr
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker
from test_run_batch_model_job import deployed

from mlc.gateway.app import create_app
from mlc.model.file import FileRules
from mlc.model.processes import TASK_QUEUE, RunBackTestResult, RunBatchModelJobInput, RunBatchModelJobResult
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings

PREFIX = "com.modelop.mlc.definitions.Signals_"
GOOD = {"auc": 0.97}


class Scheduler:
    """Sends signals, as ModelOp's users and schedulers do."""

    def __init__(self, desk: Office, http: httpx.AsyncClient) -> None:
        self.desk = desk
        self.http = http

    async def signal(self, name: str, result: type, **variables: Any) -> WorkflowHandle[Any, Any]:
        body = {"name": PREFIX + name, "variables": {key: {"value": value} for key, value in variables.items()}}
        answer = (await self.http.post("/mlc-service/rest/signalResponsive", json=body)).raise_for_status()
        (workflow_id,) = answer.json()["workflowIds"]
        return self.desk.client.get_workflow_handle(workflow_id, result_type=result)


@pytest.fixture
async def scheduler(swept_desk: Office) -> AsyncIterator[Scheduler]:
    async with scheduling(swept_desk) as opened:
        yield opened


@asynccontextmanager
async def scheduling(swept_desk: Office) -> AsyncIterator[Scheduler]:
    """With a gateway, and a worker on the task queue where the gateway starts runs."""
    gateway = create_app(
        GatewaySettings(),
        JiraSettings(webhook_secrets=[SecretStr("x")]),
        temporal=swept_desk.client,
        center=swept_desk.port,
        files=FileRules(root=LAKE),
    )
    async with (
        Worker(swept_desk.client, task_queue=TASK_QUEUE, graceful_shutdown_timeout=timedelta(seconds=5)),
        httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://gateway") as http,
    ):
        yield Scheduler(swept_desk, http)


def embedded(name: str, text: str) -> dict[str, str]:
    content = base64.b64encode(text.encode()).decode()
    return {"assetType": "FILE", "filename": name, "fileFormat": "CSV", "fileContent": content}


async def test_rest_and_the_temporal_command_start_the_same_back_test(scheduler: Scheduler) -> None:
    desk = scheduler.desk
    snapshot_id = await desk.snapshot()
    by_rest = await scheduler.signal("Run_Back_Test_Jira", RunBackTestResult, MODEL_ID=snapshot_id)
    by_hand = await desk.client.start_workflow(  # the command sends JSON as it was typed
        "RunBackTest",
        {"model_id": snapshot_id},
        id=f"back-test-{snapshot_id}-1",
        task_queue=TASK_QUEUE,
        result_type=RunBackTestResult,
    )
    ends = []
    for run in (by_rest, by_hand):
        job = await desk.center.get_job(await desk.job_awaited(run))
        await desk.finish_job(run, metrics=GOOD)
        result = await run.result()
        verdict = result.verdict and result.verdict.model_dump(exclude={"judged_at"})
        ends.append((job.job_type, [a.content() for a in job.input_data], result.outcome, verdict))
    assert ends[0] == ends[1]


async def test_a_file_that_came_with_the_signal_is_the_jobs_input(scheduler: Scheduler) -> None:
    desk = scheduler.desk
    file = embedded("labelled.csv", "x,y\n5,1\n")
    run = await scheduler.signal(
        "MODEL_BACK_TEST", RunBackTestResult, MODEL_ID=await desk.snapshot(without=["TEST_DATA"]), INPUT_FILE=file
    )
    job = await desk.center.get_job(await desk.job_awaited(run))
    assert [(a.filename, a.content()) for a in job.input_data] == [("labelled.csv", b"x,y\n5,1\n")]
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "passed"


async def test_a_batch_job_with_three_inputs_by_signal_has_them_in_order(scheduler: Scheduler) -> None:
    desk = scheduler.desk
    await desk.engine("batch")
    await deployed(desk, "fraud")
    files = [embedded(f"{number}.csv", f"x\n{number}\n") for number in (3, 1, 2)]
    out = [
        {"assetType": "EXTERNAL_FILE", "fileUrl": f"file://{LAKE}/{number}.json", "fileFormat": "JSON"}
        for number in (3, 1, 2)
    ]
    run = await scheduler.signal(
        "DEPLOYED_BATCH_JOB", RunBatchModelJobResult, TAG="fraud", MODEL_STAGE="PROD", INPUT_FILE=files, OUTPUT_FILE=out
    )
    job = await desk.center.get_job(await desk.job_awaited(run))
    assert [a.content() for a in job.input_data] == [b"x\n3\n", b"x\n1\n", b"x\n2\n"]
    await desk.finish_job(run)
    assert (await run.result()).outputs == [f"file://{LAKE}/{number}.json" for number in (3, 1, 2)]


async def test_assets_that_only_modelops_runtimes_can_read_reach_the_job_and_their_secrets_nothing_else(
    swept_desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """An account in an address, a signature after it, a database's password: in the job, which needs them."""
    desk = swept_desk
    caplog.set_level(logging.DEBUG, logger="mlc")
    desk.port.settings = desk.port.settings.model_copy(update={"reads_any_asset": True})
    await desk.engine("batch")
    await deployed(desk, "fraud")
    secret = "kept-to-yourself"
    database = f"jdbc:postgresql://u:{secret}@db/credit?password={secret}"
    given = [
        {
            "assetType": "EXTERNAL_FILE",
            "fileUrl": f"s3a://key:{secret}@bucket/in.parquet",
            "fileFormat": "PARQUET",
            "repositoryInfo": {"repositoryType": "S3_REPOSITORY", "host": "s3.example.com", "port": 443},
        },
        {
            "assetType": "SQL",
            "name": "open accounts",
            "sqlStatement": "SELECT * FROM accounts WHERE day = :day",
            "parameters": {"day": "2026-11-29"},
            "repositoryInfo": {"repositoryType": "SQL_REPOSITORY", "connectionUri": database},
        },
    ]
    out = {"assetType": "EXTERNAL_FILE", "fileUrl": f"https://u:{secret}@files.example.com/out.csv?X-Sig={secret}"}
    async with scheduling(desk) as scheduler:
        run = await scheduler.signal(
            "DEPLOYED_BATCH_JOB", RunBatchModelJobResult, TAG="fraud", INPUT_FILE=given, OUTPUT_FILE=out
        )
        job = await desk.center.get_job(await desk.job_awaited(run))
        for sent, came in zip([*given, out], [*job.input_data, *job.output_data], strict=True):
            assert sent.items() <= came.wire().items()
        said = f"PermissionError: s3a://key:{secret}@bucket/in.parquet and https://h/x?sig={secret}&a=1"
        await desk.finish_job(run, status="ERROR", jobMessages=[said])
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert not any(secret in str(event) for event in (await run.fetch_history()).events)
    assert secret not in json.dumps(await desk.tickets())
    assert "PermissionError" in json.dumps(await desk.tickets())
    assert secret not in caplog.text


async def test_a_batch_job_is_told_its_parameters(scheduler: Scheduler) -> None:
    desk = scheduler.desk
    await desk.engine("batch")
    await deployed(desk, "fraud")
    told = {"predictionDateColumn": "date", "mlcKey": "mine"}
    file = embedded("in.csv", "x\n1\n")
    run = await scheduler.signal(
        "DEPLOYED_BATCH_JOB", RunBatchModelJobResult, TAG="fraud", INPUT_FILE=file, JOB_PARAMETERS=told
    )
    job = await desk.center.get_job(await desk.job_awaited(run))
    assert job.job_parameters["predictionDateColumn"] == "date"
    assert job.job_parameters["mlcWorkflowId"] == run.id
    assert job.job_parameters["mlcKey"].startswith("job-")
    await desk.finish_job(run)
    await run.result()


async def test_a_back_test_is_told_its_parameters(scheduler: Scheduler) -> None:
    desk = scheduler.desk
    told = {"predictionDateColumn": "date"}
    run = await scheduler.signal(
        "Run_Back_Test_Jira", RunBackTestResult, MODEL_ID=await desk.snapshot(), JOB_PARAMETERS=told
    )
    job = await desk.center.get_job(await desk.job_awaited(run))
    assert told.items() <= job.job_parameters.items()
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "passed"


async def test_a_batch_job_without_files_is_run_where_the_model_can_read_its_own(swept_desk: Office) -> None:
    desk = swept_desk
    desk.port.settings = desk.port.settings.model_copy(update={"reads_any_asset": True})
    await desk.engine("batch")
    await deployed(desk, "fraud")
    async with scheduling(desk) as scheduler:
        run = await scheduler.signal("DEPLOYED_BATCH_JOB", RunBatchModelJobResult, TAG="fraud")
        job = await desk.center.get_job(await desk.job_awaited(run))
        assert job.input_data == []
        assert [output.filename for output in job.output_data] == ["output.json"]
        await desk.finish_job(run)
        await run.result()


async def test_a_batch_job_without_files_is_an_error_where_nothing_could_be_scored(swept_desk: Office) -> None:
    desk = swept_desk
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await desk.begin("RunBatchModelJob", RunBatchModelJobInput(tag="fraud"), RunBatchModelJobResult)
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert getattr(failure.value.cause, "type", None) == "MissingAsset"
    (ticket,) = await desk.tickets()
    assert "No input files were given" in json.dumps(ticket)
