"""The out-of-the-box monitors that a centre has from the start: stored models of ModelOp's names, with snapshots."""

import base64
import hashlib
import json
from contextlib import suppress
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mlc.center.modelop.assets import new_asset
from mlc.center.modelop.folder import ModelFolder
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import written_model
from mlc.model.asset import AssetKind
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.store import Conflict, Store
from mlc.standalone.monitors import monitor_folders

JsonObject = dict[str, Any]

BY = "system"
"""Who makes them. What somebody else has changed is theirs."""


def model_id(name: str) -> str:
    """The id that the monitor's stored model has in every standalone centre."""
    return str(uuid5(NAMESPACE_URL, f"mlc/monitor/{name}"))


def snapshot_id(name: str, folder: ModelFolder) -> str:
    """The id of the monitor's snapshot: another one with other files, as a release may bring them."""
    return str(uuid5(NAMESPACE_URL, f"mlc/monitor/{name}/{json.dumps(_files_of(folder), sort_keys=True)}"))


def seed(store: Store) -> None:
    """Add what is missing, and what is new with this release. A monitor that somebody has changed stays as it is."""
    for name, folder in monitor_folders().items():
        if not _is_ours(store, name, folder):
            continue
        snapshot = {
            "id": snapshot_id(name, folder),
            "group": "ALL",
            "storedModel": _stored_model(name, folder),
            "metaData": {"name": f"{name}_v1", "description": folder.model.description, "tags": [], "custom": {}},
        }
        with suppress(Conflict):  # it is there, or another centre that starts was quicker
            store.create(KINDS["deployableModels"], snapshot, by=BY)


def _is_ours(store: Store, name: str, folder: ModelFolder) -> bool:
    """Whether the monitor's stored model is this release's: it was, or is now."""
    kind, model = KINDS["storedModels"], _stored_model(name, folder)
    try:
        there = store.get(kind, model["id"], Contents.NONE)
    except NoSuchEntity:
        with suppress(Conflict):  # another centre that starts was quicker
            store.create(kind, model, by=BY)
        return True
    if there["lastModifiedBy"] != BY:
        return False
    if _files(there["modelAssets"]) != _files_of(folder):
        store.change(kind, model["id"], lambda document: document.update(model), by=BY)
    return True


def _files(assets: list[JsonObject]) -> dict[str, str]:
    """Hexadecimal SHA-256 by name."""
    return {asset["filename"]: asset["contentHash"]["hexString"] for asset in assets}


def _files_of(folder: ModelFolder) -> dict[str, str]:
    return {
        asset.name: hashlib.sha256(path.read_bytes()).hexdigest() for asset, path in folder.files if path is not None
    }


def _stored_model(name: str, folder: ModelFolder) -> JsonObject:
    """As a centre gets it that is sent everything in one document: new each time, since a store takes it apart."""
    settings = CenterSettings.model_construct()  # what ModelOp has, whatever the environment says of another centre
    stored = written_model(folder.model)
    stored.model_assets = []
    for asset, path in folder.files:
        assert path is not None, "no file of theirs lies elsewhere"
        content = path.read_bytes()
        field, text = (
            ("source_code", content.decode())
            if asset.kind is AssetKind.SOURCE
            else ("file_content", base64.b64encode(content).decode())
        )
        stored.model_assets.append(new_asset(asset, settings).model_copy(update={field: text}))
    document = stored.wire()
    document["modelMetaData"]["repositoryInfo"] = {"repositoryType": "BUILT_IN_REPOSITORY"}
    return {"id": model_id(name), "group": "ALL", **document}
