"""Performance of a classification model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from . import needs
from .columns import Coded, Floats, Integers, coded, in_order, nothing_in, numbers, text_of
from .errors import MonitorError
from .performance import counted, read, some_measured
from .results import Left, Result, block, rounded
from .schema import Field, Role, Schema

Average = Literal["weighted", "macro", "micro"]
_YES = ({"0", "1"}, {"False", "True"}, {"false", "true"})
"""Classes of which the second is the positive one without anybody's saying so."""


@dataclass(frozen=True)
class _Classes:
    """The records that are measured.

    Attributes:
        names: of all classes, true and predicted.
        positive: of at most two classes the positive one, which may be none of them; else None.
        true, predicted: (n,) places in ``names``.
        margin: (n,) the numerical score, if it is one.
        both: of all records of the sample those that are measured.
    """

    names: list[str]
    positive: str | None
    true: Integers
    predicted: Integers
    margin: Floats | None
    both: Any


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
    that is published). One that is never predicted has the precision 0. They have no AUC: it is null.

    A numerical score needs a ``threshold`` in its field: from there on it is the positive class.

    Args:
        max_classes: more are refused: they are no classes.

    Raises:
        MonitorError: as for ``regression``, or the positive class is not known.
    """
    if problems := needs.classification(schema):
        raise MonitorError(problems)
    nothing_in({"sample": sample})
    label, score = schema.having(Role.LABEL)[0], schema.having(Role.SCORE)[0]
    classes = _classes(sample, label, score, max_classes)
    found, shares, why = _measured(classes, average)
    left = Left()
    left.statistics = {(score.name, name): why[name] for name, value in found.items() if np.isnan(value)}
    matrix = [
        {name: rounded(share, decimals) for name, share in zip(classes.names, row, strict=True)} for row in shares
    ]
    values: Result = {name: rounded(value, decimals) for name, value in found.items()} | {"confusion_matrix": matrix}
    blocks = {"performance": [block("Classification Metrics", "performance", "classification_metrics", values)]}
    return values | blocks | counted(classes.both) | left.told()


def _classes(sample: pd.DataFrame, label: Field, score: Field, limit: int) -> _Classes:
    truth: Coded = read(sample, label, lambda column: coded(column, limit))
    if score.numerical and score.threshold is not None:
        margin: Floats = read(sample, score, numbers)
        both = (truth.codes >= 0) & ~np.isnan(margin)
        some_measured(both, label, score)
        names, positive = _two_classes(_present(truth, both), label)
        margin = margin[both]
        yes = names.index(positive)
        predicted = np.where(margin >= score.threshold, yes, 1 - yes)
        return _Classes(names, positive, _recoded(truth, names)[both], predicted, margin, both)
    answer: Coded = read(sample, score, lambda column: coded(column, limit))
    both = (truth.codes >= 0) & (answer.codes >= 0)
    some_measured(both, label, score)
    names = in_order({*_present(truth, both), *_present(answer, both)})
    if len(names) > limit:
        raise MonitorError([f"Label and score have {len(names):,} classes, and up to {limit:,} are measured."])
    found = _positive(names, label) if len(names) <= 2 else None
    return _Classes(names, found, _recoded(truth, names)[both], _recoded(answer, names)[both], None, both)


def _measured(classes: _Classes, average: Average) -> tuple[dict[str, float], Any, dict[str, str]]:
    """Metrics, not a number where they are 0 / 0; the confusion matrix; and why a metric would be none.

    All but the AUC of a numerical score is computed from each pair of a true and a predicted class, weighted by its
    records: scikit-learn then looks at a few rows, and not at a million.
    """
    from sklearn import metrics

    names, positive = classes.names, classes.positive
    places = np.arange(len(names))
    counts = np.bincount(classes.true * len(names) + classes.predicted, minlength=len(names) ** 2)
    there = counts > 0
    true, predicted = np.repeat(places, len(names))[there], np.tile(places, len(names))[there]
    weights = counts[there].astype(np.float64)
    found = {"accuracy": float(metrics.accuracy_score(true, predicted, sample_weight=weights))}
    # Of several classes one that is never predicted counts as 0: left out, the average would not see it.
    asked: dict[str, Any] = {"average": average, "labels": places, "zero_division": 0.0}
    if positive is not None:
        chosen = [names.index(positive)] if positive in names else []
        asked = {"average": None, "labels": chosen, "zero_division": np.nan}
    rates: Any = [np.nan] * 3
    if len(asked["labels"]):
        rates = metrics.precision_recall_fscore_support(true, predicted, sample_weight=weights, **asked)
    for name, rate in zip(("precision", "recall", "f1_score"), rates, strict=False):
        found[name] = float(np.ravel(rate)[0])
    why = dict.fromkeys(found, "no record is of the positive class, or none is predicted to be")
    found["auc"] = np.nan
    why["auc"] = "there are more than two classes" if positive is None else "all labels are of one class"
    if positive is not None and len(set(true)) == 2:
        yes = names.index(positive)
        if classes.margin is None:
            found["auc"] = float(metrics.roc_auc_score(true == yes, predicted == yes, sample_weight=weights))
        else:
            found["auc"] = float(metrics.roc_auc_score(classes.true == yes, classes.margin))
    if len(names) == 1:
        return found, [[1.0]], why
    shares = metrics.confusion_matrix(true, predicted, labels=places, sample_weight=weights, normalize="all")
    return found, shares, why


def _present(column: Coded, both: Any) -> list[str]:
    """The classes of the records that are measured."""
    return in_order(column.names[code] for code in np.unique(column.codes[both]))


def _recoded(column: Coded, names: list[str]) -> Any:
    """Codes by the places of common names; -1 where a name is none of them."""
    place = {name: number for number, name in enumerate(names)}
    return np.array([*(place.get(name, -1) for name in column.names), -1], dtype=np.int64)[column.codes]


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
