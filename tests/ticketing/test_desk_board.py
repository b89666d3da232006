"""The board: a person reads a ticket and decides, and nobody else can make their browser do so."""

import re
import socket
from contextlib import ExitStack

import httpx
import pytest
from board_browser import Browser
from desk_harness import TOKEN, USER, Desks, RunningDesk
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from mlc.model.ticket import Answer, TicketRef
from mlc.standalone.desk.serve import running
from mlc.ticketing import Attachment, Section, TicketRequest


@pytest.fixture
def desk(desks: Desks) -> RunningDesk:
    return desks.start()


@pytest.fixture
def ref(desk: RunningDesk, question: TicketRequest) -> TicketRef:
    properties = {"model": "fraud-xgb"}
    return desk.adapter().create(question.model_copy(update={"properties": properties}))


@pytest.fixture
def browser(desk: RunningDesk) -> Browser:
    return Browser(desk)


def test_a_person_approves_with_a_reason_and_a_date(desk: RunningDesk, browser: Browser, ref: TicketRef) -> None:
    page = browser.open(f"/browse/{ref.key}")
    values = {"comment": "AUC is fine", "expiration": "2099-06-30", "to": browser.button(page, "Done")}
    answer = browser.send(f"/browse/{ref.key}", page, **values)
    assert [step.status_code for step in answer.history] == [303]
    state = desk.adapter().get(ref)
    assert state.answer is Answer.APPROVED
    assert state.decided_by is not None
    assert state.decided_by.startswith("Ada")
    assert state.reason == "AUC is fine"
    assert str(state.expiration) == "2099-06-30"
    assert 'value="Ada"' in answer.text  # the name is remembered
    assert "AUC is fine" in answer.text


def test_a_person_rejects_and_reopens(desk: RunningDesk, browser: Browser, ref: TicketRef) -> None:
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    page = browser.send(path, page, to=browser.button(page, "Rejected")).text
    assert desk.adapter().get(ref).answer is Answer.REJECTED
    page = browser.send(path, page, to=browser.button(page, "Reopen"), comment="too soon").text
    assert desk.adapter().get(ref).answer is Answer.PENDING
    assert "too soon" in page


def test_saving_without_deciding_keeps_the_ticket_open(desk: RunningDesk, browser: Browser, ref: TicketRef) -> None:
    path = f"/browse/{ref.key}"
    browser.send(path, browser.open(path), comment="a thought", name="  \n ")
    assert desk.adapter().get(ref).answer is Answer.PENDING
    (comment,) = desk.fields(ref)["comment"]["comments"]
    assert comment["author"]["displayName"] == "you"


def test_a_form_from_another_site_changes_nothing(desk: RunningDesk, browser: Browser, ref: TicketRef) -> None:
    path, done = f"/browse/{ref.key}", {"to": "10002", "name": "Mallory"}
    stranger = httpx.Client(base_url=desk.url, trust_env=False)
    assert stranger.post(path, data=done).status_code == 403
    assert stranger.post(path, data=done | {"form_key": ""}).status_code == 403
    assert stranger.post(path, data=done | {"form_key": "guess"}).status_code == 403
    browser.open(path)
    assert browser.http.post(path, data=done | {"form_key": "guess"}).status_code == 403
    cookie = browser.http.get(path).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert desk.adapter().get(ref).answer is Answer.PENDING


@pytest.mark.parametrize("version", ["as it was shown", "", "1", None])
def test_a_stale_form_is_answered_with_409_and_the_newer_state(
    desk: RunningDesk, browser: Browser, ref: TicketRef, version: str | None
) -> None:
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    browser.send(path, page, to=browser.button(page, "Done"))
    said = {"to": browser.button(page, "Rejected"), "comment": "what I wanted to say"}
    shown = {} if version == "as it was shown" else {"version": version or ""}
    answer = browser.send(path, page, **(said | shown))
    assert answer.status_code == 409
    assert "This ticket has changed since you opened it, so nothing was saved." in answer.text
    assert "what I wanted to say" in answer.text  # it is not lost
    assert '<span class="status done">Done</span>' in answer.text
    assert desk.adapter().get(ref).answer is Answer.APPROVED
    assert desk.fields(ref)["comment"]["total"] == 0
    # What was answered is a form of the ticket as it is now.
    again = browser.send(path, answer.text, comment="I see")
    assert again.status_code == 200
    assert desk.fields(ref)["comment"]["total"] == 1


