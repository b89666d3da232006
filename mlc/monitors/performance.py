"""Performance: what a model has answered against what was true.

Only records that have both a label and a score are measured. How many were left out, and that a label has come for few
of them, is in the result: ``records_measured``, ``records_left_out``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd

from . import needs
from .columns import Coded, coded, column_of, in_order, nothing_in, numbers, text_of
from .errors import MonitorError, NotComparable
from .results import Left, Result, block, rounded
from .schema import Field, Role, Schema

Average = Literal["weighted", "macro", "micro"]
_YES = ({"0", "1"}, {"False", "True"}, {"false", "true"})
"""Classes of which the second is the positive one without anybody's saying so."""


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
    truth, answer = _read(sample, label, numbers), _read(sample, score, numbers)
    both = ~(np.isnan(truth) | np.isnan(answer))
    _some(both, label, score)
    truth, answer = truth[both], answer[both]
    left = Left()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = {
            "rmse": float(metrics.root_mean_squared_error(truth, answer)),
            "mae": float(metrics.mean_absolute_error(truth, answer)),
            "r2_score": float("nan"),
        }
        if len(truth) > 1 and truth.min() < truth.max():
            found["r2_score"] = float(metrics.r2_score(truth, answer, force_finite=False))
        else:
            left.statistics[label.name, "r2_score"] = "the labels are all the same, so that there is nothing to explain"
    values = {name: rounded(value, decimals) for name, value in found.items()}
    for name, value in values.items():
        if value is None:
            left.statistics.setdefault((score.name, name), "it is beyond what a float holds")
    blocks = {"performance": [block("Regression Metrics", "performance", "regression_metrics", values)]}
    return values | blocks | _counted(both) | left.told()


def classification(
    sample: pd.DataFrame,
    schema: Schema,
    *,
    average: Average = "weighted",
    max_classes: int = 100,
    decimals: int = 4,
) -> Result:
    """Performance of a classification model: accuracy, precision, recall, F1, AUC and confusion matrix.

    By ``accuracy_score``, ``precision_recall_fscore_support``, ``roc_auc_score`` and ``confusion_matrix`` of
    ``sklearn.metrics``. Of two classes precision, recall and F1 are those of the positive one (``positiveClassLabel``
    of the label's field, else 1 or true). AUC is that of the score as it is given: of hard classes it is the mean of
    the two recalls. The confusion matrix has a row for each true class, keyed by the predicted one, as shares of all
    records. Proven by ModelOp's published results, keys and decimals included.

    Not proven: ``average``, how more than two classes are averaged (weighted and micro both agree with the one result
    that is published). They have no AUC: it is null.

    A numerical score needs a ``threshold`` in its field: from there on it is the positive class.

    Args:
        max_classes: more are refused: they are no classes.

    Raises:
        MonitorError: as for ``regression``, or the positive class is not known.
    """
    from sklearn import metrics

    if problems := needs.classification(schema):
        raise MonitorError(problems)
    nothing_in({"sample": sample})
    label, score = schema.having(Role.LABEL)[0], schema.having(Role.SCORE)[0]
    truth = _read(sample, label, lambda column: coded(column, max_classes))
    if score.numerical:
        margin = _read(sample, score, numbers)
        both = (truth.codes >= 0) & ~np.isnan(margin)
    else:
        answer = _read(sample, score, lambda column: coded(column, max_classes))
        both = (truth.codes >= 0) & (answer.codes >= 0)
    _some(both, label, score)
    true_names = _present(truth, both)
    if score.numerical:
        names, positive = _two_classes(true_names, label)
        margin = margin[both]
        predicted = np.where(margin >= score.threshold, names.index(positive), 1 - names.index(positive))
    else:
        names = in_order({*true_names, *_present(answer, both)})
        positive = _positive(names, label) if len(names) <= 2 else ""
        predicted = _recoded(answer, names)[both]
        margin = (predicted == (names.index(positive) if positive in names else -1)).astype(np.float64)
    if len(names) > max_classes:
        raise MonitorError([f"Label and score have {len(names):,} classes, and up to {max_classes:,} are measured."])
    true = _recoded(truth, names)[both]
    places = list(range(len(names)))
    binary = len(names) <= 2
    chosen: dict[str, Any] = {"average": average, "labels": places}
    if binary:
        chosen = {"average": None, "labels": [names.index(positive)] if positive in names else []}
    found = {"accuracy": float(metrics.accuracy_score(true, predicted))}
    left = Left()
    for name, value in _rates(metrics, true, predicted, chosen).items():
        found[name] = value
        if np.isnan(value):
            left.statistics[score.name, name] = "no record is of the positive class, or none is predicted to be"
    if binary and 0 < int((true == _place(names, positive)).sum()) < len(true):
        found["auc"] = float(metrics.roc_auc_score(true == names.index(positive), margin))
    else:
        found["auc"] = float("nan")
        why = "all labels are of one class" if binary else "there are more than two classes"
        left.statistics[score.name, "auc"] = why
    shares = metrics.confusion_matrix(true, predicted, labels=places, normalize="all") if len(names) > 1 else [[1.0]]
    matrix = [{name: rounded(share, decimals) for name, share in zip(names, row, strict=True)} for row in shares]
    values: Result = {name: rounded(value, decimals) for name, value in found.items()} | {"confusion_matrix": matrix}
    blocks = {"performance": [block("Classification Metrics", "performance", "classification_metrics", values)]}
    return values | blocks | _counted(both) | left.told()


