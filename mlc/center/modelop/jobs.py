"""Jobs: what ModelOp has as a job, as ours."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.assets import Refer, read_assets, unreferred
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import moment, read_snapshot
from mlc.model.address import masked
from mlc.model.job import JobEnding, JobRecord, JobResult, JobStatus, RecordCounts

_WORKFLOW_ID = "mlcWorkflowId"
DOING = "doing"
"""Which of ``runtimeInfo`` says what a job that runs does just now."""
_RECORDS = "records"
"""Which of ``runtimeInfo`` are the counts of records; like all of it, our runtimes' own."""


def read_job(job: wire.Job, settings: CenterSettings, refer: Refer = unreferred) -> JobRecord:
    status = literals.job_status(job.job_status, settings)
    return JobRecord(
        id=ids.encode(job.id),
        kind=literals.job_kind(job.job_type, settings),
        type_name=job.job_type,
        status=status,
        result=literals.job_result(job.job_result, settings),
        result_name=job.job_status if status is JobStatus.UNKNOWN else job.job_result or "",
        messages=[masked(message) for message in job.job_messages],
        records=read_counts(job),
        key=wire.job_key(job) or "",
        workflow_id=str(job.job_parameters.get(_WORKFLOW_ID) or ""),
        parameters=job.job_parameters,
        snapshot=read_snapshot(job.model, settings, refer) if job.model else None,
        reference=read_snapshot(job.reference_model, settings, refer) if job.reference_model else None,
        inputs=read_assets(job.input_data, settings, refer),
        outputs=read_assets(job.output_data, settings, refer),
        additional=read_assets(job.additional_assets, settings, refer),
        runtime_name=job.target_engine.name if job.target_engine else "",
        stop_on_bad_records=bool(job.stop_on_bad_records),
        check_input_schema=bool(job.enable_input_schema_checking),
        check_output_schema=bool(job.enable_output_schema_checking),
        created=moment(job.created_date),
        doing=_doing(job) if not status.terminal else "",
        runtime_info=_told(job),
        ref=refer(job),
    )


def read_counts(job: wire.Job) -> RecordCounts | None:
    """What our runtimes tell of a job's records; of another's job the totals, from its log.

    A model may print such a line, too: the last one is the runtime's own.
    """
    told = (job.runtime_info or {}).get(_RECORDS)
    if told is None:
        found = next(filter(None, map(literals.RECORDS_IN_OUT.fullmatch, reversed(job.job_messages))), None)
        told = {"read": int(found[1]), "written": int(found[2])} if found else None
    try:
        return RecordCounts.model_validate(told, strict=True)
    except ValidationError:
        return None


def _doing(job: wire.Job) -> str:
    doing = (job.runtime_info or {}).get(DOING)
    return doing if isinstance(doing, str) else ""


def _told(job: wire.Job) -> dict[str, Any] | None:
    """What the runtime told of how the job was run. What it was doing at some time says nothing about that."""
    if job.runtime_info is None:
        return None
    return {name: value for name, value in job.runtime_info.items() if name != DOING}


def _usual_result(status: JobStatus) -> JobResult:
    return JobResult.SUCCESS if status is JobStatus.COMPLETE else JobResult.FAILURE


def job_parameters(key: str, workflow_id: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Those that were given, and ours, which none can replace."""
    return {**(given or {}), wire.JOB_KEY: key, _WORKFLOW_ID: workflow_id}


def ending_changes(ending: JobEnding, settings: CenterSettings) -> dict[str, Any]:
    """What a runtime tells of a job that it has ended; times in milliseconds."""
    changes: dict[str, Any] = {
        "jobStatus": literals.job_status_word(ending.status, settings),
        "jobResult": literals.job_result_word(ending.result or _usual_result(ending.status), settings),
        "jobMessages": ending.messages,
    }
    if ending.runtime_info:
        changes["runtimeInfo"] = ending.runtime_info
    if ending.records is not None:
        changes["runtimeInfo"] = {**ending.runtime_info, _RECORDS: ending.records.model_dump(mode="json")}
    if ending.ended is not None:
        changes["jobEndTime"] = round(ending.ended.timestamp() * 1000)
        if ending.began is not None:
            changes["jobRunTime"] = round((ending.ended - ending.began).total_seconds() * 1000)
    return changes
