"""A case: one snapshot, what is known about it, and the tools with which a process works on it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.notifications import Notice, NotificationActivities
from activities.snapshots import SnapshotActivities
from activities.tickets import TicketActivities
from activities.verdicts import Judgement, JudgeRequest, VerdictActivities
from mlc.model.deployment import RuntimeRef
from mlc.model.failure import FailureType
from mlc.model.job import NO_FILES, Job, JobFiles, JobKind
from mlc.model.policy import Policy
from mlc.model.processes import JudgedResult
from mlc.model.result import TestResult
from mlc.model.snapshot import SnapshotSummary
from mlc.model.state import ProcessState
from mlc.model.ticket import JUDGING, Provider, TicketKind, TicketQuestion, TicketRef, TicketState
from mlc.model.truncation import truncate
from mlc.model.verdict import EarlierVerdict, Verdict
from workflows.steps.activity import HEARTBEAT_TIMEOUT, RETRY, TIMEOUT, Call, call, call_at_once
from workflows.steps.ask import Objection, Questions, no_objection
from workflows.steps.clean_up import CleanUp, Part
from workflows.steps.handover import Handover
from workflows.steps.jobs import Jobs
from workflows.steps.once import reason
from workflows.steps.patches import since
from workflows.steps.progress import Progress

QUESTION_ROOM = 1_800
"""Bytes of a question in a history: with the label that it gets, and in what surrounds it, it stays under 2 KiB."""
Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Case:
    """What a run works on, and the tools for it. All that it knows is in ``state``."""

    def __init__(self, state: ProcessState, handover: Handover) -> None:
        self.state = state
        self.progress = Progress(state)
        self.jobs = Jobs(state.jobs, self.progress, handover)
        self.questions = Questions(state.questions, self.progress, handover)
        self.clean_up = CleanUp(self.progress)

    @property
    def snapshot(self) -> SnapshotSummary:
        return self.state.case.snapshot

    @property
    def policy(self) -> Policy:
        """The settings that this run follows."""
        return self.state.case.policy

    @property
    def test_result(self) -> TestResult | None:
        return self.state.case.test_result

    @property
    def verdict(self) -> Verdict | None:
        return self.state.case.verdict

    async def do(
        self, activity: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, summary: str
    ) -> Result:
        """Run an activity that can be repeated, for as long as the outage budget lasts.

        It stands in the history before it begins: whatever interrupts the run, what it may have changed is known.
        """
        return await call(activity, argument, summary=summary, outage_budget=self.policy.outage_budget)

    async def look(
        self, activity: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, summary: str
    ) -> Result:
        """The same for one that changes nothing: that it was tried within the worker may be forgotten."""
        return await call_at_once(activity, argument, summary=summary, outage_budget=self.policy.outage_budget)

    async def read_policy(self) -> None:
        """Fix the settings that this run will follow, before its snapshot is known."""
        self.state.case.policy = await workflow.execute_activity_method(
            SnapshotActivities.read_policy,
            start_to_close_timeout=TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RETRY,
            summary="read the settings",
        )

    def begin(self, snapshot: SnapshotSummary, policy: Policy) -> None:
        """The snapshot as it is, and the settings that this run will follow.

        Raises:
            ApplicationError: ``NoTicketSystem`` if its tickets are to go to one that isn't set up.
        """
        self.state.case.snapshot, self.state.case.policy = snapshot, policy
        self.progress.of(snapshot)
        wanted = self.state.case.ticketing or snapshot.ticketing
        if wanted and policy.ticket_systems and wanted not in policy.ticket_systems:
            raise ApplicationError(
                f"The tickets are to go to {wanted!r}, which isn't set up: send them to "
                f"{' or '.join(policy.ticket_systems)}, or set its address and account for the workers.",
                type=FailureType.NO_TICKET_SYSTEM,
            )

    @property
    def ticketing(self) -> Provider:
        """Where tickets go: as the input, the snapshot or the settings say, if that system is there."""
        wanted = self.state.case.ticketing or self.snapshot.ticketing
        there = self.policy.ticket_systems
        return wanted if wanted and (not there or wanted in there) else self.policy.ticketing

    async def refresh(self) -> None:
        """Fetch the snapshot afresh."""
        self.state.case.snapshot = await self.look(
            SnapshotActivities.get_snapshot, self.snapshot.id, "fetch the snapshot afresh"
        )

    async def notify(self, notice: Notice, call: Call = call_at_once) -> None:
        """Tell people without asking. What is done stays done if the centre refuses to hear it.

        It may be tried at once: of one key there is one notification (a centre that sees to that itself, or is asked
        what was said before), and nobody takes one back.
        """
        await self.unless_refused(
            lambda: call(
                NotificationActivities.notify, notice, outage_budget=self.policy.outage_budget, summary="notify"
            )
        )

    def to_abandon(self, why: str) -> list[Part]:
        """What of a clean-up every process has: the job in flight, if it still runs, and the open tickets."""
        return [*self.jobs.to_end, *self.questions.to_withdraw(why)]

    def let_go(self, why: str) -> None:
        """Begin to end the job in flight and to withdraw the open tickets, beside whatever comes next."""
        if since("clean-up-2026-11"):
            self.clean_up.begin(self.to_abandon(why))

    async def abandon(self, why: str, notice: Notice | None = None) -> None:
        """End the job in flight, if it still runs, withdraw the open tickets, and tell people, beside each other."""
        if since("clean-up-2026-11"):
            told: list[Part] = [("notify", partial(self.notify, notice))] if notice is not None else []
            self.clean_up.begin([*self.to_abandon(why), *told])
            await self.clean_up.finished()
            return
        try:
            if notice is not None:
                await self.notify(notice)
        finally:  # also when the run is cancelled meanwhile
            await self.unless_refused(self.jobs.cancel)
            await self.unless_refused(lambda: self.questions.withdraw(why))

    async def unless_refused(self, part: Callable[[], Awaitable[None]]) -> None:
        """Do something by the way; if it can't be done, the result says so."""
        try:
            await part()
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self.state.status.result.warnings.append(truncate(reason(error), 300))

    async def run_job(
        self,
        kind: JobKind,
        finish: Callable[[Any, Job], Awaitable[Result]],
        *,
        runtime: RuntimeRef | None = None,
        files: JobFiles = NO_FILES,
        parameters: Mapping[str, Any] | None = None,
    ) -> Result:
        """Create a job for the snapshot and wait until ``finish`` has its answer."""
        return await self.jobs.run(
            kind, self.snapshot.id, self.policy, finish, runtime=runtime, files=files, parameters=parameters
        )

    async def ask(
        self,
        kind: TicketKind,
        step: StrEnum,
        message: str = "",
        *,
        bound: str = "",
        without: Sequence[str] = (),
        replaces: bool = False,
        objection: Objection = no_objection,
    ) -> tuple[TicketRef, TicketState]:
        """Put a question to people with all that is known so far, and wait for an answer that can be used.

        Args:
            bound: the digest of the files that it is about, if they are bound.
            without: monitors that can't be added; a yes says that it goes on without them.
            replaces: whether a yes says that this snapshot takes the place of a newer one.
        """
        more = {"bound": bound, "without_monitors": list(without), "replaces": replaces}
        question = self._question(kind, step, message).model_copy(update=more)
        return await self.questions.ask(question, self.policy, objection)

    async def ask_on(self, ticket: TicketRef, kind: TicketKind, step: StrEnum) -> tuple[TicketRef, TicketState]:
        """Wait for an answer on a ticket that is there already. Deleted, it is asked anew."""
        question = self._question(kind, step, "")
        self.questions.take_up(ticket, question)
        return await self.questions.ask(question, self.policy)

    async def report(
        self,
        kind: TicketKind,
        step: StrEnum,
        message: str,
        *,
        label: str = "",
        monitor: str = "",
        follows: TicketRef | None = None,
    ) -> TicketRef:
        """Write something down on a ticket for which this run does not wait.

        Args:
            label: our key on it, where that does not follow from the run: then it may be there already.
            monitor: the name of the one that it tells of.
            follows: an earlier ticket about the same.
        """
        more = {"label": label, "monitor": truncate(monitor, 120), "follows": follows}
        question = self._question(kind, step, message).model_copy(update=more)
        return await self.questions.report(question, self.policy)

    async def find_report(self, kind: TicketKind, step: StrEnum, label: str) -> TicketRef | None:
        """The ticket that an earlier run may have written something down on; None if there is none under its key."""
        question = self._question(kind, step, "")
        # It tells of what was then: nothing of what is known now goes on it.
        then = question.model_copy(update={"label": label, "test_result": None, "verdict": None})
        return await self.do(TicketActivities.find_ticket, then, f"look for the {kind} ticket, {step}")

    def _question(self, kind: TicketKind, step: StrEnum, message: str) -> TicketQuestion:
        failed_job = self.jobs.in_flight
        earlier = self.state.case.earlier if kind in JUDGING else None
        question = TicketQuestion(
            kind=kind,
            step=step,
            provider=self.ticketing,
            snapshot_id=self.snapshot.id,
            model_name=truncate(self.snapshot.model_name, 120),
            workflow_id=workflow.info().workflow_id,
            run_id=workflow.info().run_id,
            message=truncate(message, 250 if earlier else 400 if self.verdict else 1_200),
            job_id=failed_job.id if failed_job else None,
            test_result=self.test_result.model_copy(update={"metrics": {}, "inputs": []}) if self.test_result else None,
            verdict=self.verdict,
            earlier=earlier,
            on_missing_monitor=self.policy.on_missing_monitor,
        )
        return within(question, QUESTION_ROOM)


