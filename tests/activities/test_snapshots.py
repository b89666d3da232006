"""Snapshots: what is read of them, and what a run writes on them."""

from datetime import date

import pytest
from backroom import GONE, RUN, Backroom

from activities.snapshots import DecisionEvidence, Submission
from mlc.center.modelop import wire
from mlc.model.result import TestResult
from mlc.model.ticket import Decision, DecisionOutcome
from mlc.model.verdict import Verdict

DECISION = Decision(outcome=DecisionOutcome.APPROVED, by="ada", ticket="MLR-1", url="http://jira/MLR-1")


async def test_a_submitted_snapshot_says_which_run_took_it_up_and_keeps_what_else_it_had(room: Backroom) -> None:
    id_ = await room.snapshot("train")
    await room.center.patch_snapshot(id_, {"metaData": {"custom": {"owner": "ada"}}})
    submitted = await room.run(room.snapshots.submit_snapshot, Submission(snapshot_id=id_, first_run_id="r1"))
    assert (submitted.snapshot.id, submitted.snapshot.train, submitted.snapshot.run_test) == (id_, True, False)
    custom = (await room.center.get_snapshot(id_)).meta_data.custom
    assert custom == {"owner": "ada", "mlcDeployModel": {"workflowId": RUN, "runId": "r1"}}
    taken_up = (await room.port.get_snapshot(id_)).submission
    assert taken_up is not None
    assert (taken_up.workflow_id, taken_up.run_id) == (RUN, "r1")


async def test_a_snapshot_is_written_once_by_one_run_and_anew_by_another(room: Backroom) -> None:
    id_ = await room.snapshot()
    for run, writes in (("r1", True), ("r1", False), ("r2", True)):
        before = await room.center.get_snapshot(id_)
        await room.run(room.snapshots.submit_snapshot, Submission(snapshot_id=id_, first_run_id=run))
        assert ((await room.center.get_snapshot(id_)) != before) is writes


@pytest.mark.parametrize("id_", [GONE, "", "../engines", "a b", "x" * 500])
async def test_a_snapshot_that_is_not_there_is_no_snapshot_whatever_its_id(room: Backroom, id_: str) -> None:
    for activity, request in (
        (room.snapshots.submit_snapshot, Submission(snapshot_id=id_, first_run_id="r")),
        (room.snapshots.open_snapshot, id_),
        (room.snapshots.get_snapshot, id_),
        (room.snapshots.record_decision, DecisionEvidence(snapshot_id=id_, decision=DECISION)),
    ):
        error = await room.failure(activity, request)
        assert (error.type, error.non_retryable) == ("NoSuchSnapshot", True)


@pytest.mark.parametrize(
    ("flag", "is_set"),
    [(True, True), ("true", True), ("True", True), (False, False), ("no", False), (1, False), (None, False)],
)
async def test_a_control_tag_is_also_a_true_flag_in_the_custom_metadata(
    room: Backroom, flag: object, is_set: bool
) -> None:
    id_ = await room.snapshot()
    await room.center.patch_snapshot(id_, {"metaData": {"custom": {"run_test": flag, "servicenow": flag}}})
    summary = await room.run(room.snapshots.get_snapshot, id_)
    assert (summary.run_test, summary.review, summary.train) == (is_set, is_set, False)
    assert summary.ticketing == ("servicenow" if is_set else None)


async def test_a_snapshot_of_which_the_centre_says_nothing_is_read_all_the_same(room: Backroom) -> None:
    id_ = await room.snapshot(model_methodology=None, model_stage=None, description=None)
    summary = await room.run(room.snapshots.get_snapshot, id_)
    assert (summary.stage, summary.methodology, summary.review) == ("unassigned", "", False)


async def test_names_of_any_length_fit_into_a_history(room: Backroom) -> None:
    id_ = await room.snapshot(name="n" * 1900, model_methodology="m" * 5000, model_stage="s" * 5000)
    summary = await room.run(room.snapshots.get_snapshot, id_)
    assert len(summary.model_dump_json()) < 2048


async def test_opening_a_snapshot_or_the_policy_writes_nothing(room: Backroom) -> None:
    id_ = await room.snapshot()
    before = await room.center.get_snapshot(id_)
    opened = await room.run(room.snapshots.open_snapshot, id_)
    assert opened.policy == await room.run(room.snapshots.read_policy)
    assert opened.policy.ticket_systems == ["jira"]
    assert await room.center.get_snapshot(id_) == before


