"""The technology compatibility kit, where it is at hand: all of level 2, level 3 but for the cases that are listed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tck.cases import Case, cases
from tests.tck.known import listed
from tests.tck.runner import OwnEngine, Score, scored
from tests.tck.values import Beyond

ROOT = Path(__file__).parents[2]
KIT = Path(os.environ.get("MLC_DMN_TCK") or ROOT / "../shared/dmn-tck").resolve()
#: Directories of the kit, 28 of level 2 and 85 of level 3, that the document's score is about.
FOLDERS = 113
DOCUMENT = ROOT / "docs" / "dmn-conformance.md"

pytestmark = pytest.mark.skipif(
    not (KIT / "compliance-level-2").is_dir(),
    reason=f"the DMN TCK is not at {KIT}: set MLC_DMN_TCK to the TestCases folder of a checkout",
)


@pytest.fixture(scope="module")
def kit() -> list[Case]:
    return list(cases(KIT))


@pytest.fixture(scope="module")
def level_two(kit) -> list[Case]:
    return [case for case in kit if case.level == "2"]


@pytest.fixture(scope="module")
def scores(kit) -> dict[str, Score]:
    return scored(kit, OwnEngine())


def test_every_case_of_level_two_passes(scores) -> None:
    assert scores["2"].failures == []
    assert (scores["2"].passed, scores["2"].total) == (116, 116)


def test_the_cases_of_level_three_that_fail_are_those_that_the_document_lists(kit, scores) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    ids = {case.id for case in kit}
    assert scores["3"].failed_cases == listed(document).keys() & ids


def test_the_score_in_the_document_is_the_score(kit, scores) -> None:
    if len({case.model.parent for case in kit}) != FOLDERS:
        pytest.skip("the document's score is that of a certain set of folders, and the kit at hand has others")
    document = DOCUMENT.read_text(encoding="utf-8")
    for level, score in scores.items():
        row = (
            f"| {level} | {score.passed:,} / {score.total:,} | {score.value_tests_passed:,} / {score.value_tests:,} | "
            f"{len(score.out_of_scope)} |"
        )
        assert row in document
    assert listed(document).keys() == scores["3"].failed_cases


def test_cases_that_need_java_are_listed_apart(kit, scores) -> None:
    apart = scores["3"].out_of_scope
    assert apart
    assert all(case.startswith("0076-feel-external-java/") for case in apart)
    assert sum(score.total + len(score.out_of_scope) for score in scores.values()) == len(kit)


def test_an_engine_that_answers_null_to_everything_passes_no_value_test(kit) -> None:
    for score in scored(kit, lambda case, result: None).values():
        assert score.value_tests_passed == 0
        assert score.passed < score.total / 2
        assert score.passed == score.total - score.value_tests


def test_an_engine_that_raises_passes_nothing(level_two) -> None:
    def broken(case, result):
        raise RuntimeError("out of order")

    for score in scored(level_two, broken).values():
        assert score.passed == 0
        assert score.failures[0].actual == "RuntimeError: out of order"


def test_an_engine_whose_numbers_are_a_little_off_fails(level_two) -> None:
    own = OwnEngine()

    def off(case, result):
        answer = own(case, result)
        return answer + 1 if type(answer).__name__ == "Decimal" else answer

    score = scored(level_two, off)["2"]
    assert 30 < score.passed < score.total
    assert all("Decimal" in failure.expected for failure in score.failures)


def test_what_python_cannot_hold_is_rare_in_the_kit(kit) -> None:
    beyond = [case.id for case in kit for result in case.expected if isinstance(result.value, Beyond)]
    assert len(beyond) < 20


def test_the_command_prints_the_scores_as_json_and_fails_for_what_is_not_listed() -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.tck", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    done = command(str(KIT / "compliance-level-2"), "--json")
    assert done.returncode == 0, done.stderr
    level = json.loads(done.stdout)["levels"]["2"]
    assert (level["passed"], level["total"], level["failures"]) == (116, 116, [])

    done = command(str(KIT), "--known", str(DOCUMENT))
    assert done.returncode == 0, done.stdout[-2000:]
    assert "level 2: 116/116 cases" in done.stdout
    assert "otherwise: none" in done.stdout
