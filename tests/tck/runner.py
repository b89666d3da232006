"""Puts an engine to the kit's cases and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlc.dmn

from .cases import Case, Expected, cases
from .values import same

#: What is put to the test: a case and one of its results -> value. An exception of any kind is a failure.
Engine = Callable[[Case, Expected], Any]


@dataclass(frozen=True)
class Failure:
    """A result that is wrong."""

    case: str
    result: str
    expected: str
    actual: str


@dataclass
class Score:
    """How many cases of a level passed. `value_tests` are the cases with a result that is not null.

    Cases whose model calls Java functions are in `out_of_scope` by their ids and in no other count.
    """

    total: int = 0
    value_tests: int = 0
    value_tests_passed: int = 0
    failures: list[Failure] = field(default_factory=list)
    passed_cases: list[str] = field(default_factory=list)
    out_of_scope: list[str] = field(default_factory=list)

    @property
    def passed(self) -> int:
        """How many cases passed."""
        return len(self.passed_cases)

    @property
    def failed_cases(self) -> set[str]:
        """Ids of the cases with a wrong result."""
        return {failure.case for failure in self.failures}


class OwnEngine:
    """`mlc.dmn` by its public functions, with every model loaded once.

    What does not compile counts as null, as the kit has it; a decision that is not there is an error of its own.
    """

    def __init__(self) -> None:
        self.models: dict[Path, mlc.dmn.DecisionModel] = {}

    def __call__(self, case: Case, result: Expected) -> Any:
        if case.model not in self.models:
            self.models[case.model] = mlc.dmn.load(case.model, strict=False)
        model = self.models[case.model]
        if case.kind == "decision":
            return model.evaluate(case.inputs, result.name).result
        value = model.evaluate(case.inputs, case.invocable).result
        # A service with several decisions answers a context of theirs.
        return value[result.name] if isinstance(value, dict) and result.name in value else value


def run(folder: Path, engine: Engine | None = None) -> dict[str, Score]:
    """Put an engine, `mlc.dmn` by default, to every case below a folder; the scores are by compliance level."""
    return scored(cases(folder), engine or OwnEngine())


def scored(given: Iterable[Case], engine: Engine) -> dict[str, Score]:
    """The scores of cases, by level."""
    scores: dict[str, Score] = {}
    for case in given:
        score = scores.setdefault(case.level, Score())
        if case.needs_java:
            score.out_of_scope.append(case.id)
            continue
        failures = failed(case, engine)
        score.total += 1
        score.passed_cases += [] if failures else [case.id]
        score.value_tests += case.is_value_test
        score.value_tests_passed += case.is_value_test and not failures
        score.failures += failures
    return scores


def failed(case: Case, engine: Engine) -> list[Failure]:
    """The results of a case that are wrong."""
    failures = []
    for result in case.expected:
        wanted = None if result.is_error else result.value
        try:
            actual = engine(case, result)
            right, shown = same(actual, wanted), repr(actual)
        except Exception as error:
            right, shown = False, f"{type(error).__name__}: {error}"
        if not right:
            failures.append(Failure(case.id, result.name, repr(wanted), shown))
    return failures
