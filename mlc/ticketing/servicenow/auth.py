"""Who we are to ServiceNow: user and password, a fixed bearer token, or OAuth client credentials."""

import base64
import threading
import time

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from mlc.model.failure import ExternalError, Unavailable
from mlc.ticketing import http_failure
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.wire import messages

SYSTEM = "ServiceNow"
CONNECT_TIMEOUT = 3.05
RENEWED_BEFORE = 60.0
"""Seconds before its end at which a token counts as expired."""
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
        failure: ExternalError
        try:
            answer = requests.post(
                self._token_url, data=form, timeout=(CONNECT_TIMEOUT, self._timeout), allow_redirects=False
            )
            body = answer.json()
        except requests.exceptions.JSONDecodeError:
            failure = Unavailable(SYSTEM, f"{SYSTEM} sent an unreadable answer when asked to {_DOING}")
        except requests.exceptions.RequestException as error:
            failure = http_failure.of_exception(SYSTEM, _DOING, error)
        else:
            token = body.get("access_token") if isinstance(body, dict) else None
            if answer.ok and isinstance(token, str) and token:
                self._bearer.token = token
                self.secrets = [*self.secrets[:4], token]
                lifetime = body.get("expires_in")
                self._ends = time.monotonic() + (float(lifetime) if isinstance(lifetime, int) else 0) - RENEWED_BEFORE
                return
            said = http_failure.shortened(messages(body), self.secrets)
            failure = http_failure.of_status(SYSTEM, _DOING, 401 if answer.ok else answer.status_code, said=said)
        raise failure
