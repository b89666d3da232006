"""What a job that has ended comes to: a success, one let through with a warning, or a failure and its reason."""

from mlc.model.failure_text import failure_text
from mlc.model.job import Job, JobKind, JobRecord, JobResult, JobStatus, OnLostRecords
from mlc.model.truncation import truncate

LONGEST_REASON = 600
LONGEST_WARNING = 500
"""Bytes: both are kept in histories."""


def job_problem(job: Job, ended: JobRecord) -> str:
    """Why a job that has ended counts as failed, as the rest of a sentence that begins with its name; else empty.

    A status alone is no success: the centre must say by its result that there was one, and of a scoring job no record
    may be lost. Only where all that is wrong are lost records, and the job says how many, may the settings allow it.
    """
    if ended.status is not JobStatus.COMPLETE:
        return f"ended as {ended.status}. {_said(ended)}"
    if _lost(job, ended):
        return "" if _allowed(job, ended) else f"lost records: {_told(ended)}"
    match ended.result:
        case JobResult.SUCCESS:
            return ""
        case JobResult.FAILURE:
            return f"ended as {ended.status}, with the result {_name(ended)}. {_said(ended)}"
    what = f"with the result {_name(ended)}, which" if ended.result_name else "without a result, which"
    return (
        f"ended as {ended.status}, but {what} does not count as a success (MLC_CENTER_SUCCESSFUL_RESULTS). "
        f"{_said(ended)}"
    )


def record_warnings(job: Job, ended: JobRecord) -> list[str]:
    """What people should know of the records of a scoring job that counts as a success."""
    if ended.records is None:
        return ["How many records were read and written is not known: the job does not tell, or contradicts itself."]
    if ended.records.read == 0:
        return ["There was no record to score in the input."]
    if ended.records.written == 0:
        return [f"{ended.records.read:,} records were read, and the model answered none of them."]
    return [truncate(_told(ended), LONGEST_WARNING)] if _lost(job, ended) else []


def _lost(job: Job, ended: JobRecord) -> bool:
    return job.kind is JobKind.SCORING and ended.records is not None and ended.records.lost > 0


def _allowed(job: Job, ended: JobRecord) -> bool:
    counts = ended.records
    if job.on_lost_records is not OnLostRecords.WARN or counts is None or counts.lost >= counts.read:
        return False
    # Totals from a log explain no failure: something else may be wrong as well.
    return ended.result is JobResult.SUCCESS or (ended.result is JobResult.FAILURE and counts.complete)


def _told(ended: JobRecord) -> str:
    assert ended.records is not None
    return truncate(" ".join([f"{ended.records}.", *ended.records.examples]), LONGEST_REASON)


def _name(ended: JobRecord) -> str:
    return repr(truncate(ended.result_name, 60))


def _said(ended: JobRecord) -> str:
    return failure_text(ended.messages, LONGEST_REASON)
