"""Takes one model through the process, shows what happens, and looks at what came of it. Part of ``mlc demo``."""

import asyncio
import csv
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from temporalio.client import Client, WorkflowFailureError

from mlc.center import Center, NewFile
from mlc.center.certificates import certificates
from mlc.center.modelop.folder import read_model_folder
from mlc.model.asset import AssetRole
from mlc.model.deployment import DeploymentState
from mlc.model.failure import innermost
from mlc.model.processes import DeployModelResult, DeployModelStatus, Phase
from mlc.model.ticket import TicketKind, TicketRef
from mlc.pages import run_page
from mlc.standalone.demo.outcomes import Expected, Outcome, Seen, checks
from mlc.standalone.demo.reviewer import Reviewer, Ticket
from mlc.standalone.dev import STAGE
from mlc.standalone.submit import Submitted, submit_model
from mlc.standalone.watch import POLL, Line, follow, text_of

TEST_DATA = AssetRole.TEST_DATA
APPROVED_DAYS = 180
"""For how long the demo's reviewer approves the model that is to be online; otherwise the process sets the date."""
LIMIT = 300.0
"""Seconds for a submission that waits for no person; it takes about fifteen."""
SCORING_LIMIT = 20.0


@dataclass(frozen=True)
class Submission:
    """A model folder, how it is submitted, and what is to come of it."""

    folder: Path
    tags: tuple[str, ...]
    promise: str
    expected: Expected
    withheld: str | None = None
    """Role of the assets that are left out until a ticket asks for them."""


@dataclass(frozen=True)
class Played:
    """A submission that came to its end."""

    submission: Submission
    made: Submitted
    seen: Seen
    page: str
    """Of the snapshot."""

    def outcome(self, namespace: str) -> Outcome:
        """What came of it; ``namespace`` is Temporal's."""
        pages = {"run": run_page(self.made.workflow_id, namespace), "snapshot": self.page}
        tickets = {ticket.key: ticket.url for ticket in self.seen.tickets}
        return Outcome(self.made.model_name, list(checks(self.submission.expected, self.seen)), pages | tickets)


@dataclass(frozen=True)
class Systems:
    """What a submission passes through."""

    center: Center
    person: Reviewer
    temporal: Client


