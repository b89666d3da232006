import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from gateway_serving import serving
from openapi_spec_validator import validate as validate_openapi
from pydantic import SecretStr
from servers import eventually
from temporalio.client import Client, WorkflowExecutionStatus

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.gateway.app import create_app
from mlc.gateway.temporal import connect
from mlc.model.processes import deploy_model_id
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings

PREFIX = "com.modelop.mlc.definitions."
CHANGED = PREFIX + "Signals_deployable_model_changed"
JOB = PREFIX + "Signals_job_status_changed"


class ModelManage:
    """The one route of model-manage that the gateway uses, on a real socket; snapshots are put into it by tests."""

    def __init__(self) -> None:
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.down = False
        self.app = FastAPI()

        @self.app.get("/model-manage/api/deployableModels/{snapshot_id:path}")
        async def get(snapshot_id: str) -> dict[str, Any]:
            if self.down:
                raise HTTPException(503)
            if snapshot_id not in self.snapshots:
                raise HTTPException(404)
            return self.snapshots[snapshot_id]

    def add(
        self, snapshot_id: str = "", *, category: str = "BUSINESS_MODEL", custom: dict[str, Any] | None = None
    ) -> str:
        snapshot_id = snapshot_id or str(uuid.uuid4())
        self.snapshots[snapshot_id] = {
            "id": snapshot_id,
            "metaData": {"name": "m-1", "custom": custom or {}},
            "storedModel": {"modelMetaData": {"name": "m", "modelCategory": category}},
        }
        return snapshot_id


def app_for(center: ModelOpCenter, temporal: Client, **settings: Any) -> FastAPI:
    jira = JiraSettings(webhook_secrets=[SecretStr("x")])
    return create_app(GatewaySettings(**settings), jira, temporal=temporal, center=center)


@pytest.fixture(scope="module")
def shelf() -> ModelManage:
    return ModelManage()


@pytest.fixture(scope="module")
async def center(shelf: ModelManage) -> AsyncIterator[ModelOpCenter]:
    async with (
        serving(shelf.app) as http,
        aclosing(ModelOpCenter(CenterSettings(url=f"{http.base_url}/model-manage/api"))) as center,
    ):
        yield center


@pytest.fixture(scope="module")
async def gateway(temporal: Client, center: ModelOpCenter) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app_for(center, temporal)) as client:
        yield client


async def signal(gateway: httpx.AsyncClient, name: str, *, responsive: bool = True, **variables: Any) -> httpx.Response:
    body = {"name": name, "variables": {key: {"value": value} for key, value in variables.items()}}
    return await gateway.post(f"/mlc-service/rest/{'signalResponsive' if responsive else 'signal'}", json=body)


async def runs_of(temporal: Client, workflow_id: str) -> list[WorkflowExecutionStatus | None]:
    return [run.status async for run in temporal.list_workflows(f"WorkflowId = '{workflow_id}'")]


async def test_a_changed_snapshot_starts_the_process_once_and_never_again(
    gateway: httpx.AsyncClient, shelf: ModelManage, temporal: Client
) -> None:
    snapshot_id = shelf.add()
    workflow_id = deploy_model_id(snapshot_id)
    snapshot = shelf.snapshots[snapshot_id]
    answers = await asyncio.gather(*(signal(gateway, CHANGED, DEPLOYABLE_MODEL=snapshot) for _ in range(5)))
    told = {"workflowIds": [workflow_id], "started": [workflow_id], "why": ""}
    assert [(a.status_code, a.json()) for a in answers] == [(200, told)] * 5
    run = temporal.get_workflow_handle(workflow_id)
    assert (await run.describe()).task_queue == "mlc"
    await run.signal("finish")
    assert await run.result() == snapshot_id
    again = await signal(gateway, CHANGED, DEPLOYABLE_MODEL=snapshot)
    assert (again.status_code, again.json()["workflowIds"], again.json()["started"]) == (200, [], [])
    assert f"{workflow_id} has run before" in again.json()["why"]

    async def ended() -> bool:  # visibility is told of the end later than the run itself
        return WorkflowExecutionStatus.COMPLETED in await runs_of(temporal, workflow_id)

    await eventually(ended)
    assert await runs_of(temporal, workflow_id) == [WorkflowExecutionStatus.COMPLETED]


