"""What came along with a snapshot, and things that are made once although a call is made again: on standalone mode."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from backroom import ASSETS, Backroom, asset, backroom, metrics

from activities.decisions import DecisionActivities, EndingToKeep
from activities.deployments import Deployments
from activities.notifications import Notice
from activities.precedence import Claim
from activities.snapshots import Submission
from activities.surveys import Found, Sought
from activities.verdicts import JudgeRequest
from mlc.center import Beside
from mlc.center.modelop import wire
from mlc.model.decision import DeployedPlace
from mlc.model.deployment import DeploymentMode, DeploymentRequest
from mlc.model.file import InputFile
from mlc.model.job import Job, JobFiles, JobKind, JobRequest
from mlc.model.monitor_plan import CLASSIFICATION
from mlc.model.processes import Outcome
from mlc.model.result import Purpose

BATCH = "batch"


@pytest.fixture(scope="module")
async def _ours(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backroom]:
    folder: Path = tmp_path_factory.mktemp("centre")
    async with backroom(folder, standalone=True, contents="reference") as opened:
        for name in CLASSIFICATION:
            model = await opened.model(name=name, model_category="MODEL_MONITORING_MODEL", assets=[])
            await opened.snapshot(model=model)
        yield opened


@pytest.fixture
def ours(_ours: Backroom) -> Backroom:
    return Backroom(_ours.port, _ours.http)


async def batch(room: Backroom) -> None:
    await room.engine(name="batch", platform={"python": "3.12"})


async def test_a_snapshot_names_its_monitors_and_copies_nothing_of_them(ours: Backroom) -> None:
    """The centre has them by their ids; what a snapshot holds goes with each of its deployments and jobs."""
    id_ = await ours.snapshot()
    await ours.run(ours.monitors.add_missing_monitors, id_)
    document = (await ours.center.get_snapshot(id_)).wire()
    for association in document["associatedModels"]:
        whole = (await ours.center.get_snapshot(association["associatedModel"]["id"])).wire()
        stored = whole["storedModel"]
        named = {field: stored["modelMetaData"][field] for field in ("name", "modelCategory")}
        assert association["associatedModel"] == {
            "id": whole["id"],
            "metaData": {"name": whole["metaData"]["name"]},
            "storedModel": {"id": stored["id"], "modelMetaData": named},
        }
    assert [m.name for m in (await ours.port.get_snapshot(id_)).monitors] == list(CLASSIFICATION)


async def test_runtimes_and_what_is_there_are_seen_in_one_look(ours: Backroom) -> None:
    await batch(ours)
    model = await ours.model()
    older, newer = [await ours.snapshot(model=model) for _ in range(2)]
    there = await ours.deploy(newer)
    found = await ours.run(ours.surveys.find_places, Sought(snapshot_id=older))
    assert isinstance(found, Found)
    assert [runtime.name for runtime in found.runtimes] == ["batch"]
    assert [other.id for other in found.survey.newer] == [there]
    given_up = await ours.run(ours.surveys.find_places, Sought(snapshot_id=older, yielded=[BATCH]))
    assert given_up.survey.newer == []


async def test_a_snapshot_that_no_runtime_suits_belongs_nowhere(ours: Backroom) -> None:
    await batch(ours)
    nowhere = await ours.snapshot(model_stage="Moon")
    error = await ours.failure(ours.surveys.find_places, Sought(snapshot_id=nowhere))
    assert (error.type, error.non_retryable) == ("NoMatchingRuntime", True)


async def test_what_came_along_is_what_there_is_by_itself_and_no_part_of_the_snapshot(ours: Backroom) -> None:
    await batch(ours)
    id_ = await ours.snapshot()
    deployed = await ours.deploy(id_)
    async with ours.port.open_surroundings(id_, *Beside) as around:
        assert [d.id for d in await around.deployments()] == [deployed]
        assert await around.deployments() == await ours.port.list_deployments(model_id=around.snapshot.model.id)
        assert await around.runtimes() == await ours.port.list_runtimes()
        assert set(await around.monitors(CLASSIFICATION)) == set(CLASSIFICATION)
        assert await around.monitors(["no such monitor"]) == {}
        await ours.port.add_monitors(around.snapshot, [])
    assert "_embedded" not in (await ours.center.get_snapshot(id_)).wire()


async def test_of_more_deployments_than_come_along_all_are_seen(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    for _ in range(101):
        await ours.center.create_deployment(wire.DeployedModel(deployable_model=wire.DeployableModel(id=id_)))
    async with ours.port.open_surroundings(id_, Beside.DEPLOYMENTS) as around:
        assert len(await around.deployments()) == 101


async def test_an_unknown_wish_is_refused_and_names_what_there_is(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    url = f"http://centre/model-manage/api/deployableModels/{id_}"
    bearer = {"Authorization": "Bearer t"}
    for asked in ({"mlcWith": "secrets"}, {"mlcWith": "monitors", "mlcMonitors": "{}"}):
        answer = await ours.http.get(url, params=asked, headers=bearer)
        assert answer.status_code == 400
        assert "mlc" in answer.json()["message"]


async def test_what_is_called_again_after_its_worker_died_is_done_once(ours: Backroom) -> None:
    """Of a call within a workflow's worker nothing is known if that dies: it is made again from the beginning."""
    await batch(ours)
    id_ = await ours.snapshot()
    decisions = DecisionActivities(ours.port, ours.settings)
    submission = Submission(snapshot_id=id_, first_run_id="run")
    places = DeploymentRequest(snapshot_id=id_, mode=DeploymentMode.BATCH, key="dep-1", workflow_id="w")
    made = set()
    for _ in range(2):
        await ours.run(ours.snapshots.submit_snapshot, submission)
        await ours.run(ours.monitors.add_missing_monitors, id_)
        made.add((await ours.run(ours.deployments.deploy, places)).id)
    (deployed,) = made
    claim = Claim(snapshot_id=id_, deployments={BATCH: deployed})
    place = DeployedPlace(id=deployed, mode=DeploymentMode.BATCH)
    ending = EndingToKeep(
        snapshot_id=id_, first_run_id="run", outcome=Outcome.DEPLOYED, deployments=[deployed], places=[place]
    )
    model_id = (await ours.port.get_snapshot(id_)).model.id
    notice = Notice(snapshot_id=id_, key="run-deployed", message="It was deployed.")
    for _ in range(2):
        copied = Deployments(snapshot_id=id_, ids=[deployed], model_id=model_id)
        assert await ours.run(ours.schedules.copy_schedules, copied) == 0
        assert (await ours.run(ours.precedence.take_over, claim)).overtaken == {}
        await ours.run(decisions.keep_ending, ending)
        await ours.run(ours.notifications.notify, notice)
    assert len((await ours.port.get_snapshot(id_)).monitors) == len(CLASSIFICATION)
    assert len(await ours.port.list_deployments(snapshot_id=id_)) == 1
    assert [record.deployed for record in await ours.port.list_decisions(id_)] == [[place]]
    assert len(await ours.port.list_notifications(snapshot_id=id_)) == 1


