"""A ticket as plain text, for systems without markup and for the attachment that holds what does not fit."""

from collections.abc import Iterable, Iterator, Sequence

from mlc.ticketing.port import Section
from mlc.ticketing.text import one_line, printable

LONGEST_CELL = 500
LINE = "| "
"""Begins each line that is shown as it is, so that blank ones and indents stay."""
LONGEST_KEPT = 1_000
"""The last section is kept whole up to this length when a text is cut."""
CUT_NOTE = "... The rest does not fit here: see the attachments."


def render(body: Sequence[Section]) -> str:
    """Sections under underlined headings; tables with columns of equal width."""
    return "\n\n".join("\n\n".join(_blocks(section)) for section in body) + "\n"


def render_within(body: Sequence[Section], longest: int) -> str:
    """The same in at most ``longest`` characters. The last section (the key) is not what is cut off."""
    text = render(body).rstrip()
    if len(text) <= longest or not body:
        return text[:longest]
    last = render(body[-1:]).rstrip()
    tail = f"\n\n{CUT_NOTE}\n\n{last}" if len(last) <= LONGEST_KEPT else f"\n\n{CUT_NOTE}"
    head = render(body[:-1] if len(body) > 1 else body)[: longest - len(tail)]
    # Cut at the end of a line, so that no row is left half; a text without lines is cut where it must be.
    end = head.rfind("\n")
    return head[: end if end > 0 else len(head)].rstrip() + tail


def _blocks(section: Section) -> Iterator[str]:
    if section.heading:
        heading = one_line(section.heading)
        yield f"{heading}\n{'-' * len(heading)}"
    yield from (printable(paragraph) for paragraph in section.paragraphs)
    if section.facts:
        yield "\n".join(f"{one_line(name)}: {one_line(value, LONGEST_CELL)}" for name, value in section.facts)
    if section.lines:
        yield "\n".join(f"{LINE}{printable(line)}" for line in section.lines)
    if section.table:
        yield "\n".join(_columns([section.table.header, *section.table.rows]))
    if section.links:
        yield "\n".join(f"{one_line(title)}: {printable(url)}" for title, url in section.links)


def _columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    cells = [[one_line(cell, LONGEST_CELL) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
