"""Where files lie: in a folder of this machine, or in any store that ``fsspec`` knows."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import fsspec.core
from fsspec import AbstractFileSystem

from mlc.connections import ConnectionSettings
from mlc.data.stores import Store
from mlc.model.connection import StoreConnection
from mlc.model.failure import Refused
from mlc.model.location import BadAddress, Location
from mlc.standalone.center.files.errors import CannotKeep, reached, written

PIECE = 1024 * 1024
"""Bytes of a file that are handed on at once."""
REACHED = 8 * PIECE
"""Bytes that a store elsewhere is asked for at once: each request takes its time."""
_LOCAL = ("file://", "local://")
_WHOLE_OR_NOT_AT_ALL = frozenset({"memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl"})
"""Stores in which an object is there when it has been written whole, and never before."""
_OURS = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{32})?", re.ASCII)
"""A file, or the half of one that a killed centre has left where halves can be seen."""


class Place(Protocol):
    """Files by their SHA-256: 64 lower-case hexadecimal digits. Blocking."""

    def size(self, digest: str) -> int | None:
        """Bytes of a file; None if it isn't there."""
        ...

    def read(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``stop``, at most :data:`PIECE` at once.

        Raises:
            FileNotFoundError: at the first piece: it isn't there.
        """
        ...

    def put(self, draft: Path, digest: str) -> None:
        """Take a file of this machine, which has been written to disk, whole or not at all.

        It may be gone from where it was.

        Raises:
            NoRoom, CannotKeep: as their names say.
        """
        ...

    def remove(self, digest: str) -> None: ...

    def known(self, before: datetime) -> Iterator[str]:
        """The files that were put there before then, and what was left of some; nothing that isn't the centre's."""
        ...


def place_at(address: str) -> Place:
    """The place of an address: a path, ``s3+NAME://bucket/prefix`` by a named connection, or a URL of ``fsspec``'s.

    Raises:
        CannotKeep: there is no such connection, or no such kind of store.
    """
    for scheme in _LOCAL:
        address = address.removeprefix(scheme)
    if "://" not in address:
        return Folder(Path(address))
    kind, plus, name = address.partition("://")[0].partition("+")
    return RemotePlace(*(_connected(kind, name, address) if plus else _known(address)))


def _connected(kind: str, name: str, address: str) -> tuple[AbstractFileSystem, str]:
    """The store of a named connection, and the place in it."""
    connection = ConnectionSettings().by_name().get(name)
    if connection is None or connection.kind != kind or not isinstance(connection, StoreConnection):
        raise CannotKeep(
            f"MLC_CENTER_FILES names the connection {name!r} to a store of the kind {kind!r}, and MLC_CONNECTIONS has "
            "none of that name and kind: add it there."
        )
    try:
        location = Location.parse(address)
        assert location is not None
        return Store(name, connection).files, location.path
    except BadAddress as error:
        raise CannotKeep(f"MLC_CENTER_FILES: {error}.") from None
    except Refused as error:
        raise CannotKeep(f"MLC_CENTER_FILES: {error}") from None


def _known(address: str) -> tuple[AbstractFileSystem, str]:
    try:
        found: tuple[AbstractFileSystem, str] = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        scheme = address.partition("://")[0]
        raise CannotKeep(
            f"MLC_CENTER_FILES: a store of the kind {scheme!r} can't be used here ({type(error).__name__}). Write "
            "s3+NAME://bucket/prefix for a connection of MLC_CONNECTIONS, or what fsspec has installed."
        ) from None
    return found


class Folder:
    """A folder of this machine, for our account alone."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        make(self._root)

    def size(self, digest: str) -> int | None:
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        descriptor = os.open(self._path(digest), os.O_RDONLY)
        try:
            while start < stop and (data := os.pread(descriptor, min(PIECE, stop - start), start)):
                start += len(data)
                yield data
        finally:
            os.close(descriptor)

    def put(self, draft: Path, digest: str) -> None:
        with written():
            path = self._path(digest)
            if not path.parent.exists():
                make(path.parent)
                _sync(self._root)
            draft.replace(path)
            _sync(path.parent)

    def remove(self, digest: str) -> None:
        self._path(digest).unlink(missing_ok=True)

    def known(self, before: datetime) -> Iterator[str]:
        for path in sorted(self._root.glob("[0-9a-f][0-9a-f]/*")):
            with suppress(FileNotFoundError):
                if _OURS.fullmatch(path.name) and path.stat().st_mtime < before.timestamp():
                    yield path.name

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest


class RemotePlace:
    """A store elsewhere. What opens it is its connection's, or found as its library finds it; never in the address."""

    def __init__(self, store: AbstractFileSystem, root: str) -> None:
        self._store = store
        self._root = root.rstrip("/")
        protocols = self._store.protocol
        names = {protocols} if isinstance(protocols, str) else set(protocols)
        self._is_whole = bool(names & _WHOLE_OR_NOT_AT_ALL)

    def size(self, digest: str) -> int | None:
        try:
            with reached():
                self._store.invalidate_cache(self._path(digest))
                return int(self._store.info(self._path(digest))["size"])
        except FileNotFoundError:
            return None

    def read(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        with reached():
            file = self._store.open(self._path(digest), "rb", block_size=REACHED, cache_type="none")
        with file:
            file.seek(start)
            while start < stop:
                with reached():
                    data = file.read(min(REACHED, stop - start))
                if not data:
                    return
                start += len(data)
                yield from (data[at : at + PIECE] for at in range(0, len(data), PIECE))

    def put(self, draft: Path, digest: str) -> None:
        path = self._path(digest)
        with reached():
            if self._is_whole:
                self._store.put_file(str(draft), path)
            else:
                part = f"{path}.{uuid4().hex}"
                try:
                    self._store.put_file(str(draft), part)
                    self._store.mv(part, path)
                except BaseException:
                    with suppress(Exception):
                        self._store.rm_file(part)
                    raise

    def remove(self, digest: str) -> None:
        with suppress(FileNotFoundError), reached():
            self._store.rm_file(self._path(digest))

    def known(self, before: datetime) -> Iterator[str]:
        self._store.invalidate_cache()
        with reached():
            found = self._store.find(self._root)
        for path in found:
            name = str(path).rpartition("/")[2]
            if not _OURS.fullmatch(name) or not str(path).endswith(f"/{name[:2]}/{name}"):
                continue
            with suppress(FileNotFoundError):
                with reached():
                    changed: Any = self._store.modified(path)
                moment = changed if changed.tzinfo else changed.replace(tzinfo=UTC)
                if moment < before:
                    yield name

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest}"


def make(folder: Path) -> None:
    """A folder for our account alone, if it isn't there.

    Raises:
        NoRoom, CannotKeep: as their names say.
    """
    with written():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
