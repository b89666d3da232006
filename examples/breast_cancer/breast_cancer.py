"""Is a breast mass malignant? A logistic regression on ten measurements of its cell nuclei."""

import pickle
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = [
    "mean_radius",
    "mean_texture",
    "mean_perimeter",
    "mean_area",
    "mean_smoothness",
    "mean_compactness",
    "mean_concavity",
    "mean_concave_points",
    "mean_symmetry",
    "mean_fractal_dimension",
]
LABEL = "malignant"


# modelop.init
def init():
    global model  # noqa: PLW0603 - ModelOp's convention: init leaves the model where the other functions find it
    model = pickle.loads(Path("model.pkl").read_bytes())
    print(f"model loaded: {len(model.feature_names_in_)} features")


# modelop.train
def train(df: pd.DataFrame):
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(df[FEATURES], df[LABEL])
    Path("outputDir/model.pkl").write_bytes(pickle.dumps(classifier))
    print(f"trained on {len(df)} records, accuracy on them {classifier.score(df[FEATURES], df[LABEL]):.4f}")


# modelop.score
def score(record: dict):
    features = pd.DataFrame([record])[list(model.feature_names_in_)]
    probability = float(model.predict_proba(features)[0, 1])
    yield {
        "record_id": record.get("record_id"),
        "score": int(probability > 0.5),
        "probability": round(probability, 6),
    }


# modelop.metrics
def metrics(df: pd.DataFrame):
    probability = model.predict_proba(df[list(model.feature_names_in_)])[:, 1]
    predicted = (probability > 0.5).astype(int)
    actual = df[LABEL]
    shares = confusion_matrix(actual, predicted, labels=[0, 1], normalize="all").round(4)
    values = {
        "accuracy": round(accuracy_score(actual, predicted), 4),
        "precision": round(precision_score(actual, predicted, zero_division=0), 4),
        "recall": round(recall_score(actual, predicted), 4),
        "f1_score": round(f1_score(actual, predicted, zero_division=0), 4),
        "auc": round(roc_auc_score(actual, probability), 4),
        "confusion_matrix": [{"0": row[0], "1": row[1]} for row in shares.tolist()],
    }
    false_positive_rate, true_positive_rate, _ = roc_curve(actual, probability)
    yield {
        **values,
        "performance": [
            {
                "test_name": "Classification Metrics",
                "test_category": "performance",
                "test_type": "classification_metrics",
                "test_id": "performance_classification_metrics",
                "values": values,
            }
        ],
        "roc_curve": {
            "title": "ROC curve",
            "x_axis_label": "False positive rate",
            "y_axis_label": "True positive rate",
            "data": {
                "malignant": [
                    [round(x, 4), round(y, 4)] for x, y in zip(false_positive_rate, true_positive_rate, strict=True)
                ]
            },
        },
    }
