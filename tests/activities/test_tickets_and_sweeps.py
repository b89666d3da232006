"""Tickets are made once, read and withdrawn; sweeps wake whom a lost webhook left waiting."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from backroom import Backroom
from outside import NO, Board, Temporal
from temporalio.testing import ActivityEnvironment

from activities.sweep import AT_ONCE, REFUSALS_IN_A_ROW, SweepActivities
from activities.tickets import Remark, TicketActivities, TicketWithdrawal, Withdrawal
from mlc.model.failure import ExternalError, NotFound, Refused, Unavailable
from mlc.model.state import OpenQuestion
from mlc.model.ticket import Answer, TicketKind, TicketQuestion, TicketRef, TicketState
from mlc.ticketing import TicketSystems

LABEL = "gov-" + "a" * 24
DECIDED = TicketState(answer=Answer.APPROVED, version="2")


@pytest.fixture
def tickets(room: Backroom, board: Board, threads: ThreadPoolExecutor) -> TicketActivities:
    return TicketActivities(room.port, TicketSystems(board), threads, room.settings)


@pytest.fixture
def temporal(room: Backroom) -> Temporal:
    """Seen by the activities that run in the room from now on."""
    seen, info = Temporal(), room.environment.info
    room.environment = ActivityEnvironment(client=seen)  # type: ignore[arg-type]
    room.environment.info = info
    return seen


def question(snapshot_id: str = "", **more: Any) -> TicketQuestion:
    fields = {"kind": TicketKind.REVIEW, "step": "review", "workflow_id": "w", "run_id": "r", "label": LABEL}
    return TicketQuestion(snapshot_id=snapshot_id, **(fields | more))


async def test_a_ticket_is_made_once_and_found_again(room: Backroom, tickets: TicketActivities, board: Board) -> None:
    asked = question(await room.snapshot())
    assert await room.run(tickets.find_ticket, asked) is None
    made = await room.run(tickets.open_ticket, asked)
    assert [await room.run(each, asked) for each in (tickets.open_ticket, tickets.find_ticket)] == [made, made]
    assert board.calls.count("create") == 1


async def test_a_ticket_links_to_the_run_and_to_the_snapshots_page_if_the_centre_has_pages(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    id_ = await room.snapshot()
    await room.run(tickets.open_ticket, question(id_))
    page = room.port.page_of(id_)
    assert page is not None
    links = [call.removeprefix("link ") for call in board.calls if call.startswith("link")]
    assert links == ["http://127.0.0.1:8233/namespaces/default/workflows/w/r/history", page]
    await room.run(tickets.open_ticket, question("", label="gov-" + "b" * 24))
    assert len([call for call in board.calls if call.startswith("link")]) == 3


@pytest.mark.parametrize(
    ("call", "maybe", "failure"),
    [
        ("find", False, "NotSent"),
        ("create", False, "NotSent"),
        ("create", True, "Ambiguous"),
        ("link", True, "Ambiguous"),
    ],
)
async def test_what_an_outage_of_the_ticket_system_means(
    room: Backroom, tickets: TicketActivities, board: Board, call: str, maybe: bool, failure: str
) -> None:
    board.broken[call] = Unavailable("Jira", "down", maybe_done=maybe)
    assert (await room.failure(tickets.open_ticket, question())).type == failure


async def test_a_link_that_is_refused_keeps_no_ticket_from_being_waited_for(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    board.broken["link"] = NO
    assert (await room.run(tickets.open_ticket, question())).key == "T-1"


async def test_a_kind_of_ticket_that_only_a_newer_worker_knows_is_left_to_it(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    """As a release that does not know ``breach`` yet reads one: nothing is written, and a newer worker's try is it."""
    asked = question(kind="one of a newer release")
    assert asked.kind is TicketKind.UNKNOWN
    error = await room.failure(tickets.open_ticket, asked)
    assert (error.type, error.non_retryable, board.tickets) == ("NotSent", False, [])
    assert await room.run(tickets.find_ticket, asked) is None
    ticket = {"provider": "jira", "id": "1", "key": "T-1", "url": "", "label": ""}
    waited = OpenQuestion.model_validate({"kind": "one of a newer release", "step": "s", "ticket": ticket})
    assert (waited.kind, waited.ticket.key) == (TicketKind.UNKNOWN, "T-1")


