"""Asks standalone mode's centre for tokens of runtimes, with the centre's own token."""

from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from mlc.center.certificates import certificates
from mlc.model.failure import NotFound, Refused, Unavailable
from mlc.standalone.access.names import TOKENS, require_name

SYSTEM = "model centre"
_MODEL_MANAGE = "/model-manage/api"
_TIMEOUT = 30
_LONGEST = 300


class IssuedToken(BaseModel):
    """A token, told once; ``previousUntil``: how long the one before it is still taken, if there was one."""

    name: str
    token: str
    issued: datetime
    previousUntil: datetime | None = None  # noqa: N815 - as in the API


class KnownToken(BaseModel):
    """What the centre knows of a token: never the token itself."""

    name: str
    issued: datetime
    used: datetime | None = None
    until: datetime | None = None


class _Listed(BaseModel):
    tokens: list[KnownToken]


async def issue_runtime_token(url: str, token: str, name: str) -> str:
    """A new token for the runtime ``name``, which it reads from MLC_CENTER_TOKEN.

    The one that was issued before is taken for an hour more, all older ones no longer.

    Args:
        url: of the centre: its own address, or model-manage's at it (MLC_CENTER_URL).
        token: the centre's own.

    Raises:
        BadName: a runtime can't have this name.
        Refused, Unavailable: the centre says no, isn't standalone mode's, or does not answer.
    """
    return (await issued(url, token, name)).token


async def issued(url: str, token: str, name: str) -> IssuedToken:
    """Like :func:`issue_runtime_token`, with all that is told of the token."""
    require_name(name)
    answer = await _ask("POST", url, token, name)
    try:
        return IssuedToken.model_validate(answer)
    except ValidationError:
        raise _strange("issued no token") from None


async def known_tokens(url: str, token: str) -> list[KnownToken]:
    """The tokens that the centre takes. Raises Refused and Unavailable."""
    try:
        return _Listed.model_validate(await _ask("GET", url, token)).tokens
    except ValidationError:
        raise _strange("listed no tokens") from None


async def revoke(url: str, token: str, name: str) -> int:
    """End every token of a runtime at once, and say how many there were.

    Raises:
        BadName: a runtime can't have this name.
        NotFound: it has no token.
        Refused, Unavailable: as for :func:`issue_runtime_token`.
    """
    require_name(name)
    answer = await _ask("DELETE", url, token, name)
    revoked = answer.get("revoked")
    if not isinstance(revoked, int):
        raise _strange("did not say what it revoked")
    return revoked


async def _ask(method: str, url: str, token: str, name: str = "") -> dict[str, Any]:
    base = url.rstrip("/").removesuffix(_MODEL_MANAGE)
    address = f"{base}{TOKENS}/{quote(name, safe='')}" if name else f"{base}{TOKENS}"
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT, verify=certificates()) as http:
            answer = await http.request(method, address, headers={"Authorization": f"Bearer {token}"})
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        kind = type(error).__name__
        raise Unavailable(SYSTEM, f"The model centre does not answer ({kind}): check MLC_CENTER_URL.") from None
    document = _document(answer)
    if answer.is_success and document is not None:
        return document
    raise _refusal(answer, document, name, token)


def _document(answer: httpx.Response) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        document = answer.json()
        return document if isinstance(document, dict) else None
    return None


def _refusal(answer: httpx.Response, document: dict[str, Any] | None, name: str, token: str) -> Exception:
    status, said = answer.status_code, (document or {}).get("message")
    told = said.replace(token, "...")[:_LONGEST] if isinstance(said, str) else f"it answered {status}"
    if status >= 500 or status == 429:
        return Unavailable(SYSTEM, f"The model centre can't do it now: {told}")
    if status == 401:
        return Refused(SYSTEM, "The model centre did not accept MLC_CENTER_TOKEN: its own token is needed.", status=401)
    if status == 404 and name and isinstance(said, str) and "has a token" in said:
        return NotFound(SYSTEM, told)
    if status in {403, 400}:
        return Refused(SYSTEM, f"The model centre refused: {told}", status=status)
    text = (
        f"There is no standalone model centre at MLC_CENTER_URL ({told}): only that issues tokens of runtimes; with "
        "ModelOp Center they are ModelOp's."
    )
    return Refused(SYSTEM, text, status=status)


def _strange(what: str) -> Exception:
    return Unavailable(SYSTEM, f"The model centre {what}, though it said yes: check MLC_CENTER_URL.")
