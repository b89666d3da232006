"""Reads a model folder in ModelOp's layout. Its files stay where they are until they are sent."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from mlc.center.catalogue import NewFile
from mlc.center.modelop.folder.markers import Source, read_source
from mlc.center.modelop.folder.roles import KNOWN_ROLES, file_format, role_of
from mlc.center.modelop.snapshots import read_model
from mlc.center.modelop.wire import ModelMetaData, StoredModel
from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.failure import MlcError
from mlc.model.snapshot import Model

METADATA, REQUIRED_ASSETS = "metadata.json", "required_assets.json"
LARGEST_FOLDER = 45_000_000
"""Bytes of all files together: as base64 they must fit into one request to the centre."""

_PASSED_OVER = frozenset({".git", ".gitignore", ".gitattributes", ".DS_Store", "__pycache__", ".ipynb_checkpoints"})

JsonObject = dict[str, Any]


class BadModelFolder(MlcError, ValueError):
    """A folder can't be read as a model. The text is a sentence that names the file."""


class ModelFolder(NamedTuple):
    """What a folder holds: a model that is registered nowhere yet, and its files where they lie."""

    model: Model
    files: list[NewFile]


def read_model_folder(path: Path) -> ModelFolder:
    """Read ``metadata.json``, the source with its ``# modelop.*`` markers, schemas, and what every other file is.

    Raises:
        BadModelFolder: something in the folder is missing, broken or not allowed.
    """
    files = _files(path)
    metadata = _json_file(files, METADATA, dict) if METADATA in files else {}
    required = _json_file(files, REQUIRED_ASSETS, list) if REQUIRED_ASSETS in files else []
    roles = _given_roles(metadata.pop("assets", {}), required, files)
    sources = {name: _source(file) for name, file in files.items() if name.endswith(".py")}
    primary = _primary(path, sources)
    meta = _meta(metadata, path.resolve().name)
    meta.input_schema, meta.output_schema = _schemas(files, sources[primary])
    model = read_model(StoredModel(model_meta_data=meta, required_assets=required))
    assets = [_asset(file, roles.get(name), sources.get(name), primary) for name, file in files.items()]
    return ModelFolder(model, [NewFile(asset, files[asset.name]) for asset in assets])


def _files(folder: Path) -> dict[str, Path]:
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
    return {entry.name: entry for entry in found}


def _json_file(files: Mapping[str, Path], name: str, kind: type) -> Any:
    try:
        value = json.loads(files[name].read_bytes())
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


def _given_roles(assets: Any, required: list[Any], files: Mapping[str, Path]) -> dict[str, str]:
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


def _source(file: Path) -> Source:
    try:
        return read_source(file.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise BadModelFolder(f"{file.name} is not UTF-8; save it so.") from error
    except ValueError as error:
        raise BadModelFolder(f"{file.name}, {error}") from error


def _primary(folder: Path, sources: Mapping[str, Source]) -> str:
    marked = [name for name, source in sources.items() if source.functions]
    if not marked:
        raise BadModelFolder(
            f"{folder}: no Python file marks a function with # modelop.score, .metrics, .train or .init above its def."
        )
    if len(marked) > 1:
        raise BadModelFolder(f"{' and '.join(marked)} both have # modelop.* markers; keep them in one file.")
    return marked[0]


def _asset(file: Path, role: str | None, source: Source | None, primary: str) -> Asset:
    name, size = file.name, file.stat().st_size
    if source is None:
        return Asset(name=name, role=role or role_of(name), format=file_format(name), size=size)
    return Asset(
        name=name,
        role=role or AssetRole.MODEL_SOURCE,
        kind=AssetKind.SOURCE,
        size=size,
        primary=name == primary,
        functions=source.functions,
    )


def _schemas(files: Mapping[str, Path], source: Source) -> tuple[list[JsonObject], list[JsonObject]]:
    """The input and output schemas: told by ``# modelop.schema.N`` (even slots are inputs), else by file name."""
    schemas = {name: _json_file(files, name, dict) for name in files if name.endswith(".avsc")}
    for slot, name in source.schemas.items():
        if name not in schemas:
            raise BadModelFolder(f"{name} is named by # modelop.schema.{slot}, but is not in the folder.")
    slots = {name: slot % 2 for slot, name in source.schemas.items()}
    inputs: list[JsonObject] = []
    outputs: list[JsonObject] = []
    for name, definition in schemas.items():
        entry = {"name": name, "schemaDefinition": definition}
        is_output = slots.get(name, int(bool(re.search("output", name, re.IGNORECASE))))
        (outputs if is_output else inputs).append(entry)
    return inputs, outputs
