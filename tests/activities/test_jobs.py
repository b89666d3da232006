"""Jobs: made once, waited for, and what becomes of their ends."""

import base64
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backroom import ASSETS, GONE, LIMIT, Backroom, asset, metrics

from mlc.center.modelop import wire
from mlc.model.file import InputFile, OutputFile
from mlc.model.job import Job, JobFiles, JobKind, JobRequest, OnLostRecords, RecordCounts


def request(snapshot_id: str, kind: JobKind = JobKind.METRICS, **more: Any) -> JobRequest:
    return JobRequest(
        **({"snapshot_id": snapshot_id, "kind": kind, "key": uuid.uuid4().hex, "workflow_id": "w"} | more)
    )


async def made(room: Backroom, kind: JobKind = JobKind.METRICS, snapshot_id: str = "") -> Job:
    given = {"files": JobFiles(inputs=[InputFile(url="file:///lake/in.csv")])} if kind is JobKind.SCORING else {}
    return await room.run(room.jobs.create_job, request(snapshot_id or await room.snapshot(), kind, **given))


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


FINISHES = ("finish_training", "finish_test", "finish_back_test", "finish_scoring", "judge_back_test")


def finishing(room: Backroom, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(room.jobs, name, None) or getattr(room.verdicts, name)
    return found


@pytest.mark.parametrize(
    ("result", "says"),
    {
        "failure": ("FAILURE", "with the result 'FAILURE'. KeyError: 'y'"),
        "unknown": ("UNKNOWN", "with the result 'UNKNOWN', which does not count"),
        "misspelt": ("SUCESS", "with the result 'SUCESS', which"),
        "in other letters": ("success", "with the result 'success', which"),
        "empty": ("", "without a result, which does not count as a success (MLC_CENTER_SUCCESSFUL_RESULTS)"),
        "none": (None, "without a result, which"),
        "huge": ("x" * 10_000, "with the result 'xxx"),
    }.values(),
)
@pytest.mark.parametrize("finish", FINISHES)
async def test_a_complete_job_is_a_success_only_if_its_result_says_so(
    room: Backroom, finish: str, result: str | None, says: str
) -> None:
    job = await made(room)
    await room.end_job(job.id, metrics(auc=1), jobResult=result, jobMessages=["began", "KeyError: 'y'"])
    error = await room.failure(finishing(room, finish), job)
    assert (error.type, error.non_retryable) == ("JobFailed", True)
    assert f"ended as COMPLETE, {'' if result == 'FAILURE' else 'but '}{says}" in error.message
    assert "KeyError: 'y'" in error.message
    assert len(error.message) < 1_500
    assert await room.center.list_test_results(job.snapshot_id) == []


@pytest.mark.parametrize("finish", FINISHES)
async def test_which_results_count_is_a_setting_and_none_may_be_one(
    room: Backroom, monkeypatch: pytest.MonkeyPatch, finish: str
) -> None:
    monkeypatch.setattr(room.jobs.center.settings, "successful_results", ["SUCCESS", "FINE", ""])
    for result in ("SUCCESS", "FINE", "", None):
        job = await made(room)
        await room.end_job(job.id, metrics(auc=1), jobResult=result)
        await room.run(finishing(room, finish), job)
    job = await made(room)
    await room.end_job(job.id, metrics(auc=1), status="ERROR")
    assert (await room.failure(finishing(room, finish), job)).type == "JobFailed"


def counted(read: Any, written: Any, bad: Any = 0, unanswered: Any = 0, **more: Any) -> dict[str, Any]:
    return {"records": {"read": read, "written": written, "bad": bad, "unanswered": unanswered, **more}}


LINES = ["Record 2 of in.csv is bad: KeyError: 'a' (line 3).", "Record 4 of in.csv: the model answered nothing to it."]


@pytest.mark.parametrize("result", ["SUCCESS", "FAILURE"])
async def test_a_scoring_job_that_lost_records_has_failed_and_says_how_many_and_why(
    room: Backroom, result: str
) -> None:
    job = await made(room, JobKind.SCORING)
    await room.end_job(job.id, jobResult=result, runtimeInfo=counted(4, 2, 1, 1, examples=LINES))
    error = await room.failure(room.jobs.finish_scoring, job)
    assert (error.type, error.non_retryable) == ("JobFailed", True)
    assert "lost records: 2 of 4 records were lost (1 bad, 1 without an answer); 2 were written. Rec" in error.message
    assert all(line in error.message for line in LINES)


@pytest.mark.parametrize("result", ["SUCCESS", "FAILURE"])
async def test_where_the_settings_allow_it_a_job_that_counts_what_it_lost_is_let_through_with_a_warning(
    room: Backroom, result: str
) -> None:
    job = (await made(room, JobKind.SCORING)).model_copy(update={"on_lost_records": OnLostRecords.WARN})
    await room.end_job(job.id, jobResult=result, runtimeInfo=counted(4, 3, 1, 0, examples=LINES[:1]))
    for _ in range(2):
        scored = await room.run(room.jobs.finish_scoring, job)
        assert scored.warnings == [f"1 of 4 records were lost (1 bad); 3 were written. {LINES[0]}"]
        assert scored.records == RecordCounts(read=4, written=3, bad=1, unanswered=0)


@pytest.mark.parametrize(
    ("kind", "changes"),
    {
        "nobody counted": (JobKind.SCORING, {"jobResult": "FAILURE"}),
        "nothing was lost": (JobKind.SCORING, {"jobResult": "FAILURE", "runtimeInfo": counted(4, 4)}),
        "all was lost": (JobKind.SCORING, {"jobResult": "FAILURE", "runtimeInfo": counted(4, 0, 4)}),
        "another result": (JobKind.SCORING, {"jobResult": "UNKNOWN", "runtimeInfo": counted(4, 3, 1)}),
        "no result": (JobKind.SCORING, {"jobResult": None, "runtimeInfo": counted(4, 3, 1)}),
        "an error": (JobKind.SCORING, {"status": "ERROR", "runtimeInfo": counted(4, 3, 1)}),
        "cancelled": (JobKind.SCORING, {"status": "CANCELLED", "runtimeInfo": counted(4, 3, 1)}),
        "totals from a log": (JobKind.SCORING, {"jobResult": "FAILURE", "jobMessages": ["Records in/out: 4/3"]}),
        "no scoring job": (JobKind.METRICS, {"jobResult": "FAILURE", "runtimeInfo": counted(4, 3, 1)}),
    }.values(),
)
async def test_a_failure_that_lost_records_dont_explain_stays_one(
    room: Backroom, kind: JobKind, changes: dict[str, Any]
) -> None:
    job = (await made(room, kind)).model_copy(update={"on_lost_records": OnLostRecords.WARN})
    await room.end_job(job.id, **changes)
    assert (await room.failure(room.jobs.finish_scoring, job)).type == "JobFailed"


async def test_lost_records_are_seen_in_the_log_of_a_runtime_that_counts_nothing_else(room: Backroom) -> None:
    """ModelOp's own. What a model prints comes before its last line."""
    job = await made(room, JobKind.SCORING)
    await room.end_job(job.id, jobMessages=["Records in/out: 4/4", "batch job complete", "Records in/out: 4/3", "bye"])
    assert "1 of 4 records were lost; 3 were written." in (await room.failure(room.jobs.finish_scoring, job)).message
    warned = job.model_copy(update={"on_lost_records": OnLostRecords.WARN})
    scored = await room.run(room.jobs.finish_scoring, warned)
    assert scored.warnings == ["1 of 4 records were lost; 3 were written."]
    job = await made(room)
    await room.end_job(job.id, metrics(auc=1), jobMessages=["Records in/out: 4/1"])  # a metrics job makes one of all
    assert (await room.run(room.jobs.finish_test, job)).metrics == {"auc": 1}


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"records": "4"},
        counted("4", "4"),
        counted(-4, 4),
        counted(4, 4, True),
        counted(4.0, 4),
        counted(10**30, 10**30),
        counted(4, 3),
        counted(4, 4, 5),
        counted(4, 0, 2, 3),
    ],
)
async def test_counts_that_cant_be_true_are_not_known_and_the_result_says_so(room: Backroom, told: Any) -> None:
    job = await made(room, JobKind.SCORING)
    await room.end_job(job.id, runtimeInfo=told)
    scored = await room.run(room.jobs.finish_scoring, job)
    assert scored.records is None
    assert "How many records were read and written is not known" in scored.warnings[0]
    job = (await made(room, JobKind.SCORING)).model_copy(update={"on_lost_records": OnLostRecords.WARN})
    await room.end_job(job.id, runtimeInfo=told, jobResult="FAILURE")
    assert (await room.failure(room.jobs.finish_scoring, job)).type == "JobFailed"


async def test_a_record_may_make_several_and_none_to_score_is_said(room: Backroom) -> None:
    silent = "3 records were read, and the model answered none of them."
    for told, warnings in (
        (counted(2, 5), []),
        (counted(0, 0), ["There was no record to score in the input."]),
        ({"records": counted(3, 1)["records"] | {"paired": False}}, []),
        ({"records": counted(3, 0)["records"] | {"paired": False}}, [silent]),
    ):
        job = await made(room, JobKind.SCORING)
        await room.end_job(job.id, runtimeInfo=told)
        assert (await room.run(room.jobs.finish_scoring, job)).warnings == warnings


async def test_of_a_failed_job_the_reason_is_told_and_not_the_end_of_its_log(room: Backroom) -> None:
    log = ["Traceback (most recent call last):", '  File "m.py", line 3, in m', "ValueError: two columns are missing:"]
    log += [*(f" - column {n}" for n in range(200)), "batch job complete"]
    job = await made(room)
    await room.end_job(job.id, status="ERROR", jobMessages=log)
    message = (await room.failure(room.jobs.finish_test, job)).message
    assert "ended as ERROR. ValueError: two columns are missing:\n - column 0" in message
    assert message.endswith("batch job complete")


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
