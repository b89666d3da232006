"""Decisions that come too late: what is looked at, from when on, and what is said."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from backroom import Backroom
from outside import NO, Board, Temporal
from temporalio.testing import ActivityEnvironment

from activities import late
from activities.late import LateDecisions, LateReport, LateSweep
from mlc.model.decision import DecisionRecord, DeployedPlace, RecordEvent
from mlc.model.deployment import DeploymentMode
from mlc.model.failure import Unavailable
from mlc.model.processes import Outcome
from mlc.model.ticket import Answer, Decision, DecisionOutcome, TicketRef, TicketState
from mlc.ticketing import Section, TicketRequest, TicketSystems
from mlc.ticketing.port import ChangedTicket

LABEL = "gov-" + "b" * 24
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
REJECTED = TicketState(answer=Answer.REJECTED, status="Rejected", version="9", decided_by="bob")


@pytest.fixture
def sweep(room: Backroom, board: Board, threads: ThreadPoolExecutor) -> LateDecisions:
    seen, info = Temporal(), room.environment.info
    room.environment = ActivityEnvironment(client=seen)  # type: ignore[arg-type]
    room.environment.info = info
    room.at(NOW)
    return LateDecisions(room.port, TicketSystems(board), threads, room.settings)


def made(board: Board, snapshot_id: str, label: str = LABEL) -> TicketRef:
    """A ticket of ours, about a snapshot."""
    body = [Section(paragraphs=["?"])]
    properties = {"snapshot_id": snapshot_id}
    return board.create(TicketRequest(label=label, kind="review", summary="s", body=body, properties=properties))


def news(board: Board, ref: TicketRef, state: TicketState = REJECTED, at: datetime = NOW) -> None:
    board.states[ref.label] = state
    board.news.append(ChangedTicket(ref=ref, state=state, updated=at))


def decided(snapshot_id: str, **more: object) -> DecisionRecord:
    decision = Decision(outcome=DecisionOutcome.APPROVED, by="ada", at=NOW, ticket="T-1", url="http://board/T-1")
    fields = {"key": f"d{snapshot_id}", "event": RecordEvent.DECIDED, "decision": decision, "label": LABEL, "at": NOW}
    run = {"snapshot_id": snapshot_id, "workflow_id": "w", "first_run_id": "r"}
    return DecisionRecord(**(fields | run | more))


def said(board: Board) -> list[str]:
    return [call for call in board.calls if call.startswith("comment")]


async def swept(room: Backroom, sweep: LateDecisions, since: datetime | None = None) -> LateReport:
    report: LateReport = await room.run(sweep.answer_late_changes, LateSweep(since=since))
    return report


async def test_a_late_change_is_remarked_and_the_next_pass_begins_where_this_one_did(
    room: Backroom, sweep: LateDecisions, board: Board
) -> None:
    id_ = await room.snapshot()
    await room.port.append_decision(decided(id_))
    news(board, made(board, id_))
    report = await swept(room, sweep)
    assert (report.remarked, report.looked_until) == (1, NOW)
    assert len(said(board)) == 1
    await swept(room, sweep)
    assert len(set(said(board))) == 1  # the same event: the system writes it once


async def test_the_span_is_what_passed_since_and_what_searches_lag(
    room: Backroom, sweep: LateDecisions, board: Board
) -> None:
    await swept(room, sweep)
    await swept(room, sweep, NOW - timedelta(minutes=5))
    await swept(room, sweep, NOW + timedelta(hours=1))  # a clock that went back
    lag = int((late.OVERLAP + sweep.settings.ticket_index_lag).total_seconds() // 60)
    asked = [int(call.split()[1]) for call in board.calls if call.startswith("changed")]
    assert asked == [24 * 60 + lag, 5 + lag, 1]


@pytest.mark.parametrize("what", ["unknown", "copy", "no snapshot", "same", "gone", "open"])
async def test_what_is_no_news_is_left_alone(room: Backroom, sweep: LateDecisions, board: Board, what: str) -> None:
    id_ = await room.snapshot()
    if what != "unknown":
        await room.port.append_decision(decided(id_, label="gov-" + "c" * 24 if what == "open" else LABEL))
    ref = made(board, "" if what == "no snapshot" else id_)
    states = {"same": Answer.APPROVED, "gone": Answer.GONE}
    state = REJECTED.model_copy(update={"answer": states.get(what, Answer.REJECTED)})
    news(board, ref.model_copy(update={"key": "T-99", "id": "T-99"}) if what == "copy" else ref, state)
    assert (await swept(room, sweep)).remarked == 0
    assert said(board) == []


async def test_of_tickets_that_runs_wait_for_nothing_is_asked(
    room: Backroom, sweep: LateDecisions, board: Board
) -> None:
    """After hundreds of questions each would cost two requests, at every pass."""
    id_ = await room.snapshot()
    seen = Temporal()
    for number in range(150):
        label = f"gov-{number:024x}"
        news(board, made(board, id_, label), TicketState(answer=Answer.PENDING))
        seen.run(f"w{number}", f"jira:T-{number + 1}", label)
    info = room.environment.info
    room.environment = ActivityEnvironment(client=seen)  # type: ignore[arg-type]
    room.environment.info = info
    board.calls.clear()
    assert (await swept(room, sweep)).remarked == 0
    assert [call.split()[0] for call in board.calls] == ["changed"]


async def test_a_run_that_waits_again_after_a_reset_is_not_late(
    room: Backroom, sweep: LateDecisions, board: Board
) -> None:
    id_ = await room.snapshot()
    await room.port.append_decision(decided(id_))
    news(board, made(board, id_))
    seen = Temporal()
    seen.run("w", "jira:T-1", LABEL)
    info = room.environment.info
    room.environment = ActivityEnvironment(client=seen)  # type: ignore[arg-type]
    room.environment.info = info
    assert (await swept(room, sweep)).remarked == 0


async def test_one_ticket_that_refuses_a_remark_keeps_the_others_from_nothing(
    room: Backroom, sweep: LateDecisions, board: Board
) -> None:
    id_ = await room.snapshot()
    other = "gov-" + "d" * 24
    await room.port.append_decision(decided(id_))
    await room.port.append_decision(decided(id_, key="other", label=other))
    news(board, made(board, id_))
    news(board, made(board, id_, other))
    board.broken["comment"] = NO
    report = await swept(room, sweep)
    assert (report.remarked, report.looked_until) == (1, NOW)


@pytest.mark.parametrize("error", [Unavailable("board", "down"), NO])
async def test_a_system_that_cant_be_searched_is_left_to_the_next_pass(
    room: Backroom, sweep: LateDecisions, board: Board, error: Exception
) -> None:
    board.broken["changed"] = error  # type: ignore[assignment]
    since = NOW - timedelta(minutes=7)
    assert (await swept(room, sweep, since)).looked_until == since
    board.broken["changed"] = error  # type: ignore[assignment]
    assert (await swept(room, sweep)).looked_until is None


async def test_thousands_of_changes_are_looked_at_a_part_at_a_time_and_it_always_gets_on(
    room: Backroom, sweep: LateDecisions, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "MOST_CHANGED", 3)
    since = NOW - timedelta(minutes=10)
    for minute in range(9, 0, -1):
        label = f"gov-{minute:024x}"
        news(board, made(board, "none", label), at=NOW - timedelta(minutes=minute))
    assert (await swept(room, sweep, since)).looked_until == NOW - timedelta(minutes=7)
    board.news = [ticket.model_copy(update={"updated": since}) for ticket in board.news]
    assert (await swept(room, sweep, since)).looked_until == since + timedelta(minutes=1)


def test_the_remark_tells_what_holds_of_a_model_that_is_no_longer_active() -> None:
    place = DeployedPlace(id="d1", mode=DeploymentMode.ONLINE, runtime="small")
    ended = decided("s", event=RecordEvent.ENDED, outcome=Outcome.DEPLOYED, deployed=[place], answers={})
    approved = decided("s", expiration_date=date(2027, 1, 1))
    held = late.what_holds([approved, ended], LABEL)
    assert held is not None
    text = late.remark(held, REJECTED, "s", active=[])
    assert "changed to Rejected by bob" in text
    assert "this was approved by ada on 2026-11-29 12:00 UTC, until 2027-01-01." in text
    assert "online on small (deployment d1). It is no longer active there." in text
    assert late.what_holds([ended], "gov-other") is None
