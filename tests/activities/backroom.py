"""Activities in their test environment, against the standalone centre in the same process: no server, no sockets."""

import base64
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import httpx
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.batch import BatchActivities
from activities.deployments import DeploymentActivities
from activities.jobs import JobActivities
from activities.monitors import MonitorActivities
from activities.notifications import NotificationActivities
from activities.precedence import PrecedenceActivities
from activities.schedules import ScheduleActivities
from activities.snapshots import SnapshotActivities
from activities.surveys import SurveyActivities
from activities.verdicts import VerdictActivities
from activities.watching import WatchActivities
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.model.file import FileRules
from mlc.settings import ProcessSettings, StandaloneCenterSettings
from mlc.standalone.center.app import create_app

RUN = "deploy-of-a-test"
"""The workflow whose activities these are."""
GONE = "5a31b3c6-f033-4948-b433-bae6656baa26"
"""An id of nothing."""
REVIEW_TAGS = {"servicenow": "servicenow"}
LIMIT = 20_000
"""Bytes of a text that are read to be judged."""

TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="Thresholds" namespace="urn:t">
  <decision id="thresholds" name="Thresholds"><decisionTable id="t" hitPolicy="COLLECT">
    <input id="i" label="auc"><inputExpression id="e" typeRef="number"><text>auc</text></inputExpression></input>
    <output id="o1" name="passes" typeRef="boolean"/><output id="o2" name="reason" typeRef="string"/>
    <rule id="r1"><inputEntry id="a"><text>&lt; 0.9</text></inputEntry>
      <outputEntry id="b"><text>false</text></outputEntry>
      <outputEntry id="c"><text>"AUC under 0.9"</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


def asset(name: str, role: str, content: bytes | str | None = "x") -> wire.Asset:
    """A file; ``None``: one without any content."""
    raw = content.encode() if isinstance(content, str) else content
    held = {} if raw is None else {"file_content": base64.b64encode(raw).decode()}
    return wire.Asset(name=name, filename=name, asset_type="FILE", asset_role=role, **held)


ASSETS = (
    asset("model.py", "MODEL_SOURCE"),
    asset("train.csv", "TRAINING_DATA"),
    asset("test.csv", "TEST_DATA"),
    asset("baseline.csv", "BASELINE_DATA"),
    asset("comparator.csv", "COMPARATOR_DATA"),
    asset("thresholds.dmn", "TEST_RESULT_COMPARATOR", TABLE),
)


def bare_model() -> wire.StoredModel:
    """A model of which nothing is known but a name, not even its id."""
    return wire.StoredModel(model_meta_data=wire.ModelMetaData(name="bare"))


