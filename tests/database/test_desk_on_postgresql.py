"""The desk on PostgreSQL: what two desks do to one ticket at the same moment, and webhooks that one of them sends."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_on_database import Desk, open_desk
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from mlc.standalone.desk.outbox import CLAIM, Outbox
from mlc.standalone.desk.tables import Delivery, Record
from mlc.standalone.desk.tickets import Invalid

Pair = tuple[Desk, Desk]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def desks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Two desks on one database; a webhook is to be sent for each change, and nobody sends it yet."""
    place: str | Path = tmp_path / "desk.db"
    if request.param == "PostgreSQL":
        place = request.getfixturevalue("postgres_copies")("desk", lambda url: open_desk(url).close())
    pair = open_desk(place), open_desk(place)
    yield pair
    for desk in pair:
        desk.close()


def together(desks: Pair, do: Callable[[Desk], Any]) -> list[Any]:
    """What both come to: the first one commits once the second one has begun."""
    first_may_end, first_is_done, answers = threading.Event(), threading.Event(), []
    one, other = desks

    def commits(_: Any) -> None:
        first_is_done.set()
        assert first_may_end.wait(60)

    event.listen(one.engine, "commit", commits)
    begun = threading.Timer(0.2, first_may_end.set)

    def begins(*_: Any) -> None:  # on SQLite it waits for the file's lock already
        if not begun.ident:
            begun.start()

    event.listen(other.engine, "before_cursor_execute", begins)
    thread = threading.Thread(target=lambda: answers.append(do(one)))
    thread.start()
    assert first_is_done.wait(60)
    answers.append(do(other))
    thread.join(60)
    return answers


def a_ticket(desk: Desk) -> str:
    with desk.tickets.writing() as session:
        issue = desk.tickets.create(session, "ada", {"issue_type": "Task", "summary": "Review", "labels": ["a"]})
        return f"MLR-{issue.number}"


def test_two_comments_at_the_same_moment_are_both_there_and_have_times_of_their_own(desks: Pair) -> None:
    key = a_ticket(desks[0])

    def comment(desk: Desk) -> int:
        with desk.tickets.writing() as session:
            return desk.tickets.comment(session, desk.tickets.issue(session, key), "ada", "So be it.").created

    times = together(desks, comment)
    assert times[0] < times[1]
    with desks[0].tickets.reading() as session:
        assert [comment.created for comment in desks[0].tickets.issue(session, key).comments] == times


def test_two_edits_at_the_same_moment_are_made_one_after_the_other(desks: Pair) -> None:
    key, names = a_ticket(desks[0]), {id(desks[0]): "b", id(desks[1]): "c"}

    def add(desk: Desk) -> None:
        with desk.tickets.writing() as session:
            issue = desk.tickets.issue(session, key)
            labels = [label.name for label in issue.labels] + [names[id(desk)]]
            desk.tickets.edit(session, issue, "ada", {"labels": labels})

    together(desks, add)
    with desks[0].tickets.reading() as session:
        assert [label.name for label in desks[0].tickets.issue(session, key).labels] == ["a", "b", "c"]


def test_a_link_that_two_add_is_there_once(desks: Pair) -> None:
    key = a_ticket(desks[0])

    def link(desk: Desk) -> bool:
        with desk.tickets.writing() as session:
            return desk.tickets.link(session, desk.tickets.issue(session, key), "g", "http://here", "Run")[1]

    assert together(desks, link) == [True, False]
    with desks[0].tickets.reading() as session:
        assert len(desks[0].tickets.issue(session, key).links) == 1


def test_two_records_at_the_same_moment_have_numbers_of_their_own_and_one_user(desks: Pair) -> None:
    def create(desk: Desk) -> str | None:
        with desk.records.writing() as session:
            return desk.records.create(session, "incident", "ada", {"short_description": "Review"}).number

    first, second = together(desks, create)
    assert int(second.removeprefix("INC")) == int(first.removeprefix("INC")) + 1
    with desks[0].records.reading() as session:
        users = session.scalars(select(Record).where(Record.table == "sys_user")).all()
        assert [user.fields["user_name"] for user in users] == ["ada"]


def test_what_fields_there_are_is_written_once_however_many_desks_start(desks: Pair) -> None:
    with desks[0].records.reading() as session:
        entries = session.execute(select(Record.sys_id).where(Record.table == "sys_dictionary")).all()
        fields = [record.fields for record in session.scalars(select(Record).where(Record.table == "sys_dictionary"))]
    assert len(entries) == len({(field["name"], field["element"]) for field in fields}) > 50


def test_a_webhook_is_sent_by_the_desk_that_claims_it(desks: Pair) -> None:
    a_ticket(desks[0])
    one, other = (desk.outbox for desk in desks)
    due, _ = one._due()
    assert len(due) == 1
    found, wait = other._due()
    assert found == []
    assert 0 < wait <= CLAIM / 1000
    one._settle(due[0], done=True)
    assert other.pending() == 0


def test_two_desks_that_look_at_the_same_moment_send_different_ones(desks: Pair) -> None:
    for _ in range(2):
        a_ticket(desks[0])
    claimed = together(desks, lambda desk: [delivery.identifier for delivery in desk.outbox._due()[0]])
    assert sorted(map(len, claimed)) == [0, 2]


def test_a_webhook_whose_sender_died_is_sent_by_another_when_its_time_is_up(desks: Pair) -> None:
    a_ticket(desks[0])
    dead, alive = (desk.outbox for desk in desks)
    [claimed], _ = dead._due()
    with Session(desks[0].engine) as session, session.begin():
        kept = session.get(Delivery, claimed.id)
        assert kept is not None
        assert kept.due > time.time() * 1000
        kept.due -= CLAIM  # so much later
    [again], _ = alive._due()
    assert again.identifier == claimed.identifier


def test_one_that_is_told_to_end_leaves_its_webhook_to_others(desks: Pair) -> None:
    a_ticket(desks[0])
    one, other = (desk.outbox for desk in desks)
    [claimed], _ = one._due()
    one._release(claimed)
    assert [delivery.identifier for delivery in other._due()[0]] == [claimed.identifier]


def test_nothing_to_send_is_looked_for_again(desks: Pair) -> None:
    outbox: Outbox = desks[0].outbox
    assert outbox._due()[0] == []
    assert 0 < outbox._due()[1] <= 10


@pytest.mark.parametrize("field", ["summary", "description", "labels"])
def test_a_nul_character_is_refused_wherever_the_tickets_are(desks: Pair, field: str) -> None:
    fields = {"issue_type": "Task", "summary": "Review"} | {field: ["a\0"] if field == "labels" else "a\0"}
    with pytest.raises(Invalid), desks[0].tickets.writing() as session:
        desks[0].tickets.create(session, "ada", fields)


def test_numbers_are_never_given_again(desks: Pair) -> None:
    desk = desks[0]
    first = a_ticket(desk)
    with desk.tickets.writing() as session:
        desk.tickets.delete(session, desk.tickets.issue(session, first), "ada")
    assert a_ticket(desks[1]) > first
