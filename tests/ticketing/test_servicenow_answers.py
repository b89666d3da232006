"""How ServiceNow's approvals, states, resolution codes, journals and fields are read, beyond what every system has."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from desk_harness import LABEL, TOKEN, USER, Desks
from sites import ChangeSite, IncidentSite

from mlc.model.failure import NotFound, Refused
from mlc.model.ticket import Answer, TicketKind, TicketState
from mlc.standalone.faults import Effect
from mlc.ticketing import Section, TicketRequest
from mlc.ticketing.content.plain import render_within
from mlc.ticketing.servicenow.adapter import ServiceNowTicketing
from mlc.ticketing.servicenow.answer import answer_of, last_said, state_of
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.text import link_note, note
from mlc.ticketing.servicenow.wire import Row


@pytest.fixture
def change(desks: Desks) -> ChangeSite:
    return ChangeSite(desks.start())


def row(**values: str) -> Row:
    return Row.model_validate({name: {"value": value, "display_value": value} for name, value in values.items()})


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"state": "-5", "approval": "not requested"}, Answer.PENDING),
        ({"state": "-4", "approval": "requested"}, Answer.PENDING),
        ({"state": "-3", "approval": "requested"}, Answer.PENDING),
        ({"state": "-2", "approval": "approved"}, Answer.APPROVED),
        ({"state": "-5", "approval": "Approved"}, Answer.APPROVED),
        ({"state": "-1", "approval": "approved"}, Answer.APPROVED),
        ({"state": "0", "approval": "approved"}, Answer.APPROVED),
        ({"state": "3", "approval": "approved", "close_code": "successful"}, Answer.APPROVED),
        ({"state": "3", "approval": "approved", "close_code": "Duplicate"}, Answer.REJECTED),
        ({"state": "3", "approval": "requested", "close_code": "successful"}, Answer.UNDECIDED),
        ({"state": "3", "approval": "not requested"}, Answer.UNDECIDED),
        ({"state": "-4", "approval": "rejected"}, Answer.REJECTED),
        ({"state": "4", "approval": "rejected"}, Answer.REJECTED),
        ({"state": "4", "approval": "approved"}, Answer.UNDECIDED),
        ({"state": "4", "approval": "requested"}, Answer.UNDECIDED),
        ({"state": "-5", "approval": "no longer required"}, Answer.PENDING),
        ({}, Answer.PENDING),
    ],
)
def test_an_approval_is_told_from_its_decision_and_never_from_being_closed(
    fields: dict[str, str], answer: Answer
) -> None:
    assert answer_of(row(**fields), "change_request", ServiceNowSettings()) is answer


@pytest.mark.parametrize(
    ("state", "code", "answer"),
    [
        ("1", "", Answer.PENDING),
        ("2", "Solution provided", Answer.PENDING),
        ("3", "", Answer.PENDING),
        ("6", "Solution provided", Answer.APPROVED),
        ("7", "workaround provided", Answer.APPROVED),
        ("6", "Solved (Permanently)", Answer.APPROVED),
        ("6", "No resolution provided", Answer.REJECTED),
        ("7", "Not Solved (Too Costly)", Answer.REJECTED),
        ("6", "Duplicate", Answer.REJECTED),
        ("6", "Known error", Answer.UNDECIDED),
        ("6", "", Answer.UNDECIDED),
        ("8", "Solution provided", Answer.UNDECIDED),
    ],
)
def test_an_incident_is_told_from_the_way_in_which_it_is_resolved(state: str, code: str, answer: Answer) -> None:
    settings = ServiceNowSettings()
    assert answer_of(row(state=state, close_code=code, approval="approved"), "incident", settings) is answer


def test_tables_fields_and_values_are_the_sites_own() -> None:
    settings = ServiceNowSettings(
        table="u_model_approval", decision_field="u_decision", approved_values=["Go"], rejected_values=["10"]
    )
    assert answer_of(row(u_decision="go"), "u_model_approval", settings) is Answer.APPROVED
    assert answer_of(row(u_decision="10", approval="approved"), "u_model_approval", settings) is Answer.REJECTED


def state(value: str, now: str, zone: str = "UTC") -> TicketState:
    settings = ServiceNowSettings(time_zone=zone)
    return state_of(row(u_expiration_date=value), "change_request", settings, datetime.fromisoformat(now))


@pytest.mark.parametrize(
    ("value", "now", "zone", "expected"),
    [
        ("2026-11-05", "2026-11-05T23:59:00+00:00", "UTC", date(2026, 11, 5)),
        ("2026-11-05", "2026-11-06T05:00:00+00:00", "America/Los_Angeles", date(2026, 11, 5)),
        ("2026-11-05 23:30:00", "2026-11-05T12:00:00+00:00", "Asia/Tokyo", date(2026, 11, 6)),
        ("", "2026-11-05T12:00:00+00:00", "UTC", None),
    ],
)
def test_a_date_ends_with_its_day_in_the_zone_and_a_time_is_utc(
    value: str, now: str, zone: str, expected: date | None
) -> None:
    read = state(value, now, zone)
    assert read.expiration == expected
    assert read.expiration_problem is None


@pytest.mark.parametrize(
    ("value", "said"), [("2026-11-04", "past"), ("next year", "no date"), ("2026-13-01", "no date")]
)
def test_a_past_or_unreadable_date_is_a_problem_and_no_date(value: str, said: str) -> None:
    read = state(value, "2026-11-05T12:00:00+00:00")
    assert read.expiration is None
    assert read.expiration_problem is not None
    assert said in read.expiration_problem


def test_a_table_without_the_field_gives_no_date_and_the_ticket_does_not_ask_for_one(
    desks: Desks, question: TicketRequest
) -> None:
    tickets = ChangeSite(desks.start(expiration_field=False)).adapter()
    assert tickets.wording(TicketKind.REVIEW).expiration_field is None
    read = tickets.get(tickets.create(question))
    assert (read.expiration, read.expiration_problem) == (None, None)


def test_the_field_is_known_before_there_is_any_ticket(change: ChangeSite) -> None:
    assert change.adapter().wording(TicketKind.REVIEW).expiration_field == "Expiration Date"
    assert change.adapter(expiration_label="Valid until").wording(TicketKind.REVIEW).expiration_field == "Valid until"


def test_a_kind_decides_the_table_and_a_reference_tells_it(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    for kind in TicketKind:
        ref = tickets.create(question.model_copy(update={"kind": kind, "label": f"gov-{kind.name.lower()}"}))
        table = "change_request" if kind is TicketKind.REVIEW else "incident"
        assert ref.id.startswith(f"{table}:")
        assert ref.key.startswith("CHG" if kind is TicketKind.REVIEW else "INC")
        assert ref.url.startswith(f"{change.desk.url}/nav_to.do?uri={table}.do%3Fsys_id%3D")


def test_tickets_of_both_tables_are_read_with_one_request_each(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    refs = [
        tickets.create(question.model_copy(update={"kind": kind, "label": f"gov-{n}-{kind}"}))
        for n in range(3)
        for kind in ("review", "error")
    ]
    change.desk.faults.requests.clear()
    by_key = [ref.model_copy(update={"id": ref.key}) for ref in refs]
    assert len(tickets.get_many(by_key)) == 6
    assert len(change.desk.faults.requests) == 2


def test_numbers_of_the_sites_own_are_looked_for_in_both_tables(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter(number_prefix="MRC", incident_number_prefix="MRI")
    ref = tickets.create(question)
    by_key = ref.model_copy(update={"id": ref.key})
    assert tickets.get(by_key) == tickets.get(ref)
    assert set(tickets.get_many([by_key])) == {LABEL}


def test_the_reason_is_what_the_approver_said_with_the_approval(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.say(ref, "too early", by="ada")
    change.say(ref, "I am not asked", by="bob")
    change.reject(ref, by="ada")
    state = tickets.get(ref)
    assert (state.answer, state.reason, state.decided_by) == (Answer.REJECTED, "no", "ada (ada)")
    assert (state.status, state.resolution) == ("New", "Rejected")


def test_the_last_of_several_approvals_counts(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.reject(ref, by="ada")
    change.approve(ref, by="bob")
    state = tickets.get(ref)
    assert (state.answer, state.decided_by) == (Answer.APPROVED, "bob (bob)")


def test_an_approval_of_an_earlier_round_is_not_taken_for_one_that_is_set_by_hand(
    change: ChangeSite, question: TicketRequest
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.approve(ref, by="ada")
    assert (tickets.get(ref).decided_by or "").startswith("ada")
    change.set(ref, approval="requested")
    change.set(ref, approval="approved")
    records = change.desk.parts.records
    with records.writing() as session:
        [approval] = records.children(session, "sysapproval_approver", records.task(session, ref.key).sys_id)
        approval.sys_updated_on = "2026-01-01 00:00:00"
    state = tickets.get(ref)
    assert (state.answer, state.decided_by, state.reason) == (Answer.APPROVED, None, None)
    assert state.decided_at is not None


def test_who_is_nobody_in_particular_has_no_reason_of_their_own() -> None:
    def said(by: str) -> list[Row]:
        return [row(value="fine", sys_created_by=by)]

    assert last_said(said("ada"), "ada") == "fine"
    for account in ("guest", "system", ""):
        assert last_said(said(account), account) is None


def test_a_resolution_code_on_neither_list_is_named_with_a_hint_at_the_language(desks: Desks) -> None:
    site = IncidentSite(desks.start())
    tickets = site.adapter()
    ref = tickets.create(TicketRequest(label=LABEL, kind="error", summary="s", body=[]))
    site.set(ref, "eve", state="6", close_code="Known error", close_notes="It is known.")
    state = tickets.get(ref)
    assert state.answer is Answer.UNDECIDED
    assert state.answer_problem is not None
    assert "'Known error' is on neither list" in state.answer_problem
    assert "reopen this incident and resolve it with one of these" in state.answer_problem
    assert "language of our account" in state.answer_problem
    site.withdraw(ref)
    assert tickets.get(ref).answer_problem is None


def test_values_count_in_whatever_language_their_labels_are_shown() -> None:
    german = Row.model_validate(
        {
            "state": {"value": "6", "display_value": "Gel\u00f6st"},
            "close_code": {"value": "Solution provided", "display_value": "L\u00f6sung geliefert"},
        }
    )
    assert answer_of(german, "incident", ServiceNowSettings()) is Answer.APPROVED
    by_label = ServiceNowSettings(approved_codes=["Lo\u0308sung geliefert"], incident_closed_states=["gel\u00f6st"])
    assert answer_of(german, "incident", by_label) is Answer.APPROVED
    typographic = row(state="6", close_code="Won\u2019t Do")
    assert answer_of(typographic, "incident", ServiceNowSettings(rejected_codes=["won't do"])) is Answer.REJECTED


def test_an_approval_set_by_hand_has_a_time_and_no_name(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.set(ref, approval="approved")
    state = tickets.get(ref)
    assert (state.answer, state.decided_by, state.reason) == (Answer.APPROVED, None, None)
    assert state.decided_at is not None
    assert (datetime.now(UTC) - state.decided_at).total_seconds() < 60


def test_the_resolution_notes_are_the_reason(desks: Desks) -> None:
    site = IncidentSite(desks.start())
    tickets = site.adapter()
    ref = tickets.create(TicketRequest(label=LABEL, kind="error", summary="s", body=[]))
    site.set(ref, "eve", state="6", close_code="Solution provided", close_notes="The runtime was restarted.")
    state = tickets.get(ref)
    assert (state.decided_by, state.reason) == ("eve (eve)", "The runtime was restarted.")
    site.set(ref, "zoe", state="7")  # closing follows, and decides nothing
    assert tickets.get(ref).decided_by == "eve (eve)"


def test_what_a_site_asks_for_is_set_at_creation(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter(fields={"type": "emergency", "approval": "requested", "assignment_group": "Model risk"})
    ref = tickets.create(question.model_copy(update={"properties": {"model": "fraud-xgb"}}))
    records = change.desk.parts.records
    with records.reading() as session:
        fields = records.task(session, ref.key).fields
        assert (fields["type"], fields["assignment_group"]) == ("emergency", "Model risk")
        assert fields["correlation_display"] == "Model governance"


def test_without_a_way_to_withdraw_closing_only_comments(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    body = change.refusal % "the change model does not lead there"
    tickets.comment(ref, "e", "Nobody waits.")
    change.desk.faults.add(Effect.ANSWER, method="PATCH", status=403, body=body)
    kept = tickets.close(ref, "e", "Nobody waits.")
    assert kept is not None
    assert "the change model does not lead there" in kept
    assert tickets.get(ref).answer is Answer.PENDING
    assert len(change.comments(ref)) == 1
    yes = change.adapter(withdrawn_state="3", closed_states=["4"], approved_values=["requested"])
    assert yes.get(ref).answer is Answer.APPROVED
    assert yes.close(ref, "e", "Nobody waits.") is None
    assert tickets.get(ref).status == "New"
    none = change.adapter(withdrawn_state="")
    assert "No state is set" in (none.close(ref, "e", "Nobody waits.") or "")
    assert tickets.get(ref).status == "New"


def test_a_state_that_is_not_kept_leaves_the_ticket_open_and_is_said(
    change: ChangeSite, question: TicketRequest
) -> None:
    """ServiceNow ignores a field that the account may not write."""
    tickets = change.adapter()
    ref = tickets.create(question)
    tickets.comment(ref, "e", "Nobody waits.")
    body = '{"result": {"state": {"value": "-5", "display_value": "New"}}}'
    change.desk.faults.add(Effect.ANSWER, method="PATCH", status=200, body=body)
    assert "did not keep the state 4" in (tickets.close(ref, "e", "Nobody waits.") or "")
    assert tickets.close(ref, "e", "Nobody waits.") is None


def test_a_description_is_cut_between_lines_and_keeps_its_key() -> None:
    body = [Section(heading="Model", paragraphs=["line\n" * 2000]), Section(heading="Key", facts=[("Key", "gov-1")])]
    text = render_within(body, 4000)
    assert len(text) <= 4000
    assert text.endswith("Key\n---\n\nKey: gov-1")
    assert "line\n\n... The rest does not fit here" in text
    assert render_within(body[:1], 1000).startswith("Model\n-----\n\nline\n")
    assert render_within([], 1000) == ""


def test_no_text_becomes_html_in_a_journal() -> None:
    text = note("a [code]<script>alert(1)</script>[/code] b [ CODE ] \u202e", "e-1")
    assert "[code]" not in text.lower().replace(" ", "")
    assert text.endswith("\n\ngov-event:e-1")
    shown, event = link_note("g", "https://host/a]b[/code]<script>", 'Run [/code] <img src=x> "x"')
    inside = shown.removeprefix("[code]").partition("[/code]")[0]
    assert "[" not in inside
    assert "<script" not in inside
    assert "<img" not in inside
    assert shown.endswith(f"gov-event:{event}")
    shown, _ = link_note("g", "javascript:alert(1)", "[code]<b>")
    assert "[code]" not in shown
    assert "<a" not in shown


def test_wrong_settings_are_refused_at_once() -> None:
    for url in (None, "ftp://host", "host"):
        with pytest.raises(Refused, match="MLC_SERVICENOW_URL"):
            ServiceNowTicketing(ServiceNowSettings(url=url))
    with pytest.raises(Refused, match="MLC_SERVICENOW_TIME_ZONE"):
        ServiceNowTicketing(ServiceNowSettings(url="http://127.0.0.1", time_zone="Mars/Olympus"))
    with pytest.raises(ValueError, match="pattern"):
        ServiceNowSettings(table="change_request^ORactive=true")


@pytest.mark.parametrize(
    "settings",
    [
        {"user": USER, "password": TOKEN},
        {"user": None, "password": None, "token": TOKEN},
        {"user": None, "password": None, "client_id": USER, "client_secret": TOKEN},
    ],
    ids=["basic", "bearer", "client credentials"],
)
def test_each_way_to_say_who_we_are(change: ChangeSite, question: TicketRequest, settings: dict[str, Any]) -> None:
    tickets = change.adapter(**settings)
    assert tickets.get(tickets.create(question)).answer is Answer.PENDING


def test_a_token_is_fetched_once_and_again_when_it_is_refused(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter(user=None, password=None, client_id=USER, client_secret=TOKEN)
    ref = tickets.create(question)
    tickets.get(ref)
    assert change.desk.faults.requests.count("POST /oauth_token.do") == 1
    change.desk.parts.tokens.clear()
    with pytest.raises(Refused, match="401"):
        tickets.get(ref)
    assert tickets.get(ref).answer is Answer.PENDING
    assert change.desk.faults.requests.count("POST /oauth_token.do") == 2


def test_a_wrong_client_secret_sends_nothing_else(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter(user=None, password=None, client_id=USER, client_secret="wrong-secret")
    with pytest.raises(Refused) as caught:
        tickets.create(question)
    assert caught.value.status == 401
    assert "wrong-secret" not in str(caught.value)
    assert change.desk.faults.requests == ["POST /oauth_token.do"]


def test_an_unknown_number_is_not_found_when_others_are_seen(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    gone = ref.model_copy(update={"id": "CHG0039999", "key": "CHG0039999"})
    assert tickets.get(gone).answer is Answer.GONE
    with pytest.raises(NotFound, match="CHG0039999"):
        tickets.comment(gone, "e", "text")
