"""However much there is to say: a ticket stays readable and within its system's limit, and nothing is lost."""

import json
import time
from typing import Any

import pytest

from mlc.model.result import TestResult
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import RuleOutcome, Verdict
from mlc.ticketing import Attachment, TicketRequest, Wording
from mlc.ticketing.content import plain
from mlc.ticketing.content.evidence import AssetFact, Evidence, JobFact, ModelCard, ResultFact
from mlc.ticketing.content.writer import ticket_request
from mlc.ticketing.jira import wiki

LABEL = "gov-0123456789abcdef01234567"
JIRAS_OWN_LIMIT = 32_767
ROOMY = Wording(yes="Done", no="Rejected", how="Move this ticket to one of these statuses:")
NARROW = ROOMY.model_copy(update={"ticket": "change request", "room": 4_000})
TRACEBACK = (
    "Traceback (most recent call last):\n" + '  File "model.py", line 31, in metrics\n' * 26_000 + "ValueError: end"
)


def assets(content: str) -> list[AssetFact]:
    return [AssetFact(name=f"part-{n}.csv", role="TRAINING_DATA", sha256=f"{content}{n:063x}") for n in range(500)]


def big() -> Evidence:
    """500 changed assets, 3,000 metrics, a traceback of a megabyte, a hundred metadata."""
    metadata = {f"custom {n}": "x" * n for n in range(1, 101)}
    snapshot = ModelCard(snapshot_id="s2", model_name="fraud", assets=assets("a"), metadata=metadata)
    return Evidence(
        snapshot=snapshot,
        previous=ModelCard(snapshot_id="s1", model_name="fraud", assets=assets("b")),
        result=ResultFact(id="t2", values={f"metric_{n}": n / 7 for n in range(3_000)}),
        before=ResultFact(id="t1", values={f"metric_{n}": n / 9 for n in range(2_999)} | {"vanished": 1}),
        job=JobFact(facts=[("Job", "j")], messages=TRACEBACK),
    )


def written(wording: Wording, evidence: Evidence, **question: object) -> TicketRequest:
    rules = [RuleOutcome(table="t.dmn", rule=n, passes=n != 90, reason=f"rule {n}") for n in range(100)]
    fields = {
        "kind": TicketKind.REJECTION,
        "label": LABEL,
        "step": "testing",
        "snapshot_id": "s2",
        "workflow_id": "deploy-s2",
        "run_id": "r",
        "test_result": TestResult(id="t2"),
        "verdict": Verdict(judged=True, passed=False, rules=rules, problems=["a problem"] * 40),
        "message": "It failed.",
    }
    return ticket_request(TicketQuestion.model_validate(fields | question), evidence=evidence, wording=wording)


def attached(request: TicketRequest, name: str) -> Attachment:
    return next(attachment for attachment in request.attachments if attachment.name.startswith(f"{name}-"))


def test_a_big_tickets_markup_fits_into_jira_with_its_key_and_all_sections() -> None:
    markup = wiki.render(written(ROOMY, big()).body)
    assert len(markup) < JIRAS_OWN_LIMIT
    assert LABEL in markup
    assert wiki.CUT_NOTE not in markup
    for heading in (
        "What is asked",
        "What the job said",
        "Verdict",
        "Model",
        "Test results",
        "Changes since",
        "For the",
    ):
        assert heading in markup


def test_where_a_description_holds_4000_characters_each_section_is_shorter_and_the_question_comes_first() -> None:
    request = written(NARROW, big())
    text = plain.render(request.body)
    assert text.startswith("What is asked")
    narrow, roomy = ({s.heading: s for s in written(w, big()).body} for w in (NARROW, ROOMY))
    assert narrow.keys() == roomy.keys()
    for heading, rows in (("Test results", 5), ("Changes since the last deployed snapshot", 8), ("Verdict", 5)):
        assert len(narrow[heading].table.rows) == rows  # type: ignore[union-attr]
    whole = attached(request, "ticket").content.decode()
    assert len(whole) > 2 * len(text)
    assert whole.startswith("What is asked")


def test_everyday_evidence_fits_into_4000_characters() -> None:
    now = ModelCard(snapshot_id="s2", model_name="fraud", owner="ada", stage="PROD", risk="high", git_commit="a" * 40)
    evidence = Evidence(
        snapshot=now,
        previous=now.model_copy(update={"snapshot_id": "s1", "git_commit": "b" * 40, "risk": "low"}),
        result=ResultFact(id="t2", values={f"metric_{n}": n / 7 for n in range(30)}),
        before=ResultFact(id="t1", values={f"metric_{n}": n / 9 for n in range(30)}),
    )
    assert len(plain.render(written(NARROW, evidence, verdict=None).body)) < 4_000


def test_all_of_a_traceback_is_attached_and_its_end_stands_on_the_ticket() -> None:
    request = written(ROOMY, big())
    assert attached(request, "job-messages").content.decode() == TRACEBACK
    shown = next(section for section in request.body if section.heading == "What the job said").paragraphs
    assert shown[0] == f"The end of it; all of it is attached as {attached(request, 'job-messages').name}:"
    assert shown[1].endswith("ValueError: end")
    assert len(shown[1]) < 4_100


def test_all_changes_metrics_and_metadata_are_attached_and_the_ticket_says_how_many_are_shown() -> None:
    request = written(ROOMY, big())
    changes = json.loads(attached(request, "changes").content)
    assert len(changes) == 600
    assert len(changes[0]["now"]) == len("SHA-256 ") + 64
    metrics = json.loads(attached(request, "metrics").content)
    assert len(metrics) == 3_001
    assert metrics[-1] == {"Metric": "vanished", "Before": "1", "Now": "-", "Difference": "no longer there"}
    assert len(json.loads(attached(request, "model").content)) == 102
    text = plain.render(request.body)
    assert "60 of 600 are shown; all of them, in full, are attached as changes-" in text
    assert "30 of 3001 metrics are shown; all of them are attached as metrics-" in text
    assert "Assets: 500 changed. Metadata: 100 added." in text
    assert "No longer there: vanished." in text


def test_of_many_rules_those_that_failed_come_first() -> None:
    request = written(NARROW, big())
    verdict = next(section for section in request.body if section.heading == "Verdict")
    assert verdict.table is not None
    assert verdict.table.rows[0] == ["t.dmn", "90", "no", "rule 90", ""]
    assert len(json.loads(attached(request, "verdict").content)["rules"]) == 100
    assert sum(text.startswith("Problem") for text in verdict.paragraphs) == 5


@pytest.mark.parametrize("wording", [ROOMY, NARROW])
def test_every_attachment_that_a_ticket_names_is_there_and_no_two_share_a_name(wording: Wording) -> None:
    request = written(wording, big(), message="what\n" * 2_000)
    text = plain.render(request.body)
    names = [attachment.name for attachment in request.attachments]
    assert len(set(names)) == len(names)
    assert all(name in text for name in names if not name.startswith("ticket-"))


def test_a_long_ticket_is_written_in_a_moment() -> None:
    began = time.process_time()
    wiki.render(written(ROOMY, big()).body)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("depth", [500, 2_000, 100_000])
def test_a_result_that_nests_very_deeply_is_no_reason_not_to_write_a_ticket(depth: int) -> None:
    values: dict[str, Any] = {"auc": 0.9}
    for _ in range(depth):
        values = {"auc": 0.9, "deeper": values}
    request = written(ROOMY, Evidence(result=ResultFact(id="t", values=values)))
    table = next(section for section in request.body if section.heading == "Test results").table
    assert table is not None
    assert table.rows[0] == ["auc", "0.9"]
    assert attached(request, "test-result").content
