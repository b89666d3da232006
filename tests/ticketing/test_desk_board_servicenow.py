"""The board's ServiceNow tickets: a person approves or rejects a change request, and resolves an incident."""

import re

import pytest
from board_browser import Browser
from desk_harness import Desks, RunningDesk
from sites import ChangeSite, IncidentSite

from mlc.model.ticket import Answer, TicketRef
from mlc.standalone.desk.board import plain_text
from mlc.ticketing import Attachment, Section, TicketRequest


@pytest.fixture
def desk(desks: Desks) -> RunningDesk:
    return desks.start()


@pytest.fixture
def browser(desk: RunningDesk) -> Browser:
    return Browser(desk)


@pytest.fixture
def change(desk: RunningDesk) -> ChangeSite:
    return ChangeSite(desk)


@pytest.fixture
def ref(change: ChangeSite, question: TicketRequest) -> TicketRef:
    return change.adapter().create(question.model_copy(update={"properties": {"model": "fraud-xgb"}}))


@pytest.fixture
def incident(change: ChangeSite, question: TicketRequest) -> TicketRef:
    return change.adapter().create(question.model_copy(update={"kind": "error", "label": "gov-incident"}))


def test_a_person_approves_with_a_reason_and_a_date(change: ChangeSite, browser: Browser, ref: TicketRef) -> None:
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    assert 'value="approve" class="to-done">Approve<' in page
    answer = browser.send(path, page, comment="AUC is fine", expiration="2099-06-30", to="approve")
    assert [step.status_code for step in answer.history] == [303]
    state = change.adapter().get(ref)
    assert (state.answer, state.decided_by, state.reason) == (Answer.APPROVED, "Ada (Ada)", "AUC is fine")
    assert str(state.expiration) == "2099-06-30"
    for shown in ("AUC is fine", "set Approval to Approved", "2099-06-30", ">Reopen<"):
        assert shown in answer.text


def test_a_rejection_says_why_and_can_be_reopened(change: ChangeSite, browser: Browser, ref: TicketRef) -> None:
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    silent = browser.send(path, page, to="reject")
    assert silent.status_code == 422
    assert "mandatory" in silent.text
    assert change.adapter().get(ref).answer is Answer.PENDING
    page = browser.send(path, page, to="reject", comment="recall is too low").text
    state = change.adapter().get(ref)
    assert (state.answer, state.reason) == (Answer.REJECTED, "recall is too low")
    browser.send(path, page, to="reopen")
    assert change.adapter().get(ref).answer is Answer.PENDING


def test_an_incident_is_resolved_one_way_or_the_other(
    change: ChangeSite, browser: Browser, incident: TicketRef
) -> None:
    path = f"/browse/{incident.key}"
    page = browser.open(path)
    assert 'type="date"' not in page
    page = browser.send(path, page, to="solve", comment="restarted the runtime").text
    state = change.adapter().get(incident)
    assert (state.answer, state.reason) == (Answer.APPROVED, "restarted the runtime")
    page = browser.send(path, page, to="reopen").text
    assert change.adapter().get(incident).answer is Answer.PENDING
    page = browser.send(path, page, to="give-up").text
    assert change.adapter().get(incident).answer is Answer.REJECTED
    page = browser.send(path, page, to="reopen").text
    browser.send(path, page, to="cancel")
    assert change.adapter().get(incident).answer is Answer.UNDECIDED


def test_saving_without_deciding_keeps_the_ticket_open(change: ChangeSite, browser: Browser, ref: TicketRef) -> None:
    path = f"/browse/{ref.key}"
    answer = browser.send(path, browser.open(path), comment="a thought", expiration="2099-01-01")
    assert change.comments(ref) == ["a thought"]
    assert change.adapter().get(ref).answer is Answer.PENDING
    for wrong in ({"expiration": "soon"}, {"to": "solve"}, {"to": "77"}):
        refused = browser.send(path, answer.text, **({"comment": "kept"} | wrong))
        assert refused.status_code == 422
        assert "kept" in refused.text
    assert change.comments(ref) == ["a thought"]


def test_a_stale_form_is_answered_with_409_and_the_newer_state(
    change: ChangeSite, browser: Browser, ref: TicketRef
) -> None:
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    browser.send(path, page, to="approve")
    answer = browser.send(path, page, to="reject", comment="what I wanted to say")
    assert answer.status_code == 409
    assert "what I wanted to say" in answer.text
    assert change.adapter().get(ref).answer is Answer.APPROVED


def test_a_form_from_another_site_changes_nothing(change: ChangeSite, browser: Browser, ref: TicketRef) -> None:
    path, approve = f"/browse/{ref.key}", {"to": "approve", "name": "Mallory"}
    browser.open(path)
    assert browser.http.post(path, data=approve | {"form_key": "guess"}).status_code == 403
    assert change.adapter().get(ref).answer is Answer.PENDING


