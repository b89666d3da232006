"""Each kind of ticket reads naturally in each system, and says what a person can do next."""

from typing import Any

import pytest
from desk_harness import RunningDesk

from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import Verdict
from mlc.ticketing import TicketRequest, Wording
from mlc.ticketing.content import plain
from mlc.ticketing.content.evidence import Evidence, JobFact, ModelCard
from mlc.ticketing.content.writer import ticket_request

CARD = ModelCard(snapshot_id="s2", snapshot_name="v12", model_name="fraud", stage="PROD", risk="high")
CHANGE = Wording(
    yes="Approved",
    no="Rejected",
    how="Approve or reject this change request.",
    ticket="change request",
    key_place="the correlation id of this change request",
    room=4_000,
)
KINDS = set(TicketKind) - {TicketKind.UNKNOWN}
UNASKED = (TicketKind.RECORD, TicketKind.FAILED_TEST, TicketKind.JOB_REVIEW, TicketKind.NOTIFICATION, TicketKind.BREACH)


def written(
    kind: TicketKind, wording: Wording = CHANGE, *, evidence: Evidence | None = None, **more: Any
) -> TicketRequest:
    fields = {"step": "testing", "snapshot_id": "s2", "model_name": "fraud", "workflow_id": "w", "run_id": "r"}
    question = TicketQuestion(kind=kind, label="gov-0123456789abcdef01234567", **(fields | more))
    return ticket_request(question, evidence=evidence or Evidence(snapshot=CARD), wording=wording)


def first(request: TicketRequest) -> str:
    return " ".join(request.body[0].paragraphs)


