"""SweepTickets: what a lost webhook would have said. Started by a schedule."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.sweep import SweepActivities, SweepReport
from mlc.model.processes import SWEEP_TICKETS
from workflows.steps.activity import HEARTBEAT_TIMEOUT

# 10,000 tickets are 200 requests to the ticket system.
SWEEP_TIMEOUT = timedelta(minutes=30)


@workflow.defn(name=SWEEP_TICKETS)
class SweepTickets:
    """Compare the open tickets of all waiting runs with the ticket system, and wake the runs that missed something."""

    @workflow.run
    async def run(self) -> SweepReport:
        report = await workflow.execute_activity_method(
            SweepActivities.sweep_tickets,
            start_to_close_timeout=SWEEP_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=3),  # the next sweep comes soon enough
            summary="compare the open tickets with the ticket system",
        )
        withdrawn = await workflow.execute_activity_method(
            SweepActivities.withdraw_orphans,
            start_to_close_timeout=SWEEP_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=3),
            summary="withdraw the tickets of terminated runs",
        )
        return report.model_copy(update={"withdrawn": withdrawn})
