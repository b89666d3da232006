"""Answers with a file, or the part of it that is asked for, a piece at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import quote

from fastapi import HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from mlc.standalone.center.files.ranges import Part, Unsatisfiable, part_of
from mlc.standalone.center.files.store import FileStore

HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
"""Whatever a file says that it is, no browser is to believe it."""


async def answer(
    request: Request, files: FileStore, digest: str, size: int, more: Mapping[str, str] | None = None
) -> Response:
    """The answer to a GET or HEAD of a file that is there."""
    etag = f'"{digest}"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag, **HEADERS, **(more or {})}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(None, 304, headers)
    part, status = Part(0, size), 200
    if request.method == "GET" and request.headers.get("If-Range", etag) == etag:
        try:
            asked = part_of(request.headers.get("Range"), size)
        except Unsatisfiable:
            sentence = f"The file has {size} bytes, and no such part."
            raise HTTPException(416, sentence, {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}) from None
        if asked is not None:
            part, status = asked, 206
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    headers["Content-Length"] = str(part.stop - part.start)
    if request.method == "HEAD":
        return Response(None, status, headers, media_type="application/octet-stream")
    pieces = files.read(digest, *part)
    try:
        first = await asyncio.to_thread(next, pieces, b"")
    except FileNotFoundError:
        raise HTTPException(404, "The file has been removed.") from None
    return StreamingResponse(_pieces(first, pieces), status, headers, media_type="application/octet-stream")


async def _pieces(first: bytes, others: Iterator[bytes]) -> AsyncIterator[bytes]:
    piece: bytes | None = first
    try:
        while piece is not None:
            yield piece
            piece = await asyncio.to_thread(next, others, None)
    finally:
        close = getattr(others, "close", None)
        if close:
            await asyncio.shield(asyncio.to_thread(close))


def attachment(name: str) -> dict[str, str]:
    """The headers by which a browser saves what it gets under this name, and doesn't show it (RFC 6266)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-._ ") else "_" for c in name)[:200] or "file"
    whole = quote(name[:200], safe="", errors="replace")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}"}
