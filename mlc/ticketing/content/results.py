"""Test results on a ticket: a table of the metrics, beside those of the last deployed snapshot."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mlc.monitors import distributions
from mlc.ticketing.content.evidence import Evidence, ResultFact
from mlc.ticketing.content.values import NOTHING, difference, flat, same, shown
from mlc.ticketing.port import Table
from mlc.ticketing.text import clipped

NAMES_SHOWN = 10
LONGEST_NAME = 80
NEW, GONE = "new", "no longer there"


def named(result: ResultFact) -> str:
    """A test result, by its id and when it was made."""
    return f"test result {result.id}" + (f" ({result.created})" if result.created else "")


def measured_on(result: ResultFact) -> Iterator[str]:
    """On which data a result was measured, and how that was chosen, in sentences."""
    if result.read:
        yield f"Measured on {_listed(result.read)}."
    if result.choice:
        yield result.choice
    if result.baseline:
        yield f"Compared with the baseline {result.baseline}."


def metric_table(
    now: Mapping[str, Any], before: Mapping[str, Any] | None, asked: Collection[str] = frozenset()
) -> Table:
    """Every metric with its value; with another result, metric by metric, those that vanished at the end.

    The distributions that a monitor keeps for charts are no metrics.

    Args:
        asked: names of those that the decision tables ask for: they come first, with what is told beside them under a
            longer name, such as the feature of a greatest distance.
    """
    table = _metric_table(now, before)
    return table.model_copy(update={"rows": sorted(table.rows, key=lambda row: not row[0].startswith(tuple(asked)))})


def _metric_table(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> Table:
    now, earlier = _to_tell(now), _to_tell(before or {})
    new = once(flat(now), flat(earlier))
    if before is None:
        return Table(header=["Metric", "Value"], rows=[[name, shown(value)] for name, value in new.items()])
    old = once(flat(earlier), flat(now))
    rows = [
        [name, shown(old[name]), shown(value), difference(old[name], value)]
        if name in old
        else [name, NOTHING, shown(value), NEW]
        for name, value in new.items()
    ]
    rows += [[name, shown(value), NOTHING, GONE] for name, value in old.items() if name not in new]
    return Table(header=["Metric", "Before", "Now", "Difference"], rows=rows)


def _to_tell(values: Mapping[str, Any]) -> Mapping[str, Any]:
    drawn, _ = distributions.read(values)
    return {name: value for name, value in values.items() if name != distributions.KEY} if drawn else values


def once(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics without those of a test block (below ``values``) that stand outside as well, with the same value.

    ``others`` is the result that it is compared with: there, too, both must be the same.
    """
    kept = {}
    for name, value in values.items():
        places = [match.end() for match in re.finditer(r"(?:^|\.)values\.", name)]
        outside = next((name[place:] for place in places if name[place:] in values), None)
        told = outside is not None and same(values[outside], value)
        if not told or (name in others and not same(others.get(outside or ""), others[name])):
            kept[name] = value
    return kept


def comparison(evidence: Evidence, table: Table, monitor: str = "") -> Iterator[str]:
    """What the results are compared with, and which metrics only one of them has, in sentences.

    Args:
        monitor: the name of the one that made the results; empty if they are the model's own.
    """
    previous, before, result = evidence.previous, evidence.before, evidence.result
    if result is None or (previous is None and not monitor):
        return
    if before is None:
        if monitor:
            whose, known = f"The monitor {monitor!r}", "has no earlier result on this snapshot to compare with"
        else:
            whose = f"The last deployed snapshot, {previous.title if previous else ''},"
            known = "has no test result of its own to compare with"
        said = known if evidence.before_known else "could not be asked for its test result"
        yield f"{whose} {said}."
        return
    of = f"{previous.title}, the last deployed snapshot" if previous and not monitor else f"the monitor {monitor!r}"
    yield f"Before: {named(before)} of {of}.{_inputs(before, result)}"
    for how, names in ((NEW, _named(table, NEW)), (GONE, _named(table, GONE))):
        if names:
            yield f"{how.capitalize()}: {_listed(names)}."


def _inputs(before: ResultFact, now: ResultFact) -> str:
    if not before.inputs or not now.inputs:
        return ""
    same = sorted(before.inputs.values()) == sorted(now.inputs.values())
    return f" Both were measured on {'the same data' if same else 'different data'}."


def _named(table: Table, how: str) -> list[str]:
    return [row[0] for row in table.rows if row[-1] == how]


def _listed(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(clipped(name, LONGEST_NAME) for name in names[:NAMES_SHOWN]) + (
        f" and {more} more" if more > 0 else ""
    )
