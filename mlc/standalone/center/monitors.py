"""The out-of-the-box monitors that a centre has from the start: stored models of ModelOp's names, one snapshot each."""

from contextlib import suppress
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mlc.standalone.center.entities import KINDS, Kind
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.store import Conflict, Store
from mlc.standalone.monitors import MONITORS

JsonObject = dict[str, Any]


def model_id(name: str) -> str:
    """The id that the monitor's stored model has in every standalone centre."""
    return str(uuid5(NAMESPACE_URL, f"mlc/monitor/{name}"))


def snapshot_id(name: str) -> str:
    """The id of the monitor's snapshot."""
    return str(uuid5(NAMESPACE_URL, f"mlc/monitor/{name}/v1"))


def seed(store: Store) -> None:
    """Add what is missing; what is there stays as it is, whatever was changed on it."""
    for name, (description, roles, association_role) in MONITORS.items():
        model = _stored_model(name, description, roles, association_role)
        _add(store, KINDS["storedModels"], model)
        snapshot = {
            "id": snapshot_id(name),
            "group": "ALL",
            "storedModel": model,
            "metaData": {"name": f"{name}_v1", "description": description, "tags": [], "custom": {}},
        }
        _add(store, KINDS["deployableModels"], snapshot)


def _stored_model(name: str, description: str, roles: tuple[str, ...], association_role: str) -> JsonObject:
    return {
        "id": model_id(name),
        "group": "ALL",
        "modelMetaData": {
            "name": name,
            "description": description,
            "type": "PYTHON",
            "modelCategory": "MODEL_MONITORING_MODEL",
            "tags": [],
            "custom": {"defaultAssociationRole": association_role},
            "repositoryInfo": {"repositoryType": "BUILT_IN_REPOSITORY"},
        },
        "modelAssets": [],
        "requiredAssets": [{"usage": "INPUT_ASSET", "assetRole": role, "name": role} for role in roles],
    }


def _add(store: Store, kind: Kind, document: JsonObject) -> None:
    try:
        store.get(kind, document["id"], Contents.NONE)
    except NoSuchEntity:
        with suppress(Conflict):  # another centre that starts was quicker
            store.create(kind, document, by="system")
