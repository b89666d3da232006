"""Addresses as they may be shown: where a system is, and nothing of who asks it for what."""

import re
from urllib.parse import urlsplit

_USUAL = {"http": 80, "https": 443}
_ACCOUNT = re.compile(r"(?<=://)[^/\s\"']*@")
_SECRET = re.compile(
    r"([?&;][\w.-]*(?:sig|signature|password|passwd|pwd|token|secret|credential|key)[\w.-]*=)[^&;\s\"']+", re.IGNORECASE
)


def origin(url: str) -> str:
    """Scheme, host and port of an address: no path, no credentials."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return "an unreadable address"
    if not host or not parts.scheme or not host.isprintable():
        return "an unreadable address"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != _USUAL.get(parts.scheme) else "")


def masked(text: str) -> str:
    """A text without the secrets of the addresses in it: no account before a host, no signatures and passwords after.

    For what other systems say, which may repeat what they were given.
    """
    return _SECRET.sub(r"\1***", _ACCOUNT.sub("***@", text))