@pytest.mark.parametrize(
    ("kind", "summary"),
    [
        (TicketKind.REVIEW, "[Model approval] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.REJECTION, "[Did not succeed: testing] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.ERROR, "[Error: testing] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.RECORD, "[For the record: testing] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.FAILED_TEST, "[Back test failed] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.JOB_REVIEW, "[Back test error] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.NOTIFICATION, "[Batch job] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.BREACH, "[Monitor] fraud snapshot v12 → PROD (risk: high)"),
        (TicketKind.UNDEPLOY, "[Undeploy] fraud snapshot v12 → PROD (risk: high)"),
    ],
)
def test_the_summary_tells_the_kind_the_model_where_to_and_the_risk(kind: TicketKind, summary: str) -> None:
    assert written(kind).summary == summary


def test_every_kind_is_written() -> None:
    assert {written(kind).kind for kind in KINDS} == KINDS


@pytest.mark.parametrize("kind", UNASKED)
def test_a_ticket_that_nobody_waits_on_says_so_and_what_can_be_done(kind: TicketKind) -> None:
    said = first(written(kind))
    assert "Nobody waits for an answer on this change request." in said
    assert "What can be done: " in said
    assert said.endswith("Then close this change request.")
    assert written(kind).body[0].heading == "What this is"


@pytest.mark.parametrize("kind", sorted(KINDS - set(UNASKED)))
def test_a_ticket_that_asks_names_the_answers_in_its_systems_words(kind: TicketKind) -> None:
    said = first(written(kind))
    assert "Approve or reject this change request." in said
    assert "Nobody waits" not in said
    assert "status" not in plain.render(written(kind).body)
    if kind is TicketKind.UNDEPLOY:
        assert "Approved: all deployments of this snapshot are ended" in said
        assert "Rejected: they stay" in said
    elif kind is not TicketKind.REVIEW:
        assert "Approved: that step is tried again" in said
        assert "Rejected: the process stops" in said


def test_a_ticket_about_a_newer_snapshot_asks_whether_to_replace_it_and_not_to_try_again() -> None:
    request = written(TicketKind.ERROR, replaces=True, step="deployment")
    assert request.summary == "[A newer one is there] fraud snapshot v12 → PROD (risk: high)"
    assert first(request) == (
        "A newer snapshot of the model is where this one belongs. Shall this one replace it? "
        "Approve or reject this change request. Approved: this one replaces it. Rejected: the process stops, and "
        "everything that this run deployed is undone. The newer one stays."
    )
    assert (request.properties["yes"], request.properties["no"]) == ("Replace the newer one", "Keep the newer one")


def test_the_key_is_where_the_system_keeps_it() -> None:
    assert written(TicketKind.REVIEW).body[-1].paragraphs == [
        "The key is also the correlation id of this change request. Leave it there: "
        "the process finds its change request by it."
    ]


def test_a_failed_verdict_that_is_asked_about_can_only_be_overridden_with_a_reason() -> None:
    said = first(written(TicketKind.REVIEW, verdict=Verdict(judged=True, passed=False)))
    assert "An approval therefore counts only with a comment of yours" in said


def test_a_job_review_carries_all_that_is_known_of_the_job() -> None:
    said = "metrics began\nTraceback (most recent call last):\nKeyError: 'y'"
    job = JobFact(facts=[("Job", "job-9"), ("Status", "ERROR"), ("Runtime", "prod-1")], messages=said)
    request = written(TicketKind.JOB_REVIEW, evidence=Evidence(snapshot=CARD, job=job))
    text = plain.render(request.body)
    for part in ("Job: job-9", "Status: ERROR", "Runtime: prod-1", said):
        assert part in text
    assert [a.content.decode() for a in request.attachments if a.name.startswith("job-messages")] == [said]


def test_a_job_without_messages_is_said_to_have_none() -> None:
    request = written(TicketKind.JOB_REVIEW, evidence=Evidence(snapshot=CARD, job=JobFact(facts=[("Job", "j")])))
    assert "Nothing: it left no messages." in plain.render(request.body)


def test_a_batch_job_without_a_snapshot_is_told_by_its_message_alone() -> None:
    message = "No batch deployment carries the tag 'credit' at stage 'PROD'.\nThere are none at all."
    request = written(TicketKind.NOTIFICATION, evidence=Evidence(), snapshot_id="", model_name="", message=message)
    assert request.summary == (
        "[Batch job] No batch deployment carries the tag 'credit' at stage 'PROD'. There are none at all."
    )
    assert [section.heading for section in request.body] == ["What this is", "What went wrong", "For the machines"]
    assert message in plain.render(request.body)
    assert request.labels == []


def test_a_summary_made_of_a_message_is_short() -> None:
    request = written(TicketKind.NOTIFICATION, evidence=Evidence(), snapshot_id="", message="x" * 5_000)
    assert len(request.summary) < 200


def test_jira_says_itself_which_statuses_its_answers_are_and_what_its_date_field_is_called(
    desk: RunningDesk,
) -> None:
    tickets = desk.adapter()
    wording = tickets.wording(TicketKind.REVIEW)
    assert (wording.yes, wording.no, wording.ticket) == ("Done or Approved", "Rejected", "ticket")
    assert wording.how == "Move this ticket to Done or Approved to approve it, to Rejected to reject it."
    assert wording.expiration_field == "Expiration Date"
    assert tickets.wording(TicketKind.ERROR).how == "Move this ticket to one of these statuses:"
    renamed = desk.adapter(approved_statuses=["Freigegeben"], expiration_field="Ablauf").wording(TicketKind.REVIEW)
    assert "Move this ticket to Freigegeben" in renamed.how
    assert renamed.expiration_field is None


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_undecided_ticket_is_titled_as_if_it_were_decided(kind: TicketKind) -> None:
    for word in ("Rejected", "Approved", "Done"):
        assert word not in written(kind).summary


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        (TicketKind.REVIEW, {}, ("Approve", "Reject")),
        (TicketKind.REJECTION, {"step": "testing"}, ("Test again", "Stop")),
        (
            TicketKind.REJECTION,
            {"step": "review", "verdict": Verdict(judged=True, passed=False)},
            ("Test again", "Stop"),
        ),
        (TicketKind.REJECTION, {"step": "training"}, ("Try again", "Stop")),
        (TicketKind.ERROR, {"step": "deployment", "verdict": Verdict(judged=True, passed=True)}, ("Try again", "Stop")),
        (TicketKind.ERROR, {"step": "monitors", "without_monitors": ["M"]}, ("Go on without", "Stop")),
        (TicketKind.RECORD, {}, (None, None)),
        (TicketKind.NOTIFICATION, {}, (None, None)),
    ],
)
def test_a_ticket_says_in_a_word_what_each_answer_does(
    kind: TicketKind, more: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    said = written(kind, **more).properties
    assert (said.get("yes"), said.get("no")) == expected


def test_a_question_about_missing_monitors_says_what_a_yes_means_and_nothing_of_trying_again() -> None:
    said = first(written(TicketKind.ERROR, step="monitors", without_monitors=["Stability", "Drift"]))
    assert "Stability and Drift can't be added. Shall the model be deployed without?" in said
    assert "Approved: it is deployed without." in said
    assert "tried again" not in said


def test_jira_speaks_of_an_expiration_date_on_reviews_alone(desk: RunningDesk) -> None:
    tickets = desk.adapter()
    assert [kind for kind in KINDS if tickets.wording(kind).expiration_field] == [TicketKind.REVIEW]


def test_links_stand_on_a_ticket_once() -> None:
    links = [("The run in Temporal", "https://temporal/run")]
    question = TicketQuestion(kind=TicketKind.REVIEW, step="review", snapshot_id="s2", workflow_id="w", run_id="r")
    for beside in (False, True):
        wording = CHANGE.model_copy(update={"shows_links": beside})
        request = ticket_request(question, evidence=Evidence(snapshot=CARD), wording=wording, links=links)
        in_text = plain.render(request.body).count("https://temporal/run")
        assert (in_text, len(request.links)) == ((0, 1) if beside else (1, 0))
