"""Performance: what a model has answered against what was true.

Only records that have both a label and a score are measured. How many were left out, and that a label has come for few
of them, is in the result: ``records_measured``, ``records_left_out``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from . import needs
from .columns import column_of, nothing_in, numbers
from .errors import MonitorError, NotComparable
from .results import Left, Result, block, rounded
from .schema import Field, Role, Schema


def regression(sample: pd.DataFrame, schema: Schema, *, decimals: int = 4) -> Result:
    """Performance of a regression model: ``rmse``, ``mae``, ``r2_score``.

    By ``root_mean_squared_error``, ``mean_absolute_error`` and ``r2_score`` of ``sklearn.metrics``: the root of the
    mean of (label - score)**2, the mean of abs(label - score), and 1 - sum((label - score)**2) / sum((label - mean
    label)**2). Proven by ModelOp's published results, keys and decimals included. R2 of one record or of equal labels
    is null.

    Raises:
        MonitorError: the schema doesn't suffice, the frame is empty, a column is missing or holds text or infinity, or
            no record has both label and score.
    """
    from sklearn import metrics

    if problems := needs.regression(schema):
        raise MonitorError(problems)
    nothing_in({"sample": sample})
    label, score = schema.having(Role.LABEL)[0], schema.having(Role.SCORE)[0]
    truth, answer = read(sample, label, numbers), read(sample, score, numbers)
    both = ~(np.isnan(truth) | np.isnan(answer))
    some_measured(both, label, score)
    truth, answer = truth[both], answer[both]
    left = Left()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = {
            "rmse": float(metrics.root_mean_squared_error(truth, answer)),
            "mae": float(metrics.mean_absolute_error(truth, answer)),
            "r2_score": float("nan"),
        }
        if len(truth) > 1 and truth.min() < truth.max():
            found["r2_score"] = float(metrics.r2_score(truth, answer))
        else:
            left.statistics[label.name, "r2_score"] = "the labels are all the same, so that there is nothing to explain"
    values = {name: rounded(value, decimals) for name, value in found.items()}
    for name, value in values.items():
        if value is None:
            left.statistics.setdefault((score.name, name), "it is beyond what a float holds")
    blocks = {"performance": [block("Regression Metrics", "performance", "regression_metrics", values)]}
    return values | blocks | counted(both) | left.told()


def read(sample: pd.DataFrame, field: Field, how: Callable[[pd.Series[Any]], Any]) -> Any:
    """A column without which nothing can be measured."""
    try:
        return how(column_of(sample, field.name, "sample"))
    except NotComparable as why:
        raise MonitorError([f"The {field.role.value} {field.name!r} can't be used: {why}."]) from why


def some_measured(both: Any, label: Field, score: Field) -> None:
    if not both.any():
        raise MonitorError(
            [f"None of the {len(both):,} records has both a label ({label.name!r}) and a score ({score.name!r})."]
        )


def counted(both: Any) -> Result:
    return {"records_measured": int(both.sum()), "records_left_out": int((~both).sum())}
