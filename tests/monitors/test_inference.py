"""A schema made from data: roles by the columns' names, shown for correction, and read by the monitors."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from monitors.frames import frame

from mlc.monitors import MONITORS, MonitorError, infer, read_schema

EXAMPLES = Path(__file__).parents[2] / "examples"


def roles(document: dict) -> dict[str, str]:
    return {field["name"]: field["role"] for field in document["fields"]}


def classes(document: dict) -> dict[str, str]:
    return {field["name"]: field["dataClass"] for field in document["fields"]}


def test_roles_follow_from_names() -> None:
    data = frame(
        **{"Customer ID": [1, 2], "recordId": [1, 2], "amount": [1.0, 2.0], "Sample Weight": [1, 1]},
        prediction_date=["2026-01-01", "2026-01-02"],
        opened_date=["a", "b"],
        predicted_probs=[0.1, 0.9],
        Score=[0, 1],
        label_value=[0, 1],
        empty=[None, None],
    )
    document = infer(data)
    assert roles(document) == {
        "Customer ID": "identifier",
        "recordId": "identifier",
        "amount": "predictor",
        "Sample Weight": "weight",
        "prediction_date": "prediction_date",
        "opened_date": "non_predictor",
        "predicted_probs": "non_predictor",
        "Score": "score",
        "label_value": "label",
        "empty": "non_predictor",
    }
    (second,) = (field for field in document["fields"] if field["name"] == "predicted_probs")
    assert second["doc"] == "a score by its name, as 'Score' is: one is taken"
    assert read_schema(document).fields[0].name == "Customer ID"


def test_types_and_classes_follow_from_values() -> None:
    data = pd.DataFrame(
        {
            "whole": [1, 2],
            "part": [1.5, None],
            "flag": [True, False],
            "text": ["a", "b"],
            "day": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "object": pd.Series([1, 10**30], dtype=object),
            "mixed": pd.Series([1, "a"], dtype=object),
            "none": pd.Series([None, None], dtype=object),
            "category": pd.Categorical(["a", "b"]),
            "masked": pd.array([1, None], dtype="Int64"),
        }
    )
    document = infer(data)
    assert {field["name"]: field["type"] for field in document["fields"]} == {
        "whole": "long",
        "part": ["null", "double"],
        "flag": "boolean",
        "text": "string",
        "day": "string",
        "object": "long",
        "mixed": "string",
        "none": "null",
        "category": "string",
        "masked": ["null", "long"],
    }
    numerical = {name for name, kind in classes(document).items() if kind == "numerical"}
    assert numerical == {"whole", "part", "object", "masked"}
    assert json.loads(json.dumps(document)) == document


def test_roles_that_are_told_go_before_those_that_are_guessed() -> None:
    data = frame(malignant=[0, 1, 1], label=[1, 1, 1], id=[1, 2, 3], case=[7, 8, 9], verdict=[0, 0, 1], score=[1, 0, 1])
    document = infer(data, label="malignant", identifier="case", score="verdict")
    assert roles(document) == {
        "malignant": "label",
        "label": "non_predictor",
        "id": "non_predictor",
        "case": "identifier",
        "verdict": "score",
        "score": "non_predictor",
    }
    assert not any(field["driftCandidate"] for field in document["fields"])
    assert classes(document)["malignant"] == classes(document)["verdict"] == "categorical"
    assert document["fields"][0]["doc"] == "the label, as it was told"
    assert roles(infer(data, label="id"))["id"] == "label"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"label": "malignnat"}, "no column 'malignnat' to be the label: is 'malignant' meant?"),
        ({"score": "zzz"}, "no column 'zzz' to be the score: there are 'malignant', 'age'."),
        ({"label": "age", "score": "age"}, "'age' can't be the label and the score"),
        ({"identifier": "x" * 10_000}, "no column 'xxx"),
    ],
)
def test_a_role_that_is_mistold_is_said(told: dict[str, str], said: str) -> None:
    with pytest.raises(MonitorError, match=said) as raised:
        infer(frame(malignant=[0, 1], age=[1, 2]), **told)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("label", "score", "found"),
    [
        ([0, 1, 1], [1, 1, 0], ("categorical", "categorical")),
        ([0, 1, 1], [0.2, 0.9, 0.5], ("categorical", "numerical")),
        ([0.5, 1.0, 2.0], [1.0, 1.0, 2.0], ("numerical", "numerical")),
        (["a", "b", "b"], ["a", "a", "b"], ("categorical", "categorical")),
        (list(range(30)), list(range(30)), ("numerical", "numerical")),
    ],
)
def test_label_and_score_are_classes_or_numbers(label: list, score: list, found: tuple[str, str]) -> None:
    document = infer(frame(label=label, score=score))
    assert tuple(classes(document)[name] for name in ("label", "score")) == found


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pd.DataFrame(), "has no columns"),
        (frame(a=[]), "has no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "2 columns with the name 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "2 columns with the name '1'"),
    ],
)
def test_what_gives_no_schema_is_said(data: pd.DataFrame, said: str) -> None:
    with pytest.raises(MonitorError, match=said):
        infer(data)


@pytest.mark.parametrize("example", ["breast_cancer", "diabetes"])
def test_the_examples_schemas_are_found_again_but_for_the_label_by_a_name_of_its_own(example: str) -> None:
    known = json.loads((EXAMPLES / example / "input_schema.avsc").read_text())
    found = infer(pd.read_csv(EXAMPLES / example / "baseline.csv"))
    known_roles, found_roles = roles(known), roles(found)
    assert {name for name in known_roles if known_roles[name] != found_roles[name]} == {
        name for name, role in known_roles.items() if role == "label"
    }


@pytest.mark.parametrize("name", MONITORS)
def test_every_monitor_runs_on_the_example_for_its_kind_of_model(name: str) -> None:
    folder = EXAMPLES / ("diabetes" if "Regression" in name else "breast_cancer")
    monitor = MONITORS[name]
    files = {"BASELINE_DATA": "baseline.csv", "COMPARATOR_DATA": "comparator.csv"}
    frames = [pd.read_csv(folder / files[role]) for role in monitor.inputs]
    described = read_schema((folder / "input_schema.avsc").read_text())
    result = monitor.compute(*frames, schema=described)
    assert result["not_compared_count" if "not_compared_count" in result else "records_left_out"] == 0