class Play:
    """Plays one submission. With ``approve`` it decides on the tickets as a person would, else it waits for one."""

    def __init__(self, submission: Submission, systems: Systems, console: Console, *, approve: bool) -> None:
        self._submission = submission
        self._systems = systems
        self._console = console
        self._approve = approve
        self._withheld: list[NewFile] = []

    async def run(self, number: str) -> Played:
        """Submit the model, show its run to the end, and look at what is there then."""
        made = await self._submit(number)

        async def asked(ticket: TicketRef) -> None:
            await self._asked(made.snapshot_id, ticket)

        trouble = ""
        try:
            async with asyncio.timeout(LIMIT if self._approve else None):
                await follow(
                    self._systems.temporal,
                    made.workflow_id,
                    self._show,
                    asked,
                    status=DeployModelStatus,
                    result=DeployModelResult,
                )
        except WorkflowFailureError as error:
            trouble = f"the run failed: {innermost(error)}"
        except TimeoutError:
            trouble = f"no end within {LIMIT:.0f} seconds"
        seen = await self._look(made, trouble)
        self._say("outcome", seen.outcome, trouble)
        return Played(self._submission, made, seen, self._page(made))

    async def _submit(self, number: str) -> Submitted:
        center, temporal = self._systems.center, self._systems.temporal
        model, files = read_model_folder(self._submission.folder)
        title = f"{number}  {model.name}: {self._submission.promise}"
        self._console.print(f"\n{title}", style="bold", soft_wrap=True, markup=False)
        self._withheld = [file for file in files if file.asset.role == self._submission.withheld]
        given = [file for file in files if file not in self._withheld]
        tags = self._submission.tags
        made = await submit_model(model, given, tags=tags, stage=STAGE, center=center, temporal=temporal)
        self._say("submitted", "snapshot", self._page(made))
        self._say("submitted", "run", run_page(made.workflow_id, temporal.namespace))
        return made

    def _page(self, made: Submitted) -> str:
        return self._systems.center.page_of(made.snapshot_id) or ""

    async def _asked(self, snapshot_id: str, ref: TicketRef) -> None:
        ticket = await self._systems.person.read(ref.key)
        repaired = bool(self._withheld) and (ticket.kind, ticket.step) == (TicketKind.REJECTION, Phase.TESTING)
        if repaired:
            await self._repair(snapshot_id, ticket)
        if self._approve:
            await self._decide(ticket, repaired=repaired)
        else:
            self._say("you", ref.key, f"Please open {ref.url} and {_request(ticket, repaired=repaired)}.")

    async def _repair(self, snapshot_id: str, ticket: Ticket) -> None:
        """Add what was withheld, as somebody who reads the ticket would, and say so on it."""
        center, added = self._systems.center, self._withheld
        self._withheld = []
        async with center.open_snapshot(snapshot_id) as snapshot:
            await center.add_files(snapshot, added)
        names = ", ".join(file.asset.name for file in added)
        await self._systems.person.comment(ticket.key, f"{names} has been added to the snapshot.")
        self._say("repair", ticket.key, f"{names} added to the snapshot, and the ticket says so")

    async def _decide(self, ticket: Ticket, *, repaired: bool) -> None:
        person, done = self._systems.person, []
        if ticket.kind == TicketKind.REVIEW:
            if self._submission.expected.scores:
                day = datetime.now(UTC).date() + timedelta(APPROVED_DAYS)
                await person.set_expiration(ticket.key, day)
                done.append(f"Expiration Date set to {day}")
            reason, status = "The results are well within the limits.", "Done"
        elif repaired:
            reason, status = "The data is there now: please test again.", "Done"
        elif ticket.rejects:
            reason, status = "This is not good enough for production.", "Rejected"
        else:
            reason, status = "The demo did not expect this.", "Rejected"
        await person.comment(ticket.key, reason)
        await person.move(ticket.key, status)
        self._say("reviewer", ticket.key, ", ".join([*done, f'comment "{reason}"', f"moved to {status}"]))

    async def _look(self, made: Submitted, trouble: str) -> Seen:
        """What the systems themselves say when the run is over."""
        systems = self._systems
        run = systems.temporal.get_workflow_handle(made.workflow_id)
        status = await run.query("status", result_type=DeployModelStatus)
        snapshot = await systems.center.get_snapshot(made.snapshot_id)
        active = {
            f"online on {deployment.runtime_name}" if deployment.runtime_id else "batch": deployment.address
            for deployment in await systems.center.list_deployments(snapshot_id=made.snapshot_id)
            if deployment.state is DeploymentState.DEPLOYED
        }
        online = next((address for place, address in active.items() if place != "batch"), None)
        tickets = []
        for ref in status.result.tickets:
            with suppress(httpx.HTTPStatusError):  # a person may have deleted it
                tickets.append(await systems.person.read(ref.key))
        return Seen(
            outcome=status.result.outcome or "unfinished",
            deployments=frozenset(active),
            decision=status.result.decision.outcome if status.result.decision else None,
            expires=snapshot.expires,
            tickets=tickets,
            answer=await self._score(online) if online and self._submission.expected.scores else None,
            trouble=trouble,
        )

    async def _score(self, address: str) -> Any:
        """Let the online deployment score a record, as an application would. A loading model asks for patience."""
        with (self._submission.folder / "to_score.csv").open(newline="") as file:
            record = {name: json.loads(value) for name, value in next(csv.DictReader(file)).items()}
        self._say("scoring", "request", f"POST {address} {json.dumps(record)}")
        async with httpx.AsyncClient(timeout=SCORING_LIMIT, verify=certificates()) as http:
            deadline = asyncio.get_running_loop().time() + SCORING_LIMIT
            while True:
                answer = await http.post(address, json=record)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
                if asyncio.get_running_loop().time() > deadline:
                    break
                await asyncio.sleep(POLL)
        self._say("scoring", "answer", f"{answer.status_code} {answer.text}")
        return answer.json() if answer.is_success else answer.text

    def _say(self, phase: str, status: str, text: str) -> None:
        self._show((datetime.now(UTC), phase, status, text))

    def _show(self, line: Line) -> None:
        _, phase, status, _ = line
        if status != "running" and (phase != Phase.DONE or status == "ticket"):
            self._console.print(text_of(line), soft_wrap=True)


def _request(ticket: Ticket, *, repaired: bool) -> str:
    """What a person is asked to do on a ticket."""
    if repaired:
        return "press Test again (Done), and the test runs; or Stop (Rejected), and the process ends"
    match ticket.kind:
        case TicketKind.REVIEW:
            return "decide: set an Expiration Date if you like, then press Approve (Done) or Reject (Rejected)"
        case TicketKind.REJECTION:
            return "press Stop (Rejected), and the process ends; or Test again (Done), and the model is tested again"
        case _:
            return "read what went wrong; Try again (Done) tries again, Stop (Rejected) ends the process"
