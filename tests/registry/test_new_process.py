"""A new process costs its own file and one entry: then it is started, documented, listed, run and mirrored."""

import runpy
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway.gateway_serving import serving
from processes.office import Office, office
from pydantic import SecretStr
from remind_owner import RemindOwner, RemindOwnerInput, RemindOwnerResult
from schedules.mirroring import DAILY, action, deployment, mirror, running
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from mlc.center.modelop.signals import PREFIX
from mlc.cli.processes import lines
from mlc.gateway.app import create_app
from mlc.model.file import InputFile
from mlc.model.process import Process, Signal, Variable
from mlc.model.processes import TASK_QUEUE
from mlc.model.signal import Id, line
from mlc.settings import GatewaySettings
from mlc.ticketing.jira.settings import JiraSettings
from workflows.registry import PROCESSES

ROOT = Path(__file__).parents[2]

ENTRY = Process(
    name="RemindOwner",
    workflow=RemindOwner,
    summary="Remind the owner of a snapshot",
    input=RemindOwnerInput,
    result=RemindOwnerResult,
    workflow_id=lambda given, key: f"remind-{given.snapshot_id}-{key}",
    signals=[
        Signal(
            "Signals_REMIND_OWNER",
            [
                Variable("MODEL_ID", "snapshot_id", Id, "5a31b3c6", names_snapshot=True),
                Variable("TEXT", "text", line(80), "Look at its drift", required=False),
                Variable("INPUT_FILE", "lists", list[InputFile], required=False),
            ],
            "Start RemindOwner",
        )
    ],
)
MORE = PROCESSES.also(ENTRY)
NAME = PREFIX + "Signals_REMIND_OWNER"


@pytest.fixture(scope="module")
async def desk(dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("registry")
    async with (
        office(dev_server.client, folder, processes=MORE) as opened,
        Worker(opened.client, task_queue=TASK_QUEUE),
    ):
        yield opened


@pytest.fixture(scope="module")
async def gateway(desk: Office) -> AsyncIterator[httpx.AsyncClient]:
    jira = JiraSettings(webhook_secrets=[SecretStr("x")])
    app = create_app(GatewaySettings(), jira, temporal=desk.client, center=desk.port, processes=MORE)
    async with serving(app) as client:
        yield client


async def send(gateway: httpx.AsyncClient, key: str = "", **variables: Any) -> httpx.Response:
    body = {"name": NAME, "variables": {name: {"value": value} for name, value in variables.items()}}
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    return await gateway.post("/mlc-service/rest/signalResponsive", json=body, headers=headers)


async def test_its_signal_starts_it_once_for_a_key_with_its_files_in_the_centre(
    desk: Office, gateway: httpx.AsyncClient
) -> None:
    snapshot_id, key = await desk.snapshot(), uuid.uuid4().hex
    file = {"assetType": "FILE", "filename": "list.csv", "fileContentString": "a\n1\n"}
    variables = {"MODEL_ID": snapshot_id, "TEXT": "Look at its drift", "INPUT_FILE": file}
    first, again = [await send(gateway, key, **variables) for _ in range(2)]
    assert first.json() == again.json()
    assert first.json()["started"] == [f"remind-{snapshot_id}-{key}"]
    run = desk.client.get_workflow_handle(f"remind-{snapshot_id}-{key}", result_type=RemindOwnerResult)
    asked, _, asset_id = (await run.result()).reminded_of.rpartition(" ")
    assert asked == f"Look at its drift: {snapshot_id}"
    assert uuid.UUID(asset_id)
    assert (await send(gateway, key, **variables | {"TEXT": "Something else"})).status_code == 422


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "Variable MODEL_ID is missing"),
        ({"MODEL_ID": None}, "Variable MODEL_ID is missing"),
        ({"MODEL_ID": "there-is-none"}, "MODEL_ID: the model centre has no snapshot of this id."),
        ({"MODEL_ID": "m", "TEXT": "a\nb"}, "TEXT: only characters that can be printed"),
        ({"MODEL_ID": "m", "TETX": "a"}, "Variable 'TETX' is unknown to this signal. It takes MODEL_ID, TEXT, INPUT_F"),
        ({"MODEL_ID": "m", "INPUT_FILE": 7}, "INPUT_FILE: an asset object is expected"),
    ],
)
async def test_what_its_signal_gets_wrong_is_said_as_for_every_other(
    gateway: httpx.AsyncClient, variables: dict[str, Any], says: str
) -> None:
    answer = await send(gateway, **variables)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(says)


async def test_it_is_in_the_gateways_documentation(gateway: httpx.AsyncClient) -> None:
    page = (await gateway.get("/openapi.json")).json()
    content = page["paths"]["/mlc-service/rest/signalResponsive"]["post"]["requestBody"]["content"]["application/json"]
    assert NAME in content["schema"]["properties"]["name"]["enum"]
    example = content["examples"]["Signals_REMIND_OWNER"]
    assert example["summary"] == "Start RemindOwner"
    assert example["description"].startswith(
        "MODEL_ID: Id of the snapshot whose owner is reminded. TEXT: What to say ("
    )
    assert example["value"]["variables"].keys() == {"MODEL_ID", "TEXT", "INPUT_FILE"}
    assert example["value"]["variables"]["MODEL_ID"] == {"value": "5a31b3c6"}
    unknown = await gateway.post("/mlc-service/rest/signal", json={"name": PREFIX + "Signals_NO"})
    assert unknown.status_code == 404
    assert f"{NAME}, " in unknown.json()["detail"]


def test_it_is_listed_by_the_command_and_on_the_page_of_signals() -> None:
    assert [each.strip() for each in lines(MORE)][-4:] == [
        "RemindOwner: Remind the owner of a snapshot",
        "id      remind-<snapshot_id>-<key>",
        f"signal  {NAME}",
        "needs MODEL_ID; takes TEXT, INPUT_FILE (once for each Idempotency-Key)",
    ]
    document = runpy.run_path(str(ROOT / "docs" / "signals_table.py"))["document"]
    assert "| `Signals_REMIND_OWNER` | Start RemindOwner | `MODEL_ID`: Id of the snapshot" in document(MORE)


async def test_it_is_mirrored_from_a_schedule_and_runs(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    reminds = {"signalName": NAME, "signalVariables": {"MODEL_ID": snapshot_id, "TEXT": "Nightly"}}
    schedule = {"scheduleId": "reminder", "cronExpression": DAILY, "action": reminds}
    wrong = {"scheduleId": "wrong", "cronExpression": DAILY, "action": {"signalName": NAME, "signalVariables": {}}}
    id_ = await deployment(desk, schedule, wrong, snapshot_id=snapshot_id)
    report = await mirror(desk)
    assert (report.schedules, report.problem_count) == (1, 1)
    assert "Variable MODEL_ID is missing" in report.problems[0]
    made = action((await running(desk, f"mlc-{id_}-reminder")).schedule)
    assert (made.workflow, made.id) == ("RemindOwner", f"remind-{snapshot_id}-reminder")
    (payload,) = made.args
    (given,) = await desk.client.data_converter.decode([payload], [RemindOwnerInput])
    assert given == RemindOwnerInput(snapshot_id=snapshot_id, text="Nightly")
