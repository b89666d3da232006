"""Runs a job that a centre of one job has: its outcome, and the outputs as the centre has them then."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from one_job import OneJob
from outcomes import Ran
from small_models import MEGABYTE

from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.model.job import JobEnding, JobKind, JobStatus
from mlc.runtime.channel.messages import JOB, Done, Failed, Progress, parse
from mlc.runtime.contents.cache import ContentCache
from mlc.runtime.contents.fetching import Fetching
from mlc.runtime.environments.installation import InstallRules, quietly
from mlc.runtime.execution import JobExecution
from mlc.runtime.harness.entry import perform
from mlc.runtime.harness.telling import encoded
from mlc.runtime.isolation.levels import Level, level_for
from mlc.runtime.order import Order
from mlc.runtime.outcome import Limits
from mlc.runtime.process import Allowance
from mlc.settings import FileSettings, RuntimeSettings


class InThisProcess(JobExecution):
    """A job whose functions are called by the harness in this process: for whatever needs no process of its own."""

    async def _answer(self, python: str, directory: Path, order: Order, most: int | None) -> Done | Failed:
        known = set(sys.modules)
        with contextlib.chdir(directory):
            try:
                told = perform(order.model_dump(mode="json", by_alias=True), SimpleNamespace(send=self._sent))
            finally:
                for name in set(sys.modules) - known:
                    if name in {"model", "model_source"}:
                        del sys.modules[name]
        message = parse(encoded(told), JOB)
        assert isinstance(message, Done | Failed)
        return message

    def _sent(self, **message: Any) -> None:
        progress = parse(encoded(message), JOB)
        if isinstance(progress, Progress):
            self._progress(progress.records)


async def execute(
    execution: type[JobExecution],
    tmp_path: Path,
    kind: JobKind,
    model: wire.DeployableModel,
    *inputs: wire.Asset,
    outputs: list[wire.Asset] | None = None,
    additional: list[wire.Asset] | None = None,
    time: float = 60,
    memory: int = 1024,
    disk: int = 1024,
    environment: dict[str, str] | None = None,
    level: Level | None = None,
    install: InstallRules | None = None,
    output_limit: int = MEGABYTE,
    text_limit: int = MEGABYTE,
    collect: float = 60,
    output_files: int = 1000,
    files: FileSettings | None = None,
    processes: int = 1,
    job: dict[str, Any] | None = None,
    make_contents: Callable[[ModelOpCenter], Fetching] | None = None,
    **options: Any,
) -> Ran:
    names = CenterSettings()
    types = {
        JobKind.TRAINING: names.training_job_type,
        JobKind.METRICS: names.metrics_job_type,
        JobKind.SCORING: names.scoring_job_type,
    }
    one_job = OneJob(
        wire.Job(
            id="job-1",
            job_type=types[kind],
            model=model,
            input_data=list(inputs),
            output_data=outputs or [],
            additional_assets=additional or [],
            **(job or {}),
        )
    )
    allowance = Allowance(memory * MEGABYTE, disk * MEGABYTE, environment=environment or {})
    limits = Limits(
        allowance=allowance,
        time=time,
        output=output_limit,
        text=text_limit,
        collect=collect,
        files=output_files,
        install=install or InstallRules(),
        scoring_processes=processes,
    )
    folders = {"folder": tmp_path / "job", "environments": tmp_path / "environments"}
    level = level or level_for(RuntimeSettings())
    given: dict[str, Any] = {
        "limits": limits,
        "files": files or FileSettings(),
        "level": level,
    }
    given |= folders
    async with one_job.center() as center, contextlib.AsyncExitStack() as opened:
        described = await opened.enter_async_context(center.open_job("job-1"))
        cache = ContentCache(tmp_path / "contents", MEGABYTE)
        contents = Fetching(center, cache, linked=level.reads_only, time=60, doing=quietly)
        given |= {"contents": make_contents(center) if make_contents else contents, **options}
        outcome = await execution(described, center, laid_out=opened.aclose, **given).run()
        await center.end_job("job-1", JobEnding(status=JobStatus.COMPLETE), outcome.outputs)
    made = one_job.job.output_data if outcome.outputs else []
    return Ran(outcome.problem, outcome.messages, made, outcome.runtime_info, outcome.records, outcome.result)
