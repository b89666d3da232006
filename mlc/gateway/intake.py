"""What every request passes before anybody looks at what it says: its size, its sender's rate, its secret."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from fastapi import HTTPException, Request
from pydantic import SecretStr
from starlette.requests import ClientDisconnect

READ_TIMEOUT = 30.0
"""Seconds in which a body must have arrived."""


async def read_body(request: Request, limit: int) -> bytes:
    """The body, as long as it has at most ``limit`` bytes; more is not kept, whatever Content-Length says.

    Raises:
        HTTPException: 413 too large, 408 too slow, 400 the sender hung up.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > 2 * limit:
        raise _too_large(limit)
    body, received = bytearray(), 0
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            async for chunk in request.stream():
                received += len(chunk)
                if received <= limit:
                    body += chunk
                # A sender whose connection ends while it still sends never sees the answer, so some more is let pass.
                elif received > 2 * limit:
                    break
    except TimeoutError:
        raise HTTPException(408, f"The body did not arrive within {READ_TIMEOUT:.0f} seconds.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The sender hung up before the body was complete.") from None
    if received > limit:
        raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The body is larger than {limit} bytes.", {"Connection": "close"})


def bears(request: Request, token: SecretStr | None) -> bool:
    """Whether the request carries ``Authorization: Bearer <token>``. An empty token is nobody's."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if token is None or not token.get_secret_value() or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.get_secret_value().encode())


def presents(request: Request, secret: SecretStr | None) -> bool:
    """Whether the request carries the secret as a bearer token or as the password of basic authentication."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or secret is None or not secret.get_secret_value():
        return bears(request, secret)
    try:
        password = base64.b64decode(given.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(password, secret.get_secret_value().encode())


def signature_verifies(header: str, body: bytes, secrets: Sequence[SecretStr]) -> bool:
    """Whether ``X-Hub-Signature: sha256=<digest>`` is the HMAC-SHA256 of the raw body under one of the secrets.

    The digest may be hexadecimal (Jira) or base64 (ServiceNow scripts). An empty secret verifies nothing, since
    anybody can compute its HMAC; so does any method but sha256.
    """
    given = _digest(header)
    if given is None:
        return False
    keys = [secret.get_secret_value().encode() for secret in secrets if secret.get_secret_value()]
    return any(hmac.compare_digest(given, hmac.digest(key, body, hashlib.sha256)) for key in keys)


def _digest(header: str) -> bytes | None:
    method, _, text = header.strip().partition("=")
    if method.lower() != "sha256":
        return None
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


class RateLimit:
    """A token bucket for each source, for the ``sources`` that were heard last: memory stays bounded."""

    def __init__(
        self, rate: float, burst: int, *, sources: int = 4096, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._sources, self._clock = rate, burst, sources, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, source: str) -> bool:
        """Take one token of this source, if there is one."""
        now = self._clock()
        tokens, since = self._buckets.pop(source, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        admitted = tokens >= 1
        self._buckets[source] = (tokens - admitted, now)
        while len(self._buckets) > self._sources:
            self._buckets.popitem(last=False)
        return admitted


class Bodies:
    """The bodies of the last ``lifetime`` seconds that were dealt with, by their SHA-256; the newest ``limit`` of them.

    For those that no later event can have: signed, with the moment of the event in them. It is one process's memory,
    empty after a restart; what it has forgotten, or what another copy of the gateway has dealt with, becomes a hint
    once more, and those are few (:mod:`mlc.gateway.pace`). Only what was signed gets in, so nobody else can fill it.
    """

    def __init__(self, *, lifetime: float, limit: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime, self._limit, self._clock = lifetime, limit, clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def seen(self, digest: bytes) -> bool:
        """Whether a body of this SHA-256 was dealt with lately."""
        when = self._seen.get(digest)
        return when is not None and self._clock() - when < self._lifetime

    def add(self, digest: bytes) -> None:
        """Remember a body that was dealt with."""
        now = self._clock()
        self._seen.pop(digest, None)
        self._seen[digest] = now
        while len(self._seen) > self._limit or now - next(iter(self._seen.values())) >= self._lifetime:
            self._seen.popitem(last=False)
