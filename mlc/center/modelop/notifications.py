"""Notifications, as ours and back."""

from typing import Any

from mlc.center.modelop import ids, wire
from mlc.center.modelop.snapshots import moment
from mlc.model.notification import Notification

_KEY = "mlcKey"


def read_notification(notification: wire.Notification) -> Notification:
    key = wire.value(notification, _KEY)
    return Notification(
        id=ids.encode(notification.id),
        key=key if isinstance(key, str) else "",
        kind=notification.notification_type,
        severity=notification.severity,
        message=notification.message,
        open=notification.open,
        snapshot_id=ids.encode(notification.deployable_model_id),
        model_id=ids.encode(notification.stored_model_id),
        created=moment(notification.created_date),
    )


def written_notification(notification: Notification) -> wire.Notification:
    about = {"deployable_model_id": notification.snapshot_id, "stored_model_id": notification.model_id}
    more: dict[str, Any] = {name: ids.decode(text) for name, text in about.items() if text}
    if notification.key:
        more[_KEY] = notification.key
    return wire.Notification(
        notification_type=notification.kind,
        severity=notification.severity,
        message=notification.message,
        open=notification.open,
        **more,
    )