async def test_the_plain_route_answers_as_camunda_does(
    gateway: httpx.AsyncClient, shelf: ModelManage, temporal: Client
) -> None:
    snapshot_id = shelf.add()
    answer = await signal(gateway, CHANGED, responsive=False, DEPLOYABLE_MODEL={"id": snapshot_id})
    assert (answer.status_code, answer.content) == (204, b"")
    await temporal.get_workflow_handle(deploy_model_id(snapshot_id)).signal("finish")


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        ({"custom": {"mlcDeployModel": "deploy-x"}}, "was submitted before"),
        ({"category": "MODEL_MONITORING_MODEL"}, "of a monitor"),
    ],
    ids=["marked", "monitor"],
)
async def test_a_marked_snapshot_and_a_monitor_are_not_deployed_by_signal(
    gateway: httpx.AsyncClient, shelf: ModelManage, temporal: Client, kept: dict[str, Any], why: str
) -> None:
    # What the signal says of itself doesn't count: the centre's snapshot does.
    answer = await signal(gateway, CHANGED, DEPLOYABLE_MODEL={"id": (snapshot_id := shelf.add(**kept)), "metaData": {}})
    assert (answer.status_code, answer.json()["started"]) == (200, [])
    assert why in answer.json()["why"]
    assert await runs_of(temporal, deploy_model_id(snapshot_id)) == []


async def test_bad_variables_are_named_with_an_example_and_start_nothing(gateway: httpx.AsyncClient) -> None:
    for value, says in (
        (None, "Variable DEPLOYABLE_MODEL is missing"),
        ({}, "DEPLOYABLE_MODEL.id: Field required"),
        ("5a31b3c6", "DEPLOYABLE_MODEL: "),
        ({"id": 7}, "DEPLOYABLE_MODEL.id: "),
        ({"id": ""}, "DEPLOYABLE_MODEL.id: "),
        ({"id": "x" * 201}, "DEPLOYABLE_MODEL.id: "),
        ({"id": "ü" * 34}, "DEPLOYABLE_MODEL.id: the id takes 204 characters here"),
    ):
        answer = await signal(gateway, CHANGED, DEPLOYABLE_MODEL=value)
        assert answer.status_code == 400, value
        assert answer.json()["detail"].startswith(says), answer.text
        assert '"DEPLOYABLE_MODEL": {"value": ' in answer.json()["detail"]
    for id_ in (str(uuid.uuid4()), "../jobs/7", "a' OR 1=1", "a\n", "x" * 200, ".", "..", "~2E~2E"):
        unknown = await signal(gateway, CHANGED, DEPLOYABLE_MODEL={"id": id_})
        assert unknown.status_code == 400, id_
        assert unknown.json()["detail"] == "DEPLOYABLE_MODEL.id: the model centre has no snapshot of this id."


