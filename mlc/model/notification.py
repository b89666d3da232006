"""Notifications: what people are told without being asked."""

from datetime import datetime
from enum import StrEnum

from mlc.model.base import Record


class Severity(StrEnum):
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class NotificationKind(StrEnum):
    """What a notification is about; the values stand in histories."""

    MODEL = "MODEL_NOTIFICATION"
    MODEL_TEST = "MODEL_TEST_NOTIFICATION"


class Notification(Record):
    """A notification in the centre. ``key`` is ours; empty where the centre keeps none, or somebody else wrote it."""

    id: str = ""
    key: str = ""
    kind: str = NotificationKind.MODEL
    severity: str = Severity.INFO
    message: str = ""
    open: bool = True
    snapshot_id: str = ""
    model_id: str = ""
    created: datetime | None = None
