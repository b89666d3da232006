"""The technology compatibility kit, where it is at hand: level 2 and its runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tck.cases import cases
from tests.tck.runner import OwnEngine, Score, run
from tests.tck.values import Beyond

ROOT = Path(__file__).parents[2]
KIT = Path(os.environ.get("MLC_DMN_TCK") or ROOT / "../shared/dmn-tck").resolve()

pytestmark = pytest.mark.skipif(
    not (KIT / "compliance-level-2").is_dir(),
    reason=f"the DMN TCK is not at {KIT}: set MLC_DMN_TCK to the TestCases folder of a checkout",
)


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return run(KIT)


def test_every_case_of_level_two_passes(scores) -> None:
    assert scores["2"].failures == []
    assert (scores["2"].passed, scores["2"].total) == (116, 116)


def test_cases_that_need_java_are_listed_apart(scores) -> None:
    apart = scores["3"].out_of_scope
    assert apart
    assert all(case.startswith("0076-feel-external-java/") for case in apart)
    assert sum(score.total + len(score.out_of_scope) for score in scores.values()) == sum(1 for _ in cases(KIT))


def test_an_engine_that_answers_null_to_everything_passes_no_value_test() -> None:
    for score in run(KIT, lambda case, result: None).values():
        assert score.value_tests_passed == 0
        assert score.passed < score.total / 2
        assert score.passed == score.total - score.value_tests


def test_an_engine_that_raises_passes_nothing() -> None:
    def broken(case, result):
        raise RuntimeError("out of order")

    for score in run(KIT / "compliance-level-2", broken).values():
        assert score.passed == 0
        assert score.failures[0].actual == "RuntimeError: out of order"


def test_an_engine_whose_numbers_are_a_little_off_fails() -> None:
    own = OwnEngine()

    def off(case, result):
        answer = own(case, result)
        return answer + 1 if type(answer).__name__ == "Decimal" else answer

    score = run(KIT / "compliance-level-2", off)["2"]
    assert 30 < score.passed < score.total
    assert all("Decimal" in failure.expected for failure in score.failures)


def test_what_python_cannot_hold_is_rare_in_the_kit() -> None:
    beyond = [case.id for case in cases(KIT) for result in case.expected if isinstance(result.value, Beyond)]
    assert len(beyond) < 20


def test_the_command_prints_the_scores_as_json() -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.tck", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    done = command(str(KIT / "compliance-level-2"), "--json")
    assert done.returncode == 0, done.stderr
    level = json.loads(done.stdout)["levels"]["2"]
    assert (level["passed"], level["total"], level["failures"]) == (116, 116, [])
