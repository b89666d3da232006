"""Values of a result, whatever they are, as texts and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlc import charts

LARGEST = 1e300


def number(value: object) -> float | int | None:
    """A value as a number that can be drawn; None of what is none, and of what no float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) and abs(value) <= LARGEST else None
    return value if abs(value) <= 10**300 else None


def shown(value: object) -> str:
    """A value in a cell: a number, a text, or how many values there are in it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return charts.written(value)
        case str():
            return charts.visible(value, 300)
        case dict() | list():
            return f"{len(value):,} value{'' if len(value) == 1 else 's'}"
    return f"of the type {type(value).__name__}"


def scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    """What decision tables see of a result."""
    return {name: value for name, value in values.items() if not isinstance(value, dict | list)}
