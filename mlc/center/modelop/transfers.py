"""Requests that move a file's bytes to the centre: where does it stand, and take the next ones."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto
from http import HTTPStatus
from typing import NamedTuple

import httpx

from mlc.center.modelop.answers import SYSTEM, garbled, outage, quoted, refusal
from mlc.center.modelop.sent_file import BLOCK, Sendable
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.token import TokenProvider
from mlc.model import retry_after
from mlc.model.failure import ExternalError, Refused, Unavailable

OFFSET, LENGTH = "Upload-Offset", "Upload-Length"
"""Headers, in bytes: where the centre stands or where what is sent begins, and how long the whole is."""
PIECE_TYPE = "application/offset+octet-stream"
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_SLOWEST = 20_000_000
"""Bytes a second that a centre hashes and stores at least, before it answers for the last piece."""
_LONGEST_ERROR = 64 * 1024
_NO_SUCH_ROUTE = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}


class Stand(Enum):
    """How a file stands at the centre."""

    WHOLE = auto()
    PART = auto()
    ELSEWHERE = auto()
    """Nothing was taken: what was sent does not begin where the centre stands."""
    DAMAGED = auto()
    """All of it was there and was another content: it was dropped."""


class Place(NamedTuple):
    """Where a file stands at the centre; ``offset`` in bytes, None where the centre doesn't say."""

    stand: Stand
    offset: int | None
    busy: bool = False
    """Another request sends this file just now."""


class Transfers:
    """One request each. Raises :mod:`mlc.model.failure`'s errors, nothing else."""

    def __init__(self, settings: CenterSettings, http: httpx.AsyncClient, tokens: TokenProvider) -> None:
        self._base = settings.url.rstrip("/")
        self._timeout = settings.timeout
        self._http = http
        self._tokens = tokens

    async def where(self, file: Sendable, sha256: str) -> Place:
        """How much of a content the centre has."""
        asked, response = await self._ask("HEAD", sha256)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return Place(Stand.PART, self._offset(response, asked, file, missing=0))
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            raise _takes_no_files(asked, response)
        if not response.is_success:
            raise refusal(response, asked, self._base, write=False)
        if response.headers.get("ETag", "").removeprefix("W/").strip('"').lower() != sha256:
            # A login page, say, is there under every address.
            raise garbled(asked, "not with the file of this hash", write=False, status=response.status_code)
        return Place(Stand.WHOLE, file.size)

    async def append(self, file: Sendable, sha256: str, start: int, length: int, told: Callable[[int], None]) -> Place:
        """Send ``length`` bytes from ``start`` on; ``told`` up to where they are sent.

        Raises:
            Refused: the file is too large for the centre, or can't be read any more.
            Unavailable: the connection was lost, in which case a part may have arrived; or there is no room (its
                status is 507 then).
        """

        async def body() -> AsyncIterator[bytes]:
            for at in range(start, start + length, BLOCK):
                yield await asyncio.to_thread(file.read, at, min(BLOCK, start + length - at))
                told(min(at + BLOCK, start + length))

        asked, response = await self._ask(
            "PATCH",
            sha256,
            headers={
                "Content-Type": PIECE_TYPE,
                "Content-Length": str(length),
                OFFSET: str(start),
                LENGTH: str(file.size),
            },
            body=body,
            wait=file.size / _SLOWEST,
        )
        match response.status_code:
            case HTTPStatus.CREATED:
                return Place(Stand.WHOLE, file.size)
            case HTTPStatus.CONFLICT:
                offset = self._offset(response, asked, file, missing=None)
                return Place(Stand.ELSEWHERE, offset, busy=retry_after.NAME in response.headers)
            case HTTPStatus.UNPROCESSABLE_ENTITY:
                return Place(Stand.DAMAGED, None)
        if not response.is_success:
            raise self._not_taken(response, asked, file)
        return Place(Stand.PART, self._offset(response, asked, file, missing=-1))

    def _offset(self, response: httpx.Response, asked: str, file: Sendable, *, missing: int | None) -> int | None:
        """What ``Upload-Offset`` says; ``missing`` if it is not there, which is an error if it is -1."""
        text = response.headers.get(OFFSET)
        if text is None and missing != -1:
            return missing
        if text is None or not _NUMBER.fullmatch(text):
            raise garbled(asked, f"without an {OFFSET} in bytes", write=True, status=response.status_code)
        if int(text) > file.size:
            raise Refused(
                SYSTEM,
                f"{asked}: the {SYSTEM} says that it has {int(text):,} bytes of the file {file.name!r}, which has "
                f"{file.size:,}: have whoever looks after the centre remove what it has of it.",
                status=response.status_code,
            )
        return int(text)

    def _not_taken(self, response: httpx.Response, asked: str, file: Sendable) -> ExternalError:
        what = f"the file {file.name!r} ({file.size:,} bytes)"
        status, said = response.status_code, quoted(response)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            text = (
                f"The {SYSTEM} does not take {what}, since it is too large{said}: make it smaller, keep it at an "
                "address of its own, or raise MLC_CENTER_FILE_LIMIT_MB there."
            )
            return Refused(SYSTEM, text, status=status)
        if status == HTTPStatus.INSUFFICIENT_STORAGE:
            text = f"The {SYSTEM} has no room for {what}{said}: make room where it keeps its files, and send it again."
            return Unavailable(SYSTEM, text, status=status)
        if status in _NO_SUCH_ROUTE:
            return _takes_no_files(asked, response)
        return refusal(response, asked, self._base, write=False)

    async def _ask(
        self,
        method: str,
        sha256: str,
        *,
        headers: dict[str, str] | None = None,
        body: Callable[[], AsyncIterator[bytes]] | None = None,
        wait: float = 0,
    ) -> tuple[str, httpx.Response]:
        """What was asked, for people, and the answer. ``wait``: seconds beyond the usual ones."""
        asked = f"{method} contents/{sha256}"
        token = await self._tokens.get()
        response = await self._once(asked, token, headers or {}, body, wait)
        if response.status_code == HTTPStatus.UNAUTHORIZED and self._tokens.renewable:
            self._tokens.drop(token)
            response = await self._once(asked, await self._tokens.get(), headers or {}, body, wait)
        return asked, response

    async def _once(
        self,
        asked: str,
        token: str | None,
        headers: dict[str, str],
        body: Callable[[], AsyncIterator[bytes]] | None,
        wait: float,
    ) -> httpx.Response:
        method, _, path = asked.partition(" ")
        try:
            async with self._http.stream(
                method,
                f"{self._base}/{path}",
                headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}),
                content=body() if body else None,
                timeout=httpx.Timeout(self._timeout, read=self._timeout + wait),
            ) as response:
                text = bytearray()
                async for chunk in response.aiter_bytes():
                    text += chunk
                    if len(text) >= _LONGEST_ERROR:
                        break
                told = [(name, value) for name, value in response.headers.raw if name.lower() not in _ENCODING]
                return httpx.Response(response.status_code, headers=told, content=bytes(text))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise outage(error, asked, self._base, "MLC_CENTER_URL", write=False) from error


_ENCODING = {b"content-encoding", b"content-length", b"transfer-encoding"}
"""Headers of the body as it was sent, which is not as it was read."""


def _takes_no_files(asked: str, response: httpx.Response) -> Refused:
    text = (
        f"The {SYSTEM} takes no files by themselves ({asked} was answered with {response.status_code}): set "
        "MLC_CENTER_CONTENTS to embedded, or check MLC_CENTER_URL."
    )
    return Refused(SYSTEM, text, status=response.status_code)
