"""``metadata.json``, ``required_assets.json``, ``external_assets.json``: what is said of a model and its files."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlc.center.modelop import literals
from mlc.center.modelop.folder.roles import KNOWN_ROLES
from mlc.center.modelop.wire import ModelMetaData
from mlc.model.asset import Asset, AssetKind
from mlc.model.failure import MlcError

METADATA, REQUIRED_ASSETS, EXTERNAL_ASSETS = "metadata.json", "required_assets.json", "external_assets.json"
_PRIMARY, _ROLE = "primaryModelSource", "assetRole"
_EXAMPLE = '{"name": "Credit risk", "modelMethodology": "Classification"}'
_CLOSE = 0.85

JsonObject = dict[str, Any]


class BadModelFolder(MlcError, ValueError):
    """A folder can't be read as a model. The text is a sentence for each problem, which names the file."""


class Said:
    """What these files say. Problems and notices are sentences.

    Attributes:
        meta: the model's metadata, as ModelOp keeps it.
        roles: of files, by name.
        primary: the file that is to be the primary source; None if nobody says.
        type_given: whether the metadata say the model's type.
        required: the required assets.
        external: assets that lie outside of the folder.
    """

    def __init__(self, files: Mapping[str, Path], folder_name: str) -> None:
        self.problems: list[str] = []
        self.notices: list[str] = []
        self.roles: dict[str, str] = {}
        self.primary: str | None = None
        self._files = files
        metadata = self._read(METADATA, dict, f"write a JSON object, such as {_EXAMPLE}")
        assets, primary = metadata.pop("assets", {}), metadata.pop(_PRIMARY, None)
        self.type_given = bool(metadata.get("type"))
        self.meta = self._meta(metadata, folder_name)
        self.required = self._required()
        self._given_roles(assets)
        if primary is not None:
            self._set_primary(primary)
        self.external = self._external()

    def _read(self, name: str, kind: type, advice: str) -> Any:
        if name not in self._files:
            return kind()
        try:
            value = json_of(self._files[name], name, advice)
        except BadModelFolder as error:
            self.problems.append(str(error))
            return kind()
        if not isinstance(value, kind):
            self.problems.append(f"{name} must hold a JSON {'object' if kind is dict else 'list'}: {advice}.")
            return kind()
        return value

    def _meta(self, metadata: JsonObject, folder_name: str) -> ModelMetaData:
        known = {field.alias for field in ModelMetaData.model_fields.values() if field.alias}
        for key in metadata.keys() - known:
            if close := get_close_matches(key, known, n=1, cutoff=_CLOSE):
                self.notices.append(f"{METADATA}: {key} is not known; did you mean {close[0]}?")
        association_role = metadata.pop("defaultAssociationRole", None)
        try:
            # The type is said, not left to a default, which would not be sent: runtimes are chosen by it.
            meta = ModelMetaData.model_validate({"name": folder_name, "type": "PYTHON", **metadata})
        except ValidationError as error:
            for each in error.errors(include_input=False, include_url=False):
                place = ".".join(map(str, each["loc"]))
                self.problems.append(f"{METADATA}: {place}: {each['msg']}. Mend the value, or leave it out.")
            return ModelMetaData(name=folder_name, type="PYTHON")
        if not meta.name.strip():
            self.problems.append(f"{METADATA}: name is empty; give the model a name.")
        categories = {literals.BUSINESS_MODEL, literals.MONITORING_MODEL}
        if meta.model_category not in categories and (
            close := get_close_matches(meta.model_category, categories, n=1, cutoff=0.6)
        ):
            self.problems.append(f"{METADATA}: modelCategory {meta.model_category!r} is none; write {close[0]}.")
        if association_role is not None:
            meta.custom = {"defaultAssociationRole": association_role, **meta.custom}
        return meta

    def _required(self) -> list[JsonObject]:
        required = self._read(REQUIRED_ASSETS, list, f'write a list such as [{{"{_ROLE}": "TEST_DATA"}}]')
        kept = []
        for number, item in enumerate(required, 1):
            if not isinstance(item, dict) or not isinstance(role := item.get(_ROLE), str):
                self.problems.append(f"{REQUIRED_ASSETS}: item {number} needs an {_ROLE} out of {_listed()}.")
                continue
            if role not in KNOWN_ROLES:
                if close := get_close_matches(role, KNOWN_ROLES, n=1, cutoff=0.8):
                    self.problems.append(f"{REQUIRED_ASSETS}: item {number}: {role} is no role; write {close[0]}.")
                else:
                    self.notices.append(f"{REQUIRED_ASSETS}: item {number}: the role {role} is not known here.")
            kept.append(item)
            if item.get("filename") in self._files:
                self.roles[item["filename"]] = role
        return kept

    def _given_roles(self, assets: Any) -> None:
        """Roles that ``metadata.json`` gives to files by name: they win."""
        if not isinstance(assets, dict):
            self.problems.append(f'{METADATA}: assets must map file names to roles: {{"holdout.csv": "TEST_DATA"}}.')
            return
        for name, said in assets.items():
            role = said.get(_ROLE) if isinstance(said, dict) else said
            if name not in self._files:
                self.problems.append(f"{METADATA}: assets names {name}, which is not in the folder; mend the name.")
            elif isinstance(said, dict) and said.get(_PRIMARY) is True:
                self._set_primary(name)
            if role is None and isinstance(said, dict) and _PRIMARY in said:
                continue
            if role not in KNOWN_ROLES:
                self.problems.append(f"{METADATA}: assets gives {name} the role {role}, which is none of {_listed()}.")
            elif name in self._files:
                self.roles[name] = role

    def _set_primary(self, name: Any) -> None:
        if name not in self._files:
            self.problems.append(f"{METADATA}: {_PRIMARY} names {name}, which is not in the folder; mend the name.")
        elif self.primary not in {None, name}:
            self.problems.append(f"{METADATA}: {self.primary} and {name} are both {_PRIMARY}; name one of them.")
        else:
            self.primary = name

    def _external(self) -> list[Asset]:
        assets = []
        listed = self._read(EXTERNAL_ASSETS, list, "write a list of assets with assetRole, filename and fileUrl")
        for number, item in enumerate(listed, 1):
            where = f"{EXTERNAL_ASSETS}: item {number}"
            said = item if isinstance(item, dict) else {}
            name, address = said.get("filename") or said.get("name"), said.get("fileUrl")
            if not isinstance(name, str) or not isinstance(address, str):
                self.problems.append(f"{where} needs a filename and a fileUrl.")
                continue
            if name in self._files:
                self.problems.append(f"{where}: {name} is in the folder as well; remove one of them.")
                continue
            size = said.get("fileSize")
            digest = said.get("contentHash")
            assets.append(
                Asset(
                    name=name,
                    role=str(said.get(_ROLE) or "UNKNOWN"),
                    kind=AssetKind.EXTERNAL,
                    format=str(said.get("fileFormat") or ""),
                    size=size if isinstance(size, int) else None,
                    sha256=str(digest.get("hexString") or "").lower() or None if isinstance(digest, dict) else None,
                    address=address,
                )
            )
        return assets


def json_of(file: Path, name: str, advice: str) -> Any:
    """What a JSON file holds.

    Raises:
        BadModelFolder: it can't be read; the text says where and what to do.
    """
    try:
        return json.loads(file.read_bytes())
    except json.JSONDecodeError as error:
        raise BadModelFolder(f"{name}, line {error.lineno}: {error.msg}; {advice}.") from error
    except (ValueError, RecursionError) as error:
        raise BadModelFolder(f"{name} can't be read as JSON; save it as UTF-8.") from error


def _listed() -> str:
    return ", ".join(sorted(KNOWN_ROLES))
