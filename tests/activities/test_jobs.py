"""Jobs: made once, waited for, and what becomes of their ends."""

import base64
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backroom import ASSETS, GONE, LIMIT, Backroom, asset, metrics

from mlc.center.modelop import wire
from mlc.model.file import InputFile, OutputFile
from mlc.model.job import Job, JobFiles, JobKind, JobRequest


def request(snapshot_id: str, kind: JobKind = JobKind.METRICS, **more: Any) -> JobRequest:
    return JobRequest(
        **({"snapshot_id": snapshot_id, "kind": kind, "key": uuid.uuid4().hex, "workflow_id": "w"} | more)
    )


async def made(room: Backroom, kind: JobKind = JobKind.METRICS, snapshot_id: str = "") -> Job:
    return await room.run(room.jobs.create_job, request(snapshot_id or await room.snapshot(), kind))


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs"),
    [(JobKind.TRAINING, ["train.csv"], []), (JobKind.METRICS, ["test.csv"], ["test_result.json"])],
)
async def test_a_job_carries_the_snapshots_files_of_its_kind_with_their_contents(
    room: Backroom, kind: JobKind, inputs: list[str], outputs: list[str]
) -> None:
    id_ = await room.snapshot()
    asked = request(id_, kind)
    job = await room.run(room.jobs.create_job, asked)
    kept = await room.center.get_job(job.id)
    assert [a.filename for a in kept.input_data] == inputs
    assert [a.content() for a in kept.input_data] == [b"x"]
    assert [a.filename for a in kept.output_data] == outputs
    assert kept.job_parameters["mlcKey"] == asked.key
    assert kept.job_parameters["mlcWorkflowId"] == "w"
    assert kept.model is not None
    assert (kept.model.id, job.snapshot_id) == (id_, id_)


async def test_the_same_key_makes_no_second_job_and_finds_the_first(room: Backroom) -> None:
    asked = request(await room.snapshot())
    assert await room.run(room.jobs.find_job, asked) is None
    job = await room.run(room.jobs.create_job, asked)
    again, found = await room.run(room.jobs.create_job, asked), await room.run(room.jobs.find_job, asked)
    assert again.id == found.id == job.id


async def test_a_job_names_the_runtime_that_is_to_run_it(room: Backroom) -> None:
    engine = await room.engine()
    ref = {"id": engine.id, "name": engine.name, "mode": "batch"}
    job = await room.run(room.jobs.create_job, request(await room.snapshot(), runtime=ref))
    target = (await room.center.get_job(job.id)).target_engine
    assert target is not None
    assert (target.id, target.name) == (engine.id, engine.name)


@pytest.mark.parametrize(
    ("snapshot", "more", "failure", "says"),
    {
        "no snapshot": (None, {}, "NoSuchSnapshot", GONE),
        "no test data": (ASSETS[:2], {}, "MissingAsset", "no asset with the role TEST_DATA"),
        "no such file": (
            ASSETS,
            {"files": JobFiles(inputs=[InputFile(asset_id=GONE)])},
            "MissingAsset",
            f"no file with the id '{GONE}'",
        ),
        "input elsewhere": (
            ASSETS,
            {"files": JobFiles(inputs=[InputFile(url="file:///etc/passwd")])},
            "Refused",
            "MLC_FILE_ROOT",
        ),
        "output elsewhere": (
            ASSETS,
            {"files": JobFiles(outputs=[OutputFile(url="https://elsewhere/x.csv")])},
            "Refused",
            "MLC_FILE_HOSTS",
        ),
    }.values(),
)
async def test_what_a_job_needs_and_lacks_is_named(
    room: Backroom, snapshot: Any, more: dict[str, Any], failure: str, says: str
) -> None:
    id_ = GONE if snapshot is None else await room.snapshot(assets=snapshot)
    error = await room.failure(room.jobs.create_job, request(id_, **more))
    assert (error.type, error.non_retryable) == (failure, True)
    assert says in str(error)


