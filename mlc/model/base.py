"""The ways in which this project reads data."""

from enum import StrEnum
from functools import cache
from typing import Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

LONGEST_ID = 200
"""Characters of an id in the model centre: as the centre has it, and as everything but its adapter has it."""


def read_names(model: type[BaseModel], field: str) -> list[str]:
    """The names under which a field is read from JSON: one that was renamed has several (docs/compatibility.md)."""
    match model.model_fields[field].validation_alias:
        case None:
            return [field]
        case AliasChoices(choices=choices):
            names = [choice for choice in choices if isinstance(choice, str)]
        case alias:
            names = [alias] if isinstance(alias, str) else []
    by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
    return [*names, field] if by_name and field not in names else names


@cache
def _fields(model: type[BaseModel]) -> list[tuple[str, list[str], bool]]:
    """Each field's name, those under which it is read, and whether it is required. Signals come by the thousand."""
    return [(name, read_names(model, name), field.is_required()) for name, field in model.model_fields.items()]


class Input(BaseModel):
    """What a person or another system sends: an unknown field is a typing error, and is refused.

    The offending value is left out of error texts, since an input may hold what must not be logged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def usage(cls) -> str:
        """What is right, for people who sent something wrong."""
        return f"{cls.__name__} takes {', '.join(cls.model_fields)}."

    @property
    def subject(self) -> str:
        """What it is about, where no snapshot is named: by this, runs take turns (``mlc/model/fairness.py``)."""
        return ""

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, data: Any) -> Any:
        if isinstance(data, cls):
            return data
        if not isinstance(data, dict):
            raise ValueError(f"A JSON object was expected. {cls.usage()}")
        fields = _fields(cls)
        given = {name: [read for read in reads if read in data] for name, reads, _ in fields}
        unknown = sorted({str(name) for name in data} - {read for names in given.values() for read in names})
        missing = [name for name, _, required in fields if required and not given[name]]
        twice = [name for name, names in given.items() if len(names) > 1]
        if unknown or missing or twice:
            wrong = [
                *(f"unknown field {name[:60]!r}" for name in unknown),
                *(f"missing field {name!r}" for name in missing),
                *(f"field {name!r} is given twice" for name in twice),
            ]
            raise ValueError(f"{', '.join(wrong).capitalize()}. {cls.usage()}")
        return data


def renamed(default: Any, name: str, *, was: str) -> Any:
    """A field of a payload that had another name: both are read, and the old one is written for one release more.

    In the next release the old name is no longer written: see docs/compatibility.md.
    """
    return Field(default, validation_alias=AliasChoices(name, was), serialization_alias=was)


class OpenEnum(StrEnum):
    """Base of the enums of results and state. Each has a member ``UNKNOWN``, ``"unknown"``.

    A newer worker may answer with a value that this one doesn't know yet. It is read as ``UNKNOWN``, which no code may
    take for a yes; refusing it would fail the run.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("unknown") if isinstance(value, str) and value != "unknown" else None


class State(BaseModel):
    """What a run keeps in mind and changes as it goes; read from outside by a query, unknown fields ignored."""

    model_config = ConfigDict(extra="ignore")


class Record(BaseModel):
    """What our own code hands on (activity results, state): unknown fields are ignored.

    A newer worker may answer an older one during a rolling release; refusing its extra field would fail open runs.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
