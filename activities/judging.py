"""What decision tables say of the values that are put to them: a verdict, and all that keeps one from being a pass."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import mlc.dmn
from mlc.model.result import TestResultRecord
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate, writable
from mlc.model.verdict import MODEL_METHODOLOGY, MODEL_RISK, MODEL_STAGE, RuleOutcome, TableOutcome, Threshold, Verdict
from mlc.reports.conditions import comparisons
from mlc.settings import ProcessSettings

MOST_CONDITIONS = 20
LONGEST_CONDITION = 120
MOST_THRESHOLDS = 100
PASSES = "passes"
"""The output by which a table says yes or no."""
ACTION = "action"
"""The output by which a monitor's table says what is to be done."""
YES = frozenset({"true"})
NO = frozenset({"false", "no", "fail", "0"})
"""What ``passes`` may say as a string; whatever else stands there is neither."""


ONE_ROW = frozenset({"UNIQUE", "ANY", "FIRST", "PRIORITY"})
"""Hit policies whose result is one row; a list there is a value."""


class Table(NamedTuple):
    """A decision table: its content, or what keeps it from being read, as a sentence; and the monitor that has it."""

    name: str
    content: bytes = b""
    problem: str = ""
    monitor: str = ""


class Put(NamedTuple):
    """What is put to the tables.

    ``values`` are a test result's and, under names that no result can take, what the snapshot says of the model.
    ``claims`` are sentences: where the result says something else of the model than the snapshot. ``unheard`` are the
    names that the result says something of, and the snapshot nothing.
    """

    values: Mapping[str, object]
    claims: Sequence[str] = ()
    unheard: Collection[str] = ()


def put_to_tables(result: TestResultRecord, snapshot: Snapshot) -> Put:
    """A result's top-level values, and the model's methodology, risk and stage, which are the snapshot's alone.

    What the snapshot does not say is missing. A key that differs from such a name in case or white space only is no
    metric either: it is not put to the tables. A member of a result's object, ``summary.modelRisk``, is the result's.
    """
    model = snapshot.model
    about = {MODEL_METHODOLOGY: model.methodology, MODEL_RISK: model.risk, MODEL_STAGE: model.stage}
    ours = {_plain(name): name for name in about}
    values: dict[str, object] = {name: value for name, value in about.items() if value.strip()}
    claims, unheard = [], []
    for key, value in result.values.items():
        name = ours.get(_plain(key))
        if name is None:
            values[key] = value
        elif value is None:
            continue
        elif name not in values:
            unheard.append(name)
        elif value != values[name]:
            told = f"{truncate(key, 40)!r} is {shown(value)}, and the snapshot that it is {shown(values[name])}"
            claims.append(f"The test result says that {told}: what a model is, only its snapshot says.")
    return Put(values, claims, unheard)


def judged(
    tables: Sequence[Table], put: Put, now: datetime, settings: ProcessSettings, warnings: Sequence[str] = ()
) -> Verdict:
    """The verdict of some tables, all of which must pass. ``warnings``: what is known already."""
    found = _Findings(put, settings, warnings)
    for table in tables:
        if table.problem:
            found.problems.append(f"{table.name} can't be used. {table.problem}")
            continue
        try:
            model = mlc.dmn.load(table.content, name=table.name)
        except (mlc.dmn.DmnError, ValueError) as error:
            found.problems.append(f"{table.name} can't be used. {error}")
            continue
        if not model.top_decisions:
            found.problems.append(f"{table.name}: there is no decision in it that says whether the model passes.")
        for decision in model.top_decisions:
            evaluation = model.evaluate(put.values, decision, now=now)
            asked = [each.name for each in model.inputs]
            found.rules.extend(_outcomes(table.name, evaluation))
            found.tables.append(_table_outcome(table, decision, evaluation, put.values, asked))
            found.weigh(table.name, model, decision, evaluation)
    return found.verdict(now)


