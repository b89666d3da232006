"""The releases that there were: ``RELEASES`` at the top of the repository, one a line, the oldest first."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FILE = "RELEASES"

_VERSION = re.compile(r"(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, order=True)
class Version:
    """A release's version, three numbers; versions compare as releases follow each other."""

    major: int
    minor: int
    patch: int

    @classmethod
    def read(cls, text: str) -> "Version":
        """A version as text.

        Raises:
            ValueError: it isn't three numbers with dots between them.
        """
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:40]!r} is no version: three numbers are expected, such as 0.2.0")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Release:
    """A version that is out, and the full hash of the commit that it was made from."""

    version: Version
    commit: str


def releases(root: Path = ROOT) -> list[Release]:
    """The releases that there were, the oldest first.

    Raises:
        ValueError: the file is missing, or a line of it is not a version and a commit, in order.
    """
    file = root / FILE
    if not file.is_file():
        raise ValueError(f"{FILE} is missing: it names every release's version and commit")
    return read_releases(file.read_text())


def read_releases(text: str) -> list[Release]:
    """The same from the file's text.

    Raises:
        ValueError: a line is not a version and a commit, or its version isn't above the one before.
    """
    found: list[Release] = []
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split(" ")
        if len(parts) != 2 or not _COMMIT.fullmatch(parts[1]):
            raise ValueError(f"{FILE}, line {number}: a version and the full hash of its commit are expected")
        release = Release(Version.read(parts[0]), parts[1])
        if found and release.version <= found[-1].version:
            raise ValueError(f"{FILE}, line {number}: {release.version} does not come after {found[-1].version}")
        found.append(release)
    if not found:
        raise ValueError(f"{FILE} is empty: it names every release's version and commit")
    return found