async def test_files_that_are_given_are_taken_by_address_or_from_the_centre_and_named_once(room: Backroom) -> None:
    stored = await room.center.create_asset(asset("kept.csv", "UNKNOWN", "a,b\n"))
    files = JobFiles(
        inputs=[InputFile(asset_id=str(stored.id), file_format="CSV"), InputFile(url="file:///lake/more.csv")],
        outputs=[
            OutputFile(),
            OutputFile(file_format="CSV"),
            OutputFile(filename="own.json"),
            OutputFile(url="file:///lake/out.csv"),
        ],
    )
    job = await room.run(room.jobs.create_job, request(await room.snapshot(), JobKind.SCORING, files=files))
    kept = await room.center.get_job(job.id)
    assert [(a.filename, a.file_url) for a in kept.input_data] == [
        ("kept.csv", None),
        ("more.csv", "file:///lake/more.csv"),
    ]
    assert kept.input_data[0].content() == b"a,b\n"
    assert [a.filename for a in kept.output_data] == ["output.json", "output-2.csv", "own.json", "out.csv"]


async def test_a_job_that_runs_is_asked_for_again_and_one_that_is_late_is_cancelled(room: Backroom) -> None:
    job = await made(room)
    error = await room.failure(room.jobs.finish_test, job)
    assert (error.type, error.next_retry_delay) == ("NotFinished", room.settings.job_poll)
    room.at(datetime.now(UTC) + room.settings.job_deadline - timedelta(seconds=5))
    assert (await room.failure(room.jobs.finish_test, job)).type == "NotFinished"
    room.at(datetime.now(UTC) + room.settings.job_deadline + timedelta(seconds=5))
    error = await room.failure(room.jobs.finish_test, job)
    assert (error.type, error.non_retryable) == ("JobDeadline", True)
    assert (await room.center.get_job(job.id)).job_status == "CANCELLED"


@pytest.mark.parametrize("status", ["ERROR", "CANCELLED"])
async def test_a_job_that_did_not_complete_fails_with_its_last_words(room: Backroom, status: str) -> None:
    for finish in (room.jobs.finish_training, room.jobs.finish_test, room.jobs.finish_scoring):
        job = await made(room)
        await room.end_job(job.id, status=status, jobMessages=["began", "", "KeyError: 'y'"])
        error = await room.failure(finish, job)
        assert (error.type, error.non_retryable) == ("JobFailed", True)
        assert f"ended as {status}" in str(error)
        assert "KeyError: 'y'" in str(error)


async def test_a_status_that_nobody_knows_is_never_taken_for_an_end(room: Backroom) -> None:
    job = await made(room)
    await room.center.patch_job(job.id, {"jobStatus": "WAITING"})
    assert (await room.failure(room.jobs.finish_test, job)).type == "NotFinished"


async def test_a_job_that_is_gone_has_failed_and_needs_no_end(room: Backroom) -> None:
    job = Job(id=GONE, kind=JobKind.METRICS, snapshot_id=GONE)
    for finish in (room.jobs.finish_training, room.jobs.finish_test, room.jobs.finish_scoring):
        assert "no longer in the model centre" in str(await room.failure(finish, job))
    await room.run(room.jobs.cancel_job, GONE)


async def test_a_job_is_cancelled_and_one_that_has_ended_stays_as_it_is(room: Backroom) -> None:
    running, ended = await made(room), await made(room)
    await room.end_job(ended.id, metrics(auc=1))
    for job, status in ((running, "CANCELLED"), (ended, "COMPLETE")):
        for _ in range(2):
            await room.run(room.jobs.cancel_job, job.id)
        assert (await room.center.get_job(job.id)).job_status == status


