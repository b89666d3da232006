"""MirrorSchedules: the model centre's schedules as Temporal Schedules. Started by a schedule itself."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.mirror import LastLook, MirrorActivities
from mlc.model.schedule import MIRROR_SCHEDULES, MirrorReport
from workflows.steps.activity import HEARTBEAT_TIMEOUT

# A thousand schedules take four calls each at most, of some hundredths of a second.
MIRROR_TIMEOUT = timedelta(minutes=10)


@workflow.defn(name=MIRROR_SCHEDULES)
class MirrorSchedules:
    """Bring Temporal's Schedules in line with those of the model centre's deployments and monitors."""

    @workflow.run
    async def run(self) -> MirrorReport:
        if workflow.patched("mirror-changes-2026-12"):
            # The schedule hands each look what the last one that ended well said.
            last = workflow.get_last_completion_result(MirrorReport) if workflow.has_last_completion_result() else None
            return await workflow.execute_activity_method(
                MirrorActivities.mirror_changes,
                LastLook(looked=last.looked if last is not None else None),
                start_to_close_timeout=MIRROR_TIMEOUT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RetryPolicy(maximum_attempts=3),  # the next look comes soon enough
                summary="mirror what changed of the model centre's schedules",
            )
        return await workflow.execute_activity_method(
            MirrorActivities.mirror_schedules,
            start_to_close_timeout=MIRROR_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=3),
            summary="mirror the model centre's schedules",
        )
