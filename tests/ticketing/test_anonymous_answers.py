"""What a system answers to nobody in particular is an error: nothing is known then, and nothing is kept of it."""

import json
from datetime import date

import pytest
from desk_harness import LABEL, Desks, RunningDesk
from sites import ChangeSite, IncidentSite

from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.model.ticket import TicketKind
from mlc.standalone.faults import Effect
from mlc.ticketing import TicketRequest

SERAPH = [
    {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"},
    {"x-seraph-loginreason": "AUTHENTICATION_DENIED"},
    {"X-Seraph-LoginReason": "OUT"},
    {"X-Seraph-LoginReason": "OUT", "X-AUSERNAME": "anonymous"},
    {"X-AUSERNAME": "anonymous"},
]
KNOWN = [
    {"X-Seraph-LoginReason": "OK"},
    {"X-Seraph-LoginReason": "OUT", "X-AUSERNAME": "mlc"},
    {"X-Seraph-LoginReason": "OUT, OK"},
    {},
]
SYSTEM_FIELDS = json.dumps([{"id": "issuekey", "name": "Key", "custom": False}])
NO_ISSUES = json.dumps({"issues": [], "isLast": True, "total": 0})


@pytest.mark.parametrize("headers", SERAPH, ids=str)
def test_an_anonymous_search_that_finds_nothing_is_an_error_and_says_what_to_renew(
    desk: RunningDesk, question: TicketRequest, headers: dict[str, str]
) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    assert tickets.find(LABEL) == [ref]
    for call in (lambda: tickets.find(LABEL), lambda: tickets.get_many([ref]), lambda: tickets.changed(60, 5)):
        desk.faults.add(Effect.ANSWER, path="/search", status=200, body=NO_ISSUES, headers=headers)
        with pytest.raises(Refused, match="has the token expired") as caught:
            call()
        assert caught.value.status == 401
        assert "MLC_JIRA_TOKEN" in str(caught.value)
    assert tickets.find(LABEL) == [ref]


@pytest.mark.parametrize("headers", KNOWN, ids=str)
def test_an_answer_to_somebody_is_none(desk: RunningDesk, headers: dict[str, str]) -> None:
    tickets = desk.adapter()
    desk.faults.add(Effect.ANSWER, path="/search", status=200, body=NO_ISSUES, headers=headers)
    assert tickets.find(LABEL) == []


@pytest.mark.parametrize("headers", SERAPH, ids=str)
def test_a_ticket_is_not_gone_because_an_anonymous_reader_does_not_see_it(
    desk: RunningDesk, question: TicketRequest, headers: dict[str, str]
) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    tickets.get(ref)
    for path in (f"/issue/{ref.id}$", "/properties/"):
        desk.faults.add(Effect.ANSWER, path=path, status=404, body="{}", headers=headers)
    with pytest.raises(Refused, match="did not know us"):
        tickets.get(ref)
    with pytest.raises(Refused, match="did not know us"):
        tickets.find(LABEL)


@pytest.mark.parametrize(
    ("body", "headers"),
    [(SYSTEM_FIELDS, headers) for headers in SERAPH] + [("[]", {}), ("<html>", SERAPH[0])],
    ids=str,
)
def test_a_list_of_fields_that_was_given_to_nobody_or_is_empty_is_an_error_and_not_kept(
    desk: RunningDesk, question: TicketRequest, body: str, headers: dict[str, str]
) -> None:
    ref = desk.adapter().create(question)
    desk.set_expiration(ref, "2099-12-31")
    desk.move(ref, "Done")
    tickets = desk.adapter()
    for _ in range(2):
        desk.faults.add(Effect.ANSWER, path="/field$", status=200, body=body, headers=headers)
        with pytest.raises(ExternalError):
            tickets.get(ref)
    assert tickets.get(ref).expiration == date(2099, 12, 31)
    assert tickets.wording(TicketKind.REVIEW).expiration_field == "Expiration Date"


def test_what_was_written_in_nobodys_name_has_to_be_looked_for(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter()
    created = '{"id": "10001", "key": "MLR-1"}'
    path = "^/rest/api/2/issue$"
    desk.faults.add(Effect.ANSWER_AFTER, method="POST", path=path, status=201, body=created, headers=SERAPH[0])
    with pytest.raises(Unavailable, match="did not know us") as caught:
        tickets.create(question)
    assert caught.value.maybe_done
    assert len(tickets.find(LABEL)) == 1
    for status in (302, 400):
        desk.faults.add(Effect.ANSWER, method="POST", path=path, status=status, body="{}", headers=SERAPH[0])
        with pytest.raises(Refused):
            tickets.create(question)


def test_an_answer_that_says_later_is_one_whoever_asked(desk: RunningDesk) -> None:
    tickets = desk.adapter()
    for status in (429, 503):
        desk.faults.add(Effect.ANSWER, status=status, headers=SERAPH[0])
        with pytest.raises(Unavailable, match=str(status)):
            tickets.find(LABEL)


GUEST = {"X-Is-Logged-In": "false", "X-Total-Count": "0"}


@pytest.mark.parametrize("headers", SERAPH, ids=str)
@pytest.mark.parametrize("status", [302, 400])
def test_a_write_that_nobody_in_particular_was_refused_was_not_done(
    desk: RunningDesk, question: TicketRequest, headers: dict[str, str], status: int
) -> None:
    desk.faults.add(Effect.ANSWER, method="POST", status=status, body="", headers=headers)
    with pytest.raises(Refused):
        desk.adapter().create(question)


@pytest.mark.parametrize("site", ["ServiceNow change", "ServiceNow incident"], indirect=True)
def test_a_guests_write_that_is_led_to_a_login_was_not_done(
    site: ChangeSite | IncidentSite, question: TicketRequest
) -> None:
    site.faults.add(Effect.ANSWER, method="POST", status=302, body="", headers=GUEST)
    with pytest.raises(Refused, match="guest"):
        site.adapter().create(question)


@pytest.mark.parametrize("site", ["ServiceNow change", "ServiceNow incident"], indirect=True)
def test_servicenows_answer_to_a_guest_is_an_error(site: ChangeSite | IncidentSite, question: TicketRequest) -> None:
    tickets = site.adapter()
    ref = tickets.create(question)
    for status, body in ((200, '{"result": []}'), (404, '{"error": {"message": "No Record found"}}'), (302, "")):
        for call in (lambda: tickets.find(LABEL), lambda: tickets.get(ref), lambda: tickets.get_many([ref])):
            site.faults.add(Effect.ANSWER, status=status, body=body, headers=GUEST)
            with pytest.raises(Refused, match="took us for a guest") as caught:
                call()
            assert caught.value.status == 401
    site.faults.add(Effect.ANSWER_AFTER, method="POST", status=201, body='{"result": {}}', headers=GUEST)
    with pytest.raises(Unavailable, match="guest") as unclear:
        tickets.create(question.model_copy(update={"label": "gov-other"}))
    assert unclear.value.maybe_done
    assert len(tickets.find("gov-other")) == 1


@pytest.mark.parametrize("site", ["ServiceNow change", "ServiceNow incident"], indirect=True)
def test_tickets_that_servicenow_counts_and_does_not_show_are_not_taken_for_none(
    site: ChangeSite | IncidentSite, question: TicketRequest
) -> None:
    tickets = site.adapter()
    ref = tickets.create(question)
    site.faults.add(Effect.ANSWER, status=200, body='{"result": []}', headers={"X-Total-Count": "1"})
    with pytest.raises(Refused, match="lost a role"):
        tickets.find(LABEL)
    assert tickets.find(LABEL) == [ref]


def test_that_servicenow_shows_no_field_is_not_kept_where_it_shows_nothing(desks: Desks) -> None:
    tickets = ChangeSite(desk := desks.start()).adapter()
    desk.faults.add(Effect.ANSWER, path="/table/change_request$", status=200, body='{"result": []}')
    desk.faults.add(Effect.ANSWER, path="/sys_dictionary$", status=403, body="{}")
    assert tickets.wording(TicketKind.REVIEW).expiration_field is None
    assert tickets.wording(TicketKind.REVIEW).expiration_field == "Expiration Date"
