"""What each monitor needs of a schema, and which columns it reads: told when it is attached, not first when it runs."""

from __future__ import annotations

from .schema import Field, Role, Schema

_NO_INPUTS = frozenset({Role.LABEL, Role.IDENTIFIER, Role.SCORE})
_SHOWN = 5


def regression(schema: Schema) -> list[str]:
    """What is lacking for the performance of a regression model, in sentences."""
    label, score, problems = _label_and_score(schema)
    for field in (label, score):
        if field and not field.numerical:
            problems.append(
                f"The {field.role.value} {field.name!r} must be numerical to measure the performance of a regression "
                "model, and the schema says that it is categorical."
            )
    return problems


def classification(schema: Schema) -> list[str]:
    """The same for a classification model."""
    label, score, problems = _label_and_score(schema)
    if label and label.numerical:
        problems.append(
            f"The label {label.name!r} must be categorical to measure the performance of a classification model, and "
            "the schema says that it is numerical."
        )
    if score and score.numerical and score.threshold is None:
        problems.append(
            f"The score {score.name!r} is numerical, and classes are compared: give its field "
            '"dataClass": "categorical" if it is a class, else a "threshold", such as 0.5.'
        )
    return problems


def data_drift(schema: Schema) -> list[str]:
    """The same for the drift of data."""
    if compared_for_drift(schema):
        return []
    return ["The schema has no column to compare: no predictor, and no field with driftCandidate true."]


def concept_drift(schema: Schema) -> list[str]:
    """The same for the drift of the score."""
    return _one(schema, Role.SCORE)[1]


def stability(schema: Schema) -> list[str]:
    """The same for the stability indices."""
    problems = _one(schema, Role.SCORE)[1]
    if not schema.having(Role.PREDICTOR):
        problems.append("The schema has no predictor, and characteristic stability is that of the predictors.")
    weights = schema.having(Role.WEIGHT)
    if len(weights) > 1:
        problems.append(_several(weights))
    return problems


def odd_candidates(schema: Schema) -> list[str]:
    """A sentence about fields that data drift compares, and that are no inputs of the model.

    It is computed all the same. An identifier always drifts, a label may be lacking for weeks, and the score has the
    concept drift.
    """
    odd = [field for field in compared_for_drift(schema) if field.role in _NO_INPUTS]
    if not odd:
        return []
    listed = ", ".join(f"the {field.role.value} {field.name!r}" for field in odd[:_SHOWN])
    more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
    return [f"It compares {listed}{more} as it does predictors: if that isn't meant, set driftCandidate to false."]


def compared_for_drift(schema: Schema) -> list[Field]:
    """The fields that data drift compares."""
    return [field for field in schema.fields if field.drift_candidate]


def label_and_score(schema: Schema) -> list[Field]:
    """The fields that the performance monitors read."""
    return [*schema.having(Role.LABEL), *schema.having(Role.SCORE)]


def score(schema: Schema) -> list[Field]:
    """The field that concept drift reads."""
    return schema.having(Role.SCORE)


def bucketed(schema: Schema) -> list[Field]:
    """The fields that the stability analysis reads."""
    return [*schema.having(Role.PREDICTOR), *schema.having(Role.SCORE), *schema.having(Role.WEIGHT)]


def _label_and_score(schema: Schema) -> tuple[Field | None, Field | None, list[str]]:
    label, problems = _one(schema, Role.LABEL)
    score, more = _one(schema, Role.SCORE)
    return label, score, problems + more


def _one(schema: Schema, role: Role) -> tuple[Field | None, list[str]]:
    found = schema.having(role)
    if not found:
        return None, [f"The schema has no field with the role {role.value}."]
    if len(found) > 1:
        return None, [_several(found)]
    return found[0], []


def _several(fields: list[Field]) -> str:
    names = ", ".join(repr(field.name) for field in fields)
    return f"The schema has {len(fields)} fields with the role {fields[0].role.value} ({names}), and there may be one."
