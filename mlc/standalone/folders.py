"""Reads a model folder in ModelOp's layout into a stored model, and makes snapshots of stored models."""

import base64
import copy
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from mlc.center.wire import Asset, DeployableModel, Engine, MetaData, ModelMetaData, StoredModel
from mlc.standalone.markers import Source, read_source
from mlc.standalone.roles import KNOWN_ROLES, file_format, role_of

METADATA, REQUIRED_ASSETS = "metadata.json", "required_assets.json"
LARGEST_FOLDER = 45_000_000
"""Bytes of all files together: as base64 they must fit into one request to the centre."""

_PASSED_OVER = frozenset({".git", ".gitignore", ".gitattributes", ".DS_Store", "__pycache__", ".ipynb_checkpoints"})

JsonObject = dict[str, Any]


class BadModelFolder(ValueError):
    """A folder can't be read as a model. The text is a sentence that names the file."""


def read_model_folder(path: Path) -> StoredModel:
    """Read ``metadata.json``, the source with its ``# modelop.*`` markers, schemas, data and every other file.

    Raises:
        BadModelFolder: something in the folder is missing, broken or not allowed.
    """
    files = _files(path)
    metadata = _json_file(files, METADATA, dict) if METADATA in files else {}
    required = _json_file(files, REQUIRED_ASSETS, list) if REQUIRED_ASSETS in files else []
    roles = _given_roles(metadata.pop("assets", {}), required, files)
    sources = {name: _source(name, data) for name, data in files.items() if name.endswith(".py")}
    primary = _primary(path, sources)
    assets = [_asset(name, data, roles.get(name), sources.get(name), primary) for name, data in files.items()]
    meta = _meta(metadata, path.resolve().name)
    inputs, outputs = _schemas(files, sources[primary])
    meta.input_schema, meta.output_schema = inputs, outputs
    return StoredModel(model_meta_data=meta, model_assets=assets, required_assets=required)


def snapshot_of(
    model: StoredModel,
    *,
    name: str | None = None,
    tags: Sequence[str] = (),
    stage: str | None = None,
    custom: Mapping[str, Any] | None = None,
    target_runtimes: Sequence[str] = (),
) -> DeployableModel:
    """A snapshot (not stored yet) with a full copy of the model.

    Args:
        name: by default ``<model>-YYYYMMDD_HHMM``, in UTC.
        tags: the snapshot's own, such as ``run_test`` and the model service tag.
        stage: the copy's ``modelStage``; by default the model's.
        custom: the snapshot's custom metadata.
        target_runtimes: names of runtimes to pin the snapshot to.
    """
    copied = copy.deepcopy(model)
    if stage is not None:
        copied.model_meta_data.model_stage = stage
    meta = MetaData(
        name=name or f"{model.model_meta_data.name}-{datetime.now(UTC):%Y%m%d_%H%M}",
        description=model.model_meta_data.description,
        tags=list(tags),
        custom=dict(custom or {}),
    )
    runtimes = [Engine(name=runtime) for runtime in target_runtimes]
    return DeployableModel(stored_model=copied, meta_data=meta, target_runtimes=runtimes)


