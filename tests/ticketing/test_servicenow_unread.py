"""Where ServiceNow does not show our account what is said on its tickets: nothing is lost, nothing is said twice."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from desk_harness import LABEL, Desks
from sites import ChangeSite, IncidentSite

from mlc.model.failure import Unavailable
from mlc.model.ticket import Answer, TicketRef
from mlc.standalone.faults import Effect
from mlc.ticketing import TicketRequest

JOURNAL, APPROVALS = "sys_journal_field", "sysapproval_approver"
NO = '{"error": {"message": "User Not Authorized", "detail": "Failed API level ACL Validation"}, "status": "failure"}'


def listed(total: int | None, *rows: dict[str, str]) -> dict[str, Any]:
    """An answer with these records, and how many there are in all."""
    body = {"result": [{name: {"value": value, "display_value": value} for name, value in row.items()} for row in rows]}
    headers = {} if total is None else {"X-Total-Count": str(total)}
    return {"status": 200, "headers": headers, "body": json.dumps(body)}


HIDDEN: dict[str, Callable[[str], dict[str, Any]]] = {
    "forbidden": lambda _: {"status": 403, "body": NO},
    "unauthorised": lambda _: {"status": 401, "body": NO},
    "denied without being said": lambda _: {"status": 404, "body": NO},
    "left out and counted": lambda _: listed(3),
    "left out": lambda _: listed(0),
    "left out and not counted": lambda _: listed(None),
    "without what was said": lambda of: listed(1, {"element_id": of, "element": "comments", "sys_created_by": "ada"}),
    "what was said is blank": lambda of: listed(1, {"element_id": of, "value": "", "sys_created_by": "ada"}),
    "without who said it": lambda of: listed(1, {"element_id": of, "value": "Yes.", "sys_created_on": "2026-11-20"}),
    "without whom it belongs to": lambda _: listed(1, {"value": "Yes.", "sys_created_by": "ada"}),
}
"""How a table is kept from an account."""


@pytest.fixture
def change(desks: Desks) -> ChangeSite:
    return ChangeSite(desks.start())


def hide(site: ChangeSite, table: str, how: dict[str, Any]) -> None:
    site.faults.add(Effect.ANSWER, method="GET", path=f"/table/{table}$", times=999, **how)


def hide_record_too(site: ChangeSite, ref: TicketRef) -> None:
    """The record itself shows nothing of its journals either."""
    sys_id = ref.id.partition(":")[2]
    body = json.dumps({"result": {"sys_id": {"value": sys_id, "display_value": sys_id}}})
    site.faults.add(Effect.ANSWER, method="GET", path=f"/{sys_id}$", times=999, status=200, body=body)


@pytest.fixture(params=HIDDEN)
def hidden(request: pytest.FixtureRequest) -> Callable[[ChangeSite, TicketRef], None]:
    def hidden(site: ChangeSite, ref: TicketRef) -> None:
        hide(site, JOURNAL, HIDDEN[request.param](ref.id.partition(":")[2]))

    return hidden


@pytest.mark.parametrize(("happens", "answer"), [("approve", Answer.APPROVED), ("reject", Answer.REJECTED)])
def test_a_decision_counts_without_its_reason_and_the_state_says_why(
    change: ChangeSite,
    question: TicketRequest,
    hidden: Callable[[ChangeSite, TicketRef], None],
    happens: str,
    answer: Answer,
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.say(ref, "AUC is good enough", by="ada")
    getattr(change, happens)(ref, by="ada")
    hidden(change, ref)
    state = tickets.get(ref)
    assert (state.answer, state.decided_by, state.reason) == (answer, "ada (ada)", None)
    assert state.decided_at is not None
    assert state.reason_problem is not None
    assert state.reason_problem.startswith("ServiceNow does not show our account what is said on its tickets")
    assert JOURNAL in state.reason_problem
    assert "User Not Authorized" not in state.reason_problem


def test_an_incidents_resolution_notes_are_read_all_the_same(
    desks: Desks, hidden: Callable[[ChangeSite, TicketRef], None]
) -> None:
    site = IncidentSite(desks.start())
    tickets = site.adapter()
    ref = tickets.create(TicketRequest(label=LABEL, kind="error", summary="s", body=[]))
    hidden(site, ref)
    for notes, reason in (("The runtime was restarted.", "The runtime was restarted."), (" ", None)):
        site.set(ref, "eve", state="6", close_code="Solution provided", close_notes=notes)
        state = tickets.get(ref)
        assert (state.answer, state.decided_by, state.reason) == (Answer.APPROVED, "eve (eve)", reason)
        assert (state.reason_problem is None) is (reason is not None)


def test_a_decision_without_a_reason_is_no_problem_where_everything_is_shown(
    change: ChangeSite, question: TicketRequest
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.approve(ref)
    state = tickets.get(ref)
    assert (state.reason, state.reason_problem) == (None, None)


def test_a_reason_that_is_shown_counts_although_something_else_is_hidden(
    change: ChangeSite, question: TicketRequest
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.approve(ref, by="ada")
    said = {"element_id": ref.id.partition(":")[2], "value": "Good enough.", "sys_created_by": "ada"}
    hide(change, JOURNAL, listed(7, said))
    state = tickets.get(ref)
    assert (state.reason, state.reason_problem) == ("Good enough.", None)
    change.faults.planned.clear()
    hide(change, JOURNAL, listed(7, said | {"sys_created_by": "bob"}))
    state = tickets.get(ref)
    assert state.reason is None
    assert state.reason_problem is not None


@pytest.mark.parametrize("how", [{"status": 403, "body": NO}, {"status": 401, "body": NO}, listed(1)], ids=str)
def test_a_decision_counts_without_its_decider_where_approvals_are_not_shown(
    change: ChangeSite, question: TicketRequest, how: dict[str, Any]
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.approve(ref, by="ada")
    hide(change, APPROVALS, how)
    state = tickets.get(ref)
    assert (state.answer, state.decided_by, state.reason) == (Answer.APPROVED, None, None)
    assert state.decided_at is not None
    assert state.reason_problem is not None
    assert "who approved or rejected" in state.reason_problem
    assert APPROVALS in state.reason_problem


def test_a_reason_is_not_guessed_where_the_deciders_account_is_not_shown(
    change: ChangeSite, question: TicketRequest
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.say(ref, "I am not asked.", by="bob")
    change.approve(ref, by="ada")
    approval = {"sys_id": "a" * 32, "sysapproval": ref.id.partition(":")[2], "state": "approved", "approver": "Ada"}
    hide(change, APPROVALS, listed(1, approval))
    state = tickets.get(ref)
    assert (state.answer, state.decided_by, state.reason) == (Answer.APPROVED, "Ada", None)
    assert state.reason_problem == "ServiceNow does not show our account whose decision it was."


def test_a_comment_is_added_once_by_what_the_record_itself_shows(
    change: ChangeSite, question: TicketRequest, hidden: Callable[[ChangeSite, TicketRef], None]
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    hidden(change, ref)
    for event in ("run-1", "run-1", "run-10", "run-1"):
        tickets.comment(ref, event, f"about {event}")
        change.adapter().comment(ref, event, f"about {event}")  # another worker
    tickets.link(ref, "run", "http://127.0.0.1/run", "Run")
    change.adapter().link(ref, "run", "http://127.0.0.1/run", "Run")
    assert len(change.comments(ref)) == 2
    assert change.links(ref) == ["http://127.0.0.1/run"]


def test_a_comment_is_added_once_by_an_adapter_that_sees_nothing_at_all(
    change: ChangeSite, question: TicketRequest, hidden: Callable[[ChangeSite, TicketRef], None]
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    hidden(change, ref)
    hide_record_too(change, ref)
    for _ in range(3):
        tickets.comment(ref, "event-1", "said once")
    assert len(change.comments(ref)) == 1


def test_an_adapter_that_sees_nothing_does_not_repeat_a_comment_whose_answer_was_lost(
    change: ChangeSite, question: TicketRequest, hidden: Callable[[ChangeSite, TicketRef], None]
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    hidden(change, ref)
    hide_record_too(change, ref)
    change.faults.add(Effect.DROP_AFTER, method="PATCH", times=5)
    for _ in range(5):
        with suppress(Unavailable):
            tickets.comment(ref, "event-1", "said once")
    assert len(change.comments(ref)) == 1
    # What was certainly not done is done again.
    change.faults.planned = [fault for fault in change.faults.planned if fault.effect is not Effect.DROP_AFTER]
    change.faults.add(Effect.ANSWER, method="PATCH", status=429)
    with pytest.raises(Unavailable):
        tickets.comment(ref, "event-2", "said once")
    tickets.comment(ref, "event-2", "said once")
    assert len(change.comments(ref)) == 2


def test_withdrawing_again_and_again_what_does_not_let_itself_be_withdrawn_comments_once(
    change: ChangeSite, question: TicketRequest, hidden: Callable[[ChangeSite, TicketRef], None]
) -> None:
    ref = change.adapter().create(question)
    hidden(change, ref)
    nowhere = {"decision_field": "state", "rejected_values": ["4"]}  # there is no state that withdraws
    stays = change.adapter(**nowhere)
    for _ in range(3):
        stays.close(ref, "ended", "Nobody waits.")
        change.adapter(**nowhere).close(ref, "ended", "Nobody waits.")
    assert stays.get(ref).answer is Answer.PENDING
    assert len(change.comments(ref)) == 1


def test_what_was_noted_with_a_ticket_is_read_from_the_record_itself(
    change: ChangeSite, question: TicketRequest, hidden: Callable[[ChangeSite, TicketRef], None]
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question.model_copy(update={"properties": {"snapshot_id": "s-1", "model": "Größe [x]"}}))
    tickets.comment(ref, "e", "said")
    noted = tickets.properties(ref)
    assert noted == {"snapshot_id": "s-1", "model": "Größe [x]", "label": LABEL, "kind": "review"}
    hidden(change, ref)
    assert tickets.properties(ref) == noted
    hide_record_too(change, ref)
    assert tickets.properties(ref) == {}


@pytest.mark.parametrize("in_journal", [True, False])
def test_what_was_noted_with_a_ticket_is_not_changed_by_what_people_say_later(
    change: ChangeSite, question: TicketRequest, in_journal: bool
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question.model_copy(update={"properties": {"snapshot_id": "s-1"}}))
    for field in ("comments", "work_notes"):
        forged = 'For the machines: {"snapshot_id": "s-2"}\n\ngov-event:properties'
        change.set(ref, "eve", **{field: forged})
    if not in_journal:
        hide(change, JOURNAL, {"status": 403, "body": NO})
    assert tickets.properties(ref)["snapshot_id"] == "s-1"
