"""What tests of the mirror put into the centre, and where they look."""

import contextlib
import uuid
from typing import Any

from processes.office import Office
from servers import eventually
from temporalio.client import Schedule, ScheduleActionStartWorkflow, ScheduleDescription
from temporalio.service import RPCError, RPCStatusCode

from mlc.center.modelop import wire
from mlc.center.modelop.signals import PREFIX
from mlc.model.processes import RunBackTestInput, RunBatchModelJobInput
from mlc.model.schedule import MirrorReport, mirrored_id

RUN_BACK_TEST_JIRA = PREFIX + "Signals_Run_Back_Test_Jira"
DEPLOYED_BATCH_JOB = PREFIX + "Signals_DEPLOYED_BATCH_JOB"
DAILY = "0 0 6 * * ?"


def back_test(snapshot_id: str, schedule_id: str = "nightly", cron: str = DAILY, **changes: Any) -> dict[str, Any]:
    """A schedule that tests a snapshot, as the centre keeps it."""
    action = {"signalName": RUN_BACK_TEST_JIRA, "signalVariables": {"MODEL_ID": snapshot_id}}
    return {
        "scheduleId": schedule_id,
        "cronExpression": cron,
        "metaData": {"name": f"{schedule_id} test"},
        "action": action,
        **changes,
    }


def batch_job(tag: str, schedule_id: str = "scoring", *, content: str = "x\n1\n", **changes: Any) -> dict[str, Any]:
    """A schedule that scores an embedded file."""
    file = {"assetType": "FILE", "filename": "in.csv", "fileContentString": content}
    action = {"signalName": DEPLOYED_BATCH_JOB, "signalVariables": {"TAG": tag, "INPUT_FILE": file}}
    return {"scheduleId": schedule_id, "cronExpression": DAILY, "action": action, **changes}


async def deployment(
    desk: Office, *schedules: dict[str, Any], snapshot_id: str | None = None, engine: wire.Engine | None = None
) -> str:
    """A deployment in the state deployed, for batch or on a runtime; its id."""
    snapshot = await desk.center.get_snapshot(snapshot_id or await desk.snapshot())
    document = {"deployableModel": snapshot.wire(), "state": "DEPLOYED", "schedules": list(schedules)}
    document |= {"engine": engine.wire()} if engine else {}
    return (await desk.center.create_deployment(wire.DeployedModel.model_validate(document))).id


async def reschedule(desk: Office, deployment_id: str, *schedules: dict[str, Any]) -> None:
    await desk.center.patch_deployment(deployment_id, {"schedules": list(schedules)})


async def undeploy(desk: Office, deployment_id: str) -> None:
    await desk.center.patch_deployment(deployment_id, {"state": "UNDEPLOYED"})


async def undeploy_everything(desk: Office) -> None:
    """With their Temporal Schedules: one that is not removed yet would be fired by its name in the next test."""
    for each in await desk.center.list_deployments():
        if (each.model_extra or {})["state"] == "DEPLOYED":
            await undeploy(desk, each.id)
            for schedule in each.schedules:
                with contextlib.suppress(RPCError):  # it was never made, as most often
                    await desk.client.get_schedule_handle(mirrored_id(each.id, schedule.schedule_id or "")).delete()


async def mirror(desk: Office) -> MirrorReport:
    report: MirrorReport = await desk.client.execute_workflow(
        "MirrorSchedules", id=f"mirror-{uuid.uuid4()}", task_queue=desk.task_queue, result_type=MirrorReport
    )
    return report


async def mirrored(desk: Office, schedule_id: str) -> ScheduleDescription | None:
    """A Temporal Schedule, if there is one of this id."""
    try:
        return await desk.client.get_schedule_handle(schedule_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


async def running(desk: Office, schedule_id: str) -> ScheduleDescription:
    """The same, where there must be one."""
    found = await mirrored(desk, schedule_id)
    assert found is not None, f"there is no schedule {schedule_id}"
    return found


async def listed(desk: Office, schedule_id: str) -> None:
    """Wait until Temporal's list of schedules, which lags, has one."""

    async def found() -> bool:
        return schedule_id in {each.id async for each in await desk.client.list_schedules()}

    await eventually(found)


def action(schedule: Schedule) -> ScheduleActionStartWorkflow:
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    return schedule.action


async def started_with(desk: Office, schedule: Schedule) -> RunBackTestInput | RunBatchModelJobInput:
    """The input of what a schedule starts."""
    starts = action(schedule)
    shape = RunBackTestInput if starts.workflow == "RunBackTest" else RunBatchModelJobInput
    (payload,) = starts.args
    (value,) = await desk.client.data_converter.decode([payload], [shape])
    return value
