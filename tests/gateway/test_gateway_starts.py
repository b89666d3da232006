"""Back tests and batch jobs started over HTTP: a real Temporal server, a real model centre, workflows that stand in."""

import asyncio
import base64
import dataclasses
import hashlib
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from gateway_serving import serving
from pydantic import SecretStr
from servers import eventually
from servers import serving as serving_on_a_thread
from temporalio.client import Client, Interceptor, OutboundInterceptor, StartWorkflowInput, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.signals import ModelOpSignals
from mlc.center.modelop.wire import Association, DeployableModel, ModelMetaData, StoredModel
from mlc.gateway.app import create_app
from mlc.gateway.idempotency import fingerprint
from mlc.model.failure import NotFound
from mlc.model.fairness import fairness_key
from mlc.model.file import FileRules, InputFile, OutputFile
from mlc.model.processes import RunBackTestInput, RunBatchModelJobInput
from mlc.settings import GatewaySettings, StandaloneCenterSettings
from mlc.standalone.center.app import create_app as create_center
from mlc.ticketing.jira.settings import JiraSettings
from workflows.registry import PROCESSES

PREFIX = "com.modelop.mlc.definitions."
JIRA, SERVICENOW = PREFIX + "Signals_Run_Back_Test_Jira", PREFIX + "Signals_Run_Back_Test_ServiceNow"
OLD_NAME = PREFIX + "Signals_MODEL_BACK_TEST"
BATCH = PREFIX + "Signals_DEPLOYED_BATCH_JOB"
DRIFT = PREFIX + "Signals_MODEL_DATA_DRIFT_TEST"
RUN_MONITOR = PREFIX + "Signals_RUN_MONITOR"
DATA_DRIFT, STABILITY = "Data Drift Monitor: Comprehensive Analysis", "Stability Monitor: PSI/CSI"
CSV = b"a,b\n1,2\n"
BUCKET = "bucket.s3.eu-west-1.amazonaws.com"

IN = {"assetType": "EXTERNAL_FILE", "fileUrl": f"https://{BUCKET}/in.json", "filename": "in.json", "fileFormat": "JSON"}
OUT = IN | {"fileUrl": f"https://{BUCKET}/out.json", "filename": "out.json"}
EMBEDDED = {"assetType": "FILE", "filename": "in.csv", "fileContent": base64.b64encode(CSV).decode()}


async def no_temporal() -> Any:
    raise ConnectionError("this centre has no runtimes to hand jobs to")


@pytest.fixture(scope="module")
async def center(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ModelOpCenter]:
    database = tmp_path_factory.mktemp("center") / "center.db"
    app = create_center(
        StandaloneCenterSettings(database=database, token=SecretStr("of the centre")), connect=no_temporal
    )
    with serving_on_a_thread(app, socket.create_server(("127.0.0.1", 0))) as address:
        settings = CenterSettings(url=f"{address}/model-manage/api", token=SecretStr("of the centre"))
        async with aclosing(ModelOpCenter(settings)) as client:
            yield client


@pytest.fixture(scope="module")
async def model_id(center: ModelOpCenter) -> str:
    return (
        await center.model_manage.create_snapshot(
            DeployableModel(stored_model=StoredModel(model_meta_data=ModelMetaData(name="m")))
        )
    ).id


async def watched_by(center: ModelOpCenter, *monitors: str) -> str:
    """A snapshot with these monitors on it; its id."""
    snapshot = await center.model_manage.create_snapshot(
        DeployableModel(stored_model=StoredModel(model_meta_data=ModelMetaData(name="watched")))
    )
    for name in monitors:
        stored = StoredModel(model_meta_data=ModelMetaData(name=name, model_category="MODEL_MONITORING_MODEL"))
        monitor = await center.model_manage.create_snapshot(DeployableModel(stored_model=stored))
        await put_on(center, snapshot.id, monitor.wire())
    return snapshot.id


