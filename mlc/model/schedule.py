"""The model centre's schedules as they run in Temporal: how they are named there and what is kept with them."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mlc.model.base import Record
from mlc.model.change import OfModel
from mlc.model.cron import calendars

MIRROR_SCHEDULES = "MirrorSchedules"
"""The workflow's type."""

MIRROR_SCHEDULE = "mlc-mirror-schedules"
"""Id of the Temporal Schedule that runs MirrorSchedules."""

MIRRORED_BY = "mlcMirroredBy"
"""Memo of a Temporal Schedule that is a mirror's: the task queue whose worker made it. Others are never touched."""

PAUSED = "mlc: "
"""How the note begins of a schedule that the mirror has paused itself. A pause with another note is an operator's."""

ORIGIN = "mlcSchedule"
"""Memo of what such a schedule starts: its :class:`ScheduleOrigin`. (A schedule's own memo can't be changed.)"""


PREFIX = "mlc-"
"""How the ids of a mirror's Temporal Schedules begin."""


def mirrored_id(owner_id: str, schedule_id: str) -> str:
    """The id of the Temporal Schedule for a schedule of a deployment, or of a monitor on a snapshot."""
    return f"{PREFIX}{owner_id}-{schedule_id}"


class Schedule(Record):
    """A cron schedule of a deployment or a monitor, which sends a signal with variables."""

    id: str = ""
    name: str = ""
    cron: str = ""
    time_zone: str = ""
    """Of the cron expression; empty if the centre doesn't say."""
    signal: Any = None
    variables: Any = {}
    """The signal's; a schedule that can run has a name and an object here, others whatever they have."""
    rest: dict[str, Any] = {}
    """What else the centre keeps with it, so that a copy loses nothing."""


def known_zone(name: str) -> str:
    """The name of a time zone, if it is one.

    Raises:
        ValueError: it is not known; with an example.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"time zone {name[:60]!r} is not known. Example: 'Europe/Berlin'.") from None
    return name


class Timing(Record):
    """When something is to run by itself, before there is a schedule of it."""

    cron: str
    """Quartz's, or unix's with five fields."""
    time_zone: str = ""
    """Of the cron expression; empty: the one that counts for those that come without."""

    def check(self) -> None:
        """Raises ValueError if it can't run: what is wrong with cron expression or time zone, and an example."""
        calendars(self.cron)
        if self.time_zone:
            known_zone(self.time_zone)


class ScheduleOrigin(Record):
    """Which of the centre's schedules this is. ``fingerprint`` is of all that it was made from."""

    name: str
    schedule_id: str
    source: str
    snapshot_id: str
    cron: str
    time_zone: str
    fingerprint: str


class ScheduleProblem(Record):
    """A schedule that can't run: where it stands, and a sentence or two on what is wrong with it."""

    place: str
    what: str
    snapshot_id: str
    model_id: str
    mirrored_id: str = ""
    """The id of its Temporal Schedule, if it can have one."""

    @property
    def text(self) -> str:
        return f"{self.place}: {self.what}"

    @property
    def key(self) -> str:
        """The same for the same problem at the same place, and for no other."""
        return f"schedule-{hashlib.sha256(self.text.encode()).hexdigest()[:24]}"


MOST_AGAIN = 8
"""A report is kept in a history: it is to stay small."""


class MirrorLook(Record):
    """How far a look of the mirror came, for the next one."""

    full: bool = False
    """It read everything, ..."""
    full_at: datetime
    """... or the last that did was then, by Temporal's clock."""
    until: datetime
    """The last change that it has seen, by the centre's clock, ..."""
    until_at: datetime
    """... and when that was first seen, by Temporal's."""
    edition: str
    """Of what schedules were made by: another has all looked at anew."""
    again: list[OfModel] = []
    """What a schedule is about that could not be made, changed or removed although its source can be read."""

    def due_since(self, now: datetime, overlap: timedelta) -> datetime:
        """After when, by the centre's clock, changes are still to be looked at.

        What is written at the same moment may become visible later, and the centre's machines may differ in their
        clocks: for a while what came just before the last change is read again.
        """
        return self.until if now - self.until_at >= overlap else self.until - overlap

    def went_on(self, until: datetime | None, now: datetime) -> "MirrorLook":
        """After a look that saw changes until then."""
        later = {"until": until, "until_at": now} if until is not None and until > self.until else {}
        return self.model_copy(update={"full": False, "again": [], **later})

    def with_again(self, again: Collection[OfModel]) -> "MirrorLook | None":
        """With these to be looked at again; None if they are so many that everything is."""
        several = list(dict.fromkeys(again))
        return self.model_copy(update={"again": several}) if len(several) <= MOST_AGAIN else None


class MirrorReport(Record):
    """What MirrorSchedules saw and did. ``problems`` are the first few, cut short; ``problem_count`` is of them all."""

    schedules: int = 0
    """That run; ``updated`` are those that were changed, or set going again by the mirror that had paused them."""
    created: int = 0
    updated: int = 0
    paused: int = 0
    deleted: int = 0
    unheard: int = 0
    """Schedules of signals to which nobody here listens, as the gateway does not (``mlc.model.signal.UNHEARD``)."""
    problem_count: int = 0
    problems: list[str] = []
    looked: MirrorLook | None = None
    """Where the next look goes on; None: it reads everything. Of such a look, the numbers are of what it read."""