class Backroom:
    """Activities bound to a centre, and the people and runtimes that a test plays there (``center``)."""

    def __init__(self, port: ModelOpCenter, http: httpx.AsyncClient) -> None:
        self.port = port
        """What the activities have."""
        self.http = http
        """By which they ask it."""
        self.center = port.model_manage
        self.settings = ProcessSettings()
        files = FileRules(root=Path("/lake"))
        self.snapshots = SnapshotActivities(port, self.settings, ["jira"], REVIEW_TAGS)
        self.jobs = JobActivities(port, self.settings, files, LIMIT)
        self.verdicts = VerdictActivities(port, self.settings, LIMIT)
        self.deployments = DeploymentActivities(port, self.settings, REVIEW_TAGS)
        self.precedence = PrecedenceActivities(port, self.settings)
        self.surveys = SurveyActivities(port, self.settings, REVIEW_TAGS)
        self.schedules = ScheduleActivities(port)
        self.monitors = MonitorActivities(port)
        self.watching = WatchActivities(port, self.settings, LIMIT)
        self.batch = BatchActivities(port, self.settings, REVIEW_TAGS)
        self.notifications = NotificationActivities(port)
        self.environment = ActivityEnvironment()
        self.beats: list[Any] = []
        self.environment.on_heartbeat = lambda *details: self.beats.append(details)
        self.at(datetime.now(UTC))

    def at(self, now: datetime, *, waited: timedelta = timedelta(0), workflow_id: str = RUN) -> None:
        """Let the next activity begin at a time, of a try that was scheduled a while before."""
        self.environment.info = dataclasses.replace(
            ActivityEnvironment.default_info(),
            workflow_id=workflow_id,
            started_time=now,
            scheduled_time=now - waited,
            heartbeat_timeout=timedelta(seconds=10),
        )

    def late(self) -> None:
        """Let the next activity be another attempt, of long after it was scheduled."""
        self.at(datetime.now(UTC), waited=timedelta(hours=1))
        self.environment.info = dataclasses.replace(self.environment.info, attempt=2)

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What an activity answers; arguments and answer go through JSON, as on their way to and from a history."""
        hints = get_type_hints(function)
        answered = hints.pop("return")
        given = [_through_json(value, hint) for value, hint in zip(arguments, hints.values(), strict=True)]
        return _through_json(await self.environment.run(function, *given), answered)

    async def failure(self, function: Callable[..., Any], *arguments: Any) -> ApplicationError:
        """What an activity that is to fail says."""
        try:
            answer = await self.run(function, *arguments)
        except ApplicationError as error:
            return error
        raise AssertionError(f"it answered {answer!r}")

    async def snapshot(
        self,
        *tags: str,
        assets: Iterable[wire.Asset] = ASSETS,
        model: wire.StoredModel | None = None,
        more: dict[str, Any] | None = None,
        **about: Any,
    ) -> str:
        """A snapshot of a model, or of one of its own; ``about`` stands in the model's metadata. Its id."""
        stored = model or await self.model(assets=assets, **about)
        meta = wire.MetaData(name=f"{stored.model_meta_data.name}-1", tags=list(tags))
        snapshot = wire.DeployableModel(stored_model=stored, meta_data=meta, **(more or {}))
        return (await self.center.create_snapshot(snapshot)).id

    async def model(self, *, assets: Iterable[wire.Asset] = ASSETS, **about: Any) -> wire.StoredModel:
        usual = {"name": f"model-{uuid.uuid4().hex[:6]}", "model_methodology": "Classification", "model_stage": "PROD"}
        meta = wire.ModelMetaData(**(usual | about))
        return await self.center.create_stored_model(wire.StoredModel(model_meta_data=meta, model_assets=list(assets)))

    async def engine(self, *, online: bool = False, name: str = "", stage: str = "PROD", **more: Any) -> wire.Engine:
        """One that holds many models, unless ``mlc_many_models`` is given."""
        endpoints = [{"endpointType": "REST", "path": "0"}] if online else []
        engine = wire.Engine(
            name=name or f"runtime-{uuid.uuid4().hex[:6]}",
            environment_name=stage,
            input_endpoints=endpoints,
            output_endpoints=endpoints,
            **({"mlc_many_models": True} | more),
        )
        return await self.center.save_engine(engine)

    async def deploy(self, snapshot_id: str, state: str = "DEPLOYED", **more: Any) -> str:
        """A deployment as somebody else made it."""
        snapshot = await self.center.get_snapshot(snapshot_id)
        document = {"deployable_model": snapshot, "deployment_target": "PROD", **more}
        made = await self.center.create_deployment(wire.DeployedModel(**document))
        await self.center.patch_deployment(made.id, {"state": state})  # which the centre chooses at first
        return made.id

    async def end_job(self, job_id: str, *outputs: wire.Asset, status: str = "COMPLETE", **more: Any) -> None:
        """Play the runtime. A job that is complete was a success, unless ``jobResult`` says something else."""
        result = "SUCCESS" if status == "COMPLETE" else "FAILURE"
        changes = {
            "jobStatus": status,
            "jobResult": result,
            "outputData": [output.wire() for output in outputs],
            **more,
        }
        await self.center.patch_job(job_id, changes)


def metrics(**values: Any) -> wire.Asset:
    return asset("test_result.json", "UNKNOWN", json.dumps(values))


def _through_json(value: Any, hint: Any) -> Any:
    converter = pydantic_data_converter.payload_converter
    sent: list[Payload] = list(converter.to_payloads([value]))
    (received,) = converter.from_payloads(sent, None if hint is type(None) else [hint])
    return received


@asynccontextmanager
async def backroom(folder: Path, **client: Any) -> AsyncIterator[Backroom]:
    """``client`` are further settings of the activities' client."""
    app = create_app(StandaloneCenterSettings(database=folder / "center.db", token="t"), connect=no_temporal)
    settings = CenterSettings(
        url="http://centre/model-manage/api", token="t", browse_url="http://pages", spool=folder, **client
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
        yield Backroom(ModelOpCenter(settings, http=http), http)


async def no_temporal() -> Any:
    raise RuntimeError("no runtimes in this test")
