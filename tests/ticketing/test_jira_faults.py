"""What the Jira adapter makes of an unreliable Jira: one POST a creation, the right word for it, and no secrets."""

import base64
import logging
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from desk_harness import LABEL, TOKEN, USER, RunningDesk

from mlc.model.failure import ExternalError, NotFound, Refused, Unavailable
from mlc.settings import JiraSettings
from mlc.standalone.faults import Effect
from mlc.ticketing import TicketRequest
from mlc.ticketing.http_failure import retry_after
from mlc.ticketing.jira import JiraTicketing

ISSUE = r"^/rest/api/2/issue$"


@pytest.mark.parametrize(
    ("fault", "maybe_done", "stored"),
    [
        ({"effect": Effect.ANSWER, "status": 429}, False, 0),
        ({"effect": Effect.ANSWER, "status": 503, "headers": {"Retry-After": "7"}}, False, 0),
        ({"effect": Effect.ANSWER, "status": 503}, True, 0),
        ({"effect": Effect.ANSWER, "status": 500}, True, 0),
        ({"effect": Effect.ANSWER_AFTER, "status": 502}, True, 1),
        ({"effect": Effect.ANSWER_AFTER, "status": 200, "body": "<html>please log in</html>"}, True, 1),
        ({"effect": Effect.ANSWER_AFTER, "status": 201, "body": "[]"}, True, 1),
        ({"effect": Effect.DROP}, True, 0),
        ({"effect": Effect.DROP_AFTER}, True, 1),
        ({"effect": Effect.SLOW, "seconds": 1.5}, True, 1),
    ],
    ids=lambda value: f"{value['effect']}-{value.get('status', '')}" if isinstance(value, dict) else str(value),
)
def test_a_creation_is_one_post_whatever_happens_and_tells_whether_it_may_have_worked(
    desk: RunningDesk, question: TicketRequest, fault: dict[str, object], maybe_done: bool, stored: int
) -> None:
    tickets = desk.adapter(timeout=0.5)
    desk.faults.add(method="POST", path=ISSUE, **fault)  # type: ignore[arg-type]
    with pytest.raises(Unavailable) as caught:
        tickets.create(question)
    assert caught.value.maybe_done is maybe_done
    assert desk.posts() == 1
    assert len(desk.adapter().find(LABEL)) == stored


def test_a_refused_connection_was_certainly_not_sent(question: TicketRequest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    tickets = JiraTicketing(JiraSettings(url=f"http://127.0.0.1:{port}", token="t", timeout=1))
    with pytest.raises(Unavailable) as caught:
        tickets.create(question)
    assert caught.value.maybe_done is False


@pytest.mark.parametrize("status", [400, 401, 403, 413, 422])
def test_a_refusal_is_final_and_tells_jiras_own_reason(desk: RunningDesk, question: TicketRequest, status: int) -> None:
    body = '{"errorMessages": [], "errors": {"issuetype": "Specify a valid issue type"}}'
    desk.faults.add(Effect.ANSWER, method="POST", path=ISSUE, status=status, body=body)
    with pytest.raises(Refused, match="issuetype: Specify a valid issue type") as caught:
        desk.adapter().create(question)
    assert caught.value.status == status


def test_a_project_that_is_not_there_is_refused(desk: RunningDesk, question: TicketRequest) -> None:
    with pytest.raises(Refused, match="project"):
        desk.adapter(project="NOPE").create(question)


def test_a_wrong_token_is_refused_with_a_hint(desk: RunningDesk, question: TicketRequest) -> None:
    with pytest.raises(Refused, match="token right") as caught:
        desk.adapter(token="wrong").create(question)
    assert caught.value.status == 401


def test_a_ticket_is_not_taken_for_gone_when_the_whole_project_is_out_of_sight(
    desk: RunningDesk, question: TicketRequest
) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    for path in (r"/issue/\d+$", "/project/"):
        desk.faults.add(Effect.ANSWER, method="GET", path=path, status=404)
    with pytest.raises(NotFound, match="project"):
        tickets.get(ref)


def test_retry_after_is_read_as_seconds_and_as_a_date_and_kept_in_bounds(
    desk: RunningDesk, question: TicketRequest
) -> None:
    desk.faults.add(Effect.ANSWER, method="POST", path=ISSUE, status=429, headers={"Retry-After": "30"})
    with pytest.raises(Unavailable) as caught:
        desk.adapter().create(question)
    assert caught.value.retry_after == timedelta(seconds=30)
    now = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)
    in_a_minute = format_datetime(now + timedelta(minutes=1), usegmt=True)
    assert retry_after(in_a_minute, now=now) == timedelta(minutes=1)
    assert retry_after("0.5") == timedelta(seconds=1)
    assert retry_after("86400") == timedelta(minutes=15)
    assert retry_after("1e99") == retry_after("nan") == retry_after("soon") == retry_after(None) is None


def test_no_error_holds_a_secret_or_a_page(
    desk: RunningDesk, question: TicketRequest, caplog: pytest.LogCaptureFixture
) -> None:
    basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    page = f"<html>{TOKEN} {basic} the-whole-page</html>"
    echo = f'{{"errorMessages": ["bad header Basic {basic}, token {TOKEN} {"x" * 2000}"]}}'
    faults = [
        {"effect": Effect.ANSWER, "status": status, "body": body, "headers": {"X-Secret": "header-value"}}
        for status in (200, 302, 400, 403, 404, 429, 500, 503)
        for body in (page, echo)
    ] + [{"effect": Effect.DROP}, {"effect": Effect.DROP_AFTER}]
    tickets = desk.adapter()
    with caplog.at_level(logging.DEBUG):
        for fault in faults:
            desk.faults.add(method="POST", path=ISSUE, **fault)  # type: ignore[arg-type]
            with pytest.raises(ExternalError) as caught:
                tickets.create(question)
            error = caught.value
            assert error.__cause__ is None
            assert error.__context__ is None
            text = f"{error} {error!r} {error.args}"
            assert len(text) < 1200
            for leak in (TOKEN, basic, "the-whole-page", "header-value", "Authorization"):
                assert leak not in text
    assert TOKEN not in caplog.text
    assert basic not in caplog.text


def test_an_answer_of_another_shape_is_an_outage_not_a_crash(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    tickets.get(ref)
    for body in ("null", "[]", '{"id": 7}', '{"issues": 3}', '{"fields": {}}', "\x00", '"text"'):
        for call in (lambda: tickets.get(ref), lambda: tickets.get_many([ref]), lambda: tickets.comment(ref, "e", "t")):
            desk.faults.add(Effect.ANSWER, method="GET", status=200, body=body)
            with pytest.raises(Unavailable, match="unreadable"):
                call()
        desk.faults.planned.clear()


def test_the_adapter_asks_nothing_before_it_has_to(desk: RunningDesk, question: TicketRequest) -> None:
    desk.adapter().create(question)
    assert desk.faults.requests == ["POST /rest/api/2/issue"]


def test_a_lagging_index_hides_a_new_ticket_from_find_but_not_from_get(
    desk: RunningDesk, question: TicketRequest
) -> None:
    tickets = desk.adapter()
    desk.parts.index_lag = 60
    ref = tickets.create(question)
    assert tickets.find(LABEL) == []
    assert tickets.get(ref).status == "To Do"
    desk.parts.index_lag = 0
    assert tickets.find(LABEL) == [ref]
