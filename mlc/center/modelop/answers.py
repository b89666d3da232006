"""What an answer of the model centre, or the lack of one, means: httpx's errors and statuses in three words."""

from http import HTTPStatus
from typing import Any

import httpx

from mlc.model import retry_after
from mlc.model.address import leads_elsewhere, masked, origin, redirected
from mlc.model.failure import ExternalError, Misdirected, NotFound, Refused, Unavailable

SYSTEM = "model centre"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_MISDIRECTED = (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)
_LONGEST_QUOTE = 300
_SHORTEST_SECRET = 6  # what is shorter is a test's, and would make holes in words


def outage(error: Exception, asked: str, url: str, setting: str, *, write: bool) -> ExternalError:
    """The error for a request that got no answer.

    ``asked`` is what was asked, such as ``"GET jobs/1"``; ``setting`` names the address in the settings.
    """
    kind = type(error).__name__
    if isinstance(error, _MISDIRECTED):
        return Refused(SYSTEM, f"{asked} could not be sent to {origin(url)} ({kind}): correct {setting}.", status=0)
    if isinstance(error, _NEVER_SENT):
        text = f"{asked}: no connection to {origin(url)} ({kind}); check {setting} and that the {SYSTEM} is running."
        return Unavailable(SYSTEM, text)
    unclear = "; it may have been done, so look before asking again" if write else ""
    text = f"{asked}: {origin(url)} gave no whole answer ({kind}){unclear}."
    return Unavailable(SYSTEM, text, maybe_done=write)


def refusal(response: httpx.Response, asked: str, base: str, *, write: bool, secret: str = "") -> ExternalError:
    """The error for an answer that is not a success.

    ``base`` is the address as it is set; ``secret`` is blotted out of what is quoted.
    """
    status = response.status_code
    text = f"{asked} was answered with {status}{quoted(response, secret)}"
    wait = retry_after.decode(response.headers.get(retry_after.NAME))
    if status == 429 or (status == 503 and wait):
        return Unavailable(SYSTEM, f"{text}; it is asked again after a while.", retry_after=wait)
    if status >= 500 or status == 408:
        return Unavailable(SYSTEM, f"{text}; see the log of the {SYSTEM} if this lasts.", maybe_done=write)
    if status in {404, 410}:
        return NotFound(SYSTEM, f"{text}; check the id.")
    if response.is_redirect:
        url = f"{base.rstrip('/')}/{asked.partition(' ')[2].lstrip('/')}"
        return misdirected(response, url, base, text, "MLC_CENTER_URL")
    advice = {
        401: "check MLC_CENTER_TOKEN",
        403: "give the account of MLC_CENTER_TOKEN the right to do this",
        413: "make the model's assets smaller, or external",
    }.get(status, "change what was asked, or ask whoever looks after the centre")
    return Refused(SYSTEM, f"{text}; {advice}.", status=status)


def misdirected(response: httpx.Response, url: str, base: str, text: str, setting: str) -> Misdirected:
    """The error for a redirect: none is followed, since what was to be written would then be asked for.

    ``url`` was asked, below ``base``, which ``setting`` holds; ``text`` is what happened.
    """
    shown, address = redirected(base, url, response.headers.get("Location", ""))
    what = leads_elsewhere(setting, shown, address)
    return Misdirected(SYSTEM, f"{text}; {what}.", status=response.status_code, address=address)


class Garbled(Unavailable):
    """A success whose body is none of model-manage's: a page that says that it is being maintained, a proxy's word."""


def garbled(asked: str, what: str, *, write: bool, status: int) -> Garbled:
    """The error for a success whose body can't be used: an outage, as long as nothing says otherwise.

    ``what`` says why.
    """
    text = f"{asked} was answered with {status}, but {what}; it is asked again. If this lasts, check that "
    return Garbled(SYSTEM, f"{text}MLC_CENTER_URL is model-manage's address.", maybe_done=write)


def misfit(asked: str, what: str, *, write: bool) -> ExternalError:
    """The error for an entity with something else in a field than ever stands there. ``what`` says where and what."""
    text = f"{asked} was answered with an entity, but {what}"
    if write:
        return Unavailable(SYSTEM, f"{text}.", maybe_done=True)
    return Refused(SYSTEM, f"{text}; repair it there, or ask whoever looks after the {SYSTEM}.", status=HTTPStatus.OK)


def quoted(response: httpx.Response, secret: str = "") -> str:
    """What the answer's body says, as `` ("...")``, cut to 300 characters; empty for pages and for nothing."""
    if "html" in response.headers.get("Content-Type", ""):
        return ""
    try:
        text = _message(response.json())
    except ValueError:
        text = response.text
    text = masked(" ".join(text.split()))
    if len(secret) >= _SHORTEST_SECRET:
        text = text.replace(secret, "***")
    return f' ("{text[:_LONGEST_QUOTE]}")' if text else ""


def _message(body: Any) -> str:
    if isinstance(body, dict):
        for key in ("message", "detail", "error_description", "error"):
            if isinstance(body.get(key), str) and body[key]:
                return str(body[key])
    return str(body) if body else ""
