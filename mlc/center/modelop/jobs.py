"""Jobs: what ModelOp has as a job, as ours."""

from collections.abc import Mapping
from typing import Any

from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.assets import Refer, read_assets, unreferred
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import moment, read_snapshot
from mlc.model.address import masked
from mlc.model.job import JobEnding, JobRecord, JobStatus

_WORKFLOW_ID = "mlcWorkflowId"


def read_job(job: wire.Job, settings: CenterSettings, refer: Refer = unreferred) -> JobRecord:
    status = literals.job_status(job.job_status, settings)
    return JobRecord(
        id=ids.encode(job.id),
        kind=literals.job_kind(job.job_type, settings),
        type_name=job.job_type,
        status=status,
        result=job.job_status if status is JobStatus.UNKNOWN else job.job_result or "",
        messages=[masked(message) for message in job.job_messages],
        key=wire.job_key(job) or "",
        workflow_id=str(job.job_parameters.get(_WORKFLOW_ID) or ""),
        parameters=job.job_parameters,
        snapshot=read_snapshot(job.model, settings, refer) if job.model else None,
        inputs=read_assets(job.input_data, settings, refer),
        outputs=read_assets(job.output_data, settings, refer),
        additional=read_assets(job.additional_assets, settings, refer),
        runtime_name=job.target_engine.name if job.target_engine else "",
        stop_on_bad_records=bool(job.stop_on_bad_records),
        check_input_schema=bool(job.enable_input_schema_checking),
        check_output_schema=bool(job.enable_output_schema_checking),
        created=moment(job.created_date),
        runtime_info=job.runtime_info,
        ref=refer(job),
    )


def job_parameters(key: str, workflow_id: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Those that were given, and ours, which none can replace."""
    return {**(given or {}), wire.JOB_KEY: key, _WORKFLOW_ID: workflow_id}


def ending_changes(ending: JobEnding, settings: CenterSettings) -> dict[str, Any]:
    """What a runtime tells of a job that it has ended; times in milliseconds."""
    changes: dict[str, Any] = {
        "jobStatus": literals.job_status_word(ending.status, settings),
        "jobResult": literals.SUCCESS if ending.status is JobStatus.COMPLETE else settings.failure_result,
        "jobMessages": ending.messages,
    }
    if ending.runtime_info:
        changes["runtimeInfo"] = ending.runtime_info
    if ending.ended is not None:
        changes["jobEndTime"] = round(ending.ended.timestamp() * 1000)
        if ending.began is not None:
            changes["jobRunTime"] = round((ending.ended - ending.began).total_seconds() * 1000)
    return changes
