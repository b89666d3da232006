"""What is kept in the centre is written and read in one place: what was written is what is read."""

import json
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mlc.center.modelop import ids, wire
from mlc.center.modelop.assets import read_asset
from mlc.center.modelop.deployments import read_deployment, read_runtime
from mlc.center.modelop.jobs import ending_changes, read_job
from mlc.center.modelop.results import read_provenance, read_verdict, written_provenance, written_verdict
from mlc.center.modelop.schedules import read_schedule, written_schedule
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import (
    label,
    read_decision,
    read_model,
    read_submission,
    unlabelled,
    written_decision,
    written_model,
    written_submission,
)
from mlc.model.asset import AssetKind, AssetUse, RequiredAsset
from mlc.model.deployment import DeploymentState
from mlc.model.failure import NotFound
from mlc.model.job import JobEnding, JobKind, JobResult, JobStatus
from mlc.model.result import Provenance
from mlc.model.snapshot import DecisionEntry, Model, Repository, Schema, Submission
from mlc.model.ticket import Decision, DecisionOutcome
from mlc.model.verdict import RuleOutcome, Verdict

SETTINGS = CenterSettings()
UUID = "5a31b3c6-f033-4948-b433-bae6656baa26"


def examples(count: int) -> settings:
    """The same ones in every run."""
    return settings(max_examples=count, derandomize=True, database=None, deadline=None)


TEXT = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)


@examples(300)
@given(st.text(min_size=1, max_size=60))
def test_every_id_has_one_text_that_is_safe_everywhere(centre_id: str) -> None:
    text = ids.encode(centre_id)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", text)
    assert text not in {".", ".."}
    assert ids.decode(text) == centre_id


@examples(300)
@given(st.text(alphabet="ab.~0279EFef-/ é", max_size=12))
def test_every_text_is_of_one_id_or_of_none(text: str) -> None:
    try:
        centre_id = ids.decode(text)
    except NotFound:
        return
    assert ids.encode(centre_id) == text


def test_a_uuid_stays_as_it_is() -> None:
    assert ids.encode(UUID) == UUID
    assert ids.path("jobs", ids.decode(UUID)) == f"jobs/{UUID}"


@pytest.mark.parametrize("text", ["", ".", "..", "~", "~4", "~41", "~2e", "~FF", "a/b", "a b", "é", "a\n"])
def test_what_can_be_no_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        ids.decode(text)


@pytest.mark.parametrize("centre_id", ["", ".", "..", "x" * 201, "\ud800"])
def test_an_id_that_would_lead_elsewhere_has_no_address(centre_id: str) -> None:
    with pytest.raises(NotFound):
        ids.path("jobs", centre_id)


def test_an_id_can_not_leave_its_collection() -> None:
    assert ids.path("jobs", "../engines?x=1#y") == "jobs/..%2Fengines%3Fx%3D1%23y"


SCHEDULE = st.fixed_dictionaries(
    {},
    optional={
        "scheduleId": st.none() | TEXT,
        "cronExpression": st.none() | TEXT,
        "timeZone": st.none() | TEXT,
        "metaData": st.none() | st.fixed_dictionaries({}, optional={"name": TEXT, "tags": st.just(["t"]), "x": JSON}),
        "action": st.none()
        | st.fixed_dictionaries({}, optional={"signalName": JSON, "signalVariables": JSON, "more": JSON}),
        "enabled": JSON,
    },
)


@examples(400)
@given(SCHEDULE)
def test_a_schedule_loses_nothing(document: dict[str, Any]) -> None:
    came = wire.Schedule.model_validate(document)
    assert written_schedule(read_schedule(came, SETTINGS), SETTINGS) == came.wire()


