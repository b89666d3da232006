"""The end of a run of DeployModel: its record, and a word on every ticket that somebody answered."""

from datetime import timedelta
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.decisions import DecisionActivities, EndingToKeep
from activities.tickets import Remark, TicketActivities
from mlc.model.decision import DeployedPlace
from mlc.model.processes import DeployModelResult, Outcome
from mlc.model.state import AnsweredQuestion
from mlc.model.truncation import truncate
from workflows.steps.activity import Call, call, call_at_once
from workflows.steps.case import JudgedCase
from workflows.steps.clean_up import Part
from workflows.steps.notices import deployment_ended
from workflows.steps.once import reason
from workflows.steps.outcome import what_came_of_it
from workflows.steps.patches import since

MOST_ANSWERS = 20
LONGEST_REMARK = 1_000
IN_A_HURRY = timedelta(seconds=5)
"""For so long a cancelled run tries to leave a word."""


class Ending:
    """What is left to be said when a run is over."""

    def __init__(self, case: JudgedCase, result: DeployModelResult) -> None:
        self.case = case
        self.result = result

    def words(self, outcome: Outcome, *, cancelled: bool = False, held_up: str = "") -> list[Part]:
        """What there is to say, of a run that goes no further: each to somebody else, so that none waits for another.

        A run that was cancelled before it had seen its snapshot has nothing to say.

        Args:
            held_up: what of its clean-up is not done yet, in a sentence.
        """
        if cancelled and not self.case.snapshot.name and not self.case.snapshot.model_name:
            return []
        record = partial(self.record, outcome, cancelled=cancelled, held_up=held_up, insist=True)
        said: list[Part] = [("record what came of it", lambda call: record(call=call))]
        if not cancelled:
            notice = deployment_ended(self.result, self.case.snapshot, held_up)
            said.append(("notify", partial(self.case.notify, notice)))
        left = outcome if cancelled else None
        return said + [
            (f"say on {each.ticket.key} what came of it", partial(self._tell, each, left, held_up))
            for each in self.case.state.questions.answered
        ]

    async def record(
        self,
        outcome: Outcome,
        *,
        cancelled: bool = False,
        held_up: str = "",
        insist: bool = False,
        call: Call = call_at_once,
    ) -> None:
        """What came of the run, in the centre: what it deployed where, and how its tickets were answered.

        Unless it is to ``insist``, a cancelled run does not wait for a centre that is down.

        It may be tried at once: an entry's key follows from the run and from how it ended, the first entry of a key
        stays, and none is ever taken back. A run that is cancelled before it knows that its entry is there adds one
        that says so, as it would a moment later.
        """
        if not since("decision-records-2026-11"):
            return
        stay = self.result.deployments if outcome in {Outcome.DEPLOYED, Outcome.KEPT} else []
        digests = {deployment.digest for deployment in stay}
        answered = self.case.state.questions.answered[-MOST_ANSWERS:]
        ending = EndingToKeep(
            snapshot_id=self.result.snapshot_id,
            first_run_id=workflow.info().first_execution_run_id,
            outcome=outcome,
            deployments=[deployment.id for deployment in stay],
            places=[DeployedPlace(id=d.id, mode=d.mode, runtime=d.runtime or "") for d in stay],
            digest=digests.pop() if len(digests) == 1 else "",
            answers={each.ticket.label: each.answer for each in answered},
            expiration_date=self.result.expiration_date,
            note=" ".join(filter(None, ["The run was cancelled." if cancelled else "", held_up])),
        )
        budget = self.case.policy.outage_budget
        await call(
            DecisionActivities.keep_ending,
            ending,
            outage_budget=min(budget, IN_A_HURRY) if cancelled and not insist else budget,
            summary="record what came of it",
        )

    async def _tell(self, each: AnsweredQuestion, left: Outcome | None, held_up: str, call: Call) -> None:
        if since("what-came-of-it-2026-11"):
            remark = self._remark(each, left, held_up)
            budget = self.case.policy.outage_budget
            summary = f"say on {each.ticket.key} what came of it"
            await call(TicketActivities.tell, remark, outage_budget=budget, summary=summary)

    def _remark(self, each: AnsweredQuestion, left: Outcome | None, held_up: str = "") -> Remark:
        text = what_came_of_it(self.result, each, workflow.info().workflow_id, cancelled=left)
        said = " ".join(filter(None, [text, held_up]))
        return Remark(ticket=each.ticket, event_id=f"came-{each.ticket.label}", text=truncate(said, LONGEST_REMARK))

    async def tell(self, *, cancelled: Outcome | None = None) -> None:
        """One comment on each ticket that was answered; of a cancelled run, with what is left of it.

        A ticket that refuses it goes without. A system that is down is tried for as long as the outage budget lasts,
        and then the result says so: what was done stays done.
        """
        if not since("what-came-of-it-2026-11"):
            return
        budget = self.case.policy.outage_budget
        for each in self.case.state.questions.answered:
            try:
                await call(
                    TicketActivities.tell,
                    self._remark(each, cancelled),
                    outage_budget=min(budget, IN_A_HURRY) if cancelled else budget,
                    summary=f"say on {each.ticket.key} what came of it",
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                self.result.warnings.append(truncate(f"{each.ticket.key} was not told. {reason(error)}", 300))
                return
