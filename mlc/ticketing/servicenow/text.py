"""Texts for ServiceNow: descriptions are plain, journals show HTML between ``[code]`` marks, queries know ``^``."""

import hashlib
import html
import re
from urllib.parse import quote, urlsplit

from mlc.model.failure import Refused
from mlc.ticketing.event_mark import EVENT_MARK
from mlc.ticketing.servicenow.auth import SYSTEM
from mlc.ticketing.text import one_line, printable

LONGEST_SUMMARY = 160
LONGEST_NOTE = 4_000

_SAFE = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
_CODE = re.compile(r"\[(\s*/?\s*code\s*)\]", re.IGNORECASE)


def safe(text: str) -> str:
    """A text that goes into a query, where nothing may end a condition, or into a mark.

    Raises:
        Refused: it has other characters than letters, digits and ``_.:-``, or more than 100.
    """
    if not _SAFE.fullmatch(text):
        raise Refused(SYSTEM, "A label or event id may hold letters, digits and _.:- only, at most 100", status=400)
    return text


def note(text: str, event_id: str) -> str:
    """A journal entry, marked with its event. What is said in it stays text: no ``[code]`` begins HTML."""
    mark = EVENT_MARK + safe(event_id)
    said = _CODE.sub(r"(\1)", printable(text.replace("\r\n", "\n").replace("\t", "    ")))
    return f"{said[: LONGEST_NOTE - len(mark) - 2]}\n\n{mark}"


def link_note(global_id: str, url: str, title: str) -> tuple[str, str]:
    """A journal entry that shows a link, and the event by which it is known again: the same link is one event."""
    digest = hashlib.sha256("\0".join((global_id, url, title)).encode()).hexdigest()[:24]
    event = f"link-{digest}"
    return f"{_anchor(one_line(title), url)}\n\n{EVENT_MARK}{event}", event


def _anchor(title: str, url: str) -> str:
    """HTML for a link if the address is one of the web, else its text: no other scheme is ever made clickable."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in {"http", "https"}:
        return _CODE.sub(r"(\1)", f"{title}: {one_line(url)}")
    # Neither part may hold a bracket, or it could end the mark.
    shown = html.escape(title).replace("[", "&#91;").replace("]", "&#93;")
    address = html.escape(quote(url, safe=":/?&=%#@+,;~.-_"))
    return f'[code]<a href="{address}" target="_blank" rel="noopener noreferrer">{shown}</a>[/code]'
