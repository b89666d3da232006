"""Jira's wiki markup as HTML: headings, paragraphs, lists, tables, links, code, emphasis. The rest stays text.

Every text is escaped on its way out and addresses are those of the web only, so no ticket can bring a script along.
Each expression is bounded, so that the time is proportional to the length whatever somebody wrote. (The converter
from PyPI took 9 seconds for 30,000 plain characters.)
"""

import html
import re
from collections.abc import Callable, Iterator

from markupsafe import Markup

# Escaped characters wait in Unicode's private area until all markup has been seen.
_HIDDEN = 0xE000
_PRIVATE = re.compile("[\ue000-\ue0ff]")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])|&#(\d{2,3});|&(amp|lt|gt|quot);")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}
_LINK_PIPE = "\ue0fe"

_URL = r"https?://[^\s<>\[\]|{}\"]{1,2000}"
_LINK = re.compile(rf"\[([^\[\]|\n]{{1,300}})\|({_URL})\]")
_INLINE = re.compile(
    rf"\[(?P<title>[^\[\]|\n]{{1,300}})\|(?P<target>{_URL})\]"
    rf"|\[?(?P<url>{_URL})\]?"
    r"|\{\{(?P<mono>[^{}\n]{1,500})\}\}"
    r"|(?<!\w)\*(?P<bold>[^\s*](?:[^*\n]{0,300}[^\s*])?)\*(?!\w)"
    r"|(?<!\w)_(?P<emphasis>[^\s_](?:[^_\n]{0,300}[^\s_])?)_(?!\w)"
)
_HEADING = re.compile(r"h([1-6])\.\s+(.*)")
_ITEM = re.compile(r"([*#-])\s+(.*)")
_FENCE = re.compile(r"\{(code|noformat)(?::[^{}\n]{0,100})?\}")


def to_html(text: str) -> Markup:
    """Wiki markup as safe HTML."""
    lines = _PRIVATE.sub("\ufffd", text.replace("\r\n", "\n")).split("\n")
    return Markup("\n".join(_blocks(list(_hidden(lines)))))  # noqa: S704  # every text in it went through _text


def _hidden(lines: list[str]) -> Iterator[str]:
    """Lines whose escaped characters are hidden; between the marks of a block of code a backslash is just that."""
    end = ""
    for line in lines:
        if end:
            end = "" if end in line else end
            yield line
        else:
            hidden = _ESCAPE.sub(_hide, line)
            fence = _FENCE.match(hidden.strip())
            end = "{" + fence[1] + "}" if fence else ""
            yield hidden


def _blocks(lines: list[str]) -> Iterator[str]:
    place = 0
    while place < len(lines):
        line = lines[place].strip()
        start, place = place, place + 1
        if not line:
            continue
        if fence := _FENCE.match(line):
            inside = [line[fence.end() :]] if line[fence.end() :] else []
            end = "{" + fence[1] + "}"
            while place < len(lines) and end not in lines[place]:
                inside.append(lines[place])
                place += 1
            place += 1
            yield f"<pre>{_text(chr(10).join(inside).removesuffix(end))}</pre>"
        elif heading := _HEADING.match(line):
            level = min(int(heading[1]) + 1, 6)
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
        elif line.startswith("|"):
            place = _run(lines, start, lambda text: text.startswith("|"))
            yield table([_cells(row.strip()) for row in lines[start:place]])
        elif item := _ITEM.match(line):
            place = _run(lines, start, lambda text: _ITEM.match(text) is not None)
            tag = "ol" if item[1] == "#" else "ul"
            items = "".join(f"<li>{_inline(row.strip()[1:].strip())}</li>" for row in lines[start:place])
            yield f"<{tag}>{items}</{tag}>"
        else:
            place = _run(lines, start, lambda text: bool(text) and not _begins_block(text))
            yield "<p>" + "<br>".join(_inline(row.strip()) for row in lines[start:place]) + "</p>"


def _run(lines: list[str], start: int, belongs: Callable[[str], bool]) -> int:
    """The place after the lines that belong together, at least one."""
    place = start + 1
    while place < len(lines) and belongs(lines[place].strip()):
        place += 1
    return place


def _begins_block(line: str) -> bool:
    return line.startswith("|") or any(pattern.match(line) for pattern in (_HEADING, _ITEM, _FENCE))


def table(rows: list[list[tuple[str, str]]]) -> str:
    """Rows of cells: whether one is a heading (``th`` or ``td``), and its HTML.

    Under a row of headings each cell carries its heading along, for screens on which the columns have no room.
    """
    head = [re.sub(r"<[^>]*>", "", cell) for tag, cell in rows[0]] if all(tag == "th" for tag, _ in rows[0]) else []
    shown = []
    for number, row in enumerate(rows):
        labels = [f' data-label="{text}"' for text in head] if number and len(head) == len(row) else [""] * len(row)
        cells = (f"<{tag}{label}>{cell}</{tag}>" for (tag, cell), label in zip(row, labels, strict=True))
        shown.append(f"<tr>{''.join(cells)}</tr>")
    kind = ' class="listed"' if head else ""
    return f"<table{kind}>{''.join(shown)}</table>"


def _cells(line: str) -> list[tuple[str, str]]:
    """A table's row: ``||`` begins a heading cell, ``|`` another one; the last of them only ends the row."""
    line = _LINK.sub(lambda link: link[0].replace("|", _LINK_PIPE), line)
    parts = re.split(r"(\|\|?)", line)[1:]
    cells = list(zip(parts[::2], parts[1::2], strict=True))
    if len(cells) > 1 and not cells[-1][1].strip():
        cells.pop()
    shown = []
    for bar, cell in cells:
        tag = "th" if bar == "||" else "td"
        shown.append((tag, _inline(cell.replace(_LINK_PIPE, "|").strip())))
    return shown


def _inline(text: str) -> str:
    shown, place = [], 0
    for found in _INLINE.finditer(text):
        shown += [_text(text[place : found.start()]), _marked(found)]
        place = found.end()
    return "".join([*shown, _text(text[place:])])


def _marked(found: re.Match[str]) -> str:
    if target := found["target"] or found["url"]:
        return f'<a href="{_text(target)}" rel="noopener noreferrer nofollow">{_text(found["title"] or target)}</a>'
    tag, text = next((tag, found[name]) for name, tag in _TAGS.items() if found[name])
    return f"<{tag}>{_text(text)}</{tag}>"


_TAGS = {"mono": "code", "bold": "strong", "emphasis": "em"}


def _hide(found: re.Match[str]) -> str:
    code = ord(found[1] or _NAMED.get(found[3] or "", "") or chr(int(found[2] or 0)))
    return chr(_HIDDEN + code) if 32 <= code < 127 else found[0]


def _text(text: str) -> str:
    """What is left when all markup has been seen, escaped for HTML (attributes too)."""
    return html.escape(_PRIVATE.sub(lambda found: chr(ord(found[0]) - _HIDDEN), text))