@pytest.mark.parametrize(
    ("raw", "id_"),
    [
        ("a/b", "a~2Fb"),
        ("a~2Fb", "a~7E2Fb"),
        ("a b", "a~20b"),
        ("ü", "~C3~BC"),
        ("~", "~7E"),
        ("100%", "100~25"),
        ("../x", "..~2Fx"),
        ("a:b", "a~3Ab"),
        ("x" * 200, "x" * 200),
    ],
)
async def test_the_centres_id_is_made_ours_when_it_comes_in(
    gateway: httpx.AsyncClient, shelf: ModelManage, temporal: Client, raw: str, id_: str
) -> None:
    shelf.add(raw)
    started = await signal(gateway, CHANGED, DEPLOYABLE_MODEL={"id": raw})
    assert started.json()["workflowIds"] == [f"deploy-{id_}"]
    run = temporal.get_workflow_handle(f"deploy-{id_}")
    job = {"id": raw, "jobStatus": "COMPLETE", "jobParameters": {"mlcWorkflowId": run.id}}
    assert (await signal(gateway, JOB, JOB=job)).json() == {"workflowIds": [run.id], "started": [], "why": ""}
    assert await run.query("heard") == [f"job:{id_}"], "as the run knows its job"
    await run.signal("finish")
    assert await run.result() == id_
    tested = await signal(gateway, PREFIX + "Signals_MODEL_BACK_TEST", MODEL_ID=raw)
    (workflow_id,) = tested.json()["workflowIds"]
    assert workflow_id.startswith(f"back-test-{id_}-")
    await temporal.get_workflow_handle(workflow_id).signal("finish")


async def test_hostile_bodies_of_signals_get_a_clear_refusal(gateway: httpx.AsyncClient) -> None:
    for body in (
        b"",
        b"{",
        b"[]",
        b"[" * 200_000,
        b'{"variables": {}}',
        b'{"name": 7}',
        b"\xff",
        b'{"name": "x", "variables": 1}',
    ):
        answer = await gateway.post("/mlc-service/rest/signal", content=body)
        assert answer.status_code == 400, body[:40]
        assert answer.json()["detail"].startswith("Not a signal: ")


async def test_a_finished_job_wakes_the_run_that_waits_for_it(
    gateway: httpx.AsyncClient, shelf: ModelManage, temporal: Client
) -> None:
    snapshot_id = shelf.add()
    [workflow_id] = (await signal(gateway, CHANGED, DEPLOYABLE_MODEL={"id": snapshot_id})).json()["workflowIds"]
    run = temporal.get_workflow_handle(workflow_id)
    for status, woken in (("CREATED", []), ("WAITING", []), ("COMPLETE", [workflow_id]), ("ERROR", [workflow_id])):
        job = {
            "id": f"job-{status}",
            "jobStatus": status,
            "jobParameters": {"mlcWorkflowId": workflow_id, "mlcKey": "k"},
        }
        told = (await signal(gateway, JOB, JOB=job)).json()
        assert (told["workflowIds"], bool(told["why"])) == (woken, not woken)
    assert await run.query("heard") == ["job:job-COMPLETE", "job:job-ERROR"]
    await run.signal("finish")
    await run.result()
    for given in ({"mlcWorkflowId": workflow_id}, {"mlcWorkflowId": "nobody"}, {}, None):
        late = await signal(gateway, JOB, JOB={"id": "j", "jobStatus": "CANCELLED", "jobParameters": given})
        assert (late.status_code, late.json()["workflowIds"]) == (200, [])
        assert late.json()["why"]
    assert (await signal(gateway, JOB)).status_code == 400


async def test_names_nobody_here_listens_to_are_accepted_and_unknown_ones_are_not(gateway: httpx.AsyncClient) -> None:
    for name in ("Signals_model_changed", "Signals_model_created"):
        assert (await signal(gateway, PREFIX + name, responsive=False)).status_code == 204
        told = await signal(gateway, PREFIX + name)
        why = f"The signal is known, but no process here listens to {name}."
        assert (told.status_code, told.json()) == (200, {"workflowIds": [], "started": [], "why": why})
    for name in ("Signals_deployable_model_changed", PREFIX + "Signals_typo", PREFIX * 2 + "Signals_model_changed", ""):
        answer = await signal(gateway, name)
        assert answer.status_code == 404
        assert CHANGED in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["Object", "object", "Json"])
