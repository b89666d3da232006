"""A model centre, a ticket desk and a worker, all real, and the people and runtimes that a test plays."""

import base64
import json
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from servers import eventually, serving
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from mlc.center.certificates import certificates
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.model.file import FileRules
from mlc.model.process import Processes
from mlc.model.processes import (
    TICKET_CHANGED,
    DeployModelInput,
    DeployModelResult,
    DeployModelStatus,
    deploy_model_id,
)
from mlc.model.ticket import TicketChanged, TicketRef
from mlc.settings import DeskSettings, ProcessSettings, StandaloneCenterSettings
from mlc.standalone.center.app import create_app as create_center
from mlc.standalone.desk.app import create_app as create_desk
from mlc.standalone.desk.scheme import Scheme
from mlc.standalone.faults import FaultMiddleware, Faults
from mlc.ticketing import registry
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.system import SystemSettings
from mlc.worker import MlcPlugin, activities_of
from workflows.registry import PROCESSES

Run = WorkflowHandle[Any, DeployModelResult]

LAKE = Path("/lake")
"""Where external files may lie. There are none: no runtime reads them in these tests."""

TABLE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:camunda="http://camunda.org/schema/1.0/dmn"
  id="d" name="Thresholds" namespace="http://camunda.org/schema/1.0/dmn">
  <decision id="thresholds" name="Thresholds"><decisionTable id="t" hitPolicy="COLLECT">
    <input id="i" label="auc" camunda:inputVariable="auc">
      <inputExpression id="e" typeRef="double"><text></text></inputExpression></input>
    <output id="o1" name="passes" typeRef="boolean"/><output id="o2" name="reason" typeRef="string"/>
    <rule id="r1"><inputEntry id="a"><text>&lt; 0.9</text></inputEntry>
      <outputEntry id="b"><text>false</text></outputEntry>
      <outputEntry id="c"><text>"AUC under 0.9"</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


def asset(name: str, role: str, content: bytes | str) -> wire.Asset:
    raw = content.encode() if isinstance(content, str) else content
    return wire.Asset(
        name=name, filename=name, asset_type="FILE", asset_role=role, file_content=base64.b64encode(raw).decode()
    )


ASSETS = (
    asset("model.py", "MODEL_SOURCE", "# modelop.metrics\ndef metrics(df):\n    yield {}\n"),
    asset("train.csv", "TRAINING_DATA", "x,y\n1,0\n"),
    asset("test.csv", "TEST_DATA", "x,y\n1,0\n"),
    asset("baseline.csv", "BASELINE_DATA", "x,y,score\n1,0,0\n"),
    asset("comparator.csv", "COMPARATOR_DATA", "x,y,score\n1,0,0\n"),
    asset("thresholds.dmn", "TEST_RESULT_COMPARATOR", TABLE),
)


def input_schema(methodology: str) -> dict[str, Any]:
    """As the monitors of the methodology need it, and the usual assets have it."""
    compared = "numerical" if "regression" in methodology.casefold() else "categorical"
    roles = {"x": ("predictor", "numerical"), "y": ("label", compared), "score": ("score", compared)}
    fields = [{"name": n, "type": "long", "role": r, "dataClass": c} for n, (r, c) in roles.items()]
    return {"name": "input.avsc", "schemaDefinition": {"type": "record", "name": "input", "fields": fields}}


