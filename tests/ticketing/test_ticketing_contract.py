"""The contract of the Ticketing port. A further adapter is one more fixture parameter."""

from datetime import UTC, date, datetime, timedelta

import pytest
from desk_harness import LABEL, RunningDesk

from mlc.model.failure import Refused
from mlc.model.ticket import Answer
from mlc.ticketing import Attachment, Section, Ticketing, TicketRequest


def test_a_created_ticket_is_found_by_its_label_and_waits(tickets: Ticketing, question: TicketRequest) -> None:
    ref = tickets.create(question)
    assert tickets.find(LABEL) == [ref]
    assert ref.provider == tickets.provider
    assert ref.label == LABEL
    assert ref.url.endswith(ref.key)
    state = tickets.get(ref)
    assert state.answer is Answer.PENDING
    assert state.version
    assert state.decided_by is None
    assert state.expiration is None


def test_an_unknown_label_finds_nothing(tickets: Ticketing) -> None:
    assert tickets.find("gov-000000000000000000000000") == []


def test_a_label_that_could_end_a_query_is_refused(tickets: Ticketing) -> None:
    with pytest.raises(Refused, match="letters, digits"):
        tickets.find('x" OR project = SECRET')


@pytest.mark.parametrize(
    ("status", "resolution", "answer"),
    [
        ("Done", None, Answer.APPROVED),
        ("Done", "Won't Do", Answer.REJECTED),
        ("Rejected", None, Answer.REJECTED),
        ("Rejected", "Done", Answer.REJECTED),
        ("Withdrawn", None, Answer.UNDECIDED),
        ("Withdrawn", "Done", Answer.UNDECIDED),
        ("In Review", None, Answer.PENDING),
    ],
)
def test_status_and_resolution_become_an_answer(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest, status: str, resolution: str | None, answer: Answer
) -> None:
    ref = tickets.create(question)
    desk.move(ref, status, resolution)
    state = tickets.get(ref)
    assert (state.answer, state.status) == (answer, status)
    assert tickets.get_many([ref])[LABEL].answer is answer