async def test_the_artefacts_of_training_become_weights_and_everything_else_stays(room: Backroom) -> None:
    old = asset("model.bin", "WEIGHTS_FILE", "old")
    id_ = await room.snapshot(assets=[*ASSETS, old])
    before = (await room.center.get_snapshot(id_)).stored_model.model_assets
    job = await made(room, JobKind.TRAINING, id_)
    await room.end_job(job.id, asset("model.bin", "UNKNOWN", b"\x00\xff"), asset("schema.avsc", "MODEL_SCHEMA", "{}"))
    for _ in range(2):
        assert await room.run(room.jobs.finish_training, job) == ["model.bin", "schema.avsc"]
    after = (await room.center.get_snapshot(id_)).stored_model.model_assets
    assert [a.wire() for a in after[:-2]] == [a.wire() for a in before if a.filename != "model.bin"]
    assert [(a.filename, a.asset_role, a.content()) for a in after[-2:]] == [
        ("model.bin", "WEIGHTS_FILE", b"\x00\xff"),
        ("schema.avsc", "MODEL_SCHEMA", b"{}"),
    ]


@pytest.mark.parametrize(
    ("outputs", "says"),
    {
        "source": ([asset("MODEL.py", "UNKNOWN")], "the role MODEL_SOURCE"),
        "decision table": ([asset("thresholds.dmn", "UNKNOWN", "<all pass/>")], "the role TEST_RESULT_COMPARATOR"),
        "twice": ([asset("w.bin", "UNKNOWN", "1"), asset("W.bin", "UNKNOWN", "2")], "made 2 files named 'w.bin'"),
    }.values(),
)
async def test_training_replaces_nothing_but_weights(room: Backroom, outputs: list[wire.Asset], says: str) -> None:
    id_ = await room.snapshot()
    before = await room.center.get_snapshot(id_)
    job = await made(room, JobKind.TRAINING, id_)
    await room.end_job(job.id, *outputs)
    error = await room.failure(room.jobs.finish_training, job)
    assert error.type == "JobFailed"
    assert says in str(error)
    assert await room.center.get_snapshot(id_) == before


async def test_training_that_made_nothing_changes_nothing(room: Backroom) -> None:
    id_ = await room.snapshot()
    before = await room.center.get_snapshot(id_)
    job = await made(room, JobKind.TRAINING, id_)
    await room.end_job(job.id, asset("lost.bin", "UNKNOWN", None))
    assert await room.run(room.jobs.finish_training, job) == []
    assert await room.center.get_snapshot(id_) == before


async def test_of_many_artefacts_a_history_names_a_few(room: Backroom) -> None:
    job = await made(room, JobKind.TRAINING)
    await room.end_job(job.id, *(asset(f"{n}-{'x' * 300}.bin", "UNKNOWN") for n in range(12)))
    names = await room.run(room.jobs.finish_training, job)
    assert names[-1] == "2 more"
    assert max(map(len, names)) <= 100


async def test_a_result_is_kept_once_with_what_it_came_from(room: Backroom) -> None:
    job = await made(room)
    await room.end_job(job.id, metrics(auc=0.97, name="x", deep={"a": 1}), runtimeInfo={"python": "3.11"})
    results = [await room.run(room.jobs.finish_test, job) for _ in range(2)]
    assert results[0] == results[1]
    assert results[0].metrics == {"auc": 0.97}
    (kept,) = await room.center.list_test_results(job.snapshot_id)
    assert (kept.id, kept.job_id) == (results[0].id, job.id)
    assert kept.test_results == {"auc": 0.97, "name": "x", "deep": {"a": 1}}
    assert kept.provenance["versions"] == {"python": "3.11"}
    assert kept.provenance["inputs"].keys() == {"test.csv"}
    assert "purpose" not in kept.provenance


async def test_a_back_tests_result_says_so(room: Backroom) -> None:
    job = await made(room)
    await room.end_job(job.id, metrics(auc=0.97))
    await room.run(room.jobs.finish_back_test, job)
    (kept,) = await room.center.list_test_results(job.snapshot_id)
    assert kept.provenance["purpose"] == "backTest"


