"""Differences between two versions of a model's files, as people read them. Pure functions."""

import difflib
import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum

from mlc.model.asset import AssetRole
from mlc.model.base import Record

MOST_COMPARED = 2_000
"""Lines on either side, without those that both begin or end with: comparing more would take too long."""
CONTEXT = 2
NO_END = "\\ No newline at end of file"
DECIDING: dict[str, str] = {
    AssetRole.TEST_RESULT_COMPARATOR: "decision table",
    AssetRole.MODEL_SOURCE: "source",
    AssetRole.MODEL_SCHEMA: "schema",
}
"""What decides about a verdict: by which rules, and what is tested."""


class FileText(Record):
    """A file as it is compared. ``sha256`` is hexadecimal, empty if nobody knows it; ``size`` is in bytes.

    ``lines`` are what people read of it: of a source its lines, of a decision table its columns and rules, of a schema
    its fields. None if there is nothing to read: a picture, say, or a file too large. ``text`` are the lines of the
    file itself where ``lines`` are others.
    """

    name: str
    role: str = ""
    sha256: str = ""
    size: int | None = None
    lines: list[str] | None = None
    text: list[str] | None = None

    @property
    def title(self) -> str:
        """Name and what it is: "thresholds.dmn (decision table)"."""
        what = DECIDING.get(self.role, self.role)
        return f"{self.name} ({what})" if what else self.name

    def described(self) -> str:
        """What tells a file apart that can't be read: its size and its hash."""
        size = "of unknown size" if self.size is None else f"{self.size} bytes"
        return f"{size}, SHA-256 {self.sha256}" if self.sha256 else f"{size}, no hash known"


class How(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNKNOWN = "not comparable"


class FileDifference(Record):
    """How a file differs: ``lines`` as ``diff -u`` writes them, and ``note`` what they don't say, as sentences."""

    title: str
    how: How
    lines: list[str] = []
    note: str = ""


class Since(Record):
    """What changed since an earlier time.

    ``unknown`` is why that can't be shown, the end of a sentence without its point; ``files`` are then told by their
    hashes alone, as far as those are known.
    """

    files: list[FileDifference] = []
    unknown: str = ""


def differences(before: Sequence[FileText], now: Sequence[FileText]) -> list[FileDifference]:
    """How the files of a model differ, by name and role; those that decide about a verdict first."""
    old = {(file.name, file.role): file for file in before}
    new = {(file.name, file.role): file for file in now}
    keys = sorted(old.keys() | new.keys(), key=lambda key: (key[1] not in DECIDING, key))
    found = (difference(old.get(key), new.get(key)) for key in keys)
    return [each for each in found if each is not None]


def difference(before: FileText | None, now: FileText | None) -> FileDifference | None:
    """How a file differs from what it was; None if it doesn't, or there is neither."""
    shown = now or before
    if shown is None or (before and now and before.sha256 and before.sha256 == now.sha256):
        return None
    if before is None or now is None:
        how = How.ADDED if before is None else How.REMOVED
        sign = "+" if before is None else "-"
        lines = [f"{sign}{visible(line)}" for line in shown.lines or []]
        return FileDifference(title=shown.title, how=how, lines=lines, note="" if lines else f"{shown.described()}.")
    if before.lines is None or now.lines is None:
        unknown = not before.sha256 or not now.sha256
        note = f"It can't be shown as text. Before: {before.described()}. Now: {now.described()}."
        return FileDifference(title=shown.title, how=How.UNKNOWN if unknown else How.CHANGED, note=note)
    return _of_texts(shown.title, before, now)


def _of_texts(title: str, before: FileText, now: FileText) -> FileDifference | None:
    lines, note = unified(before.lines or [], now.lines or [])
    if lines or note:
        return FileDifference(title=title, how=How.CHANGED, lines=lines, note=note)
    if before.text is not None and now.text is not None:
        # Nothing that people read differs, and something else does: what, they shall judge by themselves.
        lines, note = unified(before.text, now.text)
        if lines or note:
            said = f"None of its columns, rules and fields changed, but the file did. {note}".strip()
            return FileDifference(title=title, how=How.CHANGED, lines=lines, note=said)
    if before.sha256 != now.sha256 and before.sha256 and now.sha256:
        return FileDifference(title=title, how=How.CHANGED, note="Its bytes changed, and nothing that can be read.")
    return None


def unified(before: Sequence[str], now: Sequence[str]) -> tuple[list[str], str]:
    """The lines of ``diff -u`` without its head, and a sentence where they can't be told."""
    if list(before) == list(now):
        return [], ""
    start = _same(before, now)
    end = _same(before[start:][::-1], now[start:][::-1])
    longest = max(len(before), len(now)) - start - end
    if longest > MOST_COMPARED:
        return [], f"Too many lines changed to be compared: {longest}, from line {start + 1} on."
    first, last = max(0, start - CONTEXT), max(0, end - CONTEXT)
    old, new = before[first : len(before) - last], now[first : len(now) - last]
    found = difflib.unified_diff(old, new, lineterm="", n=CONTEXT)
    return [_numbered(line, first) for line in list(found)[2:]], ""


def _same(before: Sequence[str], now: Sequence[str]) -> int:
    """How many lines both begin with."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((place for place, (old, new) in pairs if old != new), min(len(before), len(now)))


def _numbered(line: str, skipped: int) -> str:
    """A line of ``difflib``'s; the numbers in a head are those of the whole file."""
    if not line.startswith("@@ "):
        return line[:1] + visible(line[1:])
    _, old, new, _ = line.split(" ", 3)
    return f"@@ {_shifted(old, skipped)} {_shifted(new, skipped)} @@"


def _shifted(part: str, skipped: int) -> str:
    number, comma, count = part[1:].partition(",")
    return f"{part[0]}{int(number) + skipped}{comma}{count}"


def lines_of(content: bytes) -> list[str] | None:
    """The lines of a text; None if it is none. That its last line has no end is a line of its own."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    *lines, last = text.split("\n")
    return [*lines, last, NO_END] if last else lines


def visible(line: str) -> str:
    """A line in which nothing is hidden: what can't be seen, or turns the order of reading, is its number."""
    return "".join(_seen(line))


def _seen(line: str) -> Iterator[str]:
    for character in line:
        if character == "\t":
            yield "⇥   "
        elif character != " " and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
            yield f"\\u{ord(character):04x}"
        else:
            yield character
