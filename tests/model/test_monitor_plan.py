"""Which monitors a snapshot gets, decided from plain values."""

import pytest

from mlc.model.monitor_plan import CLASSIFICATION, REGRESSION, plan_monitors

NEEDED: dict[str, list[str]] = {name: [] for name in {*CLASSIFICATION, *REGRESSION}}
STABILITY = "Stability Monitor: PSI/CSI"


@pytest.mark.parametrize(("methodology", "names"), [("Regression", REGRESSION), ("a CLASSIFICATION", CLASSIFICATION)])
def test_the_methodology_decides(methodology: str, names: tuple[str, ...]) -> None:
    plan = plan_monitors(methodology, present=[], roles=[], needed=NEEDED)
    assert (tuple(plan.add), plan.there, plan.lacking, plan.warnings) == (names, [], {}, [])


def test_each_monitor_is_there_added_or_lacking_and_why() -> None:
    needed = {name: ["BASELINE_DATA", "TEST_DATA"] if name == STABILITY else [] for name in CLASSIFICATION[1:]}
    plan = plan_monitors("classification", present=[CLASSIFICATION[1], "Mine"], roles=["TEST_DATA"], needed=needed)
    assert (plan.there, plan.add) == ([CLASSIFICATION[1]], [CLASSIFICATION[2]])
    assert plan.lacking == {
        CLASSIFICATION[0]: "the model centre has no snapshot of a monitor of this name",
        STABILITY: "the snapshot has no asset with the role BASELINE_DATA; mlc monitor baseline SNAPSHOT makes one",
    }


def test_one_that_is_there_stays_whatever_it_would_need() -> None:
    plan = plan_monitors("classification", present=CLASSIFICATION, roles=[], needed={})
    assert (list(plan.there), plan.add, plan.lacking) == (list(CLASSIFICATION), [], {})


def test_a_methodology_that_decides_nothing_is_told() -> None:
    assert "is not given: it gets" in plan_monitors("", present=[], roles=[], needed=NEEDED).warnings[0]