class Office:
    """What a test needs to put a snapshot through DeployModel, and to play runtimes and reviewers."""

    def __init__(
        self,
        client: Client,
        port: ModelOpCenter,
        model_manage: httpx.AsyncClient,
        jira: httpx.AsyncClient,
        faults: Faults,
        center_faults: Faults,
        task_queue: str,
        project: str,
    ) -> None:
        self.client = client
        self.port = port
        """The model centre as the activities have it."""
        self.center = port.model_manage
        """The model centre as the people and runtimes know it: in its own words."""
        self.model_manage = model_manage
        self.jira = jira
        self.faults = faults
        """What goes wrong at the desk."""
        self.center_faults = center_faults
        self.task_queue = task_queue
        self.project = project
        """Another one at every desk: sweeps see the runs of all tests on a server, and read their tickets by key."""
        self.started: list[Run] = []

    async def engine(
        self,
        name: str,
        *,
        online: bool = False,
        stage: str = "PROD",
        tags: Iterable[str] = (),
        holds_many: bool = True,
    ) -> str:
        endpoints = [{"endpointType": "REST", "path": "0"}] if online else []
        saved = await self.center.save_engine(
            wire.Engine(
                name=name,
                environment_name=stage,
                tags=list(tags),
                platform={"python": "3.11"},
                input_endpoints=endpoints,
                output_endpoints=endpoints,
                **({"mlc_many_models": True} if holds_many else {}),
            )
        )
        return saved.id or ""

    async def snapshot(
        self,
        *tags: str,
        without: Iterable[str] = (),
        methodology: str = "Classification",
        model: str | None = None,
        stage: str = "PROD",
        assets: Iterable[wire.Asset] = ASSETS,
        schemas: list[dict[str, Any]] | None = None,
    ) -> str:
        """A snapshot with these tags and all usual assets but those of the roles ``without``; its id.

        ``schemas`` are the model's input schemas, if not one that fits the monitors and the assets.
        """
        stored = await self.center.create_stored_model(
            wire.StoredModel(
                model_meta_data=wire.ModelMetaData(
                    name=model or f"model-{uuid.uuid4().hex[:6]}",
                    model_methodology=methodology,
                    model_stage=stage,
                    model_risk="high",
                    input_schema=[input_schema(methodology)] if schemas is None else schemas,
                ),
                model_assets=[a for a in assets if a.asset_role not in set(without)],
            )
        )
        return await self.snapshot_of(stored, *tags)

    async def snapshot_of(self, stored: wire.StoredModel, *tags: str) -> str:
        snapshot = wire.DeployableModel(
            stored_model=stored, meta_data=wire.MetaData(name=f"{stored.model_meta_data.name}-1", tags=list(tags))
        )
        return (await self.center.create_snapshot(snapshot)).id

    async def begin(self, workflow: str, request: Any, result_type: type) -> WorkflowHandle[Any, Any]:
        """Start RunBackTest or RunBatchModelJob."""
        run: WorkflowHandle[Any, Any] = await self.client.start_workflow(
            workflow, request, id=f"{workflow}-{uuid.uuid4()}", task_queue=self.task_queue, result_type=result_type
        )
        self.started.append(run)
        return run

    async def start(self, snapshot_id: str) -> Run:
        run: Run = await self.client.start_workflow(
            "DeployModel",
            DeployModelInput(snapshot_id=snapshot_id),
            id=deploy_model_id(snapshot_id),
            task_queue=self.task_queue,
            result_type=DeployModelResult,
        )
        self.started.append(run)
        return run

    async def status(self, run: Run) -> DeployModelStatus:
        return await run.query("status", result_type=DeployModelStatus)

    async def told(self, run: Run, result_type: type | None = None) -> Any:
        """Its status; None if nobody tells: the worker that had the run has just died, or the machine is busy."""
        try:
            return await run.query("status", result_type=result_type)
        except RPCError as error:
            if error.status in {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.UNAVAILABLE}:
                return None
            raise

    async def job_awaited(self, run: Run) -> str:
        """The id of the job that the run waits for, once there is one that hasn't ended."""

        async def waits() -> str | None:
            status = await self.told(run)
            waiting_for = status["waiting_for"] if status else ""
            if " job " not in waiting_for:
                return None
            job_id = waiting_for.rsplit(" ", 1)[1]
            return job_id if (await self.center.get_job(job_id)).job_status in {"CREATED", "WAITING"} else None

        return await eventually(waits)

    async def finish_job(self, run: Run, *, metrics: Any = None, status: str = "COMPLETE", **changes: Any) -> str:
        """Play the runtime: end the job that the run waits for. Returns the job's id.

        A job that is complete was a success, unless ``jobResult`` says something else.
        """
        job_id = await self.job_awaited(run)
        output = metrics if isinstance(metrics, bytes) else json.dumps(metrics).encode()
        if metrics is not None:
            changes["outputData"] = [asset("test_result.json", "UNKNOWN", output).wire()]
        result = "SUCCESS" if status == "COMPLETE" else "FAILURE"
        await self.center.patch_job(job_id, {"jobStatus": status, "jobResult": result, **changes})
        with suppress(RPCError):  # a run that has just begun asks by itself, and may have ended with that
            await run.signal("job_changed", {"job_id": job_id})
        return job_id

    async def ticket(self, run: Run, kind: str, *, seconds: float = 60) -> TicketRef:
        """The open ticket of this kind for which the run waits."""

        async def waits() -> TicketRef | None:
            status: DeployModelStatus | None = await self.told(run, DeployModelStatus)
            if status is None or not status.waiting_for.startswith("an answer") or not status.open_tickets:
                return None
            ticket = status.open_tickets[-1]
            return ticket if (await self.fields(ticket))["property"]["kind"] == kind else None

        return await eventually(waits, seconds=seconds)

    async def fields(self, ticket: TicketRef) -> dict[str, Any]:
        issue = (await self.jira.get(f"issue/{ticket.key}", params={"fields": "*all"})).raise_for_status().json()
        stored = (await self.jira.get(f"issue/{ticket.key}/properties/gov.ticket")).raise_for_status().json()
        return {**issue["fields"], "property": stored["value"]}

    async def decide(self, run: Run | None, ticket: TicketRef, status: str, **fields: Any) -> None:
        """Play the reviewer, in Jira; the run (if given) is told as a webhook would."""
        if fields:
            (await self.jira.put(f"issue/{ticket.key}", json={"fields": fields})).raise_for_status()
        transitions = (await self.jira.get(f"issue/{ticket.key}/transitions")).raise_for_status().json()["transitions"]
        chosen = next(t["id"] for t in transitions if t["to"]["name"] == status)
        body = {"transition": {"id": chosen}}
        (await self.jira.post(f"issue/{ticket.key}/transitions", json=body)).raise_for_status()
        if run is not None:
            await self.tell(run, ticket)

    async def comment(self, ticket: TicketRef, text: str) -> None:
        (await self.jira.post(f"issue/{ticket.key}/comment", json={"body": text})).raise_for_status()

    async def tell(self, run: Run, ticket: TicketRef) -> None:
        await run.signal(TICKET_CHANGED, TicketChanged(provider="jira", key=ticket.key))

    async def tickets(self) -> list[dict[str, Any]]:
        """Every issue at the desk, oldest first."""
        found = await self.jira.get(
            "search/jql",
            params={"jql": f"project = {self.project} ORDER BY created ASC", "fields": "*all", "maxResults": 100},
        )
        return list(found.raise_for_status().json()["issues"])

    async def jobs(self, snapshot_id: str) -> list[dict[str, Any]]:
        """Every job of a snapshot, as the centre keeps it."""
        params = {"deployableModelId": snapshot_id, "size": "100"}
        found = await self.model_manage.get("jobs/search/findAllByModel_Id", params=params)
        return list(found.raise_for_status().json().get("_embedded", {}).get("jobs", []))


