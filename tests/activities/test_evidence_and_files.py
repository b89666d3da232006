"""What tickets show of the centre, and files that come with signals."""

import hashlib
from typing import Any

import pytest
from backroom import GONE, Backroom, asset, bare_model

from activities.evidence import gather, with_whole_verdict
from activities.files import store_files
from activities.model_card import model_card
from mlc.model.failure import Refused
from mlc.model.job import JobKind
from mlc.model.result import TestResult
from mlc.model.signal import EmbeddedFile
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import RuleOutcome, Verdict
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
