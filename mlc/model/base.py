"""The ways in which this project reads data."""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator


class Input(BaseModel):
    """What a person or another system sends: an unknown field is a typing error, and is refused.

    The offending value is left out of error texts, since an input may hold what must not be logged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def usage(cls) -> str:
        """What is right, for people who sent something wrong."""
        return f"{cls.__name__} takes {', '.join(cls.model_fields)}."

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, data: Any) -> Any:
        if isinstance(data, cls):
            return data
        if not isinstance(data, dict):
            raise ValueError(f"A JSON object was expected. {cls.usage()}")
        unknown = sorted(str(name) for name in data if name not in cls.model_fields)
        missing = [name for name, field in cls.model_fields.items() if field.is_required() and name not in data]
        if unknown or missing:
            wrong = [f"unknown field {name[:60]!r}" for name in unknown] + [
                f"missing field {name!r}" for name in missing
            ]
            raise ValueError(f"{', '.join(wrong).capitalize()}. {cls.usage()}")
        return data


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
