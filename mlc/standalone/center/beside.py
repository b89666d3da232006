"""What a client wants to know beside an entity, in the same answer: it would ask for it next.

``mlcWith`` names it: ``deployedModels`` of the same model, all ``engines``, ``modelTestResults``, of which
``mlcResult`` names one, and ``monitors``, the newest snapshots of those that ``mlcMonitors`` names and the snapshot
doesn't carry yet; beside a test result ``deployableModels``, which is the snapshot that it is of. It stands in
``_embedded``, as HAL has it. What would be more than a page is left out, and the client asks for it page by page.
``outputs`` are a job's own: what they contain, if that is little, stands where it always is.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.files.errors import NotEmbedded
from mlc.standalone.center.representation import Contents, represent
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.rules import BadRequest
from mlc.standalone.center.store import Store

JsonObject = dict[str, Any]
MOST = 100
_SNAPSHOTS, _MODELS, _DEPLOYMENTS, _ENGINES, _RESULTS = (
    KINDS[plural] for plural in ("deployableModels", "storedModels", "deployedModels", "engines", "modelTestResults")
)
_NEWEST: dict[str, Any] = {"sort": "createdDate", "descending": True}
_KNOWN = ("deployedModels", "engines", "monitors", "modelTestResults", "deployableModels", "outputs")
_LITTLE = 64 * 1024
"""Bytes of contents."""


class Wish(NamedTuple):
    """What is wanted along, the names of monitors among it, and the id of a test result."""

    wanted: list[str]
    monitors: list[str]
    result: str


def read_wish(asked: Mapping[str, str]) -> Wish:
    """``asked`` are the parameters of a request. They are read before it changes anything.

    Raises:
        BadRequest: something else is wanted, or the names can't be read.
    """
    wanted = [name for name in asked.get("mlcWith", "").split(",") if name]
    if unknown := [name for name in wanted if name not in _KNOWN]:
        raise BadRequest(f"mlcWith: {unknown[0][:50]} is not known; there are {', '.join(_KNOWN)}.")
    return Wish(wanted, _names(asked.get("mlcMonitors", "[]")), asked.get("mlcResult", ""))


def beside(store: Store, document: JsonObject, wish: Wish) -> dict[str, list[JsonObject]]:
    """Blocking. ``document`` is a snapshot or a test result, or has a snapshot."""
    wanted = wish.wanted
    snapshot = document.get("deployableModel", document)
    model = _part(snapshot, "storedModel")
    found: dict[str, list[JsonObject]] = {}
    if "deployedModels" in wanted and model.get("id"):
        page = store.page(_DEPLOYMENTS, {"model_id": str(model["id"])}, size=MOST, **_NEWEST)
        if page.total <= MOST:
            found["deployedModels"] = page.items
    if "outputs" in wanted:
        with suppress(NotEmbedded):
            represent({"outputs": document.get("outputData") or []}, Contents.EMBEDDED, store.files, _LITTLE)
    if "engines" in wanted:
        page = store.page(_ENGINES, size=MOST, **_NEWEST)
        if page.total <= MOST:
            found["engines"] = page.items
    if "monitors" in wanted:
        found["monitors"] = list(_monitors(store, snapshot, wish.monitors))
    if "modelTestResults" in wanted:
        with suppress(NoSuchEntity):
            found["modelTestResults"] = [store.get(_RESULTS, wish.result)]
    if "deployableModels" in wanted:
        with suppress(NoSuchEntity):
            own_id = str(document.get("deployableModelId") or "")
            found["deployableModels"] = [store.get(_SNAPSHOTS, own_id, Contents.NONE)]
    return found


def _names(text: str) -> list[str]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or len(names) > MOST or not all(isinstance(name, str) for name in names):
        raise BadRequest(f"mlcMonitors: give a JSON list of at most {MOST} names.")
    return names


def _monitors(store: Store, snapshot: JsonObject, names: list[str]) -> Iterator[JsonObject]:
    carried = {_name(_part(each, "associatedModel")) for each in snapshot.get("associatedModels") or []}
    for name in dict.fromkeys(names):
        if name in carried:
            continue
        models = store.page(_MODELS, {"name": name}, size=MOST, **_NEWEST).items
        monitor = next((m for m in models if _meta(m).get("modelCategory") == "MODEL_MONITORING_MODEL"), None)
        if monitor is not None:
            yield from store.page(_SNAPSHOTS, {"model_id": monitor["id"]}, size=1, **_NEWEST).items


def _name(snapshot: JsonObject) -> Any:
    return _meta(_part(snapshot, "storedModel")).get("name") or _part(snapshot, "metaData").get("name")


def _meta(model: JsonObject) -> JsonObject:
    return _part(model, "modelMetaData")


def _part(document: Any, name: str) -> JsonObject:
    part = document.get(name) if isinstance(document, dict) else None
    return part if isinstance(part, dict) else {}
