"""The extended Avro schema of a data frame, for somebody to correct: roles are guessed by the columns' names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from .errors import MonitorError
from .schema import DataClass, Role

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_NAME = 100
FEW = 20
"""Up to this many different whole numbers a label is taken for classes."""
NAMES: dict[Role, tuple[str, ...]] = {
    Role.SCORE: (
        *("score", "prediction", "predicted", "predicted_label", "predicted_class", "pred", "y_pred", "yhat", "y_hat"),
        *("predicted_value", "predictions", "scores", "scored_label", "predicted_probs", "probability", "proba"),
    ),
    Role.LABEL: (
        *("label", "target", "actual", "truth", "ground_truth", "y_true", "label_value", "true_label", "actual_value"),
        *("actuals", "outcome", "labels", "y"),
    ),
    Role.WEIGHT: ("weight", "sample_weight", "record_weight"),
    Role.PREDICTION_DATE: (
        *("prediction_date", "prediction_time", "prediction_timestamp", "scored_at", "scoring_date", "score_date"),
        *("timestamp", "date", "datetime", "event_time"),
    ),
}
"""Names of columns by the role that they are taken for, the more usual ones first: a role is given once."""
_OBJECTS = {
    "integer": "long",
    "floating": "double",
    "mixed-integer-float": "double",
    "decimal": "double",
    "boolean": "boolean",
    "empty": "null",
}
"""Avro's types by what pandas says of a column of objects; all else is text."""
_IDENTIFIER = re.compile(r"(^|_)(id|uuid|guid|key|identifier)$|^id_|^index$|^unnamed_0$")
_DATE = re.compile(r"(^|_)(date|datetime|time|timestamp)$")


def infer(
    frame: pd.DataFrame, name: str = "inferred_schema", *, label: str = "", identifier: str = "", score: str = ""
) -> dict[str, Any]:
    """The extended Avro schema of a data frame.

    A role is guessed by a column's name, once for score, label, weight and date; ``doc`` of each field says why, so
    that a person sees what to correct. Numbers are numerical; a label of few whole numbers, and a score of nothing but
    its label's values, are classes. A numerical score beside classes still needs its ``threshold``.

    Args:
        name: of the record.
        label, identifier, score: the column that is known to be it. None that is guessed has the role then.

    Returns:
        The schema as plain JSON. It can be read with ``read_schema``; whether it suffices for a monitor, ``check``
        says.

    Raises:
        MonitorError: the frame has no columns, no rows, or a name twice; or one that is told is no column, or two
            things at once.
    """
    names = [str(column) for column in frame.columns]
    problems = [f"The data has {names.count(each)} columns with the name {each!r}." for each in _twice(names)]
    told = {
        role: text for role, text in ((Role.LABEL, label), (Role.IDENTIFIER, identifier), (Role.SCORE, score)) if text
    }
    problems += _mistold(told, names)
    if not names or not len(frame):
        problems.append("The data has no columns." if not names else "The data has no rows.")
    if problems:
        raise MonitorError(problems)
    columns = {text: frame.iloc[:, number] for number, text in enumerate(names)}
    roles = _roles(columns, told)
    classes = {text: _class(columns[text], role) for text, (role, _) in roles.items()}
    _score_of_classes(columns, roles, classes)
    fields = [_field(text, columns[text], *roles[text], classes[text]) for text in names]
    return {"type": "record", "name": name, "fields": fields}


def _field(name: str, column: pd.Series[Any], role: Role, why: str, data_class: DataClass) -> dict[str, Any]:
    kind = _avro(column)
    return {
        "name": name,
        "type": ["null", kind] if column.isna().any() and kind != "null" else kind,
        "doc": why,
        "dataClass": data_class.value,
        "role": role.value,
        "protectedClass": False,
        "driftCandidate": role is Role.PREDICTOR,
        "specialValues": [],
        "scoringOptional": role in (Role.LABEL, Role.WEIGHT, Role.IDENTIFIER, Role.PREDICTION_DATE),
    }


