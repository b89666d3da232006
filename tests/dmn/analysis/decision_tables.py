"""Files with one decision table, for the analysis: columns with types and allowed values, rows of cells."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from dmn_text import decision, dmn, typed

import mlc.dmn
from mlc.dmn.analysis import Finding, Severity
from mlc.dmn.analysis.rules import rules_together


class Column(NamedTuple):
    """An input column: its expression, its type, the allowed values, and its label, if that is another text."""

    text: str
    type_ref: str | None = None
    allowed: str = ""
    label: str = ""


def _text(tag: str, text: str) -> str:
    return f"<{tag}><text>{escape(text, quote=False)}</text></{tag}>"


def table_of(
    inputs: Sequence[str | Column],
    rows: Sequence[Sequence[str]],
    policy: str = "UNIQUE",
    outputs: Sequence[str] = ("passes",),
    *,
    priorities: str = "",
    default: str = "",
    attributes: str = "",
) -> str:
    """The box of a decision table. Each row has a cell for each input, then one for each output."""
    columns = [Column(one) if isinstance(one, str) else one for one in inputs]
    heads = "".join(
        f'<input label="{escape(one.label or one.text)}"><inputExpression{typed(one.type_ref)}>'
        f"<text>{escape(one.text, quote=False)}</text></inputExpression>"
        f"{_text('inputValues', one.allowed) if one.allowed else ''}</input>"
        for one in columns
    )
    heads += "".join(
        f'<output name="{name}">{_text("outputValues", priorities) if priorities else ""}'
        f"{_text('defaultOutputEntry', default) if default else ''}</output>"
        for name in outputs
    )
    rules = "".join(
        f"<rule>{''.join(_text('inputEntry', cell) for cell in row[: len(columns)])}"
        f"{''.join(_text('outputEntry', cell) for cell in row[len(columns) :])}</rule>"
        for row in rows
    )
    return f'<decisionTable hitPolicy="{policy}"{attributes}>{heads}{rules}</decisionTable>'


def file_of(*args, elements: Sequence[str] = (), **kwargs) -> bytes:
    """A file whose decision "Verdict" is a table, as `table_of` makes it; `elements` stand in front of it."""
    return dmn(*elements, decision("Verdict", table_of(*args, **kwargs)))


def found_in(file: bytes) -> list[Finding]:
    """What is found about the rules of a file's tables taken together, the worst first."""
    model = mlc.dmn.load(file, strict=False, max_bytes=100_000_000)
    findings = [finding for table in model.tables for finding in rules_together(table, model)]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def found(*args, **kwargs) -> list[Finding]:
    """The same for the file that `file_of` makes, which loads without a problem."""
    file = file_of(*args, **kwargs)
    mlc.dmn.load(file)
    return found_in(file)


def kinds(findings: Sequence[Finding]) -> list[tuple[str, str, tuple[int, ...]]]:
    """Severity, aspect and rules of each finding."""
    return [(finding.severity.value, finding.kind.value, finding.rules) for finding in findings]
