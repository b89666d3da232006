"""Answers that Jira gives to nobody in particular: with an expired token it finds nothing, and says 200."""

import requests

from mlc.model.failure import ExternalError, Refused, Unavailable

_NOT_LET_IN = {"AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"}
_SAYS_MORE = {401, 403, 408, 409, 425, 429}
"""Statuses that tell more of why an answer is none."""


def is_anonymous(response: requests.Response) -> bool:
    """Whether Jira did not know who asks, as Seraph (its login) and Data Center tell in headers.

    On Data Center a request may be let in by a token after Seraph has found nobody logged in (``OUT``); it then names
    the user.
    """
    if response.status_code >= 500 or response.status_code in _SAYS_MORE:
        return False
    reasons = {text.strip().upper() for text in response.headers.get("X-Seraph-LoginReason", "").split(",")}
    user = response.headers.get("X-AUSERNAME", "").strip().casefold()
    return user == "anonymous" or bool(reasons & _NOT_LET_IN) or ("OUT" in reasons and "OK" not in reasons and not user)


def failure(system: str, doing: str, response: requests.Response, *, write: bool) -> ExternalError:
    """What is wrong with such an answer. A write that was accepted was done in nobody's name, and has to be found."""
    sentence = f"{system} did not know us when asked to {doing}: has the token expired? Renew it, or correct "
    sentence += "MLC_JIRA_USER and MLC_JIRA_TOKEN"
    if write and response.status_code < 300:
        return Unavailable(system, sentence, maybe_done=True)
    return Refused(system, sentence, status=401)
