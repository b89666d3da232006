"""Asks standalone mode's centre for the files that nothing refers to any more, and has them removed."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx

from mlc.center.certificates import certificates
from mlc.model.failure import ExternalError, Refused, Unavailable

UNUSED = "/api/unused-files"
USUAL_DAYS = 7
LEAST_DAYS = 1
"""Longer than anybody takes from sending a file, or hearing that it is there, to referring to it."""
SYSTEM = "model centre"
_MODEL_MANAGE = "/model-manage/api"
_TIMEOUT = httpx.Timeout(30, read=600)
"""Seconds. Of many files in use nothing is heard for long."""
_LONGEST = 300


class Leaving(NamedTuple):
    """A file that nothing refers to; ``size`` in bytes."""

    sha256: str
    size: int


async def leavings(url: str, token: str, days: int, *, remove: bool) -> AsyncIterator[Leaving]:
    """The files that nothing has referred to for so many days, as they are found, or removed.

    Args:
        url: of the centre: its own address, or model-manage's at it (MLC_CENTER_URL).
        token: the centre's own.

    Raises:
        Refused, Unavailable: the centre says no, isn't standalone mode's, or did not come to the end; what was told of
            until then is so.
    """
    address = url.rstrip("/").removesuffix(_MODEL_MANAGE) + UNUSED
    headers, last = {"Authorization": f"Bearer {token}"}, dict[str, Any]()
    try:
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT, verify=certificates()) as http,
            http.stream("DELETE" if remove else "GET", address, params={"days": days}, headers=headers) as answer,
        ):
            if not answer.is_success:
                raise _refusal(answer.status_code, await answer.aread(), token)
            async for line in answer.aiter_lines():
                last = _read(line)
                if "sha256" in last:
                    yield Leaving(str(last["sha256"]), int(last["size"]))
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        kind = type(error).__name__
        text = f"The model centre did not answer to the end ({kind}): check MLC_CENTER_URL, and try again."
        raise Unavailable(SYSTEM, text) from None
    except (ValueError, KeyError, TypeError):
        raise Refused(SYSTEM, "What answers at MLC_CENTER_URL is no standalone model centre.", status=200) from None
    if last.get("complete") is not True:
        said = _said(last, token) or "it ended in the middle"
        raise Unavailable(SYSTEM, f"The model centre did not come to the end: {said}")


def _read(line: str) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _refusal(status: int, body: bytes, token: str) -> ExternalError:
    try:
        said = _said(_read(body.decode(errors="replace")), token)
    except (ValueError, TypeError):
        said = ""
    if status == 401:
        return Refused(SYSTEM, "The model centre did not accept MLC_CENTER_TOKEN: its own token is needed.", status=401)
    if status in {400, 403}:
        return Refused(SYSTEM, f"The model centre refused: {said or status}", status=status)
    if status >= 500 or status == 429:
        return Unavailable(SYSTEM, f"The model centre can't do it now: {said or f'it answered {status}'}")
    text = (
        f"There is no standalone model centre at MLC_CENTER_URL (it answered {status}): only that keeps files by "
        "themselves; what ModelOp Center keeps is its own affair."
    )
    return Refused(SYSTEM, text, status=status)


def _said(document: dict[str, Any], token: str) -> str:
    said = document.get("message")
    return said.replace(token, "...")[:_LONGEST] if isinstance(said, str) else ""
