"""Reads a model folder in ModelOp's layout. Its files stay where they are until they are sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mlc.center.catalogue import NewFile
from mlc.center.modelop.folder import languages
from mlc.center.modelop.folder.files import LARGEST_FOLDER, FolderFiles
from mlc.center.modelop.folder.json_files import BadModelFolder
from mlc.center.modelop.folder.markers import Source, is_marked, read_schemas, read_source
from mlc.center.modelop.folder.metadata import METADATA, Said
from mlc.center.modelop.folder.roles import file_format, role_of
from mlc.center.modelop.folder.schemas import FolderSchemas
from mlc.center.modelop.folder.sentences import first_of, shown
from mlc.center.modelop.ordinary import content
from mlc.center.modelop.snapshots import read_model
from mlc.center.modelop.wire import StoredModel
from mlc.model.asset import OUTPUT_DIR, Asset, AssetKind, AssetRole
from mlc.model.failure import MlcError
from mlc.model.snapshot import Model

_NAMED = 5
LARGEST_SOURCE = 1_000_000
"""Bytes of a source that is looked at: reading one as Python takes a hundred times as much memory."""


class ModelFolder(NamedTuple):
    """What a folder holds: a model that is registered nowhere yet, and its files where they lie."""

    model: Model
    files: list[NewFile]


@dataclass
class Examined:
    """What was found in a folder: sentences that say what, where and what to do.

    Attributes:
        folder: what it holds, as far as that can be said; None if that is no model.
        problems: why it can't be submitted.
        notices: what its author should know.
    """

    folder: ModelFolder | None = None
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add(self, part: FolderFiles | Said | FolderSchemas) -> None:
        self.problems += part.problems
        self.notices += part.notices


def read_model_folder(path: Path, *, largest: int | None = LARGEST_FOLDER) -> ModelFolder:
    """Read ``metadata.json``, the source with its ``# modelop.*`` markers, schemas, and what every other file is.

    Raises:
        BadModelFolder: something in the folder is missing, broken or not allowed; all of it is said.
    """
    examined = examine(path, largest=largest)
    if examined.problems or examined.folder is None:
        more = len(examined.problems) - _NAMED
        rest = [f"There are {more} problems more: `mlc validate` lists them."] if more > 0 else []
        raise BadModelFolder(" ".join([*examined.problems[:_NAMED], *rest]))
    return examined.folder


def examine(path: Path, *, largest: int | None = LARGEST_FOLDER) -> Examined:
    """Read a model folder, and say everything that is wrong with it at once.

    ``largest``: bytes of all its files together; None: as many as there are. None of them is read whole.
    """
    found = Examined()
    try:
        if path.is_dir():
            _examine(path, found, largest)
        else:
            found.problems.append(
                f"{shown(path)} is not a folder; give the folder that holds {METADATA} and the source."
            )
    except OSError as error:  # it isn't ours to read, or was changed meanwhile
        where = shown(error.filename or path)
        found.problems.append(f"{where} can't be read ({error.strerror}); make it readable, and leave it as it is.")
        found.folder = None
    found.problems, found.notices = first_of(found.problems, "problems"), first_of(found.notices, "notices")
    return found


def _examine(path: Path, found: Examined, largest: int | None) -> None:
    listing = FolderFiles(path, largest)
    found.add(listing)
    if not listing.complete:  # what would be said of the rest may not be so
        return
    said = Said(listing.found, path.resolve().name)
    found.add(said)
    primary = _Primary(path, listing.found, said, found)
    schemas = FolderSchemas(listing.found, primary.schemas, primary.name)
    found.add(schemas)
    meta = said.meta
    if not said.type_given:
        meta.type = primary.language
    elif meta.type.upper().startswith(languages.PYTHON) and primary.language != languages.PYTHON:
        found.problems.append(
            f"{METADATA}: type is {meta.type}, and {primary.name} is {primary.language}; write that, or add the source "
            "that is meant."
        )
    meta.input_schema, meta.output_schema = schemas.inputs, schemas.outputs
    model = read_model(StoredModel(model_meta_data=meta, required_assets=said.required))
    files = [
        NewFile(_asset(name, file, said.roles.get(name), primary.sources.get(name), primary), file)
        for name, file in listing.found.items()
    ]
    found.folder = ModelFolder(model, [*files, *(NewFile(asset, None) for asset in said.external)])


class _Primary:
    """The source whose functions are called, out of all sources of a folder."""

    def __init__(self, folder: Path, files: Mapping[str, Path], said: Said, found: Examined) -> None:
        self.name, self.language, self.schemas = "", languages.PYTHON, dict[int, str]()
        self.sources: dict[str, Source] = {}
        self._found, self._files = found, files
        self._others: dict[str, str] = {}
        self._told = False
        for name, file in files.items():
            if languages.is_python(name):
                self._read(name, file, said.primary)
            elif language := languages.language_of(name, file):
                self._others[name] = language
        self.name = self._chosen(said.primary)
        if self.name:
            self._tell(self.name)
        elif not self._told:
            self._without_python(folder, files, said)

    def _read(self, name: str, file: Path, wanted: str | None) -> None:
        self.sources[name] = Source()
        try:
            text = _text(file)
        except _NoSource as error:
            if error.large and name != wanted:
                self._found.notices.append(f"{name} {error} It was not looked at, so it matters only if imported.")
            else:
                self._fail(f"{name} {error}")
            return
        try:
            self.sources[name] = read_source(text)
        except ValueError as error:
            if languages.looks_like_r(text):
                del self.sources[name]
                self._others[name] = "R"
            elif name == wanted or is_marked(text):
                self._fail(f"{name}, {error}")
            else:
                self._found.notices.append(f"{name}, {error} It marks no function, so it matters only if imported.")

    def _fail(self, problem: str) -> None:
        """What keeps a source from being found is said, and nothing that follows from it."""
        self._found.problems.append(problem)
        self._told = True

    def _chosen(self, wanted: str | None) -> str:
        marked = [name for name, source in self.sources.items() if source.functions]
        unmarked = [name for name, source in self.sources.items() if source.unmarked]
        for candidates in (marked, unmarked):
            if wanted in candidates or len(candidates) == 1:
                return wanted if wanted in candidates and wanted else candidates[0]
            top = [name for name in candidates if "/" not in name]
            if len(top) == 1:
                return top[0]
            if candidates and wanted not in unmarked:
                self._fail(
                    f"{' and '.join(candidates[:_NAMED])} all have functions of a model: say which one is the model by "
                    f'"primaryModelSource": "{candidates[0]}" in {METADATA}.'
                )
                return ""
        return ""

    def _tell(self, name: str) -> None:
        source = self.sources[name]
        self.schemas = source.schemas
        self._found.notices += [f"{name}, {notice}" for notice in source.notices]
        others = [other for other, its in self.sources.items() if its.functions and other != name]
        if others:
            self._found.notices.append(
                f"{name} is the model's source; the marked functions of {', '.join(others)} are not called. "
                f'Another one: "primaryModelSource" in {METADATA}.'
            )
        for opened, line in source.opens.items():
            if opened not in self._files and not opened.startswith(f"{OUTPUT_DIR}/"):
                self._found.notices.append(
                    f"{name}, line {line}: it opens {opened}, which is not in the folder. Add it, unless training or "
                    "the job brings it."
                )
        if source.unmarked:
            names = ", ".join(f"{function} as {purpose}" for purpose, function in source.unmarked.items())
            self._found.notices.append(
                f"{name} marks no function; by their usual names it has {names}. Write # modelop.score and so on above "
                "the defs to be sure."
            )
            self.sources[name] = replace(source, functions=source.unmarked)
        if len(outputs := [slot for slot in source.schemas if slot % 2]) > 1:
            self._found.notices.append(
                f"{name} has schemas for {len(outputs)} output slots: all that it yields goes to the one output of its "
                "inputs, (slot, value) pairs as lists. Let it yield one kind of answer."
            )
        if source.spark:
            self.language = languages.SPARK

    def _without_python(self, folder: Path, files: Mapping[str, Path], said: Said) -> None:
        """A model in another language, which a centre's runtimes may run; or none."""
        others = self._others
        if not others and (spark := [name for name, source in self.sources.items() if source.imports_spark]):
            self.name, self.language = spark[0], languages.SPARK
        elif others:
            self.name = said.primary if said.primary in others and said.primary else next(iter(others))
            self.language = others[self.name]
            try:
                text = _text(files[self.name])
            except _NoSource:  # what is no text has no markers
                text = ""
            functions = languages.r_functions(text) if self.language == "R" else {}
            self.schemas = read_schemas(text)
            self.sources[self.name] = Source(functions=functions)
        elif self.sources:
            self._found.problems.append(
                f"{shown(folder)}: no Python file marks a function; write # modelop.score, .metrics, .train or .init "
                f"above a def in {' or '.join([*self.sources][:_NAMED])}."
            )
        else:
            weights = [name for name in files if role_of(name) == AssetRole.WEIGHTS_FILE]
            self._found.problems.append(languages.no_source(folder, files, weights))


def _asset(name: str, file: Path, role: str | None, source: Source | None, primary: _Primary) -> Asset:
    size = file.stat().st_size
    if source is None:
        suggested = role_of(name) if PurePosixPath(name).parent == PurePosixPath() else role_of(name, below=True)
        return Asset(name=name, role=role or suggested, format=file_format(name), size=size)
    return Asset(
        name=name,
        role=role or AssetRole.MODEL_SOURCE,
        kind=AssetKind.SOURCE,
        size=size,
        primary=name == primary.name,
        functions=source.functions,
    )


class _NoSource(MlcError):
    """A source that is no text. The message ends a sentence about it."""

    def __init__(self, message: str, *, large: bool = False) -> None:
        super().__init__(message)
        self.large = large


def _text(file: Path) -> str:
    """The text of a source."""
    held = content(file, LARGEST_SOURCE)
    if held is None:
        raise _NoSource(f"is larger than {LARGEST_SOURCE // 1_000_000} MB; move data out of the source.", large=True)
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _NoSource("is not UTF-8; save it so.") from None
