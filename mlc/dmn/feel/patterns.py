r"""XPath's regular expressions (DMN 1.5, 10.3.4.3; XQuery and XPath Functions 3.1, 5.6) on RE2, whose time is linear.

A pattern is translated: RE2 has another idea of `.`, `\d`, `\s` and `\w`, and no `\i`, `\c`, blocks, or subtraction
of classes. A back reference is translated only where the group is plain text, which it then repeats; any other is
refused, for no engine can follow it in linear time.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

import re2

from mlc.dmn.errors import FeelError, LimitExceededError

from . import characters
from .characters import Ranges
from .run import Run

#: Longest pattern, in characters.
LONGEST = 2_000
#: Memory for one compiled pattern, in bytes.
MEMORY = 1 << 20
#: Steps of the engine that one call may take: characters times instructions. The worst take about 30 ns each.
WORK = 10_000_000

_QUANTIFIER = re.compile(r"(?:[?*+]|\{\d+(?:,\d*)?\})\??", re.ASCII)
_PLAIN_GROUP = re.compile(r"[^.\\?*+{}()|\[\]^$]*")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", **{char: char for char in "\\|.-^?*+{}()[]$"}}
_BLANK = frozenset(" \t\n\r")


@dataclass(slots=True)
class _Class:
    """What a class holds: ranges, and categories by name, with True for those that are inverted."""

    ranges: list[tuple[int, int]]
    categories: list[tuple[str, bool]]
    inverted: bool = False

    def resolved(self, fold: bool) -> Ranges:
        """All of it as ranges; `fold`: letters in both cases."""
        parts = list(self.ranges)
        for name, inverted in self.categories:
            found = characters.category(name)
            parts += characters.inverted(found) if inverted else found
        ranges = characters.folded(characters.joined(parts)) if fold else characters.joined(parts)
        return characters.inverted(ranges) if self.inverted else ranges

    def text(self) -> str:
        """As RE2 writes it."""
        if not self.ranges and not self.categories:
            return r"[^\x{0}-\x{10FFFF}]"
        parts = [f"\\x{{{low:X}}}-\\x{{{high:X}}}" for low, high in self.ranges]
        parts += [f"\\{'P' if negative else 'p'}{{{name}}}" for name, negative in self.categories]
        return f"[{'^' if self.inverted else ''}{''.join(parts)}]"


def _named(letter: str) -> _Class | None:
    r"""The class of an escape like `\d`; None if there is none."""
    match letter:
        case "d" | "D":
            return _Class([], [("Nd", letter == "D")])
        case "w":
            return _Class([], [(name, False) for name in "LMNS"])
        case "W":
            return _Class([], [(name, False) for name in "PZC"])
    classes = {"s": characters.SPACE, "i": characters.NAME_START, "c": characters.NAME}
    ranges = classes.get(letter.lower())
    if ranges is None:
        return None
    return _Class(list(ranges if letter.islower() else characters.inverted(ranges)), [])


class _Translator:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str, flags: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.any = "(?s:.)" if "s" in flags else r"[^\n\r]"
        self.fold = "i" in flags
        self.open: list[tuple[int, int]] = []  # number, or 0, and place of each group that has begun
        self.groups = 0
        self.plain: dict[int, str] = {}  # the groups that back references can repeat
        self.branches = False

    def wrong(self, why: str) -> FeelError:
        shown = self.pattern if len(self.pattern) <= 80 else self.pattern[:77] + "..."
        return FeelError(f'"{shown}" is not a pattern: {why}')

    def next(self) -> str:
        char = self.pattern[self.at : self.at + 1]
        if not char:
            raise self.wrong("it breaks off")
        self.at += 1
        return char

    def translated(self) -> str:
        """The pattern for RE2. Raises FeelError."""
        parts: list[str] = []
        while self.at < len(self.pattern):
            parts.append(self.atom())
            if parts[-1] in ("(", "(?:", "|"):
                continue
            if match := _QUANTIFIER.match(self.pattern, self.at):
                self.at = match.end()
                parts.append(match.group())
        if self.open:
            raise self.wrong("a group does not end")
        return "".join(parts)

    def atom(self) -> str:  # noqa: PLR0911 - one return for each kind of atom
        """A character, a class, or the beginning or end of a group."""
        char = self.next()
        match char:
            case "(":
                return self.group()
            case ")":
                return self.end_of_group()
            case "[":
                return self.bracket().text()
            case "\\":
                return self.escape()
            case ".":
                return self.any
            case "|":
                self.branches = True
                return char
            case "^" | "$":
                return char
            case "?" | "*" | "+" | "{" | "}" | "]":
                raise self.wrong(f'"{char}" must not stand there; write "\\{char}" for the character')
        return char

    def group(self) -> str:
        if self.pattern.startswith("?", self.at):
            if not self.pattern.startswith("?:", self.at):
                raise self.wrong('a group begins with "(" or "(?:"')
            self.at += 2
            self.open.append((0, self.at))
            return "(?:"
        self.groups += 1
        self.open.append((self.groups, self.at))
        return "("

    def end_of_group(self) -> str:
        if not self.open:
            raise self.wrong('there is a ")" too many')
        number, start = self.open.pop()
        content = self.pattern[start : self.at - 1]
        quantified = _QUANTIFIER.match(self.pattern, self.at)
        if number and not self.open and not quantified and _PLAIN_GROUP.fullmatch(content):
            self.plain[number] = content
        return ")"

    def escape(self) -> str:
        char = self.next()
        if char.isdecimal() and char != "0":
            return self.back_reference(char)
        found = self.escaped_class(char)
        if found is not None:
            return found.text()
        if char not in _ESCAPED:
            raise self.wrong(f'there is no "\\{char}"')
        return f"\\x{{{ord(_ESCAPED[char]):X}}}"

    def back_reference(self, digits: str) -> str:
        while self.pattern[self.at : self.at + 1].isdecimal() and int(digits + self.pattern[self.at]) <= self.groups:
            digits += self.next()
        number = int(digits)
        if number > self.groups or any(number == opened for opened, _ in self.open):
            raise self.wrong(f"there is no group {number} before \\{number}")
        if number not in self.plain or self.branches:
            raise self.wrong(f"the back reference \\{number} is not supported, for its group is not plain text")
        return f"(?:{self.plain[number]})"

    def escaped_class(self, char: str) -> _Class | None:
        if char not in "pP":
            return _named(char)
        match = re.compile(r"\{([\w-]+)\}").match(self.pattern, self.at)
        if match is None:
            raise self.wrong(f'a name in braces must follow "\\{char}"')
        self.at = match.end()
        name, inverted = match[1], char == "P"
        if name.startswith("Is"):
            ranges = characters.block(name[2:])
            return _Class(list(characters.inverted(ranges) if inverted else ranges), [])
        if name not in characters.CATEGORIES:
            raise self.wrong(f'there is no category of characters "{name}"')
        if name == "Cn":  # RE2 does not know the characters that are not assigned
            ranges = characters.category(name)
            return _Class(list(characters.inverted(ranges) if inverted else ranges), [])
        return _Class([], [(name, inverted)])

    def bracket(self) -> _Class:
        """A class, after its opening bracket."""
        inverted = self.pattern.startswith("^", self.at)
        self.at += inverted
        held = _Class([], [], inverted)
        start = self.at
        while not self.pattern.startswith("]", self.at) or self.at == start:
            if self.pattern.startswith("-[", self.at) and self.at > start:
                self.at += 2
                others = self.bracket().resolved(self.fold)
                if self.next() != "]":
                    raise self.wrong("nothing may follow a subtraction")
                return _Class(list(characters.without(held.resolved(self.fold), others)), [])
            self.member(held)
        self.at += 1
        return held

    def member(self, held: _Class) -> None:
        """One character, a range of them, or an escape that stands for several."""
        low = self.character(held)
        if low is None:
            return
        high: int | None = low
        following = self.pattern[self.at + 1 : self.at + 2]
        if self.pattern.startswith("-", self.at) and following not in ("]", "["):
            self.at += 1
            high = self.character(held)
        if high is None or high < low:
            raise self.wrong("a range of characters is the wrong way round")
        held.ranges.append((low, high))

    def character(self, held: _Class) -> int | None:
        """The next character of a class; None for an escape that stands for several, which are put into the class."""
        char = self.next()
        if char == "[":
            raise self.wrong('"[" must not stand in a class; write "\\["')
        if char != "\\":
            return ord(char)
        letter = self.next()
        found = self.escaped_class(letter)
        if found is not None:
            held.ranges += found.ranges
            held.categories += found.categories
            return None
        if letter not in _ESCAPED:
            raise self.wrong(f'there is no "\\{letter}" in a class')
        return ord(_ESCAPED[letter])


@functools.lru_cache(maxsize=64)
def compiled(pattern: str, flags: str) -> re2._Regexp:
    """The pattern, ready to search with. Raises FeelError for one that is not right or too large."""
    if len(pattern) > LONGEST:
        raise FeelError(f"a pattern has {LONGEST:,} characters at most, not {len(pattern):,}")
    unknown = set(flags) - set("smixq")
    if unknown:
        raise FeelError(f'there is no flag "{min(unknown)}"; there are s, m, i, x and q')
    options = re2.Options()
    options.max_mem, options.log_errors = MEMORY, False
    if "q" in flags:
        text = re2.escape(pattern)
    else:
        text = _Translator(_without_blanks(pattern) if "x" in flags else pattern, flags).translated()
    modes = "".join(flag for flag in "im" if flag in flags and not (flag == "m" and "q" in flags))
    try:
        return re2.compile(f"(?{modes}){text}" if modes else text, options)
    except re2.error as error:
        reason: Any = error.args[0]
        raise FeelError(f'"{pattern[:80]}" is not a pattern: {reason.decode(errors="replace")}') from None


def _without_blanks(pattern: str) -> str:
    """What flag x means: white space stands for itself only in classes."""
    kept, depth, escaped = "", 0, False
    for char in pattern:
        if char in _BLANK and not depth:
            continue
        kept += char
        if not escaped and char in "[]":
            depth += 1 if char == "[" else -1
        escaped = char == "\\" and not escaped
    return kept


def prepared(run: Run, pattern: str, flags: str, text: str) -> re2._Regexp:
    """The pattern, after a look at what a search of the text may cost. Raises FeelError and LimitExceededError."""
    expression = compiled(pattern, flags)
    work = len(text) * expression.programsize
    if work > WORK:
        raise LimitExceededError(f"a text of {len(text):,} characters is too long for so large a pattern")
    run.spend(1 + work // 4096)
    run.look_at_the_clock()  # one search may take as long as thousands of steps
    return expression
