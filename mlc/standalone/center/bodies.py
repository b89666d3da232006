"""Bodies of requests: read with a limit, as JSON that every database can keep."""

import asyncio
import json
from typing import Any

from fastapi import HTTPException, Request

from mlc.standalone.center.rules import BadRequest

JsonObject = dict[str, Any]
_QUICKLY_PARSED = 64 * 1024
"""Bytes of a body that are parsed sooner than a thread has been asked to."""


async def json_object(request: Request, limit: int, remedy: str) -> JsonObject:
    """The JSON object that a request brings.

    Args:
        limit: bytes that it may have.
        remedy: what to do about a longer one, as the end of a sentence.

    Raises:
        HTTPException: 413: it is longer.
        BadRequest: it is none.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise HTTPException(413, f"The body is larger than {limit} bytes; {remedy}.")
    return _parse(raw) if len(raw) <= _QUICKLY_PARSED else await asyncio.to_thread(_parse, raw)


def _parse(raw: bytearray) -> JsonObject:
    def refuse(constant: str) -> None:
        raise BadRequest(f"{constant} is not JSON; send null, or leave it out.")

    try:
        document = json.loads(raw, parse_constant=refuse)
        if b"\\ud" in raw or b"\\uD" in raw:  # half of a surrogate pair can be neither hashed nor shown
            json.dumps(document, ensure_ascii=False).encode()
    except BadRequest:
        raise
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body can't be read as JSON; check its encoding and its end.") from error
    if not isinstance(document, dict):
        raise BadRequest("The body is not a JSON object; send one entity, or the fields to change.")
    return document
