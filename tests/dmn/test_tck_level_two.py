"""The technology compatibility kit's level 2, and that its runner can fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tck.cases import Case, cases, same
from tests.tck.runner import OwnEngine, run

ROOT = Path(__file__).parents[2]
KIT = Path(os.environ.get("MLC_DMN_TCK") or ROOT / "../shared/dmn-tck").resolve()
LEVEL_TWO = KIT / "compliance-level-2"

pytestmark = pytest.mark.skipif(
    not LEVEL_TWO.is_dir(), reason=f"the DMN TCK is not at {KIT}: set MLC_DMN_TCK to a checkout of its TestCases"
)


def test_every_case_of_level_two_passes() -> None:
    score = run(LEVEL_TWO)
    assert score.failures == []
    assert (score.passed, score.total) == (116, 116)


def test_an_engine_that_answers_null_to_everything_scores_far_below() -> None:
    score = run(LEVEL_TWO, lambda model, inputs, decision: None)
    assert score.passed < 20
    assert score.value_tests_passed == 0
    assert len(score.failures) >= score.total - score.passed


def test_an_engine_whose_numbers_are_a_little_off_fails() -> None:
    own = OwnEngine()

    def off(model: Path, inputs: dict[str, object], decision: str) -> object:
        answer = own(model, inputs, decision)
        return answer + 1 if type(answer).__name__ == "Decimal" else answer

    score = run(LEVEL_TWO, off)
    assert 30 < score.passed < score.total
    assert all("Decimal" in failure.expected for failure in score.failures)


def test_an_engine_that_raises_fails_every_case() -> None:
    def broken(model: Path, inputs: dict[str, object], decision: str) -> object:
        raise RuntimeError("out of order")

    score = run(LEVEL_TWO, broken)
    assert score.passed == 0
    assert score.failures[0].actual == "RuntimeError: out of order"


def test_values_of_different_types_are_not_the_same() -> None:
    some = next(case for case in cases(LEVEL_TWO) if isinstance(case, Case) and case.is_value_test)
    value = next(result.value for result in some.expected if result.value is not None)
    assert same(value, value)
    assert not same(None, value)
    assert not same([value], value)
    assert not same({"a": value, "b": None}, {"a": value})
    assert not same("1", 1)


def test_the_command_prints_the_score_as_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tck", str(LEVEL_TWO), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] == 116
