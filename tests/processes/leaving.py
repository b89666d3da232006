"""Runs that are stopped in the middle, and what can be in the way of each part of their clean-up."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from deploying import FOREVER, deployments, mend, notifications, state
from office import Office, Run
from servers import eventually
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError
from test_servicenow import Instance

from mlc.model.decision import RecordEvent
from mlc.model.ticket import TicketRef
from mlc.standalone.faults import Effect, Fault

REFUSED, GONE, DOWN = "refused", "gone", "down"
PAIRS = ("rrrr", "rggg", "rddd", "grgd", "ggdr", "gdrg", "drdg", "dgrd", "ddgr")
"""What happens to four parts, so that each thing that can happen to one meets each that can happen to another."""
HOWS = {"r": REFUSED, "g": GONE, "d": DOWN}
STATUS = {REFUSED: 403, GONE: 404, DOWN: 503}


@dataclass
class Part:
    """A part of a clean-up: what the run calls it, whether it is done, and how it is kept from being done."""

    name: str
    is_done: Callable[[], Awaitable[bool]]
    hinder: Callable[[str], Awaitable[None]]
    of: str = ""
    """Id of what it is about."""
    faults: list[Fault] = field(default_factory=list)

    def mend(self) -> None:
        for fault in self.faults:
            mend(fault)


def job_part(desk: Office, job_id: str) -> Part:
    """The end of a job."""

    async def is_done() -> bool:
        return (await desk.center.get_job(job_id)).job_status == "CANCELLED"

    async def hinder(how: str) -> None:
        part.faults += [plan(desk.center_faults, "PATCH", f"/jobs/{job_id}$", STATUS[how])]

    part = Part(f"cancel the job {job_id}", is_done, hinder, of=job_id)
    return part


class Stopped:
    """A run of DeployModel that was approved, has made one deployment, and asks what to do about another."""

    def __init__(self, desk: Office, snapshot_id: str, run: Run, review: TicketRef, error: TicketRef) -> None:
        self.desk, self.snapshot_id, self.run = desk, snapshot_id, run
        self.review, self.error = review, error
        self.made = ""

    @property
    def undo(self) -> Part:
        async def is_done() -> bool:
            return state(await self.desk.center.get_deployment(self.made)) == "UNDEPLOYED"

        async def hinder(how: str) -> None:
            part.faults += [plan(self.desk.center_faults, "PATCH", f"/deployedModels/{self.made}$", STATUS[how])]

        part = Part("undo the deployments", is_done, hinder)
        return part

    @property
    def withdraw(self) -> Part:
        servicenow = self.error.provider == "servicenow"

        async def is_done() -> bool:
            if servicenow:
                rows = await Instance(self.desk).rows("incident")
                return [row["state"] for row in rows if row["number"] == self.error.key] == ["8"]
            return bool((await self.desk.fields(self.error))["status"]["name"] == "Withdrawn")

        async def hinder(how: str) -> None:
            faults, place = self.desk.faults, self.error.id.rpartition(":")[2]
            if servicenow:
                method = ".*" if how == DOWN else "GET|PATCH" if how == GONE else "PATCH"
                part.faults += [plan(faults, method, f"/{place}$", STATUS[how])]
            elif how == GONE:
                (await self.desk.jira.delete(f"issue/{self.error.key}")).raise_for_status()
            elif how == REFUSED:
                body = '{"errorMessages": ["Field Assignee is required."], "errors": {}}'
                part.faults += [plan(faults, "POST", f"/issue/{place}/transitions$", 400, body)]
            else:
                part.faults += [plan(faults, ".*", f"/issue/{place}(/|$)", STATUS[how])]

        part = Part(f"withdraw {self.error.key}", is_done, hinder)
        return part

    @property
    def record(self) -> Part:
        async def is_done() -> bool:
            written = await self.desk.port.list_decisions(self.snapshot_id)
            return bool(written) and written[-1].event is RecordEvent.ENDED

        async def hinder(how: str) -> None:
            part.faults += [plan(self.desk.center_faults, "POST", "/decisionRecords", STATUS[how])]

        part = Part("record what came of it", is_done, hinder)
        return part

    @property
    def notify(self) -> Part:
        async def is_done() -> bool:
            return len(await notifications(self.desk, self.snapshot_id)) == 1

        async def hinder(how: str) -> None:
            part.faults += [plan(self.desk.center_faults, "POST", "/notifications$", STATUS[how])]

        part = Part("notify", is_done, hinder)
        return part

    @property
    def tell(self) -> Part:
        async def is_done() -> bool:
            if self.review.provider == "servicenow":
                return True
            found = (await self.desk.jira.get(f"issue/{self.review.key}/comment")).raise_for_status().json()
            return any("gov-event:came-" in comment["body"] for comment in found["comments"])

        async def hinder(how: str) -> None:
            if how == GONE:
                (await self.desk.jira.delete(f"issue/{self.review.key}")).raise_for_status()
            else:
                path = f"/issue/{self.review.id}/comment"
                part.faults += [plan(self.desk.faults, "POST", path, STATUS[how])]

        part = Part(f"say on {self.review.key} what came of it", is_done, hinder)
        return part


async def stopped(desk: Office, ticketing: str = "jira") -> Stopped:
    """One of two deployments is refused, and a ticket asks what to do about it."""
    snapshot_id = await desk.snapshot(ticketing, without=["TEST_RESULT_COMPARATOR"])
    run = await desk.start(snapshot_id)
    review = await waits(desk, run, 1)
    refused = plan(desk.center_faults, "POST", "/deployedModels$", 400)
    refused.times = 1
    if ticketing == "servicenow":
        instance = Instance(desk)
        await instance.change(review, approval="approved")
        await instance.tell(run, review)
    else:
        await desk.decide(run, review, "Done")
    error = await waits(desk, run, 2)
    left = Stopped(desk, snapshot_id, run, review, error)
    (made,) = await deployments(desk, snapshot_id)
    left.made = made.id
    return left


async def waits(desk: Office, run: Run, number: int) -> TicketRef:
    """The ticket that a run waits for, once it has made so many."""

    async def asked() -> TicketRef | None:
        status = await desk.status(run)
        asking = status.waiting_for.startswith("an answer") and len(status.result.tickets) == number
        return status.open_tickets[-1] if asking else None

    return await eventually(asked)


async def held_up(run: WorkflowHandle[Any, Any], parts: Sequence[Part]) -> None:
    """Wait until the run says of these parts, and of no others, what their system answered: that it is down."""

    async def said() -> bool:
        waiting_for = (await run.query("status"))["waiting_for"]
        begun = re.findall(r"(?:^cleaning up: |\); )([^;(]+) \([^)]*503[^)]*(?=\))", waiting_for)
        return sorted(begun) == sorted(part.name for part in parts)

    await eventually(said)


async def cancelled_without(run: WorkflowHandle[Any, Any], part: Part, how: str) -> None:
    """Cancel a run with this in the way of a part of its clean-up: it ends as cancelled, with what was down done."""
    await part.hinder(how)
    await run.cancel()
    if how == DOWN:
        await held_up(run, [part])
        part.mend()
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert how != DOWN or await part.is_done()


async def no_more(_how: str) -> None:
    """For parts that are hindered already."""


def plan(faults: Any, method: str, path: str, status: int, body: str = "{}") -> Fault:
    """From now on such requests are answered so."""
    faults.add(Effect.ANSWER, method=method, path=path, status=status, times=FOREVER, body=body)
    fault: Fault = faults.planned[-1]
    return fault
