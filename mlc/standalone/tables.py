"""A folder's decision tables, loaded and checked as the processes will."""

from pydantic import BaseModel

import mlc.dmn
from mlc.center import NewFile

PASSES = "passes"


class TableReport(BaseModel):
    """One decision table: its decisions, what they ask for, and why it can't be used."""

    name: str
    decisions: list[str] = []
    inputs: list[str] = []
    problems: list[str] = []


def table_report(file: NewFile) -> TableReport:
    """Load a decision table, and say what it asks for or what is wrong with it."""
    name = file.asset.name
    report = TableReport(name=name)
    if file.path is None:
        return report
    try:
        model = mlc.dmn.load(file.path.read_bytes(), name=name)
    except mlc.dmn.DmnError as error:
        report.problems = [f"{problem} (Mend the table: `mlc dmn check {name}`.)" for problem in error.problems]
        return report
    except ValueError as error:
        report.problems = [f"{name} can't be used as a decision table. {error}"]
        return report
    report.decisions = model.top_decisions
    report.inputs = [asked.name for asked in model.inputs]
    report.problems = [
        f"{name}: decision {decision!r} has no output named {PASSES!r}, so that no result can pass it. Add the output."
        for decision in model.top_decisions
        if PASSES not in model.outputs(decision)
    ]
    return report
