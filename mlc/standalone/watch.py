"""Shows a run of DeployModel live: a line for each thing that changes, until it ends."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from mlc.model.processes import DeployModelResult, DeployModelStatus, StepRecord

POLL = 0.5
QUERY_TIMEOUT = 5.0

_STYLES = {"done": "green", "waiting": "yellow", "failed": "red", "skipped": "dim", "running": "cyan"}
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")

Line = tuple[datetime, str, str, str]
"""When, which phase, its status, and what there is to say."""


async def watch(temporal: Client, workflow_id: str, console: Console) -> DeployModelResult:
    """Print what happens to a run until it ends.

    Raises:
        WorkflowFailureError: the run failed, or was cancelled or terminated.
        RPCError: there is no such run, or Temporal went away for longer than its client tries.
    """
    handle = temporal.get_workflow_handle(workflow_id, result_type=DeployModelResult)
    ending = asyncio.create_task(handle.result())
    seen: DeployModelStatus | None = None
    try:
        while not ending.done():
            seen = await _show(handle, seen, console)
            with suppress(Exception):  # how it ended is told below
                await asyncio.wait_for(asyncio.shield(ending), POLL)
        await _show(handle, seen, console)
        result: DeployModelResult = await ending
        return result
    finally:
        ending.cancel()


def changes(before: DeployModelStatus | None, now: DeployModelStatus) -> Iterator[Line]:
    """The lines that tell what is different between two answers of the query ``status``."""
    known = before.steps if before else []
    for number, step in enumerate(now.steps):
        old = known[number] if number < len(known) else None
        waits = now.waiting_for if number == len(now.steps) - 1 and step.status == "waiting" else ""
        waited = before.waiting_for if before and number == len(known) - 1 else ""
        if old is None or (old.status, old.note) != (step.status, step.note) or (waits and waits != waited):
            yield (
                step.ended or step.started,
                step.phase,
                step.status,
                " ".join(filter(None, (_said(step), _plain(waits)))),
            )
    told = {ticket.label for ticket in before.result.tickets} if before else set()
    for ticket in now.result.tickets:
        if ticket.label not in told:
            yield datetime.now().astimezone(), now.phase, "ticket", f"{ticket.key} {ticket.url}"


def printable(text: str) -> str:
    """A text from outside without what would steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


async def _show(
    handle: WorkflowHandle[Any, DeployModelResult], seen: DeployModelStatus | None, console: Console
) -> DeployModelStatus | None:
    try:
        async with asyncio.timeout(QUERY_TIMEOUT):
            now: DeployModelStatus = await handle.query("status", result_type=DeployModelStatus)
    except (RPCError, WorkflowQueryFailedError, TimeoutError):
        return seen  # no worker answers at this moment; the run doesn't mind
    for when, phase, status, text in changes(seen, now):
        line = Text.assemble(
            (f"{when.astimezone():%H:%M:%S}  ", "dim"),
            f"{phase:<12}",
            (f"{status:<8}", _STYLES.get(status, "magenta")),
            f"  {printable(text)}",
        )
        console.print(line, soft_wrap=True, highlight=False)
    return now


def _said(step: StepRecord) -> str:
    took = f"({(step.ended - step.started).total_seconds():.1f} s)" if step.ended else ""
    return " ".join(filter(None, (_plain(step.note), took)))


def _plain(markdown: str) -> str:
    return _LINK.sub(r"\1 (\2)", markdown)
