"""ServiceNow's texts as HTML. Every text is escaped on its way out, and addresses are those of the web only."""

import html
import re

from markupsafe import Markup

from mlc.standalone.desk.board.markup import table

_URL = re.compile(r"https?://[^\s<>\"\[\]]{1,2000}")
_RULE = re.compile(r"-{1,400}")
_ANCHOR = re.compile(
    r'\[code\]<a href="(https?://[^"<>\[\]\s]{1,2000})"[^<>\[\]]{0,200}>([^<>\[\]]{1,1000})</a>\[/code\]'
)


def description(text: str) -> Markup:
    """A plain text: underlined lines are headings, columns keep their places."""
    shown = []
    for block in re.split(r"\n{2,}", text.replace("\r\n", "\n").strip()):
        lines = block.split("\n")
        if len(lines) > 1 and _RULE.fullmatch(lines[1]):
            shown.append(f"<h3>{html.escape(lines[0])}</h3>")
            lines = lines[2:]
        if lines and all(line == "|" or line.startswith("| ") for line in lines):
            shown.append(f"<pre>{html.escape(chr(10).join(line[2:] for line in lines))}</pre>")
        elif rows := _columns(lines):
            head, *others = ([_linked(cell) for cell in row] for row in rows)
            shown.append(table([[("th", cell) for cell in head], *([("td", cell) for cell in row] for row in others)]))
        elif lines:
            shown.append("<p>" + "<br>".join(map(_linked, lines)) + "</p>")
    return Markup("\n".join(shown))  # noqa: S704  # every text in it was escaped


def _columns(lines: list[str]) -> list[list[str]]:
    """The cells of lines whose columns stand below each other; none if they don't."""
    starts = [0, *(found.end() for found in re.finditer(r"\S {2,}(?=\S)", lines[0]))] if len(lines) > 1 else []
    if len(starts) < 2 or any(
        len(line) > start and line[start - 2 : start].strip() for line in lines for start in starts[1:]
    ):
        return []
    ends = [*starts[1:], None]
    return [[line[start:end].strip() for start, end in zip(starts, ends, strict=True)] for line in lines]


def entry(text: str) -> Markup:
    """A journal entry. Of the HTML that ``[code]`` allows only a link is shown as one, the rest as the text it is."""
    shown, place = [], 0
    for found in _ANCHOR.finditer(text):
        shown.append(_linked(text[place : found.start()]))
        address, title = html.unescape(found[1]), html.unescape(found[2])
        shown.append(_anchor(address, title))
        place = found.end()
    said = "".join([*shown, _linked(text[place:])]).strip().replace("\n", "<br>")
    return Markup(f"<p>{said}</p>")  # noqa: S704  # every text in it was escaped


def _linked(text: str) -> str:
    shown, place = [], 0
    for found in _URL.finditer(text):
        shown += [html.escape(text[place : found.start()]), _anchor(found[0], found[0])]
        place = found.end()
    return "".join([*shown, html.escape(text[place:])])


def _anchor(address: str, title: str) -> str:
    return f'<a href="{html.escape(address)}" rel="noopener noreferrer nofollow">{html.escape(title)}</a>'
