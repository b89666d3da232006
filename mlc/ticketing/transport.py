"""How requests reach a ticket system that is asked through ``requests``: nothing of an answer is endless."""

import re
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer's body. A longer one is cut, and then can't be read."""
_PIECE = 64 * 1024
_LONGEST = 120.0
"""Seconds in which a body has to be there, however steadily it comes."""
_HALVES = rb"\ud", rb"\uD"
_ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)(?:(\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u[dD][89a-fA-F]..)", re.DOTALL)
"""What is escaped in JSON: after backslashes that stand for themselves both halves of a character, or one alone."""


class Transport(HTTPAdapter):
    """For ``requests.Session.mount``. Bodies are read here, so that what comes back never lasts."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """See base class."""
        response = super().send(request, *args, **kwargs)
        try:
            response._content = _whole_characters(_body(response))
        except (OSError, HTTPError):
            if response.status_code < 300:
                raise
            response._content = b""  # that it is none, and why, its status tells without its words
        response._content_consumed = True  # type: ignore[attr-defined]  # as it sets it itself once it has read a body
        return response


def strict(session: requests.Session) -> requests.Session:
    """Have a session ask in this way, and follow no redirects: a POST would become a GET."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, Transport())
    # By this a session learns where to go; told not to go, it would look all the same, and stumble over an odd address.
    session.get_redirect_target = _nowhere  # type: ignore[method-assign,assignment]
    return session


def _nowhere(_: requests.Response) -> None:
    return None


def _whole_characters(body: bytes) -> bytes:
    """Half a character, as is left where a text was cut within an emoji, can't be passed on: it is replaced."""
    if not any(half in body for half in _HALVES):
        return body
    return _ESCAPED.sub(lambda found: found[0] if found[2] else found[1] + rb"\ufffd", body)


def _body(response: requests.Response) -> bytes:
    end = time.monotonic() + _LONGEST
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > LARGEST:
            response.close()
            return bytes(body[:LARGEST])
        if time.monotonic() > end:
            response.close()
            raise requests.exceptions.ReadTimeout("the body did not end")
    return bytes(body)