def _files(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise BadModelFolder(f"{folder} is not a folder; give the folder that holds {METADATA} and the source.")
    root = folder.resolve()
    total, found = 0, []
    for entry in sorted(folder.iterdir()):
        name = entry.name
        if name in _PASSED_OVER:
            continue
        if name.startswith("."):
            raise BadModelFolder(f"{name} is hidden, and would become part of the model; move it elsewhere.")
        if not entry.resolve().is_relative_to(root):
            raise BadModelFolder(f"{name} is a link that leads out of the folder; put the file itself there.")
        if entry.is_dir():
            raise BadModelFolder(f"{name} is a folder within the folder, which models can't have; move its files up.")
        if not entry.is_file():
            raise BadModelFolder(f"{name} is not a file; remove it.")
        total += entry.stat().st_size
        if total > LARGEST_FOLDER:
            limit = f"{LARGEST_FOLDER // 1_000_000} MB"
            raise BadModelFolder(f"{name} brings the folder over {limit}; keep large data outside of the model.")
        found.append(entry)
    return {entry.name: entry.read_bytes() for entry in found}


def _json_file(files: Mapping[str, bytes], name: str, kind: type) -> Any:
    try:
        value = json.loads(files[name])
    except json.JSONDecodeError as error:
        raise BadModelFolder(f"{name}, line {error.lineno}: {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise BadModelFolder(f"{name} can't be read as JSON; save it as UTF-8.") from error
    if not isinstance(value, kind):
        raise BadModelFolder(f"{name} must hold a JSON {'object' if kind is dict else 'list'}.")
    return value


def _meta(metadata: JsonObject, folder_name: str) -> ModelMetaData:
    association_role = metadata.pop("defaultAssociationRole", None)
    try:
        # The type is said, not left to a default, which would not be sent: runtimes are chosen by it.
        meta = ModelMetaData.model_validate({"name": folder_name, "type": "PYTHON", **metadata})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadModelFolder(f"{METADATA}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
    if not meta.name.strip():
        raise BadModelFolder(f"{METADATA}: name is empty; give the model a name.")
    if association_role is not None:
        meta.custom = {"defaultAssociationRole": association_role, **meta.custom}
    return meta


def _given_roles(assets: Any, required: list[Any], files: Mapping[str, bytes]) -> dict[str, str]:
    """Roles that ``metadata.json`` or ``required_assets.json`` give to files by name; the former wins."""
    if not isinstance(assets, dict):
        raise BadModelFolder(f"{METADATA}: assets must map file names to roles.")
    roles: dict[str, str] = {}
    for number, item in enumerate(required, 1):
        if not isinstance(item, dict) or item.get("assetRole") not in KNOWN_ROLES:
            raise BadModelFolder(f"{REQUIRED_ASSETS}: item {number} needs an assetRole out of {_listed()}.")
        if item.get("filename") in files:
            roles[item["filename"]] = item["assetRole"]
    for name, role in assets.items():
        if name not in files:
            raise BadModelFolder(f"{METADATA}: assets names {name}, which is not in the folder.")
        if role not in KNOWN_ROLES:
            raise BadModelFolder(f"{METADATA}: assets gives {name} the role {role}, which is none of {_listed()}.")
        roles[name] = role
    return roles


def _listed() -> str:
    return ", ".join(sorted(KNOWN_ROLES))


def _source(name: str, data: bytes) -> Source:
    try:
        return read_source(data.decode())
    except UnicodeDecodeError as error:
        raise BadModelFolder(f"{name} is not UTF-8; save it so.") from error
    except ValueError as error:
        raise BadModelFolder(f"{name}, {error}") from error


def _primary(folder: Path, sources: Mapping[str, Source]) -> str:
    marked = [name for name, source in sources.items() if source.functions]
    if not marked:
        raise BadModelFolder(
            f"{folder}: no Python file marks a function with # modelop.score, .metrics, .train or .init above its def."
        )
    if len(marked) > 1:
        raise BadModelFolder(f"{' and '.join(marked)} both have # modelop.* markers; keep them in one file.")
    return marked[0]


def _asset(name: str, data: bytes, role: str | None, source: Source | None, primary: str) -> Asset:
    if source is None:
        return Asset(
            name=name,
            filename=name,
            asset_type="FILE",
            asset_role=role or role_of(name),
            file_format=file_format(name),
            file_content=base64.b64encode(data).decode(),
        )
    asset = Asset(
        name=name,
        filename=name,
        asset_type="SOURCE_CODE",
        asset_role=role or "MODEL_SOURCE",
        primary_model_source=name == primary,
        source_code=data.decode(),
    )
    for kind, function in source.functions.items():
        setattr(asset, f"{kind}_function", function)
    return asset


def _schemas(files: Mapping[str, bytes], source: Source) -> tuple[list[JsonObject], list[JsonObject]]:
    """The input and output schemas: told by ``# modelop.schema.N`` (even slots are inputs), else by file name."""
    schemas = {name: _json_file(files, name, dict) for name in files if name.endswith(".avsc")}
    for slot, name in source.schemas.items():
        if name not in schemas:
            raise BadModelFolder(f"{name} is named by # modelop.schema.{slot}, but is not in the folder.")
    slots = {name: slot % 2 for slot, name in source.schemas.items()}
    inputs: list[JsonObject] = []
    outputs: list[JsonObject] = []
    for name, definition in schemas.items():
        entry = {
            "schemaId": str(uuid5(NAMESPACE_URL, f"mlc/schema/{name}/{json.dumps(definition, sort_keys=True)}")),
            "name": name,
            "schemaDefinition": definition,
        }
        is_output = slots.get(name, int(bool(re.search("output", name, re.IGNORECASE))))
        (outputs if is_output else inputs).append(entry)
    return inputs, outputs
