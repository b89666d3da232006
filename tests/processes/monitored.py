"""A snapshot that carries monitors, and nights of theirs, of which a test plays the runtime."""

import uuid
from typing import Any

from processes.office import ASSETS, Office, asset
from processes.tables import table
from servers import eventually
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from mlc.center.modelop import wire
from mlc.model.monitor_processes import (
    RunMonitorResult,
    RunMonitorsInput,
    RunMonitorsResult,
    monitor_id,
    monitors_id,
)
from mlc.model.ticket import TicketRef

DRIFT = "Data Drift Monitor: Comprehensive Analysis"
STABILITY = "Stability Monitor: PSI/CSI"
GOOD, BAD = {"drift": 0.05}, {"drift": 0.31}

RunMonitorsRun = WorkflowHandle[Any, RunMonitorsResult]
RunMonitorRun = WorkflowHandle[Any, RunMonitorResult]


def thresholds(*rules: tuple[str, str, str], name: str = "thresholds.dmn") -> wire.Asset:
    """A monitor's table over ``drift``: of each rule its test, what it says of ``passes``, and its action."""
    rows = [
        ([test], [passes, f'"drift {test}"', f'"{action}"' if action else "null"]) for test, passes, action in rules
    ]
    return asset(name, "TEST_RESULT_COMPARATOR", table(["drift"], ["passes", "reason", "action"], *rows))


def says(action: str, passes: str = "false") -> wire.Asset:
    """The table that asks for an action where the drift is above 0.2, and is content below."""
    return thresholds(("> 0.2", passes, action), ("<= 0.2", "true", "None"))


async def monitor(desk: Office, name: str = DRIFT, *tables: wire.Asset) -> wire.DeployableModel:
    """A snapshot of a monitor that reads a baseline and a comparator."""
    stored = wire.StoredModel(
        model_meta_data=wire.ModelMetaData(name=name, model_category="MODEL_MONITORING_MODEL"),
        required_assets=[{"assetRole": role, "usage": "INPUT_ASSET"} for role in ("BASELINE_DATA", "COMPARATOR_DATA")],
        model_assets=[ASSETS[0], *tables],
    )
    snapshot = wire.DeployableModel(
        stored_model=await desk.center.create_stored_model(stored), meta_data=wire.MetaData(name=f"{name}_v1")
    )
    return await desk.center.create_snapshot(snapshot)


async def carrying(desk: Office, *monitors: wire.DeployableModel, assets: tuple[wire.Asset, ...] = ()) -> str:
    """A snapshot with these monitors on it; its id."""
    id_ = await desk.snapshot()
    associations = [
        wire.Association(
            association_role="DATA_DRIFT_MODEL", association_assets=list(assets), associated_model=m.wire()
        )
        for m in monitors
    ]
    await desk.center.patch_snapshot(id_, {"associatedModels": [each.wire() for each in associations]})
    return id_


async def begin(desk: Office, snapshot_id: str, **given: Any) -> RunMonitorsRun:
    """Start RunMonitors, for the drift monitor unless a role is given."""
    request = RunMonitorsInput(model_id=snapshot_id, **({"monitor": DRIFT} | given if "role" not in given else given))
    run: RunMonitorsRun = await desk.client.start_workflow(
        "RunMonitors",
        request,
        id=monitors_id(snapshot_id, str(uuid.uuid4())),
        task_queue=desk.task_queue,
        result_type=RunMonitorsResult,
    )
    desk.started.append(run)
    return run


async def turn(
    desk: Office, snapshot_id: str, name: str = DRIFT, *, last: RunMonitorRun | None = None
) -> RunMonitorRun:
    """The run of one monitor, once there is one, and another than the ``last``."""

    async def started() -> RunMonitorRun | None:
        run = await last_turn(desk, snapshot_id, name)
        return run if run and (last is None or run.run_id != last.run_id) else None

    run = await eventually(started)
    desk.started.append(run)  # so that it is saved
    return run


async def night(desk: Office, snapshot_id: str, metrics: Any = None, **job: Any) -> RunMonitorResult:
    """One night of the drift monitor; what it came to. ``job`` are changes of its job, if it does not go well."""
    last = await last_turn(desk, snapshot_id)
    outer = await begin(desk, snapshot_id)
    run = await turn(desk, snapshot_id, last=last)
    await desk.finish_job(run, metrics=metrics, **job)
    await outer.result()
    return await run.result()


async def last_turn(desk: Office, snapshot_id: str, name: str = DRIFT) -> RunMonitorRun | None:
    """The last run of a monitor, if there was one."""
    handle = desk.client.get_workflow_handle(monitor_id(snapshot_id, name))
    try:
        run_id = (await handle.describe()).run_id
    except RPCError:
        return None
    return desk.client.get_workflow_handle(handle.id, run_id=run_id, result_type=RunMonitorResult)


def reference(issue: dict[str, Any]) -> TicketRef:
    return TicketRef(provider="jira", id=issue["id"], key=issue["key"], url="", label="")
