"""Files that a job reads and writes: kept in the model centre, or at an address that the settings allow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import Field, model_validator

from mlc.model.base import Input, Record
from mlc.model.hosts import hosts
from mlc.model.location import STORES, BadAddress, Location
from mlc.model.places import HTTP, WHERE, hosts_of, roots_of, stores_of, without_scheme

FileFormat = Literal["CSV", "JSON", "PARQUET", "ARROW"]
_ADDRESS = "Address: file:, http:, https:, or of a connection (s3+NAME:, gcs+NAME:, azure+NAME:, sql+NAME:, http+NAME:)"
_PLACES, _LONGEST_PLACE = 5, 200
"""How many places a sentence names, and how much of one."""
_FORMAT = "CSV, JSON (also JSON lines), PARQUET or ARROW; unset: by its name"


class InputFile(Input):
    """A file to read: ``{"asset_id": "..."}`` of one that the model centre keeps, or ``{"url": "file:///..."}``.

    An address that ends in ``/``, or holds ``*``, stands for several files of Parquet. One of a database goes with a
    ``query``, whose ``:names`` are ``parameters``.
    """

    asset_id: str | None = Field(None, min_length=1, max_length=200, description="Id of an asset in the model centre")
    url: str | None = Field(None, min_length=1, max_length=1000, description=_ADDRESS)
    filename: str = Field("", max_length=255, description="Its name; its ending tells the format too")
    file_format: FileFormat | None = Field(None, description=_FORMAT)
    query: str | None = Field(None, min_length=1, max_length=8000, description="SQL: one statement that only reads")
    parameters: dict[str, Any] = Field({}, max_length=50, description="Values of the query's :names")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.asset_id is None) == (self.url is None):
            raise ValueError("either asset_id or url, and not both, tells where the file is")
        if (self.url or "").lower().startswith("sql+") != (self.query is not None):
            raise ValueError("a query and the address of a database (sql+NAME:) belong together")
        if self.parameters and self.query is None:
            raise ValueError("parameters are those of a query")
        return self


class OutputFile(Input):
    """A file to write: to ``url``, or, without one, embedded in the job under ``filename``.

    ``asset_id`` is of an asset that the model centre keeps and only its own runtimes can write to.
    """

    asset_id: str | None = Field(None, min_length=1, max_length=200, description="Id of an asset in the model centre")
    url: str | None = Field(None, min_length=1, max_length=1000, description=_ADDRESS)
    filename: str = Field("", max_length=255, description="Its name; its ending tells the format too")
    file_format: FileFormat | None = Field(None, description=f"{_FORMAT}, else JSON lines")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.asset_id is not None and self.url is not None:
            raise ValueError("not both asset_id and url can tell where the file goes")
        return self


class FileRules(Record):
    """Which addresses may be read and written; none by default.

    ``read`` and ``write`` are places as ``MLC_FILE_READ`` and ``MLC_FILE_WRITE`` have them (:mod:`mlc.model.places`).
    Below ``root``, and on ``hosts``, both is allowed. Checked where an address comes in and once more where it is used.
    """

    root: Path | None = None
    hosts: Sequence[str] = ()
    read: Sequence[str] = ()
    write: Sequence[str] = ()

    def problem(self, url: str, *, write: bool = False) -> str | None:
        """Why an address may not be read (or written), and what to do, in a sentence; None if it may.

        The sentence repeats an address of a connection alone, and that if it holds no secret.
        """
        try:
            if (location := Location.parse(url)) is not None:
                return self._of_a_connection(location, write=write)
            parts = urlsplit(url)
            port = parts.port
        except BadAddress as error:
            return f"{error}."
        except ValueError:
            return "the address can't be read: write file:///folder/file.csv or https://host/file.csv."
        match parts.scheme.lower():
            case "file":
                return self._of_a_file(url, write=write)
            case scheme if scheme in HTTP:
                return self._of_a_host(parts, port, write=write)
            case scheme:
                return without_scheme(scheme)

    def allowed_hosts(self, *, write: bool) -> tuple[str, ...]:
        """Hosts that may be read from, or written to, as :mod:`mlc.model.hosts` reads them."""
        return (*self.hosts, *hosts_of(self._places(write=write)))

    def path(self, url: str, *, write: bool = False) -> Path | None:
        """The path of a ``file:`` address, links followed, if it lies below a folder that may be read (or written)."""
        parts = urlsplit(url)
        if parts.scheme.lower() != "file" or parts.netloc not in {"", "localhost"}:
            return None
        return self.resolved(Path(unquote(parts.path)), write=write)

    def resolved(self, path: Path, *, write: bool = False) -> Path | None:
        """A path, links followed, if it lies below a folder that may be read (or written)."""
        own = [self.root] if self.root is not None else []
        for root in (*own, *roots_of(self._places(write=write))):
            try:
                found, resolved_root = path.resolve(), root.resolve()
            except (OSError, ValueError, RuntimeError):  # a null character, or links that go round in a circle
                continue
            if found.is_relative_to(resolved_root) and _reachable(found):
                return found
        return None

    def obstacle(self, url: str) -> str | None:
        """Why what lies at a ``file:`` address can't be a job's file, in such a sentence; None if it can be one.

        For whoever judges an address before a job has it. What isn't here may be on the runtime's disk.
        """
        path = self.path(url) or self.path(url, write=True)
        try:
            ordinary = path is None or not path.exists() or path.is_file() or (url.endswith("/") and path.is_dir())
        except OSError:
            return None
        return (
            None
            if ordinary
            else "what lies at the address is a folder, a pipe or a device: give the address of a file, or of a folder "
            "of Parquet with / at its end."
        )

    def _places(self, *, write: bool) -> Sequence[str]:
        return self.write if write else self.read

    def _of_a_host(self, parts: SplitResult, port: int | None, *, write: bool) -> str | None:
        if parts.username or parts.password or parts.query or parts.fragment:
            return (
                "the address holds more than a host and a path, and what follows may be a secret: put the file "
                "where it can be had without one, or embed it."
            )
        host = parts.hostname or ""
        if hosts(self.allowed_hosts(write=write)).names(host, port):
            return None
        both = f"add it to {WHERE[write]} (or to MLC_FILE_HOSTS, for both)"
        return f"the host {host[:100]!r} is not allowed: {both}, or embed the file."

    def _of_a_connection(self, location: Location, *, write: bool) -> str | None:
        if write and location.kind == "sql":
            return "a database is only read: give the output the address of a file."
        if location.several and (write or location.kind not in STORES):
            return "this address is a folder's or holds *, and one file is wanted: give it a name."
        if location.kind != "sql" and not location.segments:
            return "the address names no file: write its path after the bucket."
        places = list(stores_of(self._places(write=write)))
        return None if any(location.lies_in(place) for place in places) else _not_among(location, places, WHERE[write])

    def _of_a_file(self, url: str, *, write: bool) -> str | None:
        if write and is_several(url):
            return "an output is one file, and this address is a folder's or holds *: give it a name."
        if self.path(url, write=write) is not None:
            return None
        some = self.root is not None or any(roots_of(self._places(write=write)))
        allowed = f"only files below {WHERE[write]} and MLC_FILE_ROOT are" if some else "no folder is"
        return (
            f"{allowed} allowed for file: addresses: add the folder that holds it to {WHERE[write]} (or set "
            "MLC_FILE_ROOT to it, for both), or embed the file."
        )


def _not_among(location: Location, places: Sequence[Location], where: str) -> str:
    """What to say of a place that is none of those that ``where`` allows, or in one of them."""
    names = {(place.kind, place.connection) for place in places}
    allowed = ", ".join(str(place)[:_LONGEST_PLACE] for place in places[:_PLACES]) + (
        f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
    )
    says = f"{where} allows {allowed}" if places else f"{where} allows no place of a connection"
    if places and (location.kind, location.connection) not in names:
        named = f"{location.kind}+{location.connection}:"
        return (
            f"no connection of the name {named!r} is allowed: {says}. Is the name right? Else add what is meant there."
        )
    return (
        f"the place {str(location)[:_LONGEST_PLACE]!r} is not allowed: {says}. Add it, or what of it is meant, there."
    )


def is_several(url: str) -> bool:
    """Whether an address stands for a folder, or for all files whose names are like it."""
    path = urlsplit(url).path
    return path.endswith("/") or "*" in path


def _reachable(path: Path) -> bool:
    """Whether a path may lead somewhere; where it ends in the open, or behind a door, is said when it is opened."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return True
    except (OSError, ValueError):  # links that go round in a circle, which not every Python resolves with an error
        return False
    return True
