"""Judgement and review: what is asked about is bound by its hashes, and what was approved is what is deployed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.decisions import BindingRequest, Bound, Comparison, DecisionActivities, DecisionToKeep
from activities.snapshots import SnapshotActivities
from mlc.model.failure import FailureType
from mlc.model.policy import OnFailedVerdict
from mlc.model.processes import Phase
from mlc.model.state import DeployModelState
from mlc.model.ticket import Answer, TicketKind
from workflows.steps.attempt import Attempts, Stopped
from workflows.steps.case import JudgedCase
from workflows.steps.monitors import MissingMonitors
from workflows.steps.once import failure_type
from workflows.steps.outcome import decision, decision_evidence, not_usable, one_year_after, verdict_text
from workflows.steps.patches import since

UNKNOWN_CHANGE = "the snapshot changed while it was being deployed"

T = TypeVar("T")


class Review:
    """From the verdict to an approval that counts."""

    def __init__(self, case: JudgedCase, state: DeployModelState, steps: Attempts, monitors: MissingMonitors) -> None:
        self.case = case
        self.state = state
        self.steps = steps
        self.monitors = monitors
        self.progress = case.progress
        self.result = state.status.result

    @property
    def passes(self) -> bool:
        """Whether the results may be put to a reviewer."""
        verdict = self.case.verdict
        return verdict is None or verdict.passed or self.case.policy.on_failed_verdict is OnFailedVerdict.ASK

    @property
    def is_outdated(self) -> bool:
        """Whether what was approved is no longer what there is, so that it has to be asked anew."""
        return bool(self.state.outdated)

    async def judge(self) -> None:
        """Approval Based on Test Results, first half: what the decision tables say, if any."""
        if not self.case.snapshot.review:
            self.progress.skip("not asked for")
            return
        self.progress.note(verdict_text(await self.case.judge()))
        if self.passes and self.state.binding is None and keeps_decisions():
            await self._bind("")
        await self.monitors.look()

    async def reject_results(self) -> None:
        """The results did not pass: repaired, they are tested again."""
        message = f"The test result: {verdict_text(self.result.verdict)}"
        if self.is_outdated and self.state.reviewed is not None:
            message = f"Judged anew: {self._since()} {message}"
        try:
            ticket = await self.steps.again_or_stop(TicketKind.REJECTION, Phase.REVIEW, message)
        except Stopped as stop:
            if stop.ticket is not None and stop.answer is not None and keeps_decisions():
                self.state.review_label = stop.ticket.label
                self.result.decision = decision(stop.ticket, stop.answer, passed=False)
                await self.steps.attempt(Phase.REVIEW, self._record)
            raise
        self.case.did_not_pass(ticket)

    async def decide(self) -> None:
        """Approval Based on Test Results, second half: the reviewer's decision, however long it takes.

        Nobody is asked anew about results that don't pass any more.
        """
        if self.progress.is_past(Phase.REVIEW):
            return
        if self.is_outdated and self.state.reviewed is not None:
            await self.steps.attempt(Phase.REVIEW, self._judge_anew)
            if not self.passes:
                return
        if self.state.reviewed is None:
            if not self.case.snapshot.review and not self.is_outdated:
                return
            passed = self.result.verdict is None or self.result.verdict.passed
            ticket, self.state.reviewed = await self.case.ask(
                TicketKind.REVIEW,
                Phase.REVIEW,
                self.state.asked_about,
                bound=self.state.binding.digest if self.state.binding else "",
                without=self.monitors.told,
                objection=lambda answer: not_usable(answer, passed),
            )
            self.state.outdated = []
            self.state.review_label = ticket.label
            self.result.decision = decision(ticket, self.state.reviewed, passed)
        if self.state.reviewed.answer is Answer.REJECTED:
            await self._reject()

    async def update_expiration_date(self) -> None:
        """Update Expiration Date: the ticket's, or a year from now; with it goes who decided on which evidence."""
        reviewed = self.state.reviewed
        if reviewed is None:
            self.progress.skip("nobody was asked")
            return
        if reviewed.answer is not Answer.APPROVED:  # whatever brought the run here, an answer that is no yes ends it
            raise Stopped(TicketKind.REJECTION, f"The review was answered with {reviewed.answer}.")
        if await self.compare():
            return
        self.result.expiration_date = reviewed.expiration or one_year_after(workflow.now().date())
        await self._record()
        self.progress.note(f"expires {self.result.expiration_date}")

    async def compare(self) -> bool:
        """Compare the snapshot, its tables and the test result with what was approved. True: it is asked anew."""
        if self.state.binding is not None:
            comparison = Comparison(
                snapshot_id=self.case.snapshot.id,
                first_run_id=workflow.info().first_execution_run_id,
                binding=self.state.binding,
            )
            found = await self.case.look(DecisionActivities.compare_bound, comparison, "compare with what was approved")
            self._outdate(found.changed)
        return self.is_outdated

    async def as_approved(
        self, deploy: Callable[[str], Awaitable[T]], start_over: Callable[[], Awaitable[None]]
    ) -> T | None:
        """Deploy what was approved, or nothing: None if it is to be asked anew.

        Args:
            deploy: given the digest of what was approved, empty if nobody was asked, deploys nothing else.
            start_over: takes back what earlier tries have deployed, since it will not be approved again.
        """
        if not await self.compare():
            try:
                return await deploy(self.state.binding.digest if self.state.binding else "")
            except ActivityError as error:
                if failure_type(error) != FailureType.CHANGED_SINCE_APPROVAL:
                    raise
            if not await self.compare():
                self._outdate([UNKNOWN_CHANGE])  # and it has changed back
        await start_over()
        return None

    def _outdate(self, changed: list[str]) -> None:
        self.state.outdated = changed
        if changed:
            self.progress.note(f"asked anew: {', '.join(changed)}"[:300])

    async def _bind(self, note: str) -> None:
        """Hash what the question is about, before it is asked: nothing but what was judged, and passes."""
        bound = await self._hash(note)
        while bound.unjudged:
            await self._judge_again()
            if not self.passes:
                return
            bound = await self._hash(note)
        self.state.binding = bound.binding
        if bound.untested:
            note = f"{note} The test was run on other files: {', '.join(bound.untested)}.".strip()
        self.state.asked_about = note

    async def _hash(self, note: str) -> Bound:
        request = BindingRequest(
            snapshot_id=self.case.snapshot.id,
            first_run_id=workflow.info().first_execution_run_id,
            test_result=self.case.test_result.model_copy(update={"metrics": {}}) if self.case.test_result else None,
            note=note,
            policy=self.case.policy,
            judged=self.state.case.judged_assets,
        )
        return await self.case.do(DecisionActivities.bind_question, request, "hash what is asked about")

    async def _judge_anew(self) -> None:
        """What is there now is judged, and bound if it passes: the tables may be others, too."""
        if self.result.verdict is not None:
            await self._judge_again()
        if self.passes:
            await self._bind(f"Asked anew: {self._since()}")
        if self.passes:
            self.state.reviewed = self.result.decision = None

    async def _judge_again(self) -> None:
        self.case.judged_no_more()
        self.progress.note(verdict_text(await self.case.judge()))

    def _since(self) -> str:
        """Why an answer does not count."""
        asked = self.result.decision.ticket if self.result.decision else "the ticket"
        return f"since {asked} was asked, {', '.join(self.state.outdated)}. The answer there does not count."

    async def _reject(self) -> None:
        """The reviewer's no is written down, in the centre and on a ticket, and ends the run."""
        assert self.state.reviewed is not None
        assert self.result.decision is not None
        message = f"The review {self.result.decision.ticket} was rejected. {self.state.reviewed.reason or ''}".strip()
        await self.steps.attempt(Phase.REVIEW, self._record)
        await self.case.report(TicketKind.RECORD, Phase.REVIEW, message)
        raise Stopped(TicketKind.REJECTION, message)

    async def _record(self) -> None:
        """Who decided on which evidence, in the centre: there it outlives this run's history."""
        evidence = decision_evidence(self.result, self.case.test_result)
        if not keeps_decisions():
            await self.case.do(SnapshotActivities.record_decision, evidence, "record the decision")
            return
        kept = DecisionToKeep(
            evidence=evidence,
            first_run_id=workflow.info().first_execution_run_id,
            label=self.state.review_label,
            bound=self.state.binding.digest if self.state.binding else "",
        )
        await self.case.do(DecisionActivities.keep_decision, kept, "record the decision")


def keeps_decisions() -> bool:
    """Whether a run keeps decision records: all do but those from before there were any."""
    return since("decision-records-2026-11")
