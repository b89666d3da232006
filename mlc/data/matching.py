"""Several files as one: those of a folder, or those whose names are like a pattern. In order of their names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from mlc.data.objects import PATIENT, Patience
from mlc.data.stores import Store
from mlc.model.failure import MlcError, NotFound

MOST = 10_000
"""Files that may stand for one."""
ENDINGS = (".parquet", ".pq")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_PARTITION = re.compile(r"([^=]+)=(.*)", re.DOTALL)


class BadData(MlcError):
    """Data that isn't what its format says, or that can't be put together. The text ends a sentence."""


@dataclass(frozen=True)
class Entry:
    """What lies in a folder."""

    name: str
    is_folder: bool
    size: int = 0


@dataclass(frozen=True)
class Match:
    """A file. ``columns`` are what its folders' names say of all its rows (``year=2026``), as text; None: no value."""

    path: str
    size: int
    columns: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its own."""
        return self.path.rpartition("/")[2]


class Tree(Protocol):
    """Where there are folders."""

    def entries(self, folder: str) -> list[Entry]:
        """What lies in a folder; nothing if there is none."""


class StoreTree:
    """The folders of an object store."""

    def __init__(self, store: Store, patience: Patience = PATIENT) -> None:
        self._store = store
        self._patience = patience

    def entries(self, folder: str) -> list[Entry]:
        """Raises Refused, Unavailable. What has the folder's own name is how some tools make it."""
        own = folder.rstrip("/")
        try:
            found = self._patience.tried(lambda: self._store.names(own))
        except NotFound:
            return []
        return [
            Entry(each["name"].rstrip("/").rpartition("/")[2], each["type"] == "directory", int(each["size"] or 0))
            for each in found
            if each["name"].rstrip("/") != own
        ]


class LocalTree:
    """The folders of this machine."""

    def entries(self, folder: str) -> list[Entry]:
        """Raises OSError. A link is what it leads to; whether it may be read is asked when it is."""
        path = Path(folder)
        if not path.is_dir():
            return []
        return [Entry(each.name, each.is_dir(), each.stat().st_size) for each in path.iterdir()]


def matches(tree: Tree, beginning: str, segments: Sequence[str], *, folder: bool) -> list[Match]:
    """The files that an address stands for.

    Args:
        beginning: what comes before the segments: a bucket, or nothing.
        segments: of the path, percent-encoded; a ``*`` stands for any characters of one name.
        folder: whether all files in it are meant, and below it in folders such as ``year=2026``.

    Raises:
        BadData: there are none, or more than ``MOST``, or something that can't be one of them.
        Refused, Unavailable, OSError: as the tree.
    """
    first = next((number for number, segment in enumerate(segments) if "*" in segment), len(segments))
    fixed = "/".join([beginning, *map(unquote, segments[:first])])
    found = sorted(_found(tree, fixed, segments[first:], {}, folder=folder), key=lambda match: match.path)
    if not found:
        raise BadData("there is no Parquet file at its address")
    if len(found) > MOST:
        raise BadData(f"there are more than {MOST:,} files at its address")
    odd = next((match for match in found if match.columns.keys() != found[0].columns.keys()), None)
    if odd:
        raise BadData(
            f"the folders of {found[0].name} and {odd.name} name different columns ({_said(found[0])}; {_said(odd)})"
        )
    return found


def _found(
    tree: Tree, path: str, segments: Sequence[str], columns: Mapping[str, str | None], *, folder: bool
) -> Iterator[Match]:
    if not segments:
        yield from _below(tree, path, columns)
        return
    like = re.compile(".*".join(re.escape(unquote(piece)) for piece in segments[0].split("*")), re.DOTALL)
    for entry in tree.entries(path):
        if not like.fullmatch(entry.name):
            continue
        below = f"{path}/{entry.name}"
        if len(segments) > 1 or folder:
            if entry.is_folder:
                yield from _found(tree, below, segments[1:], {**columns, **_partition(entry.name)}, folder=folder)
        elif entry.is_folder:
            raise BadData(f"{entry.name} is a folder: write / behind the *, or a pattern that files alone are like")
        else:
            yield _file(below, entry, columns)


def _below(tree: Tree, path: str, columns: Mapping[str, str | None]) -> Iterator[Match]:
    for entry in tree.entries(path):
        below = f"{path}/{entry.name}"
        if entry.name.startswith(("_", ".")):  # what Spark and others leave: marks, sums, unfinished files
            continue
        if not entry.is_folder:
            yield _file(below, entry, columns)
        elif more := _partition(entry.name):
            yield from _below(tree, below, {**columns, **more})
        else:
            raise BadData(
                f"{entry.name} is a folder within the folder, and not one such as year=2026: write */ for all"
            )


def _file(path: str, entry: Entry, columns: Mapping[str, str | None]) -> Match:
    if not entry.name.lower().endswith(ENDINGS):
        raise BadData(f"{entry.name} lies there too, and only Parquet can be several files")
    return Match(path, entry.size, columns)


def _partition(name: str) -> dict[str, str | None]:
    if not (found := _PARTITION.fullmatch(name)):
        return {}
    value = unquote(found[2])
    return {unquote(found[1]): None if value == NO_VALUE else value}


def _said(match: Match) -> str:
    return ", ".join(match.columns) or "none"
