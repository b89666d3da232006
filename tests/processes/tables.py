"""Decision tables for tests, in ModelOp's dialect."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:camunda="http://camunda.org/schema/1.0/dmn"
  id="d" name="Thresholds" namespace="http://camunda.org/schema/1.0/dmn">
  <decision id="thresholds" name="Thresholds"><decisionTable id="t" hitPolicy="COLLECT">"""
END = "</decisionTable></decision></definitions>"

Rule = tuple[Sequence[str], Sequence[str]]
"""Entries of a rule: of the inputs and of the outputs."""


def table(inputs: Sequence[str], outputs: Sequence[str], *rules: Rule) -> str:
    """A COLLECT table whose inputs are numbers. Output entries are FEEL: strings with their quotes."""
    columns = [
        f'<input id="i{n}" label="{escape(name)}" camunda:inputVariable="{escape(name)}">'
        f'<inputExpression id="e{n}" typeRef="double"><text></text></inputExpression></input>'
        for n, name in enumerate(inputs)
    ]
    columns += [f'<output id="o{n}" name="{name}"/>' for n, name in enumerate(outputs)]
    rows = [
        f'<rule id="r{row}">'
        + "".join(f'<inputEntry id="r{row}i{n}"><text>{escape(e)}</text></inputEntry>' for n, e in enumerate(tests))
        + "".join(f'<outputEntry id="r{row}o{n}"><text>{escape(e)}</text></outputEntry>' for n, e in enumerate(says))
        + "</rule>"
        for row, (tests, says) in enumerate(rules)
    ]
    return "".join([HEAD, *columns, *rows, END])


def under(metric: str, limit: float) -> str:
    """The table that does not pass a metric under a limit."""
    rule = ([f"< {limit}"], ["false", f'"{metric} under {limit}"'])
    return table([metric], ["passes", "reason"], rule)
