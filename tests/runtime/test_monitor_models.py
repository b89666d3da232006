"""The out-of-the-box monitors run as jobs, from the files that the model centre has of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from outcomes import Ran
from small_models import EXAMPLES, embedded, example_data, python_model

import mlc.dmn
import mlc.monitors
from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.runtime.harness.offered import Offered
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.monitors import seed
from mlc.standalone.center.store import Store
from mlc.standalone.monitors import monitor_folders

Run = Callable[..., Any]
CLASSIFICATION = "Performance Monitor: Classification"


@pytest.fixture(scope="module")
def monitors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, wire.DeployableModel]:
    """The snapshots that a new centre has, by the monitor's name."""
    store = Store(tmp_path_factory.mktemp("centre") / "center.db")
    seed(store)
    kind = KINDS["deployableModels"]
    listed = [store.get(kind, each["id"]) for each in store.page(kind).items]
    store.close()
    found = [wire.DeployableModel.model_validate(each) for each in listed]
    return {each.stored_model.model_meta_data.name: each for each in found}


def watched(example: str = "breast_cancer", *, schemas: int = 1) -> dict[str, Any]:
    """The job's part about the model that is watched."""
    schema = json.loads((EXAMPLES / example / "input_schema.avsc").read_text())
    meta = wire.ModelMetaData(
        name=example, input_schema=[{"name": "input_schema.avsc", "schemaDefinition": schema}] * schemas
    )
    return {"reference_model": wire.DeployableModel(id="s", stored_model=wire.StoredModel(model_meta_data=meta))}


async def ran(run: Run, monitors: dict[str, wire.DeployableModel], name: str, job: dict[str, Any], **data: str) -> Ran:
    """A monitor's job on data of an example; by role another file than the one that has the role's name."""
    example = job["reference_model"].stored_model.model_meta_data.name if job else "breast_cancer"
    files = {"BASELINE_DATA": "baseline.csv", "COMPARATOR_DATA": "comparator.csv"} | data
    inputs = [example_data(example, files[role]) for role in mlc.monitors.MONITORS[name].inputs]
    found: Ran = await run(JobKind.METRICS, monitors[name], *inputs, job=job)
    return found


@pytest.mark.parametrize("name", mlc.monitors.MONITORS)
async def test_a_monitor_yields_what_its_own_decision_table_asks_for(
    run: Run, monitors: dict[str, wire.DeployableModel], name: str
) -> None:
    example = "diabetes" if name.endswith("Regression") else "breast_cancer"
    outcome = await ran(run, monitors, name, watched(example))
    assert outcome.problem is None, outcome.messages
    result = json.loads(outcome.outputs[0].content())
    (table,) = [path for asset, path in monitor_folders()[name].files if asset.role == "TEST_RESULT_COMPARATOR"]
    assert path_text(table)
    evaluation = mlc.dmn.load(table).evaluate(result)
    assert not evaluation.problems


def path_text(path: Path | None) -> str:
    assert path is not None
    return path.read_text()


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({}, "names no model that is watched"),
        (watched(schemas=0), "exactly one input schema, and there are 0"),
        (watched(schemas=2), "exactly one input schema, and there are 2"),
    ],
)
async def test_a_monitor_that_is_told_too_little_says_so(
    call: Run, monitors: dict[str, wire.DeployableModel], job: dict[str, Any], said: str
) -> None:
    outcome = await ran(call, monitors, CLASSIFICATION, job)
    assert said in outcome.problem


def test_a_release_brings_new_files_and_leaves_what_somebody_has_changed(tmp_path: Path) -> None:
    store = Store(tmp_path / "center.db")
    seed(store)
    kind, models = KINDS["deployableModels"], KINDS["storedModels"]
    ours, theirs = store.page(models, sort="createdDate").items[:2]
    for model, by in ((ours, "system"), (theirs, "somebody")):

        def as_before(document: dict[str, Any]) -> None:
            document["modelAssets"] = []

        store.change(models, model["id"], as_before, by=by)
    for snapshot in store.page(kind, size=50).items:
        store.delete(kind, snapshot["id"])
    seed(store)
    assert len(store.get(models, ours["id"])["modelAssets"]) == 4
    assert store.get(models, theirs["id"])["modelAssets"] == []
    assert store.page(kind).total == 4
    seed(store)
    assert store.page(kind).total == 4
    store.close()


async def test_a_models_own_module_of_the_name_stays_what_it_is(run: Run) -> None:
    model = python_model(
        """
        import mlc
        # modelop.metrics
        def m(df): yield {"of": mlc.OF}
        """,
        embedded("mlc.py", "OF = 'the model'"),
    )
    outcome = await run(JobKind.METRICS, model, example_data("diabetes", "test.csv"))
    assert outcome.problem is None, outcome.messages
    assert json.loads(outcome.outputs[0].content()) == {"of": "the model"}


def test_nothing_else_of_this_project_is_offered_to_models() -> None:
    offered = Offered()
    assert [offered.find_spec(name) is not None for name in ("mlc", "mlc.monitors")] == [True, True]
    assert [offered.find_spec(name) for name in ("mlc.settings", "mlc.runtime", "workflows", "json")] == [None] * 4
