"""Of a ticket of which something is odd, all that can be known counts, and nothing else."""

from typing import Any

import pytest
from ticket_cases import Outcome, outcome_of

from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.model.ticket import Answer, TicketState

ADA = {"accountId": "557058:ada", "displayName": "Ada", "accountType": "atlassian"}
BOB = {"accountId": "557058:bob", "displayName": "Bob", "accountType": "atlassian"}
FIELD = {
    "id": "customfield_10042",
    "name": "Expiration Date",
    "custom": True,
    "clauseNames": ["cf[10042]"],
    "schema": {"type": "date"},
}
DONE = {"id": "10001", "name": "Done", "statusCategory": {"key": "done"}}
TO_DO = {"id": "1", "name": "To Do", "statusCategory": {"key": "new"}}
WITHDRAWN = {"id": "10099", "name": "Withdrawn", "statusCategory": {"key": "done"}}
MOVE = {
    "id": "2",
    "created": "2026-11-20T12:00:00.000+0100",
    "author": ADA,
    "items": [{"field": "status", "fieldtype": "jira", "from": "3", "fromString": "In Review", "to": "10001"}],
}
SAID = {"id": "5", "body": "fine", "author": ADA, "created": "2026-11-20T12:00:00.000+0100"}
ROW = {
    "sys_id": "0123456789abcdef0123456789abcdef",
    "number": "CHG0030001",
    "state": "-1",
    "approval": "approved",
    "approval_set": "2026-11-20 12:00:00",
}
PLACE = {"provider": "servicenow", "id": f"change_request:{ROW['sys_id']}", "key": "CHG0030001"}


