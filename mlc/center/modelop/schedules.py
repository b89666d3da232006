"""Schedules: cron, signal and variables as ours; all else is kept as it came, so that a copy loses nothing."""

import copy
from typing import Any

from mlc.center.modelop import wire
from mlc.center.modelop.settings import CenterSettings
from mlc.model.schedule import Schedule

_VARIABLES = "signalVariables"


def read_schedule(schedule: wire.Schedule, settings: CenterSettings) -> Schedule:
    came = schedule.wire()
    rest = copy.deepcopy(came)
    meta, action = _part(rest, "metaData"), _part(rest, "action")
    read = Schedule(
        id=_taken(rest, "scheduleId"),
        name=_taken(meta, "name"),
        cron=_taken(rest, "cronExpression"),
        time_zone=_taken(rest, settings.time_zone_field),
        signal=action.pop(settings.signal_name_field) if action.get(settings.signal_name_field) is not None else None,
        variables=action.pop(_VARIABLES) if action.get(_VARIABLES, {}) != {} else {},
        rest=rest,
    )
    for part in ("metaData", "action"):
        if rest.get(part) == {} and came[part]:
            del rest[part]  # it held nothing but what has been taken
    return read.model_copy(update={"rest": rest})


def written_schedule(schedule: Schedule, settings: CenterSettings) -> dict[str, Any]:
    """As model-manage's JSON."""
    document = copy.deepcopy(schedule.rest)
    given = {
        "scheduleId": schedule.id,
        "cronExpression": schedule.cron,
        settings.time_zone_field: schedule.time_zone,
    }
    document |= {field: value for field, value in given.items() if value}
    if schedule.name:
        document["metaData"] = {**_object(document.get("metaData")), "name": schedule.name}
    action = {}
    if schedule.signal is not None:
        action[settings.signal_name_field] = schedule.signal
    if schedule.variables != {}:
        action[_VARIABLES] = schedule.variables
    if action:
        document["action"] = {**_object(document.get("action")), **action}
    return document


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    return _object(document.get(name))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _taken(document: dict[str, Any], field: str) -> str:
    """A text, which is then no longer in the document; empty if there is none."""
    value = document.get(field)
    if not isinstance(value, str) or not value:
        return ""
    del document[field]
    return value
