"""What is kept of an online request: the columns of the model's one extended schema, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlc.model.snapshot import Model
from mlc.model.truncation import truncate
from mlc.model.truth import identifier_of
from mlc.monitors import MonitorError, Role, Schema, read_schema


@dataclass(frozen=True)
class KeptColumns:
    """The columns of a schema.

    Attributes:
        names: all of them, but for the scores.
        scores: those that the model answers; what a caller sends under such a name is not kept.
        identifier: the one that says whose record it is, if there is one such column.
    """

    names: tuple[str, ...]
    scores: tuple[str, ...]
    identifier: str | None = None

    def record(self, sent: object, results: list[Any]) -> dict[str, Any] | None:
        """A record with its score; None if it is not one of such columns, or was not answered by one value."""
        if not isinstance(sent, Mapping) or len(results) != 1:
            return None
        (answer,) = results
        kept = {name: sent[name] for name in self.names if name in sent}
        if isinstance(answer, Mapping):
            return kept | {name: answer[name] for name in self.scores if name in answer}
        if isinstance(answer, list):
            return None
        return kept | ({self.scores[0]: answer} if len(self.scores) == 1 else {})

    def record_id(self, record: Mapping[str, Any]) -> str | None:
        """Whose record it is; None if it doesn't say so.

        Raises:
            NoTruth: what it says can't be looked for, and so could never be forgotten.
        """
        said = record.get(self.identifier) if self.identifier is not None else None
        return None if said in (None, "") else identifier_of(said)


def kept_columns(model: Model) -> tuple[KeptColumns | None, str]:
    """The columns that are kept of a model's requests; or None, and a sentence that says why."""
    schema, why = _schema_of(model)
    if schema is None:
        return None, f"Its online requests are not kept for its monitors: {why}"
    scores = tuple(field.name for field in schema.having(Role.SCORE))
    identifiers = [field.name for field in schema.having(Role.IDENTIFIER)]
    names = tuple(field.name for field in schema.fields if field.role is not Role.SCORE)
    return KeptColumns(names, scores, identifiers[0] if len(identifiers) == 1 else None), ""


def _schema_of(model: Model) -> tuple[Schema | None, str]:
    if not model.input_schemas:
        return None, "it has no extended input schema, which says what its columns are."
    if len(model.input_schemas) > 1:
        return None, f"it has {len(model.input_schemas)} input schemas, and it must be one."
    try:
        return read_schema(model.input_schemas[0].definition or {}), ""
    except MonitorError as error:
        return None, f"its input schema is no use for monitors. {truncate(error.problems[0], 200)}"
    except (RecursionError, ValueError):  # what it says is too deep or too long to be shown
        return None, "its input schema can't be read."