def ticket(history: Any = (MOVE,), status: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    changelog = {"startAt": 0, "maxResults": 100, "total": len(history), "histories": history}
    answered = {"status": status or DONE, "resolution": None, "customfield_10042": "2099-12-31", **fields}
    return {"id": "10001", "key": "MLR-7", "fields": answered, "changelog": changelog}


def asked(call: str, *routes: tuple[str, str, Any], **more: Any) -> Outcome:
    """What comes of a call; each route gives one answer, or a list of answers."""
    listed = [
        {"method": method, "path": path, "answers": answer if isinstance(answer, list) else [answer]}
        for method, path, answer in routes
    ]
    return outcome_of({"call": call, "routes": listed} | more)


def read(issue: Any, *said: Any, field: Any = FIELD, comments: Any = None) -> Outcome:
    return asked(
        "get",
        ("GET", "/field", {"json": [field]}),
        ("GET", "/comment", {"json": comments or {"startAt": 0, "total": len(said), "comments": said}}),
        ("GET", "/issue/10001", {"json": issue}),
    )


def told(outcome: Outcome) -> TicketState:
    assert isinstance(outcome.value, TicketState), outcome
    return outcome.value


@pytest.mark.parametrize(
    "issue",
    [
        ticket() | {"id": 10001},
        ticket(labels=None, updated=None, project=None),
        ticket([MOVE | {"id": 2}]),
        ticket([MOVE, MOVE | {"id": "3", "items": None}]),
        ticket([MOVE, MOVE | {"id": "4", "items": [{"field": "labels", "from": None, "to": 7}]}]),
    ],
    ids=["an id that is a number", "nulls", "a number in a history", "no items", "a number in an item"],
)
def test_nulls_and_numbers_change_nothing(issue: Any) -> None:
    state = told(read(issue, SAID))
    assert (state.answer, state.reason, str(state.expiration)) == (Answer.APPROVED, "fine", "2099-12-31")


@pytest.mark.parametrize(
    "changelog",
    [{}, "None", [], {"histories": [{"id": "2", "items": []}]}, {"histories": [MOVE | {"author": "Ada"}]}],
    ids=["empty", "a text", "a list", "an edit without a time", "an author as a text"],
)
def test_a_changelog_that_can_not_be_read_leaves_the_answer_in_and_the_facts_out(changelog: Any) -> None:
    state = told(read(ticket() | {"changelog": changelog}, SAID))
    assert (state.answer, state.decided_by, state.reason) == (Answer.APPROVED, None, None)


@pytest.mark.parametrize("odd", [{"body": None}, {"body": {"type": "doc"}}, {"created": None}, {"id": 6}])
def test_an_odd_comment_spoils_no_other(odd: dict[str, Any]) -> None:
    assert told(read(ticket(), SAID | {"id": "6", "author": BOB} | odd, SAID)).reason == "fine"


def test_comments_that_nobody_counts_are_all_there_are() -> None:
    assert told(read(ticket(), comments={"comments": [SAID]})).reason == "fine"


@pytest.mark.parametrize("part", ["clauseNames", "untranslatedName", "schema"])
def test_a_null_in_the_list_of_fields_hides_no_expiration_date(part: str) -> None:
    assert str(told(read(ticket(), field=FIELD | {part: None})).expiration) == "2099-12-31"


@pytest.mark.parametrize(
    ("body", "shown"),
    [("fine \ud83d", "fine �"), ("\ude00\ud83d", "��"), ("\U0001f600", "\U0001f600"), ("a\\ud83d", "a\\ud83d")],
)
def test_half_a_character_keeps_no_reason_from_being_passed_on(body: str, shown: str) -> None:
    reason = told(read(ticket(), SAID | {"body": body})).reason
    assert reason == shown
    assert reason.encode()


@pytest.mark.parametrize("value", ["x", ["x"], None, 3])
def test_what_somebody_has_put_in_place_of_our_property_spoils_no_other_ticket(value: Any) -> None:
    label = "gov-0123456789abcdef01234567"
    second = ticket() | {"id": "10002", "key": "MLR-8"}
    found = asked(
        "find",
        ("GET", "/field", {"json": [FIELD]}),
        ("GET", "/search", {"json": {"issues": [ticket(), second], "isLast": True}}),
        ("GET", "10001/properties", {"json": {"key": "gov.ticket", "value": value}}),
        ("GET", "10002/properties", {"json": {"key": "gov.ticket", "value": {"label": label}}}),
    )
    assert [ref.key for ref in found.value] == ["MLR-8"]


def searched(call: str, issues: Any = None, pages: Any = None, **settings: Any) -> Outcome:
    answers = [{"json": page} for page in pages or [{"issues": issues, "isLast": True}]]
    return asked(call, ("GET", "/field", {"json": [FIELD]}), ("GET", "/search", answers), settings=settings)


UNREAD = {"id": "10009", "key": "MLR-9", "fields": {"status": None}}


@pytest.mark.parametrize("odd", [UNREAD, None, "x", {"fields": {}}, UNREAD | {"key": "MLR 9"}])
def test_a_ticket_that_can_not_be_read_spoils_no_other_of_its_page(odd: Any, caplog: pytest.LogCaptureFixture) -> None:
    found = searched("get_many", [odd, ticket()])
    assert [state.answer for state in found.value.values()] == [Answer.APPROVED]
    assert ("MLR-9" if odd is UNREAD else "a ticket without a key") in caplog.text


def test_a_ticket_that_can_not_be_read_may_be_the_one_that_is_looked_for() -> None:
    assert isinstance(searched("find", [UNREAD, ticket()]).error, ExternalError)


def test_tickets_that_can_not_be_read_count_among_those_that_a_page_holds() -> None:
    pages = [{"issues": [UNREAD], "total": 2}, {"issues": [ticket()], "total": 2}]
    found = searched("get_many", pages=pages, deployment="server")
    assert len(found.value) == 1


def test_a_sentence_that_is_said_to_be_html_is_quoted() -> None:
    words = "Basic auth with password is not allowed on this instance"
    html = {"status": 403, "text": words, "headers": {"Content-Type": "text/html;charset=UTF-8"}}
    assert words in str(asked("create", ("POST", "/issue", html)).error)


def withdrawn(*offered: dict[str, Any], answers: list[Any]) -> Outcome:
    return asked(
        "close",
        ("GET", "/field", {"json": [FIELD]}),
        ("GET", "/comment", {"json": {"comments": [], "total": 0}}),
        ("POST", "/comment", {"status": 201, "json": {"id": "9"}}),
        ("GET", "/transitions", {"json": {"transitions": offered}}),
        ("POST", "/transitions", answers),
        ("GET", "/issue/10001", {"json": ticket([], TO_DO)}),
    )


def test_a_way_out_that_fails_keeps_no_other_from_being_tried() -> None:
    ways = ({"id": "51", "to": WITHDRAWN}, {"id": "52", "to": WITHDRAWN})
    found = withdrawn(*ways, answers=[{"status": 500, "json": {}}, {"status": 204}])
    assert (found.error, found.value) == (None, "Jira says that MLR-7 was withdrawn, and it is open all the same")
    assert [body["transition"]["id"] for body in found.sent("POST", "/transitions")] == ["51", "52"]
    both = withdrawn(*ways, answers=[{"status": 500, "json": {}}, {"status": 403, "json": {}}])
    assert isinstance(both.error, Unavailable)


def test_later_is_said_to_whatever_is_asked() -> None:
    ways = ({"id": "51", "to": WITHDRAWN}, {"id": "52", "to": WITHDRAWN})
    found = withdrawn(*ways, answers=[{"status": 429, "json": {}}])
    assert isinstance(found.error, Unavailable)
    assert len(found.sent("POST", "/transitions")) == 1


def test_a_way_out_that_asks_for_more_than_is_ours_is_named() -> None:
    assignee = {"assignee": {"required": True, "name": "Assignee"}}
    found = withdrawn({"id": "51", "to": WITHDRAWN, "fields": assignee}, answers=[{"status": 204}])
    assert found.value == "MLR-7 can't be moved to Withdrawn, which asks for Assignee"


def record(changes: dict[str, Any], **answers: Any) -> Outcome:
    row = {name: {"value": value, "display_value": value} for name, value in ROW.items()} | changes
    shown = {name: value for name, value in row.items() if value != "hidden"}
    empty = {"json": {"result": []}, "headers": {"X-Total-Count": "0"}}
    return asked(
        "get",
        ("GET", "/sysapproval_approver", answers.get("approvals", empty)),
        ("GET", "/sys_journal_field", empty),
        ("GET", f"/change_request/{ROW['sys_id']}", {"json": {"result": shown}}),
        system="servicenow",
        ref=PLACE,
    )


@pytest.mark.parametrize("bare", ["", None, "x", 3, {"value": 3, "display_value": None}])
def test_a_bare_value_spoils_no_record(bare: Any) -> None:
    assert told(record({"resolved_by": bare})).answer is Answer.APPROVED
    assert told(record({"approval": "approved"})).answer is Answer.APPROVED


@pytest.mark.parametrize("field", ["state", "approval"])
def test_a_record_of_which_the_answer_is_hidden_is_no_open_question(field: str) -> None:
    outcome = record({field: "hidden"})
    assert isinstance(outcome.error, Refused)
    assert field in str(outcome.error)


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"result": []}, "headers": {"X-Is-Logged-In": "false", "X-Total-Count": "0"}},
        {"status": 401, "json": {"error": {"message": "User Not Authenticated", "detail": "Required to provide Auth"}}},
        {"status": 401, "text": ""},
    ],
)
def test_who_is_not_known_is_not_told_what_may_be_seen(answer: Any) -> None:
    """With an expired token nothing is known about the decider: it is asked again, not left out."""
    assert isinstance(record({}, approvals=answer).error, ExternalError)


ANONYMOUS = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"values": [], "total": 0, "isLast": True}, "headers": ANONYMOUS},
        {"status": 401, "json": {"message": "Unauthorized"}},
        {"status": 302, "text": "", "headers": {"Location": "/login.jsp"}},
    ],
    ids=["anonymous", "unauthorised", "led to a login"],
)
def test_pages_of_a_changelog_that_are_shown_to_nobody_are_an_error(answer: dict[str, Any]) -> None:
    cut = {"startAt": 0, "maxResults": 1, "total": 2, "histories": []}
    outcome = asked(
        "get",
        ("GET", "/field", {"json": [FIELD]}),
        ("GET", "/10001/changelog", answer),
        ("GET", "/issue/10001", {"json": ticket() | {"changelog": cut}}),
    )
    assert isinstance(outcome.error, Refused)
