"""The end of a run of DeployModel: its record, and a word on every ticket that somebody answered."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.decisions import DecisionActivities, EndingToKeep
from activities.tickets import Remark, TicketActivities
from mlc.model.processes import DeployModelResult, Outcome
from mlc.model.truncation import truncate
from workflows.steps.activity import call
from workflows.steps.case import JudgedCase
from workflows.steps.once import reason
from workflows.steps.outcome import what_came_of_it

MOST_ANSWERS = 20
LONGEST_REMARK = 1_000
IN_A_HURRY = timedelta(seconds=5)
"""For so long a cancelled run tries to leave a word."""


class Ending:
    """What is left to be said when a run is over."""

    def __init__(self, case: JudgedCase, result: DeployModelResult) -> None:
        self.case = case
        self.result = result

    async def record(self, outcome: Outcome, *, cancelled: bool = False) -> None:
        """What came of the run, in the centre: what it deployed where, and how its tickets were answered.

        A cancelled run does not wait for a centre that is down.
        """
        if not workflow.patched("decision-records-2026-11"):
            return
        stay = self.result.deployments if outcome in {Outcome.DEPLOYED, Outcome.KEPT} else []
        digests = {deployment.digest for deployment in stay}
        answered = self.case.state.questions.answered[-MOST_ANSWERS:]
        ending = EndingToKeep(
            snapshot_id=self.result.snapshot_id,
            first_run_id=workflow.info().first_execution_run_id,
            outcome=outcome,
            deployments=[deployment.id for deployment in stay],
            digest=digests.pop() if len(digests) == 1 else "",
            answers={each.ticket.label: each.answer for each in answered},
            expiration_date=self.result.expiration_date,
            note="The run was cancelled." if cancelled else "",
        )
        budget = self.case.policy.outage_budget
        await call(
            DecisionActivities.keep_ending,
            ending,
            outage_budget=min(budget, IN_A_HURRY) if cancelled else budget,
            summary="record what came of it",
        )

    async def tell(self, *, cancelled: Outcome | None = None) -> None:
        """One comment on each ticket that was answered; of a cancelled run, with what is left of it.

        A ticket that refuses it goes without. A system that is down is tried for as long as the outage budget lasts,
        and then the result says so: what was done stays done.
        """
        if not workflow.patched("what-came-of-it-2026-11"):
            return
        budget = self.case.policy.outage_budget
        for each in self.case.state.questions.answered:
            text = what_came_of_it(self.result, each, workflow.info().workflow_id, cancelled=cancelled)
            remark = Remark(
                ticket=each.ticket, event_id=f"came-{each.ticket.label}", text=truncate(text, LONGEST_REMARK)
            )
            try:
                await call(
                    TicketActivities.tell,
                    remark,
                    outage_budget=min(budget, IN_A_HURRY) if cancelled else budget,
                    summary=f"say on {each.ticket.key} what came of it",
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                self.result.warnings.append(truncate(f"{each.ticket.key} was not told. {reason(error)}", 300))
                return
