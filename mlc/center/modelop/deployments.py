"""Runtimes and deployments: what ModelOp calls engine and deployedModel, as ours and back."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.assets import Refer, unreferred
from mlc.center.modelop.changes import MODIFIED
from mlc.center.modelop.schedules import read_schedule
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import moment, read_snapshot
from mlc.model.deployment import DeploymentRecord, Rank, Runtime

_HEARTBEAT = "HEARTBEAT"
"""``lastActivity.type`` of runtimes that send heartbeats. ModelOp's tell of their last job only, as ``JOB``."""
_ADDRESS, _WARNING = "mlcAddress", "mlcWarning"
"""Custom metadata of a deployment."""


def read_runtime(engine: wire.Engine, settings: CenterSettings) -> Runtime:
    endpoint = next(iter([*engine.input_endpoints, *engine.output_endpoints]), None)
    return Runtime(
        id=ids.encode(engine.id),
        name=engine.name,
        stage=engine.environment_name or "",
        tags=engine.tags,
        platforms={name: None if version is None else str(version) for name, version in engine.platform.items()},
        endpoint=None if endpoint is None else str(endpoint.get("url") or ""),
        failed=engine.state == literals.ENGINE_FAILED,
        heartbeat=_heartbeat(engine),
        single_model=engine.engine_type == settings.one_model_engines and engine.mlc_many_models is not True,
    )


def written_runtime(runtime: Runtime, settings: CenterSettings) -> wire.Engine:
    """A runtime as it registers itself."""
    endpoints: list[dict[str, Any]] = []
    if runtime.endpoint is not None:
        place = {"path": urlsplit(runtime.endpoint).path, "url": runtime.endpoint} if runtime.endpoint else {}
        endpoints = [{"endpointType": settings.endpoint_type, "encoding": "JSON", **place}]
    heard: dict[str, Any] = {}
    if runtime.heartbeat:
        heard["lastActivity"] = {"date": runtime.heartbeat.isoformat(), "type": _HEARTBEAT}
    return wire.Engine(
        name=runtime.name,
        engine_type=(runtime.single_model and settings.one_model_engines) or literals.MODELOP_ENGINE,
        state=literals.ENGINE_FAILED if runtime.failed else literals.ENGINE_RUNS,
        platform=runtime.platforms,
        tags=runtime.tags,
        environment_name=runtime.stage or None,
        input_endpoints=endpoints,
        output_endpoints=endpoints,
        mlc_many_models=not runtime.single_model,
        **heard,
    )


def read_deployment(
    deployment: wire.DeployedModel, settings: CenterSettings, refer: Refer = unreferred, *, whole: bool = False
) -> DeploymentRecord:
    """``whole``: with the snapshot that it carries."""
    snapshot = deployment.deployable_model
    engine = engine_of(deployment, settings)
    return DeploymentRecord(
        id=ids.encode(deployment.id),
        created=moment(deployment.created_date),
        modified=_modified(deployment),
        state=literals.state_of(deployment, settings),
        snapshot_id=ids.encode(snapshot.id) if snapshot else "",
        snapshot_name=snapshot.meta_data.name if snapshot else "",
        snapshot_created=moment(snapshot.created_date) if snapshot else None,
        snapshot_tags=snapshot.meta_data.tags if snapshot else [],
        model_id=ids.encode(snapshot.stored_model.id) if snapshot else "",
        model_name=snapshot.stored_model.model_meta_data.name if snapshot else "",
        model_group=(snapshot.stored_model.group or "") if snapshot else "",
        runtime_id=None if engine is None else ids.encode(engine.id),
        runtime_name=engine.name if engine else "",
        stage=str(wire.value(deployment, settings.stage_field) or "unassigned"),
        key=deployment.mlc_key,
        messages=_lines(wire.value(deployment, settings.messages_field)),
        address=_text(deployment, _ADDRESS),
        warning=_text(deployment, _WARNING),
        schedules=[read_schedule(schedule, settings) for schedule in deployment.schedules],
        snapshot=read_snapshot(snapshot, settings, refer) if whole and snapshot else None,
        ref=refer(deployment),
        placed=_rank(deployment.mlc_rank),
        provisional=deployment.mlc_provisional is True,
    )


def _modified(deployment: wire.DeployedModel) -> datetime | None:
    try:
        return moment(datetime.fromisoformat(str(wire.value(deployment, MODIFIED))))
    except ValueError:
        return None


def serving_facts(*, address: str = "", warning: str = "") -> dict[str, Any]:
    """What a runtime tells of a deployment beside its state, as a merge patch; empty if there is nothing to tell."""
    known = {_ADDRESS: address, _WARNING: warning}
    told = {key: text for key, text in known.items() if text}
    return {"metaData": {"custom": told}} if told else {}


def engine_of(deployment: wire.DeployedModel, settings: CenterSettings) -> wire.Engine | None:
    """The runtime of a deployment; None of a batch deployment."""
    engine = wire.value(deployment, settings.runtime_field)
    if engine is None or isinstance(engine, wire.Engine):
        return engine
    known = (
        {name: engine[name] for name in ("id", "name") if isinstance(engine.get(name), str)}
        if isinstance(engine, dict)
        else {}
    )
    return wire.Engine(**known)


def _rank(stated: Any) -> Rank | None:
    """What can't be read is as if nobody had said it: the snapshot's own order holds."""
    try:
        return None if stated is None else Rank.model_validate(stated)
    except ValidationError:
        return None


def _heartbeat(engine: wire.Engine) -> datetime | None:
    last = wire.value(engine, "lastActivity")
    if not isinstance(last, dict) or last.get("type") != _HEARTBEAT:
        return None
    try:
        # The centre's clock, if it says when it heard of the runtime; else the runtime's own.
        heard = datetime.fromisoformat(str(wire.value(engine, "lastModifiedDate") or last.get("date")))
    except ValueError:
        return None
    return heard if heard.tzinfo else None


def _text(deployment: wire.DeployedModel, key: str) -> str:
    meta_data = wire.value(deployment, "metaData")
    custom = meta_data.get("custom") if isinstance(meta_data, dict) else None
    text = custom.get(key) if isinstance(custom, dict) else None
    return text if isinstance(text, str) else ""


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [line for line in value if isinstance(line, str)] if isinstance(value, list) else []
