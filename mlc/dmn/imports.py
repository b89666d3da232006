"""The files that a file imports (DMN 1.5, 6.3.3), each read once.

An imported file is one that the caller gives, by its namespace or its location, or one beside the importing file: by
the location, if that is a bare file name, else the one that has the namespace. Nothing is fetched from anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from . import elements as dmn
from .document import content, parse, root_of
from .errors import DmnError, Findings, Kind, Place, Problem
from .reader import read

#: Files that one model may be made of.
FILES = 50
#: Files of a folder that are looked into for a namespace.
FOLDER = 500

Source: TypeAlias = str | Path | bytes


@dataclass(slots=True, eq=False)
class File:
    """A file as read, and those that it imports by the names it gives them, which may be empty."""

    definitions: dmn.Definitions
    place: Place
    imports: list[tuple[str, File]] = field(default_factory=list)

    def all(self) -> list[File]:
        """This file and all that it imports directly or through others, each once, imported ones first."""
        found: dict[File, None] = {}

        def visit(file: File) -> None:
            if file not in found:
                for _, other in file.imports:
                    visit(other)
                found[file] = None

        visit(self)
        return list(found)


class _UnusableError(Exception):
    def __init__(self, message: str, kind: Kind = Kind.REFERENCE) -> None:
        super().__init__(message)
        self.kind = kind


class Files:
    """Reads a file with all that it imports. What is wrong with an import is reported to `findings`.

    `given` has files by namespace or location, and `max_bytes` is for all files together.
    """

    def __init__(self, given: Mapping[str, Source], max_bytes: int, findings: Findings) -> None:
        self.given = given
        self.max_bytes = max_bytes
        self.report = findings.report
        self._read: dict[Source, File] = {}
        self._importing: list[File] = []
        self._folders: dict[Path, dict[str, Path]] = {}

    def read(self, source: Source, place: Place) -> File:
        """Raises DmnError when the file cannot be read, OSError as `open` does."""
        key = source if isinstance(source, bytes) else _real(source)
        if key in self._read:
            return self._read[key]
        if len(self._read) == FILES:
            raise DmnError(Problem(Kind.HOSTILE, f"the model is made of more than {FILES} files", place))
        data = content(source, place, self.max_bytes)
        self.max_bytes -= len(data)
        definitions = read(parse(data, place), place)
        file = self._read[key] = File(definitions, place)
        self._importing.append(file)
        folder = None if isinstance(source, bytes) else _real(source).parent
        names: set[str] = set()
        for wanted in definitions.imports:
            here = place.at(line=wanted.line)
            if wanted.name and wanted.name in names:
                self.report(Kind.DUPLICATE, f'two imports have the name "{wanted.name}"', here)
            names.add(wanted.name)
            imported = self._imported(wanted, folder, here)
            if imported is not None:
                file.imports.append((wanted.name, imported))
        self._importing.pop()
        return file

    def _imported(self, wanted: dmn.Import, folder: Path | None, place: Place) -> File | None:
        """The file that an import means; None, and reported, when it cannot be had."""
        label = f'the import "{wanted.name or wanted.namespace}"'
        try:
            source = self._source(wanted, folder)
            file = self.read(source, Place(source.name if isinstance(source, Path) else _name(wanted)))
            self._check(wanted, file)
        except DmnError as error:
            for problem in error.problems:
                self.report(problem.kind, problem.message, problem.place)
        except _UnusableError as error:
            self.report(error.kind, f"{label} {error}", place)
        except OSError as error:
            self.report(Kind.REFERENCE, f"{label} cannot be opened: {error.strerror}", place)
        else:
            return file
        return None

    def _source(self, wanted: dmn.Import, folder: Path | None) -> Source:
        """Where an imported file is. Raises _UnusableError when it is nowhere."""
        if wanted.kind and "DMN" not in wanted.kind.upper():
            raise _UnusableError(f"is of the type {wanted.kind}; only DMN files can be imported", Kind.UNSUPPORTED)
        for key in (wanted.location, wanted.namespace):
            if key and key in self.given:
                source = self.given[key]
                return Path(source) if isinstance(source, str) else source
        if wanted.location and "://" not in wanted.location:
            from urllib.parse import unquote

            name = unquote(wanted.location).removeprefix("./")
            if name in ("", "..") or any(sign in name for sign in "/\\:\0"):
                message = f"is at {wanted.location}; a file is looked for only beside the one that imports it"
                raise _UnusableError(message)
            if folder is not None and (folder / name).is_file():
                return _inside(folder, name)
        if folder is not None and wanted.namespace:
            path = self._namespaces(folder).get(wanted.namespace)
            if path is not None:
                return _inside(folder, path.name)
        where = "beside the file" if folder else "among the files given"
        raise _UnusableError(f"of {_name(wanted)} is not {where}, and is not fetched from elsewhere")

    def _check(self, wanted: dmn.Import, file: File) -> None:
        """Raise _UnusableError when a file imports the one that imports it, or is another one than was wanted."""
        if file in self._importing:
            circle = [*self._importing[self._importing.index(file) :], file]
            path = " -> ".join(str(one.place.file or one.definitions.namespace) for one in circle)
            raise _UnusableError(f"leads back to the file: {path}", Kind.CYCLE)
        if wanted.namespace and file.definitions.namespace != wanted.namespace:
            found = file.definitions.namespace
            raise _UnusableError(f"is of {wanted.namespace}, and the file {file.place} is of {found}")

    def _namespaces(self, folder: Path) -> dict[str, Path]:
        """The files of a folder by their namespaces; the first by name where several have one."""
        if folder not in self._folders:
            found = self._folders[folder] = {}
            for path in sorted([*folder.glob("*.dmn"), *folder.glob("*.xml")])[:FOLDER]:
                root = root_of(path) if path.is_file() else None
                if root is not None:
                    found.setdefault((root.get("namespace") or "").strip(), path)
        return self._folders[folder]


def _real(path: str | Path) -> Path:
    """Where links lead to; for links that lead in a circle, which opening tells, a link."""
    return Path(os.path.realpath(path))


def _inside(folder: Path, name: str) -> Path:
    path = _real(folder / name)
    if path.parent != folder:
        raise _UnusableError(f"is at {name}, which is a link to another folder")
    return path


def _name(wanted: dmn.Import) -> str:
    return wanted.location or wanted.namespace or wanted.name