def _rates(metrics: Any, true: Any, predicted: Any, chosen: dict[str, Any]) -> dict[str, float]:
    """Precision, recall and F1; not a number where they are 0 / 0."""
    if not chosen["labels"]:
        return dict.fromkeys(("precision", "recall", "f1_score"), float("nan"))
    rates = metrics.precision_recall_fscore_support(true, predicted, zero_division=np.nan, **chosen)[:3]
    return {
        name: float(np.ravel(rate)[0]) for name, rate in zip(("precision", "recall", "f1_score"), rates, strict=True)
    }


def _read(sample: pd.DataFrame, field: Field, how: Callable[[pd.Series[Any]], Any]) -> Any:
    """A column without which nothing can be measured."""
    try:
        return how(column_of(sample, field.name, "sample"))
    except NotComparable as why:
        raise MonitorError([f"The {field.role.value} {field.name!r} can't be used: {why}."]) from why


def _some(both: Any, label: Field, score: Field) -> None:
    if not both.any():
        raise MonitorError(
            [f"None of the {len(both):,} records has both a label ({label.name!r}) and a score ({score.name!r})."]
        )


def _present(column: Coded, both: Any) -> list[str]:
    """The classes of the records that are measured."""
    return in_order(column.names[code] for code in np.unique(column.codes[both]))


def _recoded(column: Coded, names: list[str]) -> Any:
    """Codes by the places of common names; -1 where a name is none of them."""
    place = {name: number for number, name in enumerate(names)}
    return np.array([*(place.get(name, -1) for name in column.names), -1], dtype=np.int64)[column.codes]


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _positive(names: list[str], label: Field) -> str:
    """The positive of at most two classes; it may be one that no record has."""
    if label.positive_label is not None:
        positive = text_of(label.positive_label)
        if positive not in names and len(names) == 2:
            raise MonitorError(
                [f"positiveClassLabel of the label {label.name!r} is neither of its classes ({' and '.join(names)})."]
            )
        return positive
    for two in _YES:
        if set(names) <= two:
            return max(two)
    raise MonitorError(
        [
            f"Which of its classes ({' and '.join(names)}) is the positive one must be said of the label "
            f'{label.name!r}, such as "positiveClassLabel": "yes".'
        ]
    )


def _two_classes(names: list[str], label: Field) -> tuple[list[str], str]:
    """The two classes that a threshold divides, and the positive one."""
    if len(names) > 2:
        raise MonitorError(
            [f"The label {label.name!r} has {len(names):,} classes, and a threshold on the score divides two."]
        )
    positive = _positive(names, label)
    if len(names) < 2:
        usual = next((two for two in _YES if positive in two), None)
        other = (
            next(iter(usual - {positive})) if usual else next((n for n in names if n != positive), f"not {positive}")
        )
        names = in_order({positive, *names, other} if len({positive, *names}) < 2 else {positive, *names})
    return names, positive


def _counted(both: Any) -> Result:
    return {"records_measured": int(both.sum()), "records_left_out": int((~both).sum())}