class _Findings:
    """What is found out about some tables, decision by decision."""

    def __init__(self, put: Put, settings: ProcessSettings, warnings: Sequence[str]) -> None:
        self.settings = settings
        self.unheard = put.unheard
        self.problems = list(put.claims)
        self.warnings = list(warnings)
        self.rules: list[RuleOutcome] = []
        self.tables: list[TableOutcome] = []

    def verdict(self, now: datetime) -> Verdict:
        passed = not self.problems and not any(rule.passes is False for rule in self.rules)
        return Verdict(
            judged=True,
            passed=passed,
            rules=self.rules,
            problems=[writable(each) for each in self.problems],
            warnings=[writable(each) for each in self.warnings],
            judged_at=now,
            tables=self.tables,
        )

    def weigh(self, file: str, model: mlc.dmn.DecisionModel, decision: str, evaluation: mlc.dmn.Evaluation) -> None:
        """What keeps a decision's answer from being a yes, and what is to be remarked on it."""
        before, place = len(self.problems), f'{file}, decision "{decision}"'
        for problem in evaluation.problems:
            self._problem(problem)
        self.problems += dict.fromkeys(_unclear_rules(file, evaluation))
        said, gap = list(_said(model, decision, evaluation)), _gap(model, decision, evaluation)
        outputs, clear = model.outputs(decision), len(self.problems) == before
        if PASSES not in outputs and (outputs or not said):
            self.problems.append(f"{file}: decision {decision!r} has no output named {PASSES!r}.")
        elif not said and gap is None and clear:
            self.problems.append(f"{place}: {_who(decision, evaluation)} {_neither(None)}")
        refused = any(rule.decision == decision and truth(rule.outputs.get(PASSES)) is False
                      for rule in evaluation.matched_rules)  # fmt: skip
        for value, reason in said:
            if truth(value) is False and not refused:
                self.problems.append(f"{place}: {_who(decision, evaluation)} says no{f': {reason}' if reason else ''}")
            elif truth(value) is None and clear:
                self.problems.append(f"{place}: {_who(decision, evaluation)} {_neither(value)}")
        if gap and len(self.problems) == before:
            self._gap(f"{place}: {gap}")

    def _problem(self, problem: mlc.dmn.Problem) -> None:
        lacking = problem.kind in {mlc.dmn.Kind.MISSING_INPUT, mlc.dmn.Kind.NULL_INPUT}
        told = "; what the test result says of it does not count" if problem.input in self.unheard else ""
        if not lacking or self.settings.on_missing_metric == "fail":
            self.problems.append(f"{problem}{told}")
        elif self.settings.on_missing_metric == "warn":
            self.warnings.append(f"{problem}{told}")

    def _gap(self, sentence: str) -> None:
        if self.settings.on_no_match == "fail":
            self.problems.append(sentence)
        elif self.settings.on_no_match == "warn":
            self.warnings.append(sentence)