def test_a_schedule_is_read_and_what_else_it_holds_is_kept() -> None:
    document = {
        "scheduleId": "s",
        "cronExpression": "0 0 6 * * ?",
        "timeZone": "Europe/Berlin",
        "metaData": {"name": "weekly", "tags": ["x"]},
        "action": {"signalName": "sig", "signalVariables": {"A": 1}, "b": 2},
        "enabled": True,
    }
    schedule = read_schedule(wire.Schedule.model_validate(document), SETTINGS)
    assert (schedule.id, schedule.name, schedule.cron) == ("s", "weekly", "0 0 6 * * ?")
    assert (schedule.time_zone, schedule.signal, schedule.variables) == ("Europe/Berlin", "sig", {"A": 1})
    assert schedule.rest == {"metaData": {"tags": ["x"]}, "action": {"b": 2}, "enabled": True}


RULES = st.builds(
    RuleOutcome,
    table=TEXT,
    rule=st.integers(0, 99),
    passes=st.none() | st.booleans(),
    reason=TEXT,
    category=TEXT,
)


@examples(300)
@given(st.lists(RULES, max_size=4), st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3), st.booleans())
def test_a_verdict_is_read_as_it_was_written(
    rules: list[RuleOutcome], problems: list[str], warnings: list[str], strict: bool
) -> None:
    passed = not problems and not any(rule.passes is False for rule in rules) and not strict
    verdict = Verdict(judged=True, passed=passed, rules=rules, problems=problems, warnings=warnings)
    written = json.loads(json.dumps(written_verdict(verdict)))
    assert read_verdict(written["dmnRuleResults"], written["mlcVerdict"]) == verdict
    if not strict and not warnings and (rules or problems):  # a centre that drops our field still has the outcomes
        assert read_verdict(written["dmnRuleResults"]) == verdict


def test_the_outcomes_of_earlier_releases_are_read() -> None:
    rule = {"testCategory": "c", "table": "t", "rule": 2, "passes": True, "reason": "r", "category": "c"}
    problem = {"testCategory": "", "passes": False, "reason": "auc is missing"}
    verdict = read_verdict([rule, problem])
    assert verdict == Verdict(
        judged=True,
        passed=False,
        rules=[RuleOutcome(table="t", rule=2, passes=True, reason="r", category="c")],
        problems=["auc is missing"],
    )


@pytest.mark.parametrize(
    ("outcomes", "passed"),
    [
        ([{"testCategory": "Performance", "passes": True, "reason": "ModelOp's own"}], True),
        ([{"testCategory": "Performance", "passes": False, "reason": "ModelOp's own"}], False),
        ([{"mlcKind": "rule", "table": "t", "rule": "no number", "passes": True}], False),
        ([{"mlcKind": "something of tomorrow", "passes": True, "reason": "?"}], False),
        ([{"mlcKind": "rule", "table": "t", "rule": 1, "passes": {"x": 1}}], False),
    ],
)
def test_what_is_not_understood_is_never_a_yes(outcomes: list[dict[str, Any]], passed: bool) -> None:
    verdict = read_verdict(outcomes, {"passed": True})
    assert verdict is not None
    assert verdict.passed is passed


def test_what_was_not_judged_has_no_verdict() -> None:
    assert read_verdict([]) is None
    assert read_verdict([], "text") is None


@examples(200)
@given(TEXT, OBJECT, st.none() | TEXT, OBJECT, st.dictionaries(TEXT, TEXT, max_size=3), st.lists(TEXT, max_size=3))
def test_provenance_is_read_as_it_was_written(
    job_id: str,
    parameters: dict[str, Any],
    runtime: str | None,
    versions: dict[str, Any],
    hashes: dict[str, str],
    read: list[str],
) -> None:
    provenance = Provenance(
        job_id=job_id,
        parameters=parameters,
        runtime=runtime,
        versions=versions or None,
        source=hashes,
        inputs=hashes,
        artefacts=hashes,
        read=read,
        choice=job_id,
    )
    document = json.loads(json.dumps(written_provenance(provenance)))
    assert read_provenance(document) == provenance
    assert set(document) == {
        *("jobId", "jobParameters", "runtime", "versions", "source", "inputs", "artefacts"),
        *("inputNames", "inputChoice"),
    }


