"""The extended Avro schema: a record whose fields also say what each column is to the model.

Keys of a field beside Avro's ``name`` and ``type``: ``role``, ``dataClass``, ``driftCandidate``, ``specialValues``,
``positiveClassLabel``, ``protectedClass``, ``scoringOptional``; and ``threshold``, which is this project's own: the
number from which on a numerical score counts as the positive class.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from .errors import MonitorError

Value = str | int | float | bool
Kind = TypeVar("Kind", bound=StrEnum)


class Role(StrEnum):
    """What a column is to the model."""

    PREDICTOR = "predictor"
    NON_PREDICTOR = "non_predictor"
    IDENTIFIER = "identifier"
    SCORE = "score"
    LABEL = "label"
    WEIGHT = "weight"
    PREDICTION_DATE = "prediction_date"


class DataClass(StrEnum):
    """How a column's values are compared."""

    NUMERICAL = "numerical"
    CATEGORICAL = "categorical"


@dataclass(frozen=True, slots=True)
class Field:
    """A column as the schema describes it.

    Attributes:
        data_class: None where the schema doesn't say it: then no monitor may need the column.
        drift_candidate: whether data drift compares it. Where the schema doesn't say, predictors are compared.
        special_values: groups of values that have a bucket of their own in the stability analysis.
        positive_label: the class that precision, recall and F1 are about.
        threshold: a numerical score counts as the positive class from here on.
    """

    name: str
    role: Role
    data_class: DataClass | None = None
    drift_candidate: bool = False
    special_values: tuple[tuple[Value, ...], ...] = ()
    positive_label: Value | None = None
    threshold: float | None = None

    @property
    def numerical(self) -> bool:
        return self.data_class is DataClass.NUMERICAL


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of a record, each name once."""

    name: str
    fields: tuple[Field, ...]

    def having(self, role: Role) -> list[Field]:
        """The fields of a role, in the schema's order."""
        return [field for field in self.fields if field.role is role]


def read_schema(document: object) -> Schema:
    """Read an extended Avro schema.

    Args:
        document: the record as a mapping, or as its JSON; or a list of schemas, as a model has them, each either the
            record or a mapping with the record as ``schemaDefinition``. There must be exactly one.

    Raises:
        MonitorError: with everything that is wrong with it.
    """
    record = _record(document)
    problems: list[str] = []
    listed = record.get("fields")
    if record.get("type") != "record" or not isinstance(listed, list):
        raise MonitorError(['The schema is no Avro record: it needs "type": "record" and a list of "fields".'])
    fields = [field for number, each in enumerate(listed, 1) if (field := _field(each, number, problems))]
    for name, times in Counter(field.name for field in fields).items():
        if times > 1:
            problems.append(f"The schema has {times} fields with the name {name!r}.")
    if not listed:
        problems.append("The schema has no fields.")
    if problems:
        raise MonitorError(problems)
    return Schema(str(record.get("name") or ""), tuple(fields))


def _record(document: object) -> Mapping[str, Any]:
    if isinstance(document, str | bytes):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise MonitorError([f"The schema is not JSON: {error}."]) from error
    if isinstance(document, list | tuple):
        if len(document) != 1:
            raise MonitorError([f"There must be exactly one input schema, and there are {len(document)}."])
        document = document[0]
    if isinstance(document, Mapping) and isinstance(document.get("schemaDefinition"), str):
        return _record(document["schemaDefinition"])
    if isinstance(document, Mapping) and isinstance(document.get("schemaDefinition"), Mapping):
        document = document["schemaDefinition"]
    if not isinstance(document, Mapping):
        raise MonitorError([f"The schema must be an Avro record, and is of the type {type(document).__name__}."])
    return document


def _field(document: object, number: int, problems: list[str]) -> Field | None:
    """A field, or None with what is wrong added to the problems."""
    if not isinstance(document, Mapping) or not isinstance(document.get("name"), str) or not document["name"]:
        problems.append(f"Field {number} of the schema has no name.")
        return None
    name, before = document["name"], len(problems)
    said = document.get("role")
    role = _member(Role, str(said).casefold().replace("-", "_").replace(" ", "_"))
    if said is None:
        problems.append(f"The field {name!r} has no role: the schema must be extended, with one of {_listed(Role)}.")
    elif role is None:
        problems.append(f"The field {name!r} has the unknown role {said!r}: known are {_listed(Role)}.")
    said = document.get("dataClass")
    data_class = _member(DataClass, str(said).casefold())
    if said is not None and data_class is None:
        problems.append(f"The field {name!r} has the unknown dataClass {said!r}: known are {_listed(DataClass)}.")
    candidate = document.get("driftCandidate")
    if candidate is not None and not isinstance(candidate, bool):
        problems.append(f"driftCandidate of the field {name!r} must be true or false, and is {candidate!r}.")
    threshold = document.get("threshold")
    if threshold is not None and not _number(threshold):
        problems.append(f"threshold of the field {name!r} must be a number, and is {threshold!r}.")
    special = _special_values(document.get("specialValues"), name, problems)
    positive = _positive_label(document.get("positiveClassLabel"), name, problems)
    if len(problems) > before or role is None:
        return None
    compared = role is Role.PREDICTOR if candidate is None else bool(candidate)
    if data_class is None and (compared or role in (Role.PREDICTOR, Role.SCORE, Role.LABEL)):
        problems.append(f"The field {name!r} has no dataClass: say {_listed(DataClass)}.")
        return None
    return Field(name, role, data_class, compared, special, positive, None if threshold is None else float(threshold))


def _special_values(said: object, name: str, problems: list[str]) -> tuple[tuple[Value, ...], ...]:
    """Groups of values, each given as a value, as a list or as ``{"values": [...]}``."""
    if said is None:
        return ()
    groups: list[tuple[Value, ...]] = []
    for each in said if isinstance(said, list | tuple) else [None]:
        values = each.get("values") if isinstance(each, Mapping) else each
        values = values if isinstance(values, list | tuple) else [values]
        if not values or not all(isinstance(value, str | int | float) for value in values):
            problems.append(f"specialValues of the field {name!r} must be a list of values or of lists of values.")
            return ()
        groups.append(tuple(values))
    found = [value for group in groups for value in group]
    if len(set(found)) < len(found):
        problems.append(f"specialValues of the field {name!r} has a value twice.")
    return tuple(groups)


def _positive_label(said: object, name: str, problems: list[str]) -> Value | None:
    """The one class, also where it is given as a list of one."""
    if isinstance(said, list | tuple) and len(said) <= 1:
        said = said[0] if said else None
    if said is None or isinstance(said, str | int | float):
        return said
    problems.append(f"positiveClassLabel of the field {name!r} must be one value, and is {said!r}.")
    return None


def _number(said: object) -> bool:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return False
    return abs(said) <= sys.float_info.max  # false for not-a-number, too


def _member(kind: type[Kind], text: str) -> Kind | None:
    return next((member for member in kind if member.value == text), None)


def _listed(kind: type[StrEnum]) -> str:
    *most, last = (member.value for member in kind)
    return f"{', '.join(most)} or {last}"
