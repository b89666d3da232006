"""The model centre: reachable, and with what the processes need in it."""

import asyncio
from collections.abc import AsyncIterator

from activities.matching import canonical_stage
from mlc.center import Capability, Center
from mlc.center.modelop.check import check_modelop
from mlc.center.modelop.settings import CenterSettings
from mlc.model.deployment import Runtime
from mlc.model.failure import ExternalError
from mlc.model.finding import Finding, good, listed, warning, wrong
from mlc.model.monitor_plan import CLASSIFICATION, REGRESSION
from mlc.settings import ProcessSettings, RuntimeSettings

MONITORS = tuple(dict.fromkeys([*REGRESSION, *CLASSIFICATION]))


async def check_center() -> AsyncIterator[Finding]:
    """Findings about the model centre of ``MLC_CENTER_*``. Only reads: whether it may be written to is not seen."""
    async for finding in check_modelop(CenterSettings(), _needs):
        yield finding


async def _needs(center: Center) -> AsyncIterator[Finding]:
    """What the processes need in a centre."""
    for finding in [*await _runtimes(center), *await _monitors(center), *_requests(center)]:
        yield finding


def _requests(center: Center) -> list[Finding]:
    """Whether there is a place for online requests, if a runtime of these settings is to keep them."""
    if not RuntimeSettings().keep_requests or Capability.KEEPS_REQUESTS in center.capabilities:
        return []
    text = (
        f"Online requests are to be kept (MLC_RUNTIME_KEEP_REQUESTS), and the centre can't {Capability.KEEPS_REQUESTS}"
    )
    return [wrong(text, "no runtime starts with these settings: leave it out, or use standalone mode's centre.")]


async def _runtimes(center: Center) -> list[Finding]:
    try:
        runtimes = await center.list_runtimes()
    except ExternalError as error:
        return [wrong("The runtimes can't be listed", str(error))]
    if not runtimes:
        return [
            wrong("No runtime is registered", "register one with the stage of your models; nothing can be deployed.")
        ]
    process = ProcessSettings()
    staged = [f"{runtime.name} ({stage})" for runtime in runtimes if (stage := _stage(runtime, process))]
    astray = [runtime.name for runtime in runtimes if not _stage(runtime, process)]
    findings = [good(f"Runtimes: {listed(staged)}")] if staged else []
    if astray:
        findings.append(
            warning(
                f"Runtimes without a stage: {listed(astray)}",
                "give them one (ModelOp: environmentName); only a snapshot that names them is deployed there.",
            )
        )
    return findings


def _stage(runtime: Runtime, process: ProcessSettings) -> str:
    """The stage that a runtime belongs to by what the centre says or a tag; empty if none."""
    if runtime.stage:
        return runtime.stage
    return next((tag for tag in runtime.tags if canonical_stage(tag, process) in process.stage_aliases), "")


async def _monitors(center: Center) -> list[Finding]:
    answers = await asyncio.gather(*(_has_monitor(center, name) for name in MONITORS), return_exceptions=True)
    missing = [name for name, answer in zip(MONITORS, answers, strict=True) if answer is False]
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, ExternalError):
            raise answer
    failed = next((answer for answer in answers if isinstance(answer, ExternalError)), None)
    if failed:
        return [wrong("The out-of-the-box monitors can't be looked for", str(failed))]
    if missing:
        return [
            warning(
                f"Monitors are missing: {listed(missing)}",
                "import each as a monitor of this name (ModelOp: category MODEL_MONITORING_MODEL), with a snapshot; "
                "a process goes on without them, with a warning.",
            )
        ]
    return [good(f"Monitors: all {len(MONITORS)} are there, each with a snapshot")]


async def _has_monitor(center: Center, name: str) -> bool:
    models = await center.find_models(name, monitors=True)
    return bool(models) and await center.latest_snapshot(models[0].id) is not None
