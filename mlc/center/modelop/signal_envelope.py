"""The envelope in which a signal comes over HTTP, with variables in Camunda's form."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from mlc.model.signal import BadVariable

JSON = "application/json"
SERIALIZED = frozenset({"object", "json"})
"""Camunda's types of variables whose value may be a text that stands for an object."""


class Read(BaseModel):
    """What is read of ModelOp's JSON: camelCase, everything else left alone."""

    model_config = ConfigDict(
        extra="ignore", hide_input_in_errors=True, alias_generator=to_camel, populate_by_name=True
    )


class ValueInfo(Read):
    serialization_data_format: str | None = None


class Enveloped(Read):
    """A variable of a signal, in Camunda's form. An object may come as JSON, or as a text that is JSON."""

    value: Any = None
    type: str | None = None
    value_info: ValueInfo | None = None

    def plain(self, name: str) -> Any:
        """Its value.

        Raises:
            BadVariable: it says that it is an object, and is a text that is none.
        """
        if (self.type or "").lower() not in SERIALIZED or not isinstance(self.value, str):
            return self.value
        form = (self.value_info and self.value_info.serialization_data_format) or JSON
        if form.partition(";")[0].strip().lower() != JSON:
            raise BadVariable(f"Variable {name[:60]!r}: an object is taken as JSON, not as {form[:60]!r}.")
        try:
            return json.loads(self.value)
        except (ValueError, RecursionError):
            raise BadVariable(f"Variable {name[:60]!r}: its type is {self.type}, but its value is not JSON.") from None


class Envelope(Read):
    """A signal as it comes over HTTP."""

    name: Annotated[str, StringConstraints(max_length=300)]
    variables: dict[str, Enveloped] = {}

    @property
    def values(self) -> dict[str, Any]:
        """Of each variable.

        Raises:
            BadVariable: one can't be read.
        """
        return {name: variable.plain(name) for name, variable in self.variables.items()}
