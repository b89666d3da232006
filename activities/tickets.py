"""Tickets: asked once, read when something may have changed, never guessed at."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ParamSpec
from urllib.parse import quote

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.deployments import previous_deployed_snapshot
from activities.failures import looking_first, translated_creation, translated_for_ever
from activities.threads import in_thread
from mlc.center import Center, wire
from mlc.model.base import Record
from mlc.model.failure import FailureType, Refused, Unavailable
from mlc.model.short import beginning
from mlc.model.ticket import TicketQuestion, TicketRef, TicketState
from mlc.model.verdict import RuleOutcome
from mlc.settings import CenterSettings, ProcessSettings
from mlc.ticketing import Ticketing, TicketRequest
from mlc.ticketing.content import AssetFact, ModelCard, ticket_request

P = ParamSpec("P")


class Remark(Record):
    """A comment, said once for each ``event_id``."""

    ticket: TicketRef
    event_id: str
    text: str


class Withdrawal(Record):
    """Tickets that nobody needs to answer any more, and why."""

    tickets: list[TicketRef]
    reason: str


@dataclass
class TicketActivities:
    center: Center
    tickets: Ticketing
    threads: Executor
    settings: ProcessSettings
    center_settings: CenterSettings

    @activity.defn
    async def open_ticket(self, question: TicketQuestion) -> TicketRef:
        """Make the ticket, or find the one that an earlier try made. At most one POST.

        The centre being down does not keep a ticket from being made: it then says less.

        Raises:
            ApplicationError: ``NotSent``, ``Ambiguous``, ``Refused``.
        """
        with translated_creation():
            async with looking_first(self.settings.settle):
                request = await self._request(question)
                found = await in_thread(self.threads, self.tickets.find, question.label)
            ticket = found[0] if found else await in_thread(self.threads, self.tickets.create, request)
        try:
            await self._complete(ticket, request, duplicates=found[1:])
        except Unavailable as error:
            # The ticket is there: it has to be found again before anything else is made.
            raise ApplicationError(str(error), type=FailureType.AMBIGUOUS, next_retry_delay=error.retry_after) from None
        return ticket

    @activity.defn
    async def find_ticket(self, question: TicketQuestion) -> TicketRef | None:
        """The ticket that an earlier, unclear try of ``open_ticket`` made, if it did; what it lacks is added."""
        with translated_for_ever():
            found = await in_thread(self.threads, self.tickets.find, question.label)
            if not found:
                return None
            await self._complete(found[0], await self._request(question), duplicates=found[1:])
        return found[0]

    @activity.defn
    async def read_ticket(self, ticket: TicketRef) -> TicketState:
        """The ticket as it is now."""
        with translated_for_ever():
            return in_short(await in_thread(self.threads, self.tickets.get, ticket))

    @activity.defn
    async def remark(self, remark: Remark) -> None:
        """Comment once."""
        with translated_for_ever():
            await in_thread(self.threads, self.tickets.comment, remark.ticket, remark.event_id, remark.text)

    @activity.defn
    async def withdraw_tickets(self, withdrawal: Withdrawal) -> None:
        """Close tickets in a way that means neither yes nor no."""
        with translated_for_ever():
            for ticket in withdrawal.tickets:
                await in_thread(
                    self.threads, self.tickets.close, ticket, f"withdrawn-{ticket.label}", withdrawal.reason
                )

    async def _complete(self, ticket: TicketRef, request: TicketRequest, duplicates: list[TicketRef]) -> None:
        """What comes after creation and can be repeated: attachments, links, and the end of duplicates.

        One that is refused is left out: that is no reason not to wait for the answer.
        """
        for attachment in request.attachments:
            await self._unless_refused(self.tickets.attach, ticket, attachment)
        for title, url in request.links:
            await self._unless_refused(self.tickets.link, ticket, f"{request.label}-{title}", url, title)
        for duplicate in duplicates:
            reason = f"A duplicate of {ticket.key}: only that one is read."
            await self._unless_refused(self.tickets.close, duplicate, f"duplicate-{duplicate.id}", reason)

    async def _unless_refused(self, function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await in_thread(self.threads, function, *args, **kwargs)
        except Refused as error:
            activity.logger.warning("left out: %s", error)

    async def _request(self, question: TicketQuestion) -> TicketRequest:
        """What the ticket says, from the question and what the centre can tell at this moment."""
        wording = await in_thread(self.threads, self.tickets.wording, question.kind)
        snapshot = previous = result = None
        previous_known = False
        try:
            snapshot = await self.center.get_snapshot(question.snapshot_id)
            previous = await previous_deployed_snapshot(self.center, self.center_settings, snapshot)
            previous_known = True
            if question.test_result is not None:
                result = await self.center.get_test_result(question.test_result.id)
            if question.job_id is not None:
                messages = "\n".join((await self.center.get_job(question.job_id)).job_messages)
                question = question.model_copy(update={"message": f"{question.message}\n\n{messages}".strip()})
        except (Unavailable, Refused) as error:
            activity.logger.warning("the ticket will say less: %s", error)
        return ticket_request(
            with_every_rule(question, result),
            snapshot=model_card(snapshot) if snapshot else None,
            previous=model_card(previous) if previous else None,
            previous_known=previous_known,
            result=result.test_results if result else None,
            links=self._links(question),
            wording=wording,
        )

    def _links(self, question: TicketQuestion) -> list[tuple[str, str]]:
        namespace = quote(activity.info().namespace, safe="")
        run = f"{self.settings.temporal_ui}/namespaces/{namespace}/workflows/{quote(question.workflow_id, safe='')}"
        links = [("The run in Temporal", f"{run}/{question.run_id}/history")]
        if self.center_settings.browse_url:
            path = self.center_settings.snapshot_page.format(snapshot_id=quote(question.snapshot_id, safe=""))
            links.append(("The snapshot in the model centre", f"{self.center_settings.browse_url.rstrip('/')}{path}"))
        return links


def model_card(snapshot: wire.DeployableModel) -> ModelCard:
    """A snapshot as a reviewer wants to read and compare it."""
    model, about = snapshot.stored_model, snapshot.stored_model.model_meta_data
    git = about.repository_info or {}
    facts = {
        "Model type": about.type,
        "Use": about.model_use_category,
        "Organization": about.model_organization,
        "Tags": ", ".join(snapshot.meta_data.tags),
        **{name: value for name, value in about.custom.items() if isinstance(value, str | int | float)},
    }
    return ModelCard(
        snapshot_id=snapshot.id,
        snapshot_name=snapshot.meta_data.name,
        model_name=about.name,
        owner=snapshot.created_by or model.created_by or "",
        stage=about.model_stage or "",
        methodology=about.model_methodology or "",
        risk=about.model_risk or "",
        description=about.description or "",
        created=f"{snapshot.created_date:%Y-%m-%d %H:%M} UTC" if snapshot.created_date else "",
        git_repository=str(git.get("repositoryRemote") or ""),
        git_commit=str(git.get("lastCommitId") or ""),
        assets=[
            AssetFact(
                name=asset.filename or asset.name,
                role=asset.asset_role,
                sha256=asset.content_hash.hex_string if asset.content_hash else "",
            )
            for asset in model.model_assets
        ],
        metadata={name: str(value) for name, value in facts.items() if value},
    )


def in_short(state: TicketState) -> TicketState:
    """What a history keeps of what people wrote: the whole comment stays on the ticket."""
    limits = {"status": 80, "resolution": 80, "decided_by": 120, "reason": 400}
    texts = {name: getattr(state, name) for name in limits}
    return state.model_copy(update={name: beginning(text, limits[name]) for name, text in texts.items() if text})


def with_every_rule(question: TicketQuestion, result: wire.ModelTestResult | None) -> TicketQuestion:
    """A history keeps a verdict in short; the ticket shows all of it that the centre keeps."""
    if question.verdict is None or result is None or not result.dmn_rule_results:
        return question
    rules = [RuleOutcome.model_validate(rule) for rule in result.dmn_rule_results if "table" in rule]
    problems = [str(rule.get("reason")) for rule in result.dmn_rule_results if "table" not in rule]
    whole = question.verdict.model_copy(update={"rules": rules, "problems": problems})
    return question.model_copy(update={"verdict": whole})
