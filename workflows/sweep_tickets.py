"""SweepTickets: what a lost webhook would have said, and an answer to late decisions. Started by a schedule."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.late import LateDecisions, LateSweep
from activities.sweep import SweepActivities, SweepReport
from mlc.model.processes import SWEEP_TICKETS
from mlc.model.ticket import ticket_queue
from workflows.steps.activity import HEARTBEAT_TIMEOUT

# 10,000 tickets are 200 requests to the ticket system.
SWEEP_TIMEOUT = timedelta(minutes=30)


@workflow.defn(name=SWEEP_TICKETS)
class SweepTickets:
    """Compare the open tickets of all waiting runs with the ticket system, and wake the runs that missed something."""

    @workflow.run
    async def run(self) -> SweepReport:
        queue = ticket_queue(workflow.info().task_queue)
        report = await workflow.execute_activity_method(
            SweepActivities.sweep_tickets,
            task_queue=queue,
            start_to_close_timeout=SWEEP_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=3),  # the next sweep comes soon enough
            summary="compare the open tickets with the ticket system",
        )
        withdrawn = await workflow.execute_activity_method(
            SweepActivities.withdraw_orphans,
            task_queue=queue,
            start_to_close_timeout=SWEEP_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=3),
            summary="withdraw the tickets of terminated runs",
        )
        report = report.model_copy(update={"withdrawn": withdrawn})
        if not workflow.patched("late-decisions-2026-11"):
            return report
        # The schedule hands each sweep what the last one that ended well said.
        last = workflow.get_last_completion_result(SweepReport) if workflow.has_last_completion_result() else None
        late = await workflow.execute_activity_method(
            LateDecisions.answer_late_changes,
            LateSweep(since=last.looked_until if last is not None else None),
            task_queue=queue,
            start_to_close_timeout=SWEEP_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=3),
            summary="answer decisions that came too late",
        )
        return report.model_copy(update={"remarked": late.remarked, "looked_until": late.looked_until})
