"""Files by their SHA-256, over HTTP: asked for, read in parts, and sent in parts."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from mlc.model import retry_after
from mlc.standalone.center.files.answering import answer
from mlc.standalone.center.files.errors import Misplaced
from mlc.standalone.center.files.receiving import SILENCE, Part, Receiving
from mlc.standalone.center.files.store import FileStore
from mlc.standalone.center.rules import BadRequest

CONTENTS = "/contents/{sha256}"
OFFSET, LENGTH = "Upload-Offset", "Upload-Length"
TYPE = "application/offset+octet-stream"
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_NONE = "There is no such file; files are named by the SHA-256 of what they contain, in lower case."


class Visitor(NamedTuple):
    """Who asks for files, or sends them.

    ``readers`` tell which files it may read and refer to (``FileUse.reader``), ``name`` among them; None: all of them.
    """

    name: str = ""
    readers: frozenset[str] | None = None


Asking = Callable[[Request], Awaitable[Visitor]]


def router(prefix: str, files: FileStore, limit: int, visitor: Asking) -> APIRouter:
    """The routes; who may use them at all is for :mod:`mlc.standalone.access.routes` to say.

    Args:
        prefix: of their addresses.
        files: where they are.
        limit: bytes of the largest file that may be sent.
        visitor: says who asks.
    """
    api = APIRouter(prefix=prefix)
    receiving = Receiving(files, limit)

    async def size(who: Visitor, digest: str, *, to_refer: bool = False) -> int | None:
        """Of a file that they may read; to a runtime others' files are as if they were not there.

        ``to_refer``: they ask so as not to send it.
        """
        if not _DIGEST.fullmatch(digest):
            raise HTTPException(404, _NONE)
        if who.readers is not None and not await asyncio.to_thread(files.is_readable, digest, who.readers):
            return None
        return await asyncio.to_thread(files.wanted if to_refer else files.size, digest)

    @api.api_route(CONTENTS, methods=["GET", "HEAD"])
    async def get(request: Request, sha256: str) -> Response:
        who = await visitor(request)
        if (length := await size(who, sha256, to_refer=request.method == "HEAD")) is not None:
            return await answer(request, files, sha256, length)
        begun = await asyncio.to_thread(files.unfinished.size, sha256, who.name)
        raise HTTPException(404, _NONE, None if begun is None else {OFFSET: str(begun)})

    @api.patch(CONTENTS)
    async def send(request: Request, sha256: str) -> Response:
        who = await visitor(request)
        if (stored := await size(who, sha256, to_refer=True)) is not None:
            return _stored(sha256, stored)
        part = _part(request, sha256)
        try:
            # Whoever may not read a file that is there sends it all the same, and so shows that it has it.
            there = await receiving.part(part, request.stream(), sender=who.name)
        except Misplaced as error:
            again = retry_after.encode(timedelta(seconds=1)) if error.busy else {}
            return JSONResponse({"message": str(error)}, 409, {OFFSET: str(error.offset)} | again)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        except TimeoutError:
            raise HTTPException(408, f"Nothing came for {SILENCE} seconds; go on from where it stopped.") from None
        return _stored(sha256, there) if there == part.total else Response(None, 204, {OFFSET: str(there)})

    return api


def _stored(digest: str, size: int) -> Response:
    return Response(None, 201, {OFFSET: str(size), "ETag": f'"{digest}"'})


def _part(request: Request, digest: str) -> Part:
    """What a request says of the part that it sends.

    Raises:
        BadRequest: it makes no sense.
        HTTPException: 415: it is none.
    """
    headers = request.headers
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != TYPE:
        raise HTTPException(415, f"Content-Type: send the next bytes of the file as {TYPE}.")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Content-Encoding: send the bytes of the file as they are.")
    offset, total = _number(request, OFFSET), _number(request, LENGTH)
    told = headers.get("Content-Length", "")
    if offset > total or (_NUMBER.fullmatch(told) and offset + int(told) > total):
        raise BadRequest(f"{OFFSET}: the part would end after the file does, which has {total} bytes ({LENGTH}).")
    return Part(digest, offset, total)


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f"{header}: send a number of bytes.")
    return int(text)
