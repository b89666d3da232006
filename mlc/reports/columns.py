"""The distribution of each column before and after: in the baseline and in the sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlc import charts
from mlc.charts import Beyond, Markup, Pairs, Steps, element, share, shares, written
from mlc.monitors import distributions
from mlc.monitors.distributions import Distribution
from mlc.reports.room import Room
from mlc.reports.values import number

SIZE = 190_000
"""Bytes of the section."""
MOST_BARS = 12
STATISTICS = {
    "_js_distance": "Jensen-Shannon distance",
    "_kl_divergence": "Kullback-Leibler divergence",
    "_ks_pvalue": "Kolmogorov-Smirnov p-value",
    "_es_pvalue": "Epps-Singleton p-value",
    "_CSI": "CSI",
    "_PSI": "PSI",
}
SIDES = ("Baseline", "Sample")
CLASSES = ("True", "Predicted")


def columns_section(values: Mapping[str, Any]) -> Markup | None:
    """A chart for each column of which the result has a distribution, those that moved most first; None of none."""
    found, left_out = distributions.read(values)
    names, said = SIDES, "Shares of the records that have a value."
    if not found:
        found, left_out = (
            sorted(_stability(values), key=lambda each: -(number(values.get(f"{each.column}_CSI")) or 0.0)),
            0,
        )
        said = "Shares of all records, in the buckets from which the indices are computed."
    if not found:
        found, names = list(_classes(values)), CLASSES
        said = "Shares of the records that were measured: how often each class is true, and how often it is predicted."
    if not found:
        return None
    room = Room(SIZE)
    drawn = []
    for each in found:
        made = _figure(each, values, names)
        if room.takes(made):
            drawn.append(made)
        else:
            left_out += 1
    more = None
    if left_out:
        these = "column is" if left_out == 1 else "columns are"
        more = element("p", f"{left_out:,} more {these} not drawn: here are those that moved most.", class_="soft")
    title = "Classes" if names is CLASSES else "Before and after"
    return element("section", element("h2", title), element("p", said), element("div", *drawn, class_="grid"), more)


def _figure(each: Distribution, values: Mapping[str, Any], names: tuple[str, str]) -> Markup:
    statistics = [
        f"{name} {written(value)}"
        for suffix, name in STATISTICS.items()
        if (value := number(values.get(f"{each.column}{suffix}"))) is not None
    ]
    totals = [sum(side) + below + above + others for side, below, above, others in zip(
        (each.baseline, each.sample), each.below, each.above, each.others, strict=True)]  # fmt: skip
    before, after = (shares(side, total) for side, total in zip((each.baseline, each.sample), totals, strict=True))
    counted = f"{names[0]} {written(totals[0])} records, {names[1].lower()} {written(totals[1])}"
    nulls = f"; without a value {written(each.nulls[0])} and {written(each.nulls[1])}" if any(each.nulls) else ""
    told = ". ".join([counted + nulls, *statistics])
    if each.edges:
        drawing = charts.steps(each.column, told, names, _steps(each, before, after, totals))
    else:
        drawing = _pairs(each, told, names, (before, after), totals)
    made = charts.figure(each.column, drawing, ("", *names, ""), _rows(each, before, after))
    return element("div", made, element("p", f"{told}.", class_="soft"))


def _steps(each: Distribution, before: Sequence[float], after: Sequence[float], totals: Sequence[float]) -> Steps:
    below, above = (Beyond(*(shares([count], total)[0] for count, total in zip(both, totals, strict=True)))
                    for both in (each.below, each.above))  # fmt: skip
    return Steps(each.edges, before, after, below, above)


def _pairs(
    each: Distribution,
    told: str,
    names: tuple[str, str],
    sides: tuple[list[float], list[float]],
    totals: Sequence[float],
) -> Markup:
    """Of many categories the most frequent ones, and one pair of bars for all others."""
    labels, (before, after) = list(each.categories), sides
    others = each.other_categories
    rest = [shares([count], total)[0] for count, total in zip(each.others, totals, strict=True)]
    if len(labels) > MOST_BARS:
        ranked = sorted(range(len(labels)), key=lambda place: -(before[place] + after[place]))
        kept, dropped = sorted(ranked[:MOST_BARS]), ranked[MOST_BARS:]
        others += len(dropped)
        rest = [rest[which] + sum(side[place] for place in dropped) for which, side in enumerate(sides)]
        labels = [labels[place] for place in kept]
        before, after = ([side[place] for place in kept] for side in sides)
    more = ""
    if others:
        more = f"{others:,} other categor{'ies' if others > 1 else 'y'}: {share(rest[0])} and {share(rest[1])}"
    return charts.pairs(each.column, told, names, Pairs(labels, before, after, more))


def _rows(each: Distribution, before: Sequence[float], after: Sequence[float]) -> Iterator[list[str]]:
    """Records of both sides, bucket by bucket, and by how much the share has changed."""
    labels = list(each.categories)
    if each.edges:
        labels = [f"{written(low)} to {written(high)}" for low, high in zip(each.edges, each.edges[1:], strict=False)]
    if any(each.below):
        yield [
            f"below {written(each.edges[0])}" if each.edges else "below",
            *(written(count) for count in each.below),
            "",
        ]
    for name, one, other, p, q in zip(labels, each.baseline, each.sample, before, after, strict=True):
        yield [name, written(one), written(other), f"{share(p)} \N{RIGHTWARDS ARROW} {share(q)}"]
    if any(each.above):
        yield [
            f"above {written(each.edges[-1])}" if each.edges else "above",
            *(written(count) for count in each.above),
            "",
        ]
    if each.other_categories:
        yield [f"{each.other_categories:,} others", *(written(count) for count in each.others), ""]
    if any(each.nulls):
        yield ["without a value", *(written(count) for count in each.nulls), ""]


def _stability(values: Mapping[str, Any]) -> Iterator[Distribution]:
    """The tables of the stability monitor, ModelOp's own too."""
    blocks = values.get("stability")
    for block in blocks if isinstance(blocks, list) else []:
        analyses = block.get("values") if isinstance(block, dict) else None
        for column, analysis in analyses.items() if isinstance(analyses, dict) else ():
            listed = analysis.get("stability_analysis_table") if isinstance(analysis, dict) else None
            rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
            counts = [[number(row.get(key)) for row in rows] for key in ("train_count", "eval_count")]
            if not rows or any(count is None or count < 0 for side in counts for count in side):
                continue
            yield _distribution(str(column), [str(row.get("bucket")) for row in rows], counts)


