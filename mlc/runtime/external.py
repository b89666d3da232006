"""External files: read from and written to the addresses that the settings allow, and no others."""

import hashlib
import os
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import httpx

from mlc.center.certificates import certificates
from mlc.model.asset import Asset
from mlc.model.hosts import Hosts
from mlc.runtime.connecting import AddressRefused, CheckedTransport
from mlc.runtime.harness.functions import ModelFailure
from mlc.settings import FileSettings

CHUNK = 1024**2
MEGABYTE = 1024**2
PAUSES = (1.0, 5.0)
"""Seconds before another try, if a host can't be reached or is busy."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
STOPPED = "The job was stopped while its files were copied."
INSTEAD = "embed it, or give it a file:, http: or https: address"


class _Busy(AddressRefused):
    """A host that may answer otherwise later."""


class ExternalFiles:
    """Reads and writes files outside the model centre for one job. Blocking: to be called from a thread.

    No credentials are sent, no proxy's variables read and no redirects followed: what was allowed is what is asked. A
    name is looked up once for a connection, and leads to no address that is neither public nor listed.
    """

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings
        self._rules = settings.rules
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End whatever is under way in another thread: it fails soon."""
        self._stopped.set()

    def check(self, asset: Asset, what: str) -> None:
        """Make sure that an asset's address may be used.

        Raises:
            ModelFailure: it may not.
        """
        if problem := self._rules.problem(asset.address or ""):
            raise ModelFailure(f"The {what}: {problem}")

    def fetch(self, asset: Asset, target: IO[bytes], what: str) -> None:
        """Copy the file at an asset's address to ``target``, an empty file that is open for writing.

        Raises:
            ModelFailure: it may not, or can't, be read, or is larger than the settings allow.
        """
        self.check(asset, what)
        url = asset.address or ""
        if (path := self._rules.path(url)) is not None:
            with _opened(path, what) as source:
                self._copy(_chunks(source), target, what)
        else:
            self._patiently(lambda: self._download(url, target, what), what)

    def store(self, source: IO[bytes], asset: Asset, what: str) -> None:
        """Write an open file to an asset's address: whole, or not at all where that is a ``file:`` address.

        Raises:
            ModelFailure: it may not, or can't, be written there; or it is not what the asset's SHA-256 says.
        """
        self.check(asset, what)
        url = asset.address or ""
        if (path := self._rules.path(url)) is not None:
            self._replace(source, asset, path, what)
        else:
            self._patiently(lambda: self._upload(source, asset, what), what)

    def check_size(self, size: int, what: str) -> None:
        """Make sure that a file of so many bytes may be transferred.

        Raises:
            ModelFailure: it may not.
        """
        if size > self._settings.limit_mb * MEGABYTE:
            raise ModelFailure(
                f"The {what} is larger than {self._settings.limit_mb} MB: split it, or raise MLC_FILE_LIMIT_MB."
            )

    def _replace(self, source: IO[bytes], asset: Asset, path: Path, what: str) -> None:
        partial = path.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            _make(path.parent)
            # Not as the umask says, which is for our own files: whoever may look into the folder may read this.
            shared = path.parent.stat().st_mode & 0o664 | 0o600
            try:
                with partial.open("xb") as copy:
                    os.fchmod(copy.fileno(), shared)
                    self._copy(_verified(source, asset, what), copy, what)
                    os.fsync(copy.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise ModelFailure(f"The {what} can't be written: {error.strerror}.") from None

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

    def _download(self, url: str, target: IO[bytes], what: str) -> None:
        with self._client() as client, client.stream("GET", url) as response:
            _check_answer(response)
            self.check_size(int(response.headers.get("Content-Length", "0")), what)
            target.seek(0)
            target.truncate()  # what an earlier try got
            self._copy(response.iter_bytes(CHUNK), target, what)

    def _upload(self, source: IO[bytes], asset: Asset, what: str) -> None:
        ends = time.monotonic() + self._settings.time_limit

        def chunks() -> Iterator[bytes]:
            for chunk in _verified(source, asset, what):
                self._check_time(ends, what)
                yield chunk

        # With its length, since stores such as S3's refuse a body that is sent in chunks.
        headers = {"Content-Length": str(asset.size or 0), "Content-Type": "application/octet-stream"}
        with self._client() as client:
            _check_answer(client.put(asset.address or "", content=chunks(), headers=headers))

    def _client(self) -> httpx.Client:
        transport = CheckedTransport(Hosts(self._rules.hosts), certificates())
        return httpx.Client(timeout=self._settings.timeout, trust_env=False, transport=transport)

    def _patiently(self, transfer: Callable[[], None], what: str) -> None:
        for pause in (*PAUSES, None):
            try:
                return transfer()
            except (httpx.HTTPError, httpx.InvalidURL, OSError, AddressRefused) as error:
                # Neither httpx's texts nor ours name the address.
                if pause is None or not isinstance(error, httpx.TransportError | _Busy):
                    raise ModelFailure(f"The {what} can't be transferred: {_reason(error)}.") from None
            if self._stopped.wait(pause):
                raise ModelFailure(STOPPED)
        return None


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: source.read(CHUNK), b"")


def _verified(source: IO[bytes], asset: Asset, what: str) -> Iterator[bytes]:
    """A file from its beginning; its last piece only if the whole is what the asset's size and SHA-256 say."""
    source.seek(0)
    digest = hashlib.sha256()
    held = b""
    for chunk in _chunks(source):
        digest.update(chunk)
        if held:
            yield held
        held = chunk
    if digest.hexdigest() != asset.sha256:
        raise ModelFailure(f"The {what} changed while it was copied: end whatever writes it.")
    if held:
        yield held


def _check_answer(response: httpx.Response) -> None:
    if response.is_redirect:
        raise AddressRefused("its host sends callers on to another address, which is not followed: give that address")
    if response.status_code in BUSY:
        raise _Busy(f"its host answered {response.status_code}")
    if not response.is_success:
        raise AddressRefused(f"its host answered {response.status_code}")


def _reason(error: Exception) -> str:
    if isinstance(error, AddressRefused):
        return str(error)
    return f"{type(error).__name__} ({error})" if str(error) else type(error).__name__


def _make(folder: Path) -> None:
    """Make a folder, and those that it is in, for whoever may look into the one that was there."""
    if folder.is_dir():
        return
    _make(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode) & 0o2775 | 0o700)


def _opened(path: Path, what: str) -> IO[bytes]:
    """A regular file, opened: never a link that came in between, nor a pipe that one would wait for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ModelFailure(f"The {what} can't be read: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelFailure(f"The {what} can't be read: it is no file.")
    return os.fdopen(descriptor, "rb")
