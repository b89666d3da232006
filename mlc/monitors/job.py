"""What a monitor's code is told of its job: the model that is watched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import MonitorError
from .schema import Schema, read_schema


def schema_of(job: Mapping[str, Any]) -> Schema:
    """The extended schema of the model that a monitor's job watches.

    Args:
        job: what an init function is called with: the job's JSON under ``rawJson``. It names the model that is watched
            as ``referenceModel``.

    Raises:
        MonitorError: it names none, or that model has not exactly one input schema, or one that can't be used.
    """
    try:
        told = json.loads(job["rawJson"])
    except (KeyError, TypeError, ValueError) as error:
        raise MonitorError(["What the monitor was told is no job's JSON: it is run as a job."]) from error
    watched = told.get("referenceModel") if isinstance(told, dict) else None
    if not isinstance(watched, dict):
        raise MonitorError(["The job names no model that is watched (referenceModel): start the process RunMonitor."])
    return read_schema(_part(_part(watched, "storedModel"), "modelMetaData").get("inputSchema") or [])


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