async def no_temporal() -> Client:
    """The centre of these tests hands jobs to nobody: the test plays the runtime."""
    raise RuntimeError("no runtimes in this test")


async def chain(run: WorkflowHandle[Any, Any]) -> list[WorkflowHandle[Any, Any]]:
    """The run that was started, by whomever, and those that it was handed over to, first to last."""
    runs, run_id = [], run.first_execution_run_id or run.run_id or (await run.describe()).run_id
    while run_id:
        handle = run._client.get_workflow_handle(run.id, run_id=run_id)  # the public handle follows the chain itself
        last = [event async for event in handle.fetch_history_events()][-1]
        run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        runs.append(handle)
    return runs


@asynccontextmanager
async def premises(
    client: Client,
    folder: Path,
    *,
    task_queue: str,
    process: ProcessSettings,
    scheme: Scheme | None = None,
    servicenow: bool = True,
    processes: Processes = PROCESSES,
    tickets: Iterable[SystemSettings] = (),
    center: Mapping[str, Any] = MappingProxyType({}),
    connect: Callable[[], Awaitable[Client]] = no_temporal,
    lake: Path = LAKE,
    **desk: Any,
) -> AsyncIterator[Office]:
    """An ``office`` without its worker."""
    with ExitStack() as stack:
        center_socket, desk_socket = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        faults, center_faults = Faults(), Faults()
        center_app = create_center(
            StandaloneCenterSettings(database=folder / "center.db", token="center-token"), connect=connect
        )
        center_url = stack.enter_context(
            serving(FaultMiddleware(center_app, center_faults, "/model-manage/api/"), center_socket)
        )
        desk_url = f"http://127.0.0.1:{desk_socket.getsockname()[1]}"
        project = f"T{uuid.uuid4().hex[:8].upper()}"
        access: dict[str, Any] = {"user": "bot", "token": "desk-token", "project": project}
        desk_app = create_desk(
            DeskSettings(database=folder / "desk.db", url=desk_url, **access, **desk),
            scheme=scheme,
            faults=faults,
        )
        stack.enter_context(serving(desk_app, desk_socket))
        center_settings = CenterSettings(url=f"{center_url}/model-manage/api", token="center-token", **center)
        jira_settings = JiraSettings(url=desk_url, **access)
        servicenow_settings = ServiceNowSettings(
            url=desk_url if servicenow else None, user="bot", password="desk-token"
        )
        threads = ThreadPoolExecutor(8)
        stack.callback(threads.shutdown, wait=False)
        port = ModelOpCenter(center_settings)
        activities = activities_of(
            port,
            registry.set_up(jira_settings, servicenow_settings, *tickets),
            threads,
            process=process,
            files=FileRules(root=lake),
            processes=processes,
        )
        connected = await Client.connect(
            client.service_client.config.target_host,
            namespace=client.namespace,
            plugins=[MlcPlugin(activities, processes)],
        )
        async with (
            httpx.AsyncClient(
                base_url=f"{desk_url}/rest/api/2/", auth=("bot", "desk-token"), verify=certificates(), timeout=60
            ) as jira,
            httpx.AsyncClient(
                base_url=f"{center_url}/model-manage/api/",
                headers={"Authorization": "Bearer center-token"},
                verify=certificates(),
                timeout=60,
            ) as model_manage,
        ):
            yield Office(connected, port, model_manage, jira, faults, center_faults, task_queue, project)
        await port.aclose()


@asynccontextmanager
async def office(
    client: Client, folder: Path, *, configure: Callable[[ProcessSettings], ProcessSettings] = lambda s: s, **desk: Any
) -> AsyncIterator[Office]:
    """Open an office on the Temporal server that ``client`` knows; it connects by itself, with the plugin.

    Args:
        configure: changes the settings of the processes.
        desk: the desk's workflow as ``scheme``, if another than the usual one, whether ``servicenow`` is set up beside
            Jira, the settings of further systems as ``tickets``, those of the worker's client of the model centre as
            ``center``, other ``processes`` than the usual ones, how the centre can ``connect`` to Temporal for real
            runtimes, the ``lake`` of their files, and further settings of the desk.
    """
    process = configure(
        ProcessSettings(
            job_poll=timedelta(seconds=30), ticket_index_lag=timedelta(seconds=1), center_index_lag=timedelta(seconds=1)
        )
    )
    task_queue = f"mlc-{uuid.uuid4()}"
    async with (
        premises(client, folder, task_queue=task_queue, process=process, **desk) as opened,
        Worker(opened.client, task_queue=task_queue, graceful_shutdown_timeout=timedelta(seconds=5)),
    ):
        yield opened
