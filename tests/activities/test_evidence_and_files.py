"""What tickets show of the centre, and files that come with signals."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from backroom import GONE, Backroom, asset, bare_model

from activities.evidence import failed_before, gather, with_whole_verdict
from activities.files import store_files
from activities.model_card import model_card
from mlc.model.failure import Refused
from mlc.model.job import JobKind
from mlc.model.result import Purpose, TestResult, TestResultRecord
from mlc.model.signal import EmbeddedFile
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import EarlierVerdict, RuleOutcome, TableFindings, Verdict
from mlc.ticketing.content.changes import changes
from mlc.ticketing.content.differences import Since
from mlc.ticketing.content.evidence import Evidence, ResultFact


def question(snapshot_id: str, **more: Any) -> TicketQuestion:
    fields = {"kind": TicketKind.REVIEW, "step": "review", "workflow_id": "w", "run_id": "r"}
    return TicketQuestion(snapshot_id=snapshot_id, **(fields | more))


async def gathered(room: Backroom, asked: TicketQuestion) -> Evidence:
    async def activity() -> Evidence:
        return await gather(room.port, asked)

    evidence: Evidence = await room.environment.run(activity)
    return evidence


async def test_what_cant_be_read_is_left_out(room: Backroom) -> None:
    asked = question(GONE, test_result=TestResult(id=GONE), job_id=GONE)
    assert (await gathered(room, asked)).model_dump(exclude_defaults=True) == {}
    known = await gathered(room, question(await room.snapshot(), test_result=TestResult(id=GONE), job_id=GONE))
    assert known.snapshot is not None
    assert (known.previous, known.previous_known, known.result, known.job) == (None, True, None, None)


async def test_a_job_is_told_in_the_centres_words(room: Backroom) -> None:
    id_ = await room.snapshot()
    from test_jobs import made

    job = await made(room, JobKind.METRICS, id_)
    counts = {"records": {"read": 4, "written": 2, "bad": 2, "unanswered": 0}}
    await room.end_job(job.id, status="ERROR", jobMessages=["KeyError"], runtimeInfo=counts)
    found = (await gathered(room, question(id_, job_id=job.id))).job
    assert found is not None
    facts = dict(found.facts)
    assert (facts["Type"], facts["Status"], facts["Inputs"]) == ("MODEL_BATCH_TEST_JOB", "ERROR", "test.csv")
    assert (facts["Result"], facts["Records"]) == (
        "FAILURE",
        "2 of 4 records were lost (2 bad); 2 were written",
    )
    assert found.messages == "KeyError"


WHOLE = Verdict(judged=True, passed=False, rules=[RuleOutcome(table="t", rule=n) for n in range(50)], warnings=["w"])


@pytest.mark.parametrize(
    ("short", "kept", "shown"),
    {
        "whole": (Verdict(judged=True, passed=False), WHOLE, WHOLE),
        "not kept": (Verdict(judged=True, passed=False), None, Verdict(judged=True, passed=False)),
        "another": (Verdict(judged=True, passed=True), WHOLE, Verdict(judged=True, passed=True)),
        "no verdict": (None, WHOLE, None),
    }.values(),
)
def test_a_ticket_shows_the_whole_verdict_unless_it_is_another_one(
    short: Verdict | None, kept: Verdict | None, shown: Verdict | None
) -> None:
    evidence = Evidence(result=ResultFact(id="r", values={}, verdict=kept))
    assert with_whole_verdict(question("s", verdict=short), evidence).verdict == shown


@pytest.mark.parametrize(("kept", "shown"), [(None, "the history's"), ("the centre's", "the centre's")])
def test_what_was_found_in_tables_is_the_historys_where_the_centre_dropped_it(kept: str | None, shown: str) -> None:
    short = Verdict(judged=True, passed=True, findings=TableFindings(hints=1, said=["the history's"]))
    whole = Verdict(judged=True, passed=True, findings=TableFindings(hints=1, said=[kept]) if kept else None)
    evidence = Evidence(result=ResultFact(id="r", values={}, verdict=whole))
    verdict = with_whole_verdict(question("s", verdict=short), evidence).verdict
    assert verdict is not None
    assert verdict.findings is not None
    assert verdict.findings.said == [shown]


def test_no_result_changes_no_question() -> None:
    asked = question("s", verdict=WHOLE)
    assert with_whole_verdict(asked, Evidence()) == asked


async def test_a_card_of_a_snapshot_tells_everything_and_hides_our_own_notes(room: Backroom) -> None:
    schema = {"name": "in.avsc", "schemaDefinition": '{"type": "record", "fields": [{"name": "age", "type": "int"}]}'}
    id_ = await room.snapshot(
        "vip",
        model_risk="high",
        custom={"Owner": "ada"},
        input_schema=[schema, {"name": "broken", "schemaDefinition": "{"}],
        repository_info={"repositoryRemote": "https://git/x", "lastCommitId": "abc"},
        valueProposition="saves time",
    )
    await room.center.patch_snapshot(id_, {"metaData": {"custom": {"mlcDeployModel": {"workflowId": "w"}, "more": 1}}})
    card = model_card(await room.port.get_snapshot(id_))
    assert (card.risk, card.git_repository, card.git_commit) == ("high", "https://git/x", "abc")
    assert card.metadata["Tags"] == "vip"
    assert (card.metadata["Owner (custom)"], card.metadata["more"]) == ("ada", "1")
    assert not [name for name in card.metadata if name.startswith("mlc")]
    assert [(s.name, [f.path for f in s.fields]) for s in card.schemas] == [("in.avsc", ["age"]), ("broken", [])]
    assert card.details["Value proposition"] == "saves time"
    assert card.details["Model category"] == "BUSINESS_MODEL"


async def test_secrets_in_custom_metadata_are_on_no_card_and_another_one_is_a_change_all_the_same(
    room: Backroom,
) -> None:
    async def card_of(secret: str, **more: Any) -> Any:
        id_ = await room.snapshot(custom={"Api-Key": secret, "db": {"password": secret}, **more})
        return model_card(await room.port.get_snapshot(id_))

    first, same, other = [await card_of(secret) for secret in ("s3cr3t", "s3cr3t", "0ther")]
    for card in (first, other):
        assert card.metadata["Api-Key"] == card.metadata["db.password"] == "(hidden: by its name it is a secret)"
        assert "s3cr3t" not in card.model_dump_json()
        assert hashlib.sha256(b"s3cr3t").hexdigest() not in card.model_dump_json()
    found = [change for change in changes(first, other) if change.what in {"Api-Key", "db.password"}]
    assert [(change.how, change.now) for change in found] == [
        ("changed", "(hidden: by its name it is a secret), another value")
    ] * 2
    assert not [change for change in changes(first, same) if change.what in {"Api-Key", "db.password"}]


async def test_a_bare_snapshot_has_a_card_too(room: Backroom) -> None:
    id_ = await room.snapshot(model=bare_model())
    card = model_card(await room.port.get_snapshot(id_))
    assert (card.model_name, card.risk, card.owner, card.assets) == ("bare", "", "standalone", [])


async def test_a_file_is_kept_once_for_a_place_and_content_and_another_content_takes_no_place(room: Backroom) -> None:
    one, two = [EmbeddedFile("a.csv", "CSV", content) for content in (b"a\n1\n", b"a\n2\n")]
    first, again = [await store_files(room.port, "run", [one, one]) for _ in range(2)]
    assert first == again
    assert (
        len({*first, *await store_files(room.port, "run", [two]), *await store_files(room.port, "other", [one])}) == 4
    )
    kept = await room.center.get_asset(first[0])
    assert (kept.filename, kept.file_format, kept.content()) == ("a.csv", "CSV", b"a\n1\n")


async def test_a_file_without_a_name_or_content_is_kept_as_well(room: Backroom) -> None:
    (id_,) = await store_files(room.port, "run", [EmbeddedFile("", "CSV", b"")])
    async with room.port.open_file(id_) as kept:
        assert kept.name
        assert await room.port.read(kept, limit=10) == b""


async def test_a_text_is_read_up_to_its_limit_and_no_further(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[asset("a.py", "MODEL_SOURCE", "x" * 100)])
    async with room.port.open_snapshot(id_) as snapshot:
        content = await room.port.read(snapshot.assets[0], limit=100)
        assert hashlib.sha256(content).hexdigest() == snapshot.assets[0].sha256
        with pytest.raises(Refused):
            await room.port.read(snapshot.assets[0], limit=99)


def table(limit: float) -> str:
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="D" namespace="n">'
        '<decision id="t" name="T"><decisionTable hitPolicy="COLLECT"><input label="auc"><inputExpression>'
        '<text>auc</text></inputExpression></input><output name="passes"/><rule><inputEntry>'
        f"<text>&lt; {limit}</text></inputEntry><outputEntry><text>false</text></outputEntry></rule>"
        "</decisionTable></decision></definitions>"
    )


def deciding(limit: float, code: bytes | str, schema: dict[str, Any], data: bytes = b"x") -> list[Any]:
    return [
        asset("t.dmn", "TEST_RESULT_COMPARATOR", table(limit)),
        asset("model.py", "MODEL_SOURCE", code),
        asset("in.avsc", "MODEL_SCHEMA", json.dumps(schema)),
        asset("test.csv", "TEST_DATA", data),
    ]


AGE = {"type": "record", "name": "r", "fields": [{"name": "age", "type": "int"}]}
AGE_AND_SEX = {
    **AGE,
    "fields": [{"name": "age", "type": "double", "driftCandidate": True}, {"name": "sex", "type": "int"}],
}


async def since(room: Backroom, before: list[Any], now: list[Any], **earlier: Any) -> Since:
    """What is told of a snapshot whose test job was made before its files were replaced."""
    from test_jobs import made

    id_ = await room.snapshot(assets=before)
    job = await made(room, JobKind.METRICS, id_)
    await room.center.patch_snapshot(id_, {"storedModel": {"modelAssets": [each.wire() for each in now]}})
    verdict = EarlierVerdict(**({"job_id": job.id} | earlier))
    found = (await gathered(room, question(id_, earlier=verdict))).since
    assert found is not None
    return found


async def test_what_changed_since_a_test_is_told_from_the_copy_that_its_job_keeps(room: Backroom) -> None:
    found = await since(room, deciding(0.9, "a = 1\n", AGE), deciding(0.1, "a = 2", AGE_AND_SEX, data=b"y"))
    assert found.unknown == ""
    by_title = {file.title: file for file in found.files}
    assert by_title["t.dmn (decision table)"].lines[-2:] == [
        "-  if auc < 0.9: passes = false",
        "+  if auc < 0.1: passes = false",
    ]
    assert by_title["model.py (source)"].lines[1:] == ["-a = 1", "+a = 2", "+\\ No newline at end of file"]
    assert by_title["in.avsc (schema)"].lines[1:] == [
        "-age: int",
        "+age: double (driftCandidate true)",
        "+sex: int",
    ]
    assert "SHA-256 " in by_title["test.csv (TEST_DATA)"].note


async def test_files_that_cant_be_read_as_texts_are_told_by_size_and_hash(room: Backroom) -> None:
    huge = b"x = 1\n" * (room.port.text_limit // 6 + 1)
    found = await since(room, deciding(0.9, b"\x80\x04binary\0", AGE), deciding(0.9, huge, AGE))
    (file,) = found.files
    assert (file.title, file.how, file.lines) == ("model.py (source)", "changed", [])
    assert f"Now: {len(huge)} bytes, SHA-256 " in file.note


async def test_a_table_that_is_no_table_is_compared_as_the_text_that_it_is(room: Backroom) -> None:
    before, now = deciding(0.9, "a\n", AGE), deciding(0.9, "a\n", AGE)
    before[0] = asset("t.dmn", "TEST_RESULT_COMPARATOR", "<definitions>\n")
    now[0] = asset("t.dmn", "TEST_RESULT_COMPARATOR", "<!DOCTYPE x>\n")
    (file,) = (await since(room, before, now)).files
    assert file.lines == ["@@ -1 +1 @@", "-<definitions>", "+<!DOCTYPE x>"]


async def test_nothing_changed_is_told_as_nothing(room: Backroom) -> None:
    same = deciding(0.9, "a\n", AGE)
    assert await since(room, same, same) == Since()


@pytest.mark.parametrize(
    ("job_id", "why"),
    [(None, "no test job keeps a copy of what was judged then"), (GONE, f"the job {GONE} could not be read")],
)
async def test_without_the_jobs_copy_the_hashes_tell_what_changed(room: Backroom, job_id: str | None, why: str) -> None:
    before = deciding(0.9, "a\n", AGE)
    judged = {"t.dmn": "0" * 16, "gone.py": "1" * 16, "model.py": hashlib.sha256(b"a\n").hexdigest()[:16]}
    found = await since(room, before, before, job_id=job_id, assets=judged)
    assert found.unknown == why
    assert [(file.title, file.how) for file in found.files] == [("t.dmn", "changed"), ("gone.py", "removed")]


async def test_a_copy_that_is_not_what_was_judged_is_not_shown_as_if_it_were(room: Backroom) -> None:
    same = deciding(0.9, "a\n", AGE)
    (file,) = (await since(room, same, same, assets={"t.dmn": "0" * 16})).files
    assert (file.title, file.how) == ("t.dmn", "not comparable")
    assert "It was judged in another version than the one that the test's job keeps" in file.note


def test_of_earlier_results_the_last_own_one_that_did_not_pass_is_told_and_how_many_there_were() -> None:
    def result(id_: str, verdict: Verdict | None, **more: Any) -> TestResultRecord:
        return TestResultRecord(id=id_, job_id=f"job-{id_}", verdict=verdict, **more)

    rules = [RuleOutcome(table="t.dmn", rule=n, passes=False, reason="low") for n in range(1, 6)]
    bad, good = Verdict(judged=True, passed=False, rules=rules), Verdict(judged=True, passed=True)
    results = [
        result("now", bad),
        result("monitor's", bad, purpose=Purpose.MONITOR),
        result("fine", good),
        result("unjudged", None),
        result("not judged", Verdict(judged=False, passed=True)),
        result("last", bad),
        result("first", bad),
    ]
    found = failed_before(results, TestResult(id="now"))
    assert found is not None
    assert (found.job_id, found.times, found.in_this_run) == ("job-last", 2, False)
    assert found.rules == [*(f"low (t.dmn, rule {n})" for n in (1, 2, 3)), "and 2 more"]
    assert failed_before(results[:5], TestResult(id="now")) is None
    assert failed_before([], None) is None


async def test_a_ticket_does_not_wait_for_what_it_can_do_without(
    room: Backroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.evidence.LONGEST_LOOK", 0.05)
    monkeypatch.setattr(room.port, "open_surroundings", lambda *_, **__: _Never())
    monkeypatch.setattr(room.port, "open_job", lambda _: _Never())
    known = await gathered(room, question(await room.snapshot(), earlier=EarlierVerdict(job_id=GONE)))
    assert known.snapshot is not None
    assert (known.monitors, known.since) == (None, Since(unknown="the model centre could not be read"))


class _Never:
    async def __aenter__(self) -> None:
        await asyncio.Event().wait()

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""


async def test_of_a_snapshot_that_is_gone_nothing_is_told_to_have_changed(room: Backroom) -> None:
    found = (await gathered(room, question(GONE, earlier=EarlierVerdict(job_id=GONE)))).since
    assert found == Since(unknown="the model centre could not be read")
