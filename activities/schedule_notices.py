"""What the model centre is told of schedules that don't run: each problem once, and again when it has come back."""

from collections.abc import Sequence

from temporalio import activity

from mlc.center import Center
from mlc.model.failure import Refused
from mlc.model.notification import Notification, Severity
from mlc.model.schedule import ScheduleProblem

SAYS = "This schedule does not run. "
MENDED = "Mended. "


async def notify_of_problems(center: Center, snapshot_id: str, problems: Sequence[ScheduleProblem]) -> None:
    """Bring the notifications of a snapshot in line with what is wrong with its schedules now.

    A problem that was told is told no more, even if somebody has closed its notification. One that is gone has its
    notification closed and its text changed, so that it will be told when it is back. Only texts are compared: a centre
    may drop the fields that we add.
    """
    told = await center.list_notifications(snapshot_id=snapshot_id)
    wanted = {SAYS + problem.text: problem for problem in problems}
    for message in wanted.keys() - {notification.message for notification in told}:
        await center.create_notification(
            Notification(
                key=wanted[message].key,
                severity=Severity.WARN,
                message=message,
                snapshot_id=snapshot_id,
                model_id=wanted[message].model_id,
            )
        )
    for notification in told:
        if notification.open and notification.message.startswith(SAYS) and notification.message not in wanted:
            await _close(center, notification)


async def _close(center: Center, notification: Notification) -> None:
    try:
        await center.close_notification(notification.id, MENDED + notification.message)
    except Refused as error:  # the schedule runs, which matters more
        activity.logger.warning("Notification %s stays open. %s", notification.id, error)
