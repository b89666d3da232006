"""Files that a job reads and writes: kept in the model centre, or at an address that the settings allow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, model_validator

from mlc.model.base import Input, Record
from mlc.model.hosts import hosts

FileFormat = Literal["CSV", "JSON"]


class InputFile(Input):
    """A file to read: ``{"asset_id": "..."}`` of one that the model centre keeps, or ``{"url": "file:///..."}``."""

    asset_id: str | None = Field(None, min_length=1, max_length=200, description="Id of an asset in the model centre")
    url: str | None = Field(None, min_length=1, max_length=1000, description="Address: file:, http: or https:")
    filename: str = Field("", max_length=255, description="Its name; its ending tells the format too")
    file_format: FileFormat | None = Field(None, description="CSV or JSON (also JSON lines); unset: by its name")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.asset_id is None) == (self.url is None):
            raise ValueError("either asset_id or url, and not both, tells where the file is")
        return self


class OutputFile(Input):
    """A file to write: to ``url``, or, without one, embedded in the job under ``filename``.

    ``asset_id`` is of an asset that the model centre keeps and only its own runtimes can write to.
    """

    asset_id: str | None = Field(None, min_length=1, max_length=200, description="Id of an asset in the model centre")
    url: str | None = Field(None, min_length=1, max_length=1000, description="Address: file:, http: or https:")
    filename: str = Field("", max_length=255, description="Its name; its ending tells the format too")
    file_format: FileFormat | None = Field(None, description="CSV or JSON (JSON lines); unset: by its name, else JSON")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.asset_id is not None and self.url is not None:
            raise ValueError("not both asset_id and url can tell where the file goes")
        return self


class FileRules(Record):
    """Which addresses may be read and written: files below ``root``, http(s) on ``hosts`` (:mod:`mlc.model.hosts`).

    Neither by default. Checked where an address comes in and once more where it is used.
    """

    root: Path | None = None
    hosts: Sequence[str] = ()

    def problem(self, url: str) -> str | None:
        """Why an address may not be used, and what to do instead, in a sentence without the address; None if it may."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return "the address can't be read: write file:///folder/file.csv or https://host/file.csv."
        match parts.scheme.lower():
            case "file":
                return None if self.path(url) is not None else self._elsewhere()
            case "http" | "https":
                if parts.username or parts.password or parts.query or parts.fragment:
                    return (
                        "the address holds more than a host and a path, and what follows may be a secret: put the file "
                        "where it can be had without one, or embed it."
                    )
                if hosts(tuple(self.hosts)).names(host, port):
                    return None
                return f"the host {host[:100]!r} is not allowed: add it to MLC_FILE_HOSTS, or embed the file."
            case scheme:
                named = f"{scheme[:20]!r} addresses are" if scheme else "an address without a scheme is"
                return f"{named} not supported: embed the file, or use a file:, http: or https: address."

    def path(self, url: str) -> Path | None:
        """The path of a ``file:`` address, links followed, if it lies below ``root``."""
        parts = urlsplit(url)
        if self.root is None or parts.scheme.lower() != "file" or parts.netloc not in {"", "localhost"}:
            return None
        try:
            path, root = Path(unquote(parts.path)).resolve(), self.root.resolve()
        except (OSError, ValueError, RuntimeError):  # a null character, or links that go round in a circle
            return None
        return path if path.is_relative_to(root) and _reachable(path) else None

    def obstacle(self, url: str) -> str | None:
        """Why what lies at a ``file:`` address can't be a job's file, in such a sentence; None if it can be one.

        For whoever judges an address before a job has it. What isn't here may be on the runtime's disk.
        """
        path = self.path(url)
        try:
            ordinary = path is None or not path.exists() or path.is_file()
        except OSError:
            return None
        return (
            None
            if ordinary
            else "what lies at the address is a folder, a pipe or a device: give the address of a file."
        )

    def _elsewhere(self) -> str:
        allowed = "no folder is" if self.root is None else "only files below MLC_FILE_ROOT are"
        return (
            f"{allowed} allowed for file: addresses: set MLC_FILE_ROOT to the folder that holds it, or embed the file."
        )


def _reachable(path: Path) -> bool:
    """Whether a path may lead somewhere; where it ends in the open, or behind a door, is said when it is opened."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return True
    except (OSError, ValueError):  # links that go round in a circle, which not every Python resolves with an error
        return False
    return True
