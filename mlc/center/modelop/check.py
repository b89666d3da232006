"""model-manage: reachable, and as the client assumes it to be. ModelOp publishes no full description of its API."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx

from mlc.center.capability import Capability
from mlc.center.certificates import certificates
from mlc.center.modelop.answers import Garbled
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.decisions import ON_STORED_MODEL
from mlc.center.modelop.downloads import CONTENTS
from mlc.center.modelop.hal import REFERENCE, Hal, JsonObject
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.token import TokenProvider
from mlc.center.port import Center
from mlc.model.address import origin
from mlc.model.failure import ExternalError, NotFound, Refused
from mlc.model.finding import TIME_LIMIT, Finding, Mark, good, listed, warning, wrong

FINDERS = {
    "find_models_by_name": "storedModels",
    "find_snapshots_by_model": "deployableModels",
    "find_jobs_by_key": "jobs",
    "find_results_by_snapshot": "test_results",
    "find_deployments_by_model": "deployments",
    "find_deployments_by_snapshot": "deployments",
    "find_deployments_by_engine": "deployments",
    "find_deployments_by_state": "deployments",
    "find_notifications_by_snapshot": "notifications",
    "find_decisions_by_snapshot": "decision_records",
}
"""Settings that name a finder, and the collection that it belongs to: its name, or the setting that has it."""
SETTABLE = ("test_results", "deployments", "runtimes", "decision_records")
"""Settings that name a collection which the processes can't do without."""


async def check_modelop(
    settings: CenterSettings, more: Callable[[Center], AsyncIterator[Finding]]
) -> AsyncIterator[Finding]:
    """Findings about the model centre of these settings, and what ``more`` finds in it if it can be read at all.

    Only reads: whether it may be written to is not seen.
    """
    settings = settings.model_copy(update={"timeout": min(settings.timeout, TIME_LIMIT)})
    async with httpx.AsyncClient(timeout=settings.timeout, verify=certificates()) as http:
        hal = Hal(settings, http, TokenProvider(settings, http))
        try:
            root = await hal.get("")
        except NotFound:
            root = {}  # a gateway in front may let the collections through and not their list
        except (Refused, Garbled) as error:
            forbidden = isinstance(error, Refused) and error.status in {401, 403}
            how = "does not let us in" if forbidden else "does not answer as model-manage does"
            yield wrong(f"The model centre at {origin(settings.url)} {how}", str(error))
            return
        except ExternalError as error:
            yield wrong(f"The model centre can't be reached at {origin(settings.url)}", str(error))
            return
        yield good(f"The model centre at {origin(settings.url)} answers and takes our token")
        if database := root.get("mlcDatabase"):
            yield _database(database)
        collections = await _collections(hal, settings, root)
        for finding in collections:
            yield finding
        if collections[0].mark is not Mark.GOOD:
            return  # not one can be read: all the rest would say the same
        center = ModelOpCenter(settings, http=http)
        for finding in [*_by_reference(settings, root), *await _finders(hal, settings), _capabilities(center)]:
            yield finding
        async for finding in more(center):
            yield finding


def _database(told: JsonObject) -> Finding:
    """Where a standalone centre keeps what it has. ModelOp tells nothing of this."""
    what = f"The standalone centre's database is {told.get('database')}, at revision {told.get('revision')}"
    if told.get("revision") == told.get("newest"):
        return good(what)
    remedy = f"the centre knows {told.get('newest')} as the newest: start the release that changed the database."
    return warning(what, remedy)


def _capabilities(center: ModelOpCenter) -> Finding:
    missing = sorted(str(one) for one in set(Capability) - set(center.capabilities))
    return good(f"The model centre can do all that is asked of one, but {listed(missing)}")


def _by_reference(settings: CenterSettings, root: JsonObject) -> list[Finding]:
    """Whether files can be had by themselves, if the settings say so."""
    if settings.contents != REFERENCE:
        return []
    if CONTENTS in _links(root):
        return [good("The model centre gives and takes files by their SHA-256")]
    if not _links(root):
        unseen = "It can't be seen whether the model centre gives and takes files by their SHA-256"
        return [warning(unseen, "let us read its root, or set MLC_CENTER_CONTENTS to embedded.")]
    return [
        wrong(
            "The model centre does not give and take files by their SHA-256",
            "set MLC_CENTER_CONTENTS to embedded, or leave it out: standalone mode's centre can do so from 0.2.0 on, "
            "ModelOp Center can't.",
        )
    ]


def _collection(name: str, settings: CenterSettings) -> str:
    collection = str(getattr(settings, name)) if name in SETTABLE else name
    return "storedModels" if collection == ON_STORED_MODEL else collection


async def _collections(hal: Hal, settings: CenterSettings, root: JsonObject) -> list[Finding]:
    names = dict.fromkeys([*FINDERS.values(), *SETTABLE])
    plurals = list(dict.fromkeys(_collection(name, settings) for name in names))
    answers = await _each([hal.page(plural, {"page": 0, "size": 1}) for plural in plurals])
    failed = {plural: answer for plural, answer in zip(plurals, answers, strict=True) if _is_error(answer)}
    read = [plural for plural in plurals if plural not in failed]
    findings = [good(f"Collections can be read: {', '.join(read)}")] if read else []
    known = sorted(_links(root))
    for plural, error in failed.items():
        if isinstance(error, NotFound):
            there = f"the root names {listed(known, 40)}" if known else "check MLC_CENTER_URL"
            remedy = f"{there}; the processes need it."
            if plural == settings.decision_records:
                remedy = f"set MLC_CENTER_DECISION_RECORDS to its name, or to {ON_STORED_MODEL}; {remedy}"
            findings.append(wrong(f"The model centre has no collection {plural}", remedy))
        else:
            findings.append(wrong(f"The collection {plural} can't be read", str(error)))
    return findings


async def _finders(hal: Hal, settings: CenterSettings) -> list[Finding]:
    wanted = {name: str(getattr(settings, name)) for name in FINDERS}
    if settings.decision_records == ON_STORED_MODEL:
        del wanted["find_decisions_by_snapshot"]
    wanted = {name: finder for name, finder in wanted.items() if finder}  # empty: somebody chose to list and filter
    plurals = list(dict.fromkeys(_collection(FINDERS[name], settings) for name in wanted))
    offered = dict(zip(plurals, await _each([hal.get(f"{plural}/search") for plural in plurals]), strict=True))
    findings, found = [], 0
    for name, text in wanted.items():
        finder, _, parameters = text.partition("?")
        plural, setting = _collection(FINDERS[name], settings), f"MLC_CENTER_{name.upper()}"
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
