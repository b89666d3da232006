"""The XML of decision files for verdicts."""

from collections.abc import Sequence
from html import escape

from activities.judging import Table

HEAD = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="D" namespace="urn:t">'
Rows = Sequence[Sequence[str]]
"""Cells of rules, those of inputs first."""


def logic(
    inputs: Sequence[str],
    rows: Rows,
    policy: str = "COLLECT",
    outputs: Sequence[str] = ("passes",),
    *,
    more: str = "",
    defaults: Sequence[str] = (),
    kind: str = "",
) -> str:
    """A decision table's XML. ``defaults`` are default outputs, and ``kind`` the type of the first output."""
    text = ""
    for name in inputs:
        head = escape(name)
        text += f'<input label="{head}"><inputExpression><text>{head}</text></inputExpression></input>'
    for n, name in enumerate(outputs):
        default = f"<text>{escape(defaults[n])}</text>" if n < len(defaults) and defaults[n] else ""
        default = f"<defaultOutputEntry>{default}</defaultOutputEntry>" if default else ""
        typed = f' typeRef="{kind}"' if kind and not n else ""
        text += f'<output name="{name}"{typed}>{default}</output>'
    for row in rows:
        cells = [f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in row[: len(inputs)]]
        cells += [f"<outputEntry><text>{escape(cell)}</text></outputEntry>" for cell in row[len(inputs) :]]
        text += f"<rule>{''.join(cells)}</rule>"
    return f'<decisionTable hitPolicy="{policy}"{more}>{text}</decisionTable>'


def decision(name: str, box: str, *required: str) -> str:
    needs = [f'<informationRequirement><requiredDecision href="#{one}"/></informationRequirement>' for one in required]
    return f'<decision id="{name}" name="{name}">{"".join(needs)}{box}</decision>'


def literal(text: str) -> str:
    return f"<literalExpression><text>{escape(text)}</text></literalExpression>"


def file(body: str) -> Table:
    """One file, ``t.dmn``; ``body`` is the XML of a table of the decision ``D``, or whole elements."""
    elements = decision("D", body) if body.startswith(("<decisionTable", "<literal")) else body
    return Table("t.dmn", f"{HEAD}{elements}</definitions>".encode())
