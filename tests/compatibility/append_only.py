"""Append only: the histories and the record that a release has left stay as they are, byte for byte, for ever."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.compatibility.histories import SUMS, WHERE, folders, read_sums, sha256
from tests.compatibility.releases import FILE, Release, Version, releases

FROZEN = PurePosixPath("tests/compatibility/frozen")
"""The records of what releases promised; the one of the release to come changes with the code."""
NEXT = "next.json"

_WHERE = PurePosixPath(WHERE.as_posix())

MAIN = ("origin/main", "main")
"""Branches whose common commit with what is checked out is compared with it, if they are there."""


@dataclass
class Findings:
    """What is wrong, and what could not be looked at; each a sentence."""

    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class NoGit(Exception):
    """There is no repository to ask, or it doesn't know the commit."""


def check(root: Path) -> Findings:
    """Judge the saved histories below ``root``: the sums of each folder, then what git knows of earlier commits."""
    findings = Findings()
    try:
        found, released = folders(root), releases(root)
    except (ValueError, OSError) as error:
        findings.errors.append(f"{error}.")
        return findings
    if not found:
        findings.errors.append(f"{WHERE} holds no folder of histories.")
    for stray in sorted(path.name for path in (root / WHERE).iterdir() if not path.is_dir()):
        findings.errors.append(f"{WHERE}/{stray} lies in no release's folder.")
    for _, folder in found:
        findings.errors += _sums(folder)
    _compare(root, released, findings)
    return findings


def _sums(folder: Path) -> Iterator[str]:
    """What in a folder isn't as its ``SHA256SUMS`` says."""
    try:
        sums = read_sums(folder)
    except ValueError as error:
        yield f"{error}."
        return
    there = {path.name for path in folder.iterdir()} - {SUMS}
    for name in sorted(sums.keys() | there):
        place = f"{WHERE}/{folder.name}/{name}"
        if name not in there:
            yield f"{place} is listed in {SUMS} and missing."
        elif name not in sums:
            yield f"{place} is not listed in {SUMS}."
        elif not (folder / name).is_file():
            yield f"{place} is no file."
        elif not name.endswith(".json"):
            yield f"{place} is no history: their names end in .json."
        elif sha256(folder / name) != sums[name]:
            yield f"{place} was changed: its hash is not the one in {SUMS}."


def _compare(root: Path, released: list[Release], findings: Findings) -> None:
    """With the commits from which this one comes: the main branch's, and each release's."""
    try:
        if Path(_git(root, "rev-parse", "--show-toplevel").strip()).resolve() != root.resolve():
            raise NoGit
        now = _blobs_here(root)
    except NoGit:
        findings.notes.append("There is no git repository here: only the sums were checked.")
        return
    bases = {}
    for branch in MAIN:
        try:
            bases[_git(root, "merge-base", "HEAD", branch).strip()] = branch
        except NoGit:
            continue
    if not bases:
        findings.notes.append(f"Neither {' nor '.join(MAIN)} has a commit in common with this one: not compared.")
    for commit, branch in bases.items():
        findings.errors += _lost(_blobs(root, commit), now, f"at the commit in common with {branch} ({commit[:10]})")
        findings.errors += _rewritten(root, commit, released)
    for release in released:
        try:
            then = _blobs(root, release.commit)
        except NoGit:
            findings.notes.append(f"The commit of {release.version} is not in this clone: not compared.")
            continue
        findings.errors += _lost(then, now, f"in release {release.version}")
        findings.errors += _added(release.version, then, now)


def _lost(then: dict[PurePosixPath, str], now: dict[PurePosixPath, str], when: str) -> Iterator[str]:
    """Histories that were there and are changed or gone. Until 0.1.0 they lay in no folder: those may lie in any."""
    anywhere = {(path.name, blob) for path, blob in now.items()}
    for path, blob in then.items():
        kept = (path.name, blob) in anywhere if path.parent == _WHERE else now.get(path) == blob
        if not kept:
            yield f"{path}, which was there {when}, was changed or removed: what a release has left is append only."


def _added(version: Version, then: dict[PurePosixPath, str], now: dict[PurePosixPath, str]) -> Iterator[str]:
    """Histories in a release's folder that the release did not have: other code has made them."""
    names = {path.name for path in then}
    for path in now:
        if path.parent == _WHERE / str(version) and path.name not in names:
            yield f"{path} was added after release {version}: save it in the folder of the release to come."


def _rewritten(root: Path, commit: str, released: list[Release]) -> Iterator[str]:
    """``RELEASES`` is append only, too."""
    try:
        then = _git(root, "show", f"{commit}:{FILE}")
    except NoGit:  # there was none yet
        return
    now = "".join(f"{release.version} {release.commit}\n" for release in released)
    if not now.startswith(then):
        yield f"{FILE}: a line that was there at {commit[:10]} was changed or removed."


def _blobs(root: Path, commit: str) -> dict[PurePosixPath, str]:
    """The histories and records of a commit, and git's hash of each."""
    listed = _git(root, "ls-tree", "-r", "-z", commit, "--", str(_WHERE), str(FROZEN)).split("\0")
    entries = (line.split("\t", 1) for line in listed if line)
    blobs = {PurePosixPath(path): about.split()[2] for about, path in entries}
    return {path: blob for path, blob in blobs.items() if path.suffix == ".json" and path != FROZEN / NEXT}


def _blobs_here(root: Path) -> dict[PurePosixPath, str]:
    """The same of what lies here now, committed or not."""
    found = (path for where in (_WHERE, FROZEN) for path in (root / where).rglob("*.json") if path.is_file())
    files = sorted(path.relative_to(root).as_posix() for path in found)
    hashes = _git(root, "hash-object", "--no-filters", "--stdin-paths", input="".join(f"{file}\n" for file in files))
    return {PurePosixPath(file): blob for file, blob in zip(files, hashes.split(), strict=True)}


def _git(root: Path, *arguments: str, input: str | None = None) -> str:  # noqa: A002  # as subprocess calls it
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], input=input, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoGit from error
    return done.stdout
