"""Why Jira, or Atlassian's gateway before it, lets nobody in: it tells in headers, and in words of its own."""

import requests

from mlc.model.address import UNREADABLE, page
from mlc.ticketing.answers import NO_DENIAL, Denial, words

REASON = "X-Authentication-Denied-Reason"
LOGIN = "X-Seraph-LoginReason"
SCOPES = "read:jira-work, write:jira-work and read:jira-user"


def denial(response: requests.Response) -> Denial:
    """What a refusal's headers and words tell."""
    if response.status_code not in {401, 403}:
        return NO_DENIAL
    reason, _, login = response.headers.get(REASON, "").partition(";")
    said = [reason.strip()] if reason.strip() else []
    logged_in = response.headers.get(LOGIN, "")
    if "CAPTCHA" in reason:
        place = page(login.strip().removeprefix("login-url="))
        where = "" if place == UNREADABLE else f" at {place}"
        return Denial(said, f"log in once as this account with a browser{where}, and solve the CAPTCHA")
    if "AUTHENTICATION_DENIED" in logged_in:
        denied = [*said, "AUTHENTICATION_DENIED"]
        return Denial(denied, "log in once as this account with a browser: Jira may want a CAPTCHA solved")
    if any("scope" in text for text in words(response)):
        return Denial(said, f"give the token the scopes {SCOPES}")
    return Denial(said)
