"""Puts an engine to the kit's cases and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlc.dmn

from .cases import Case, cases, same

#: What is put to the test: model file, inputs, name of the decision -> value. An exception of any kind is a failure.
Engine = Callable[[Path, Mapping[str, Any], str], Any]


@dataclass(frozen=True)
class Failure:
    """A case that failed."""

    case: str
    decision: str
    expected: str
    actual: str


@dataclass
class Score:
    """How many cases passed. A value test is a case with a result that is not null."""

    total: int = 0
    passed: int = 0
    value_tests: int = 0
    value_tests_passed: int = 0
    failures: list[Failure] = field(default_factory=list)


class OwnEngine:
    """`mlc.dmn`, with every model loaded once; what does not compile counts as null, as the kit has it."""

    def __init__(self) -> None:
        self.models: dict[Path, mlc.dmn.DecisionModel] = {}

    def __call__(self, model: Path, inputs: Mapping[str, Any], decision: str) -> Any:
        if model not in self.models:
            self.models[model] = mlc.dmn.load(model, strict=False)
        return self.models[model].evaluate(inputs, decision).result


def run(folder: Path, engine: Engine | None = None) -> Score:
    """Put an engine, `mlc.dmn` by default, to every case below a folder."""
    engine = engine or OwnEngine()
    score = Score()
    for case in cases(folder):
        failures = failed(case, engine)
        score.total += 1
        score.passed += not failures
        score.value_tests += case.is_value_test
        score.value_tests_passed += case.is_value_test and not failures
        score.failures += failures
    return score


def failed(case: Case, engine: Engine) -> list[Failure]:
    """The results of a case that are wrong."""
    failures = []
    for result in case.expected:
        wanted = None if result.is_error else result.value
        try:
            actual = engine(case.model, case.inputs, result.decision)
            right, shown = same(actual, wanted), repr(actual)
        except Exception as error:
            right, shown = False, f"{type(error).__name__}: {error}"
        if not right:
            failures.append(Failure(case.id, result.decision, repr(wanted), shown))
    return failures
