"""Markup that is made of elements, so that no text gets into it without being escaped.

What is made is HTML and well-formed XML at once: any parser sees the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

CUT = "\N{HORIZONTAL ELLIPSIS}"
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_EMPTY = frozenset({"meta", "br", "rect", "line", "path", "circle"})
"""Elements without content: of HTML those for which its parser reads no end, of SVG shapes."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, marks of direction, characters of no width, halves of pairs: what a person can't see, or XML can't hold."""
_SPACES = {9: " ", 10: " ", 13: " "}


class Markup(str):
    """A text that is markup already."""

    __slots__ = ()


Content = str | Iterable["str | Markup"] | None


def visible(text: object, longest: int = 200) -> str:
    """A text from outside as a person is to see it: on one line, cut, and what can't be seen is written as its code.

    A mark that turns the direction of writing would otherwise make another text of it.
    """
    said = text if isinstance(text, str) else str(text)
    said = said if len(said) <= longest else said[: longest - 1] + CUT
    return _UNSEEN.sub(_code, said.translate(_SPACES))


def _code(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def element(name: str, /, *content: str | Markup | None, **attributes: object) -> Markup:
    """An element.

    Args:
        content: texts, which are escaped, and elements, which are not; None is nothing.
        attributes: by name, ``_`` for ``-`` and one at the end dropped (``class_``); those that are None are left out.

    Raises:
        ValueError: the name of the element or of an attribute is none. They come from the code, never from data.
    """
    written = []
    for key, value in attributes.items():
        attribute = key.removesuffix("_").replace("_", "-")
        if value is not None:
            written.append(f' {_checked(attribute)}="{escape(_written(value))}"')
    inside = joined(content)
    start = f"<{_checked(name)}{''.join(written)}"
    if name in _EMPTY:
        return Markup(f"{start}/>")
    return Markup(f"{start}>{inside}</{name}>")


def joined(parts: Iterable[str | Markup | None]) -> Markup:
    """Several, one behind the other."""
    return Markup("".join(part if isinstance(part, Markup) else _text(part) for part in parts if part is not None))


def _text(text: str) -> str:
    return escape(_UNSEEN.sub(_code, text), quote=False)


def _written(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return _UNSEEN.sub(_code, str(value))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name of an element or attribute")
    return name


def number(value: float) -> str:
    """A coordinate: two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if "." in f"{value:.2f}" else f"{value:.2f}"
