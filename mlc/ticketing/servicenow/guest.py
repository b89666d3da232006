"""Answers that ServiceNow gives to a guest: they show nothing of ours, with status 200 or 404."""

import requests

from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.ticketing.answers import words
from mlc.ticketing.servicenow.auth import SYSTEM

_DENIED = ("not authorized", "insufficient rights")
_SAYS_MORE = {401, 403, 408, 409, 425, 429}
"""Statuses that tell more of why an answer is none."""


def is_to_a_guest(response: requests.Response) -> bool:
    """Whether the instance did not know who asks, as it tells in a header."""
    logged_in = response.headers.get("X-Is-Logged-In", "").strip().casefold()
    return logged_in == "false" and response.status_code < 500 and response.status_code not in _SAYS_MORE


def is_known_and_denied(response: requests.Response) -> bool:
    """Whether a 401 says what 403 is for: it knows who asks, and does not let them (``User Not Authorized``)."""
    said = " ".join(words(response)).casefold() if response.status_code == 401 else ""
    return any(denial in said for denial in _DENIED) and "not authenticated" not in said


def failure(doing: str, response: requests.Response, *, write: bool) -> ExternalError:
    """What is wrong with such an answer. A write that was accepted was a guest's, and has to be looked for."""
    sentence = f"{SYSTEM} took us for a guest when asked to {doing}: are user and token right, and not expired?"
    if write and response.status_code < 300:
        return Unavailable(SYSTEM, sentence, maybe_done=True)
    return Refused(SYSTEM, sentence, status=401)
