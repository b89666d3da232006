"""Addresses as they may be shown: where a system is, and nothing of who asks it for what."""

from urllib.parse import urlsplit

_USUAL = {"http": 80, "https": 443}


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