def within(question: TicketQuestion, room: int) -> TicketQuestion:
    """A question of at most so many bytes of JSON: of the verdict before this one first the hashes go, then the rules.

    The ticket then says less about it. What was judged now is never left out.
    """
    least: list[tuple[str, Any]] = [("assets", {}), ("rules", [])]
    for lacking in least:
        if question.earlier is not None and len(question.model_dump_json().encode()) > room:
            question = question.model_copy(update={"earlier": question.earlier.model_copy(update=dict([lacking]))})
    return question


class JudgedCase(Case):
    """A case with evidence: a test result, and what decision tables say of it.

    Args:
        result: how the run ends, the same object as in ``state``.
    """

    def __init__(self, state: ProcessState, result: JudgedResult, handover: Handover) -> None:
        super().__init__(state, handover)
        self.result = result

    def tested(self, test_result: TestResult | None) -> None:
        """This is the evidence that counts; nothing is said of it yet."""
        self.state.case.test_result = test_result
        self.result.test_result_id = test_result.id if test_result else None
        self.result.test_inputs = test_result.inputs if test_result else []
        self.judged_no_more()

    def judged_no_more(self) -> None:
        """What was said of the evidence does not count; it has to be judged anew."""
        self.state.case.verdict = self.result.verdict = None
        self.state.case.judged_on, self.state.case.judged_assets = None, {}

    def did_not_pass(self, ticket: TicketRef) -> None:
        """Keep in mind, in short, that there was this verdict: who decides later is told of it."""
        verdict, before = self.verdict, self.state.case.earlier
        if verdict is None:
            return
        self.state.case.earlier = EarlierVerdict(
            times=before.times + 1 if before else 1,
            at=self.state.case.judged_on,
            ticket=ticket.key,
            rules=verdict.failed_rules(),
            job_id=self.test_result.job_id if self.test_result else None,
            assets=self.state.case.judged_assets,
        )

    async def judge(self) -> Verdict:
        """What the snapshot's decision tables say of the test result; without one, of its newest own."""
        if self.verdict is not None:  # by an earlier run of the chain
            return self.verdict
        request = JudgeRequest(snapshot_id=self.snapshot.id, test_result=self.test_result)
        return self.judged(await self.do(VerdictActivities.judge, request, "judge the test result"))

    def judged(self, judgement: Judgement) -> Verdict:
        """This is the evidence that counts, and what is said of it."""
        self.tested(judgement.test_result)
        self.state.case.verdict = self.result.verdict = judgement.verdict
        self.state.case.judged_on, self.state.case.judged_assets = workflow.now(), judgement.assets
        return judgement.verdict
