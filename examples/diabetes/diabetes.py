"""How far does diabetes progress within a year? A ridge regression on ten baseline measurements.

The model is its coefficients: ``coefficients.json`` is shipped with the source, and ``train`` writes a new one.
"""

import json
from pathlib import Path

import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

FEATURES = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]
LABEL = "progression"


# modelop.init
def init(job: dict):
    global coefficients, intercept
    weights = json.loads(Path("coefficients.json").read_text())
    coefficients, intercept = pd.Series(weights["coefficients"]), weights["intercept"]
    definition = json.loads(job["rawJson"])
    print(f"init for {definition.get('jobType', 'an online deployment')}: {len(coefficients)} coefficients")


# modelop.train
def train(df: pd.DataFrame):
    ridge = Ridge(alpha=1.0).fit(df[FEATURES], df[LABEL])
    weights = {
        "coefficients": dict(zip(FEATURES, ridge.coef_.round(6).tolist(), strict=True)),
        "intercept": round(float(ridge.intercept_), 6),
    }
    Path("outputDir/coefficients.json").write_text(json.dumps(weights, indent=2) + "\n")
    print(f"trained on {len(df)} records, R2 on them {ridge.score(df[FEATURES], df[LABEL]):.4f}")


# modelop.score
def score(record: dict):
    features = pd.Series({name: record[name] for name in coefficients.index}, dtype=float)
    return {"record_id": record.get("record_id"), "score": round(float(features @ coefficients + intercept), 2)}


# modelop.metrics
def metrics(df: pd.DataFrame):
    predicted = df[list(coefficients.index)] @ coefficients + intercept
    actual = df[LABEL]
    values = {
        "rmse": round(root_mean_squared_error(actual, predicted), 4),
        "mae": round(mean_absolute_error(actual, predicted), 4),
        "r2_score": round(r2_score(actual, predicted), 4),
    }
    yield {
        **values,
        "performance": [
            {
                "test_name": "Regression Metrics",
                "test_category": "performance",
                "test_type": "regression_metrics",
                "test_id": "performance_regression_metrics",
                "values": values,
            }
        ],
        "residuals": {
            "title": "Predicted against actual progression",
            "x_axis_label": "Actual",
            "y_axis_label": "Predicted",
            "type": "scatter",
            "data": {"test data": [[float(x), round(float(y), 2)] for x, y in zip(actual, predicted, strict=True)]},
        },
    }
