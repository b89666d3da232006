"""How Jira's JSON is read: null is absent, an id may be a number, and what is odd about a part spoils nothing else."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]
"""A time; in UTC if it doesn't say where, so that any two can be compared."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Json(BaseModel):
    """Base: camelCase on the wire; fields not named here are ignored, null is absent, and an id may be a number."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True, coerce_numbers_to_str=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {name: part for name, part in given.items() if part is not None} if isinstance(given, dict) else given


def usable(kind: type[BaseModel]) -> BeforeValidator:
    """For a list of which each item counts alone: one that can't be read is left out, and spoils nothing else."""

    def read(items: Any) -> Any:
        return [item for item in items if fits(kind, item)] if isinstance(items, list) else items

    return BeforeValidator(read)


def or_none(given: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(given)
    except ValidationError:
        return None


def fits(kind: type[BaseModel], item: Any) -> bool:
    try:
        kind.model_validate(item)
    except ValidationError:
        return False
    return True


ID = r"^[A-Za-z0-9_-]{1,100}$"
Id = Annotated[str, Field(pattern=ID)]
"""An id or a key, which goes into paths."""


def moment(stated: str) -> datetime:
    """A time as Jira writes it, such as 2026-11-22T11:31:46.648+0000; the beginning of time if it can't be read."""
    try:
        found = datetime.fromisoformat(stated)
    except ValueError:
        return LONG_AGO
    return _aware(found)
