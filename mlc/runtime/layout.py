"""A fresh working directory for a model: its files by name, its inputs, its outputs, and the order to the harness."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from mlc.model.asset import UNNAMED, Asset, AssetKind, AssetRole
from mlc.model.failure import Refused
from mlc.model.snapshot import Snapshot
from mlc.runtime.contents.content import FULL, DiskFull, Unfetched
from mlc.runtime.contents.fetching import Fetching
from mlc.runtime.external import INSTEAD, ExternalFiles
from mlc.runtime.formats import DATA_FORMATS, data_format, ending, is_compressed
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import COMPILED, OUTPUT_DIR, PRIVATE, is_source, numbered, path_of, same_file
from mlc.runtime.order import DataFile, Order
from mlc.runtime.places import Places
from mlc.runtime.removal import remove
from mlc.runtime.working_directory import WorkingDirectory

PYTHON_TYPES = frozenset({"PYTHON", "PYTHON3", "UNKNOWN"})
TAKEN = "another file of the model or the job has that name"
_KINDS: dict[str, str] = {AssetRole.WEIGHTS_FILE: "artefacts", AssetRole.REQUIRED_LIBRARIES: "artefacts"}
_OTHERS = 3
_DATA = frozenset({AssetRole.TRAINING_DATA, AssetRole.TEST_DATA, AssetRole.BASELINE_DATA, AssetRole.COMPARATOR_DATA})
"""Roles of what is read by jobs that are given it, and may be large."""
_FILES = frozenset({AssetKind.FILE, AssetKind.EXTERNAL})
_READ = _FILES | {AssetKind.QUERY}


class Layout:
    """The working directory of one job or one online model. Nothing is ever written outside it.

    A model's code is imported from there, and its weights are read by name. So the model's files come first, and
    nothing that comes later, from whomever, is code or takes the place of one of them.

    Args:
        root: made afresh; whatever an earlier try left there is removed.
        contents: brings what the model centre's files contain, while their owner is open.
        files: reads assets that lie outside the model centre.
    """

    def __init__(self, root: Path, contents: Fetching, files: ExternalFiles) -> None:
        self.root = root = root.resolve()
        self.notes: list[str] = []
        self._contents = contents
        self._files = files
        self._kinds: dict[PurePosixPath, str] = {}
        remove(root)
        root.mkdir(parents=True)  # an error if something is left there
        self.directory = WorkingDirectory(root)
        self._places = Places(self.directory)
        for name in (PRIVATE, OUTPUT_DIR):
            (root / name).mkdir()

    async def add_model(self, model: Snapshot, *, artefacts_in_output_dir: bool, given: Sequence[Asset] = ()) -> None:
        """Write the model's source and files: its code first, then what it was trained to, then all others.

        Args:
            artefacts_in_output_dir: also put trained artefacts where training wrote them, for models that read them
                there. Not for a training job, where that folder shows what is new.
            given: what a job is given; an online model is given nothing. Other data outside the centre is not fetched.

        A file that can't be had is a note: the model may not need it, such as data that lies elsewhere.

        Raises:
            ModelFailure: two files have the same name and different content, so that nobody can tell which of them
                was approved. ``Unfetched``: there is no room for one, it isn't what it should be, or takes too long.
        """
        for asset in sorted(model.assets, key=_precedence):
            name = path_of(asset)
            if asset.role in _DATA and _is_outside(asset) and not any(_same_place(asset, each) for each in given):
                if given:
                    self._files.spare(asset, f"asset {asset.name}")
                    self.notes.append(
                        f"The asset {name} is not fetched: it is data outside the centre that this job is not given."
                    )
                continue
            try:
                placed = await self._add(asset, name, _KINDS.get(asset.role, "files"))
            except Unfetched:
                raise
            except ModelFailure as failure:
                self.notes.append(str(failure))
                continue
            if not placed:
                problem = f"The model has two files {name} with different content"
                if _precedence(asset) < _OTHERS:
                    raise ModelFailure(f"{problem}: remove or rename the one that is not meant.")
                self.notes.append(f"{problem}: the one with the role {asset.role} is not laid out.")
        for asset in model.assets:
            self._places.reserve(path_of(asset))
        if artefacts_in_output_dir:
            trained = [path_of(a) for a in model.assets if a.role == AssetRole.WEIGHTS_FILE]
            await asyncio.to_thread(self._repeat_in_output_dir, [name for name in trained if self._places.has(name)])

    async def add(self, asset: Asset) -> None:
        """Write a file that a job brings for its model. It can't be code, and takes the place of no file of the model.

        Raises:
            ModelFailure: its content is broken, or lies where this runtime may not read.
        """
        name = path_of(asset)
        if is_source(asset):
            problem = "it is code, which comes with the model only"
        elif same_file(name).split("/")[0] == OUTPUT_DIR.casefold():
            problem = f"{OUTPUT_DIR} is for what training makes"
        elif len(name.parts) > 1 and self.directory.kind(name.parent) != "folder":
            problem = "its folder is none of the model's, and Python could import a new one"
        elif not await self._add(asset, name, "additional"):
            problem = TAKEN
        else:
            return
        self.notes.append(f"The additional asset {name} is not laid out: {problem}.")

    def hashes(self) -> dict[str, dict[str, str]]:
        """Hexadecimal SHA-256, by name, of what lies there now.

        Returns:
            ``source`` (whatever can be imported), ``artefacts`` (weights and requirements), ``files`` (the model's
            others) and ``additional`` (the job's).
        """
        return {
            kind: {str(name): self._places.sha256(name) for name, of in self._kinds.items() if of == kind}
            for kind in ("source", "artefacts", "files", "additional")
        }

    def data(self, assets: Iterable[Asset]) -> list[DataFile]:
        """The model's data files that lie there; of one that doesn't, or whose format is unknown, there is a note."""
        files = []
        for asset in assets:
            name = path_of(asset)
            try:
                if not self._places.has(name):
                    raise ModelFailure(f"The asset {asset.name} is no file of this runtime.")
                file_format = data_format(asset, f"asset {asset.name}")
                if is_compressed(asset):
                    raise ModelFailure(f"The asset {asset.name} is compressed: no record of it is tried.")
                files.append(DataFile(path=self.root / name, format=file_format, name=asset.name))
            except ModelFailure as failure:
                self.notes.append(str(failure))
        return files

    def definition(self, what: str) -> Path:
        """Where the JSON goes that init functions get of their ``job`` or ``deployment``."""
        return self.root / PRIVATE / f"model_definition.{what}.json"

    def order(self, kind: str, model: Snapshot, definition: Path) -> Order:
        """The order for this model; ``definition`` is the file that init functions are given.

        Raises:
            ModelFailure: there is no Python source among the assets.
        """
        language = model.model.type
        if language.upper() not in PYTHON_TYPES:
            raise ModelFailure(f"This runtime runs PYTHON models, and the model's type is {language}.")
        sources = [a for a in model.assets if a.kind is AssetKind.SOURCE]
        sources.sort(key=_precedence)
        if not sources or not self._places.has(path_of(sources[0])):
            raise ModelFailure("The model has no source code: an asset that is source, with its text.")
        source = sources[0]
        return Order(
            kind=kind,
            source=str(path_of(source)),
            functions=source.functions,
            definition=definition,
        )

    def name_of(self, file: DataFile) -> PurePosixPath:
        """Where a data file lies in the working directory."""
        return PurePosixPath(file.path.relative_to(self.root))

    def hash_of(self, file: DataFile) -> str:
        """Hexadecimal SHA-256 of a data file.

        Raises:
            ModelFailure: it is no file any more.
        """
        return self._places.sha256(self.name_of(file), f"input {file.name}")

    async def add_inputs(self, assets: Iterable[Asset], *, first: int = 0, named: bool = True) -> list[DataFile]:
        """Write a job's inputs, in order, where no model can mix them up, and under their names where that is safe.

        Args:
            first: so many others were written before.
            named: False: not under their names.

        Raises:
            ModelFailure: one can't be had, or its format is unknown.
        """
        files = []
        for index, asset in enumerate(assets, start=first):
            what = f"input {asset.name}"
            own = PurePosixPath(PRIVATE, "inputs", str(index))
            if not await self._fetch(asset, own, what):
                kind = "holds no file" if asset.kind in _FILES else f"is of the type {asset.type_name}"
                raise ModelFailure(f"The {what} {kind}, which a runtime can't read: {INSTEAD}.")
            files.append(DataFile(path=self.root / own, format=data_format(asset, what), name=asset.name))
            if named:
                await asyncio.to_thread(self._offer, own, path_of(asset))
        return files

    def _offer(self, file: PurePosixPath, name: PurePosixPath) -> None:
        """Let the model find an input by its name, unless that could change the model or another file.

        Whoever may start a job may name its inputs: such a name makes no folder, which could be imported, and no code.
        """
        if self._places.holds(name, file):
            return
        if len(name.parts) > 1 or ending(name) not in DATA_FORMATS:
            problem = f"that is not a plain name that ends in one of {', '.join(DATA_FORMATS)}"
        elif not self._places.put(file, name):
            problem = TAKEN
        else:
            return
        self.notes.append(
            f"The input {name} does not lie beside the model under its name: {problem}. The model's function gets it "
            "all the same."
        )

    def add_outputs(self, assets: Iterable[Asset]) -> list[DataFile]:
        """Say where a job's outputs go.

        Raises:
            ModelFailure: a format is unknown, an address can't be written to, or an input or another output lies there.
        """
        folder = self.root / PRIVATE / "outputs"
        self.directory.make(PurePosixPath(PRIVATE, "outputs"))
        files = []
        taken: set[str] = set()
        for index, asset in enumerate(assets):
            file_format = data_format(asset, f"output {asset.name}", "json")
            name = numbered(f"output.{file_format}" if asset.name == UNNAMED else asset.name, taken)
            if asset.address:
                self._files.claim(asset, f"output {name}")
            elif asset.kind not in _FILES:
                kind = f"is of the type {asset.type_name}"
                raise ModelFailure(f"The output {name} {kind}, which a runtime can't write: {INSTEAD}.")
            files.append(DataFile(path=folder / str(index), format=file_format, name=name))
        return files

    async def _add(self, asset: Asset, name: PurePosixPath, kind: str) -> bool:
        """Write an asset's file under its name; False if other content lies there. An asset may also be no file."""
        what = f"asset {asset.name}"
        if COMPILED in same_file(name).split("/"):
            raise ModelFailure(f"The {what} is not laid out: Python would run it instead of the source.")
        fetched = PurePosixPath(PRIVATE, "fetched")
        if not await self._fetch(asset, fetched, what, fixed=kind != "additional"):
            return True
        if kind == "artefacts" and asset.address:
            await asyncio.to_thread(self._check_content, asset, fetched, what)
        if not await asyncio.to_thread(self._places.put, fetched, name, move=True):
            return False
        self._kinds.setdefault(name, "source" if is_source(asset) else kind)
        return True

    def _repeat_in_output_dir(self, trained: list[PurePosixPath]) -> None:
        """Have weights where training wrote them, too; of several for one place, the last asset's."""
        for number, name in enumerate(trained, start=1):
            copy = OUTPUT_DIR / name
            if copy in trained[:number]:
                self._places.replace(name, copy)
            elif copy not in trained and not self._places.repeat(name, copy):
                self.notes.append(f"The weights {name} are not copied to {OUTPUT_DIR}/: {TAKEN}.")

    async def _fetch(self, asset: Asset, name: PurePosixPath, what: str, *, fixed: bool = False) -> bool:
        """Write an asset's file to a name; False if the asset is no file. ``fixed``: see :meth:`Fetching.fetch`."""
        if not asset.ref and not _is_outside(asset):
            return False
        try:
            if asset.ref:
                if sha256 := await self._contents.fetch(asset, self.directory, name, fixed=fixed):
                    self._places.know(name, sha256)
            else:
                await asyncio.to_thread(self._copy, asset, name, what)
        except Refused as refusal:
            raise ModelFailure(f"The content of the {what} can't be had: {refusal}") from None
        except OSError as error:
            if error.errno in FULL:
                raise DiskFull(asset.name, self.root, asset.size) from None
            raise ModelFailure(f"The {what} can't be written: {error.strerror or error}.") from None
        return True

    def _copy(self, asset: Asset, name: PurePosixPath, what: str) -> None:
        with self.directory.create(name) as file:
            self._files.fetch(asset, file, what)

    def _check_content(self, asset: Asset, name: PurePosixPath, what: str) -> None:
        """Make sure that what came from an address is still what the snapshot was made of, if that is known."""
        if asset.sha256 is None or self._places.sha256(name, what) == asset.sha256:
            return
        raise ModelFailure(f"The {what} at its address has other content than the snapshot says: its SHA-256 differs.")


def _is_outside(asset: Asset) -> bool:
    return not asset.ref and asset.kind in _READ and bool(asset.address or asset.repository)


def _same_place(one: Asset, other: Asset) -> bool:
    return (one.address, one.repository, one.query) == (other.address, other.repository, other.query)


def _precedence(asset: Asset) -> int:
    if asset.kind is AssetKind.SOURCE:
        return 0 if asset.primary else 1
    return 2 if asset.role in _KINDS or is_source(asset) else _OTHERS
