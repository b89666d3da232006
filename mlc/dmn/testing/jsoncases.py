"""Cases in JSON: a list of objects, or one object after another (JSON Lines), read case by case."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, DecimalException
from typing import Any, TextIO

from .case import Case, CasesError, case_of

#: Characters that are read at once, and those that one case may have.
CHUNK, MOST = 64 * 1024, 16 * 1024 * 1024
_SPACE = " \t\n\r"


def json_cases(stream: TextIO, file: str, head: str = "") -> Iterator[Case]:
    """The cases of a file, of which `head` has been read. Raises CasesError where it can be read no further."""
    reader = _Reader(stream, file)
    reader.text = head
    first = reader.peek()
    if first == "[":
        reader.position += 1
        yield from _items(reader)
    elif first == "{":
        while reader.peek():
            yield reader.case()
    elif first:
        raise reader.error("cases are a list of objects: [{...}]")


def _items(reader: _Reader) -> Iterator[Case]:
    if reader.peek() != "]":
        yield reader.case()
        while reader.peek() == ",":
            reader.position += 1
            yield reader.case()
    if reader.peek() != "]":
        raise reader.error("a comma or the end of the list, ], is missing")
    reader.position += 1
    if reader.peek():
        raise reader.error("there is more behind the end of the list")


class _Reader:
    """Takes one value after another from a stream, of which no more than a case and a chunk is kept."""

    def __init__(self, stream: TextIO, file: str) -> None:
        self.stream, self.file = stream, file
        self.text, self.position, self.number = "", 0, 0
        self.lines, self.counted, self.forgotten = 1, 0, 0
        self.ended = False
        self.defects: list[str] = []
        self.decoder = json.JSONDecoder(
            parse_float=self.digits,
            parse_int=self.digits,
            parse_constant=self.constant,
            object_pairs_hook=self.members,
        )

    def fill(self, size: int = CHUNK) -> None:
        """Read on; what has been taken is forgotten."""
        read = self.stream.read(size)
        self.ended = not read
        self.line()
        newline = self.text.rfind("\n", 0, self.position)
        self.forgotten = self.position - newline - 1 if newline >= 0 else self.forgotten + self.position
        self.text, self.position, self.counted = self.text[self.position :] + read, 0, 0

    def line(self) -> int:
        """The line of the position."""
        self.lines += self.text.count("\n", self.counted, self.position)
        self.counted = self.position
        return self.lines

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self.position < len(self.text) and self.text[self.position] in _SPACE:
                self.position += 1
            if self.position < len(self.text) or self.ended:
                return self.text[self.position : self.position + 1]
            self.fill()

    def case(self) -> Case:
        """The next value as a case."""
        self.peek()
        self.number += 1
        line = self.line()
        while True:
            self.defects.clear()
            try:
                raw, self.position = self.decoder.raw_decode(self.text, self.position)
            except json.JSONDecodeError as error:
                unread = len(self.text) - self.position
                if self.ended or unread > MOST:
                    raise self.wrong(error, unread) from None
                self.fill(max(CHUNK, 3 * unread))  # what has been read is read again
            except RecursionError:
                raise self.error(f"case {self.number} is nested too deep") from None
            else:
                return case_of(raw, (self.file, line, self.number), self.defects)

    def wrong(self, error: json.JSONDecodeError, unread: int) -> CasesError:
        if unread > MOST:
            return self.error(f"case {self.number} does not end within {MOST:,} characters: {error.msg}")
        self.position = min(error.pos, len(self.text))
        return self.error(f"case {self.number} is not JSON: {error.msg}")

    def error(self, message: str) -> CasesError:
        newline = self.text.rfind("\n", 0, self.position)
        column = self.position - newline + (self.forgotten if newline < 0 else 0)
        return CasesError(f"{self.file}, line {self.line()}, column {column}: {message}")

    def digits(self, text: str) -> Any:
        """A number with every digit."""
        try:
            return Decimal(text)
        except DecimalException:
            self.defects.append(f"the number {text[:40]} is out of range")
            return None

    def constant(self, text: str) -> None:
        self.defects.append(f"{text} is no number that can be compared: leave a missing input out, or write null")

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object, none of whose keys is there twice: JSON would take the last one without a word."""
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(name for name, _ in pairs)
            self.defects += [f'"{name}" is there {count} times' for name, count in times.items() if count > 1]
        return found
