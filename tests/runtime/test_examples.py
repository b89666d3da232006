"""The example models train, are tested and score, and their numbers are those that their pages promise."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from outcomes import Ran
from small_models import EXAMPLES, example_data, example_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("breast_cancer_weak", {"accuracy": 0.6608, "recall": 0.3421, "f1_score": 0.4727, "auc": 0.7688}),
        ("diabetes", {"rmse": 53.5866, "mae": 43.5011, "r2_score": 0.4413}),
    ],
)
async def test_an_example_is_trained_and_tested(call: Run, name: str, expected: dict[str, float]) -> None:
    trained = await call(JobKind.TRAINING, example_model(name), example_data(name, "train.csv"))
    assert trained.problem is None, trained.messages
    await is_tested(call, example_model(name, *trained.outputs), name, expected)


async def is_tested(run: Run, model: wire.DeployableModel, name: str, expected: dict[str, float]) -> None:
    tested = await run(JobKind.METRICS, model, example_data(name, "test.csv"))
    assert tested.problem is None, tested.messages
    metrics = json.loads(tested.outputs[0].content())
    assert {key: metrics[key] for key in expected} == pytest.approx(expected, abs=0.002)
    block = metrics["performance"][0]
    assert block["test_id"] == f"performance_{block['test_type']}"


async def test_a_trained_example_is_tested_and_scores(run: Run, trained: Ran) -> None:
    model = example_model("breast_cancer", *trained.outputs)
    expected = {"accuracy": 0.9357, "recall": 0.9342, "f1_score": 0.9281, "auc": 0.9817}
    await is_tested(run, model, "breast_cancer", expected)

    output = wire.Asset(name="scores.csv", filename="scores.csv", file_format="CSV")
    scored = await run(JobKind.SCORING, model, example_data("breast_cancer", "to_score.csv"), outputs=[output])
    assert scored.problem is None, scored.messages
    rows = list(csv.DictReader(io.StringIO(scored.outputs[0].content().decode())))
    wanted = list(csv.DictReader((EXAMPLES / "breast_cancer" / "to_score.csv").open()))
    assert [row["record_id"] for row in rows] == [row["record_id"] for row in wanted]
    assert all(int(row["score"]) == (float(row["probability"]) > 0.5) for row in rows)


async def test_the_same_job_twice_gives_the_same_bytes(run: Run, trained: Ran) -> None:
    again = await run(JobKind.TRAINING, example_model("breast_cancer"), example_data("breast_cancer", "train.csv"))
    assert again.runtime_info["sha256"] == trained.runtime_info["sha256"]


async def test_the_diabetes_model_works_untrained_and_the_other_says_what_it_lacks(call: Run) -> None:
    shipped = await call(JobKind.METRICS, example_model("diabetes"), example_data("diabetes", "test.csv"))
    assert shipped.problem is None
    untrained = await call(JobKind.METRICS, example_model("breast_cancer"), example_data("breast_cancer", "test.csv"))
    assert "No such file or directory: 'model.pkl'" in untrained.problem
