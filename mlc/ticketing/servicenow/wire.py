"""ServiceNow's JSON as the adapter reads it: records with values and what people see of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel, field_validator, model_validator

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
"""Of times in the database, which are in UTC."""


class Value(BaseModel):
    """A field under ``sysparm_display_value=all``: as the database has it, and as people see it.

    One that is empty, or belongs to another record that is, may come as a bare text or null.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    value: str = ""
    display_value: str = ""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        bare = given is None or isinstance(given, str | int | float)
        return {"value": given, "display_value": given} if bare else given

    @field_validator("value", "display_value", mode="before")
    @classmethod
    def _empty(cls, given: Any) -> Any:
        return "" if given is None else given


class Row(RootModel[dict[str, Value]]):
    """A record, or what was asked for of it. A field that its table does not have is absent."""

    def has(self, field: str) -> bool:
        return field in self.root

    def value(self, field: str) -> str:
        """The database's value, empty if there is none."""
        return self.root[field].value if field in self.root else ""

    def shown(self, field: str) -> str:
        """What people see, empty if there is nothing."""
        return (self.root[field].display_value or self.root[field].value) if field in self.root else ""

    def time(self, field: str) -> datetime | None:
        """A time, aware; None if it is empty, or no time."""
        try:
            return datetime.strptime(self.value(field), TIME_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return None


@dataclass(frozen=True)
class Seen:
    """Records of a table that the account may not be allowed to read.

    ``problem`` is why some of them, or all, are not among ``rows``, as a sentence for a ticket; None if all are.
    """

    rows: list[Row]
    problem: str | None = None
