"""The envelope in which a signal comes over HTTP, with variables in Camunda's form."""

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from mlc.model.signal import BadVariable

JSON = "application/json"
SERIALIZED = frozenset({"object", "json"})
"""Camunda's types of variables whose value may be a text that stands for an object."""


LONGEST_NAME = 60
SMALL = 1024**2
"""Bytes of a text that is read without counting first."""
MOST_VALUES = 100_000
"""Of a longer one: what makes a signal long are the texts of its files."""
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def strictly(text: str | bytes) -> Any:
    """A JSON value of which everything can be written again: no half characters, NaN, or numbers without an end.

    The same for a whole signal and for a text within it that stands for an object: Python's own reader takes more, and
    what it takes goes into workflows' histories and ids, which can't hold it.

    Raises:
        ValueError: it is none; nested deeper than 200 levels counts as none, and so do more than MOST_VALUES values.
    """
    written = text.encode() if isinstance(text, str) else text
    if len(written) > SMALL and _has_many(written):
        raise ValueError(f"it holds more than {MOST_VALUES} values")
    return from_json(written, allow_inf_nan=False)


def _has_many(text: bytes) -> bool:
    """Whether a long text holds so many values that reading them takes many times its length in memory."""
    if text.count(b'"') - text.count(b'\\"') > 4 * MOST_VALUES:
        return True
    structure = _STRING.sub(b"", text)
    return sum(map(structure.count, (b"[", b"{", b","))) > MOST_VALUES


def repeated(name: object) -> str:
    """A name out of a signal, as a sentence repeats it: short, and without what can't be shown."""
    return "".join(each if each.isprintable() else "?" for each in str(name)[:LONGEST_NAME])


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
            return strictly(self.value)
        except ValueError:
            raise BadVariable(f"Variable {name[:60]!r}: its type is {self.type}, but its value is not JSON.") from None


class Envelope(Read):
    """A signal as it comes over HTTP."""

    name: Annotated[str, StringConstraints(max_length=300)]
    variables: dict[str, Enveloped] = {}

    @classmethod
    def of(cls, body: bytes) -> Self:
        """What a body says.

        Raises:
            ValueError: it is no JSON, or (a ValidationError) no signal.
        """
        return cls.model_validate(strictly(body))

    @property
    def values(self) -> dict[str, Any]:
        """Of each variable.

        Raises:
            BadVariable: one can't be read.
        """
        return {name: variable.plain(name) for name, variable in self.variables.items()}
