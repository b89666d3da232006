"""No wrong yes: what a resolution makes of a status that means yes, in whatever words and language."""

from typing import Any

import pytest
from desk_harness import Desks, RunningDesk

from mlc.model.ticket import Answer, TicketState
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.ticketing import TicketRequest
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.settings import ServiceNowSettings

DONE = Status("10002", "Done", "done")
TO_DO = Status("10000", "To Do", "new")


def decided(
    desks: Desks, question: TicketRequest, *, status: Status, resolution: str | None, **settings: Any
) -> TicketState:
    """A ticket with that status and resolution, whose id is 4."""
    scheme = Scheme((TO_DO, status), {"4": resolution} if resolution else {})
    desk = desks.start(scheme=scheme)
    tickets = desk.adapter(**settings)
    ref = tickets.create(question)
    desk.move(ref, status.name, resolution)
    state = tickets.get(ref)
    seen = tickets.get_many([ref])[ref.label]
    assert (seen.answer, seen.answer_problem) == (state.answer, state.answer_problem)
    return state


@pytest.mark.parametrize(
    "resolution",
    ["Incomplete", "Invalid", "Not A Bug", "Later", "Works for Me", "Known Error", "Abandoned", "Not Approved", "?"],
)
def test_an_approved_status_with_a_resolution_on_neither_list_is_undecided_and_the_ticket_says_so(
    desks: Desks, question: TicketRequest, resolution: str
) -> None:
    state = decided(desks, question, status=DONE, resolution=resolution)
    assert (state.answer, state.resolution) == (Answer.UNDECIDED, resolution)
    assert state.answer_problem is not None
    assert f"its resolution {resolution!r} (id 4) is on neither list" in state.answer_problem


@pytest.mark.parametrize(
    "resolution", [None, "Done", "Approved", "Accepted", "Fixed", "Resolved", "Complete", "COMPLETED"]
)
def test_an_approved_status_without_a_resolution_or_with_an_ordinary_one_is_an_approval(
    desks: Desks, question: TicketRequest, resolution: str | None
) -> None:
    state = decided(desks, question, status=DONE, resolution=resolution)
    assert (state.answer, state.answer_problem) == (Answer.APPROVED, None)


@pytest.mark.parametrize(
    ("resolution", "settings", "answer"),
    [
        ("Won\u2019t do", {}, Answer.REJECTED),
        ("WONT DO", {}, Answer.REJECTED),
        ("No se har\u00e1", {}, Answer.UNDECIDED),
        ("No se har\u00e1", {"rejected_resolutions": ["4"]}, Answer.REJECTED),
        ("No se har\u00e1", {"rejected_resolutions": ["No se hara\u0301"]}, Answer.REJECTED),
        ("Listo", {}, Answer.UNDECIDED),
        ("Listo", {"approved_resolutions": ["4"]}, Answer.APPROVED),
        ("Listo", {"approved_resolutions": ["4"], "rejected_resolutions": ["listo"]}, Answer.REJECTED),
    ],
)
def test_resolutions_are_matched_by_id_and_by_name(
    desks: Desks, question: TicketRequest, resolution: str, settings: dict[str, Any], answer: Answer
) -> None:
    assert decided(desks, question, status=DONE, resolution=resolution, **settings).answer is answer


def test_a_status_in_another_language_hints_at_it(desks: Desks, question: TicketRequest) -> None:
    state = decided(desks, question, status=Status("10002", "Gereed", "done"), resolution="Gereed")
    assert state.answer is Answer.UNDECIDED
    assert state.answer_problem is not None
    assert "Its status 'Gereed' (id 10002) is on no list" in state.answer_problem
    assert "the language of our account" in state.answer_problem
    assert "MLC_JIRA_APPROVED_STATUSES" in state.answer_problem


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (Status("10002", "Gereed", "done"), Answer.APPROVED),
        (Status("10003", "Gereed", "done"), Answer.UNDECIDED),
        (Status("10003", "Gereed", "indeterminate"), Answer.PENDING),
    ],
)
def test_statuses_are_known_by_id_and_their_category_by_its_key(
    desks: Desks, question: TicketRequest, status: Status, answer: Answer
) -> None:
    assert decided(desks, question, status=status, resolution=None, approved_statuses=["10002"]).answer is answer


@pytest.mark.parametrize(
    ("simplified", "status", "answer"),
    [
        (False, "Closed", Answer.APPROVED),
        (True, "Closed", Answer.UNDECIDED),
        (True, "Abgelehnt", Answer.UNDECIDED),
        (True, "Done", Answer.APPROVED),
        (True, "Rejected", Answer.REJECTED),
        (False, "Won\u2019t do", Answer.UNDECIDED),
        (False, "Declined", Answer.UNDECIDED),
    ],
)
def test_a_resolution_that_comes_by_itself_makes_no_yes_of_an_unknown_status(
    desks: Desks, question: TicketRequest, simplified: bool, status: str, answer: Answer
) -> None:
    desk = desks.start(scheme=Scheme((TO_DO, Status("10002", status, "done", "Done"))))
    desk.parts.json.simplified = simplified
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.move(ref, status)
    assert tickets.get(ref).resolution == "Done"
    assert tickets.get(ref).answer is answer
    assert tickets.get_many([ref])[ref.label].answer is answer


def test_a_withdrawn_ticket_needs_no_explanation(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.move(ref, "Withdrawn")
    state = tickets.get(ref)
    assert (state.answer, state.answer_problem) == (Answer.UNDECIDED, None)


def test_a_withdrawing_transition_is_found_whatever_its_apostrophes(desks: Desks, question: TicketRequest) -> None:
    desk = desks.start(scheme=Scheme((TO_DO, Status("10004", "Doesn\u2019t matter", "done", "Withdrawn"))))
    tickets = desk.adapter(withdrawn_statuses=["doesn't matter"])
    ref = tickets.create(question)
    tickets.close(ref, "e", "Nobody waits.")
    assert tickets.get(ref).status == "Doesn\u2019t matter"


def test_no_default_stands_on_two_lists() -> None:
    settings = JiraSettings()
    assert not set(settings.approved_resolutions) & set(settings.rejected_resolutions)
    assert not set(settings.approved_statuses) & {*settings.rejected_statuses, *settings.withdrawn_statuses}


def test_ids_may_be_written_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_JIRA_REJECTED_RESOLUTIONS", '[10101, "Won\'t Do"]')
    monkeypatch.setenv("MLC_SERVICENOW_CLOSED_STATES", "[3, 4]")
    assert JiraSettings().rejected_resolutions == ["10101", "Won't Do"]
    assert ServiceNowSettings().closed_states == ["3", "4"]
