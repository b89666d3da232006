"""When monitors run: as a model's custom metadata say it, and as the schedule on an association does."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mlc.center.modelop.signals import PREFIX
from mlc.model.schedule import Schedule, Timing

MONITORS_MARK = "mlcMonitors"
"""Custom metadata of a model: by the name of a monitor, ``{"schedule": ..., "timeZone": ...}``."""
RUN_MONITOR = PREFIX + "Signals_RUN_MONITOR"
CRON, ZONE = "schedule", "timeZone"


def read_timings(custom: Mapping[str, Any]) -> dict[str, Timing]:
    """What custom metadata say; what can't be read was written by somebody else, and says nothing."""
    said = custom.get(MONITORS_MARK)
    found = {}
    for name, each in said.items() if isinstance(said, dict) else ():
        cron, zone = (each.get(CRON), each.get(ZONE, "")) if isinstance(each, dict) else (None, "")
        if isinstance(cron, str) and cron and isinstance(zone, str):
            found[name] = Timing(cron=cron, time_zone=zone)
    return found


def written_timings(timings: Mapping[str, Timing]) -> dict[str, Any]:
    """Custom metadata that say so; none if there is nothing to say."""
    said = {
        name: {CRON: timing.cron, **({ZONE: timing.time_zone} if timing.time_zone else {})}
        for name, timing in timings.items()
    }
    return {MONITORS_MARK: said} if said else {}


def run_schedule(snapshot_id: str, monitor: str, timing: Timing) -> Schedule:
    """The schedule by which a monitor runs on a snapshot (by the centre's own id): always the same one of the two."""
    return Schedule(
        id=str(uuid5(NAMESPACE_URL, f"mlc/run-monitor/{snapshot_id}/{monitor}")),
        name=monitor,
        cron=timing.cron,
        time_zone=timing.time_zone,
        signal=RUN_MONITOR,
        variables={"MODEL_ID": snapshot_id, "MONITOR": monitor},
    )
