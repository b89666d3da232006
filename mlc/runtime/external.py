"""External files: read from and written to the addresses that the settings allow, and no others."""

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

import httpx

from mlc.data.local import make, opened, shared
from mlc.data.matching import BadData
from mlc.data.objects import Patience
from mlc.data.parts import FileParts, PartsLost, PartsWriter
from mlc.model.asset import Asset
from mlc.model.failure import ExternalError
from mlc.model.file import is_several
from mlc.model.hosts import Hosts
from mlc.model.location import BadAddress, Location
from mlc.runtime.connected import Connected
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.overwriting import Occupied, Place, of_address, of_file
from mlc.runtime.pieces import chunks, parts, verified
from mlc.runtime.transfer import PAUSES, NotTransferred, client, download, patiently, upload
from mlc.settings import FileSettings

MEGABYTE = 1024**2
STOPPED = "The job was stopped while its files were copied."
INSTEAD = "embed it, or give it a file:, http: or https: address, or that of a connection (s3+NAME:, sql+NAME:)"


class ExternalFiles:
    """Reads and writes files outside the model centre for one job. Blocking: to be called from a thread.

    No credentials are sent, no proxy's variables read and no redirects followed: what was allowed is what is asked. A
    name is looked up once for a connection, and leads to no address that is neither public nor listed.
    """

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings
        self._rules = settings.rules
        self._stopped = threading.Event()
        self._what, self._ends = "file", time.monotonic() + settings.time_limit
        self._connected = Connected(
            self._rules,
            settings.timeout,
            lambda: Patience(PAUSES, self._stopped.wait),
            largest=settings.limit_mb * MEGABYTE,
            size=lambda size: self.check_size(size, self._what),
            going=lambda: self._check_time(self._ends, self._what),
            read=lambda places: self._occupied.read(places, self._what),
        )
        self._occupied = Occupied()

    def stop(self) -> None:
        """End whatever is under way in another thread: it fails soon."""
        self._stopped.set()

    def check(self, asset: Asset, what: str, *, write: bool = False) -> None:
        """Make sure that an asset's address may be read, or written.

        Raises:
            ModelFailure: it may not.
        """
        with _said(what, write=write):
            url = self._connected.named(asset).address or ""
        if problem := self._rules.problem(url, write=write):
            raise ModelFailure(f"The {what}: {problem}")

    def fetch(self, asset: Asset, target: IO[bytes], what: str) -> None:
        """Copy what is at an asset's address to ``target``, an empty file that is open for writing.

        Rows of a database, and several files, are one file of Parquet there.

        Raises:
            ModelFailure: it may not, or can't, be read, or is larger than the settings allow.
        """
        self.check(asset, what)
        asset = self._connected.named(asset)
        url = asset.address or ""
        location = Location.parse(url)
        self._what, self._ends = what, time.monotonic() + self._settings.time_limit
        if location is not None and location.kind == "http":
            self._occupied.read(self._connected.places(location), what)
            self._patiently(lambda: self._download(*self._connected.host(location), target, what), what)
        elif location is not None:
            rows, fetch = self._connected.rows, self._connected.fetch
            with _said(what):
                self._copy(rows(asset, location) if location.kind == "sql" else fetch(location), target, what)
        elif (path := self._rules.path(url)) is None:
            self._occupied.read(of_address(url), what)
            self._patiently(lambda: self._download(url, self._client(write=False), target, what), what)
        elif is_several(url):
            with _said(what):
                self._copy(self._connected.folder(url), target, what)
        else:
            self._occupied.read(of_file(path), what)
            with _opened(path, what) as source:
                self._copy(chunks(source), target, what)

    def claim(self, asset: Asset, what: str) -> None:
        """Make sure that an output may be written, and that it takes the place of nothing that was fetched, nor of
        another output.

        Raises:
            ModelFailure: it may not, or would.
        """
        self.check(asset, what, write=True)
        with _said(what, write=True):
            self._occupied.write(self._places(asset, write=True), what)

    def spare(self, asset: Asset, what: str) -> None:
        """Let no output take the place of one file that is not fetched, as far as it can be told where that lies."""
        with suppress(ModelFailure, BadData, BadAddress, ValueError):
            self._occupied.read(self._places(asset, write=False), what)

    def try_out(self, asset: Asset, what: str) -> None:
        """Make sure that an output can be written: one is begun at its address and removed, which nobody sees.

        Of a plain host that can't be told.

        Raises:
            ModelFailure: it may not, or can't, be written there.
        """
        if (writer := self.parts(asset, what)) is None:
            return
        patience = Patience(PAUSES, self._stopped.wait)
        with _said(what, write=True):
            state = patience.tried(writer.begin)
            try:
                patience.tried(lambda: writer.put(state, 1, b""))
            finally:
                with suppress(ExternalError, PartsLost, OSError):
                    writer.abort(state)

    def store(self, source: IO[bytes], asset: Asset, what: str) -> None:
        """Write an open file to an asset's address: whole, or not at all but where that is a plain host's.

        Raises:
            ModelFailure: it may not, or can't, be written there; or it is not what the asset's SHA-256 says.
        """
        self.check(asset, what, write=True)
        asset = self._connected.named(asset)
        url = asset.address or ""
        location = Location.parse(url)
        if location is not None and location.kind == "http":
            self._patiently(lambda: self._upload(source, asset, *self._connected.host(location), what), what)
        elif location is not None:
            self._send(source, asset, what)
        elif (path := self._rules.path(url, write=True)) is not None:
            self._replace(source, asset, path, what)
        else:
            self._patiently(lambda: self._upload(source, asset, url, self._client(write=True), what), what)

    def parts(self, asset: Asset, what: str) -> PartsWriter | None:
        """What writes an output to its address in parts; None where that can't be done (a plain host's).

        Raises:
            ModelFailure: nothing may be written there.
        """
        self.check(asset, what, write=True)
        url = self._connected.named(asset).address or ""
        location = Location.parse(url)
        if location is not None:
            if location.kind == "http":
                return None
            with _said(what, write=True):
                return self._connected.writer(location)
        path = self._rules.path(url, write=True)
        return FileParts(path, url) if path is not None else None

    def sha256_of_written(self, asset: Asset, what: str) -> str:
        """Hexadecimal SHA-256 of what was written to an asset's address, read there.

        Raises:
            ModelFailure: it can't be read.
        """
        self.check(asset, what, write=True)
        url = self._connected.named(asset).address or ""
        location = Location.parse(url)
        path = self._rules.path(url, write=True) if location is None else None
        digest = hashlib.sha256()
        with _said(what), _opened(path, what) if path else nullcontext() as file:
            for piece in chunks(file) if file else self._connected.fetch(location):  # type: ignore[arg-type]
                digest.update(piece)
        return digest.hexdigest()

    def check_size(self, size: int, what: str) -> None:
        """Make sure that a file of so many bytes may be transferred.

        Raises:
            ModelFailure: it may not; or the job was stopped.
        """
        if self._stopped.is_set():
            raise ModelFailure(STOPPED)
        if size > self._settings.limit_mb * MEGABYTE:
            raise ModelFailure(
                f"The {what} is larger than {self._settings.limit_mb} MB: split it, or raise MLC_FILE_LIMIT_MB."
            )

    def _places(self, asset: Asset, *, write: bool) -> list[Place]:
        url = self._connected.named(asset).address or ""
        if (location := Location.parse(url)) is not None:
            return self._connected.places(location)
        path = self._rules.path(url, write=write)
        return of_file(path) if path is not None else of_address(url)

    def _replace(self, source: IO[bytes], asset: Asset, path: Path, what: str) -> None:
        partial = path.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            make(path.parent)
            try:
                with partial.open("xb") as copy:
                    os.fchmod(copy.fileno(), shared(path.parent))
                    self._copy(verified(source, asset, what), copy, what)
                    os.fsync(copy.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise ModelFailure(f"The {what} can't be written: {error.strerror}.") from None

    def _send(self, source: IO[bytes], asset: Asset, what: str) -> None:
        """Send a file to a store in parts. If that fails nothing of it is left there, if the store can be told."""
        ends = time.monotonic() + self._settings.time_limit
        patience = Patience(PAUSES, self._stopped.wait)
        with _said(what, write=True):
            writer = self.parts(asset, what)
            assert writer is not None
            state = patience.tried(writer.begin)
            try:
                for number, part in enumerate(parts(verified(source, asset, what)), start=1):
                    self._check_time(ends, what)
                    state = patience.tried(lambda state=state, n=number, part=part: writer.put(state, n, part))  # type: ignore[misc]
                patience.tried(lambda: writer.complete(state))
            except BaseException:
                with suppress(ExternalError, PartsLost):
                    writer.abort(state)
                raise

    def _copy(self, chunks: Iterator[bytes], target: IO[bytes], what: str) -> None:
        ends = time.monotonic() + self._settings.time_limit
        size = 0
        for chunk in chunks:
            size += len(chunk)
            self.check_size(size, what)
            self._check_time(ends, what)
            target.write(chunk)

    def _check_time(self, ends: float, what: str) -> None:
        if self._stopped.is_set():
            raise ModelFailure(STOPPED)
        if time.monotonic() > ends:
            raise ModelFailure(
                f"The {what} took longer than {self._settings.time_limit:g} seconds: raise MLC_FILE_TIME_LIMIT."
            )

    def _download(self, url: str, asking: httpx.Client, target: IO[bytes], what: str) -> None:
        def copy(size: int, chunks: Iterator[bytes]) -> None:
            self.check_size(size, what)
            target.seek(0)
            target.truncate()  # what an earlier try got
            self._copy(chunks, target, what)

        download(asking, url, copy)

    def _upload(self, source: IO[bytes], asset: Asset, url: str, asking: httpx.Client, what: str) -> None:
        ends = time.monotonic() + self._settings.time_limit

        def chunks() -> Iterator[bytes]:
            for chunk in verified(source, asset, what):
                self._check_time(ends, what)
                yield chunk

        upload(asking, url, chunks(), asset.size or 0)

    def _client(self, *, write: bool) -> httpx.Client:
        return client(Hosts(self._rules.allowed_hosts(write=write)), self._settings.timeout)

    def _patiently(self, transfer: Callable[[], None], what: str) -> None:
        try:
            if not patiently(transfer, PAUSES, self._stopped.wait):
                raise ModelFailure(STOPPED)
        except NotTransferred as error:
            raise ModelFailure(f"The {what} can't be transferred: {error}.") from None


@contextmanager
def _said(what: str, *, write: bool = False) -> Iterator[None]:
    """Turn what a store, a database or a format says into a model's failure."""
    done = "written" if write else "read"
    try:
        yield
    except ExternalError as error:
        raise ModelFailure(f"The {what} can't be {done}: {error}") from None
    except (BadData, PartsLost) as error:
        raise ModelFailure(f"The {what} can't be {done}: {str(error).removesuffix('.')}.") from None
    except ModuleNotFoundError as error:
        raise ModelFailure(
            f"The {what} can't be {done}: {error.name} is not installed; pip install 'mlc-temporal[standalone]'."
        ) from None
    except OSError as error:
        raise ModelFailure(f"The {what} can't be {done}: {error.strerror or type(error).__name__}.") from None


def _opened(path: Path, what: str) -> IO[bytes]:
    try:
        return opened(path)
    except OSError as error:
        raise ModelFailure(f"The {what} can't be read: {error.strerror or error}.") from None