async def test_a_job_and_its_result_are_made_once_without_a_look_before(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    request = JobRequest(snapshot_id=id_, kind=JobKind.METRICS, key="job-1", workflow_id="w")
    first, again = [await ours.run(ours.jobs.create_job, request) for _ in range(2)]
    assert first.id == again.id
    await ours.end_job(first.id, metrics(auc=0.9))
    results = [await ours.run(ours.jobs.finish_back_test, first) for _ in range(2)]
    assert results[0] == results[1]
    assert len(await ours.port.list_test_results(id_)) == 1


async def test_a_job_on_given_files_carries_the_snapshot_that_its_id_names(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    file = InputFile(url="file:///lake/in.csv")
    request = JobRequest(
        snapshot_id=id_, kind=JobKind.SCORING, key="job-2", workflow_id="w", files=JobFiles(inputs=[file])
    )
    job = await ours.run(ours.jobs.create_job, request)
    carried = await ours.center.get_job(job.id)
    assert carried.model is not None
    assert carried.model.stored_model == (await ours.center.get_snapshot(id_)).stored_model


async def test_a_large_result_is_read_as_well(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    ours.jobs.text_limit = 1024 * 1024
    request = JobRequest(snapshot_id=id_, kind=JobKind.METRICS, key="job-3", workflow_id="w")
    job = await ours.run(ours.jobs.create_job, request)
    await ours.end_job(job.id, asset("test_result.json", "UNKNOWN", '{"auc": 0.5, "told": "' + "x" * 200_000 + '"}'))
    assert (await ours.run(ours.jobs.finish_back_test, job)).metrics == {"auc": 0.5}


async def test_files_that_changed_since_are_not_taken_for_those_of_a_digest(ours: Backroom) -> None:
    """What a process keeps in mind of files it keeps by a digest over all that it keeps."""
    await batch(ours)
    id_ = await ours.snapshot()
    request = DeploymentRequest(snapshot_id=id_, mode=DeploymentMode.BATCH, key="dep-2", workflow_id="w")
    first = await ours.run(ours.deployments.deploy, request)
    changed = [asset("model.py", "MODEL_SOURCE", "another").wire()]
    await ours.center.patch_snapshot(id_, {"storedModel": {"modelAssets": changed}})
    second = await ours.run(ours.deployments.deploy, request.model_copy(update={"key": "dep-3"}))
    assert first.digest != second.digest
    decisions = DecisionActivities(ours.port, ours.settings)
    for made in (first, second):
        ours.at(datetime.now(UTC))
        ending = EndingToKeep(
            snapshot_id=id_, first_run_id="run", outcome=Outcome.DEPLOYED, deployments=[made.id], digest=made.digest
        )
        await ours.run(decisions.keep_ending, ending)
    before, after = await ours.port.list_decisions(id_)
    assert len(before.files) > len(after.files) == 1


async def back_tested(room: Backroom, snapshot_id: str, key: str, **values: float) -> Job:
    """The job of a back test, which has ended with these values."""
    request = JobRequest(snapshot_id=snapshot_id, kind=JobKind.METRICS, key=key, workflow_id="w")
    job: Job = await room.run(room.jobs.create_job, request)
    await room.end_job(job.id, metrics(**values))
    return job


async def test_a_back_test_is_judged_as_soon_as_its_result_is_kept_and_again_as_before(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    job = await back_tested(ours, id_, "job-4", auc=0.5)
    first, again = [await ours.run(ours.verdicts.judge_back_test, job) for _ in range(2)]
    assert first == again
    assert (first.verdict.passed, [rule.reason for rule in first.verdict.rules]) == (False, ["AUC under 0.9"])
    (kept,) = await ours.port.list_test_results(id_)
    assert (kept.purpose, kept.id, kept.values) == (Purpose.BACK_TEST, first.test_result.id, {"auc": 0.5})
    assert kept.verdict is not None
    assert (kept.verdict.passed, kept.verdict.judged_at) == (False, kept.created)
    by_itself = await ours.run(ours.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=first.test_result))
    assert by_itself == first


async def test_a_table_that_came_while_the_job_ran_judges_its_result(ours: Backroom) -> None:
    id_ = await ours.snapshot(assets=[each for each in ASSETS if each.asset_role != "TEST_RESULT_COMPARATOR"])
    job = await back_tested(ours, id_, "job-5", auc=0.5)
    await ours.center.patch_snapshot(id_, {"storedModel": {"modelAssets": [each.wire() for each in ASSETS]}})
    judged = await ours.run(ours.verdicts.judge_back_test, job)
    assert (judged.verdict.judged, judged.verdict.passed) == (True, False)


async def test_the_result_of_a_snapshot_that_is_gone_is_kept_and_judged_by_nothing(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    job = await back_tested(ours, id_, "job-6", auc=0.95)
    url = f"http://centre/model-manage/api/deployableModels/{id_}"
    (await ours.http.delete(url, headers={"Authorization": "Bearer t"})).raise_for_status()
    error = await ours.failure(ours.verdicts.judge_back_test, job)
    assert (error.type, error.non_retryable) == ("Refused", True)
    (kept,) = await ours.port.list_test_results(id_)
    assert kept.verdict is None


async def test_a_wish_that_is_not_understood_makes_nothing(ours: Backroom) -> None:
    id_ = await ours.snapshot()
    url = "http://centre/model-manage/api/modelTestResults"
    result = {"deployableModelId": id_, "testResults": {}}
    bearer = {"Authorization": "Bearer t"}
    answer = await ours.http.post(url, params={"mlcWith": "secrets"}, json=result, headers=bearer)
    assert answer.status_code == 400
    assert await ours.port.list_test_results(id_) == []
