"""A fresh working directory for a model: its files by name, its inputs, its outputs, and the order to the harness."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, Field

from mlc.center import wire
from mlc.model.snapshot import AssetRole
from mlc.runtime.external import INSTEAD, ExternalFiles
from mlc.runtime.harness.functions import ModelFailure

PRIVATE = "__moc_runtime"
OUTPUT_DIR = "outputDir"
DATA_FORMATS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
PYTHON_TYPES = frozenset({"PYTHON", "PYTHON3", "UNKNOWN"})


class DataFile(BaseModel):
    """An input or output: where it is, its format (``csv``, ``json``, ``jsonl``), and what people call it.

    ``schema_`` (``schema`` in JSON) is the model's extended Avro schema for its records, if there is one; ``check``
    tells whether records that are not as it says are bad.
    """

    path: Path
    format: str
    name: str
    schema_: dict[str, Any] | None = Field(None, serialization_alias="schema")
    check: bool = False


class Order(BaseModel):
    """What the harness is told to do. ``kind`` is ``training``, ``metrics``, ``scoring`` or ``online``.

    ``stop_on_bad_records`` tells a scoring job to end with an error at the first of them.
    """

    kind: str
    source: str
    functions: dict[str, str]
    definition: Path
    inputs: list[DataFile] = []
    outputs: list[DataFile] = []
    stop_on_bad_records: bool = False


class Layout:
    """The working directory of one job or one online model. Nothing is ever written outside it.

    Args:
        root: made afresh; whatever an earlier try left there is removed.
        files: reads assets that lie outside the model centre.
    """

    def __init__(self, root: Path, files: ExternalFiles) -> None:
        self.root = root = root.resolve()
        self.notes: list[str] = []
        self._files = files
        shutil.rmtree(root, ignore_errors=True)
        for name in (PRIVATE, OUTPUT_DIR):
            (root / name).mkdir(parents=True)

    def add_model(self, model: wire.DeployableModel, *, artefacts_in_output_dir: bool) -> dict[str, dict[str, str]]:
        """Write the model's source and files.

        Args:
            artefacts_in_output_dir: also put trained artefacts where training wrote them, for models that read them
                there. Not for a training job, where that folder shows what is new.

        A file that can't be had is a note: the model may not need it, such as data that lies elsewhere.

        Returns:
            The hexadecimal SHA-256 of the source files (``source``) and of weights and
            requirements (``artefacts``), by name.
        """
        hashes: dict[str, dict[str, str]] = {"source": {}, "artefacts": {}}
        for asset in model.stored_model.model_assets:
            try:
                path = self.add(asset)
            except ModelFailure as failure:
                self.notes.append(str(failure))
                continue
            if path is None:
                continue
            if asset.asset_role == AssetRole.WEIGHTS_FILE and artefacts_in_output_dir:
                self._copy(self.root / path, PurePosixPath(OUTPUT_DIR) / path)
            if asset.asset_type == "SOURCE_CODE":
                hashes["source"][str(path)] = sha256(self.root / path)
            elif asset.asset_role in {AssetRole.WEIGHTS_FILE, AssetRole.REQUIRED_LIBRARIES}:
                hashes["artefacts"][str(path)] = sha256(self.root / path)
        return hashes

    def add(self, asset: wire.Asset) -> PurePosixPath | None:
        """Write one asset's file under its own name.

        Returns:
            Where it is, relative to the directory; None if the asset is no file, such as an SQL query.

        Raises:
            ModelFailure: its content is broken, or lies where this runtime may not read.
        """
        name = inside(asset.filename or asset.name or "unnamed")
        return name if self._place(asset, name, f"asset {asset.filename or asset.name}") else None

    def order(self, kind: str, model: wire.DeployableModel, definition: str) -> Order:
        """The order for this model; ``definition`` is the JSON that init functions get.

        Raises:
            ModelFailure: there is no Python source among the assets.
        """
        language = model.stored_model.model_meta_data.type
        if language.upper() not in PYTHON_TYPES:
            raise ModelFailure(f"This runtime runs PYTHON models, and the model's type is {language}.")
        sources = [a for a in model.stored_model.model_assets if a.asset_type == "SOURCE_CODE"]
        sources.sort(key=lambda asset: not asset.primary_model_source)
        if not sources or sources[0].content() is None:
            raise ModelFailure("The model has no source code: an asset of type SOURCE_CODE with its sourceCode.")
        source = sources[0]
        names = {
            "init": source.init_function,
            "score": source.score_function,
            "metrics": source.metrics_function,
            "train": source.train_function,
        }
        what = "deployment" if kind == "online" else "job"
        path = self.root / PRIVATE / f"model_definition.{what}.json"
        path.write_text(definition)
        return Order(
            kind=kind,
            source=str(inside(source.filename or source.name or "unnamed")),
            functions={role: name for role, name in names.items() if name},
            definition=path,
        )

    def add_inputs(self, assets: Iterable[wire.Asset]) -> list[DataFile]:
        """Write a job's inputs, in order, under their names and once more where models can't mix them up.

        Raises:
            ModelFailure: one can't be had, or its format is unknown.
        """
        files = []
        for index, asset in enumerate(assets):
            name = asset.filename or asset.name or f"number {index}"
            what = f"input {name}"
            own = PurePosixPath(PRIVATE) / "inputs" / str(index)
            if not self._place(asset, own, what):
                kind = "holds no file" if asset.asset_type.endswith("FILE") else f"is of the type {asset.asset_type}"
                raise ModelFailure(f"The {what} {kind}, which a runtime can't read: {INSTEAD}.")
            file_format = data_format(asset, what)
            self._copy(self.root / own, inside(asset.filename or asset.name or f"input_{index}"))
            files.append(DataFile(path=self.root / own, format=file_format, name=name))
        return files

    def add_outputs(self, assets: Iterable[wire.Asset]) -> list[DataFile]:
        """Say where a job's outputs go.

        Raises:
            ModelFailure: a format is unknown, or an address can't be written to.
        """
        folder = self.root / PRIVATE / "outputs"
        folder.mkdir()
        files = []
        for index, asset in enumerate(assets):
            name = asset.filename or asset.name or f"output_{index}"
            if asset.file_url:
                self._files.check(asset, f"output {name}")
            elif not asset.asset_type.endswith("FILE"):
                kind = f"is of the type {asset.asset_type}"
                raise ModelFailure(f"The output {name} {kind}, which a runtime can't write: {INSTEAD}.")
            file_format = data_format(asset, f"output {name}", "json")
            files.append(DataFile(path=folder / str(index), format=file_format, name=name))
        return files

    def artefacts(self) -> list[tuple[str, Path]]:
        """What training left in ``outputDir``: relative names and paths. Links are not followed."""
        root = self.root / OUTPUT_DIR
        found = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        return [(path.relative_to(root).as_posix(), path) for path in found if path.resolve().is_relative_to(root)]

    def _place(self, asset: wire.Asset, name: PurePosixPath, what: str) -> bool:
        """Write an asset's file below the directory; False if the asset is no file."""
        try:
            content = asset.content()
        except ValueError:
            raise ModelFailure(f"The content of the {what} is not base64.") from None
        external = content is None and bool(asset.file_url) and asset.asset_type.endswith("FILE")
        if content is None and not external:
            return False
        path = self.root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content)
        except OSError as error:
            raise ModelFailure(f"The {what} can't be written: {error.strerror}. Rename it.") from None
        if external:
            self._files.fetch(asset, path, what)
        return True

    def _copy(self, source: Path, name: PurePosixPath) -> None:
        # No link: a model that writes over the file of this name must not change what it is given to read.
        path = self.root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        except OSError as error:
            raise ModelFailure(f"The file {name} can't be written: {error.strerror}. Rename the asset.") from None


def inside(name: str) -> PurePosixPath:
    """A file name as a relative path that can't lead outside: roots, ``..`` and control characters are dropped."""
    clean = "".join(character for character in name.replace("\\", "/") if character.isprintable())
    parts = [part.strip()[:200] for part in clean.split("/")]
    kept = [part for part in parts if part not in {"", ".", "..", PRIVATE}]
    return PurePosixPath(*kept or ["unnamed"])


def data_format(asset: wire.Asset, what: str, default: str | None = None) -> str:
    """``csv``, ``json`` or ``jsonl``, by the asset's ``fileFormat`` and its name's ending.

    Raises:
        ModelFailure: neither says, and there is no default.
    """
    by_name = DATA_FORMATS.get(inside(asset.filename or asset.name or "unnamed").suffix.lower())
    declared = (asset.file_format or "").lower()
    if declared == "csv" or (declared == "json" and by_name != "jsonl"):
        return declared
    if found := by_name or default:
        return found
    raise ModelFailure(f"The {what} has no known format: set its fileFormat to CSV or JSON.")


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