def truth(value: object) -> bool | None:
    """``passes`` as tables write it; None for what is neither a yes nor a no."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().casefold()
        return True if word in YES else False if word in NO else None
    return False if isinstance(value, int | float | Decimal) and value == 0 else None


def shown(value: object) -> str:
    """A value for a person to read."""
    text = "empty" if value is None else f'"{value}"' if isinstance(value, str) else str(value)
    return truncate(text, LONGEST_CONDITION)


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


def _neither(value: object) -> str:
    return f"has {PASSES} {shown(value)}, which is neither yes nor no: write true or false"


def _who(decision: str, evaluation: mlc.dmn.Evaluation) -> str:
    default = any(table.decision == decision and table.default for table in evaluation.unmatched)
    return "no rule matches, and the default output" if default else "its result"


def _unclear_rules(file: str, evaluation: mlc.dmn.Evaluation) -> Iterator[str]:
    """The rules that matched and say neither yes nor no; not those of which the evaluation told why."""
    told = {(problem.decision, problem.rule, problem.column) for problem in evaluation.problems}
    for rule in evaluation.matched_rules:
        value = rule.outputs.get(PASSES, False)
        if truth(value) is None and (rule.decision, rule.index, PASSES) not in told:
            yield f'{file}, decision "{rule.decision}", rule {rule.index} {_neither(value)}'


def _said(model: mlc.dmn.DecisionModel, decision: str, evaluation: mlc.dmn.Evaluation) -> Iterator[tuple[object, str]]:
    """What a decision's result has for ``passes``, row by row, each with its reason.

    The result of a table with the one output is that output; any other is a context with this entry, or several.
    """
    result, outputs = evaluation.result, model.outputs(decision)
    several = isinstance(result, list) and model.hit_policy(decision) not in ONE_ROW
    rows = result if several else [] if result is None else [result]
    if outputs == [PASSES]:
        yield from ((row, "") for row in rows)
    elif not outputs or PASSES in outputs:
        contexts = [row for row in rows if isinstance(row, dict) and PASSES in row]
        if len(contexts) == len(rows):
            yield from ((row[PASSES], str(row.get("reason") or "")) for row in contexts)


def _gap(model: mlc.dmn.DecisionModel, decision: str, evaluation: mlc.dmn.Evaluation) -> str | None:
    """Of which values no rule says anything, as a sentence; None if a rule or a default output says something.

    Empty for a table all of whose rules say no: it lists failures, and what it does not list is none.
    """
    if PASSES not in model.outputs(decision):
        return None
    matched = any(rule.decision == decision for rule in evaluation.matched_rules)
    unmatched = next((each for each in evaluation.unmatched if each.decision == decision), None)
    if matched or unmatched is None or unmatched.default:
        return None
    said = model.says(decision, PASSES)
    return "" if said and all(truth(value) is False for value in said) else str(unmatched)


def _outcomes(table: str, evaluation: mlc.dmn.Evaluation) -> Iterator[RuleOutcome]:
    for rule in evaluation.matched_rules:
        yield RuleOutcome(
            table=table,
            rule=rule.index,
            decision=rule.decision,
            passes=truth(rule.outputs.get(PASSES)),
            reason=writable(str(rule.outputs.get("reason") or "")),
            category=writable(str(rule.outputs.get("category") or "")),
            action=writable(str(rule.outputs.get(ACTION) or "")),
            conditions=[_condition(each) for each in rule.conditions[:MOST_CONDITIONS]],
        )


def _condition(condition: mlc.dmn.Condition) -> str:
    """What a cell asks, as its table has it, and the value that was put to it: ``auc >= 0.8 (it is 0.93)``."""
    test, value = (truncate(text, LONGEST_CONDITION) for text in (condition.test, condition.shown))
    return f"{test} (it is {value})"


def _table_outcome(
    table: Table, decision: str, evaluation: mlc.dmn.Evaluation, values: Mapping[str, object], asked: Collection[str]
) -> TableOutcome:
    """What a decision asks, rule by rule, and of what."""
    try:
        outlines = mlc.dmn.outline(table.content, name=table.name)
    except mlc.dmn.DmnError:
        outlines = []
    found = next((each for each in outlines if each.decision == decision), None)
    rules = found.rules if found else ()
    told = [" and ".join(found.conditions(rule)) or "anything" for rule in rules[:MOST_CONDITIONS]] if found else []
    put = {name: values[name] for name in asked if name in values}
    matched = {rule.index for rule in evaluation.matched_rules if rule.decision == decision}
    compared = [
        threshold
        for number, rule in enumerate(rules, 1)
        if found and (number <= MOST_CONDITIONS or number in matched)
        for threshold in _thresholds(number, found.conditions(rule), put)
    ]
    return TableOutcome(
        table=table.name,
        decision=decision,
        matched=sum(rule.decision == decision for rule in evaluation.matched_rules),
        rules=len(rules),
        conditions=[truncate(each, LONGEST_CONDITION) for each in told],
        values={name: truncate(str(value), LONGEST_CONDITION) for name, value in list(put.items())[:MOST_CONDITIONS]},
        thresholds=compared[:MOST_THRESHOLDS],
    )


def _thresholds(rule: int, conditions: Sequence[str], names: Collection[str]) -> Iterator[Threshold]:
    """What a rule asks of those numbers that were put to it."""
    for metric, text, low, high in (found for said in conditions if names for found in comparisons(said, names)):
        ends = {name: end for name, end in (("low", low), ("high", high)) if math.isfinite(end)}
        yield Threshold(rule=rule, metric=metric, text=truncate(text, LONGEST_CONDITION), **ends)
