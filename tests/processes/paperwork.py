"""What tests read on tickets and in histories, and write on snapshots."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from office import Office, Run
from servers import eventually
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from mlc.center.modelop import wire
from mlc.model.ticket import TicketRef

TOLD = "gov-event:came-"


async def text(desk: Office, ticket: TicketRef) -> str:
    """A ticket's description without the escapes of Jira's markup, in one line."""
    return " ".join((await desk.fields(ticket))["description"].replace("\\", "").split())


async def comments(desk: Office, ticket: TicketRef) -> list[str]:
    """Everything that was commented on a ticket, oldest first."""
    found = (await desk.jira.get(f"issue/{ticket.key}/comment")).raise_for_status().json()["comments"]
    return [" ".join(comment["body"].replace("\\", "").split()) for comment in found]


async def remarks(desk: Office, ticket: TicketRef) -> list[str]:
    """What was commented on a ticket, oldest first, but for the word at the end of the run."""
    return [said for said in await comments(desk, ticket) if TOLD not in said]


async def told(desk: Office, ticket: TicketRef) -> list[str]:
    """What a ticket was told at the end of the run that asked it."""
    return [said.partition(" gov-event:")[0] for said in await comments(desk, ticket) if TOLD in said]


async def remarked(desk: Office, run: Run, ticket: TicketRef) -> str:
    """The one remark on a ticket whose answer could not be used, once the run waits again."""

    async def waits_again() -> bool:
        status = await desk.status(run)
        return status.waiting_for.startswith("an answer") and bool(await remarks(desk, ticket))

    await eventually(waits_again)
    (remark,) = await remarks(desk, ticket)
    return remark.partition(" gov-event:")[0]


async def next_ticket(desk: Office, run: Run, before: TicketRef) -> TicketRef:
    """The ticket that the run waits for after ``before`` was answered."""

    async def another() -> TicketRef | None:
        status = await desk.status(run)
        waits = status.waiting_for.startswith("an answer") and status.open_tickets
        return status.open_tickets[-1] if waits and status.open_tickets[-1].key != before.key else None

    return await eventually(another)


async def add_assets(desk: Office, snapshot_id: str, *assets: wire.Asset) -> None:
    present = (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets
    documents = [a.wire() for a in [*present, *assets]]
    await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelAssets": documents}})


async def tag(desk: Office, snapshot_id: str, tags: Iterable[str]) -> None:
    await desk.center.patch_snapshot(snapshot_id, {"metaData": {"tags": list(tags)}})


def payloads(message: Message, path: str = "") -> Iterator[tuple[str, Payload]]:
    """Every payload in a message, wherever it is, and where that is."""
    if isinstance(message, Payload):
        yield path, message
        return
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        inner = f"{path}.{field.name}"
        if isinstance(value, Message):
            yield from payloads(value, inner)
        elif hasattr(value, "values"):  # a map
            for key in value:
                yield from payloads(value[key], f"{inner}[{key}]")
        else:
            for item in value:
                yield from payloads(item, inner)


async def job_of(desk: Office, run: WorkflowHandle[Any, Any]) -> wire.Job:
    """The job that a run waits for."""
    return await desk.center.get_job(await desk.job_awaited(run))


async def failure_of(run: WorkflowHandle[Any, Any]) -> ApplicationError:
    """What a run that is to fail dies of."""
    with pytest.raises(WorkflowFailureError) as raised:
        await run.result()
    assert isinstance(raised.value.cause, ApplicationError)
    return raised.value.cause