def _mistold(told: Mapping[Role, str], names: Sequence[str]) -> list[str]:
    problems = []
    for role, name in told.items():
        if name not in names:
            near = get_close_matches(name[:_LONGEST_NAME], names, n=3, cutoff=0.6)
            there = f"is {' or '.join(map(repr, near))} meant?" if near else f"there are {_listed(names)}."
            problems.append(f"The data has no column {name[:_LONGEST_NAME]!r} to be the {role.value}: {there}")
        elif twice := [each.value for each, other in told.items() if other == name and each is not role]:
            problems.append(f"The column {name!r} can't be the {role.value} and the {twice[0]}.")
    return problems


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return (", ".join(map(repr, names[:FEW])) or "none") + more


def _roles(columns: dict[str, pd.Series[Any]], told: Mapping[Role, str]) -> dict[str, tuple[Role, str]]:
    """The role of each column, and why."""
    plain = {name: re.sub(r"[^a-z0-9]+", "_", _spaced(name).lower()).strip("_") for name in columns}
    found: dict[str, tuple[Role, str]] = {
        name: (role, f"the {role.value}, as it was told") for role, name in told.items()
    }
    for role, usual in NAMES.items():
        ranked = [name for each in usual for name in columns if plain[name] == each and name not in found]
        taken = told.get(role) or next(iter(ranked), "")
        for name in ranked:
            found[name] = (Role.NON_PREDICTOR, f"a {role.value} by its name, as {taken!r} is: one is taken")
        if ranked and role not in told:
            found[taken] = (role, f"taken for the {role.value} by its name")
    for name, column in columns.items():
        if name in found:
            continue
        if _IDENTIFIER.search(plain[name]):
            found[name] = (Role.IDENTIFIER, "taken for an identifier by its name")
            if Role.IDENTIFIER in told:
                found[name] = (Role.NON_PREDICTOR, f"an identifier by its name, and {told[Role.IDENTIFIER]!r} is it")
        elif column.dtype.kind in "Mm" or _DATE.search(plain[name]):
            found[name] = (Role.NON_PREDICTOR, "a date, which no monitor compares")
        elif column.isna().all():
            found[name] = (Role.NON_PREDICTOR, "all of its values are null")
        else:
            found[name] = (Role.PREDICTOR, "taken for a predictor: its name says nothing else")
    return found


def _spaced(name: str) -> str:
    """With an underscore where small letters are followed by a capital one."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def _class(column: pd.Series[Any], role: Role) -> DataClass:
    kind = _avro(column)
    if kind not in ("long", "double"):
        return DataClass.CATEGORICAL
    if role is Role.LABEL and _whole(column) and column.nunique() <= FEW:
        return DataClass.CATEGORICAL
    return DataClass.NUMERICAL


def _score_of_classes(
    columns: dict[str, pd.Series[Any]], roles: dict[str, tuple[Role, str]], classes: dict[str, DataClass]
) -> None:
    """A score that has nothing but the values of a label of classes is a class, too."""
    by_role = {role: name for name, (role, _) in roles.items()}
    label, score = by_role.get(Role.LABEL), by_role.get(Role.SCORE)
    if score and label and classes[label] is DataClass.CATEGORICAL and classes[score] is DataClass.NUMERICAL:
        values = columns[score].dropna()
        if len(values) and values.isin(columns[label].dropna().unique()).all():
            classes[score] = DataClass.CATEGORICAL


def _whole(column: pd.Series[Any]) -> bool:
    values = column.dropna()
    return bool((values % 1 == 0).all())


def _avro(column: pd.Series[Any]) -> str:
    """Avro's type of a column's values, as far as the extended schema knows them."""
    kind = column.dtype.kind
    if kind == "O":
        import pandas as pd

        return _OBJECTS.get(pd.api.types.infer_dtype(column, skipna=True), "string")
    if column.isna().all() and kind == "f":
        return "null"
    return {"b": "boolean", "i": "long", "u": "long", "f": "double"}.get(kind, "string")


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]
