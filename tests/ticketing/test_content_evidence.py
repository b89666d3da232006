"""What a ticket shows is gathered from the model centre, and one thing that can't be read hides no other."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from servers import serving

from activities.evidence import gather, last_deployed_snapshot, with_whole_verdict
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.model.deployment import DeploymentRecord
from mlc.model.failure import Unavailable
from mlc.model.result import TestResult
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import RuleOutcome, TableFindings, Verdict
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app

UNKNOWN = "5a31b3c6-f033-4948-b433-bae6656baa26"


async def no_temporal() -> Any:
    raise ConnectionError("no runtimes in this test")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of a standalone centre on a free port."""
    database = tmp_path_factory.mktemp("center") / "center.db"
    app = create_app(StandaloneCenterSettings(database=database, token="t"), connect=no_temporal)
    with serving(app, socket.create_server(("127.0.0.1", 0))) as address:
        yield CenterSettings(url=f"{address}/model-manage/api", token="t")


@pytest.fixture
async def center(settings: CenterSettings) -> AsyncIterator[ModelOpCenter]:
    client = ModelOpCenter(settings)
    yield client
    await client.aclose()


class Model:
    """A model in the centre, its snapshots and what becomes of them."""

    def __init__(self, center: ModelOpCenter, settings: CenterSettings, stored: wire.StoredModel) -> None:
        self.center, self.settings, self.stored = center, settings, stored

    async def snapshot(self, name: str) -> wire.DeployableModel:
        meta = wire.MetaData(name=name)
        return await self.center.model_manage.create_snapshot(
            wire.DeployableModel(stored_model=self.stored, meta_data=meta)
        )

    async def deploy(self, snapshot: wire.DeployableModel) -> wire.DeployedModel:
        state = {self.settings.state_field: self.settings.deployed_state}
        return await self.center.model_manage.create_deployment(wire.DeployedModel(deployable_model=snapshot, **state))

    async def end(self, deployment: wire.DeployedModel) -> None:
        state = {self.settings.state_field: self.settings.undeployed_state}
        await self.center.model_manage.patch_deployment(deployment.id, state)

    async def result(self, snapshot: wire.DeployableModel, auc: float, **more: Any) -> wire.ModelTestResult:
        result = wire.ModelTestResult(deployable_model_id=snapshot.id, test_results={"auc": auc}, **more)
        return await self.center.model_manage.create_test_result(result)


@pytest.fixture
async def model(center: ModelOpCenter, settings: CenterSettings) -> Model:
    stored = wire.StoredModel(model_meta_data=wire.ModelMetaData(name="fraud", model_risk="high"))
    return Model(center, settings, await center.model_manage.create_stored_model(stored))


async def other_model(model: Model) -> Model:
    stored = wire.StoredModel(model_meta_data=wire.ModelMetaData(name="churn"))
    return Model(model.center, model.settings, await model.center.model_manage.create_stored_model(stored))


def question(snapshot_id: str, **more: Any) -> TicketQuestion:
    fields = {"kind": TicketKind.REVIEW, "step": "review", "workflow_id": "w", "run_id": "r"}
    return TicketQuestion(snapshot_id=snapshot_id, **(fields | more))


async def test_the_result_before_is_the_newest_that_the_deployed_snapshots_own_metrics_job_made(model: Model) -> None:
    deployed, new = await model.snapshot("v11"), await model.snapshot("v12")
    await model.deploy(deployed)
    await model.result(deployed, 0.5)
    own = await model.result(deployed, 0.6, provenance={"inputs": {"test.csv": "ab"}})
    await model.result(deployed, 0.7, provenance={"purpose": "backTest"})
    await model.result(deployed, 0.8, associatedModel={"id": "a monitor"})
    now = await model.result(new, 0.9)
    found = await gather(model.center, question(new.id, test_result=TestResult(id=now.id)))
    assert found.snapshot is not None
    assert found.previous is not None
    assert (found.snapshot.title, found.previous.title) == ("v12", "v11")
    assert found.result is not None
    assert found.before is not None
    assert (found.result.id, found.before.id) == (now.id, own.id)
    assert found.before.inputs == {"test.csv": "ab"}
    assert found.before.created.endswith(" UTC")


async def test_a_deployed_snapshot_is_compared_with_the_one_that_was_deployed_before_it(model: Model) -> None:
    first, second, third = [await model.snapshot(name) for name in ("v1", "v2", "v3")]
    superseded = await model.deploy(first)
    await model.deploy(second)
    await model.end(superseded)
    await model.deploy(third)

    async def before(snapshot: wire.DeployableModel, kind: TicketKind = TicketKind.FAILED_TEST) -> str | None:
        found = await last_deployed_snapshot(model.center, await model.center.get_snapshot(snapshot.id), kind)
        return found.name if found else None

    assert [await before(snapshot) for snapshot in (second, third)] == ["v1", "v2"]
    new = await model.snapshot("v4")
    assert [await before(new), await before(new, TicketKind.REVIEW)] == ["v3", "v3"]
    assert await before(await (await other_model(model)).snapshot("v1")) is None