async def put_on(center: ModelOpCenter, snapshot_id: str, *monitors: dict[str, Any]) -> None:
    snapshot = await center.model_manage.get_snapshot(snapshot_id)
    there = [association.wire() for association in snapshot.associated_models]
    new = [Association(association_role="DATA_DRIFT_MODEL", associated_model=each).wire() for each in monitors]
    await center.model_manage.patch_snapshot(snapshot_id, {"associatedModels": [*there, *new]})


@pytest.fixture(scope="module")
async def watched_id(center: ModelOpCenter) -> str:
    """A snapshot with two monitors in a role, one of them called Data Drift."""
    return await watched_by(center, STABILITY, DATA_DRIFT)


@pytest.fixture(scope="module")
async def gateway(temporal: Client, center: ModelOpCenter) -> AsyncIterator[httpx.AsyncClient]:
    jira = JiraSettings(webhook_secrets=[SecretStr("x")])
    rules = FileRules(hosts=[BUCKET])
    async with serving(create_app(GatewaySettings(), jira, temporal=temporal, center=center, files=rules)) as client:
        yield client


class LosesAnswers(Interceptor):
    """Between the gateway and Temporal: what is asked is done, and the answer never comes."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        return _LosesAnswers(next)


class GoesWrong(Interceptor):
    """Has the gateway ask for what no server takes."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        return _GoesWrong(next)


