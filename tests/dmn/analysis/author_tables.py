"""Tables as an author writes them, and what the analysis says about one of their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from dmn_text import decision, dmn, input_data, typed

from mlc.dmn.analysis import Finding, analyse

Column = tuple[str, str | None]


def table(
    inputs: Sequence[Column],
    outputs: Sequence[Column],
    rows: Sequence[Sequence[str]],
    policy: str = "FIRST",
    attributes: str = "",
    allowed: Mapping[str, str] = {},
) -> str:
    """The text of a table: rows of cells, inputs first. `allowed` has input and output values by column."""

    def values(name: str, tag: str) -> str:
        return f"<{tag}><text>{escape(allowed[name], quote=False)}</text></{tag}>" if name in allowed else ""

    columns = "".join(
        f'<input label="{escape(name)}"><inputExpression{typed(kind)}><text>{escape(name)}</text></inputExpression>'
        f"{values(name, 'inputValues')}</input>"
        for name, kind in inputs
    )
    columns += "".join(
        f'<output name="{name}"{typed(kind)}>{values(name, "outputValues")}</output>' for name, kind in outputs
    )
    tags = ["inputEntry"] * len(inputs) + ["outputEntry"] * len(outputs)
    rules = "".join(
        "<rule>"
        + "".join(
            f"<{tag}><text>{escape(cell, quote=False)}</text></{tag}>" for tag, cell in zip(tags, row, strict=True)
        )
        + "</rule>"
        for row in rows
    )
    return f'<decisionTable hitPolicy="{policy}"{attributes}>{columns}{rules}</decisionTable>'


def declared(text: str, *inputs: Column, name: str = "verdict") -> bytes:
    """A file with one decision, which requires these input data."""
    data = [input_data(given, kind) for given, kind in inputs]
    return dmn(*data, decision(name, text, inputs=[given for given, _ in inputs]))


def findings(data: bytes) -> list[Finding]:
    """All findings but those about gaps and overlaps, and about columns of which no rule makes use."""
    others = {"gap", "overlap", "masked", "subsumed", "duplicate_rule", "cannot_tell", "unused_column"}
    return [finding for finding in analyse(data).findings if str(finding.kind) not in others]


def of_cell(cell: str, kind: str | None = "number", **options: Mapping[str, str]) -> list[Finding]:
    """What is found about a cell in a column called `auc`."""
    rows = [[cell, "true"], ["-", "false"]]
    return findings(declared(table([("auc", kind)], [("passes", "boolean")], rows, **options), ("auc", kind)))  # type: ignore[arg-type]


def of_output(cell: str, kind: str | None, **options: Mapping[str, str]) -> list[Finding]:
    """What is found about an output cell."""
    rows = [["> 0.5", cell]]
    return findings(declared(table([("auc", "number")], [("result", kind)], rows, **options), ("auc", "number")))  # type: ignore[arg-type]
