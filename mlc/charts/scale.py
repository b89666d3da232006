"""From values to places on paper, and the round values that are written beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LARGEST = 1e300
"""Beyond it differences of two values are beyond what a float holds."""


@dataclass(frozen=True)
class Scale:
    """A straight line from ``low`` to ``high``, which lies from ``start`` to ``end`` on paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value; of one that is outside, the nearer end."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values between the ends, at most ``most``, and at least one."""
        step = nice_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        found = [(first + place) * step + 0.0 for place in range(most + 1)]
        inside = [value for value in found if self.low - step * 1e-9 <= value <= self.high + step * 1e-9]
        return inside[:most] or [self.low]


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below a positive number."""
    if not 1e-300 < least < LARGEST:
        return max(least, 5e-324)
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def scale_of(values: Iterable[float], start: float, end: float, *, margin: float = 0.05) -> Scale:
    """A scale on which all values have their place, with a margin on both sides as a share of their distance.

    Values that no float difference can be made of are taken for the nearest that one can; of none it is 0 to 1.
    """
    there = [min(max(value, -LARGEST), LARGEST) for value in values if not math.isnan(value)]
    low, high = (min(there), max(there)) if there else (0.0, 1.0)
    width = high - low
    if width <= max(abs(low), abs(high)) * 1e-12:
        width = abs(high) or 1.0
        return Scale(min(0.0, low * 1.5), max(0.0, high + width / 2), start, end)
    below = 0.0 if low >= 0 and low <= width * margin else low - width * margin
    return Scale(below, high + width * margin, start, end)


def written(value: float | None) -> str:
    """A number for people: six digits at most, and a sign that is a minus."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, int):
        text = f"{value:,}" if abs(value) < 10**15 else f"{float(value):.6g}" if abs(value) < 10**300 else "very large"
    elif not math.isfinite(value):
        text = "not a number" if math.isnan(value) else "infinite"
    else:
        text = f"{value:,.0f}" if abs(value) >= 1e6 and abs(value) < 1e15 else f"{value:.6g}"
    return text.replace("-", "\N{MINUS SIGN}") if text[:1] == "-" else text


def beside(value: float) -> str:
    """A round number at an axis, in a few letters."""
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "\N{MINUS SIGN}")
    text = f"{value:.4g}"
    if len(text) > 7 or "e" in text:
        text = (
            f"{value:.2e}".replace("e+0", "e")
            .replace("e-0", "e-")
            .replace("e+", "e")
            .replace(".00e", "e")
            .replace("0e", "e")
        )
    return text.replace("-", "\N{MINUS SIGN}")


def share(value: float) -> str:
    """A share as per cent."""
    percent = value * 100
    return (
        f"{percent:.0f}%"
        if percent >= 9.95 or percent == 0
        else f"{percent:.1f}".removesuffix(".0") + "%"
        if percent >= 0.05
        else "<0.1%"
    )


def shares(counts: Sequence[float], total: float) -> list[float]:
    """Counts as shares of a total; all 0 of an empty one."""
    return [count / total for count in counts] if 0 < total < math.inf else [0.0] * len(counts)
