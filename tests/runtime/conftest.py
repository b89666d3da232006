"""What runs a model in a test."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from small_models import MEGABYTE

from mlc.center import wire
from mlc.model.job import JobKind
from mlc.runtime.execution import JobExecution, Limits, Outcome

Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one job: ``await run(kind, model, *inputs, outputs=[...], time=..., memory=..., ...)``."""

    async def run(
        kind: JobKind,
        model: wire.DeployableModel,
        *inputs: wire.Asset,
        outputs: list[wire.Asset] | None = None,
        additional: list[wire.Asset] | None = None,
        time: float = 60,
        memory: int = 1024,
        output_limit: int = MEGABYTE,
        **options: Any,
    ) -> Outcome:
        job = wire.Job(
            id="job-1",
            job_type="MODEL_BATCH_TEST_JOB",
            model=model,
            input_data=list(inputs),
            output_data=outputs or [],
            additional_assets=additional or [],
        )
        limits = Limits(memory=memory * MEGABYTE, time=time, output=output_limit)
        folders = {"folder": tmp_path / "job", "environments": tmp_path / "environments"}
        return await JobExecution(job, kind, limits=limits, **folders, **options).run()

    return run
