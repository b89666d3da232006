"""Decision records: what a question binds, what of it changed, and what a run leaves behind."""

import hashlib
import json
from datetime import date

import pytest
from backroom import ASSETS, GONE, RUN, Backroom, asset

from activities.bound_files import files_of, unjudged, untested
from activities.decisions import BindingRequest, Comparison, DecisionActivities, DecisionToKeep, EndingToKeep
from activities.snapshots import DecisionEvidence
from mlc.center.modelop import wire
from mlc.model.asset import Asset, AssetKind
from mlc.model.binding import Binding, BoundFile, bound_files, differences, digest, in_short
from mlc.model.decision import RecordEvent
from mlc.model.deployment import DeploymentMode, DeploymentRequest
from mlc.model.failure import NotFound
from mlc.model.policy import Policy
from mlc.model.processes import Outcome
from mlc.model.result import Provenance, TestResult, TestResultRecord
from mlc.model.snapshot import Model, Schema, Snapshot
from mlc.model.ticket import Answer, Decision, DecisionOutcome

DECISION = Decision(outcome=DecisionOutcome.APPROVED, by="ada", ticket="MLR-1", url="http://jira/MLR-1")
LABEL = "gov-" + "a" * 24


@pytest.fixture
def decisions(room: Backroom) -> DecisionActivities:
    return DecisionActivities(room.port, room.settings)


def request(snapshot_id: str, **more: object) -> BindingRequest:
    return BindingRequest(**({"snapshot_id": snapshot_id, "first_run_id": "r1", "policy": Policy()} | more))


async def bind(room: Backroom, decisions: DecisionActivities, snapshot_id: str, **more: object) -> Binding:
    bound = await room.run(decisions.bind_question, request(snapshot_id, **more))
    found: Binding = bound.binding
    return found


async def compared(room: Backroom, decisions: DecisionActivities, snapshot_id: str, binding: Binding) -> list[str]:
    asked = Comparison(snapshot_id=snapshot_id, first_run_id="r1", binding=binding)
    found: list[str] = (await room.run(decisions.compare_bound, asked)).changed
    return found


async def replace(room: Backroom, snapshot_id: str, *assets: wire.Asset) -> None:
    documents = [each.wire() for each in assets]
    await room.center.patch_snapshot(snapshot_id, {"storedModel": {"modelAssets": documents}})