async def test_a_decision_is_kept_with_its_evidence_and_the_date(room: Backroom) -> None:
    id_ = await room.snapshot()
    record = DecisionEvidence(
        snapshot_id=id_,
        decision=DECISION,
        expiration_date=date(2030, 1, 31),
        test_result=TestResult(id="t1", job_id="j1"),
        verdict=Verdict(judged=True, passed=True),
    )
    for _ in range(2):
        await room.run(room.snapshots.record_decision, record)
    snapshot = await room.center.get_snapshot(id_)
    kept = snapshot.meta_data.custom["mlcDecision"]
    assert (kept["testResultId"], kept["jobId"], kept["workflowId"]) == ("t1", "j1", RUN)
    assert kept["decision"]["by"] == "ada"
    assert kept["verdict"]["passed"] is True
    hashes = {a.filename: a.content_hash.hex_string for a in snapshot.stored_model.model_assets if a.content_hash}
    assert kept["assets"] == hashes
    assert (snapshot.model_extra or {})["expirationDate"] == "2030-01-31"


async def test_a_rejection_has_no_date_and_leaves_none(room: Backroom) -> None:
    id_ = await room.snapshot()
    rejected = DECISION.model_copy(update={"outcome": DecisionOutcome.REJECTED})
    await room.run(room.snapshots.record_decision, DecisionEvidence(snapshot_id=id_, decision=rejected))
    snapshot = await room.center.get_snapshot(id_)
    assert "expirationDate" not in (snapshot.model_extra or {})
    assert snapshot.meta_data.custom["mlcDecision"].get("testResultId") is None


@pytest.mark.parametrize(
    ("mark", "taken"),
    [(None, False), ({}, False), ("", False), ("deploy-x", True), ({"runId": 1}, True), (True, True)],
    ids=str,
)
async def test_a_mark_that_cant_be_read_is_a_mark_all_the_same(room: Backroom, mark: object, taken: bool) -> None:
    id_ = await room.snapshot()
    await room.center.patch_snapshot(id_, {"metaData": {"custom": {"mlcDeployModel": mark}}})
    assert bool((await room.port.get_snapshot(id_)).submission) is taken


def typed(kind: str) -> dict[str, object]:
    return {"storedModel": {"modelMetaData": {"type": kind}}}


@pytest.mark.parametrize("kind", ["R", "PMML", "UNKNOWN", ""])
async def test_a_model_that_no_runtime_of_the_centre_runs_is_said_with_what_is_run(
    own_room: Backroom, kind: str
) -> None:
    await own_room.center.save_engine(wire.Engine(name="py", platform={"python": "3.13"}))
    await own_room.center.save_engine(wire.Engine(name="spark", platform={"pyspark": "3", "r": None}))
    id_ = await own_room.snapshot()
    await own_room.center.patch_snapshot(id_, typed(kind))
    submitted = await own_room.run(own_room.snapshots.submit_snapshot, Submission(snapshot_id=id_, first_run_id="r"))
    assert f"of the type {kind or 'nothing'}, which no runtime" in submitted.not_run
    assert "they run pyspark, python." in submitted.not_run


@pytest.mark.parametrize(
    ("kind", "platforms"),
    [
        ("R", [{"python": "3"}, {"r": "4"}]),
        ("R", [{}]),
        ("R", []),
        ("PYSPARK", [{"pyspark": "3"}]),
        ("PYTHON3", [{"r": "4"}]),
    ],
)
async def test_a_model_that_some_runtime_may_run_is_not_refused(
    own_room: Backroom, kind: str, platforms: list[dict[str, str]]
) -> None:
    for number, platform in enumerate(platforms):
        await own_room.center.save_engine(wire.Engine(name=f"e{number}", platform=platform))
    id_ = await own_room.snapshot()
    await own_room.center.patch_snapshot(id_, typed(kind))
    submitted = await own_room.run(own_room.snapshots.submit_snapshot, Submission(snapshot_id=id_, first_run_id="r"))
    assert submitted.not_run == ""


async def test_a_monitor_is_not_taken_up(room: Backroom) -> None:
    id_ = await room.snapshot()
    await room.center.patch_snapshot(
        id_, {"storedModel": {"modelMetaData": {"modelCategory": "MODEL_MONITORING_MODEL"}}}
    )
    error = await room.failure(room.snapshots.submit_snapshot, Submission(snapshot_id=id_, first_run_id="r"))
    assert (error.type, error.non_retryable) == ("NotDeployable", True)
    assert "is a monitor" in str(error)
    assert (await room.port.get_snapshot(id_)).submission is None
