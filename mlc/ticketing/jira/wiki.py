"""Jira's wiki markup (REST v2, Cloud and Data Center alike).

Whatever text comes in is shown as it is: nothing a model, a user or a stack trace says can become markup.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from mlc.ticketing.port import ROOM, Section, Table
from mlc.ticketing.text import one_line, printable

LONGEST_DESCRIPTION = ROOM
LONGEST_CELL = 500
LONGEST_KEPT = 2_000
"""The last section is kept whole up to this length when a description is cut."""

CUT_NOTE = "... The rest does not fit on a ticket: see the attachments."

# Hyphen and underscore stay as they are inside a word (names are full of them), where they mean nothing.
_SPECIAL = re.compile(r"[{}\[\]|*+^~?!#()`<>]|(?<![A-Za-z0-9])[-_]|[-_](?![A-Za-z0-9])|:(?=[PD]\b)")
_ENTITY = re.compile(r"&(?=#?\w+;)")
FENCE = "{noformat}"
_FENCE_INSIDE = re.compile(r"\{noformat", re.IGNORECASE)
_LINE_START = re.compile(r"^(\s*)(h[1-6]|bq)\.", re.MULTILINE | re.IGNORECASE)


def escape(text: str) -> str:
    """Plain text, line breaks kept, as markup that shows exactly it."""
    text = printable(text.replace("\r\n", "\n").replace("\t", "    "))
    # A backslash before another one would be a line break, so it is written as an entity.
    text = _ENTITY.sub("&amp;", text).replace("\\", "&#92;")
    text = re.sub(_SPECIAL, lambda match: "\\" + match.group(), text.replace("&#92;", "\0"))
    return _LINE_START.sub(r"\1\2\\.", text).replace("\0", "&#92;")


def cell(text: str) -> str:
    """Plain text for one cell of a table; never empty, since an empty cell would shift its neighbours."""
    return escape(one_line(text, LONGEST_CELL)) or " "


def link(title: str, url: str) -> str:
    """A link if the address is one of the web, else its text: no other scheme is ever made clickable."""
    shown = escape(one_line(title))
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in {"http", "https"}:
        return f"{shown}: {escape(one_line(url))}"
    return f"[{shown}|{quote(url, safe=':/?&=%#@+,;~.-_')}]"


def preformatted(lines: Sequence[str]) -> str:
    """Lines shown as they are. Nothing in them can end the block: what would do so gets a blank."""
    text = "\n".join(_FENCE_INSIDE.sub("{ noformat", printable(line.replace("\n", " "))) for line in lines)
    return f"{FENCE}\n{text}\n{FENCE}"


def _table(table: Table) -> str:
    head = "||" + "||".join(cell(text) for text in table.header) + "||"
    return "\n".join([head, *("|" + "|".join(cell(text) for text in row) + "|" for row in table.rows)])


def _section(section: Section) -> str:
    blocks = [f"h2. {escape(one_line(section.heading))}"] if section.heading else []
    blocks += [escape(paragraph) for paragraph in section.paragraphs]
    if section.facts:
        blocks.append("\n".join(f"||{cell(name)}|{cell(value)}|" for name, value in section.facts))
    if section.lines:
        blocks.append(preformatted(section.lines))
    if section.table:
        blocks.append(_table(section.table))
    if section.links:
        blocks.append("\n".join(f"* {link(title, url)}" for title, url in section.links))
    return "\n\n".join(blocks)


def render(body: Sequence[Section]) -> str:
    """A whole description of at most 30,000 characters. The last section (the key) is not what is cut off."""
    sections = [_section(section) for section in body]
    text = "\n\n".join(sections)
    if len(text) <= LONGEST_DESCRIPTION:
        return text
    last = sections.pop() if len(sections[-1]) <= LONGEST_KEPT else ""
    tail = f"\n\n{CUT_NOTE}\n\n{last}"
    closing = f"\n{FENCE}"
    head = "\n\n".join(sections)[: LONGEST_DESCRIPTION - len(tail) - len(closing)]
    # Cut at the end of a line, so that no row or escape is left half, nor a block open.
    head = head[: max(head.rfind("\n"), 0)]
    return head + (closing if head.count(FENCE) % 2 else "") + tail
