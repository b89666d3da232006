"""Files that a centre gives by their SHA-256: read piece by piece, from where it stopped if the connection is lost."""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

import httpx

from mlc.center.modelop.answers import SYSTEM, outage, refusal
from mlc.center.modelop.hal import Hal
from mlc.center.modelop.spool import PIECE
from mlc.model.failure import Refused, Unavailable

CONTENTS = "contents"
"""The collection of files, by their SHA-256."""
PAUSES = (0.5, 1, 2, 4, 8)
"""Seconds before each further attempt when nothing has come since the last one; then it is given up."""
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)


class AnotherFile(Refused):
    """A file is not what the model centre says that it is: its bytes are of another number, or have another hash."""


class Downloads:
    """Reads files of a centre; raises :mod:`mlc.model.failure`'s errors, nothing else."""

    def __init__(self, hal: Hal) -> None:
        self._hal = hal

    async def stream(self, sha256: str, size: int | None, name: str) -> AsyncGenerator[bytes]:
        """The file in pieces of less than a megabyte. The last one is given out when hash and size have proved right.

        Args:
            sha256: in lower-case hexadecimal digits.
            size: bytes, as far as known.
            name: for people.

        Raises:
            AnotherFile: it is another file.
            Refused: the centre doesn't have it, or doesn't give it.
            Unavailable: it could not be read to its end, however often it was gone on with.
        """
        hashed, got, failures = hashlib.sha256(), 0, 0
        held: bytes | None = None
        while True:
            try:
                async with aclosing(self._rest(sha256, got, size, name)) as pieces:
                    async for piece in pieces:
                        await asyncio.to_thread(hashed.update, piece)
                        got, failures = got + len(piece), 0
                        if held is not None:
                            yield held
                        held = piece
                break
            except Unavailable as error:
                if got == size:
                    break
                if failures == len(PAUSES):
                    raise
                asked = error.retry_after.total_seconds() if error.retry_after else 0
                await asyncio.sleep(max(PAUSES[failures], min(asked, PAUSES[-1])))
                failures += 1
        if hashed.hexdigest() != sha256:
            raise AnotherFile(
                SYSTEM,
                f"The file {name!r} came from the {SYSTEM} with the SHA-256 {hashed.hexdigest()}, not {sha256}: "
                "try again, and if this lasts, remove it from where the centre keeps files, and submit the model anew.",
                status=HTTPStatus.OK,
            )
        if held is not None:
            yield held

    async def _rest(self, sha256: str, start: int, size: int | None, name: str) -> AsyncGenerator[bytes]:
        """The pieces from ``start`` to the end. What has come is given out before an error is raised."""
        asked = f"GET {CONTENTS}/{sha256}"
        lost: Exception | None = None
        batch, held = list[bytes](), 0
        headers = {"Accept": "application/octet-stream", "Accept-Encoding": "identity"}
        more = {"Range": f"bytes={start}-"} if start else {}
        try:
            async with self._hal.streamed(f"{CONTENTS}/{sha256}", headers | more) as response:
                position, total = await self._begin(response, asked, start, size, name)
                async for data in response.aiter_raw():
                    part = data[max(start - position, 0) :] if position < start else data
                    position += len(data)
                    if total is not None and position > total:
                        raise _another_size(name, f"more than {total}", total)
                    if not part:
                        continue
                    batch.append(part)
                    held += len(part)
                    if held >= PIECE // 2:
                        yield b"".join(batch)
                        batch, held = [], 0
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            lost = error
        if batch:
            yield b"".join(batch)
        if lost is not None:
            raise outage(lost, asked, self._hal.base, "MLC_CENTER_URL", write=False) from lost
        if total is not None and position < total:
            text = f"{asked} ended after {position} of {total} bytes."
            raise Unavailable(SYSTEM, text)

    async def _begin(
        self, response: httpx.Response, asked: str, start: int, size: int | None, name: str
    ) -> tuple[int, int | None]:
        """Where what comes begins, and how long the file is, as far as known. Raises if there is nothing to read."""
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            told = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if told is None or int(told[1]) != start:
                raise Unavailable(SYSTEM, f"{asked} was answered with another part than was asked for.")
            length = None if told[2] == "*" else int(told[2])
            if size is not None and length not in {None, size}:
                raise _another_size(name, told[2], size)
            return start, size if length is None else length
        if response.is_success:
            length = _length(response)
            if size is not None and length not in {None, size}:
                raise _another_size(name, str(length), size)
            return 0, size if length is None else length
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and size is not None:
            raise _another_size(name, f"no more than {start}", size)
        read = httpx.Response(response.status_code, headers=response.headers, content=await _beginning(response))
        if response.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            text = (
                f"The {SYSTEM} does not have the file {name!r} ({asked}), or does not give it; submit the model again."
            )
            raise Refused(SYSTEM, text, status=response.status_code)
        raise refusal(read, asked, self._hal.base, write=False)


async def _beginning(response: httpx.Response) -> bytes:
    text = bytearray()
    async for chunk in response.aiter_bytes():
        text += chunk
        if len(text) > 10_000:
            break
    return bytes(text)


def _length(response: httpx.Response) -> int | None:
    told = response.headers.get("Content-Length", "")
    return int(told) if told.isascii() and told.isdigit() else None


def _another_size(name: str, told: str, size: int) -> AnotherFile:
    text = f"The file {name!r} has {told} bytes, and {size} by what the {SYSTEM} says of it. Submit the model again."
    return AnotherFile(SYSTEM, text, status=HTTPStatus.OK)
