import asyncio
import io
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from cli_stand_in import SaysWhatItIsTold
from rich.console import Console
from servers import eventually
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from mlc.model.processes import DeployModelResult, DeployModelStatus, Phase, StepRecord
from mlc.model.ticket import TicketRef
from mlc.standalone.watch import changes, follow, watch

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICKET = TicketRef(provider="jira", id="1", key="MLR-7", url="http://desk/browse/MLR-7", label="gov-" + "0" * 24)
ANSWER = f"an answer to [MLR-7]({TICKET.url})."
RESULT = DeployModelResult(outcome="deployed", snapshot_id="s")
Run = WorkflowHandle[SaysWhatItIsTold, DeployModelResult]


def status(*steps: StepRecord, waiting_for: str = "", result: DeployModelResult = RESULT) -> DeployModelStatus:
    return DeployModelStatus(phase=steps[-1].phase, steps=list(steps), waiting_for=waiting_for, result=result)


def step(phase: Phase, state: str, note: str = "", seconds: float | None = None) -> StepRecord:
    ended = None if seconds is None else BEGAN + timedelta(seconds=seconds)
    return StepRecord(phase=phase, status=state, started=BEGAN, ended=ended, note=note)


def said(before: DeployModelStatus | None, now: DeployModelStatus) -> list[tuple[str, str, str]]:
    return [line[1:] for line in changes(before, now)]


def test_each_change_is_one_line_and_no_change_is_none() -> None:
    first = status(step(Phase.TESTING, "running"))
    second = status(step(Phase.TESTING, "done", "auc 0.98", 2.5), step(Phase.REVIEW, "running"))
    assert said(None, first) == [], "there is nothing to tell yet"
    assert said(first, first) == []
    assert said(first, second) == [("testing", "done", "auc 0.98 (2.5 s)")]
    assert said(None, second) == said(first, second)


def test_what_a_run_waits_for_is_said_with_its_link_whenever_it_changes() -> None:
    running = status(step(Phase.REVIEW, "running"))
    ticketed = DeployModelResult(outcome="", snapshot_id="s", tickets=[TICKET])
    waits = status(step(Phase.REVIEW, "waiting"), waiting_for=ANSWER, result=ticketed)
    more = waits.model_copy(update={"waiting_for": f"{ANSWER} The date is past."})
    assert said(running, waits) == [("review", "waiting", f"for an answer to MLR-7 ({TICKET.url}).")]
    assert said(waits, more) == [("review", "waiting", f"for an answer to MLR-7 ({TICKET.url}). The date is past.")]
    assert said(more, more) == []


def test_a_failed_step_that_waits_for_an_answer_says_both() -> None:
    failed = step(Phase.TESTING, "failed", "no test data", 1)
    waits = status(failed, waiting_for=ANSWER, result=DeployModelResult(outcome="", snapshot_id="s", tickets=[TICKET]))
    assert said(None, waits) == [
        ("testing", "failed", "no test data (1.0 s)"),
        ("testing", "waiting", f"for an answer to MLR-7 ({TICKET.url})."),
    ]


def test_a_ticket_that_nobody_waits_for_is_told_with_its_address() -> None:
    done = status(step(Phase.DONE, "done"))
    recorded = done.model_copy(update={"result": DeployModelResult(outcome="", snapshot_id="s", tickets=[TICKET])})
    assert said(done, recorded) == [("done", "ticket", f"MLR-7 {TICKET.url}")]


def test_a_phase_that_begins_again_is_shown_again() -> None:
    once = status(step(Phase.TESTING, "failed", "no test data", 1))
    again = status(*once.steps, step(Phase.TESTING, "running"))
    assert said(once, again) == [("testing", "running", "again")]


@pytest.fixture(scope="module")
async def temporal(dev_server: WorkflowEnvironment) -> AsyncIterator[Client]:
    async with Worker(dev_server.client, task_queue="watched", workflows=[SaysWhatItIsTold]):
        yield dev_server.client


@pytest.fixture
async def run(temporal: Client) -> Run:
    first = status(step(Phase.TESTING, "running", "job 7"))
    return await temporal.start_workflow(SaysWhatItIsTold.run, first, id=f"run-{uuid.uuid4()}", task_queue="watched")


async def test_a_run_is_shown_until_it_ends_and_its_markup_and_control_codes_do_nothing(
    temporal: Client, run: Run
) -> None:
    output = io.StringIO()
    watching = asyncio.create_task(watch(temporal, run.id, Console(file=output, width=200)))

    async def shown() -> bool:
        return "testing" in output.getvalue()

    await eventually(shown)
    await run.signal(SaysWhatItIsTold.say, status(step(Phase.TESTING, "done", "[red]bad\x1b[2J[/red]", 1)))
    await run.signal(SaysWhatItIsTold.end, "well")
    assert await watching == RESULT
    lines = [line.split(maxsplit=1)[1] for line in output.getvalue().splitlines()]
    assert lines[0].split() == ["testing", "running", "job", "7"]
    assert lines[-1].split() == ["testing", "done", "[red]bad", "[2J[/red]", "(1.0", "s)"]
    assert "\x1b" not in output.getvalue()


async def test_each_open_ticket_is_handed_over_once(temporal: Client, run: Run) -> None:
    asked: list[str] = []

    async def note(ticket: TicketRef) -> None:
        asked.append(ticket.key)

    shown: list[str] = []
    following = asyncio.create_task(
        follow(
            temporal,
            run.id,
            lambda line: shown.append(line[3]),
            note,
            status=DeployModelStatus,
            result=DeployModelResult,
        )
    )
    waits = status(step(Phase.REVIEW, "waiting"), waiting_for=ANSWER)
    waits.open_tickets = [TICKET]
    await run.signal(SaysWhatItIsTold.say, waits)

    async def handed_over() -> bool:
        return bool(asked)

    await eventually(handed_over)
    await run.signal(SaysWhatItIsTold.say, waits.model_copy(update={"waiting_for": "something else"}))

    async def shown_too() -> bool:
        return "for something else" in shown

    await eventually(shown_too)
    await run.signal(SaysWhatItIsTold.end, "well")
    assert await following == DeployModelResult(outcome="deployed", snapshot_id="s")
    assert asked == ["MLR-7"]


async def test_a_run_that_fails_says_so(temporal: Client, run: Run) -> None:
    await run.signal(SaysWhatItIsTold.end, "fail")
    with pytest.raises(WorkflowFailureError) as failure:
        await watch(temporal, run.id, Console(file=io.StringIO()))
    assert "no runtime matches" in str(failure.value.cause)
