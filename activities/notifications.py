"""Notifications: what a process tells people without asking them anything."""

from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from mlc.center import Capability, Center
from mlc.model.base import Record
from mlc.model.notification import Notification, NotificationKind, Severity


class Notice(Record):
    """One notification, on a snapshot if it is about one (``snapshot_id``). The same ``key`` is said once.

    In a centre that drops the key, which ModelOp's may, so is the same message for as long as it stands open.
    """

    snapshot_id: str = ""
    model_id: str = ""
    key: str
    message: str
    severity: str = Severity.INFO.value
    notification_type: str = NotificationKind.MODEL.value


@dataclass
class NotificationActivities:
    center: Center

    @activity.defn
    async def notify(self, notice: Notice) -> None:
        """Put a notification into the model centre."""
        with translated():
            if Capability.CREATES_ONCE not in self.center.capabilities:
                said = await self.center.list_notifications(snapshot_id=notice.snapshot_id or None)
                if any(_says(notification, notice) for notification in said):
                    return
            await self.center.create_notification(
                Notification(
                    key=notice.key,
                    kind=notice.notification_type,
                    severity=notice.severity,
                    message=notice.message,
                    snapshot_id=notice.snapshot_id,
                    model_id=notice.model_id,
                ),
                once=True,
            )


def _says(notification: Notification, notice: Notice) -> bool:
    if notification.key:
        return notification.key == notice.key
    said = (notification.open, notification.kind, notification.message)
    # Of all notifications of the centre, which are looked at for a notice on no snapshot, only those on none count.
    return said == (True, notice.notification_type, notice.message) and notification.snapshot_id == notice.snapshot_id
