"""Who we are to ServiceNow: user and password, a fixed bearer token, or OAuth client credentials."""

import base64
import re
import threading
import time
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from mlc.model.failure import ExternalError
from mlc.ticketing import http_failure, waiting
from mlc.ticketing.answers import Answers, document, words
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.transport import strict

SYSTEM = "ServiceNow"
URL = "MLC_SERVICENOW_URL"
CONNECT_TIMEOUT = 3.05
RENEWED_BEFORE = 60.0
"""Seconds before its end at which a token counts as expired."""
LONGEST_LIFETIME = 86_400.0
"""Seconds for which a token is used at most, whatever it says."""
_HEADER = re.compile(r"[!-~]{1,8192}", re.ASCII)
_DOING = "give us an access token"


class Bearer(AuthBase):
    """A token; the same for all threads."""

    def __init__(self, token: str = "") -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Identity:
    """Signs requests. ``secrets`` must not appear in any text; a token that is fetched joins them."""

    def __init__(self, settings: ServiceNowSettings, url: str) -> None:
        def plain(name: str) -> str:
            secret = getattr(settings, name)
            return secret.get_secret_value() if secret else ""

        self._token_url = f"{url}/oauth_token.do"
        self._timeout = settings.timeout
        self._client = (settings.client_id or "", plain("client_secret"))
        self._lock = threading.Lock()
        self._ends = 0.0
        self._bearer = Bearer(plain("token"))
        self._fetches = bool(settings.client_id) and not self._bearer.token
        user, password = settings.user or "", plain("password")
        basic = base64.b64encode(f"{user}:{password}".encode()).decode() if password else ""
        self.secrets = [secret for secret in (password, basic, self._client[1], self._bearer.token) if secret]
        self._answers = Answers(SYSTEM, URL, url, lambda: self.secrets)
        self.auth: AuthBase | None = None
        if self._fetches or self._bearer.token:
            self.auth = self._bearer
        elif user:
            self.auth = HTTPBasicAuth(user, password)

    def prepare(self) -> None:
        """Make sure that there is a token, before anything is asked that may change something.

        Raises:
            ExternalError: ServiceNow gives none.
        """
        if not self._fetches:
            return
        with self._lock:
            if time.monotonic() < self._ends:
                return
            self._fetch()

    def forget(self) -> None:
        """A token was refused: the next request fetches another one."""
        self._ends = 0.0

    def _fetch(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": self._client[0], "client_secret": self._client[1]}
        waiting.make_sure(SYSTEM, _DOING)
        failure: ExternalError
        try:
            with strict(requests.Session()) as session:
                answer = session.post(self._token_url, data=form, timeout=(CONNECT_TIMEOUT, self._timeout))
        except http_failure.NO_ANSWER as error:
            failure = http_failure.of_exception(SYSTEM, _DOING, error)
        else:
            given = _given(answer)
            token = given.get("access_token")
            if isinstance(token, str) and _HEADER.fullmatch(token):
                self._bearer.token = token
                self.secrets = [*self.secrets[:4], token]
                self._ends = time.monotonic() + _lifetime(given) - RENEWED_BEFORE
                return
            failure = self._answers.failure(_DOING, answer)
            if given:
                said = http_failure.shortened(words(answer), self.secrets)
                failure = http_failure.of_status(SYSTEM, _DOING, 401, said=said)
        raise failure


def _given(answer: requests.Response) -> dict[str, Any]:
    """What a success holds; empty if it is none."""
    try:
        body = document(answer) if answer.status_code // 100 == 2 else None
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _lifetime(given: dict[str, Any]) -> float:
    """Seconds for which a token is good. Some write them as text."""
    try:
        return min(float(given.get("expires_in") or 0), LONGEST_LIFETIME)
    except (TypeError, ValueError, OverflowError):
        return 0
