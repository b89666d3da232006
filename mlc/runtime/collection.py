"""Collecting what a model left: looked at whole, then copied out of its reach and hashed, then stored."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mlc.center import NewFile
from mlc.model.asset import Asset
from mlc.runtime.external import MEGABYTE, ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import shown
from mlc.runtime.removal import remove
from mlc.runtime.transfer import CHUNK
from mlc.runtime.working_directory import WorkingDirectory


@dataclass(frozen=True)
class Made:
    """Something that a model has made: what the centre is told of it, where it lies, and what people call it.

    ``embedded`` goes into the centre; what has an address goes there. ``names`` is how many the file may have.
    """

    asset: Asset
    file: PurePosixPath
    name: str
    embedded: bool
    names: int = 1

    @property
    def what(self) -> str:
        return f"output {shown(self.name)}"


@dataclass
class Collected:
    """What was collected: outputs for the centre, and hexadecimal SHA-256 by name."""

    outputs: list[NewFile | Asset]
    sha256: dict[str, str]


class Collection:
    """Collects the outputs of one job, after its model's processes are gone. Blocking: to be called from a thread.

    Args:
        directory: where the model left them.
        copies: a folder of the runtime's own, for what goes into the centre; made afresh.
        size: bytes that may go into the centre.
        limit: seconds for looking, hashing and copying. Transfers to addresses have a limit of their own.
    """

    def __init__(
        self, directory: WorkingDirectory, copies: Path, files: ExternalFiles, *, size: int, limit: float
    ) -> None:
        self._directory = directory
        self._copies = copies
        self._files = files
        self._size = size
        self._limit = limit
        self._ends = time.monotonic() + limit
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End whatever is under way in another thread: it fails soon."""
        self._stopped.set()

    def check(self) -> None:
        """Make sure that there is time left.

        Raises:
            ModelFailure: there is none, or the job was stopped.
        """
        if self._stopped.is_set():
            raise ModelFailure("The job was stopped while its outputs were collected.")
        if time.monotonic() > self._ends:
            raise ModelFailure(
                f"Collecting what the model left took longer than {self._limit:g} seconds: let it leave less, or "
                "raise MLC_RUNTIME_COLLECT_TIME_LIMIT."
            )

    def take(self, made: Sequence[Made]) -> Collected:
        """Take outputs, all or none of them: nothing is stored anywhere before all have been hashed.

        Raises:
            ModelFailure: one is no regular file of its own, too large, or can't be stored at its address; or the time
                is over.
        """
        try:
            return self._take(made)
        except (ModelFailure, OSError):
            remove(self._copies)
            raise

    def _take(self, made: Sequence[Made]) -> Collected:
        self.check_sizes(made)
        if any(output.embedded for output in made):
            remove(self._copies)
            self._copies.mkdir(mode=0o700, parents=True)
        taken = [self._hashed(output, self._copies / str(number)) for number, output in enumerate(made)]
        for output, described in zip(made, taken, strict=True):
            if output.asset.address:
                with self._opened(output) as source:
                    self._files.store(source, described, output.what)
        outputs: list[NewFile | Asset] = [
            NewFile(described, self._copies / str(number)) if output.embedded else described
            for number, (output, described) in enumerate(zip(made, taken, strict=True))
        ]
        return Collected(outputs, {output.name: asset.sha256 or "" for output, asset in zip(made, taken, strict=True)})

    def check_sizes(self, made: Sequence[Made]) -> None:
        """Before anything is read: a file may say that it has a terabyte, and hold nothing.

        Raises:
            ModelFailure: as :meth:`take`.
        """
        embedded = 0
        for output in made:
            self.check()
            with self._opened(output) as file:
                size = file.seek(0, os.SEEK_END)
            embedded += size if output.embedded else 0
            if output.asset.address:
                self._files.check_size(size, output.what)
        if embedded > self._size:
            raise ModelFailure(
                f"The job's outputs have {embedded:,} bytes, more than the {self._size // MEGABYTE} MB that go into "
                "the model centre: give them file: or http(s): addresses, or raise MLC_RUNTIME_OUTPUT_LIMIT_MB."
            )

    def _hashed(self, output: Made, copy: Path) -> Asset:
        """The asset with its size and hash, which are those of the copy if there is one: read once, and never again."""
        digest = hashlib.sha256()
        with self._opened(output) as file, (copy if output.embedded else Path(os.devnull)).open("wb") as target:
            told = file.seek(0, os.SEEK_END)
            file.seek(0)
            for piece in self._pieces(file, told, output.what):
                digest.update(piece)
                target.write(piece)
            size = file.tell()
        return output.asset.model_copy(update={"size": size, "sha256": digest.hexdigest()})

    def _pieces(self, file: IO[bytes], size: int, what: str) -> Iterator[bytes]:
        read = 0
        while piece := file.read(CHUNK):
            self.check()
            read += len(piece)
            if read > size:
                raise ModelFailure(f"The {what} grew while it was collected: end whatever writes it.")
            yield piece

    def _opened(self, output: Made) -> IO[bytes]:
        return self._directory.open(output.file, output.what, names=output.names)
