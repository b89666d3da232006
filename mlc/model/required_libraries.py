"""What a model's ``requirements.txt`` asks for, line by line, and why a line is refused.

Only packages of an index are asked for, by name. What pip would do beyond that on a line's word (another index, another
file, an address, a folder, a variable of its environment) is refused, and pip never sees the text itself: it is given
what was understood here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from mlc.model.failure import MlcError

MOST_LINES, MOST_REQUIREMENTS, MOST_PROBLEMS = 20_000, 1_000, 10
LONGEST = 1_000
"""Characters of a requirement, its hashes apart."""
SHOWN = 60

_COMMENT = re.compile(r"(^|\s+)#.*$")
_OPTION = re.compile(r"(?:^|\s)(-.*)$")
_HASH = re.compile(r"--hash(?:=|\s+)(\S+)(?:\s+|$)")
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:|://")
_VERSION_CONTROL = re.compile(r"(?:^|@\s*)(?:git|hg|svn|bzr)\+", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:whl|zip|egg|tar|tgz|tbz|txz|tlz|tar\.(?:gz|bz2|xz|lz|lzma))$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:(?:[\\/]|$)")
_ARBITRARY = re.compile(r"===\s*([^\s,;]*)")
_PLAIN = re.compile(r"[A-Za-z0-9_.+!-]+")
_INSTEAD = {
    "-r": "write here what that file asks for",
    "-c": "write the versions that are meant here",
    "-e": "write the package's name and version",
    "--pre": "name a pre-release to let pre-releases in, such as library>=2.0rc1",
}
_LONG = {"--requirement": "-r", "--constraint": "-c", "--editable": "-e"}


class RequirementsFile(NamedTuple):
    """A ``requirements.txt`` by its name."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Required:
    """One thing that is asked for: a package of an index, or a folder or archive of the model's own at ``path``.

    ``hashes`` are those that its archive may have, as pip writes them: ``sha256:...``.
    """

    requirement: Requirement | None
    hashes: tuple[str, ...] = ()
    path: PurePosixPath | None = None

    @property
    def applies(self) -> bool:
        """Whether its marker is true for this interpreter, or it has none."""
        marker = self.requirement.marker if self.requirement else None
        return marker is None or marker.evaluate()

    def __str__(self) -> str:
        """As a line for pip, without its marker: only what applies is asked for."""
        if self.requirement is None:
            return str(self.path)
        wanted = self.requirement
        extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
        return " ".join([f"{wanted.name}{extras}{wanted.specifier}", *(f"--hash={each}" for each in self.hashes)])


@dataclass
class Requirements:
    """What requirements files ask for, in their order. ``problems`` are sentences: with any, nothing is installed."""

    wanted: list[Required] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _LineRefused(MlcError):
    """Why a line is; the end of a sentence, and what to do."""


def read_requirements(files: Iterable[RequirementsFile], *, own_files: bool = False) -> Requirements:
    """Read requirements files.

    Args:
        own_files: paths of the model's own folders and archives are let through, as ``Required.path``.
    """
    found = Requirements()
    for name, content in files:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            found.problems.append(f"{name} is not UTF-8 text: save it so.")
            continue
        lines = text.splitlines()
        if len(lines) > MOST_LINES:
            found.problems.append(f"{name} has {len(lines):,} lines, more than {MOST_LINES:,}: shorten it.")
            continue
        for number, line in _joined(lines):
            try:
                found.wanted.append(_read(line, own_files))
            except _LineRefused as refused:
                found.problems.append(f"{name}, line {number}: {refused}")
    if len(found.wanted) > MOST_REQUIREMENTS:
        found.problems.append(
            f"{len(found.wanted):,} packages are required, more than {MOST_REQUIREMENTS:,}: leave those out "
            "that others bring along."
        )
    if (more := len(found.problems) - MOST_PROBLEMS) > 0:
        found.problems[MOST_PROBLEMS:] = [f"{more:,} more lines are refused."]
    return found


