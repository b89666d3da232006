"""What went wrong with a request made through ``requests``, in the three words of :mod:`mlc.model.failure`.

Nothing of the original exception is kept: it may hold request headers (the credentials) or whole pages.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from mlc.model.failure import ExternalError, NotFound, Refused, Unavailable

LONGEST_MESSAGE = 300
CONFLICT = 409

T = TypeVar("T")

_NOT_NOW = {408, 409, 425, 429}


def shortened(messages: Iterable[str], secrets: Iterable[str]) -> str:
    """Join a system's own messages to one line of at most 300 characters, with any secret it echoed taken out."""
    line = " ".join(" ".join(messages).split())
    for secret in secrets:
        line = line.replace(secret, "***")
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"


def of_status(
    system: str, doing: str, status: int, *, said: str = "", wait: timedelta | None = None, write: bool = False
) -> ExternalError:
    """Turn an HTTP status of 400 and more into a failure.

    Args:
        system: who answered, such as ``"Jira"``.
        doing: what was asked, such as ``"create a ticket"``.
        said: the system's own messages, already :func:`shortened`.
        wait: its ``Retry-After``.
        write: the request was to change something.
    """
    sentence = f"{system} answered {status} when asked to {doing}" + (f": {said}" if said else "")
    if status in {404, 410}:
        return NotFound(system, sentence)
    if status in _NOT_NOW or (status == 503 and wait is not None):
        # A server that says "later" has not done it; a server that timed out (408) may have.
        return Unavailable(system, sentence, retry_after=wait, maybe_done=write and status == 408, status=status)
    if status >= 500:
        return Unavailable(system, sentence, retry_after=wait, maybe_done=write)
    hint = {401: " (are user and token right?)", 403: " (has the account this permission?)"}.get(status, "")
    return Refused(system, sentence + hint, status=status)


def of_exception(
    system: str, doing: str, error: requests.exceptions.RequestException, *, write: bool = False
) -> ExternalError:
    """Turn what ``requests`` raises when no answer came into a failure.

    Only a connection that was never made proves that nothing was sent; everything else leaves a write in doubt.
    """
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return Refused(system, f"The address of {system} is not a valid URL", status=400)
    if never_connected(error):
        return Unavailable(system, f"{system} could not be reached to {doing}: no connection")
    cause = "no answer in time" if isinstance(error, requests.exceptions.Timeout) else "the connection broke"
    return Unavailable(system, f"{system} did not answer when asked to {doing}: {cause}", maybe_done=write)


def never_connected(error: requests.exceptions.RequestException) -> bool:
    """Whether nothing was sent for certain: no name, no route, refused, or an untrusted certificate."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" in str(error)
    inner = error.args[0] if error.args else None
    return isinstance(getattr(inner, "reason", None), NewConnectionError | ConnectTimeoutError)


def despite_conflict(write: Callable[[], T]) -> T:
    """Write, and once more if somebody else was just writing (409): a conflict that lasts is a refusal."""
    refusal: Refused | None = None
    for _ in range(2):
        try:
            return write()
        except Unavailable as error:
            if error.status != CONFLICT:
                raise
            refusal = Refused(error.system, str(error), status=CONFLICT)
    assert refusal is not None
    raise refusal
