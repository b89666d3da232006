"""A runtime after models that left pipes and links: its slots are free, and nothing of them is left."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jobs_in_centre import ended, job_on
from online_deployments import deploy, is_now
from servers import eventually
from small_models import embedded, python_model

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.runtime import serve
from mlc.runtime.serve import own_workspace

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

    await eventually(cleared, seconds=60)
    assert descriptors() - before == set()


async def test_an_online_models_folder_is_removed_whatever_it_made_of_it(
    center: ModelManage, start_runtime: StartRuntime, tmp_path: Path, short_pauses: None
) -> None:
    model = python_model("""
        import os
        def deeper():
            here = os.getcwd()
            os.chdir("outputDir")
            for _ in range(2_000):
                os.mkdir("d")
                os.chdir("d")
            os.mkfifo("pipe")
            os.chdir(here)
            os.symlink("/etc", "__moc_runtime/tmp/link")
            os.chmod("__moc_runtime/home", 0)
            os.chmod("outputDir", 0)
        deeper()
        # modelop.score
        def score(r): yield 1
        """)
    runtime = await start_runtime(online=True, work_dir=tmp_path / "runtime")
    deployment = await deploy(center, runtime, model)
    await is_now(center, deployment, "DEPLOYED")
    assert list((tmp_path / "runtime").glob("process-*/online/*"))
    await center.patch_deployment(deployment, {"state": "UNDEPLOYED"})

    async def gone() -> bool:
        return not list((tmp_path / "runtime").glob("process-*/online/*"))

    await eventually(gone, seconds=90)


def test_a_workspace_that_a_killed_runtime_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / "process-1" / "jobs" / "job.1"
    left.mkdir(parents=True)
    os.mkfifo(left / "pipe")
    (left / "link").symlink_to("/etc")
    left.chmod(0)
    with own_workspace(tmp_path) as workspace:
        assert workspace == tmp_path / "process-1"
        assert list(workspace.iterdir()) == []


def test_a_workspace_that_cannot_be_cleared_is_left_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "process-1").mkdir()
    monkeypatch.setattr(serve, "remove", lambda folder: folder.name != "process-1")
    with own_workspace(tmp_path) as workspace:
        assert workspace == tmp_path / "process-2"
