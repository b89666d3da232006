"""A runtime after models that left pipes and links: its slots are free, and nothing of them is left."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jobs_in_centre import ended, job_on
from servers import eventually
from small_models import embedded, python_model

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings

StartRuntime = Callable[..., Awaitable[Any]]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
OUTPUT = "__moc_runtime/outputs/0"
GOOD = python_model("# modelop.metrics\ndef m(df): yield {'fine': True}")


def scoring(leave: str) -> Any:
    return python_model(f"""
        import os
        # modelop.score
        def s(r):
            os.remove({OUTPUT!r})
            {leave}
            yield 1
        """)


def training(leave: str) -> Any:
    return python_model(f"import os\n# modelop.train\ndef train(df):\n    {leave}")


def descriptors() -> set[str]:
    """What this process has open, but for what nobody can name: sockets and the like of its connections."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("/"):
            found.add(target)
    return found


async def test_two_jobs_that_leave_pipes_hold_no_slot_and_the_next_job_runs_at_once(
    center: ModelManage, start_runtime: StartRuntime, tmp_path: Path
) -> None:
    settings = CenterSettings()
    runtime = await start_runtime(max_parallel_jobs=2, work_dir=tmp_path / "runtime")
    name = runtime.settings.name
    await ended(center, (await center.create_job(job_on(name, GOOD, CSV))).id)
    before = descriptors()
    hostile = [
        job_on(name, scoring(f"os.mkfifo({OUTPUT!r})"), CSV, job_type=settings.scoring_job_type),
        job_on(name, scoring(f"os.symlink('/dev/zero', {OUTPUT!r})"), CSV, job_type=settings.scoring_job_type),
        job_on(name, training("os.mkfifo('outputDir/w')"), CSV, job_type=settings.training_job_type),
        job_on(name, training("os.chmod('outputDir', 0)"), CSV, job_type=settings.training_job_type),
    ]
    jobs = [await center.create_job(job) for job in hostile]
    outcomes = await asyncio.gather(*(ended(center, job.id) for job in jobs))
    assert [job.job_status for job in outcomes] == ["ERROR"] * 4
    assert "it is a pipe and no regular file" in outcomes[0].job_messages[0]
    assert "it is a link and no regular file" in outcomes[1].job_messages[0]
    began = time.monotonic()
    good = await ended(center, (await center.create_job(job_on(name, GOOD, CSV))).id)
    assert (good.job_status, good.job_result) == ("COMPLETE", "SUCCESS")
    assert time.monotonic() - began < 30

    async def cleared() -> bool:
        return not list((tmp_path / "runtime").glob("process-*/jobs/*"))

    await eventually(cleared, seconds=10)
    assert descriptors() - before == set()
