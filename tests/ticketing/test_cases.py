"""Answers that public recordings and fault reports show, put to the adapters; ``MLC_CASES`` names their folder.

What should come out stands in a case as prose, and here as a check. A case without one must at least end in time, and
raise nothing but the port's errors.
"""

import json
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from desk_harness import LABEL
from ticket_cases import CALLS, FOLDER, LIMIT, SECRET, Outcome, outcome_of

from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.model.finding import Mark
from mlc.model.ticket import Answer, TicketState

Check = Callable[[Outcome], bool]


def state(**fields: Any) -> Check:
    """The ticket is read, and its state has these fields."""

    def holds(outcome: Outcome) -> bool:
        value = outcome.value
        return isinstance(value, TicketState) and all(getattr(value, name) == given for name, given in fields.items())

    return holds


def refused(status: int, said: str = "") -> Check:
    return lambda outcome: (
        isinstance(outcome.error, Refused) and outcome.error.status == status and said in str(outcome.error)
    )


def moved(transition: str, **fields: Any) -> Check:
    """The ticket is moved, once and with these fields."""

    def holds(outcome: Outcome) -> bool:
        bodies = outcome.sent("POST", "/transitions")
        found = [(body["transition"]["id"], body.get("fields") or {}) for body in bodies]
        return outcome.error is None and found == [(transition, fields)]

    return holds


def not_approved(outcome: Outcome) -> bool:
    return isinstance(outcome.value, TicketState) and outcome.value.answer in {Answer.UNDECIDED, Answer.REJECTED}


def told_of_https(outcome: Outcome) -> bool:
    flaws = [f"{each.what} {each.remedy}" for each in outcome.value or () if each.mark in {Mark.WRONG, Mark.WARNING}]
    return any("https" in flaw for flaw in flaws)


def dated_or_an_error(outcome: Outcome) -> bool:
    return isinstance(outcome.error, ExternalError) or state(expiration=date(2027, 1, 31))(outcome)


def decided_by_ada(outcome: Outcome) -> bool:
    by = getattr(outcome.value, "decided_by", None)
    return by is not None and by.startswith("Ada") and state(answer=Answer.APPROVED, reason="fine for prod")(outcome)


def is_over(outcome: Outcome) -> bool:
    return outcome.error is None


def left_open(outcome: Outcome) -> bool:
    """It stays open, with the comment."""
    return outcome.error is None and len(outcome.sent("POST", "/comment")) == 1


undecided = state(answer=Answer.UNDECIDED)
rejected = state(answer=Answer.REJECTED)
RIGHT: dict[str, Check] = {
    "default-resolution-incomplete": undecided,
    "default-resolution-invalid": undecided,
    "default-resolution-not-a-bug": undecided,
    "localized-es-wont-do-status-by-id": not_approved,
    "localized-es-wont-do-resolution-by-id": rejected,
    "snow-200-transaction-cancelled": lambda outcome: isinstance(outcome.error, Unavailable),
    "resolution-typographic-apostrophe": rejected,
    "automation-sets-resolution-after-person": decided_by_ada,
    "field-list-read-anonymously-once": dated_or_an_error,
    "deleted-ticket-close": is_over,
    "301-http-to-https-check": told_of_https,
    "snow-close-deleted": is_over,
    "two-former-users-share-unknown": state(answer=Answer.APPROVED, reason=None),
    "field-translated-name": lambda outcome: bool(outcome.value and outcome.value.expiration_field),
    "200-anonymous-search-expired-token": lambda outcome: isinstance(outcome.error, ExternalError),
    "400-errorMessages-null-inside": refused(400),
    "400-errors-null": refused(400),
    "401-gateway-scope": refused(401, "scope does not match"),
    "403-captcha": refused(403, "CAPTCHA"),
    "503-site-unavailable": lambda outcome: isinstance(outcome.error, Unavailable) and outcome.error.maybe_done,
    "search-jql-token-repeats": lambda outcome: isinstance(outcome.error, ExternalError),
    "transitions-required-resolution": moved("51", resolution={"id": "10009", "name": "Obsolete"}),
    "transitions-allowed-values-are-strings": moved("51"),
    "transition-refused-by-validator": left_open,
    "transition-to-without-id": moved("51"),
    "webhook-automation-none-strings": lambda outcome: outcome.value and outcome.value.key == "MLR-7",
    "webhook-automation-timestamp-text": lambda outcome: outcome.value and outcome.value.key == "MLR-7",
}
"""What should come out, by the cases' names."""

FILES = sorted(FOLDER.glob("*.json"))
MISSING = f"there are no cases in {FOLDER}: set MLC_CASES to their folder"
NONE = [pytest.param(None, marks=pytest.mark.skip(reason=MISSING), id="none")]


