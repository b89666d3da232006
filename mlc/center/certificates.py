"""The certificate authorities that clients trust."""

import ssl
from functools import cache

import httpx


@cache
def certificates() -> ssl.SSLContext:
    """For ``verify`` of a client. Reading them takes some 70 ms of a processor's time, so a process does it once."""
    return httpx.create_ssl_context()
