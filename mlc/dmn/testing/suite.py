"""Runs the cases of a model: which pass, which fail, and why."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from mlc.dmn.errors import DmnError, Problem
from mlc.dmn.evaluation import Evaluation
from mlc.dmn.model import DecisionModel

from .case import UNSAID, Case, CasesError
from .casefile import cases_in
from .comparison import difference
from .coverage import Coverage
from .interface import Interface

#: Sentences about one case, and rules that one of them names.
MOST = 10


class Status(StrEnum):
    """What came of a case. ERROR: it could not be tested as it is written."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case, in sentences if it did not pass, and the seconds of CPU that its evaluation took."""

    case: Case
    status: Status
    messages: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(slots=True)
class Suite:
    """The cases of one model. Run through `outcomes` once; the counts, `errors` and `coverage` are complete after it.

    `now` is the moment of the cases that have none, `decision` what is asked of those that name none; numbers may
    differ by `tolerance`. `errors` are sentences about files that could not be read to their end.
    """

    model: DecisionModel
    decision: str | None = None
    now: datetime | None = None
    tolerance: Decimal = Decimal(0)
    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    errors: list[str] = field(default_factory=list)
    coverage: Coverage = field(init=False)
    interface: Interface = field(init=False)
    _names: dict[int, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.coverage = Coverage(self.model)
        self.interface = Interface(self.model)

    @property
    def total(self) -> int:
        """How many cases there were."""
        return sum(self.counts.values())

    @property
    def passed(self) -> bool:
        """Whether there were cases, every one of them passed, and every file was read to its end."""
        return 0 < self.total == self.counts[Status.PASSED] and not self.errors

    def outcomes(self, sources: Iterable[Path | BinaryIO]) -> Iterator[Outcome]:
        """Test the cases of all files, one by one."""
        for source in sources:
            before = self.total
            try:
                for case in cases_in(source, self.interface):
                    outcome = self.outcome(case)
                    self.counts[outcome.status] += 1
                    yield outcome
            except CasesError as error:
                self.errors.append(str(error))
                continue
            if self.total == before:
                name = source.name if isinstance(source, Path) else "stdin"
                self.errors.append(f"{name} has no cases: nothing is tested")

    def outcome(self, case: Case) -> Outcome:
        """Test one case."""
        if case.decision is None and self.decision is not None:
            case = replace(case, decision=self.decision)
        try:
            if defects := [*case.defects, *self.named_twice(case), *self.interface.defects(case)]:
                return Outcome(case, Status.ERROR, tuple(defects[:MOST]))
            started = time.thread_time()
            evaluation = self.model.evaluate(
                case.inputs, case.decision, now=case.now or self.now, observer=self.coverage.observe
            )
            seconds = time.thread_time() - started
        except DmnError as error:
            return Outcome(case, Status.ERROR, tuple(problem.message for problem in error.problems[:MOST]))
        messages = [*self.wrong_result(case, evaluation), *_wrong_problems(case, evaluation.problems)]
        if not messages:
            return Outcome(case, Status.PASSED, (), seconds)
        return Outcome(case, Status.FAILED, (*messages[:MOST], _rules(evaluation)), seconds)

    def named_twice(self, case: Case) -> Iterator[str]:
        """Whether another case has the same name: a report could not tell the two apart."""
        if not case.name:
            return
        number, file = self._names.setdefault(hash(case.name), (case.number, case.file))
        if (number, file) != (case.number, case.file):
            yield f'case {number} of {file} is called "{case.name}", too'

    def wrong_result(self, case: Case, evaluation: Evaluation) -> Iterator[str]:
        """What differs from the result that is expected."""
        if case.expected is UNSAID:
            return
        unordered = self.interface.target(case.decision).unordered
        expected = self.interface.expected(case)
        told = difference(expected, evaluation.result, unordered=unordered, tolerance=self.tolerance)
        if told:
            yield told


def _wrong_problems(case: Case, problems: list[Problem]) -> list[str]:
    """Problems that are reported and not expected, and the other way round."""
    told = [
        f"a problem that is not expected: {problem.kind}: {problem}"
        for problem in problems
        if not any(expected.matches(problem) for expected in case.problems)
    ]
    return told + [
        f"the expected problem ({expected}) is not reported"
        for expected in case.problems
        if not any(expected.matches(problem) for problem in problems)
    ]


def _rules(evaluation: Evaluation) -> str:
    """The rules that led to the result, for whoever looks for the reason."""
    rules = evaluation.matched_rules
    if not rules:
        return "no rule matched"
    told = [f'"{rule.decision}" rule {rule.index}{f" ({rule.inputs})" if rule.inputs else ""}' for rule in rules[:MOST]]
    more = f" and {len(rules) - MOST} more" if len(rules) > MOST else ""
    return f"by {'; '.join(told)}{more}"
