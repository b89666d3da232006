"""Bearer tokens for the model centre: a fixed one, or OAuth2 client credentials renewed in time."""

import asyncio
import base64
import time
from urllib.parse import quote

import httpx

from mlc.center.modelop.answers import SYSTEM, misdirected, outage, quoted
from mlc.center.modelop.settings import CenterSettings
from mlc.model.address import origin
from mlc.model.failure import Refused, Unavailable

_RENEW_BEFORE = 30.0  # seconds before expiry: a token must outlive the request that carries it
_DEFAULT_LIFETIME = 300.0  # RFC 6749 leaves expires_in optional


class TokenProvider:
    """Gives the token to send, asking the token endpoint at most once at a time."""

    def __init__(self, settings: CenterSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._token = None if settings.token_url or not settings.token else settings.token.get_secret_value()
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    @property
    def renewable(self) -> bool:
        return self._settings.token_url is not None

    async def get(self) -> str | None:
        """The token for the next request; None if none is configured.

        Raises:
            Unavailable: the token endpoint did not answer (nothing was asked of the centre itself).
            Refused: it did not accept the client's credentials.
        """
        if not self._settings.token_url:
            return self._token
        async with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._token, lifetime = await self._ask(self._settings.token_url)
                self._renew_at = time.monotonic() + max(lifetime - _RENEW_BEFORE, lifetime / 2)
            return self._token

    def drop(self, token: str | None) -> None:
        """Forget a token that the centre did not accept, unless another has replaced it already."""
        if self.renewable and token == self._token:
            self._token = None

    async def _ask(self, url: str) -> tuple[str, float]:
        settings = self._settings
        form = {"grant_type": "client_credentials"} | ({"scope": settings.token_scope} if settings.token_scope else {})
        secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
        # RFC 6749 section 2.3.1: both parts are form-encoded before they become Basic credentials.
        pair = f"{quote(settings.client_id or '', safe='')}:{quote(secret, safe='')}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Accept": "application/json",
        }
        asked = f"a token of {origin(url)}"
        try:
            answer = await self._http.post(url, data=form, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise outage(error, asked, url, "MLC_CENTER_TOKEN_URL", write=False) from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unavailable(
                SYSTEM, f"Asked for {asked}, the token endpoint answered {answer.status_code}; it is asked again later."
            )
        if answer.is_redirect:
            text = f"Asked for {asked}, the token endpoint answered {answer.status_code}"
            raise misdirected(answer, url, url, text, "MLC_CENTER_TOKEN_URL")
        if not answer.is_success:
            hint = "check MLC_CENTER_TOKEN_URL, MLC_CENTER_CLIENT_ID and MLC_CENTER_CLIENT_SECRET"
            raise Refused(
                SYSTEM,
                f"Asked for {asked}, the token endpoint answered {answer.status_code}{quoted(answer, secret)}; {hint}.",
                status=answer.status_code,
            )
        try:
            body = answer.json()
            return str(body["access_token"]), float(body.get("expires_in", _DEFAULT_LIFETIME))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable(
                SYSTEM,
                f"Asked for {asked}, the token endpoint's answer held no access_token; check MLC_CENTER_TOKEN_URL.",
            ) from error