def test_a_value_that_cannot_be_used_is_explained_and_nothing_is_lost(
    desk: RunningDesk, browser: Browser, ref: TicketRef
) -> None:
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    for wrong in ({"expiration": "soon"}, {"to": "77"}, {"comment": "x" * 40_000}):
        answer = browser.send(path, page, **({"comment": "kept text"} | wrong))
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert wrong.get("comment", "kept text")[:9] in answer.text
    assert desk.fields(ref)["comment"]["total"] == 0
    assert desk.adapter().get(ref).answer is Answer.PENDING


def test_no_text_of_a_ticket_comment_name_link_or_file_becomes_html(
    desk: RunningDesk, browser: Browser, question: TicketRequest
) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    body = [Section(heading=evil, paragraphs=[evil], facts=[(evil, evil)], links=[(evil, "javascript:alert(1)")])]
    hostile = question.model_copy(update={"summary": evil, "body": body, "properties": {"model": evil}})
    ref = desk.adapter().create(hostile)
    desk.adapter().link(ref, "g", "javascript:alert(1)", evil)
    desk.adapter().attach(ref, Attachment(name='e"vil<b>.html', content=b"<script>alert(1)</script>"))
    desk.say(ref, f"[x|javascript:alert(1)] !http://evil.example/x.png! {evil}", by=evil)
    path = f"/browse/{ref.key}"
    page = browser.send(path, browser.open(path), name=evil, comment=evil).text
    for shown in (page, browser.open("/")):
        assert "<script" not in shown
        assert "<img" not in shown
        assert 'href="javascript' not in shown
    file = browser.http.get(path + "/attachments/1")
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["x-content-type-options"] == "nosniff"


def test_pages_load_nothing_from_elsewhere_and_forbid_it(browser: Browser, ref: TicketRef) -> None:
    for path in ("/", f"/browse/{ref.key}"):
        answer = browser.http.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert set(re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]+)"', answer.text)) == {"/board.css"}
    style = browser.http.get("/board.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_the_board_shows_tickets_by_status_the_newest_first(
    desk: RunningDesk, browser: Browser, ref: TicketRef, question: TicketRequest
) -> None:
    newer = desk.adapter().create(question.model_copy(update={"label": "gov-2", "kind": "error"}))
    closed = desk.adapter().create(question.model_copy(update={"label": "gov-3"}))
    desk.move(closed, "Done")
    page = browser.open("/")
    places = [page.index(f"/browse/{key}") for key in (newer.key, ref.key, closed.key)]
    assert places == sorted(places)
    assert "fraud-xgb" in page
    assert ">Error<" in page


def test_a_resolution_that_its_status_does_not_bring_stands_on_the_board(
    desk: RunningDesk, browser: Browser, ref: TicketRef
) -> None:
    desk.move(ref, "Done")
    assert "Resolution" not in browser.open("/")
    desk.move(ref, "To Do")
    desk.move(ref, "Done", "Withdrawn")
    assert "<span>Resolution: Withdrawn</span>" in browser.open("/")


def test_the_machines_mark_is_not_shown(desk: RunningDesk, browser: Browser, ref: TicketRef) -> None:
    desk.adapter().comment(ref, "event-7", "The date is past.")
    page = browser.open(f"/browse/{ref.key}")
    assert "The date is past." in page
    assert "gov-event" not in page


def test_an_unknown_ticket_is_a_page_that_says_so(browser: Browser) -> None:
    for path in ("/browse/MLR-99", "/browse/%3Cb%3E", "/browse/MLR-99/attachments/1"):
        answer = browser.http.get(path)
        assert answer.status_code == 404
        assert "<b>" not in answer.text


def test_an_attachment_is_given_out_under_its_own_ticket_only(
    desk: RunningDesk, browser: Browser, ref: TicketRef, question: TicketRequest
) -> None:
    other = desk.adapter().create(question.model_copy(update={"label": "gov-other"}))
    desk.adapter().attach(ref, Attachment(name="r.json", content=b"{}"))
    assert browser.http.get(f"/browse/{ref.key}/attachments/1").content == b"{}"
    assert browser.http.get(f"/browse/{other.key}/attachments/1").status_code == 404


