"""Work that is done column by column: in threads, since NumPy sorts and computes without Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from .errors import NotComparable
from .schema import Field

Progress = Callable[[str, int, int], None]
"""Called in the caller's thread after each column: its name, how many are done, how many there are."""
T = TypeVar("T")


def by_column(
    fields: Sequence[Field], work: Callable[[Field], T], *, workers: int | None = None, progress: Progress | None = None
) -> Iterator[tuple[Field, T | NotComparable]]:
    """Do the same for each field's column, several at once.

    Args:
        work: reads frames, and changes nothing.
        workers: threads; by default as many as this process has cores. Each holds the temporary arrays of one column.
        progress: what it raises ends the work, after the columns that are under way.

    Returns:
        In the order of the fields, what came of each: a result, or why there is none. Any other exception is raised.
    """
    count = min(workers or cores(), max(len(fields), 1))
    with ThreadPoolExecutor(count, thread_name_prefix="mlc-monitor") as pool:
        tasks = {pool.submit(_caught, work, each): each for each in fields}
        try:
            for done, task in enumerate(as_completed(tasks), 1):
                task.result()
                if progress:
                    progress(tasks[task].name, done, len(fields))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return ((each, task.result()) for task, each in tasks.items())


def _caught(work: Callable[[Field], T], each: Field) -> T | NotComparable:
    try:
        return work(each)
    except NotComparable as why:
        return why


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
