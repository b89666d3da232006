"""Values of a result, whatever they are, as texts and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlc import charts
from mlc.model import shown as cell

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
    return cell.shown(value, charts.written, lambda text: charts.visible(text, 300))


def scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    """What decision tables see of a result."""
    return {name: value for name, value in values.items() if not isinstance(value, dict | list)}