@pytest.mark.parametrize("file", FILES or NONE, ids=lambda file: file.stem)
def test_a_recorded_answer_is_taken_for_what_it_is(file: Path) -> None:
    case = json.loads(file.read_text())
    outcome = outcome_of(case)
    assert outcome.ended, (
        f"it did not end within {case.get('limit') or LIMIT} s, after {len(outcome.requests)} requests"
    )
    if outcome.error is not None:
        assert isinstance(outcome.error, ExternalError), repr(outcome.error)
        assert SECRET not in f"{outcome.error} {outcome.error.args}"
    right = RIGHT.get(case["name"])
    assert right is None or right(outcome), (case["right"], outcome)


@pytest.mark.skipif(not FILES, reason=MISSING)
def test_every_check_has_its_case() -> None:
    assert {json.loads(file.read_text())["name"] for file in FILES} >= RIGHT.keys()


def case(call: str, *routes: tuple[str, str, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    named = [{"method": method, "path": path, "answers": answers} for method, path, answers in routes]
    return {"name": "x", "call": call, "routes": named, "right": "?"} | more


def issue(key: str, resolution: str = "Done") -> dict[str, Any]:
    status = {"id": "3", "name": "Done", "statusCategory": {"key": "done"}}
    return {"id": "10001", "key": key, "fields": {"status": status, "resolution": {"name": resolution}}}


FIELDS = ("GET", "/field", [{"json": [{"id": "summary", "name": "Summary"}]}])
NO_COMMENTS = ("GET", "/comment", [{"json": {"comments": [], "total": 0}}])


def test_the_stub_gives_its_answers_in_order_and_the_last_one_again() -> None:
    found = [{"json": issue("MLR-7", "Won't Do")}, {"json": issue("MLR-7")}]
    outcomes = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CALLS, "get", lambda tickets, ref: [tickets.get(ref).answer for _ in range(3)])
        outcomes = outcome_of(case("get", FIELDS, NO_COMMENTS, ("GET", "/issue/10001", found))).value
    assert outcomes == [Answer.REJECTED, Answer.APPROVED, Answer.APPROVED]


def test_a_case_that_does_not_end_and_one_that_raises_something_else_are_seen() -> None:
    with pytest.MonkeyPatch.context() as patch:
        seen = threading.Event()
        patch.setitem(CALLS, "get", lambda tickets, ref: [tickets.get(ref) for _ in iter(seen.is_set, True)])
        endless = case("get", FIELDS, NO_COMMENTS, ("GET", "/issue/10001", [{"json": issue("MLR-7")}]), limit=0.3)
        outcome = outcome_of(endless)
        seen.set()
        assert not outcome.ended
        assert outcome.requests
        patch.setitem(CALLS, "get", lambda tickets, ref: 1 / 0)
        assert isinstance(outcome_of(case("get")).error, ZeroDivisionError)


def test_what_a_case_says_of_itself_is_heeded() -> None:
    """System, settings, reference, body, and answers that are no JSON."""
    row = {"sys_id": "0" * 32, "number": "CHG1", "state": "-4", "approval": "go"}
    listed = {"result": {name: {"value": value, "display_value": value} for name, value in row.items()}}
    snow = case(
        "get",
        ("GET", f"/change_request/{'0' * 32}", [{"json": listed, "headers": {"X-Total-Count": "1"}}]),
        ("GET", "/table/", [{"json": {"result": []}}]),
        system="servicenow",
        settings={"approved_values": ["go"]},
        ref={"provider": "servicenow", "id": f"change_request:{'0' * 32}", "key": "CHG1"},
    )
    assert state(answer=Answer.APPROVED)(outcome_of(snow))
    page = outcome_of(case("find", FIELDS, ("GET", ".", [{"status": 200, "text": "<html>"}])))
    assert isinstance(page.error, Unavailable)
    none = outcome_of(case("find", FIELDS, ("GET", ".", [{"status": 200, "json": None}])))
    assert isinstance(none.error, Unavailable)
    assert outcome_of(case("webhook", body={"key": "MLR-7"})).value.key == "MLR-7"
    assert outcome_of(case("webhook", body='\ufeff{"key": "MLR-7"}')).value.key == "MLR-7"
    made = outcome_of(case("create", ("POST", "/issue$", [{"status": 201, "json": {"id": "1", "key": "MLR-1"}}])))
    assert (made.value.key, made.value.label) == ("MLR-1", LABEL)
    (sent,) = made.sent("POST", "/issue$")
    assert sent["fields"]["project"] == {"key": "MLR"}
