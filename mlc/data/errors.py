"""What stores and databases raise, in our words: their own texts may repeat addresses, headers, accounts and rows."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from mlc.model.failure import ExternalError, NotFound, Refused, Unavailable

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_FORBIDDEN = "it refuses us (403): may this connection do that there, and are its key, clock and region right?"
_LONGEST_PATH = 300
_MISSING = "are the bucket and the name right, capitals too?"
_CODES = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidAccessKeyId": "it doesn't know the connection's key",
    "SignatureDoesNotMatch": "the connection's secret is not that of its key",
    "ExpiredToken": "the connection's token has expired",
    "RequestTimeTooSkewed": "this machine's clock and the store's differ",
    "EntityTooSmall": "a part of the upload is smaller than it takes",
    "NoSuchUpload": "the upload was ended by somebody else",
}
"""S3's words for what a person can put right."""


@contextmanager
def ours(system: str, path: str = "") -> Iterator[None]:
    """Turn whatever a library raises within into one of our exceptions, without its text.

    Args:
        system: what people call it, such as ``connection lake (s3)``.
        path: ``bucket/key`` of what is asked for, which is no secret.

    Raises:
        NotFound, Refused, Unavailable: as it is; what nobody knows is a refusal, named by its type.
    """
    try:
        yield
    except ExternalError:
        raise
    except Exception as error:
        raise said(error, system, path) from None


def said(error: BaseException, system: str, path: str = "") -> ExternalError:
    """Our exception for one of a library's."""
    chain = list(_chain(error))
    code = next((found for each in chain if (found := _code(each))), "")
    status = _status_of(chain, code)
    if status == 404:
        asked = f", {path[:_LONGEST_PATH]!r}" if path else ""
        why = f"{_CODES[code]}." if code in _CODES else _MISSING
        return NotFound(system, f"The {system} has not what is asked for{asked}: {why}")
    if status in _BUSY:
        return Unavailable(system, f"The {system} is busy or out of order: it answered {status}.", status=status)
    if not status and any(_is_of_the_network(each) for each in chain):
        return Unavailable(system, f"The {system} can't be reached, or the connection was lost ({_name(chain)}).")
    if code in _CODES:
        problem = f"refuses it: {_CODES[code]}."
    elif status == 403:
        problem = f"can't be used: {_FORBIDDEN}"
    else:
        problem = f"refuses it: it answered {status}." if status else f"can't be used ({_name(chain)})."
    return Refused(system, f"The {system} {problem}", status=status or 400)


def _status_of(chain: list[BaseException], code: str) -> int:
    """The HTTP status, or the one that says the same; 0 if there was no answer."""
    status = next((found for each in chain if (found := _status(each))), 0)
    if code == "NoSuchBucket" or status == 410 or any(isinstance(each, FileNotFoundError) for each in chain):
        return 404
    if status == 401 or (not status and any(isinstance(each, PermissionError) for each in chain)):
        return 403
    return status


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        yield at
        seen.add(id(at))
        at = at.__cause__ or at.__context__


def _code(error: BaseException) -> str:
    """The word of S3's answer."""
    response = getattr(error, "response", None)
    found = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return found if isinstance(found, str) else ""


def _status(error: BaseException) -> int:
    """The HTTP status of an answer, as botocore, Azure's and Google's libraries tell it."""
    if type(error).__module__.startswith("aiohttp."):  # those say what is wrong with a half of an answer
        return 0
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    else:
        found = next((getattr(error, name, None) for name in ("status_code", "code", "status")), 0)
        found = found or getattr(error, "code", 0) or getattr(error, "status", 0)
    try:
        return int(found) if 100 <= int(found) < 600 else 0
    except (TypeError, ValueError):
        return 0


def _is_of_the_network(error: BaseException) -> bool:
    if isinstance(error, TimeoutError | asyncio.TimeoutError | ConnectionError | EOFError):
        return True
    return any(
        kind.__name__ in {"ClientError", "HTTPClientError", "ServiceRequestError", "ServiceResponseError"}
        and kind.__module__.partition(".")[0] in {"aiohttp", "botocore", "azure"}
        and not hasattr(error, "response")
        for kind in type(error).__mro__
    )


def _name(chain: list[BaseException]) -> str:
    return type(chain[-1]).__name__
