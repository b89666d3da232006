"""Performance is what ModelOp has published; `lab` and `documented` as in `test_published.py`."""

import pytest
from monitors.frames import LABELLED, MEASURED, frame, plain

from mlc.monitors.classification import classification
from mlc.monitors.performance import regression


@pytest.mark.parametrize(
    ("scores", "labels", "published"),
    [
        (  # documented
            [0, 1, 0, 1, 0, 1, 0, 1],
            [0, 1, 1, 0, 0, 0, 0, 1],
            {
                "accuracy": 0.625,
                "precision": 0.5,
                "recall": 0.6667,
                "f1_score": 0.5714,
                "auc": 0.6333,
                "confusion_matrix": [{"0": 0.375, "1": 0.25}, {"0": 0.125, "1": 0.25}],
            },
        ),
        (  # lab: 2 + 2 + 1 + 4 of 9 records
            [0, 0, 1, 1, 0, 1, 1, 1, 1],
            [0, 0, 0, 0, 1, 1, 1, 1, 1],
            {
                "accuracy": 0.6667,
                "precision": 0.6667,
                "recall": 0.8,
                "f1_score": 0.7273,
                "auc": 0.65,
                "confusion_matrix": [{"0": 0.2222, "1": 0.2222}, {"0": 0.1111, "1": 0.4444}],
            },
        ),
    ],
)
def test_two_classes_have_the_published_performance(scores: list, labels: list, published: dict) -> None:
    result = plain(classification(frame(score=scores, label=labels), LABELLED))
    assert {key: result[key] for key in published} == published
    assert result["performance"] == [
        {
            "test_name": "Classification Metrics",
            "test_category": "performance",
            "test_type": "classification_metrics",
            "test_id": "performance_classification_metrics",
            "values": published,
        }
    ]


def test_three_classes_have_the_documented_performance() -> None:
    result = plain(classification(frame(score=[0, 1, 0, 1, 0, 2, 1, 2], label=[0, 1, 1, 2, 2, 0, 0, 1]), LABELLED))
    assert [result[key] for key in ("accuracy", "precision", "recall", "f1_score")] == [0.25] * 4
    assert result["confusion_matrix"] == [
        {"0": 0.125, "1": 0.125, "2": 0.125},
        {"0": 0.125, "1": 0.125, "2": 0.125},
        {"0": 0.125, "1": 0.125, "2": 0.0},
    ]


@pytest.mark.parametrize(
    ("scores", "labels", "published"),
    [
        (  # documented
            [0.2, 1.1, 0.5, 0.7, 0.6, 0.8, 1.2, 1.2],
            [0.3, 1.4, 1.0, 0.7, 0.5, 0.6, 0.9, 1.0],
            {"rmse": 0.2574, "mae": 0.2125, "r2_score": 0.369},
        ),
        (  # lab
            [0, 0, 1, 1, 0, 1, 1, 1, 1],
            [0, 0, 0, 0, 1, 1, 1, 1, 1],
            {"rmse": 0.5774, "mae": 0.3333, "r2_score": -0.35},
        ),
    ],
)
def test_regression_has_the_published_performance(scores: list, labels: list, published: dict) -> None:
    result = plain(regression(frame(score=scores, label=labels), MEASURED))
    assert {key: result[key] for key in published} == published
    assert result["performance"] == [
        {
            "test_name": "Regression Metrics",
            "test_category": "performance",
            "test_type": "regression_metrics",
            "test_id": "performance_regression_metrics",
            "values": published,
        }
    ]