def test_the_decider_and_their_last_comment_come_with_the_answer(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    desk.say(ref, "looks fine at first", by="ada")
    desk.say(ref, "AUC is good enough for prod", by="ada")
    desk.say(ref, "I am not the decider", by="bob")
    tickets.comment(ref, "e1", "said by the process")
    desk.move(ref, "Done", by="ada")
    state = tickets.get(ref)
    assert state.decided_by is not None
    assert state.decided_by.startswith("ada")
    assert state.decided_at is not None
    assert state.decided_at.tzinfo is not None
    assert state.reason == "AUC is good enough for prod"


def test_a_reopened_ticket_is_pending_again_with_nobody_as_its_decider(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    desk.move(ref, "Rejected")
    desk.move(ref, "To Do")
    state = tickets.get(ref)
    assert state.answer is Answer.PENDING
    assert state.decided_by is None


def test_every_change_gives_another_version_and_both_ways_of_reading_agree_on_it(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    versions = [tickets.get(ref).version]
    for change in (
        lambda: desk.say(ref, "a"),
        lambda: desk.say(ref, "b"),
        lambda: desk.move(ref, "Done"),
        lambda: desk.set_expiration(ref, "2099-01-01"),
    ):
        change()
        versions.append(tickets.get(ref).version)
        assert tickets.get_many([ref])[LABEL].version == versions[-1]
    assert len(set(versions)) == len(versions)


def test_a_deleted_ticket_is_gone_and_left_out_of_a_batch(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    other = tickets.create(question.model_copy(update={"label": "gov-b"}))
    with desk.http() as http:
        http.delete(f"/issue/{ref.key}").raise_for_status()
    assert tickets.get(ref).answer is Answer.GONE
    assert set(tickets.get_many([ref, other])) == {"gov-b"}
    assert tickets.find(LABEL) == []


def test_many_are_read_with_one_request_for_each_fifty(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    refs = [tickets.create(question.model_copy(update={"label": f"gov-{n:024x}"})) for n in range(101)]
    desk.move(refs[100], "Done")
    tickets.get_many(refs[:1])
    desk.faults.requests.clear()
    states = tickets.get_many(refs)
    assert len(states) == 101
    assert states[refs[100].label].answer is Answer.APPROVED
    assert len(desk.faults.requests) == 3


def test_a_reference_by_key_alone_will_do_for_reading(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    by_key = ref.model_copy(update={"id": ref.key, "url": ""})
    assert tickets.get(by_key) == tickets.get(ref)
    assert tickets.get_many([by_key]) == tickets.get_many([ref]) != {}


def test_reading_no_tickets_asks_nothing(desk: RunningDesk, tickets: Ticketing) -> None:
    assert tickets.get_many([]) == {}
    assert desk.faults.requests == []


def test_a_future_expiration_date_is_read(desk: RunningDesk, tickets: Ticketing, question: TicketRequest) -> None:
    ref = tickets.create(question)
    desk.set_expiration(ref, "2099-12-31")
    state = tickets.get(ref)
    assert state.expiration == date(2099, 12, 31)
    assert state.expiration_problem is None
    assert tickets.get_many([ref])[LABEL].expiration == date(2099, 12, 31)


def test_a_past_expiration_date_is_a_problem_in_words(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    desk.set_expiration(ref, (datetime.now(UTC) - timedelta(days=2)).date().isoformat())
    state = tickets.get(ref)
    assert state.expiration is None
    assert state.expiration_problem is not None
    assert "past" in state.expiration_problem


def test_a_comment_is_added_once_for_an_event(desk: RunningDesk, tickets: Ticketing, question: TicketRequest) -> None:
    ref = tickets.create(question)
    for event in ("run-1", "run-1", "run-10", "run-1"):
        tickets.comment(ref, event, f"about {event}")
    bodies = [comment["body"] for comment in desk.fields(ref)["comment"]["comments"]]
    assert len(bodies) == 2
    assert all("gov-event:run-1" in body for body in bodies)


def test_a_mark_is_found_among_hundreds_of_comments(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    tickets.comment(ref, "first", "ours")
    for n in range(120):
        desk.say(ref, f"chatter {n}")
    tickets.comment(ref, "first", "ours")
    assert desk.fields(ref)["comment"]["total"] == 121


def test_an_attachment_is_added_once_by_name(desk: RunningDesk, tickets: Ticketing, question: TicketRequest) -> None:
    ref = tickets.create(question)
    for content in (b'{"auc": 0.9}', b"other"):
        tickets.attach(ref, Attachment(name="results-ab12.json", content=content))
    (attached,) = desk.fields(ref)["attachment"]
    with desk.http() as http:
        assert http.get(f"/attachment/content/{attached['id']}").content == b'{"auc": 0.9}'


def test_a_link_is_replaced_by_its_global_id(desk: RunningDesk, tickets: Ticketing, question: TicketRequest) -> None:
    ref = tickets.create(question)
    tickets.link(ref, "run", "http://127.0.0.1/old", "Run")
    tickets.link(ref, "run", "http://127.0.0.1/new", "Run in the Temporal UI")
    tickets.link(ref, "center", "http://127.0.0.1/model", "Model")
    with desk.http() as http:
        links = http.get(f"/issue/{ref.id}/remotelink").json()
    assert [link["object"]["url"] for link in links] == ["http://127.0.0.1/new", "http://127.0.0.1/model"]


def test_closing_withdraws_an_open_ticket_once_and_says_why(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    tickets.close(ref, "cancelled", "The run was cancelled.")
    tickets.close(ref, "cancelled", "The run was cancelled.")
    state = tickets.get(ref)
    assert state.status == "Withdrawn"
    assert state.answer is Answer.UNDECIDED
    assert desk.fields(ref)["comment"]["total"] == 1


def test_closing_leaves_a_decision_as_it_is(desk: RunningDesk, tickets: Ticketing, question: TicketRequest) -> None:
    ref = tickets.create(question)
    desk.move(ref, "Done")
    tickets.close(ref, "cancelled", "The run was cancelled.")
    assert tickets.get(ref).answer is Answer.APPROVED


def test_a_clone_that_carries_the_label_is_not_ours(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    ref = tickets.create(question)
    fields = {"project": {"key": "MLR"}, "issuetype": {"name": "Task"}, "summary": "CLONE", "labels": [LABEL]}
    with desk.http() as http:
        for _ in range(6):
            http.post("/issue", json={"fields": fields}).raise_for_status()
    desk.move(ref, "Done")
    assert tickets.find(LABEL) == [ref]
    assert tickets.get_many([ref])[LABEL].answer is Answer.APPROVED


def test_a_long_ticket_is_cut_and_keeps_its_last_section(
    desk: RunningDesk, tickets: Ticketing, question: TicketRequest
) -> None:
    body = [Section(heading="Text", paragraphs=["word " * 20_000]), Section(paragraphs=["Key: k-1"])]
    ref = tickets.create(question.model_copy(update={"body": body, "summary": "long\nsummary " * 100}))
    fields = desk.fields(ref)
    assert len(fields["description"]) <= 30_000
    assert fields["description"].endswith("Key: k-1")
    assert "does not fit" in fields["description"]
    assert len(fields["summary"]) <= 255
