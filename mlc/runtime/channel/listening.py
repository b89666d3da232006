"""Listening to the process of a job: how far it is, and how it ended."""

import time
from collections.abc import Callable

from mlc.model.job import JobKind
from mlc.runtime.channel.messages import JOB, Checkpoint, Done, Failed, Progress
from mlc.runtime.process import ModelProcess

MOST_REPORTS = 20
"""So often a second a model's process may tell how many records are done; the harness does it once."""


async def last_message(
    process: ModelProcess,
    kind: JobKind,
    most: int | None,
    progress: Callable[[int], None],
    checkpoint: Callable[[Checkpoint], None] | None = None,
) -> Done | Failed:
    """The last message of a job, after which nothing follows.

    Args:
        process: one that was started.
        most: how many records the job can have done; None if nobody knows.
        progress: told what the process tells of it.
        checkpoint: told from where it could go on; None if nobody has asked for that.

    Raises:
        ModelDied: the process ended without one, or was ended for what it sent.
    """
    scoring = kind is JobKind.SCORING
    began, reports = time.monotonic(), 0
    while isinstance(answer := await process.message(JOB), Progress | Checkpoint):
        reports += 1
        if isinstance(answer, Checkpoint):
            if checkpoint is None:
                raise await process.broke("it told from where it could go on, without being asked")
            if reports > MOST_REPORTS * (1 + time.monotonic() - began):
                raise await process.broke(f"it told more than {MOST_REPORTS} times a second how far it is")
            checkpoint(answer)
            continue
        if not scoring:
            raise await process.broke("it told how many records are done, which only a scoring job does")
        if most is not None and answer.records > most:
            raise await process.broke(f"it told that {answer.records:,} records are done, of {most:,} that there are")
        if reports > MOST_REPORTS * (1 + time.monotonic() - began):
            raise await process.broke(f"it told more than {MOST_REPORTS} times a second how many records are done")
        progress(answer.records)
    if isinstance(answer, Done) and (answer.records is not None) is not scoring:
        raise await process.broke(f"its last message has {'no' if scoring else 'such'} counts of records")
    await process.finished()
    return answer
