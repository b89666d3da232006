"""The verdict: what the tables asked, what they said, and where each value lies in what was asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlc import charts
from mlc.charts import Markup, Range, element
from mlc.model.verdict import TableOutcome, Verdict
from mlc.reports.conditions import Asked, asked_of, matched_of
from mlc.reports.room import Room, listed_within, table_within
from mlc.reports.values import number

MOST_METRICS, MOST_LANES = 12, 8
WORDS, CHARTS = 60_000, 50_000
"""Bytes of both parts."""


def badge(verdict: Verdict | None) -> Markup:
    """In a word."""
    if verdict is None or not verdict.judged:
        return element("span", "Not judged", class_="status")
    return (
        element("span", "Passed", class_="status good")
        if verdict.passed
        else element("span", "Not passed", class_="status bad")
    )


def verdict_section(verdict: Verdict | None, values: Mapping[str, Any]) -> Markup:
    """What was said of a result, and by which rules."""
    if verdict is None or not verdict.judged:
        said = "No decision table was asked." if verdict else "Nobody has judged this result."
        return element("section", element("h2", "Verdict"), element("p", said))
    room = Room(WORDS)
    failed = [
        f"{rule.reason or 'It does not pass'} ({rule.table}, rule {rule.rule})"
        for rule in verdict.rules
        if rule.passes is False
    ]
    parts = [
        element("h2", "Verdict"),
        element("p", badge(verdict), " ", _when(verdict)),
        listed_within(room, failed, "bad"),
        listed_within(room, verdict.problems, "bad"),
        listed_within(room, verdict.warnings, "warn"),
        _places(asked_of(verdict), verdict, values),
        *(_table(room, table, verdict) for table in verdict.tables[:20]),
    ]
    if not verdict.tables:
        rows = [
            [f"{rule.table} {rule.rule}", " and ".join(rule.conditions), _says(rule.passes), rule.reason]
            for rule in verdict.rules
        ]
        parts.append(
            table_within(room, ("Rule", "Asks", "Passes", "Reason"), rows, 100, stacked=True) if rows else None
        )
    return element("section", *parts)


def _when(verdict: Verdict) -> str:
    return f"Judged {verdict.judged_at:%Y-%m-%d %H:%M} UTC." if verdict.judged_at else ""


def _places(asked: Sequence[Asked], verdict: Verdict, values: Mapping[str, Any]) -> Markup | None:
    """A chart for each metric that rules compare with a number."""
    room = Room(CHARTS)
    drawn: list[Markup] = []
    left_out = 0
    for metric in dict.fromkeys(each.metric for each in asked):
        of_it = [each for each in asked if each.metric == metric]
        value = _value(metric, verdict, values)
        if value is None:
            continue
        made = _place(metric, value, of_it)
        if len(drawn) >= MOST_METRICS or not room.takes(made):
            left_out += 1
        else:
            drawn.append(made)
    if not drawn:
        return None
    more = (
        element("p", f"{left_out:,} more metrics have thresholds: the tables below tell them.", class_="soft")
        if left_out
        else None
    )
    return charts.joined([element("h3", "Thresholds"), element("div", *drawn, class_="grid"), more])


def _value(metric: str, verdict: Verdict, values: Mapping[str, Any]) -> float | None:
    if metric in values:
        return number(values[metric])
    for table in verdict.tables:  # of a member of an object, which the table names by its path
        if metric in table.values:
            try:
                return number(float(table.values[metric]))
            except ValueError:
                return None
    return None


def _place(metric: str, value: float, asked: Sequence[Asked]) -> Markup:
    lanes = [
        Range(f"Rule {each.rule}: {each.text}{_meaning(each)}", each.low, each.high, _kind(each))
        for each in asked[:MOST_LANES]
    ]
    told = "; ".join(lane.text for lane in lanes)
    drawing = charts.ranges(
        f"{metric}: {charts.written(value)}", f"The value is {charts.written(value)}. {told}.", value, lanes
    )
    rows = [
        [
            f"Rule {each.rule}",
            each.text,
            "yes" if each.low <= value <= each.high else "no",
            _says(each.passes) if each.matched else "",
        ]
        for each in asked[:50]
    ]
    return charts.figure(f"{metric}: {charts.written(value)}", drawing, ("Rule", "Asks", "Lies within", "Passes"), rows)


def _meaning(asked: Asked) -> str:
    if not asked.matched:
        return ""
    return {True: ": matches, passes", False: ": matches, does not pass", None: ": matches, says neither"}[asked.passes]


def _kind(asked: Asked) -> str:
    if not asked.matched or asked.passes is None:
        return "plain"
    return "good" if asked.passes else "bad"


def _says(passes: bool | None) -> str:
    return {True: "yes", False: "no", None: "neither yes nor no"}[passes]


def _table(room: Room, table: TableOutcome, verdict: Verdict) -> Markup:
    """A decision, rule by rule."""
    outcomes = matched_of(table, verdict)
    rows = []
    for place, sentence in enumerate(table.conditions, 1):
        rule = outcomes.get(place)
        rows.append([str(place), sentence, _says(rule.passes) if rule else "", rule.reason if rule else ""])
    # Of those that are beyond the first ones which are kept, those that matched.
    for place in sorted(place for place in outcomes if place > len(table.conditions)):
        rule = outcomes[place]
        rows.append([str(place), " and ".join(rule.conditions), _says(rule.passes), rule.reason])
    more = table.rules - len(rows)
    said = f"{table.matched:,} of {table.rules:,} rules matched." + (
        f" {more:,} more rules are not shown." if more > 0 else ""
    )
    title = f"{table.table}: {table.decision}" if table.decision else table.table
    head = element("h3", charts.bidi(title))
    return charts.joined(
        [head, element("p", said), table_within(room, ("Rule", "Asks", "Passes", "Reason"), rows, 100, stacked=True)]
    )