@examples(100)
@given(OBJECT)
def test_provenance_of_somebody_else_is_no_error(document: dict[str, Any]) -> None:
    mixed = {**document, "jobId": 5, "inputs": [1], "versions": "x", "source": {"a": None}}
    assert read_provenance(mixed).inputs == {}
    assert read_provenance({"inputNames": "x", "inputChoice": 5}) == Provenance()


ENTRY = DecisionEntry(
    decision=Decision(outcome=DecisionOutcome.APPROVED, ticket="MLR-1", url="u"),
    verdict=Verdict(judged=True, passed=True),
    test_result_id="r",
    job_id="j",
    assets={"a": "b"},
    workflow_id="w",
    expiration_date=date(2030, 1, 2),
)


@pytest.mark.parametrize("entry", [ENTRY, ENTRY.model_copy(update={"verdict": None, "expiration_date": None})])
def test_a_decision_is_read_as_it_was_written(entry: DecisionEntry) -> None:
    mark = json.loads(json.dumps(written_decision(entry)))
    assert set(mark) == {"decision", "verdict", "testResultId", "jobId", "assets", "workflowId"}
    until = entry.expiration_date.isoformat() if entry.expiration_date else None
    assert read_decision(mark, until) == entry


@pytest.mark.parametrize("mark", [None, "x", {}, [], {"decision": {}}, {"decision": 5, "workflowId": 1}])
def test_a_mark_of_somebody_else_is_no_decision_but_says_that_the_snapshot_was_taken_up(mark: Any) -> None:
    assert read_decision(mark) is None
    assert read_submission(mark) == (Submission(workflow_id="", run_id="") if mark else None)


@examples(50)
@given(TEXT, TEXT)
def test_a_submission_is_read_as_it_was_written(workflow_id: str, run_id: str) -> None:
    submission = Submission(workflow_id=workflow_id, run_id=run_id)
    mark = json.loads(json.dumps(written_submission(submission)))
    assert read_submission(mark) == submission
    assert set(mark) == {"workflowId", "runId"}


@examples(200)
@given(st.from_regex(r"[a-z]+([A-Z][a-z]+){0,3}", fullmatch=True))
def test_a_label_tells_its_field(name: str) -> None:
    assert unlabelled(label(name)) == name


def test_a_model_is_read_as_it_was_registered() -> None:
    model = Model(
        name="m",
        description="d",
        type="PYTHON",
        methodology="Regression",
        risk="High",
        stage="prod",
        use="u",
        organization="o",
        tags=["t"],
        custom={"owner": "me", "defaultAssociationRole": "PERFORMANCE_MODEL"},
        is_monitor=True,
        repository=Repository(url="https://x/y.git", branch="main", commit="abc"),
        input_schemas=[Schema(name="in.avsc", definition={"type": "record"})],
        output_schemas=[Schema(name="out.avsc", definition={"type": "record"})],
        required_roles=["COMPARATOR_DATA", "BASELINE_DATA", "COMPARATOR_DATA", "TEST_DATA"],
        required_assets=[
            RequiredAsset(role="COMPARATOR_DATA", name="2024.csv", use=AssetUse.INPUT),
            RequiredAsset(role="TEST_DATA", name="notes.csv", use=AssetUse.ADDITIONAL),
        ],
        association_role="PERFORMANCE_MODEL",
        details={"Model category": "MODEL_MONITORING_MODEL", "Roi": {"x": 1}, "Enable input schema checking": True},
    )
    assert read_model(wire.StoredModel.model_validate(written_model(model).wire())) == model


@pytest.mark.parametrize(
    ("asset", "names"),
    [
        ({"assetRole": "TEST_DATA", "usage": "INPUT_ASSET"}, []),
        ({"assetRole": "TEST_DATA", "name": "TEST_DATA"}, []),
        ({"assetRole": "TEST_DATA", "name": r".+\.csv"}, []),
        ({"assetRole": "TEST_DATA", "name": r".+\.csv", "filename": "a.csv"}, ["a.csv"]),
        ({"assetRole": "TEST_DATA", "name": "a.csv"}, ["a.csv"]),
        ({"assetRole": "TEST_DATA", "filename": 5}, []),
        ({"filename": None}, []),
    ],
)
def test_a_required_asset_names_a_file_or_only_a_role(asset: dict[str, Any], names: list[str]) -> None:
    model = read_model(wire.StoredModel(required_assets=[asset]))
    assert [required.name for required in model.required_assets] == names


