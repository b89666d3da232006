"""``metadata.json``, ``required_assets.json``, ``external_assets.json``: what is said of a model and its files."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlc.center.modelop import literals
from mlc.center.modelop.folder.json_files import BadModelFolder, json_of
from mlc.center.modelop.folder.monitors import MONITORS, SaidOfMonitors
from mlc.center.modelop.folder.roles import KNOWN_ROLES
from mlc.center.modelop.folder.sentences import shown, unfit
from mlc.center.modelop.monitors import written_timings
from mlc.center.modelop.wire import ModelMetaData
from mlc.model.asset import Asset, AssetKind

METADATA, REQUIRED_ASSETS, EXTERNAL_ASSETS = "metadata.json", "required_assets.json", "external_assets.json"
_PRIMARY, _ROLE = "primaryModelSource", "assetRole"
_EXAMPLE = '{"name": "Credit risk", "modelMethodology": "Classification"}'
_CLOSE = 0.85
MOST_ENTRIES = 2_000
"""Fields, roles or assets that one of these files says: as many as files."""

LONGEST_TEXT = 2_000
"""Characters of what is said of an asset, its address among it."""

JsonObject = dict[str, Any]


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

    def _read(self, name: str, kind: type[dict[str, Any]] | type[list[Any]], advice: str) -> Any:
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
        if len(value) > MOST_ENTRIES:
            self.problems.append(f"{name} holds more than {MOST_ENTRIES} entries; say less.")
            return kind()
        return value

    def _meta(self, metadata: JsonObject, folder_name: str) -> ModelMetaData:
        known = {MONITORS, *(field.alias for field in ModelMetaData.model_fields.values() if field.alias)}
        for key in metadata.keys() - known:
            if close := get_close_matches(key, known, n=1, cutoff=_CLOSE):
                self.notices.append(f"{METADATA}: {shown(key, 60)} is not known; did you mean {close[0]}?")
        association_role, monitors = metadata.pop("defaultAssociationRole", None), metadata.pop(MONITORS, None)
        try:
            # The type is said, not left to a default, which would not be sent: runtimes are chosen by it.
            meta = ModelMetaData.model_validate({"name": folder_name, "type": "PYTHON", **metadata})
        except ValidationError as error:
            for each in error.errors(include_input=False, include_url=False):
                place = ".".join(shown(str(part), 60) for part in each["loc"])
                self.problems.append(f"{METADATA}: {place}: {each['msg']}. Mend the value, or leave it out.")
            return ModelMetaData(name=folder_name, type="PYTHON")
        if not meta.name.strip():
            self.problems.append(f"{METADATA}: name is empty; give the model a name.")
        for what, text in (("name", meta.name), *(("tags", tag) for tag in meta.tags)):
            if problem := unfit(text):
                self.problems.append(f"{METADATA}: {what}: {shown(text, 60)} {problem}")
        meta.name = shown(meta.name)  # the folder's, where nobody gives another, may be in another encoding
        categories = {literals.BUSINESS_MODEL, literals.MONITORING_MODEL}
        if meta.model_category not in categories and (
            close := get_close_matches(meta.model_category, categories, n=1, cutoff=0.6)
        ):
            self.problems.append(
                f"{METADATA}: modelCategory {shown(meta.model_category, 60)!r} is none; write {close[0]}."
            )
        if association_role is not None:
            meta.custom = {"defaultAssociationRole": association_role, **meta.custom}
        if monitors is not None:
            self._set_monitors(monitors, meta)
        return meta

    def _set_monitors(self, monitors: Any, meta: ModelMetaData) -> None:
        if meta.model_category == literals.MONITORING_MODEL:
            self.problems.append(f"{METADATA}: {MONITORS}: a monitor has none that watch it; leave it out.")
            return
        said = SaidOfMonitors(monitors, meta.model_methodology or "")
        self.problems += [f"{METADATA}: {MONITORS}: {problem}" for problem in said.problems]
        meta.custom = {**meta.custom, **written_timings(said.timings)}

    def _required(self) -> list[JsonObject]:
        required = self._read(REQUIRED_ASSETS, list, f'write a list such as [{{"{_ROLE}": "TEST_DATA"}}]')
        kept = []
        for number, item in enumerate(required, 1):
            if not isinstance(item, dict) or not isinstance(role := item.get(_ROLE), str):
                self.problems.append(f"{REQUIRED_ASSETS}: item {number} needs an {_ROLE} out of {_listed()}.")
                continue
            if role not in KNOWN_ROLES:
                if close := get_close_matches(role, KNOWN_ROLES, n=1, cutoff=0.8):
                    self.problems.append(
                        f"{REQUIRED_ASSETS}: item {number}: {shown(role, 60)} is no role; write {close[0]}."
                    )
                else:
                    self.notices.append(
                        f"{REQUIRED_ASSETS}: item {number}: the role {shown(role, 60)} is not known here."
                    )
            kept.append(item)
            name = item.get("filename")
            if name is not None and not isinstance(name, str):
                self.problems.append(
                    f"{REQUIRED_ASSETS}: item {number}: filename must be a text, and is {shown(name, 60)}; mend it."
                )
            elif name is not None and name in self._files:
                self.roles[name] = role
        return kept

    def _given_roles(self, assets: Any) -> None:
        """Roles that ``metadata.json`` gives to files by name: they win."""
        if not isinstance(assets, dict):
            self.problems.append(f'{METADATA}: assets must map file names to roles: {{"holdout.csv": "TEST_DATA"}}.')
            return
        if len(assets) > MOST_ENTRIES:
            self.problems.append(f"{METADATA}: assets names more than {MOST_ENTRIES} files; name fewer.")
            return
        for name, said in assets.items():
            role = said.get(_ROLE) if isinstance(said, dict) else said
            if name not in self._files:
                self.problems.append(
                    f"{METADATA}: assets names {shown(name)}, which is not in the folder; mend the name."
                )
            elif isinstance(said, dict) and said.get(_PRIMARY) is True:
                self._set_primary(name)
            if role is None and isinstance(said, dict) and _PRIMARY in said:
                continue
            if not isinstance(role, str) or role not in KNOWN_ROLES:
                self.problems.append(
                    f"{METADATA}: assets gives {shown(name)} the role {shown(role, 60)}, which is none of {_listed()}."
                )
            elif name in self._files:
                self.roles[name] = role

    def _set_primary(self, name: Any) -> None:
        if not isinstance(name, str) or name not in self._files:
            self.problems.append(
                f"{METADATA}: {_PRIMARY} names {shown(name)}, which is not in the folder; mend the name."
            )
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
            if not (isinstance(name, str) and isinstance(address, str) and name and address):
                self.problems.append(f"{where} needs a filename and a fileUrl.")
                continue
            if name in self._files:
                self.problems.append(f"{where}: {shown(name)} is in the folder as well; remove one of them.")
                continue
            if problem := _misfit(said):
                self.problems.append(f"{where}: {problem}")
                continue
            size, digest = said.get("fileSize"), said.get("contentHash") or {}
            assets.append(
                Asset(
                    name=name,
                    role=said.get(_ROLE) or "UNKNOWN",
                    kind=AssetKind.EXTERNAL,
                    format=said.get("fileFormat") or "",
                    size=size,
                    sha256=(digest.get("hexString") or "").lower() or None,
                    address=address,
                )
            )
        return assets


def _listed() -> str:
    return ", ".join(sorted(KNOWN_ROLES))


def _misfit(said: JsonObject) -> str:
    """What in an asset is of another type than it must be, in a sentence; empty if nothing is."""
    size, digest = said.get("fileSize"), said.get("contentHash")
    texts = {name: said.get(name) for name in ("filename", "name", "fileUrl", _ROLE, "fileFormat")}
    if isinstance(digest, dict):
        texts["contentHash.hexString"] = digest.get("hexString")
    elif digest is not None:
        return f"contentHash must be an object, and is {shown(digest, 60)}; mend it."
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            return f"{name} must be a text, and is {shown(text, 60)}; mend it."
        if text and (len(text) > LONGEST_TEXT or not text.isprintable()):
            return f"{name} is longer than {LONGEST_TEXT} characters, or holds some that can't be printed; mend it."
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63):
        return f"fileSize must be a number of bytes, and is {shown(size, 60)}; mend it, or leave it out."
    return ""