def _joined(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines with something on them but comments, each with its first one's number, joined as pip joins them."""
    first, parts = 0, list[str]()
    for number, line in enumerate(lines, 1):
        comment = _COMMENT.match(line)
        goes_on = line.endswith("\\") and not comment
        first = first if parts else number
        parts.append(line.strip("\\") if goes_on else f" {line}" if comment else line)
        if goes_on and number < len(lines):
            continue
        whole, parts = "".join(parts), []
        if text := _COMMENT.sub("", whole).strip():
            yield first, text


def _read(line: str, own_files: bool) -> Required:
    if "${" in line:
        raise _LineRefused("${...} is not replaced by a variable of the runtime's: write what is meant.")
    text, hashes = _without_hashes(line)
    if len(text) > LONGEST:
        raise _LineRefused(f"it is longer than {LONGEST:,} characters: shorten it.")
    if option := _OPTION.search(text):
        raise _LineRefused(_on_option(option[1]))
    if not text:
        raise _LineRefused("a hash belongs behind its package, on the same line: join them by a \\ at the line's end.")
    _check_address(text)
    before_marker = text.partition(";")[0].strip()
    if _is_path(before_marker):
        return Required(None, (), _own_path(text, hashes, own_files))
    try:
        requirement = Requirement(text)
        if requirement.url:
            raise _LineRefused(_on_address(requirement.name))
        for version in _ARBITRARY.findall(str(requirement.specifier)):
            if not _PLAIN.fullmatch(version):
                raise InvalidRequirement
        required = Required(requirement, hashes)
        _ = required.applies
    except (UndefinedEnvironmentName, UndefinedComparison, KeyError):
        raise _LineRefused(
            "its marker (what follows the ;) asks for something that is not known here: mend it."
        ) from None
    except (ValueError, RecursionError):  # InvalidRequirement is a ValueError
        raise _LineRefused(
            f"{_shown(text)} is no requirement: write a package's name and versions, such as library>=1.2,<2."
        ) from None
    return required


def _without_hashes(line: str) -> tuple[str, tuple[str, ...]]:
    place = re.search(r"(?:^|\s)--hash(?=[=\s]|$)", line)
    if place is None:
        return line, ()
    text, rest, hashes = line[: place.start()].strip(), line[place.start() :].strip(), []
    while match := _HASH.match(rest):
        kind, _, digits = match[1].partition(":")
        if _DIGITS.get(kind) != len(digits) or not re.fullmatch("[0-9a-fA-F]+", digits):
            break
        hashes.append(f"{kind}:{digits.lower()}")
        rest = rest[match.end() :]
    if rest.startswith("--hash"):
        raise _LineRefused("its hash is none: write --hash=sha256: and 64 hexadecimal digits (or sha384, sha512).")
    if rest:
        raise _LineRefused(_on_option(rest) if rest.startswith("-") else "nothing can follow its hash but another one.")
    return text, tuple(hashes)


def _on_option(text: str) -> str:
    match = re.match(r"--[A-Za-z0-9-]*|-[A-Za-z]?", text)
    name = match[0] if match else "-"
    instead = _INSTEAD.get(_LONG.get(name, name), "which index is asked, and how, the runtime's operator says")
    return f"the option {name[:SHOWN]} is refused: {instead}. Take the option out."


def _check_address(text: str) -> None:
    if _VERSION_CONTROL.search(text):
        raise _LineRefused(
            "what lies in version control is not installed: write the package's name and version, and put it into the "
            "runtime's package index."
        )
    if _ADDRESS.search(text.partition(";")[0]) and not _DRIVE.match(text):
        name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\]\s*)?@", text)
        raise _LineRefused(_on_address(name[1] if name else ""))


def _on_address(name: str) -> str:
    what = f"{name[:SHOWN]} at an address" if name else "what lies at an address"
    return (
        f"{what} is not installed: write the package's name and version, and put it into the runtime's package index."
    )


def _is_path(text: str) -> bool:
    named = text.partition("[")[0] if text.endswith("]") else text
    return bool(
        named.startswith((".", "~"))
        or "\\" in text
        or (("/" in text) and "@" not in text)
        or _DRIVE.match(text)
        or _ARCHIVE.search(named)
    )


def _own_path(text: str, hashes: tuple[str, ...], own_files: bool) -> PurePosixPath:
    if not own_files:
        raise _LineRefused(
            f"{_shown(text)} is a path, from which nothing is installed: write the package's name and version, and "
            "put it into the runtime's package index; or let the runtime build packages "
            "(MLC_RUNTIME_SOURCE_BUILDS=true)."
        )
    path = PurePosixPath(text)
    if hashes or ";" in text or "[" in text:
        raise _LineRefused(f"{_shown(text)}: a path stands alone, without extras, markers and hashes.")
    if path.is_absolute() or ".." in path.parts or "\\" in text or text.startswith("~") or _DRIVE.match(text):
        raise _LineRefused(f"{_shown(text)} is not in the model's own folder: write a path in it, such as ./library.")
    return path


def _shown(text: str) -> str:
    """What can be shown of a line: nothing where it may hold a password."""
    if "@" in text or "//" in text:
        return "this"
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}[...]")
