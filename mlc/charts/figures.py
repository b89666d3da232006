"""A chart with its numbers in a table below it, which a person opens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files

from .markup import Markup, element, visible

STYLE = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
"""The charts' style sheet, for the page that they are on; light and dark."""


def figure(caption: str, drawing: Markup, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A chart, what it is called, and a table of its numbers."""
    numbers = element("details", element("summary", "Numbers"), table(header, rows))
    return element("figure", element("figcaption", bidi(caption)), drawing, numbers)


def table(header: Sequence[str], rows: Iterable[Sequence[str | Markup]], *, stacked: bool = False) -> Markup:
    """A table, in a box of its own, which is scrolled where there is no room. The first cell of a row names it.

    Cells are texts, each by itself whatever the direction of its letters, or markup.

    Args:
        stacked: on a phone the cells of a row stand one below the other, as sentences need it.
    """
    heads = [*header, *[""] * 100] if stacked else []
    head = element("thead", element("tr", *(element("th", each, scope="col") for each in header)))
    body = [
        element(
            "tr",
            *(_cell(each, place == 0, heads[place] or None if stacked else None) for place, each in enumerate(row)),
        )
        for row in rows
    ]
    made = element("table", head if any(header) else None, element("tbody", *body))
    return element("div", made, class_="table stacked" if stacked else "table", tabindex=0)


def bidi(text: str, longest: int = 200) -> Markup:
    """A text from outside, which turns no other around."""
    return element("bdi", visible(text, longest))


def _cell(content: str | Markup, names: bool, label: str | None) -> Markup:
    if content == "" and label:
        return element("td", class_="empty")
    inside = content if isinstance(content, Markup) else bidi(content, 300)
    return element("th", inside, scope="row", data_label=label) if names else element("td", inside, data_label=label)