def test_another_name_for_this_machine_needs_the_token(desk: RunningDesk, ref: TicketRef) -> None:
    """DNS rebinding: a page of evil.example whose name was made to lead here."""
    with httpx.Client(base_url=desk.url, trust_env=False, headers={"Host": "evil.example"}) as http:
        for path in ("/", f"/browse/{ref.key}"):
            answer = http.get(path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic")
            assert http.get(path, auth=(USER, TOKEN)).status_code == 200


def test_without_the_field_the_form_does_not_ask_for_a_date(desks: Desks, question: TicketRequest) -> None:
    desk = desks.start(expiration_field=False)
    ref = desk.adapter().create(question)
    browser = Browser(desk)
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    assert 'type="date"' not in page
    assert browser.send(path, page, expiration="2099-01-01", to="10002").status_code == 200
    assert desk.adapter().get(ref).answer is Answer.APPROVED


def test_the_centres_notifications_stand_beside_the_tickets_and_may_be_missing(desks: Desks) -> None:
    centre, listener = FastAPI(), socket.create_server(("127.0.0.1", 0))
    asked: list[str] = []

    @centre.get("/model-manage/api/notifications")
    def notifications(request: Request) -> JSONResponse:
        asked.append(request.headers.get("Authorization", ""))
        listed = [{"severity": "WARNING", "message": "<b>no monitor</b>", "createdDate": "2026-11-05T10:00:00Z"}]
        return JSONResponse({"_embedded": {"notifications": listed}})

    url = f"http://127.0.0.1:{listener.getsockname()[1]}/model-manage/api"
    with ExitStack() as stack:
        stack.enter_context(running(centre, listener))
        page = Browser(desks.start(center_url=url, center_token="t0ken")).open("/")
    assert asked == ["Bearer t0ken"]
    assert "&lt;b&gt;no monitor&lt;/b&gt;" in page
    assert "t0ken" not in page
    assert "does not answer" in Browser(desks.start(center_url=url)).open("/")
    assert "Notifications" not in Browser(desks.start()).open("/")


@pytest.mark.parametrize(
    ("kind", "said", "shown"),
    [
        ("review", {"yes": "Approve", "no": "Reject"}, {"Approve": Answer.APPROVED, "Reject": Answer.REJECTED}),
        ("rejection", {"yes": "Test again", "no": "Stop"}, {"Test again": Answer.APPROVED, "Stop": Answer.REJECTED}),
        ("error", {"yes": "Go on without", "no": "Stop"}, {"Go on without": Answer.APPROVED, "Stop": Answer.REJECTED}),
        ("record", {}, {"Close": Answer.APPROVED}),
        ("a person's own", {}, {"Done": Answer.APPROVED, "Rejected": Answer.REJECTED}),
        ("review", {}, {"Done": Answer.APPROVED, "Rejected": Answer.REJECTED}),
    ],
)
def test_a_button_says_what_it_does_and_the_status_keeps_its_name(
    desk: RunningDesk,
    browser: Browser,
    question: TicketRequest,
    kind: str,
    said: dict[str, str],
    shown: dict[str, Answer],
) -> None:
    for number, (text, answer) in enumerate(shown.items()):
        asked = question.model_copy(update={"label": f"gov-{number}", "kind": kind, "properties": said})
        ref = desk.adapter().create(asked)
        path = f"/browse/{ref.key}"
        page = browser.send(path, browser.open(path), to=browser.button(browser.open(path), text)).text
        assert desk.adapter().get(ref).answer is answer
        status = "Done" if answer is Answer.APPROVED else "Rejected"
        assert f'<span class="status done">{status}</span>' in page


@pytest.mark.parametrize(
    ("kind", "heading"),
    [("review", "Decide"), ("a person's own", "Decide")]
    + [(kind, "Comment or close") for kind in ("record", "notification", "failed test", "job review")],
)
def test_only_a_ticket_that_somebody_waits_for_is_to_be_decided(
    desk: RunningDesk, browser: Browser, question: TicketRequest, kind: str, heading: str
) -> None:
    ref = desk.adapter().create(question.model_copy(update={"kind": kind}))
    page = browser.open(f"/browse/{ref.key}")
    assert f'<h2 id="decide">{heading}</h2>' in page
    assert ("To the answer" in page) is (heading == "Decide")


def test_what_a_ticket_calls_its_answers_is_shown_as_the_text_that_it_is(
    desk: RunningDesk, browser: Browser, question: TicketRequest
) -> None:
    ref = desk.adapter().create(question.model_copy(update={"properties": {"yes": "<b>Yes</b>", "no": "N"}}))
    assert ">&lt;b&gt;Yes&lt;/b&gt; <small>Done</small></button>" in browser.open(f"/browse/{ref.key}")


@pytest.mark.parametrize(
    ("kind", "asks"), [("review", True), ("rejection", False), ("error", False), ("record", False)]
)
def test_a_date_is_asked_for_where_it_has_an_effect(
    desk: RunningDesk, browser: Browser, question: TicketRequest, kind: str, asks: bool
) -> None:
    ref = desk.adapter().create(question.model_copy(update={"kind": kind}))
    path = f"/browse/{ref.key}"
    page = browser.open(path)
    assert ("Expiration Date" in page) is asks
    browser.send(path, page, expiration="2099-01-01")
    assert (str(desk.adapter().get(ref).expiration) == "2099-01-01") is asks