async def test_a_snapshot_that_is_being_deployed_is_compared_with_the_one_that_is_deployed_now(model: Model) -> None:
    first, abandoned, new = [await model.snapshot(name) for name in ("v1", "v2", "v3")]
    earlier = await model.deploy(first)
    await model.end(await model.deploy(abandoned))
    await model.deploy(new)
    read = await model.center.get_snapshot(new.id)
    found = await last_deployed_snapshot(model.center, read, TicketKind.ERROR)
    assert found is not None
    assert found.name == "v1"
    await model.end(earlier)
    assert await last_deployed_snapshot(model.center, read, TicketKind.ERROR) is not None


async def test_what_cant_be_read_is_left_out_and_the_rest_is_told(model: Model) -> None:
    deployed, new = await model.snapshot("v11"), await model.snapshot("v12")
    await model.deploy(deployed)
    unreadable = question(new.id, test_result=TestResult(id=UNKNOWN), job_id=UNKNOWN)
    found = await gather(model.center, unreadable)
    assert found.previous is not None
    assert (found.result, found.before, found.job) == (None, None, None)
    gone = await gather(model.center, question(UNKNOWN))
    assert (gone.snapshot, gone.previous) == (None, None)


async def test_whether_there_was_a_previous_snapshot_is_not_guessed(model: Model) -> None:
    class DeploymentsAreDown(ModelOpCenter):
        """The centre answers, but for its deployments."""

        async def list_deployments(self, **_: Any) -> list[DeploymentRecord]:
            raise Unavailable("the model centre", "list its deployments: 503")

    center = DeploymentsAreDown(model.settings)
    found = await gather(center, question((await model.snapshot("v12")).id))
    await center.aclose()
    assert found.snapshot is not None
    assert (found.previous, found.previous_known) == (None, False)


async def test_nothing_is_asked_for_when_no_snapshot_was_found(settings: CenterSettings) -> None:
    nowhere = ModelOpCenter(settings.model_copy(update={"url": "http://127.0.0.1:1/model-manage/api"}))
    found = await gather(nowhere, question("", kind=TicketKind.NOTIFICATION))
    await nowhere.aclose()
    assert found.model_dump(exclude_defaults=True) == {}


async def test_a_job_comes_with_everything_that_it_said(model: Model) -> None:
    snapshot = await model.snapshot("v12")
    messages = ["metrics began", "Traceback (most recent call last):", "KeyError: 'y'"]
    inputs = [wire.Asset(name="new.csv", filename="new.csv")]
    created = wire.Job(job_type="MODEL_BATCH_TEST_JOB", model=snapshot, job_messages=messages, input_data=inputs)
    job = await model.center.model_manage.create_job(created)
    await model.center.model_manage.patch_job(job.id, {"jobStatus": "ERROR"})
    found = await gather(model.center, question(snapshot.id, job_id=job.id))
    assert found.job is not None
    assert found.job.messages == "\n".join(messages)
    facts = dict(found.job.facts)
    assert (facts["Job"], facts["Status"], facts["Inputs"]) == (job.id, "ERROR", "new.csv")


async def test_every_rule_that_the_centre_keeps_is_told_though_a_history_keeps_a_few(model: Model) -> None:
    snapshot = await model.snapshot("v12")
    rules = [{"table": "t.dmn", "rule": n, "passes": False, "reason": "no", "testCategory": ""} for n in range(50)]
    kept = [*rules, {"testCategory": "", "passes": False, "reason": "a problem"}]
    result = await model.result(snapshot, 0.9, dmn_rule_results=kept)
    short = Verdict(judged=True, passed=False, rules=[RuleOutcome(table="t.dmn", rule=0)])
    asked = question(snapshot.id, test_result=TestResult(id=result.id), verdict=short)
    verdict = with_whole_verdict(asked, await gather(model.center, asked)).verdict
    assert verdict is not None
    assert [rule.rule for rule in verdict.rules] == list(range(50))
    assert verdict.problems == ["a problem"]


async def test_what_was_found_in_the_tables_is_told_though_a_centre_drops_it(model: Model) -> None:
    snapshot = await model.snapshot("v13")
    kept = [{"table": "t.dmn", "rule": 1, "passes": True, "reason": "yes", "testCategory": ""}]
    short = Verdict(judged=True, passed=True, findings=TableFindings(warnings=1, said=["Warning: t.dmn: short"]))
    whole = {"warnings": 1, "said": ["Warning: t.dmn: whole"]}
    for field, told in (({}, "short"), ({"mlcVerdict": {"findings": whole}}, "whole"), ({"mlcVerdict": []}, "short")):
        result = await model.result(snapshot, 0.9, dmn_rule_results=kept, **field)
        asked = question(snapshot.id, test_result=TestResult(id=result.id), verdict=short)
        verdict = with_whole_verdict(asked, await gather(model.center, asked)).verdict
        assert verdict is not None
        assert verdict.findings is not None
        assert verdict.findings.said == [f"Warning: t.dmn: {told}"]
