"""Tables of text for a terminal: wrapped to its width, between words and never within a value."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

#: Quoted text of up to so many cells is not parted if that can be helped, though it has spaces.
WHOLE = 24
#: Words, each with the space in front of it; quoted text is looked at only as far as it may stay whole, and beyond.
_WORD = re.compile(r'(\s*)((?:"(?:[^"\\]|\\.){0,24}"|[^\s",])+,?|[",])')
_PART = re.compile(r"(\s*)(\S+)")
#: What stays with the word behind it: a mark, a comparison, the first end of a range.
_OPERATOR = re.compile(r"[✓✗?+x]|(?:[✓✗?+x] )?(?:[<>]=?|!=|=|=>|==|.*\.\.)")


class Lines(NamedTuple):
    """What a table is drawn with."""

    across: str
    down: str
    double: str
    crossing: str
    double_crossing: str


UNICODE, ASCII = Lines("─", "│", "║", "┼", "╫"), Lines("-", "|", "|", "+", "+")


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells under a head, each cell a list of lines. In front of the columns `doubles` stands a double line."""

    head: list[list[str]]
    rows: list[list[list[str]]]
    doubles: frozenset[int]

    def turned(self) -> "Grid":
        """The same with a row for each column."""
        rows = [[self.head[index], *(row[index] for row in self.rows)] for index in range(len(self.head))]
        return Grid(rows[0], rows[1:], frozenset({1}))


def drawn(grid: Grid, width: int, lines: Lines, whole: int = WHOLE) -> list[tuple[str, int | None]] | None:
    """The lines of a table, each with the index of its row, None for the head; None if it does not fit the width.

    A comparison, a range and whatever has no space is never parted, nor quoted text of up to `whole` cells.
    """
    if 4 * len(grid.head) - 3 > width:  # not even a character a column
        return None
    columns = [[grid.head[index], *(row[index] for row in grid.rows)] for index in range(len(grid.head))]
    widths = _widths(columns, width - 3 * (len(columns) - 1), whole)
    if widths is None:
        return None
    ruler = _joined([lines.across * each for each in widths], grid.doubles, lines, ruler=True)
    drawn_lines: list[tuple[str, int | None]] = []
    pairs = [(column[1:], each) for column, each in zip(columns, widths, strict=True)]
    tall = any(len(wrapped(cell, each, whole)) > 1 for column, each in pairs for cell in column)
    for number, row in enumerate([grid.head, *grid.rows]):
        index = number - 1 if number else None
        cells = [wrapped(cell, each, whole) for cell, each in zip(row, widths, strict=True)]
        if index and tall:
            drawn_lines.append((ruler, None))
        for level in range(max(map(len, cells))):
            texts = [
                _padded(cell[level] if level < len(cell) else "", each)
                for cell, each in zip(cells, widths, strict=True)
            ]
            drawn_lines.append((_joined(texts, grid.doubles, lines).rstrip(), index))
        if not number:
            drawn_lines.append((ruler, None))
    return drawn_lines


def wrapped(texts: Sequence[str], width: int, whole: int = WHOLE) -> list[str]:
    """Lines of no more than a width; only a word that is longer than that is parted."""
    found = []
    for text in texts:
        line = ""
        for space, word in _words(text, min(whole, width)):
            if line and cell_len(line) + len(space) + cell_len(word) > width:
                found.append(line)
                line = ""
            line += f"{space if line else ''}{word}"
            if cell_len(line) > width:
                *full, line = chop_cells(line, width)
                found += full
        found.append(line)
    return found


@lru_cache(maxsize=10_000)  # they are asked for at every width that is tried
def _words(text: str, whole: int) -> list[tuple[str, str]]:
    return list(_found_words(text, whole))


def _found_words(text: str, whole: int) -> Iterator[tuple[str, str]]:
    """Words, each with the space in front of it. A comparison is one with its value, and a range with both its ends."""
    before: tuple[str, str] | None = None
    for space, word in _WORD.findall(text):
        if before is not None:
            joined = f"{before[1]}{space}{word}"
            holds = _OPERATOR.fullmatch(before[1]) or word.startswith("..")
            if holds and cell_len(joined) <= max(whole, WHOLE):
                before = (before[0], joined)
                continue
            yield from _parted(*before, whole)
        before = (space, word)
    if before is not None:
        yield from _parted(*before, whole)


def _parted(space: str, word: str, whole: int) -> Iterator[tuple[str, str]]:
    if cell_len(word) <= whole or not word.startswith('"'):
        yield (" " if space else "", word)
        return
    for inner, part in _PART.findall(word):
        yield (" " if inner or space else "", part)
        space = ""


def _widths(columns: list[list[list[str]]], room: int, whole: int) -> list[int] | None:
    """The width of each column: as wide as its text, else as it must be and a share of what is left."""
    natural = [max((cell_len(text) for cell in column for text in cell), default=0) for column in columns]
    if sum(natural) <= room:
        return natural
    least = [
        max((cell_len(word) for cell in column for text in cell for _, word in _words(text, whole)), default=0)
        for column in columns
    ]
    left = room - sum(least)
    if left < 0:
        return None
    wish = [one - other for one, other in zip(natural, least, strict=True)]
    return [one + left * more // max(sum(wish), 1) for one, more in zip(least, wish, strict=True)]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _joined(cells: list[str], doubles: frozenset[int], lines: Lines, ruler: bool = False) -> str:
    space = lines.across if ruler else " "
    text = cells[0]
    for index, cell in enumerate(cells[1:], 1):
        single, double = (lines.crossing, lines.double_crossing) if ruler else (lines.down, lines.double)
        text += f"{space}{double if index in doubles else single}{space}{cell}"
    return text
