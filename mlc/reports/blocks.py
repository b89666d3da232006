"""All that a result holds, as tables: scalars, test blocks and lists, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from mlc import charts
from mlc.charts import Markup, element
from mlc.monitors import distributions
from mlc.reports.room import Room, table_within
from mlc.reports.values import scalars, shown

SIZE, LEFT_OUT_SIZE = 70_000, 30_000
MOST_BLOCKS, MOST_COLUMNS = 40, 14
TOLD = {
    "not_compared": "Columns that were not compared",
    "not_computed": "Statistics that could not be computed",
    "nulls": "Shares of records without a value",
    "not_in_schema": "Columns that the schema does not name",
}
"""What a monitor could not look at."""


def left_out_section(values: Mapping[str, Any]) -> Markup | None:
    """What was not compared, and why; None if a result says nothing of it."""
    room = Room(LEFT_OUT_SIZE)
    parts = []
    for key, title in TOLD.items():
        rows = _records(values.get(key))
        if rows:
            parts += [element("h3", title), _record_table(room, rows, 60, stacked=True)]
    return element("section", element("h2", "Left out"), *parts) if parts else None


def values_section(values: Mapping[str, Any]) -> Markup:
    """Every value of a result, as far as there is room."""
    room = Room(SIZE)
    rows = ([name, shown(value)] for name, value in scalars(values).items())
    parts = [table_within(room, ("Name", "Value"), rows, 300)]
    left_out = 0
    for title, block in _blocks(values):
        made = (
            charts.joined([element("h3", charts.bidi(title)), _block(room, block)])
            if len(parts) <= MOST_BLOCKS
            else None
        )
        if made is None:
            left_out += 1
        else:
            parts.append(made)
    if left_out:
        parts.append(element("p", f"{left_out:,} more parts are in the result.", class_="soft"))
    return element("section", element("h2", "All values"), *parts)


def _blocks(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Test blocks by their name, and whatever else is a list or an object."""
    for name, value in values.items():
        if name in TOLD or name == distributions.KEY or not isinstance(value, dict | list):
            continue
        tests = isinstance(value, list) and value and all(isinstance(each, dict) and "values" in each for each in value)
        if isinstance(value, list) and tests:
            for each in value:
                metric = f" ({each['metric']})" if isinstance(each.get("metric"), str) else ""
                yield f"{name}: {each.get('test_name') or each.get('test_id') or ''}{metric}"[:300], each["values"]
        else:
            yield str(name), value


def _block(room: Room, block: Any) -> Markup:
    """A table of one form or another: of records, of objects by name, or of names and values."""
    if rows := _records(block):
        return _record_table(room, rows, 100)
    if not isinstance(block, dict):
        listed = block if isinstance(block, list) else [block]
        return table_within(
            room, ("Place", "Value"), ([str(place), shown(each)] for place, each in enumerate(listed, 1)), 50
        )
    inner = _flat(block)
    if inner and all(isinstance(value, dict) for value in inner.values()):
        return _record_table(room, [{"": name} | value for name, value in inner.items()], 100)
    return table_within(room, ("Name", "Value"), ([name, shown(value)] for name, value in inner.items()), 100)


def _flat(block: Mapping[str, Any], depth: int = 3) -> dict[str, Any]:
    """Objects of objects as one, under names with points, down to the last but one."""
    found: dict[str, Any] = {}
    for name, value in islice(block.items(), 1_000):
        if depth and isinstance(value, dict) and value and all(isinstance(each, dict) for each in value.values()):
            found |= {f"{name}.{more}": each for more, each in _flat(value, depth - 1).items()}
        else:
            found[str(name)] = value
    return found


def _records(value: Any) -> list[Mapping[str, Any]]:
    """A list of objects; nothing if it is anything else."""
    return value if isinstance(value, list) and value and all(isinstance(each, dict) for each in value) else []


def _record_table(room: Room, rows: Sequence[Mapping[str, Any]], most: int, *, stacked: bool = False) -> Markup:
    """Records with a column for each key, in the order in which they are met."""
    header = list(islice(dict.fromkeys(str(key) for row in rows[:most] for key in islice(row, 100)), MOST_COLUMNS))
    cells = ([shown(row[key]) if key in row else "" for key in header] for row in rows)
    return table_within(room, [charts.visible(key, 60) for key in header], cells, most, stacked=stacked)
