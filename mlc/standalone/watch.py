"""Shows a run live: a line for each thing that changes, until it ends."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar, cast

from rich.console import Console
from rich.text import Text
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from mlc.model.processes import DeployModelResult, DeployModelStatus, ProcessResult, ProcessStatus, StepRecord
from mlc.model.ticket import TicketRef
from mlc.terminal import printable

POLL = 0.5
QUERY_TIMEOUT = 5.0

R = TypeVar("R", bound=ProcessResult)

_STYLES = {
    "done": "green",
    "waiting": "yellow",
    "failed": "red",
    "rejected": "red",
    "skipped": "dim",
    "running": "cyan",
}
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")

Line = tuple[datetime, str, str, str]
"""When, which phase, its status, and what there is to say."""


async def _nobody(_: TicketRef) -> None:
    """For who only watches."""


async def follow(
    temporal: Client,
    workflow_id: str,
    show: Callable[[Line], None],
    asked: Callable[[TicketRef], Awaitable[None]] = _nobody,
    *,
    status: type[ProcessStatus],
    result: type[R],
) -> R:
    """Show what happens to a run until it ends.

    Args:
        asked: called once for each ticket that the run waits for, after it was shown.
        status: what the run's query answers.
        result: what the run returns.

    Raises:
        WorkflowFailureError: the run failed, or was cancelled or terminated.
        RPCError: there is no such run, or Temporal went away for longer than its client tries.
    """
    handle = temporal.get_workflow_handle(workflow_id, result_type=result)
    ending = asyncio.create_task(handle.result())
    seen: ProcessStatus | None = None
    told: set[str] = set()
    try:
        while not ending.done():
            seen = await _show(handle, seen, show, status)
            for ticket in seen.open_tickets if seen else []:
                # Once the run waits for it: a question is seen before it is answered.
                if ticket.label not in told and seen and f"[{ticket.key}]" in seen.waiting_for:
                    told.add(ticket.label)
                    await asked(ticket)
            with suppress(Exception):  # how it ended is told below
                await asyncio.wait_for(asyncio.shield(ending), POLL)
        await _show(handle, seen, show, status)
        return cast(R, await ending)
    finally:
        ending.cancel()


async def watch(temporal: Client, workflow_id: str, console: Console) -> DeployModelResult:
    """Print what happens to a run of DeployModel until it ends. Raises what :func:`follow` does."""

    def show(line: Line) -> None:
        console.print(text_of(line), soft_wrap=True)

    return await follow(temporal, workflow_id, show, status=DeployModelStatus, result=DeployModelResult)


def text_of(line: Line) -> Text:
    """A line as it is printed."""
    when, phase, status, text = line
    return Text.assemble(
        (f"{when.astimezone():%H:%M:%S}  ", "dim"),
        f"{phase:<12}",
        (f"{status:<8}", _STYLES.get(status, "magenta")),
        f"  {printable(text)}",
    )


def changes(before: ProcessStatus | None, now: ProcessStatus) -> Iterator[Line]:
    """The lines that tell what is different between two answers of the query ``status``."""
    known = before.steps if before else []
    for number, step in enumerate(now.steps):
        old = known[number] if number < len(known) else None
        said = _said(step)
        if step.status == "running" and not said:  # what it does will be told when there is something to tell
            if old is not None or not any(earlier.phase == step.phase for earlier in now.steps[:number]):
                continue
            said = "again"
        if step.status != "waiting" and (old is None or (old.status, old.note) != (step.status, step.note)):
            yield step.ended or step.started, step.phase, step.status, said
    waits = _plain(now.waiting_for)
    if waits and now.waiting_for != (before.waiting_for if before else ""):
        note = _plain(now.steps[-1].note) if now.steps and now.steps[-1].status == "waiting" else ""
        yield (
            datetime.now().astimezone(),
            now.phase,
            "waiting",
            f"{note}; waiting for {waits}" if note else f"for {waits}",
        )
    told = {ticket.label for ticket in before.result.tickets} if before else set()
    for ticket in now.result.tickets:
        if ticket.label not in told and ticket.url not in waits:
            yield datetime.now().astimezone(), now.phase, "ticket", f"{ticket.key} {ticket.url}"


async def _show(
    handle: WorkflowHandle[Any, Any],
    seen: ProcessStatus | None,
    show: Callable[[Line], None],
    status: type[ProcessStatus],
) -> ProcessStatus | None:
    try:
        async with asyncio.timeout(QUERY_TIMEOUT):
            now: ProcessStatus = await handle.query("status", result_type=status)
    except (RPCError, WorkflowQueryFailedError, TimeoutError):
        return seen  # no worker answers at this moment; the run doesn't mind
    for line in changes(seen, now):
        show(line)
    return now


def _said(step: StepRecord) -> str:
    took = f"({(step.ended - step.started).total_seconds():.1f} s)" if step.ended else ""
    return " ".join(filter(None, (_plain(step.note), took)))


def _plain(markdown: str) -> str:
    return _LINK.sub(r"\1 (\2)", markdown)
