"""How Jira's statuses, resolutions, fields and transitions are read, beyond what every ticket system has."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from desk_harness import Desks, RunningDesk

from mlc.model.failure import Refused
from mlc.model.ticket import Answer, TicketState
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.standalone.faults import Effect
from mlc.ticketing import TicketRequest
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.answer import answer_of, least_misleading, state_of
from mlc.ticketing.jira.reader import date_field
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import FieldMeta, Issue, Resolution
from mlc.ticketing.jira.wire import Status as StatusJson

FIELD = "customfield_10042"


def status(name: str, category: str = "done", status_id: str = "7") -> StatusJson:
    return StatusJson.model_validate({"id": status_id, "name": name, "statusCategory": {"key": category}})


@pytest.mark.parametrize(
    ("seen", "resolution", "answer"),
    [
        (status("done"), "", Answer.APPROVED),
        (status("APPROVED", "indeterminate"), "", Answer.APPROVED),
        (status("Done"), "won't fix", Answer.REJECTED),
        (status("Closed"), "Done", Answer.APPROVED),
        (status("Closed"), "Duplicate", Answer.REJECTED),
        (status("Closed"), "Fixed in a later release", Answer.UNDECIDED),
        (status("Closed"), "", Answer.UNDECIDED),
        (status("Cancelled"), "Done", Answer.UNDECIDED),
        (status("Rejected", "indeterminate"), "Done", Answer.REJECTED),
        (status("To Do", "new"), "Won't Do", Answer.PENDING),
        (status("Irgendwas", "done", "10010"), "", Answer.APPROVED),
    ],
)
def test_no_beats_yes_and_the_unknown_is_never_yes(seen: StatusJson, resolution: str, answer: Answer) -> None:
    settings = JiraSettings(approved_statuses=["Done", "Approved", "10010"])
    assert answer_of(seen, resolution, settings) is answer


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
    desk: RunningDesk, question: TicketRequest, status: str, resolution: str | None, answer: Answer
) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.move(ref, status, resolution)
    state = tickets.get(ref)
    assert (state.answer, state.status) == (answer, status)
    assert tickets.get_many([ref])[ref.label].answer is answer


def state(value: Any, now: str, zone: str = "UTC") -> TicketState:
    raw = {"id": "1", "key": "A-1", "fields": {"status": status("Done").model_dump(by_alias=True), FIELD: value}}
    settings = JiraSettings(time_zone=zone)
    return state_of(Issue.model_validate(raw), FIELD, settings, datetime.fromisoformat(now))


@pytest.mark.parametrize(
    ("value", "now", "zone", "expected"),
    [
        ("2026-11-05", "2026-11-05T23:59:00+00:00", "UTC", date(2026, 11, 5)),
        ("2026-11-05", "2026-11-06T05:00:00+00:00", "America/Los_Angeles", date(2026, 11, 5)),
        ("2026-11-05T18:00:00.000+0200", "2026-11-05T15:59:00+00:00", "UTC", date(2026, 11, 5)),
        ("2026-11-05T23:30:00.000+0000", "2026-11-05T12:00:00+00:00", "Asia/Tokyo", date(2026, 11, 6)),
        (None, "2026-11-05T12:00:00+00:00", "UTC", None),
        ("", "2026-11-05T12:00:00+00:00", "UTC", None),
    ],
)
def test_a_date_ends_with_its_day_in_the_zone_of_the_settings(
    value: str | None, now: str, zone: str, expected: date | None
) -> None:
    read = state(value, now, zone)
    assert read.expiration == expected
    assert read.expiration_problem is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-11-04", "past"),
        ("2026-11-05T11:59:00.000+0000", "past"),
        ("next year", "no date"),
        ("31/Dec/30", "no date"),
        (20301231, "no date"),
        ({"value": "2030-12-31"}, "no date"),
        ("9999-12-31T23:59:59-1200", "no date"),
    ],
)
def test_a_past_or_unreadable_date_is_a_problem_and_no_date(value: Any, said: str) -> None:
    read = state(value, "2026-11-05T12:00:00+00:00")
    assert read.expiration is None
    assert read.expiration_problem is not None
    assert said in read.expiration_problem


def field(field_id: str, name: str, kind: str = "date", *, custom: bool = True) -> FieldMeta:
    return FieldMeta.model_validate({"id": field_id, "name": name, "custom": custom, "schema": {"type": kind}})


def test_the_expiration_field_is_the_one_custom_date_field_of_that_name() -> None:
    fields = [field("c1", "Expiration date"), field("c2", "Expiration Date"), field("c3", "Expiration Date", "string")]
    assert date_field([*fields, field("duedate", "Expiration Date", custom=False)], "Expiration Date") == "c2"
    assert date_field(fields[2:], "Expiration Date") == "c3"
    with pytest.raises(Refused, match="MLC_JIRA_EXPIRATION_FIELD"):
        date_field([*fields, field("c4", "Expiration Date", "datetime")], "Expiration Date")


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        ({"name": "Expiration date"}, "Expiration Date"),
        ({"name": "EXPIRATION  DATE"}, "Expiration Date"),
        ({"name": "Ablaufdatum", "untranslatedName": "Expiration Date"}, "Expiration Date"),
        ({"name": "Ablaufdatum", "untranslatedName": "Expiration Date"}, "Ablaufdatum"),
        ({"name": "Ablaufdatum", "clauseNames": ["cf[42]", "Expiration Date"]}, "Expiration Date"),
        ({"name": "Date d\u2019expiration"}, "Date d'expiration"),
        ({"name": "Gu\u0308ltig bis"}, "G\u00fcltig bis"),
        ({"name": "Something else"}, "customfield_42"),
    ],
)
def test_the_expiration_field_is_found_by_its_id_and_by_its_name_in_any_language_and_case(
    listed: dict[str, Any], wanted: str
) -> None:
    raw = {"id": "customfield_42", "custom": True, "schema": {"type": "date"}, **listed}
    assert date_field([field("other", "Due"), FieldMeta.model_validate(raw)], wanted) == "customfield_42"


def test_jiras_own_date_will_do_where_people_made_none() -> None:
    due = field("duedate", "Due date", custom=False)
    summary = field("summary", "Summary", "string", custom=False)
    assert date_field([summary, due], "due date") == "duedate"
    assert date_field([due, field("c1", "Due Date")], "Due date") == "c1"
    assert date_field([summary], "Summary") is None


def test_two_fields_whose_names_differ_by_case_alone_are_told_apart_only_by_the_very_name() -> None:
    fields = [field("c1", "Expiration date"), field("c2", "Expiration Date")]
    assert date_field(fields, "Expiration date") == "c1"
    with pytest.raises(Refused, match="c1, c2"):
        date_field(fields, "EXPIRATION DATE")


def test_a_jira_without_the_field_gives_no_date_and_no_problem(desks: Desks, question: TicketRequest) -> None:
    tickets = desks.start(expiration_field=False).adapter()
    read = tickets.get(tickets.create(question))
    assert read.expiration is None
    assert read.expiration_problem is None


def test_a_field_given_by_its_id_is_not_looked_up(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter(expiration_field=FIELD)
    ref = tickets.create(question)
    desk.set_expiration(ref, "2099-01-02")
    assert tickets.get(ref).expiration == date(2099, 1, 2)
    assert "GET /rest/api/2/field" not in desk.faults.requests


def test_without_a_status_for_withdrawn_tickets_closing_only_comments(desks: Desks, question: TicketRequest) -> None:
    scheme = Scheme(statuses=Scheme().statuses[:4])
    desk = desks.start(scheme=scheme)
    tickets = desk.adapter()
    ref = tickets.create(question)
    kept = tickets.close(ref, "e", "The run was cancelled.")
    assert kept == f"From where {ref.key} is, no transition leads to Withdrawn or Cancelled or Canceled"
    assert tickets.get(ref).answer is Answer.PENDING
    assert desk.fields(ref)["comment"]["total"] == 1


def test_closing_gives_a_required_resolution_that_means_neither_yes_nor_no(
    desks: Desks, question: TicketRequest
) -> None:
    withdrawn = Status("10004", "Withdrawn", "done", needs_resolution=True)
    desk = desks.start(scheme=Scheme(statuses=(*Scheme().statuses[:4], withdrawn)))
    tickets = desk.adapter()
    ref = tickets.create(question)
    tickets.close(ref, "e", "Nobody waits.")
    read = tickets.get(ref)
    assert (read.status, read.answer) == ("Withdrawn", Answer.UNDECIDED)
    assert read.resolution == "Withdrawn"


@pytest.mark.parametrize(
    ("allowed", "sent"),
    [
        (["Done", "Won't Do", "Obsolete"], "Obsolete"),
        (["Done", "won't do"], "won't do"),
        (["Done", "Duplicate"], "Duplicate"),
        (["Done", "Duplicate", "Later"], "Later"),
        (["Approved", "Done"], "Approved"),
        (["", "Done"], "Done"),
        ([""], None),
        ([], None),
    ],
)
def test_the_least_misleading_resolution_that_is_allowed_is_sent(allowed: list[str], sent: str | None) -> None:
    found = least_misleading([Resolution(name=name) for name in allowed], JiraSettings())
    assert (found and found.name) == sent


def test_the_least_misleading_resolution_may_be_listed_by_its_id() -> None:
    allowed = [Resolution(id="10000", name="Listo"), Resolution(id="10007", name="Obsoleto")]
    assert least_misleading(allowed, JiraSettings(withdrawn_resolutions=["10007"])) == allowed[1]


def test_which_resolution_misleads_least_is_a_setting(desks: Desks, question: TicketRequest) -> None:
    withdrawn = Status("10004", "Withdrawn", "done", needs_resolution=True)
    desk = desks.start(scheme=Scheme(statuses=(*Scheme().statuses[:4], withdrawn)))
    tickets = desk.adapter(withdrawn_resolutions=["DUPLICATE", "Withdrawn"])
    ref = tickets.create(question)
    assert tickets.close(ref, "e", "The run was cancelled.") is None
    assert (tickets.get(ref).status, tickets.get(ref).resolution) == ("Withdrawn", "Duplicate")


def test_a_conflict_that_passes_keeps_no_ticket_open_and_one_way_out_that_is_refused_no_other(
    desks: Desks, question: TicketRequest
) -> None:
    cancelled = Status("10009", "Cancelled", "done", "Withdrawn")
    desk = desks.start(scheme=Scheme(statuses=(*Scheme().statuses, cancelled)))
    tickets = desk.adapter()
    for status, ends_as in ((409, "Withdrawn"), (400, "Cancelled")):
        ref = tickets.create(question)
        desk.faults.add(Effect.ANSWER, method="POST", path="/transitions$", status=status, body="{}")
        assert tickets.close(ref, "e", "The run was cancelled.") is None
        assert tickets.get(ref).status == ends_as


def test_a_status_that_means_yes_before_the_ticket_is_closed_is_not_withdrawn(
    desk: RunningDesk, question: TicketRequest
) -> None:
    tickets = desk.adapter(approved_statuses=["In Review"])
    ref = tickets.create(question)
    desk.move(ref, "In Review")
    assert tickets.close(ref, "e", "The run was cancelled.") is None
    assert tickets.get(ref).answer is Answer.APPROVED


def test_a_deleted_decider_leaves_the_decision_without_a_name() -> None:
    raw = {"id": "1", "key": "A-1", "fields": {"status": status("Done").model_dump(by_alias=True)}}
    assert state_of(Issue.model_validate(raw), None, JiraSettings(), datetime.now(UTC)).answer is Answer.APPROVED


def test_links_lead_to_the_browse_address(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter(browse_url="https://jira.example.org/")
    ref = tickets.create(question)
    assert ref.url == f"https://jira.example.org/browse/{ref.key}"


def test_check_tells_who_we_are_and_fails_when_the_project_is_not_there(desk: RunningDesk) -> None:
    assert "project MLR; Expiration Date: customfield_10042" in desk.adapter().check()
    with pytest.raises(Refused, match="NOPE"):
        desk.adapter(project="NOPE").check()


def test_wrong_settings_are_refused_at_once() -> None:
    with pytest.raises(Refused, match="MLC_JIRA_URL"):
        JiraTicketing(JiraSettings(url=None))
    with pytest.raises(Refused, match="MLC_JIRA_TIME_ZONE"):
        JiraTicketing(JiraSettings(url="http://127.0.0.1", time_zone="Mars/Olympus"))