BROKEN = asset("test_result.json", "UNKNOWN", "{}").model_copy(update={"file_content": "!"})


@pytest.mark.parametrize(
    ("outputs", "says"),
    {
        "none": ([], "is empty"),
        "without content": ([asset("test_result.json", "UNKNOWN", None)], "is empty"),
        "empty": ([asset("test_result.json", "UNKNOWN", "")], "is empty"),
        "null": ([asset("test_result.json", "UNKNOWN", "null")], "is empty"),
        "a list": ([asset("test_result.json", "UNKNOWN", "[1, 2]")], "is a JSON list"),
        "objects that disagree": (
            [asset("test_result.json", "UNKNOWN", '{"auc": 1}\n{"auc": 2}')],
            "is a JSON list; the metrics function must yield one dict with the metrics as keys: two of its objects "
            "differ in 'auc'",
        ),
        "a broken line": ([asset("test_result.json", "UNKNOWN", '{"auc": 1}\n{"f1": ')], "is not JSON"),
        "text": ([asset("test_result.json", "UNKNOWN", "auc: 1")], "is not JSON"),
        "bytes": ([asset("test_result.json", "UNKNOWN", b"\xff\xfe")], "is not JSON"),
        "too deep": ([asset("test_result.json", "UNKNOWN", "[" * (LIMIT - 1))], "is not JSON"),
        "too large": (
            [asset("big.json", "UNKNOWN", '"' + "x" * LIMIT + '"')],
            "'big.json', is larger than 20000 bytes",
        ),
    }.values(),
)
async def test_a_result_that_cant_be_used_is_unreadable_and_none_is_kept(
    room: Backroom, outputs: list[wire.Asset], says: str
) -> None:
    job = await made(room)
    await room.end_job(job.id, *outputs)
    error = await room.failure(room.jobs.finish_test, job)
    assert (error.type, error.non_retryable) == ("ResultUnreadable", True)
    assert says in str(error)
    assert await room.center.list_test_results(job.snapshot_id) == []


@pytest.mark.parametrize("content", ['[{"auc": 1}, {"f1": 2}]', '{"auc": 1}\n{"f1": 2, "auc": 1}\n'])
async def test_several_objects_are_one_result(room: Backroom, content: str) -> None:
    job = await made(room)
    await room.end_job(job.id, asset("test_result.json", "UNKNOWN", content))
    assert (await room.run(room.jobs.finish_test, job)).metrics == {"auc": 1, "f1": 2}


async def test_a_result_of_just_the_size_is_read(room: Backroom) -> None:
    job = await made(room)
    await room.end_job(job.id, asset("test_result.json", "UNKNOWN", '{"auc": 1}'.ljust(LIMIT)))
    assert (await room.run(room.jobs.finish_test, job)).metrics == {"auc": 1}


async def test_what_a_scoring_job_wrote_is_named_without_signatures(room: Backroom) -> None:
    asked = request(
        await room.snapshot(), JobKind.SCORING, files=JobFiles(inputs=[InputFile(url="file:///lake/in.csv")])
    )
    job = await room.run(room.jobs.create_job, asked)
    far = wire.Asset(name="far", asset_type="EXTERNAL_FILE", file_url="https://bucket/far.csv?signature=secret")
    await room.end_job(job.id, far, *(asset(f"{n}.json", "UNKNOWN", "{}") for n in range(11)))
    scored = await room.run(room.jobs.finish_scoring, job)
    assert scored.outputs[:2] == ["https://bucket/far.csv", "0.json"]
    assert (len(scored.outputs), scored.output_count) == (10, 12)


def test_the_broken_content_of_these_tests_is_broken() -> None:
    with pytest.raises(ValueError, match=r"base64|padded|padding|multiple"):
        base64.b64decode(BROKEN.file_content or "", validate=True)