async def test_an_object_may_come_as_a_text_as_camundas_clients_send_it(
    gateway: httpx.AsyncClient, shelf: ModelManage, temporal: Client, kind: str
) -> None:
    async def send(value: Any, **more: Any) -> httpx.Response:
        variable = {"value": value, "type": kind, **more}
        body = {"name": CHANGED, "variables": {"DEPLOYABLE_MODEL": variable}}
        return await gateway.post("/mlc-service/rest/signalResponsive", json=body)

    snapshot_id = shelf.add()
    text = json.dumps(shelf.snapshots[snapshot_id])
    info = {"objectTypeName": "com.modelop.sdk.dataobjects.v2.DeployableModel"}
    for value in (text, shelf.snapshots[snapshot_id]):
        for more in ({}, {"valueInfo": info | {"serializationDataFormat": "application/json"}}):
            assert (await send(value, **more)).json()["started"] == [deploy_model_id(snapshot_id)]
    await temporal.get_workflow_handle(deploy_model_id(snapshot_id)).signal("finish")
    java = {"valueInfo": {"serializationDataFormat": "application/x-java-serialized-object"}}
    for value, more, says in (
        (text[:-1], {}, "its value is not JSON"),
        ("[" * 100_000, {}, "its value is not JSON"),
        ("rO0ABXQ=", java, "taken as JSON, not as 'application/x-java-serialized-object'"),
        ('"text"', {}, "an object is expected"),
    ):
        answer = await send(value, **more)
        assert answer.status_code == 400, value[:40]
        assert "DEPLOYABLE_MODEL" in answer.json()["detail"]
        assert says in answer.json()["detail"]


async def test_the_token_is_asked_for_before_the_body_is_read(center: ModelOpCenter, temporal: Client) -> None:
    async with serving(app_for(center, temporal, token=SecretStr("the token"))) as gateway:
        for header in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic the token"}):
            answer = await gateway.post("/mlc-service/rest/signal", content=b"{", headers=header)
            assert answer.status_code == 401
        gateway.headers["Authorization"] = "Bearer the token"
        assert (await signal(gateway, PREFIX + "Signals_model_changed")).status_code == 200


async def test_a_body_over_the_limit_is_refused(center: ModelOpCenter, temporal: Client) -> None:
    async with serving(app_for(center, temporal, max_body=1000)) as gateway:
        small = await signal(gateway, PREFIX + "Signals_model_changed", X="x" * 500)
        large = await signal(gateway, PREFIX + "Signals_model_changed", X="x" * 1000)
    assert (small.status_code, large.status_code) == (200, 413)


async def test_outages_of_centre_and_temporal_are_told_and_start_nothing(
    gateway: httpx.AsyncClient, center: ModelOpCenter, shelf: ModelManage, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot_id = shelf.add()
    shelf.down = True
    down = await signal(gateway, CHANGED, DEPLOYABLE_MODEL={"id": snapshot_id})
    shelf.down = False
    assert (down.status_code, down.headers["retry-after"]) == (503, "10")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    async with serving(app_for(center, await connect())) as alone:
        answer = await signal(alone, CHANGED, DEPLOYABLE_MODEL={"id": snapshot_id})
        assert answer.status_code == 503
        assert "Temporal can't be reached" in answer.json()["detail"]
        ready = await alone.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        assert "Temporal can't be reached" in ready.json()["message"]
        assert (await alone.get("/healthz")).status_code == 200


async def test_health_readiness_and_a_valid_description_of_the_api(gateway: httpx.AsyncClient) -> None:
    assert (await gateway.get("/healthz")).json()["ready"] is True
    assert (await gateway.get("/readyz")).json() == {"ready": True, "message": "Temporal answers."}
    assert (await gateway.get("/docs")).status_code == 200
    document = (await gateway.get("/openapi.json")).json()
    validate_openapi(document)
    assert set(document["paths"]) == {
        "/healthz",
        "/readyz",
        "/webhooks/jira",  # and not ServiceNow's, which has no secret here
        "/mlc-service/rest/signal",
        "/mlc-service/rest/signalResponsive",
    }
