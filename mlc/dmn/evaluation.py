"""What an evaluation answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import Problem
from .feel.values import text_of

_COMPARISON = re.compile(r"\s*(?:[<>]=?|!=|=)")


def asks(column: str, cell: str) -> str:
    """What a cell asks of its column, in words: `auc >= 0.8`, `stage: "PROD"`."""
    return f"{column} {cell}" if _COMPARISON.match(cell) else f"{column}: {cell}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A column of a rule that matched: the column's label, the text of the cell and the value that was put to it."""

    column: str
    cell: str
    value: Any

    @property
    def test(self) -> str:
        """What is asked, without the value: `auc >= 0.8`."""
        return asks(self.column, self.cell)

    @property
    def shown(self) -> str:
        """The value for a person to read; what is very long is cut off."""
        return text_of(self.value, inner=True)

    def __str__(self) -> str:
        return f"{self.column} = {text_of(self.value, inner=True)} ({self.cell})"


@dataclass(frozen=True, slots=True)
class MatchedRule:
    """A rule that led to the result. `index` counts from 1; `outputs` has the values by the names of the outputs."""

    decision: str
    index: int
    id: str | None
    outputs: dict[str, Any]
    annotation: str = ""
    description: str = ""
    conditions: tuple[Condition, ...] = ()

    @property
    def inputs(self) -> str:
        """The inputs that the rule looks at, in words: `auc = 0.65 (<= 0.9)`."""
        return ", ".join(map(str, self.conditions))


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A decision table no rule of which matched: the labels of the columns that rules test, with their values.

    `default`: it has default outputs, which are the answer then.
    """

    decision: str
    values: tuple[tuple[str, Any], ...] = ()
    default: bool = False

    def __str__(self) -> str:
        shown = [f"{label} = {text_of(value, inner=True)}" for label, value in self.values]
        if not shown:
            return "there is no rule"
        return f"{', '.join(shown)} {'lies' if len(shown) == 1 else 'lie'} in no rule"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of a decision, the rules that led to it in the order of evaluation, and what was wrong.

    The result is plain Python: Decimal, str, bool, date, time, datetime, timedelta, list, dict or None. FEEL has other
    values, too: YearsMonthsDuration, Range and Function; and where Python's types end (years before 1 and after 9999,
    and nanoseconds) WideDate, WideTime, WideDateTime and WideDuration, of which `str` gives ISO 8601. A null by the
    specification may mean "no rule matched" or "this cannot be compared": only `problems` tells the two apart.
    `unmatched` has the tables that were evaluated and of which no rule matched.
    """

    result: Any
    matched_rules: list[MatchedRule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
