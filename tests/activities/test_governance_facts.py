"""What a policy goes by: the stages of every runtime that a snapshot would be deployed to, and what it says itself."""

from typing import Any

import pytest

from activities.governance import facts_of
from mlc.model.deployment import Runtime
from mlc.model.snapshot import Model, RuntimeName, Snapshot
from mlc.settings import ProcessSettings

DEV, PROD = Runtime(id="d", name="dev-1", stage="DEV"), Runtime(id="p", name="prod-1", stage="Production")
TAGGED = Runtime(id="t", name="tagged", tags=["prod", "online"])
BOTH = Runtime(id="b", name="both", stage="dev", tags=["prod"])
NOWHERE = Runtime(id="n", name="nowhere")


def stages(snapshot: Snapshot, *runtimes: Runtime) -> list[str | None]:
    return facts_of(snapshot, runtimes, ProcessSettings(), []).stage


def a_snapshot(stage: str = "dev", *pinned: str, **model: Any) -> Snapshot:
    names = [RuntimeName(name=name) for name in pinned]
    return Snapshot(id="s", tags=["online"], model=Model(stage=stage, **model), target_runtimes=names)


def test_the_stage_is_that_of_the_runtimes_and_the_snapshots_own() -> None:
    assert stages(a_snapshot("dev"), DEV, PROD) == ["dev"]
    assert stages(a_snapshot("Production"), DEV, PROD) == ["prod"]
    assert stages(a_snapshot("prod"), TAGGED) == ["prod"]


def test_a_snapshot_that_is_pinned_to_production_is_one_of_production() -> None:
    assert stages(a_snapshot("dev", "prod-1"), DEV, PROD) == ["dev", "prod"]
    assert stages(a_snapshot("dev", "p"), DEV, PROD) == ["dev", "prod"]


def test_a_runtime_of_several_stages_counts_as_each() -> None:
    assert stages(a_snapshot("dev"), BOTH) == ["dev", "prod"]


def test_a_stage_that_nobody_knows_is_missing() -> None:
    assert stages(a_snapshot("dev", "gone"), DEV, PROD) == ["dev", None]
    assert stages(a_snapshot("dev", "dev-1", "gone"), DEV) == ["dev", None]
    assert stages(a_snapshot("dev", "nowhere"), NOWHERE) == ["dev", None]
    assert stages(a_snapshot("", "dev-1"), DEV) == [None, "dev"]
    assert stages(a_snapshot("unassigned"), DEV) == [None]


def test_without_a_runtime_the_snapshots_own_stage_counts() -> None:
    assert stages(a_snapshot("prod")) == ["prod"]


@pytest.mark.parametrize(("risk", "fact"), [("High", "High"), ("", None), ("  ", None), (" low ", "low")])
def test_what_the_model_says_of_itself_is_a_fact_or_missing(risk: str, fact: str | None) -> None:
    facts = facts_of(a_snapshot(risk=risk, methodology="Regression", group=""), [], ProcessSettings(), [])
    assert (facts.risk, facts.methodology, facts.group) == ([fact], ["Regression"], [None])
