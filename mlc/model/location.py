"""Addresses that name a connection: ``s3+lake://bucket/folder/file.csv``, ``sql+warehouse:``. They hold no secrets."""

import posixpath
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from mlc.model.connection import KINDS
from mlc.model.failure import MlcError

STORES = frozenset({"s3", "gcs", "azure"})
"""Kinds of connections at which there are buckets (Azure: containers) with objects."""
_SCHEME = re.compile(rf"({'|'.join(KINDS)})\+([a-z][a-z0-9-]{{0,39}})", re.ASCII)
_USUAL = {"http": 80, "https": 443}
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}", re.ASCII)
HOLDS_MORE = (
    "the address holds more than a place and a path, and that may be a secret: put what opens it into MLC_CONNECTIONS, "
    "and write ? and # in a name as %3F and %23"
)


class BadAddress(MlcError, ValueError):
    """An address that can't be one. The text ends a sentence, and doesn't repeat the address."""


@dataclass(frozen=True)
class Location:
    """What an address names. ``bucket`` is empty for databases and hosts.

    ``segments`` are the parts of its path as they are written, percent-encoded. A ``*`` in one stands for any
    characters of one name; ``%2A`` is a star.
    """

    kind: str
    connection: str
    bucket: str = ""
    segments: tuple[str, ...] = ()
    folder: bool = False
    """It ends in ``/``."""

    @classmethod
    def parse(cls, url: str) -> Self | None:
        """Read an address; None if it names no connection.

        Raises:
            BadAddress: it can't be read, or holds what may be a secret.
        """
        scheme, colon, _ = url.partition(":")
        kind, plus, _ = scheme.lower().partition("+")
        if not colon or not plus or kind not in KINDS:
            return None
        if not (named := _SCHEME.fullmatch(scheme.lower())):
            raise BadAddress("the name of a connection in an address has small letters, digits and -, such as s3+lake:")
        if not url.isprintable() or " " in url or "\\" in url:
            raise BadAddress(
                "the address holds a blank or a character that can't be printed: write it as %20 and so on"
            )
        try:
            parts = urlsplit(url)
        except ValueError:
            raise BadAddress("the address can't be read: write s3+NAME://bucket/folder/file.csv") from None
        if "@" in parts.netloc or ":" in parts.netloc or "?" in url or "#" in url:
            raise BadAddress(HOLDS_MORE)
        *segments, last = parts.path.removeprefix("/").split("/")
        path = (*segments, last) if last else tuple(segments)
        found = cls(kind, named[2], parts.netloc, path, folder=bool(parts.path) and not last)
        found._check()
        return found

    def _check(self) -> None:
        if self.kind in STORES and not _BUCKET.fullmatch(self.bucket):
            raise BadAddress(
                f"the address names no bucket: write {self.kind}+{self.connection}://bucket/folder/file.csv"
            )
        if self.kind not in STORES and self.bucket:
            raise BadAddress(f"the connection tells the host, so write {self.kind}+{self.connection}: and no host")
        if self.kind == "sql" and self.segments:
            raise BadAddress(f"the connection tells the database, so write sql+{self.connection}: and no path")
        for segment in self.segments:
            check_segment(segment)

    @property
    def several(self) -> bool:
        """Whether it stands for a folder, or for all files whose names are like it."""
        return self.folder or any("*" in segment for segment in self.segments)

    @property
    def key(self) -> str:
        """The path, decoded: an object's key, without a ``/`` before it."""
        return "/".join(map(unquote, self.segments))

    @property
    def path(self) -> str:
        """``bucket/key``."""
        return f"{self.bucket}/{self.key}"

    def __str__(self) -> str:
        """The address again."""
        host = f"//{self.bucket}" if self.bucket else "//" if self.segments else ""
        path = "".join(f"/{segment}" for segment in self.segments) + ("/" if self.folder else "")
        return f"{self.kind}+{self.connection}:{host}{path}"

    def lies_in(self, place: "Location") -> bool:
        """Whether it is what ``place`` names, or below it. ``data`` has nothing of what is in ``database``."""
        if (self.kind, self.connection, self.bucket) != (place.kind, place.connection, place.bucket):
            return False
        allowed = tuple(map(unquote, place.segments))
        return self.decoded[: len(allowed)] == allowed and not any("*" in s for s in self.segments[: len(allowed)])

    @property
    def decoded(self) -> tuple[str, ...]:
        """The parts of its path, decoded."""
        return tuple(map(unquote, self.segments))


def check_segment(segment: str) -> None:
    """Make sure that a part of a path names one thing, below the part before it, however it is read.

    Raises:
        BadAddress: it doesn't.
    """
    try:
        decoded = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise BadAddress("the address holds a percent-encoding that is no UTF-8") from None
    if decoded in {"", ".", ".."} or "/" in decoded or "\\" in decoded or not decoded.isprintable():
        raise BadAddress("the path of the address holds an empty part, '.', '..', or a character that no name has")


def name_in(url: str) -> str:
    """The name of the file at an address; empty if it has none."""
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""


def normal(url: str) -> str:
    """An address in the one spelling of all that its characters alone say to be the same.

    Those differ by percent-encoding, empty parts, ``.`` and ``..``, capitals of scheme, connection and host, a usual
    port, and ``localhost`` of a file. What lies at two addresses may be the same all the same, by a link or otherwise.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    path = posixpath.normpath(f"/{unquote(parts.path).lstrip('/')}")
    if parts.scheme in _USUAL:
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{host}:{port or _USUAL[parts.scheme]}{path}{query}"
    if parts.scheme == "file":  # which nobody reads beyond its path
        return f"file://{'' if host == 'localhost' else host}{path}"
    return f"{parts.scheme}://{parts.netloc}{path}"