def _distribution(column: str, names: Sequence[str], counts: Sequence[Sequence[float | None]]) -> Distribution:
    """The first buckets or categories; all others are others."""
    most = distributions.MOST_CATEGORIES
    sides = [tuple(count or 0 for count in side[:most]) for side in counts]
    others = [sum(count or 0 for count in side[most:]) for side in counts]
    return Distribution(
        column,
        sides[0],
        sides[1],
        categories=tuple(names[:most]),
        other_categories=max(len(names) - most, 0),
        others=(others[0], others[1]),
    )


def _classes(values: Mapping[str, Any]) -> Iterator[Distribution]:
    """How often each class is true and predicted, of a confusion matrix in shares of all records."""
    matrix = values.get("confusion_matrix")
    if not isinstance(matrix, list) or not matrix or not all(isinstance(row, dict) for row in matrix):
        return
    names = list(matrix[0])
    cells = [[number(row.get(name)) for name in names] for row in matrix]
    if len(cells) != len(names) or any(cell is None or cell < 0 for row in cells for cell in row):
        return
    true = [sum(cell or 0 for cell in row) for row in cells]
    predicted = [sum(cell or 0 for cell in column) for column in zip(*cells, strict=True)]
    yield _distribution("Classes", [str(name) for name in names], [true, predicted])
