"""Places of ``MLC_FILE_READ`` and ``MLC_FILE_WRITE``: what may be read, and what written.

A place is a folder (``file:///lake/in``), a host as ``MLC_FILE_HOSTS`` has it (``files.example.org``,
``10.1.2.0/24``), a bucket of a connection or what begins with a path in it (``s3+lake://risk/scores``), or a whole
connection (``sql+warehouse:``, ``http+files:``).
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlc.model.hosts import Hosts
from mlc.model.location import Location, check_segment

READ, WRITE = "MLC_FILE_READ", "MLC_FILE_WRITE"
WHERE = {False: READ, True: WRITE}
"""The setting for reading, and for writing."""
HTTP = frozenset({"http", "https"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.+-]*):/")
_WITHOUT_A_NAME = {
    "s3": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "azure": "azure",
    "abfs": "azure",
    "sql": "sql",
}
"""Schemes that people write, and the kind of connection that is meant."""


def check_place(text: str, *, write: bool) -> None:
    """Make sure that an entry of the settings is a place.

    Raises:
        ValueError: it isn't; the text says why.
    """
    if (location := Location.parse(text)) is not None:
        if any("*" in segment for segment in location.segments):
            raise ValueError(f"{text[:60]!r} holds *: a place is a folder or the beginning of a path")
        if write and location.kind == "sql":
            raise ValueError(f"{text[:60]!r} is a database, and those are only read")
        return
    scheme = found[1].lower() if (found := _SCHEME.match(text)) else ""
    if scheme == "file":
        parts = urlsplit(text)
        if parts.netloc or parts.query or parts.fragment or not parts.path.startswith("/"):
            raise ValueError(f"{text[:60]!r} is no folder: write file:///folder")
        for segment in parts.path.strip("/").split("/") if parts.path.strip("/") else ():
            check_segment(segment)
    elif scheme in HTTP:
        raise ValueError(f"{text[:60]!r} is an address: write its host alone, such as files.example.org")
    elif scheme:
        raise ValueError(f"{text[:60]!r} is no place: {without_scheme(scheme)}")
    else:
        Hosts([text])


def hosts_of(places: Sequence[str]) -> Iterator[str]:
    """The hosts among some places."""
    return (each for each in places if not each.lower().startswith("file:/") and Location.parse(each) is None)


def roots_of(places: Sequence[str]) -> Iterator[Path]:
    """The folders among some places."""
    return (Path(unquote(urlsplit(each).path)) for each in places if each.lower().startswith("file:/"))


def stores_of(places: Sequence[str]) -> Iterator[Location]:
    """What there is of connections among some places."""
    return (location for each in places if (location := Location.parse(each)) is not None)


def without_scheme(scheme: str) -> str:
    """What is to be done about an address whose scheme nobody here reads."""
    named = f"{scheme[:20]!r} addresses are" if scheme else "an address without a scheme is"
    kind = _WITHOUT_A_NAME.get(scheme, "s3")
    return (
        f"{named} not supported: embed the file, or use a file:, http: or https: address, or that of a connection "
        f"({kind}+NAME:)."
    )
