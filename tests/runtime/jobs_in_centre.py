"""Jobs made in the centre for a runtime, as tests make and watch them."""

from pathlib import Path
from typing import Any

import psutil
from servers import eventually
from small_models import python_model

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings

METRICS = CenterSettings().metrics_job_type
ENDED = frozenset({"COMPLETE", "ERROR", "CANCELLED"})


def job_on(
    runtime: str, model: wire.DeployableModel, *inputs: wire.Asset, job_type: str = METRICS, **more: Any
) -> wire.Job:
    engine = wire.Engine(name=runtime)
    return wire.Job(job_type=job_type, model=model, input_data=list(inputs), target_engine=engine, **more)


async def ended(center: ModelManage, job_id: str, *, seconds: float = 120) -> wire.Job:
    async def terminal() -> wire.Job | None:
        job = await center.get_job(job_id)
        return job if job.job_status in ENDED else None

    return await eventually(terminal, seconds=seconds)


def sleeping(started: Path, until: Path = Path("/nowhere")) -> wire.DeployableModel:
    """A model whose metrics function says that it has started, and goes on when there is something at ``until``."""
    return python_model(f"""
        import os, time
        # modelop.metrics
        def m(df):
            open({str(started)!r}, "w").write(str(os.getpid()))
            while not os.path.exists({str(until)!r}): time.sleep(0.05)
            yield {{"a": 1}}
        """)


async def content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
