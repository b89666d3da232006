"""A fresh working directory for a model: its files by name, its inputs, its outputs, and the order to the harness."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from mlc.center import wire
from mlc.model.snapshot import AssetRole
from mlc.runtime.harness.functions import ModelFailure

PRIVATE = "__moc_runtime"
OUTPUT_DIR = "outputDir"
DATA_FORMATS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
PYTHON_TYPES = frozenset({"PYTHON", "PYTHON3", "UNKNOWN"})


class DataFile(BaseModel):
    """An input or output: where it is, its format (``csv``, ``json``, ``jsonl``), and what people call it."""

    path: Path
    format: str
    name: str


class Order(BaseModel):
    """What the harness is told to do. ``kind`` is ``training``, ``metrics``, ``scoring`` or ``online``."""

    kind: str
    source: str
    functions: dict[str, str]
    definition: Path
    inputs: list[DataFile] = []
    outputs: list[DataFile] = []


class Layout:
    """The working directory of one job or one online model. Nothing is ever written outside it.

    Args:
        root: made afresh; whatever an earlier try left there is removed.
        file_root: folder below which ``file://`` addresses may lie.
    """

    def __init__(self, root: Path, file_root: Path | None = None) -> None:
        self.root = root = root.resolve()
        self.notes: list[str] = []
        self._file_root = file_root.resolve() if file_root else None
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
                self._write(PurePosixPath(OUTPUT_DIR) / path, (self.root / path).read_bytes())
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
        content = self._content(asset)
        if content is None:
            return None
        name = inside(asset.filename or asset.name or "unnamed")
        self._write(name, content)
        return name

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
            name = asset.filename or asset.name
            content = self._content(asset)
            if content is None:
                raise ModelFailure(f"The input {name or index} holds no file: embed it, or give it a file:// address.")
            file_format = data_format(asset, f"input {name or index}")
            path = self._write(PurePosixPath(PRIVATE) / "inputs" / str(index), content)
            self._write(inside(name or f"input_{index}"), content)
            files.append(DataFile(path=path, format=file_format, name=name or f"number {index}"))
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
            if asset.file_url and asset.file_content is None:
                self.local_file(asset.file_url, name)
            files.append(
                DataFile(path=folder / str(index), format=data_format(asset, f"output {name}", "json"), name=name)
            )
        return files

    def local_file(self, url: str, name: str) -> Path:
        """The path of a ``file://`` address below the folder that the settings allow.

        Raises:
            ModelFailure: it is another kind of address, or lies elsewhere.
        """
        parts = urlsplit(url)
        if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
            raise ModelFailure(f"The asset {name} lies at a {parts.scheme or 'relative'} address: embed it instead.")
        path = Path(unquote(parts.path)).resolve()
        if self._file_root is None or not path.is_relative_to(self._file_root):
            raise ModelFailure(f"The asset {name} lies where this runtime may not go: set MLC_RUNTIME_FILE_ROOT.")
        return path

    def artefacts(self) -> list[tuple[str, Path]]:
        """What training left in ``outputDir``: relative names and paths. Links are not followed."""
        root = self.root / OUTPUT_DIR
        found = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        return [(path.relative_to(root).as_posix(), path) for path in found if path.resolve().is_relative_to(root)]

    def _content(self, asset: wire.Asset) -> bytes | None:
        name = asset.filename or asset.name
        try:
            content = asset.content()
            if content is None and asset.file_url and asset.asset_type.endswith("FILE"):
                content = self.local_file(asset.file_url, name).read_bytes()
        except ValueError:
            raise ModelFailure(f"The content of the asset {name} is not base64.") from None
        except OSError as error:
            raise ModelFailure(f"The asset {name} can't be read: {error.strerror}.") from None
        return content

    def _write(self, name: PurePosixPath, content: bytes) -> Path:
        path = self.root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise ModelFailure(f"The file {name} can't be written: {error.strerror}. Rename the asset.") from None
        return path


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
