"""Addresses as they may be shown: where a system is, and nothing of who asks it for what."""

import re
from urllib.parse import urljoin, urlsplit

UNREADABLE = "an unreadable address"
_LONGEST_PATH = 200
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
        return UNREADABLE
    if not host or not parts.scheme or not host.isprintable():
        return UNREADABLE
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != _USUAL.get(parts.scheme) else "")


def masked(text: str) -> str:
    """A text without the secrets of the addresses in it: no account before a host, no signatures and passwords after.

    For what other systems say, which may repeat what they were given.
    """
    return _SECRET.sub(r"\1***", _ACCOUNT.sub("***@", text))


def page(url: str) -> str:
    """Scheme, host, port and path of an address: no credentials, no query, and no session within the path."""
    place = origin(url)
    if place == UNREADABLE:
        return UNREADABLE
    path = "".join(each for each in urlsplit(url.strip()).path.partition(";")[0] if each.isprintable())
    return place + masked(path[:_LONGEST_PATH]).rstrip("/")


def leads_elsewhere(setting: str, shown: str, address: str | None) -> str:
    """What to say of a redirect, whose parts are those of ``redirected``, to whoever has set ``setting``."""
    if address is None:
        return f"it redirects to {shown}: is {setting} right, or does a page in between ask for a login?"
    plain = ", or to the same with https if that answers" if address.startswith("http:") else ""
    return f"it redirects to {address}: set {setting} to that{plain}"


def redirected(base: str, asked: str, location: str) -> tuple[str, str | None]:
    """Where a redirect leads, as it may be shown, and the address that should stand in the place of ``base``.

    That is None unless the redirect is one of the whole site: to the same path elsewhere, or from http to https.

    Args:
        base: a system's address, as it is set.
        asked: the address below it that was asked.
        location: as the answer has it, which may be anything.
    """
    try:
        target, was = urlsplit(urljoin(asked, location)), urlsplit(asked)
        secured = (was.scheme, target.scheme, target.hostname) == ("http", "https", was.hostname)
        above = urlsplit(base.strip()).path.rstrip("/")
    except ValueError:
        return UNREADABLE, None
    shown = page(target.geturl())
    if target.scheme not in _USUAL or shown == UNREADABLE:
        return UNREADABLE, None
    below = was.path.removeprefix(above)
    moved = target.path.endswith(below) if below.strip("/") else target.path.rstrip("/") == above
    if moved:
        address = page(target._replace(path=target.path.removesuffix(below)).geturl())
    elif secured:
        address = page(target._replace(path=above).geturl())
    else:
        return shown, None
    return shown, None if address == page(base) else address