async def test_a_question_binds_every_file_and_says_what_changed_by_name(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    binding = await bind(room, decisions, id_)
    assert (binding.count, binding.loose) == (len(ASSETS), 0)
    assert await compared(room, decisions, id_, binding) == []
    kept = [each for each in ASSETS if each.filename not in {"train.csv", "test.csv"}]
    await replace(room, id_, *kept, asset("test.csv", "TEST_DATA", "other"), asset("new.csv", "UNKNOWN"))
    changed = await compared(room, decisions, id_, binding)
    assert changed == ["new.csv is new", "test.csv changed", "train.csv is gone"]


async def test_binding_the_same_again_adds_nothing_and_another_run_adds_its_own(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    for _ in range(2):
        await bind(room, decisions, id_)
    await bind(room, decisions, id_, first_run_id="r2")
    await bind(room, decisions, id_, note="asked anew")
    records = await room.port.list_decisions(id_)
    assert [(r.first_run_id, r.note, r.workflow_id) for r in records] == [
        ("r1", "", RUN),
        ("r2", "", RUN),
        ("r1", "asked anew", RUN),
    ]


async def test_monitors_tags_and_metadata_may_change_after_the_approval(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    binding = await bind(room, decisions, id_)
    await room.center.patch_snapshot(id_, {"metaData": {"tags": ["x"], "custom": {"a": 1}}})
    added = wire.Association(association_assets=[asset("drift.dmn", "UNKNOWN")]).wire()
    await room.center.patch_snapshot(id_, {"associatedModels": [added]})
    assert await compared(room, decisions, id_, binding) == []


async def test_content_of_which_the_centre_tells_no_hash_is_read_and_hashed(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[asset("model.pkl", "WEIGHTS_FILE", b"weights")])
    snapshot = await room.port.get_snapshot(id_)
    hashed = await files_of(room.port, id_)
    bare = snapshot.model_copy(update={"assets": [a.model_copy(update={"sha256": None}) for a in snapshot.assets]})
    read = bound_files(bare, {0: hashlib.sha256(b"weights").hexdigest()})
    assert read == hashed[1]


async def test_a_snapshot_with_thousands_of_files_binds_them_all_in_a_small_payload(
    room: Backroom, decisions: DecisionActivities
) -> None:
    many = [asset(f"part-{number:04}-{'n' * 100}.csv", "UNKNOWN", str(number)) for number in range(2_000)]
    id_ = await room.snapshot(assets=many)
    binding = await bind(room, decisions, id_)
    assert binding.count == 2_000
    assert len(binding.model_dump_json()) < 512
    await replace(room, id_, *many[:1_900])
    changed = await compared(room, decisions, id_, binding)
    assert len(changed) == 9
    assert changed[-1] == "92 more changed"
    assert len(json.dumps(changed)) < 2_048


async def test_a_record_that_is_lost_leaves_the_comparison_as_strict_as_it_was(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    binding = Binding(digest="0" * 64)
    assert await compared(room, decisions, id_, binding) == ["a file of the snapshot changed; which one is not known"]


async def test_a_test_result_that_is_gone_or_changed_is_a_difference(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    kept = await room.port.keep_test_result(
        TestResultRecord(id="", snapshot_id=id_, job_id=GONE, values={"auc": 0.9, "n": {"a": 1, "b": 2}})
    )
    binding = await bind(room, decisions, id_, test_result=TestResult(id=kept.id, job_id=GONE))
    assert await compared(room, decisions, id_, binding) == []
    await room.center.patch_test_result(kept.id, {"testResults": {"auc": 0.95}})
    assert await compared(room, decisions, id_, binding) == ["the test result changed"]
    gone = binding.model_copy(update={"test_result_id": "5a31b3c6-f033-4948-b433-bae6656baa27"})
    assert await compared(room, decisions, id_, gone) == ["the test result is gone"]


async def test_nothing_is_bound_of_a_snapshot_or_a_result_that_is_not_there(
    room: Backroom, decisions: DecisionActivities
) -> None:
    evidence = DecisionEvidence(snapshot_id=GONE, decision=DECISION)
    for activity, asked in (
        (decisions.bind_question, request(GONE)),
        (decisions.compare_bound, Comparison(snapshot_id=GONE, first_run_id="r", binding=Binding(digest=""))),
        (decisions.keep_decision, DecisionToKeep(evidence=evidence, first_run_id="r", label=LABEL)),
    ):
        error = await room.failure(activity, asked)
        assert (error.type, error.non_retryable) == ("NoSuchSnapshot", True)
    missing = request(await room.snapshot(), test_result=TestResult(id=GONE))
    assert (await room.failure(decisions.bind_question, missing)).type == "Refused"


async def test_a_decision_is_kept_with_the_files_that_were_asked_about_and_not_with_later_ones(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    binding = await bind(room, decisions, id_, policy=Policy(ticketing="servicenow"))
    before = (await room.port.list_decisions(id_))[0].files
    await replace(room, id_, asset("model.py", "MODEL_SOURCE", "other"))
    evidence = DecisionEvidence(snapshot_id=id_, decision=DECISION, expiration_date=date(2030, 1, 31))
    for _ in range(2):
        kept = DecisionToKeep(evidence=evidence, first_run_id="r1", label=LABEL, bound=binding.digest)
        await room.run(decisions.keep_decision, kept)
    _, record = await room.port.list_decisions(id_)
    assert (record.event, record.decision, record.label) == (RecordEvent.DECIDED, DECISION, LABEL)
    assert record.files == before
    assert record.policy["ticketing"] == "servicenow"
    custom = (await room.center.get_snapshot(id_)).meta_data.custom["mlcDecision"]
    assert custom["assets"] == {file.name: file.sha256 for file in before}


async def test_an_ending_tells_where_the_model_was_deployed_and_how_its_tickets_were_answered(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    engine = await room.engine(online=True, name="small")
    ids = [await room.deploy(id_, engine=engine), await room.deploy(id_)]
    _, files = await files_of(room.port, id_)
    ending = EndingToKeep(
        snapshot_id=id_,
        first_run_id="r1",
        outcome=Outcome.DEPLOYED,
        deployments=[*ids, GONE],
        digest=digest(files),
        answers={LABEL: Answer.APPROVED},
    )
    for _ in range(2):
        await room.run(decisions.keep_ending, ending)
    (record,) = await room.port.list_decisions(id_)
    assert [(p.mode, p.runtime) for p in record.deployed] == [("online", "small"), ("batch", ""), ("unknown", "")]
    assert (record.files, record.answers) == (files, {LABEL: Answer.APPROVED})


async def test_no_secret_is_among_the_settings_that_are_kept(room: Backroom, decisions: DecisionActivities) -> None:
    id_ = await room.snapshot()
    await bind(room, decisions, id_)
    (record,) = await room.port.list_decisions(id_)
    assert set(record.policy) == set(Policy().model_dump(mode="json")) | {
        *("train_tag", "run_test_tag", "review_tag", "on_missing_metric", "on_no_match", "stage_aliases")
    }


async def test_a_deployment_of_what_was_not_approved_is_not_made(room: Backroom, decisions: DecisionActivities) -> None:
    id_ = await room.snapshot()
    binding = await bind(room, decisions, id_)
    asked = {"snapshot_id": id_, "mode": DeploymentMode.BATCH, "workflow_id": RUN, "expected": binding.digest}
    await replace(room, id_, asset("model.py", "MODEL_SOURCE", "other"))
    error = await room.failure(room.deployments.deploy, DeploymentRequest(key="k1", **asked))
    assert (error.type, error.non_retryable) == ("ChangedSinceApproval", True)
    assert await room.center.list_deployments(snapshot_id=id_) == []
    now = await bind(room, decisions, id_)
    made = await room.run(room.deployments.deploy, DeploymentRequest(key="k2", **(asked | {"expected": now.digest})))
    assert made.digest == now.digest


async def test_a_failed_look_at_the_decision_records_of_a_centre_without_them_says_what_to_set(
    room: Backroom, decisions: DecisionActivities
) -> None:
    id_ = await room.snapshot()
    settings = room.port.settings
    room.port.settings = settings.model_copy(update={"decision_records": "noSuchCollection"})
    room.port._manage._settings = room.port.settings
    try:
        error = await room.failure(decisions.bind_question, request(id_))
    finally:
        room.port.settings = room.port._manage._settings = settings
    assert error.type == "Refused"
    assert "Set MLC_CENTER_DECISION_RECORDS to its name, or to modelAssets." in str(error)


def snapshot_of(*assets: Asset, **schema: object) -> Snapshot:
    schemas = [Schema(name=name, definition={"fields": fields}) for name, fields in schema.items()]
    return Snapshot(id="s", model=Model(input_schemas=schemas), assets=list(assets))


FILE = Asset(name="a.pkl", role="WEIGHTS_FILE", sha256="aa", size=1)


@pytest.mark.parametrize(
    "other",
    [
        FILE.model_copy(update={"sha256": "bb"}),
        FILE.model_copy(update={"role": "UNKNOWN"}),
        FILE.model_copy(update={"functions": {"score": "other"}}),
        FILE.model_copy(update={"primary": True}),
        FILE.model_copy(update={"kind": AssetKind.EXTERNAL, "address": "s3://b/a.pkl"}),
    ],
    ids=["content", "role", "function", "primary", "address"],
)
def test_whatever_tells_one_file_from_another_is_bound(other: Asset) -> None:
    before, now = bound_files(snapshot_of(FILE), {}), bound_files(snapshot_of(other), {})
    assert digest(before) != digest(now)
    assert differences(before, now)


def test_the_order_of_files_says_nothing_and_two_of_one_name_are_two() -> None:
    other = FILE.model_copy(update={"sha256": "bb"})
    assert digest(bound_files(snapshot_of(FILE, other), {})) == digest(bound_files(snapshot_of(other, FILE), {}))
    both, one = bound_files(snapshot_of(FILE, other), {}), bound_files(snapshot_of(FILE), {})
    assert digest(both) != digest(one)
    assert differences(both, one) == ["a.pkl changed"]


def test_a_schema_is_bound_like_a_file() -> None:
    before, now = (bound_files(snapshot_of(inputs=fields), {}) for fields in ([1], [2]))
    assert differences(before, now) == ["input schema inputs changed"]


@pytest.mark.parametrize("stated", ["aa", None])
def test_a_file_at_an_address_is_never_bound_by_its_content(stated: str | None) -> None:
    away = Asset(name="big.csv", kind=AssetKind.EXTERNAL, address="s3://b/big.csv", sha256=stated, size=7)
    (file,) = bound_files(snapshot_of(away), {})
    assert (file.by_content, file.address, file.size) == (False, "s3://b/big.csv", 7)
    (moved,) = bound_files(snapshot_of(away.model_copy(update={"size": 8})), {})
    assert digest([file]) != digest([moved])


def test_a_hostile_name_fits_into_a_history() -> None:
    files = [BoundFile(name="\x07" * 10_000 + str(number), role="UNKNOWN") for number in range(50)]
    assert len(json.dumps(in_short(differences(files, [])))) < 2_048


def test_what_was_tested_is_compared_by_the_hashes_that_were_noted() -> None:
    noted = Provenance(source={"model.py": "aa"}, artefacts={"a.pkl": "bb"}, inputs={"test.csv": "cc"})
    result = TestResultRecord(id="t", provenance=noted)
    now = snapshot_of(FILE, Asset(name="model.py", sha256="aa"), Asset(name="test.csv"))
    assert untested(now, result) == ["a.pkl"]


@pytest.mark.parametrize(
    ("there", "changed"),
    [
        ([("t.dmn", "aabb")], []),
        ([("t.dmn", "ccdd")], ["t.dmn"]),
        ([], ["t.dmn"]),
        ([("T.dmn", "aabb")], ["t.dmn"]),
        ([("t.dmn", "")], []),
        ([("t.dmn", "ccdd"), ("t.dmn", "aabb")], []),
        ([("t.dmn", "aabb"), ("new.dmn", "ee")], []),
    ],
    ids=["the same", "another", "gone", "another case", "nobody knows its hash", "there twice", "one more"],
)
def test_what_was_judged_is_compared_by_the_beginning_of_its_hash(
    there: list[tuple[str, str]], changed: list[str]
) -> None:
    files = [BoundFile(name=name, role="TEST_RESULT_COMPARATOR", sha256=sha) for name, sha in there]
    assert unjudged({"t.dmn": "aa"}, files) == changed
    assert unjudged({}, files) == []


async def test_what_is_deleted_is_not_found_rather_than_empty(room: Backroom) -> None:
    with pytest.raises(NotFound):
        await files_of(room.port, GONE)
    assert await room.port.list_decisions(GONE) == []
