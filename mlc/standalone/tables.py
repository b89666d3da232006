"""A folder's decision tables, loaded, checked and analysed as the processes will."""

from pydantic import BaseModel

import mlc.dmn
from activities.judging import PASSES
from activities.table_findings import LookedAt, look_at
from mlc.center import NewFile
from mlc.center.modelop.ordinary import content
from mlc.center.modelop.settings import CenterSettings
from mlc.dmn.analysis import Severity


class TableReport(BaseModel):
    """One decision table: its decisions, what they ask for, and why it can't be used.

    ``problems`` are errors. ``warnings`` and ``hints`` are what else its analysis found; the first of each kind are
    there, and the last sentence says how many more there are.
    """

    name: str
    decisions: list[str] = []
    inputs: list[str] = []
    problems: list[str] = []
    warnings: list[str] = []
    hints: list[str] = []


def table_report(file: NewFile) -> TableReport:
    """Analyse a decision table, and say what it asks for, what is wrong with it and what may surprise its author."""
    name, limit = file.asset.name, CenterSettings().text_limit
    if file.path is None:
        return TableReport(name=name, warnings=[f"{name} is at an address, and was not looked at."])
    try:
        held = content(file.path, limit)
    except OSError as error:
        return TableReport(name=name, problems=[f"{name} can't be read: {error.strerror}."])
    if held is None:
        problem = f"{name} is larger than {limit} bytes: make it smaller, or raise MLC_CENTER_TEXT_LIMIT."
        return TableReport(name=name, problems=[problem])
    return _report(name, held, look_at(held))


def _report(name: str, held: bytes, looked: LookedAt) -> TableReport:
    report = TableReport(
        name=name,
        problems=[f"{error} (Mend the table: `mlc dmn check {name}`.)" for error in looked.of(name, Severity.ERROR)],
        warnings=looked.of(name, Severity.WARNING),
        hints=looked.of(name, Severity.HINT),
    )
    if not looked.loads:
        return report
    model = mlc.dmn.load(held, name=name)
    report.decisions = model.top_decisions
    report.inputs = [asked.name for asked in model.inputs]
    if not model.top_decisions:
        report.problems.append(f"{name} has no decision that can be judged. Add one, or leave the file out.")
    report.problems += [
        f"{name}: decision {decision!r} has no output named {PASSES!r}, so that no result can pass it. Add the output."
        for decision in model.top_decisions
        if PASSES not in model.outputs(decision)
    ]
    return report
