"""The adapter against the standalone centre: in with the domain's types, out with them."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from center_harness import settings_for

from mlc.center import Center, NewDeployment, NewFile, NewJob, NewMonitor
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.asset import Asset, AssetKind
from mlc.model.deployment import DeploymentMode, DeploymentState, Runtime, RuntimeRef
from mlc.model.failure import NotFound, Refused, TooLarge
from mlc.model.job import JobEnding, JobKind, JobStatus
from mlc.model.notification import Notification
from mlc.model.result import Provenance, Purpose, TestResultRecord
from mlc.model.schedule import Schedule
from mlc.model.snapshot import DecisionEntry, Model, Snapshot, Submission
from mlc.model.ticket import Decision, DecisionOutcome
from mlc.model.verdict import RuleOutcome, Verdict

SOURCE, DATA = b"def score(r): ...\n", b"a,b\n1,2\n" * 100


@pytest.fixture
async def modelop(address: str) -> AsyncIterator[ModelOpCenter]:
    center = ModelOpCenter(settings_for(address, page_size=3))
    yield center
    await center.aclose()


@pytest.fixture
def files(tmp_path: Path) -> list[NewFile]:
    (tmp_path / "m.py").write_bytes(SOURCE)
    (tmp_path / "test.csv").write_bytes(DATA)
    return [
        NewFile(
            Asset(
                name="m.py",
                kind=AssetKind.SOURCE,
                role="MODEL_SOURCE",
                primary=True,
                functions={"score": "score", "train": "fit"},
            ),
            tmp_path / "m.py",
        ),
        NewFile(Asset(name="test.csv", role="TEST_DATA", format="CSV"), tmp_path / "test.csv"),
    ]


async def a_snapshot(modelop: ModelOpCenter, files: list[NewFile]) -> Snapshot:
    model = await modelop.save_model(Model(name="Credit", stage="dev"), files)
    return await modelop.create_snapshot(model.id, name="s", tags=["run_test"])


def test_the_adapter_is_a_center(modelop: ModelOpCenter) -> None:
    port: Center = modelop
    assert port is modelop


async def test_contents_can_be_had_while_their_owner_is_open(modelop: ModelOpCenter, files: list[NewFile]) -> None:
    made = await a_snapshot(modelop, files)
    async with modelop.open_snapshot(made.id) as snapshot:
        source, data = snapshot.assets
        assert await modelop.read(source, limit=1000) == SOURCE
        assert [piece async for piece in modelop.stream(data)] == [DATA]
        with pytest.raises(TooLarge, match="MLC_CENTER_TEXT_LIMIT"):
            await modelop.read(data, limit=10)
    assert (source.primary, source.functions) == (True, {"score": "score", "train": "fit"})
    with pytest.raises(Refused, match="closed"):
        await modelop.read(data, limit=1000)
    with pytest.raises(Refused, match="not open"):
        await modelop.read((await modelop.get_snapshot(made.id)).assets[0], limit=1000)


async def test_a_job_goes_from_creation_to_its_artefacts(
    modelop: ModelOpCenter, files: list[NewFile], tmp_path: Path
) -> None:
    made = await a_snapshot(modelop, files)
    async with modelop.open_snapshot(made.id) as snapshot:
        new = NewJob("k", JobKind.TRAINING, "w", snapshot, snapshot.with_role("TEST_DATA"), [], None)
        job = await modelop.create_job(new)
    assert (job.kind, job.status, job.key, job.workflow_id) == (JobKind.TRAINING, JobStatus.CREATED, "k", "w")
    found = await modelop.find_job(made.id, "k")
    assert found is not None
    assert found.id == job.id
    await modelop.begin_job(job.id)
    (tmp_path / "weights.bin").write_bytes(b"w" * 10_000)
    began = datetime.now(UTC)
    ending = JobEnding(status=JobStatus.COMPLETE, messages=["done"], began=began, ended=began + timedelta(seconds=2))
    ended = await modelop.end_job(
        job.id, ending, [NewFile(Asset(name="weights.bin", role="WEIGHTS_FILE"), tmp_path / "weights.bin")]
    )
    assert (ended.status, ended.result_name, ended.messages) == (JobStatus.COMPLETE, "SUCCESS", ["done"])
    again = await modelop.end_job(job.id, JobEnding(status=JobStatus.ERROR))
    assert again.status is JobStatus.COMPLETE
    await modelop.cancel_job(job.id)
    async with modelop.open_job(job.id) as whole, modelop.open_snapshot(made.id) as snapshot:
        assert whole.snapshot is not None
        assert await modelop.read(whole.inputs[0], limit=1000) == DATA
        await modelop.replace_assets(snapshot, whole, whole.outputs)
        definition = tmp_path / "definition.json"
        await modelop.save_definition(whole, definition)
        assert '"jobStatus":"COMPLETE"' in definition.read_text().replace(": ", ":")
    async with modelop.open_snapshot(made.id) as snapshot:
        assert [asset.name for asset in snapshot.assets] == ["m.py", "test.csv", "weights.bin"]
        assert await modelop.read(snapshot.assets[2], limit=10_000) == b"w" * 10_000
        assert await modelop.read(snapshot.assets[0], limit=10_000) == SOURCE


async def test_results_verdicts_and_decisions_are_kept(modelop: ModelOpCenter, files: list[NewFile]) -> None:
    made = await a_snapshot(modelop, files)
    job_id = str(uuid.uuid4())
    record = TestResultRecord(
        id="", snapshot_id=made.id, job_id=job_id, values={"auc": 0.9}, provenance=Provenance(job_id=job_id)
    )
    kept = await modelop.keep_test_result(record)
    assert await modelop.keep_test_result(record.model_copy(update={"values": {}})) == kept
    verdict = Verdict(
        judged=True,
        passed=False,
        rules=[RuleOutcome(table="t", rule=1, passes=False, reason="r", category="c")],
        problems=["p"],
        warnings=["w"],
    )
    await modelop.record_verdict(kept.id, verdict)
    (read,) = await modelop.list_test_results(made.id)
    assert (read.verdict, read.purpose, read.values) == (verdict, Purpose.OWN, {"auc": 0.9})
    submission = Submission(workflow_id="w", run_id="r")
    await modelop.record_submission(made, submission)
    snapshot = await modelop.get_snapshot(made.id)
    assert (snapshot.submission, snapshot.custom) == (submission, {})
    decision = Decision(outcome=DecisionOutcome.APPROVED, ticket="X-1", url="u")
    await modelop.record_decision(
        snapshot, DecisionEntry(decision=decision, workflow_id="w", expiration_date=date(2030, 1, 1))
    )
    assert (await modelop.get_snapshot(made.id)).submission == submission


async def test_deployments_schedules_monitors_and_notifications(modelop: ModelOpCenter, files: list[NewFile]) -> None:
    made = await a_snapshot(modelop, files)
    runtime = await modelop.register_runtime(Runtime(name="r", stage="dev", endpoint="http://r/api", tags=["x"]))
    assert (runtime.mode, runtime.endpoint) == (DeploymentMode.ONLINE, "http://r/api")
    (listed,) = await modelop.list_runtimes()
    async with modelop.open_snapshot(made.id) as snapshot:
        online = await modelop.create_deployment(NewDeployment("k1", snapshot, "dev", listed))
        batch = await modelop.create_deployment(NewDeployment("k2", snapshot, "dev"))
    assert (online.state, batch.state) == (DeploymentState.DEPLOYING, DeploymentState.DEPLOYED)
    assert (online.runtime_id, batch.runtime_id, batch.stage) == (runtime.id, None, "dev")
    assert (await modelop.finish_loading(online.id, DeploymentState.FAILED, ["no"])).messages == ["no"]
    schedule = Schedule(
        id="s", name="n", cron="0 0 6 * * ?", signal="sig", variables={"MODEL_ID": made.id}, rest={"x": 1}
    )
    await modelop.set_schedules(batch.id, [schedule])
    assert (await modelop.get_deployment(batch.id)).schedules == [schedule]
    await modelop.end_deployment(batch.id)
    assert [d.id async for d in modelop.iter_deployments(state=DeploymentState.UNDEPLOYED)] == [batch.id]
    (model, *_) = await modelop.find_models("Stability Monitor: PSI/CSI", monitors=True)
    latest = await modelop.latest_snapshot(model.id)
    assert latest is not None
    async with modelop.open_snapshot(made.id) as snapshot, modelop.open_snapshot(latest.id) as monitor:
        await modelop.add_monitors(snapshot, [NewMonitor(monitor, snapshot.assets[1:], [], [schedule])])
    (carried,) = (await modelop.get_snapshot(made.id)).monitors
    assert (carried.name, carried.schedules, carried.assets[0].usage) == (model.name, [schedule], "INPUT_ASSET")
    note = await modelop.create_notification(Notification(key="k", message="m", snapshot_id=made.id))
    await modelop.close_notification(note.id, "closed")
    (closed,) = await modelop.list_notifications(snapshot_id=made.id)
    assert (closed.open, closed.message, closed.key) == (False, "closed", "k")


async def test_what_is_not_there_is_not_found(modelop: ModelOpCenter) -> None:
    for nothing in ("", ".", "..", "a/b", "a b", "é", "~zz", "x" * 300, str(uuid.uuid4())):
        with pytest.raises(NotFound):
            await modelop.get_snapshot(nothing)


async def test_a_job_may_name_its_runtime_and_files(modelop: ModelOpCenter, files: list[NewFile]) -> None:
    made = await a_snapshot(modelop, files)
    runtime = await modelop.register_runtime(Runtime(name="r"))
    kept = await modelop.keep_file(str(uuid.uuid4()), Asset(name="in.csv", format="CSV"), DATA)
    ref = RuntimeRef(id=runtime.id, name="r", mode=DeploymentMode.BATCH)
    outside = Asset(name="out.csv", kind=AssetKind.EXTERNAL, address="file:///x/out.csv")
    async with modelop.open_snapshot(made.id) as snapshot, modelop.open_file(kept) as file:
        job = await modelop.create_job(NewJob("k", JobKind.SCORING, "w", snapshot, [file], [outside], ref))
    assert (job.runtime_name, job.outputs[0].address, job.outputs[0].kind) == ("r", outside.address, AssetKind.EXTERNAL)
    async with modelop.open_job(job.id) as whole:
        assert await modelop.read(whole.inputs[0], limit=10_000) == DATA
