"""Which runtime a job goes to."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mlc.center.modelop.wire import ModelMetaData
from mlc.standalone.center.rules import is_online

JsonObject = dict[str, Any]


def choose(job: JsonObject, engines: Sequence[JsonObject], timeout: timedelta, now: datetime) -> JsonObject | None:
    """The runtime for a job, or None while there is none.

    A runtime that the job names (``targetEngine``, by id or name) is taken whatever its state. Otherwise one whose
    platform covers the model's type and that was heard of within ``timeout``: batch before online, then the stage of
    the model, then the latest heartbeat.
    """
    target = job.get("targetEngine") or {}
    if target.get("id") or target.get("name"):
        return next((engine for engine in engines if _is(engine, target)), None)
    meta = ((job.get("model") or {}).get("storedModel") or {}).get("modelMetaData") or {}
    stage = str(meta.get("modelStage") or "").casefold()
    suitable = [
        engine
        for engine in engines
        if target.get("engineType") in {None, engine.get("engineType")}
        and _covers(engine, str(meta.get("type") or ModelMetaData().type))
        and now - heard_of(engine) <= timeout
    ]

    def rank(engine: JsonObject) -> tuple[bool, bool, datetime]:
        same_stage = str(engine.get("environmentName") or "").casefold() == stage
        return not is_online(engine), same_stage, heard_of(engine)

    return max(suitable, key=rank, default=None)


def heard_of(engine: JsonObject) -> datetime:
    """When the runtime last wrote to the centre, by the centre's clock: a heartbeat is a write."""
    return datetime.fromisoformat(engine["lastModifiedDate"]).astimezone(UTC)


def _is(engine: JsonObject, target: JsonObject) -> bool:
    if target.get("id"):
        return bool(engine["id"] == target["id"])
    return bool(engine.get("name") == target["name"])


def _covers(engine: JsonObject, model_type: str) -> bool:
    """A platform named ``python`` covers the types PYTHON and PYTHON3; a runtime that names none takes every type."""
    names = [str(name).casefold() for name, version in (engine.get("platform") or {}).items() if version is not None]
    return not names or any(model_type.casefold().startswith(name) for name in names)
