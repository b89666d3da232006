"""Who decided, when and why: right, or missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from desk_harness import Desks, RunningDesk

from mlc.model.failure import Unavailable
from mlc.model.ticket import Answer, TicketRef, TicketState
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.standalone.desk.tables import History as EditRow
from mlc.standalone.faults import Effect
from mlc.ticketing import TicketRequest
from mlc.ticketing.jira.decision import decision_of, reason_of
from mlc.ticketing.jira.edits import Change, Comment, History
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import Issue

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADA = {"accountId": "557058:ada", "displayName": "Ada", "accountType": "atlassian"}
BOB = {"accountId": "557058:bob", "displayName": "Bob", "accountType": "atlassian"}
AUTOMATION = {"accountId": "557058:f58131cb", "displayName": "Automation for Jira", "accountType": "app"}
FORMER = {"accountId": "unknown", "displayName": "Former user", "accountType": "unknown", "active": False}
IDS = {"To Do": "10000", "In Review": "3", "Done": "10002", "Closed": "6", "Won't Do": "7"}


def edit(
    minute: int, author: dict[str, Any] | None, edit_id: str = "", **changes: tuple[str | None, str | None]
) -> Any:
    """An edit; ``status`` and ``resolution`` change from one name to another."""
    items = [
        {
            "field": field,
            "fieldtype": "jira",
            "fieldId": field,
            "from": before and IDS[before],
            "fromString": before,
            "to": after and IDS[after],
            "toString": after,
        }
        for field, (before, after) in changes.items()
    ]
    at = (START + timedelta(minutes=minute)).isoformat()
    raw = {"id": edit_id or str(100 + minute), "created": at, "items": items}
    return History.model_validate(raw | ({"author": author} if author else {}))


def decision(*edits: History, status: str = "Done", resolution: str | None = "Done") -> History | None:
    fields: dict[str, Any] = {"status": {"id": IDS[status], "name": status, "statusCategory": {"key": "done"}}}
    if resolution:
        fields["resolution"] = {"id": IDS[resolution], "name": resolution}
    issue = Issue.model_validate({"id": "1", "key": "MLR-7", "fields": fields})
    both = [decision_of(issue, order, JiraSettings()) for order in (edits, edits[::-1])]
    assert both[0] == both[1], "the order in which Jira lists them says nothing"
    return both[0]


ASKED = edit(0, BOB, status=("To Do", "In Review"))
MOVED = edit(1, ADA, status=("In Review", "Done"))


def test_the_decider_is_who_moved_the_ticket_not_what_completes_it_afterwards() -> None:
    completed = edit(2, AUTOMATION, resolution=(None, "Done"))
    labelled = edit(3, BOB, labels=(None, None))
    assert decision(ASKED, MOVED, completed, labelled) == MOVED
    assert decision(ASKED, edit(1, ADA, status=("In Review", "Closed")), completed, status="Closed") is not None


def test_an_edit_that_changes_the_status_and_other_things_is_a_move() -> None:
    both = edit(1, ADA, labels=(None, None), resolution=(None, "Done"), status=("In Review", "Done"))
    assert decision(ASKED, both) == both


def test_a_status_that_is_left_and_entered_again_was_decided_the_last_time() -> None:
    left, back = edit(2, BOB, status=("Done", "In Review")), edit(3, BOB, status=("In Review", "Done"))
    assert decision(ASKED, MOVED, left, back) == back


def test_of_edits_of_the_same_moment_the_one_with_the_higher_number_is_the_later_one() -> None:
    first = edit(1, ADA, "99", status=("In Review", "Done"))
    left = edit(1, BOB, "100", status=("Done", "In Review"))
    back = edit(1, BOB, "101", status=("In Review", "Done"))
    assert decision(first, left, back) == back


def test_times_with_and_without_a_zone_have_an_order() -> None:
    raw = {"id": "9", "created": "2026-11-20T12:00:30", "items": [{"field": "status", "to": IDS["In Review"]}]}
    assert decision(History.model_validate(raw), MOVED) == MOVED


def test_a_changelog_that_does_not_lead_to_the_present_status_tells_nothing() -> None:
    assert decision(ASKED) is None
    assert decision() is None
    assert decision(MOVED, edit(2, BOB, status=("Done", "In Review"))) is None
    assert decision(edit(1, ADA, resolution=(None, "Done"))) is None


def test_a_move_without_an_author_is_a_decision_of_nobody_and_not_of_who_moved_before() -> None:
    before, left = edit(1, ADA, status=("To Do", "Done")), edit(2, BOB, status=("Done", "In Review"))
    gone = edit(3, None, status=("In Review", "Done"))
    found = decision(before, left, gone)
    assert found == gone
    assert found is not None
    assert found.author is None


def test_a_field_of_somebodys_own_that_is_called_status_is_none() -> None:
    other = {
        "field": "status",
        "fieldtype": "custom",
        "fieldId": "customfield_1",
        "to": IDS["Done"],
        "toString": "Done",
    }
    raw = {"id": "200", "created": (START + timedelta(hours=1)).isoformat(), "author": BOB, "items": [other]}
    assert decision(MOVED, History.model_validate(raw)) == MOVED


def test_a_move_without_ids_is_told_by_names() -> None:
    item = {"field": "status", "from": None, "fromString": "In Review", "to": None, "toString": "done"}
    raw = {"id": "1", "created": START.isoformat(), "author": ADA, "items": [item]}
    assert decision(History.model_validate(raw)) is not None


def test_who_moved_it_did_not_decide_what_somebody_else_turned_into_the_opposite() -> None:
    by_bob = edit(2, BOB, resolution=("Done", "Won't Do"))
    assert decision(MOVED, by_bob, resolution="Won't Do") is None
    by_ada = edit(2, ADA, resolution=("Done", "Won't Do"))
    assert decision(MOVED, by_ada, resolution="Won't Do") == by_ada


def said(author: dict[str, Any] | None, body: str = "fine", **more: Any) -> Comment:
    raw = {"id": "5", "body": body, "created": START.isoformat(), "author": author, "updateAuthor": author, **more}
    return Comment.model_validate(raw)


@pytest.mark.parametrize(
    ("decider", "comment", "reason"),
    [
        (ADA, said(ADA), "fine"),
        (ADA, said(BOB), None),
        (FORMER, said(FORMER), None),
        (FORMER | {"accountId": "unknown"}, said({"accountId": "unknown"}), None),
        ({"displayName": "Anonymous"}, said({"displayName": "Anonymous"}), None),
        ({"name": "anonymous"}, said({"name": "anonymous"}), None),
        (AUTOMATION, said(AUTOMATION), None),
        (None, said(None), None),
        ({"name": "ada", "key": "JIRAUSER1"}, said({"name": "ada", "key": "JIRAUSER1"}), "fine"),
        (ADA, said(ADA, updateAuthor=BOB), None),
        (ADA, said(ADA, "   "), None),
    ],
)
def test_a_reason_is_the_deciders_own_words_and_two_who_share_an_account_are_not_one(
    decider: dict[str, Any] | None, comment: Comment, reason: str | None
) -> None:
    assert reason_of(edit(1, decider, status=("In Review", "Done")), [comment]) == reason


def edited(desk: RunningDesk, ref: TicketRef, times: int, by: str = "eve") -> None:
    tickets = desk.parts.tickets
    with tickets.writing() as session:
        issue = tickets.issue(session, ref.id)
        for n in range(times):
            tickets.edit(session, issue, by, {"summary": f"again {n}"})


def completed(desk: RunningDesk, ref: TicketRef, by: str) -> None:
    """What an automation does when a ticket is closed: it sets the resolution."""
    item = {"field": "resolution", "fieldtype": "jira", "fieldId": "resolution", "from": None, "fromString": None}
    with desk.parts.tickets.writing() as session:
        issue = desk.parts.tickets.issue(session, ref.id)
        issue.resolution, issue.updated = "Done", issue.updated + 1
        items = [item | {"to": "10000", "toString": "Done"}]
        issue.histories.append(EditRow(author=by, created=issue.updated, items=items))


def facts(state: TicketState) -> tuple[Any, ...]:
    return state.answer, (state.decided_by or "").partition(" ")[0], state.reason


def test_a_long_changelog_is_read_to_its_end(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.say(ref, "fine for prod")
    desk.move(ref, "Done")
    edited(desk, ref, 250)
    assert facts(tickets.get(ref)) == (Answer.APPROVED, "ada", "fine for prod")
    pages = desk.faults.requests.count(f"GET /rest/api/2/issue/{ref.id}/changelog")
    assert pages == (3 if desk.settings.deployment == "cloud" else 0)


def test_a_changelog_whose_newest_edits_tell_is_not_asked_for_more(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    edited(desk, ref, 150)
    desk.move(ref, "Done", by="bob")
    assert facts(tickets.get(ref)) == (Answer.APPROVED, "bob", None)
    assert f"GET /rest/api/2/issue/{ref.id}/changelog" not in desk.faults.requests


def test_a_changelog_that_can_not_be_had_whole_leaves_the_facts_out_and_the_answer_in(
    desks: Desks, question: TicketRequest
) -> None:
    desk = desks.start(deployment="cloud")
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.move(ref, "Done")
    edited(desk, ref, 120)
    for status, body in ((404, "{}"), (403, "{}"), (200, '{"startAt": 0, "total": 121, "values": []}')):
        desk.faults.add(Effect.ANSWER, path="/changelog$", status=status, body=body)
        assert facts(tickets.get(ref)) == (Answer.APPROVED, "", None)
    desk.faults.add(Effect.ANSWER, path="/changelog$", status=503)
    with pytest.raises(Unavailable):
        tickets.get(ref)
    assert facts(tickets.get(ref)) == (Answer.APPROVED, "ada", None)


@pytest.mark.parametrize("part", ["changelog", "comment"])
def test_a_list_that_repeats_itself_ends_with_an_error_that_says_so(
    desks: Desks, question: TicketRequest, part: str
) -> None:
    desk = desks.start(deployment="cloud")
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.move(ref, "Done")
    edited(desk, ref, 120)
    entry = '{"id": "1", "created": "2026-11-20T12:00:00.000+0000", "items": [], "body": "b"}'
    name = "values" if part == "changelog" else "comments"
    body = f'{{"startAt": 0, "maxResults": 1, "total": 500, "{name}": [{entry}]}}'
    desk.faults.add(Effect.ANSWER, path=f"/{part}$", status=200, body=body, times=1000)
    with pytest.raises(Unavailable, match="the same page again"):
        tickets.get(ref)
    assert desk.faults.requests.count(f"GET /rest/api/2/issue/{ref.id}/{part}") == 2


def test_all_comments_are_read_for_the_reason(desk: RunningDesk, question: TicketRequest) -> None:
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.say(ref, "fine for prod")
    for n in range(220):
        desk.say(ref, f"chatter {n}", by="eve")
    desk.move(ref, "Done")
    assert facts(tickets.get(ref)) == (Answer.APPROVED, "ada", "fine for prod")


def test_a_decision_keeps_its_decider_and_reason_although_an_automation_sets_the_resolution(
    desks: Desks, question: TicketRequest
) -> None:
    desk = desks.start(scheme=Scheme((Status("1", "To Do", "new"), Status("2", "Done", "done"))))
    tickets = desk.adapter()
    ref = tickets.create(question)
    desk.say(ref, "fine for prod")
    desk.move(ref, "Done")
    at = tickets.get(ref).decided_at
    completed(desk, ref, by="automation")
    state = tickets.get(ref)
    assert state.resolution == "Done"
    assert facts(state) == (Answer.APPROVED, "ada", "fine for prod")
    assert state.decided_at == at


def test_a_move_that_leads_back_to_its_own_status_is_none() -> None:
    looped = edit(2, AUTOMATION, status=("Done", "Done"), resolution=(None, "Done"))
    assert decision(ASKED, MOVED, looped) == MOVED


def test_who_turned_an_unclear_resolution_into_a_yes_is_not_who_moved_it() -> None:
    unclear = edit(1, ADA, status=("In Review", "Done"), resolution=(None, "Closed"))
    completed = edit(2, AUTOMATION, resolution=("Closed", "Done"))
    assert decision(ASKED, unclear, completed) is None
    by_ada = edit(2, ADA, resolution=("Closed", "Done"))
    assert decision(ASKED, unclear, by_ada) == by_ada


@pytest.mark.parametrize("field", ["project", "Key", "Workflow"])
def test_who_moved_a_ticket_elsewhere_decided_nothing(field: str) -> None:
    item = {"field": field, "fieldtype": "jira", "from": "1", "fromString": "A", "to": "2", "toString": "B"}
    moved = edit(2, BOB, status=("Closed", "Done"))
    elsewhere = moved.model_copy(update={"items": [*moved.items, Change.model_validate(item)]})
    assert decision(ASKED, edit(1, ADA, status=("In Review", "Closed")), elsewhere) is None