class _GoesWrong(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
        return await super().start_workflow(dataclasses.replace(input, task_queue="x" * 2000))


class _LosesAnswers(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
        await super().start_workflow(input)
        return await asyncio.Future()


async def send(
    gateway: httpx.AsyncClient, name: str, *, key: str | None = None, route: str = "signalResponsive", **variables: Any
) -> httpx.Response:
    body = {"name": name, "variables": {variable: {"value": value} for variable, value in variables.items()}}
    headers = {"Idempotency-Key": key} if key is not None else {}
    return await gateway.post(f"/mlc-service/rest/{route}", json=body, headers=headers)


async def started(temporal: Client, answer: httpx.Response) -> WorkflowHandle[Any, Any]:
    assert answer.status_code == 200, answer.text
    [workflow_id] = answer.json()["workflowIds"]
    return temporal.get_workflow_handle(workflow_id)


async def back_test(temporal: Client, answer: httpx.Response) -> RunBackTestInput:
    run = await started(temporal, answer)
    await run.signal("finish")
    return RunBackTestInput.model_validate(await run.result())


async def batch(temporal: Client, answer: httpx.Response) -> RunBatchModelJobInput:
    return RunBatchModelJobInput.model_validate(await (await started(temporal, answer)).result())


async def runs(temporal: Client, prefix: str) -> list[str]:
    return [run.id async for run in temporal.list_workflows(f"WorkflowId STARTS_WITH '{prefix}'")]


async def exists(temporal: Client, workflow_id: str) -> bool:
    try:
        await temporal.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def test_each_name_of_the_back_test_starts_it_with_its_ticket_system(
    gateway: httpx.AsyncClient, temporal: Client, model_id: str
) -> None:
    ids = set()
    for name, ticketing in ((JIRA, "jira"), (SERVICENOW, "servicenow"), (OLD_NAME, None)):
        answer = await send(gateway, name, MODEL_ID=model_id)
        [workflow_id] = answer.json()["workflowIds"]
        assert workflow_id.startswith(f"back-test-{model_id}-")
        assert (await temporal.get_workflow_handle(workflow_id).describe()).task_queue == "mlc"
        ids.add(workflow_id)
        asked = await back_test(temporal, answer)
        assert asked == RunBackTestInput(model_id=model_id, ticketing=ticketing)  # type: ignore[arg-type]
    assert len(ids) == 3


async def test_modelops_published_examples_work_unchanged(
    gateway: httpx.AsyncClient, temporal: Client, model_id: str, watched_id: str
) -> None:
    output = {
        "assetType": "EXTERNAL_FILE",
        "assetRole": "UNKNOWN",
        "fileUrl": "hdfs:///hadoop/demo/german_credit_model/drift_analysis.csv",
        "filename": "drift_analysis.csv",
        "fileFormat": "CSV",
        "repositoryInfo": {"repositoryType": "HDFS_REPOSITORY", "host": "", "port": 0},
    }
    # A
    answer = await send(gateway, DRIFT, route="signal", MODEL_ID=watched_id)
    assert (answer.status_code, answer.content) == (204, b"")
    # B
    refused = await send(gateway, DRIFT, MODEL_ID=watched_id, OUTPUT_FILE=output)
    assert refused.status_code == 400
    assert "OUTPUT_FILE.repositoryInfo.repositoryType: files in HDFS are not supported: embed" in refused.text
    # "Shape identical, change name":
    assert (await back_test(temporal, await send(gateway, JIRA, MODEL_ID=model_id))).model_id == model_id
    refused = await send(gateway, JIRA, MODEL_ID=model_id, OUTPUT_FILE=output)
    assert refused.status_code == 400
    assert "OUTPUT_FILE.repositoryInfo.repositoryType: files in HDFS are not supported: embed" in refused.text
    # C
    asked = await batch(
        temporal, await send(gateway, BATCH, TAG="cc-fraud", MODEL_STAGE="PROD", INPUT_FILE=IN, OUTPUT_FILE=OUT)
    )
    assert asked == RunBatchModelJobInput(
        tag="cc-fraud",
        model_stage="PROD",
        input_files=[InputFile(url=IN["fileUrl"], filename="in.json", file_format="JSON")],
        output_files=[OutputFile(url=OUT["fileUrl"], filename="out.json", file_format="JSON")],
    )


async def test_an_embedded_file_goes_to_the_centre_once_and_only_its_id_into_the_history(
    gateway: httpx.AsyncClient, temporal: Client, center: ModelOpCenter, model_id: str
) -> None:
    key = str(uuid.uuid4())
    answers = [await send(gateway, JIRA, key=key, MODEL_ID=model_id, INPUT_FILE=EMBEDDED) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    run = await started(temporal, answers[0])
    history = (await run.fetch_history()).to_json()
    assert EMBEDDED["fileContent"] not in history
    file = (await back_test(temporal, answers[0])).input_file
    assert file is not None
    stored = await center.model_manage.get_asset(file.asset_id or "")
    assert (stored.content(), stored.filename, stored.asset_type) == (CSV, "in.csv", "FILE")
    assert stored.content_hash is not None
    assert stored.content_hash.hex_string == hashlib.sha256(CSV).hexdigest()


async def test_a_kept_file_has_the_id_that_the_documentation_says_and_can_be_removed(
    gateway: httpx.AsyncClient, temporal: Client, center: ModelOpCenter
) -> None:
    answer = await send(gateway, BATCH, TAG="cc", INPUT_FILE=[IN, EMBEDDED])
    asset_id = (await batch(temporal, answer)).input_files[1].asset_id or ""
    of = f"{answer.json()['workflowIds'][0]}|0|{hashlib.sha256(CSV).hexdigest()}"
    assert asset_id == str(uuid.uuid5(uuid.NAMESPACE_URL, of))
    settings = center.settings
    assert settings.token is not None
    bearer = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    async with httpx.AsyncClient(headers=bearer) as http:
        assert (await http.delete(f"{settings.url}/{settings.assets}/{asset_id}")).status_code == 204
    with pytest.raises(NotFound):
        await center.model_manage.get_asset(asset_id)


async def test_files_of_a_batch_job_keep_their_order(
    gateway: httpx.AsyncClient, temporal: Client, center: ModelOpCenter
) -> None:
    text = {"assetType": "FILE", "filename": "b.json", "fileContentString": "[]"}
    asked = await batch(
        temporal, await send(gateway, BATCH, TAG="cc", INPUT_FILE=[text, IN, EMBEDDED], OUTPUT_FILE=[{}])
    )
    names = [file.filename for file in asked.input_files]
    assert names == ["b.json", "in.json", "in.csv"]
    contents = [
        (await center.model_manage.get_asset(file.asset_id)).content() for file in asked.input_files if file.asset_id
    ]
    assert contents == [b"[]", CSV]


async def test_a_key_starts_one_run_whether_that_still_runs_or_has_ended(
    gateway: httpx.AsyncClient, temporal: Client, model_id: str
) -> None:
    key = f"2026-10-03:{uuid.uuid4()}"
    first = await send(gateway, JIRA, key=key, MODEL_ID=model_id)
    assert first.json()["started"] == first.json()["workflowIds"] == [f"back-test-{model_id}-{key}"]
    assert (await send(gateway, JIRA, key=f'"{key}"', MODEL_ID=model_id)).json() == first.json()
    await back_test(temporal, first)
    assert (await send(gateway, JIRA, key=key, MODEL_ID=model_id)).json() == first.json()
    assert (await send(gateway, JIRA, key=key, route="signal", MODEL_ID=model_id)).status_code == 204

    async def listed() -> list[str]:
        return await runs(temporal, first.json()["workflowIds"][0])

    assert len(await eventually(listed)) == 1


async def test_a_start_whose_answer_was_lost_is_not_called_undone_and_its_key_finds_it(
    gateway: httpx.AsyncClient, temporal: Client, center: ModelOpCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = str(uuid.uuid4())
    config = temporal.config()
    config["interceptors"] = [LosesAnswers()]
    jira = JiraSettings(webhook_secrets=[SecretStr("x")])
    app = create_app(GatewaySettings(), jira, temporal=Client(**config), center=center, files=FileRules(hosts=[BUCKET]))
    monkeypatch.setattr("mlc.gateway.temporal.CALL_TIMEOUT", 1.0)
    async with serving(app) as cut_off:
        lost = await send(cut_off, BATCH, key=key, TAG="lost", INPUT_FILE=IN)
    assert (lost.status_code, lost.headers["retry-after"]) == (503, "10")
    assert "is not known: send it again, under the same Idempotency-Key" in lost.json()["detail"]
    assert await exists(temporal, f"batch-lost-{key}")
    run_id = (await temporal.get_workflow_handle(f"batch-lost-{key}").describe()).run_id
    again = await started(temporal, await send(gateway, BATCH, key=key, TAG="lost", INPUT_FILE=IN))
    assert (again.id, (await again.describe()).run_id) == (f"batch-lost-{key}", run_id)


async def test_what_temporal_finds_invalid_is_refused_and_need_not_be_sent_again(
    temporal: Client, center: ModelOpCenter
) -> None:
    config = temporal.config()
    config["interceptors"] = [GoesWrong()]
    jira = JiraSettings(webhook_secrets=[SecretStr("x")])
    rules = FileRules(hosts=[BUCKET])
    app = create_app(GatewaySettings(), jira, temporal=Client(**config), center=center, files=rules)
    async with serving(app) as wrong:
        answer = await send(wrong, BATCH, TAG="cc", INPUT_FILE=IN)
    assert (answer.status_code, "retry-after" in answer.headers) == (400, False)
    assert answer.json()["detail"].startswith("Nothing was done: Temporal refuses the call (")


async def test_a_key_that_asks_for_something_else_is_refused(gateway: httpx.AsyncClient, model_id: str) -> None:
    key = str(uuid.uuid4())
    assert (await send(gateway, BATCH, key=f"a-{key}", TAG="cc", INPUT_FILE=EMBEDDED)).status_code == 200
    for tag, other_key, file in (
        ("cc", f"a-{key}", IN),
        ("cc", f"a-{key}", EMBEDDED | {"fileContent": base64.b64encode(b"a,b\n3,4\n").decode()}),
        ("cc-a", key, EMBEDDED),  # makes the same workflow id
    ):
        answer = await send(gateway, BATCH, key=other_key, TAG=tag, INPUT_FILE=file)
        assert answer.status_code == 422, answer.text
        assert "use another key" in answer.json()["detail"]
    assert (await send(gateway, JIRA, key=key, MODEL_ID=model_id)).status_code == 200
    assert (await send(gateway, SERVICENOW, key=key, MODEL_ID=model_id)).status_code == 422


async def test_two_keys_that_make_one_id_are_told_apart_from_one_key_used_twice(gateway: httpx.AsyncClient) -> None:
    key = uuid.uuid4().hex
    assert (await send(gateway, BATCH, key=f"b-{key}", TAG="a", INPUT_FILE=IN)).status_code == 200
    ambiguous = (await send(gateway, BATCH, key=key, TAG="a-b", INPUT_FILE=IN)).json()["detail"]
    assert ambiguous.startswith(f"Another call, of the key b-{key}, has started batch-a-b-{key}, ")
    reused = (await send(gateway, BATCH, key=f"b-{key}", TAG="a", INPUT_FILE=OUT)).json()["detail"]
    assert reused.startswith(f"This Idempotency-Key has started batch-a-b-{key} with other variables")


def test_a_field_that_a_release_adds_leaves_the_fingerprint_of_what_was_asked() -> None:
    start = ModelOpSignals(PROCESSES).read(BATCH, {"TAG": "t", "INPUT_FILE": EMBEDDED}, FileRules())
    before = fingerprint(start)

    class Later(RunBatchModelJobInput):
        priority: int = 3

    later = dataclasses.replace(start, process=dataclasses.replace(start.process, input=Later))
    assert isinstance(later.input(["x"]), Later)
    assert fingerprint(later) == before


async def test_a_call_that_starts_nothing_leaves_no_file_in_the_centre(
    gateway: httpx.AsyncClient, center: ModelOpCenter
) -> None:
    async def files() -> int:
        return len([file async for page in center.model_manage._hal.pages("assets", {}) for file in page])

    key = uuid.uuid4().hex
    assert (await send(gateway, BATCH, key=key, TAG="cc", INPUT_FILE=EMBEDDED)).status_code == 200
    before = await files()
    other = EMBEDDED | {"fileContent": base64.b64encode(b"a,b\n5,6\n").decode()}
    assert (await send(gateway, BATCH, key=key, TAG="cc", INPUT_FILE=EMBEDDED)).status_code == 200
    assert (await send(gateway, BATCH, key=key, TAG="cc", INPUT_FILE=other)).status_code == 422
    unfit = await send(gateway, BATCH, TAG="cc", INPUT_FILE=[other] * 3, OUTPUT_FILE=[OUT, {}])
    assert unfit.status_code == 400
    assert unfit.json()["detail"].startswith("INPUT_FILE, OUTPUT_FILE: 2 output_files for 3 input_files")
    assert await files() == before


async def test_without_a_key_each_call_starts_a_run(gateway: httpx.AsyncClient) -> None:
    answers = [(await send(gateway, BATCH, TAG="cc", INPUT_FILE=IN)).json()["workflowIds"][0] for _ in range(2)]
    assert len(set(answers)) == 2


async def test_a_key_that_can_not_be_part_of_an_id_is_refused(gateway: httpx.AsyncClient) -> None:
    for key in ("", "a b", "x" * 129, "'", '"a', "a/b", "a%2F", "é".encode().decode("latin-1"), "-a"):
        answer = await send(gateway, BATCH, key=key.encode("latin-1"), TAG="cc", INPUT_FILE=IN)  # type: ignore[arg-type]
        assert answer.status_code == 400, key
        assert answer.json()["detail"].startswith("Idempotency-Key: ")
    assert (await send(gateway, BATCH, key="x" * 128, TAG="c" * 200, INPUT_FILE=IN)).status_code == 200


async def test_thirty_signals_at_once_with_ten_repeated_start_twenty_runs(
    gateway: httpx.AsyncClient, temporal: Client, model_id: str
) -> None:
    keys = [f"{uuid.uuid4()}" for _ in range(20)]
    mark = uuid.uuid4().hex

    async def one(number: int, key: str) -> httpx.Response:
        if number % 2:
            return await send(gateway, BATCH, key=key, TAG=mark, INPUT_FILE=EMBEDDED)
        return await send(gateway, JIRA, key=f"{mark}-{key}", MODEL_ID=model_id)

    answers = await asyncio.gather(*(one(number % 20, keys[number % 20]) for number in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    ids = {answer.json()["workflowIds"][0] for answer in answers}
    assert len(ids) == 20

    # One more, which visibility tells of after all the others.
    [last] = (await send(gateway, BATCH, key="last", TAG=mark, INPUT_FILE=IN)).json()["workflowIds"]

    async def found() -> list[str]:
        ours = await runs(temporal, f"batch-{mark}-") + await runs(temporal, f"back-test-{model_id}-{mark}-")
        return ours if last in ours and len(ours) > 20 else []

    assert sorted(await eventually(found)) == sorted([*ids, last])


async def test_a_snapshot_that_does_not_exist_starts_nothing(gateway: httpx.AsyncClient, temporal: Client) -> None:
    for unknown in (str(uuid.uuid4()), "FILL-IN-SNAPSHOT-GUID"):
        key = str(uuid.uuid4())
        answer = await send(gateway, JIRA, key=key, MODEL_ID=unknown, INPUT_FILE=EMBEDDED)
        assert (answer.status_code, answer.json()["detail"]) == (
            400,
            "MODEL_ID: the model centre has no snapshot of this id.",
        )
        assert not await exists(temporal, f"back-test-{unknown}-{key}")


async def test_bad_variables_are_answered_with_400_and_start_nothing(
    gateway: httpx.AsyncClient, temporal: Client
) -> None:
    tag = uuid.uuid4().hex
    for variables, says in (
        ({"INPUT_FILE": IN}, "Variable TAG is missing"),
        ({"TAG": tag}, "Variable INPUT_FILE is missing"),
        ({"TAG": tag, "INPUT_FILE": IN | {"fileUrl": "https://elsewhere.example/x.csv"}}, "INPUT_FILE.fileUrl: "),
        ({"TAG": tag, "INPUT_FILE": [EMBEDDED, EMBEDDED | {"fileContent": "?"}]}, "INPUT_FILE[1].fileContent: "),
        ({"TAG": tag, "INPUT_FILE": IN, "OUTPUT_FILE": OUT | {"fileFormat": "WORD"}}, "OUTPUT_FILE.fileFormat: "),
    ):
        answer = await send(gateway, BATCH, key="k", **variables)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith(says)
        assert not await exists(temporal, f"batch-{tag}-k")
    assert (await send(gateway, BATCH, key="k", TAG=tag, INPUT_FILE=IN)).status_code == 200
    assert await exists(temporal, f"batch-{tag}-k")


async def test_a_centre_that_keeps_no_files_is_told_of_with_what_to_do(temporal: Client, center: ModelOpCenter) -> None:
    settings = center.settings.model_copy(update={"assets": "noSuchCollection"})
    jira = JiraSettings(webhook_secrets=[SecretStr("x")])
    async with (
        aclosing(ModelOpCenter(settings)) as other,
        serving(create_app(GatewaySettings(), jira, temporal=temporal, center=other)) as gateway,
    ):
        answer = await send(gateway, BATCH, TAG="cc", INPUT_FILE=EMBEDDED)
    assert answer.status_code == 502
    assert "Set MLC_CENTER_ASSETS" in answer.json()["detail"]


async def test_the_examples_of_the_documentation_are_the_signals_that_are_taken(gateway: httpx.AsyncClient) -> None:
    document = (await gateway.get("/openapi.json")).json()
    for route in ("signal", "signalResponsive"):
        post = document["paths"][f"/mlc-service/rest/{route}"]["post"]
        content = post["requestBody"]["content"]["application/json"]
        examples = [example["value"] for example in content["examples"].values()]
        assert [example["name"] for example in examples] == content["schema"]["properties"]["name"]["enum"]
        assert {JIRA, SERVICENOW, OLD_NAME, BATCH, DRIFT} < {example["name"] for example in examples}
        assert [parameter["name"] for parameter in post["parameters"]] == ["Idempotency-Key"]
    for example in examples:  # the files' host isn't allowed here, and no such snapshot exists: all else is right
        answer = await gateway.post("/mlc-service/rest/signal", json=example)
        assert answer.status_code == 204 or "MLC_FILE_HOSTS" in answer.text or "no snapshot" in answer.text, answer.text


async def turns(temporal: Client, answer: httpx.Response) -> str:
    """By what a run takes turns with others."""
    described = await (await started(temporal, answer)).describe()
    return described.raw_description.workflow_execution_info.priority.fairness_key


async def test_a_run_takes_turns_by_its_models_group_else_by_its_model(
    gateway: httpx.AsyncClient, temporal: Client, center: ModelOpCenter
) -> None:
    for group in ("credit \n risk", None, " ", "x" * 100):
        new = StoredModel(group=group, model_meta_data=ModelMetaData(name="m"))
        model = await center.model_manage.create_stored_model(new)
        snapshot = await center.model_manage.create_snapshot(DeployableModel(stored_model=model))
        key = await turns(temporal, await send(gateway, JIRA, MODEL_ID=snapshot.id))
        if group and group.strip():
            assert key == fairness_key(group)
        else:
            assert key == model.id


async def test_a_batch_job_takes_turns_by_its_tag(gateway: httpx.AsyncClient, temporal: Client) -> None:
    answer = await send(gateway, BATCH, TAG="cc-fraud", INPUT_FILE=IN, OUTPUT_FILE=OUT)
    assert await turns(temporal, answer) == "cc-fraud"


async def test_the_answer_lists_the_monitors_that_will_run(
    gateway: httpx.AsyncClient, temporal: Client, center: ModelOpCenter, watched_id: str
) -> None:
    others = await watched_by(center, STABILITY, "Concept Drift Monitor: Comprehensive Analysis")
    for id_, name, given, meant in (
        (watched_id, DRIFT, {}, [DATA_DRIFT]),
        (others, DRIFT, {}, [STABILITY, "Concept Drift Monitor: Comprehensive Analysis"]),
        (watched_id, RUN_MONITOR, {"MONITOR": STABILITY}, [STABILITY]),
    ):
        answer = await send(gateway, name, MODEL_ID=id_, **given)
        assert answer.json()["monitors"] == meant
        assert (await (await started(temporal, answer)).describe()).workflow_type == "RunMonitors"
    assert "monitors" not in (await send(gateway, JIRA, MODEL_ID=watched_id)).json()


@pytest.mark.parametrize("route", ["signal", "signalResponsive"])
async def test_where_no_monitor_is_meant_nothing_is_started_and_the_answer_says_which_there_are(
    gateway: httpx.AsyncClient, temporal: Client, model_id: str, watched_id: str, route: str
) -> None:
    for id_, name, given, said in (
        (model_id, DRIFT, {}, "carries no monitor in the role DATA_DRIFT_MODEL; it has none."),
        (watched_id, RUN_MONITOR, {"MONITOR": "Stability"}, f"carries no monitor 'Stability'; it has '{STABILITY}'"),
    ):
        key = str(uuid.uuid4())
        answer = await send(gateway, name, key=key, route=route, MODEL_ID=id_, **given)
        assert answer.status_code == 400
        assert "Nothing was started." in answer.json()["detail"]
        assert said in answer.json()["detail"]
        with pytest.raises(RPCError) as missing:
            await temporal.get_workflow_handle(f"monitors-{id_}-{key}").describe()
        assert missing.value.status is RPCStatusCode.NOT_FOUND


async def test_several_monitors_for_one_file_are_refused_at_once(
    gateway: httpx.AsyncClient, center: ModelOpCenter
) -> None:
    id_ = await watched_by(center, STABILITY, "another")
    answer = await send(gateway, DRIFT, MODEL_ID=id_, OUTPUT_FILE=OUT)
    assert (answer.status_code, answer.json()["detail"][:36]) == (400, "2 monitors can't write one file: nam")


async def test_a_call_that_is_repeated_when_its_monitor_is_gone_finds_the_run_that_it_started(
    gateway: httpx.AsyncClient, center: ModelOpCenter
) -> None:
    id_, key = await watched_by(center, DATA_DRIFT), str(uuid.uuid4())
    first = await send(gateway, DRIFT, key=key, MODEL_ID=id_)
    await center.model_manage.patch_snapshot(id_, {"associatedModels": []})
    again = await send(gateway, DRIFT, key=key, MODEL_ID=id_)
    assert again.json()["workflowIds"] == first.json()["workflowIds"]
    assert (await send(gateway, DRIFT, key="another", MODEL_ID=id_)).status_code == 400