@pytest.mark.parametrize("results", [[], [""], ["SUCCESS", "FAILURE"]])
def test_a_job_can_succeed_and_its_failure_is_never_a_success(results: list[str]) -> None:
    with pytest.raises(ValidationError, match="MLC_CENTER_SUCCESSFUL_RESULTS"):
        CenterSettings(successful_results=results)


def test_results_that_count_are_written_as_the_first_of_them_and_read_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_CENTER_SUCCESSFUL_RESULTS", '["", "FINE", "SUCCESS"]')
    settings = CenterSettings(failure_result="BAD")
    for ending, word in (
        (JobEnding(status=JobStatus.COMPLETE), "FINE"),
        (JobEnding(status=JobStatus.COMPLETE, result=JobResult.FAILURE), "BAD"),
        (JobEnding(status=JobStatus.ERROR), "BAD"),
    ):
        assert ending_changes(ending, settings)["jobResult"] == word
    read = [
        read_job(wire.Job(id="j", job_result=word), settings).result for word in ("SUCCESS", None, "BAD", "UNKNOWN")
    ]
    assert read == [JobResult.SUCCESS, JobResult.SUCCESS, JobResult.FAILURE, JobResult.UNKNOWN]


def test_words_that_are_not_known_are_unknown_and_never_a_yes() -> None:
    job = read_job(wire.Job(id="j", job_type="ODD", job_status="SUSPENDED", job_result="UNKNOWN"), SETTINGS)
    assert (job.kind, job.type_name, job.status, job.result, job.result_name) == (
        JobKind.UNKNOWN,
        "ODD",
        JobStatus.UNKNOWN,
        JobResult.UNKNOWN,
        "SUSPENDED",
    )
    assert not job.status.terminal
    for state in ("PAUSED", "", None, 5, ["DEPLOYED"], "deployed"):
        deployment = read_deployment(wire.DeployedModel(id="d", state=state), SETTINGS)
        assert deployment.state is DeploymentState.UNKNOWN
    asset = read_asset(wire.Asset(name="t", asset_type="STREAM", asset_role="ODD"), SETTINGS)
    assert (asset.kind, asset.type_name, asset.role) == (AssetKind.UNKNOWN, "STREAM", "ODD")


@pytest.mark.parametrize(
    "engine", [{"id": 5}, "text", [], {"id": "e", "name": None}, {"lastActivity": {"type": "HEARTBEAT"}}]
)
def test_a_runtime_that_is_not_understood_is_no_batch_deployment(engine: Any) -> None:
    other = CenterSettings(runtime_field="runsOn")
    deployment = read_deployment(wire.DeployedModel(id="d", runsOn=engine), other)
    assert deployment.runtime_id is not None


@pytest.mark.parametrize("date", [None, "", "soon", "2026-03-01T00:00:00", 5])
def test_a_heartbeat_without_a_time_is_none(date: Any) -> None:
    engine = wire.Engine(name="r", lastActivity={"type": "HEARTBEAT", "date": date})
    assert read_runtime(engine, CenterSettings()).heartbeat is None


def test_the_centres_clock_counts_where_it_says_when_it_heard_of_a_runtime() -> None:
    heartbeat = {"type": "HEARTBEAT", "date": "2020-01-01T00:00:00Z"}
    engine = wire.Engine(name="r", lastActivity=heartbeat, lastModifiedDate="2026-03-01T00:00:00Z")
    assert read_runtime(engine, CenterSettings()).heartbeat == datetime(2026, 3, 1, tzinfo=UTC)
    job = wire.Engine(name="r", lastActivity={"type": "JOB", "date": "2020-01-01T00:00:00Z"})
    assert read_runtime(job, CenterSettings()).heartbeat is None
