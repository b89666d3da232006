"""What rules of decision tables ask of numbers, as it is kept with a verdict or read from a rule's sentence.

``auc >= 0.8 and stage: "PROD"`` asks one thing of a number. What is no comparison with a number, or was cut, is left
to the sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mlc.model.verdict import RuleOutcome, TableOutcome, Verdict

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_ASKS = re.compile(
    rf"(?P<column>.+?):? (?:(?P<sign>[<>]=?)\s*(?P<than>{_NUMBER})"
    rf"|[\[(\]]\s*(?P<low>{_NUMBER})\s*\.\.\s*(?P<high>{_NUMBER})\s*[\])\[])(?= and |$)"
)
_IT_IS = re.compile(r" \(it is .*\)$", re.DOTALL)
_AND = " and "
LONGEST = 600


@dataclass(frozen=True)
class Asked:
    """A range that a rule asks a metric to be in.

    Attributes:
        text: the comparison, as its table has it.
        rule: its number in its table; ``passes`` is what it says if it matched; None if it said nothing.
    """

    metric: str
    text: str
    low: float
    high: float
    table: str
    rule: int
    matched: bool
    passes: bool | None


def asked_of(verdict: Verdict) -> list[Asked]:
    """All comparisons of numbers that a verdict's tables make, table by table; of rules that matched where a centre
    keeps no tables.
    """
    if not verdict.tables:
        return [asked for rule in verdict.rules for asked in _of_outcome(rule)]
    return [asked for table in verdict.tables for asked in _of_table(table, matched_of(table, verdict))]


def matched_of(table: TableOutcome, verdict: Verdict) -> dict[int, RuleOutcome]:
    """The rules of a decision that matched, by their numbers.

    An older release did not say of which decision a rule is: then none is known of a file that has several.
    """
    alone = sum(other.table == table.table for other in verdict.tables) == 1
    ours = (rule for rule in verdict.rules if rule.table == table.table)
    return {rule.rule: rule for rule in ours if (rule.decision == table.decision if rule.decision else alone)}


def _of_table(table: TableOutcome, matched: Mapping[int, RuleOutcome]) -> Iterator[Asked]:
    for number, metric, text, low, high in _compared(table):
        rule = matched.get(number)
        yield Asked(metric, text, low, high, table.table, number, rule is not None, rule.passes if rule else None)


def _compared(table: TableOutcome) -> Iterator[tuple[int, str, str, float, float]]:
    for each in table.thresholds:
        low, high = (-math.inf if each.low is None else each.low), (math.inf if each.high is None else each.high)
        if low <= high:  # which a number that is none is not
            yield each.rule, each.metric, each.text, low, high
    if not table.thresholds:  # an older release kept the sentences alone
        for number, sentence in enumerate(table.conditions, 1):
            for found in comparisons(sentence, table.values):
                yield number, *found


def _of_outcome(rule: RuleOutcome) -> Iterator[Asked]:
    for sentence in rule.conditions:
        for metric, text, low, high in comparisons(_IT_IS.sub("", sentence[: 2 * LONGEST]), ()):
            yield Asked(metric, text, low, high, rule.table, rule.rule, True, rule.passes)


def comparisons(sentence: str, names: Collection[str]) -> Iterator[tuple[str, str, float, float]]:
    """Metric, comparison, and the range that it asks for, of each part of a sentence that compares with a number.

    Args:
        names: of what is put to the table; a metric may have "and" in its name. Empty where they aren't known.
    """
    sentence, place = sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]}...", 0
    while found := _ASKS.match(sentence, place):
        metric = _metric(found["column"], names)
        low, high = _ends(found)
        if metric and low <= high:
            yield metric, found[0][len(found["column"]) :].removeprefix(":").strip(), low, high
        place = found.end() + len(_AND)


def _metric(column: str, names: Collection[str]) -> str | None:
    """What a column reads: its label alone, or the name in brackets behind it."""
    candidates = [name for name in names if column == name or column.endswith((f"{_AND}{name}", f"[{name}]"))]
    if candidates:
        return max(candidates, key=len)
    return None if names else column.rpartition(_AND)[2]


def _ends(found: re.Match[str]) -> tuple[float, float]:
    if found["low"] is not None:
        return float(found["low"]), float(found["high"])
    than = float(found["than"])
    if not math.isfinite(than):
        return math.inf, -math.inf
    return (than, math.inf) if found["sign"].startswith(">") else (-math.inf, than)