async def test_duplicates_are_closed_and_the_oldest_is_read(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    first = await room.run(tickets.open_ticket, question())
    second = board.create(board.tickets[0][1])
    assert await room.run(tickets.find_ticket, question()) == first
    assert f"close {second.key} duplicate-{second.id}" in board.calls


async def test_reading_and_remarking_is_tried_until_it_is_allowed(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    ref = await room.run(tickets.open_ticket, question())
    board.states[LABEL] = DECIDED.model_copy(update={"reason": "x" * 5000})
    requests = [
        ("get", tickets.read_ticket, ref),
        ("comment", tickets.remark, Remark(ticket=ref, event_id="e", text="t")),
    ]
    for call, activity, request in requests:
        board.broken[call] = NO
        error = await room.failure(activity, request)
        assert (error.type, error.non_retryable) == ("Refused", False)
        answer = await room.run(activity, request)
        if call == "get":
            assert (answer.answer, len(answer.reason) <= 400) == (Answer.APPROVED, True)


async def test_a_remark_on_a_ticket_that_is_gone_is_left_out(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    ref = await room.run(tickets.open_ticket, question())
    board.broken["comment"] = NotFound("Jira", "T-1 is gone")
    await room.run(tickets.remark, Remark(ticket=ref, event_id="e", text="t"))


@pytest.mark.parametrize(
    ("answer", "told", "left_open"),
    [
        (None, True, ""),
        ("Field Assignee is required.", True, "Field Assignee is required."),
        (NO, False, str(NO)),
        (NotFound("Jira", "T-1 is gone"), False, "T-1 is gone"),
    ],
    ids=["withdrawn", "stays open", "refused", "an adapter that does not know what is gone"],
)
async def test_what_came_of_a_withdrawal_is_an_answer(
    room: Backroom,
    tickets: TicketActivities,
    board: Board,
    answer: str | Refused | None,
    told: bool,
    left_open: str,
) -> None:
    ref = await room.run(tickets.open_ticket, question())
    if isinstance(answer, Refused):
        board.broken["close"] = answer
    else:
        board.kept[ref.key] = answer
    withdrawn = await room.run(tickets.withdraw_ticket, TicketWithdrawal(ticket=ref, reason="r"))
    assert (withdrawn.told, withdrawn.left_open) == (told, left_open)


async def test_a_ticket_system_that_is_down_or_not_set_up_is_told_apart(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    ref = await room.run(tickets.open_ticket, question())
    board.broken["close"] = Unavailable("Jira", "down")
    error = await room.failure(tickets.withdraw_ticket, TicketWithdrawal(ticket=ref, reason="r"))
    assert (error.type, error.non_retryable) == ("Outage", False)
    other = TicketWithdrawal(ticket=ref.model_copy(update={"provider": "servicenow"}), reason="r")
    withdrawn = await room.run(tickets.withdraw_ticket, other)
    assert (withdrawn.told, "set it up" in withdrawn.left_open) == (False, True)


@pytest.mark.parametrize("error", [NO, NotFound("Jira", "gone"), Unavailable("Jira", "down")], ids=repr)
async def test_of_several_tickets_one_that_cant_be_withdrawn_keeps_no_other_open(
    room: Backroom, tickets: TicketActivities, board: Board, error: ExternalError
) -> None:
    first = await room.run(tickets.open_ticket, question())
    second = await room.run(tickets.open_ticket, question(label="gov-" + "b" * 24))
    board.broken["close"] = error
    request = Withdrawal(tickets=[first, second], reason="r")
    if isinstance(error, Unavailable):
        assert (await room.failure(tickets.withdraw_tickets, request)).type == "Outage"
    else:
        await room.run(tickets.withdraw_tickets, request)
    assert [call for call in board.calls if call.startswith("close")] == [
        f"close {each.key} withdrawn-{each.label}" for each in (first, second)
    ]


@pytest.mark.parametrize(
    ("entries", "state", "woken"),
    {
        "decided": ((), DECIDED, 1),
        "pending": ((), TicketState(answer=Answer.PENDING, version="2"), 0),
        "seen": ((f"seen:{LABEL}@2",), DECIDED, 0),
        "seen before": ((f"seen:{LABEL}@1",), DECIDED, 1),
        "not found": ((), None, 0),
    }.values(),
)
async def test_a_sweep_wakes_the_runs_that_would_see_something_new(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor, entries: Any, state: Any, woken: int
) -> None:
    if state:
        board.states[LABEL] = state
    temporal.run("w1", "jira:T-1", LABEL, *entries)
    report = await room.run(SweepActivities(TicketSystems(board), threads).sweep_tickets)
    assert (report.open_tickets, report.woken) == (1, woken)
    assert temporal.signals == [("w1", "T-1")] * woken


async def test_a_run_that_takes_no_signals_hinders_no_other(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    labels = [f"gov-{n:024}" for n in range(3)]
    for number, label in enumerate(labels):
        temporal.run(f"w{number}", f"jira:T-{number}", label)
    board.states |= dict.fromkeys(labels, DECIDED)
    temporal.deaf.add("w1")
    report = await room.run(SweepActivities(TicketSystems(board), threads).sweep_tickets)
    assert (report.woken, temporal.signals) == (2, [("w0", "T-0"), ("w2", "T-2")])


async def test_a_run_that_ended_meanwhile_or_a_ticket_that_cant_be_read_hinders_no_other(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    labels = [f"gov-{n:024}" for n in range(3)]
    for number, label in enumerate(labels):
        temporal.run(f"w{number}", f"jira:T-{number}", label)
    board.states |= dict.fromkeys(labels[1:], DECIDED)
    temporal.gone.add("w1")
    board.broken["get"] = NO
    report = await room.run(SweepActivities(TicketSystems(board), threads).sweep_tickets)
    assert (report.open_tickets, report.woken, temporal.signals) == (3, 1, [("w2", "T-2")])


async def test_a_ticket_that_its_system_can_not_show_hinders_no_other(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    labels = [f"gov-{n:024}" for n in range(2)]
    for number, label in enumerate(labels):
        temporal.run(f"w{number}", f"jira:T-{number}", label)
    board.states[labels[1]] = DECIDED
    board.broken["get"] = Unavailable("Jira", "garbled")
    report = await room.run(SweepActivities(TicketSystems(board), threads).sweep_tickets)
    assert (report.open_tickets, report.woken, temporal.signals) == (2, 1, [("w1", "T-1")])


async def test_a_system_that_goes_down_in_the_middle_of_a_sweep_is_swept_again(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    temporal.run("w", "jira:T-1", LABEL)

    class Falling(Board):
        def get(self, ref: TicketRef) -> TicketState:
            self.broken["get_many"] = Unavailable("Jira", "down")
            raise self.broken["get_many"]

    sweep = SweepActivities(TicketSystems(Falling()), threads).sweep_tickets
    failure = await room.failure(sweep)
    assert (failure.type, failure.non_retryable) == ("Outage", False)


async def test_thousands_are_read_a_hundred_at_a_time_and_several_at_once(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    for number in range(950):
        label = f"gov-{number:024}"
        temporal.run(f"w{number}", f"jira:T-{number}", label)
        board.states[label] = DECIDED if number % 100 == 99 else TicketState(answer=Answer.PENDING, version="1")
    report = await room.run(SweepActivities(TicketSystems(board), threads).sweep_tickets)
    assert (report.open_tickets, report.woken) == (950, 9)
    assert board.calls == ["get_many"] * 10


async def test_a_system_that_refuses_every_ticket_is_not_asked_for_each_of_them(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    """As when our account has lost its rights, and a search finds nothing."""

    class Forbidding(Board):
        def get(self, ref: TicketRef) -> TicketState:
            self.calls.append("get")
            raise NO

    board = Forbidding()
    for number in range(1_000):
        temporal.run(f"w{number}", f"jira:T-{number}", f"gov-{number:024}")
    board.states[f"gov-{999:024}"] = DECIDED
    report = await room.run(SweepActivities(TicketSystems(board), threads).sweep_tickets)
    assert (report.open_tickets, report.woken) == (1_000, 1)
    assert board.calls.count("get_many") == 10
    assert board.calls.count("get") < REFUSALS_IN_A_ROW + AT_ONCE


async def test_one_batch_that_fails_leaves_none_of_the_others_half_done(
    room: Backroom, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    class Falling(Board):
        def get_many(self, refs: Sequence[TicketRef]) -> dict[str, TicketState]:
            if any(ref.key == "T-0" for ref in refs):
                raise Unavailable("Jira", "down")
            return {ref.label: DECIDED for ref in refs}

    for number in range(300):
        temporal.run(f"w{number}", f"jira:T-{number}", f"gov-{number:024}")
    failure = await room.failure(SweepActivities(TicketSystems(Falling()), threads).sweep_tickets)
    assert failure.type == "Outage"
    assert len(temporal.signals) == 200


async def test_the_tickets_of_runs_that_ended_are_withdrawn_unless_somebody_waits_or_has_decided(
    room: Backroom, board: Board, temporal: Temporal, threads: ThreadPoolExecutor
) -> None:
    labels = [f"gov-{n:024}" for n in range(3)]
    for number, label in enumerate(labels):
        temporal.run(f"w{number}", f"jira:T-{number}", label, ended=True)
    temporal.run("again", "jira:T-1", labels[1])
    board.states[labels[2]] = DECIDED
    assert await room.run(SweepActivities(TicketSystems(board), threads).withdraw_orphans) == 1
    assert [call for call in board.calls if call.startswith("close")] == ["close T-0 ended-w0-r"]


async def test_a_ticket_is_told_once_and_one_that_refuses_keeps_nobody_waiting(
    room: Backroom, tickets: TicketActivities, board: Board
) -> None:
    made = await room.run(tickets.open_ticket, question(await room.snapshot()))
    word = Remark(ticket=made, event_id="came-x", text="It was deployed.")
    assert await room.run(tickets.tell, word) is True
    assert board.calls[-1] == f"comment {made.key} came-x"
    board.broken["comment"] = NO
    assert await room.run(tickets.tell, word) is False
    board.broken["comment"] = Unavailable("board", "down")
    assert (await room.failure(tickets.tell, word)).type == "Outage"
    gone = word.model_copy(update={"ticket": made.model_copy(update={"provider": "another"})})
    assert await room.run(tickets.tell, gone) is False
