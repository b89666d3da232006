"""How much of a page a section may take: whatever is in a result, the page has an end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlc import charts
from mlc.charts import Markup, element


class Room:
    """Bytes of UTF-8 that are left."""

    def __init__(self, size: int) -> None:
        self._left = size

    def takes(self, made: Markup) -> bool:
        """Whether there is room for it; then it is taken."""
        size = len(made.encode())
        if size > self._left:
            return False
        self._left -= size
        return True


def rows_within(
    room: Room, rows: Iterable[Sequence[str | Markup]], most: int
) -> tuple[list[Sequence[str | Markup]], int]:
    """The first rows that there is room for, and how many others there are."""
    kept: list[Sequence[str | Markup]] = []
    more = 0
    for row in rows:
        if more or len(kept) >= most or not room.takes(charts.table([""] * len(row), [row], stacked=True)):
            more += 1
        else:
            kept.append(row)
    return kept, more


def table_within(
    room: Room, header: Sequence[str], rows: Iterable[Sequence[str | Markup]], most: int = 200, *, stacked: bool = False
) -> Markup:
    """A table of the first rows, and how many there are besides."""
    kept, more = rows_within(room, rows, most)
    made = charts.table(header, kept, stacked=stacked) if kept else None
    said = (
        element("p", f"{more:,} more {'row is' if more == 1 else 'rows are'} in the result.", class_="soft")
        if more
        else None
    )
    return charts.joined([made, said])


def listed_within(room: Room, sentences: Iterable[str], kind: str, most: int = 50) -> Markup | None:
    """Sentences as a list, and how many there are besides; None of none."""
    kept: list[Markup] = []
    more = 0
    for sentence in sentences:
        item = element("li", charts.bidi(sentence, 600))
        if len(kept) >= most or not room.takes(item):
            more += 1
        else:
            kept.append(item)
    if more:
        kept.append(element("li", f"and {more:,} more"))
    return element("ul", *kept, class_=kind) if kept else None