def test_the_board_lists_both_systems_and_says_which(
    desk: RunningDesk, browser: Browser, ref: TicketRef, incident: TicketRef, question: TicketRequest
) -> None:
    jira = desk.adapter().create(question.model_copy(update={"label": "gov-jira"}))
    decided = IncidentSite(desk).adapter().create(question.model_copy(update={"kind": "error", "label": "gov-done"}))
    IncidentSite(desk).approve(decided)
    page = browser.open("/")
    assert 'To Do <span class="count">3<' in page
    assert 'Done <span class="count">1<' in page
    for key, place in (
        (ref.key, "ServiceNow Change Request"),
        (incident.key, "ServiceNow Incident"),
        (jira.key, "Jira"),
    ):
        assert re.search(rf'href="/browse/{key}".*?<span>{place}</span>', page, re.DOTALL)
    assert "fraud-xgb" in page
    assert ">Approval<" in page


def test_no_text_of_a_record_becomes_html(change: ChangeSite, browser: Browser, question: TicketRequest) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>[code]<b>x</b>[/code]'
    body = [Section(heading=evil, paragraphs=[evil], facts=[(evil, evil)], links=[(evil, "javascript:alert(1)")])]
    tickets = change.adapter()
    ref = tickets.create(question.model_copy(update={"summary": evil, "body": body, "properties": {"model": evil}}))
    tickets.comment(ref, "e", evil)
    tickets.link(ref, "g", "javascript:alert(1)", evil)
    tickets.link(ref, "h", 'http://host/"><script>', evil)
    tickets.attach(ref, Attachment(name='e"vil<b>.html', content=b"<script>alert(1)</script>"))
    change.say(ref, evil + '[code]<a href="javascript:alert(1)">x</a>[/code]', by=evil)
    path = f"/browse/{ref.key}"
    page = browser.send(path, browser.open(path), name=evil, comment=evil).text
    for shown in (page, browser.open("/")):
        assert "<script" not in shown
        assert "<img" not in shown
        assert "<b>x" not in shown
        assert 'href="javascript' not in shown
    file = browser.http.get(re.search(rf'href="({path}/attachments/[0-9a-f]+)"', page)[1])  # type: ignore[index]
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["x-content-type-options"] == "nosniff"


def test_links_of_servicenows_own_lead_to_the_page(browser: Browser, ref: TicketRef) -> None:
    answer = browser.http.get(ref.url)
    assert answer.url.path == f"/browse/{ref.key}"
    assert answer.status_code == 200
    assert browser.http.get("/nav_to.do", params={"uri": "change_request.do?sys_id=none"}).status_code == 404


def test_the_machines_notes_are_not_shown_and_links_are(change: ChangeSite, browser: Browser, ref: TicketRef) -> None:
    tickets = change.adapter()
    tickets.comment(ref, "event-7", "The date is past.")
    tickets.link(ref, "run", "http://127.0.0.1/run?a=1&b=2", "The run & its history")
    page = browser.open(f"/browse/{ref.key}")
    assert "The date is past." in page
    assert '<a href="http://127.0.0.1/run?a=1&amp;b=2"' in page
    assert ">The run &amp; its history</a>" in page
    for hidden in ("gov-event", "For the machines", "[code]"):
        assert hidden not in page


def test_an_unknown_number_is_a_page_that_says_so(browser: Browser, ref: TicketRef) -> None:
    for path in ("/browse/CHG0039999", "/browse/INC0030001", f"/browse/{ref.key}/attachments/1"):
        assert browser.http.get(path).status_code == 404


def test_plain_texts_keep_headings_and_columns() -> None:
    text = "Verdict\n-------\n\nNot passed, see https://host/x?a=1&b=2\nnext line\n\nRule  Passes\n1     <no>\n"
    shown = plain_text.description(text)
    assert "<h3>Verdict</h3>" in shown
    assert '<a href="https://host/x?a=1&amp;b=2"' in shown
    assert "<br>next line" in shown
    assert '<tr><th>Rule</th><th>Passes</th></tr><tr><td data-label="Rule">1</td>' in shown
    assert '<td data-label="Passes">&lt;no&gt;</td>' in shown


def test_columns_with_empty_and_with_many_worded_cells_keep_their_places() -> None:
    text = "Decision table  Reason            Category\n1.dmn           AUC is  too low\n"
    text += "2.dmn                             Risk\n"
    shown = plain_text.description(text)
    assert '<td data-label="Reason">AUC is  too low</td><td data-label="Category"></td>' in shown
    assert '<td data-label="Reason"></td><td data-label="Category">Risk</td>' in shown


def test_lines_that_stand_in_no_columns_stay_text() -> None:
    shown = plain_text.description("a  b\nsomething quite different")
    assert "<table" not in shown
    assert "something quite different" in shown


def test_lines_that_are_shown_as_they_are_keep_their_indents_and_blank_ones() -> None:
    shown = plain_text.description("Judged before\n-------------\n\n| @@ -1 +1 @@\n|\n| -    return <b>\n")
    assert "<pre>@@ -1 +1 @@\n\n-    return &lt;b&gt;</pre>" in shown


def test_an_incidents_buttons_say_what_they_do(change: ChangeSite, browser: Browser, question: TicketRequest) -> None:
    said = {"yes": "Test again", "no": "Stop"}
    request = question.model_copy(update={"kind": "rejection", "label": "gov-again", "properties": said})
    ref = change.adapter().create(request)
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    assert "Test again <small>Resolve: " in page
    assert browser.button(page, "Stop") == "give-up"
    browser.send(path, page, to=browser.button(page, "Test again"))
    assert change.adapter().get(ref).answer is Answer.APPROVED
