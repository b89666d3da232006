"""The model centre: reachable, and as the client assumes it to be. ModelOp publishes no full description of its API."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from activities.matching import canonical_stage
from activities.monitors import CLASSIFICATION, MONITOR_CATEGORY, REGRESSION
from mlc.center.client import HttpCenter
from mlc.center.hal import Hal, JsonObject
from mlc.center.wire import Engine
from mlc.model.address import origin
from mlc.model.failure import ExternalError, NotFound, Refused
from mlc.model.finding import TIME_LIMIT, Finding, Mark, good, listed, warning, wrong
from mlc.settings import CenterSettings, ProcessSettings

FINDERS = {
    "find_models_by_name": "storedModels",
    "find_snapshots_by_model": "deployableModels",
    "find_jobs_by_key": "jobs",
    "find_results_by_snapshot": "modelTestResults",
    "find_deployments_by_model": "deployedModels",
    "find_deployments_by_snapshot": "deployedModels",
    "find_deployments_by_engine": "deployedModels",
    "find_deployments_by_state": "deployedModels",
    "find_notifications_by_snapshot": "notifications",
}
"""Settings that name a finder, and the collection that it belongs to."""
COLLECTIONS = tuple(dict.fromkeys([*FINDERS.values(), "engines"]))
MONITORS = tuple(dict.fromkeys([*REGRESSION, *CLASSIFICATION]))


async def check_center() -> AsyncIterator[Finding]:
    """Findings about the model centre of ``MLC_CENTER_*``. Only reads: whether it may be written to is not seen."""
    settings = CenterSettings()
    settings = settings.model_copy(update={"timeout": min(settings.timeout, TIME_LIMIT)})
    async with httpx.AsyncClient(timeout=settings.timeout) as http:
        hal, center = Hal(settings, http), HttpCenter(settings, http=http)
        try:
            root = await hal.get("")
        except NotFound:
            root = {}  # a gateway in front may let the collections through and not their list
        except Refused as error:
            how = "does not let us in" if error.status in {401, 403} else "does not answer as model-manage does"
            yield wrong(f"The model centre at {origin(settings.url)} {how}", str(error))
            return
        except ExternalError as error:
            yield wrong(f"The model centre can't be reached at {origin(settings.url)}", str(error))
            return
        yield good(f"The model centre at {origin(settings.url)} answers and takes our token")
        collections = await _collections(hal, root)
        for finding in collections:
            yield finding
        if collections[0].mark is not Mark.GOOD:
            return  # not one can be read: all the rest would say the same
        for finding in [*await _finders(hal, settings), *await _runtimes(center), *await _monitors(center)]:
            yield finding


async def _collections(hal: Hal, root: JsonObject) -> list[Finding]:
    answers = await _each([hal.get(plural, {"page": 0, "size": 1}) for plural in COLLECTIONS])
    failed = {plural: answer for plural, answer in zip(COLLECTIONS, answers, strict=True) if _is_error(answer)}
    read = [plural for plural in COLLECTIONS if plural not in failed]
    findings = [good(f"Collections can be read: {', '.join(read)}")] if read else []
    known = sorted(_links(root))
    for plural, error in failed.items():
        if isinstance(error, NotFound):
            there = f"the root names {listed(known, 40)}" if known else "check MLC_CENTER_URL"
            findings.append(wrong(f"The model centre has no collection {plural}", f"{there}; the processes need it."))
        else:
            findings.append(wrong(f"The collection {plural} can't be read", str(error)))
    return findings


async def _finders(hal: Hal, settings: CenterSettings) -> list[Finding]:
    wanted = {name: str(getattr(settings, name)) for name in FINDERS}
    wanted = {name: finder for name, finder in wanted.items() if finder}  # empty: somebody chose to list and filter
    plurals = list(dict.fromkeys(FINDERS[name] for name in wanted))
    offered = dict(zip(plurals, await _each([hal.get(f"{plural}/search") for plural in plurals]), strict=True))
    findings, found = [], 0
    for name, text in wanted.items():
        finder, _, parameters = text.partition("?")
        plural, setting = FINDERS[name], f"MLC_CENTER_{name.upper()}"
        answer = offered[plural]
        if isinstance(answer, ExternalError) and not isinstance(answer, NotFound):
            findings.append(wrong(f"The finders of {plural} can't be seen", str(answer)))
            continue
        links = {} if isinstance(answer, ExternalError) else _links(answer)
        takes = _parameters(links.get(finder))
        if finder not in links:
            others = listed(sorted(links.keys() - {"self"}))
            findings.append(
                warning(
                    f"{plural} has no finder {finder}",
                    f"listings will be filtered, which is slower and sees the newest {settings.listing_limit} only: "
                    f"set {setting} to the right one (there: {others}).",
                )
            )
        elif takes is not None and not takes.issuperset(parameters.split(",")):
            findings.append(
                wrong(
                    f"The finder {finder} of {plural} takes {listed(sorted(takes))}, not {parameters}",
                    f"set {setting} to {finder}? and its parameters, or leave it empty.",
                )
            )
        else:
            found += 1
    return [good(f"Finders are as the settings say: {found} of {len(wanted)}"), *findings] if found else findings


async def _runtimes(center: HttpCenter) -> list[Finding]:
    try:
        engines = await center.list_engines()
    except ExternalError as error:
        return [wrong("The runtimes can't be listed", str(error))]
    if not engines:
        return [
            wrong("No runtime is registered", "register one with the stage of your models; nothing can be deployed.")
        ]
    process = ProcessSettings()
    staged = [f"{engine.name} ({stage})" for engine in engines if (stage := _stage(engine, process))]
    astray = [engine.name for engine in engines if not _stage(engine, process)]
    findings = [good(f"Runtimes: {listed(staged)}")] if staged else []
    if astray:
        findings.append(
            warning(
                f"Runtimes without a stage: {listed(astray)}",
                "give them an environmentName; only a snapshot that names them is deployed there.",
            )
        )
    return findings


def _stage(engine: Engine, process: ProcessSettings) -> str:
    """The stage that a runtime belongs to by its ``environmentName`` or a tag; empty if none."""
    if engine.environment_name:
        return engine.environment_name
    return next((tag for tag in engine.tags if canonical_stage(tag, process) in process.stage_aliases), "")


async def _monitors(center: HttpCenter) -> list[Finding]:
    answers = await _each([_has_monitor(center, name) for name in MONITORS])
    missing = [name for name, answer in zip(MONITORS, answers, strict=True) if answer is False]
    failed = next((answer for answer in answers if _is_error(answer)), None)
    if failed:
        return [wrong("The out-of-the-box monitors can't be looked for", str(failed))]
    if missing:
        return [
            warning(
                f"Monitors are missing: {listed(missing)}",
                f"import each as a stored model of this name and of the category {MONITOR_CATEGORY}, with a snapshot; "
                "a process goes on without them, with a warning.",
            )
        ]
    return [good(f"Monitors: all {len(MONITORS)} are there, each with a snapshot")]


async def _has_monitor(center: HttpCenter, name: str) -> bool:
    models = await center.find_stored_models(name, category=MONITOR_CATEGORY)
    return bool(models) and await center.latest_snapshot(models[0].id or "") is not None


async def _each(questions: Sequence[Any]) -> list[Any]:
    """All answers at once; the adapter's errors are answers, too."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, ExternalError):
            raise answer
    return answers


def _is_error(answer: object) -> bool:
    return isinstance(answer, ExternalError)


def _links(answer: JsonObject) -> dict[str, Any]:
    links = answer.get("_links")
    return links if isinstance(links, dict) else {}


def _parameters(link: object) -> set[str] | None:
    """The parameters in a link's template, ``...{?name,page}``; None if it shows none."""
    href = str(link.get("href", "")) if isinstance(link, dict) else ""
    template = re.search(r"\{\?([^}]*)\}", href)
    return set(template[1].split(",")) if template else None
