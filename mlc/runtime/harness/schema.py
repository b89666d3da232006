"""The model's extended Avro schemas: what CSV columns hold, and whether records are as they should be.

The extension adds keys to a record's fields, such as ``dataClass`` and ``role``; ``scoringOptional`` counts here.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .functions import ModelFailure
from .records import read_records
from .unreadable import Broken

_KINDS = {
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "string": "text",
    "enum": "text",
}
"""Avro's types of one value, as :mod:`.rows` calls them."""


def column_kinds(definition: Mapping[str, Any] | None) -> dict[str, str]:
    """What the columns of a CSV file hold, as far as a schema says so: ``{"age": "integer"}``."""
    fields = definition.get("fields") if isinstance(definition, Mapping) else None
    kinds = {}
    for field in fields if isinstance(fields, list) else []:
        if isinstance(field, Mapping) and (kind := _kind(field.get("type"))):
            kinds[str(field.get("name"))] = kind
    return kinds


def columns_of(definition: Mapping[str, Any] | None) -> dict[str, str]:
    """The columns of a table of records of a schema, and what they hold: ``text`` where it is of no one kind."""
    fields = definition.get("fields") if isinstance(definition, Mapping) else None
    kinds = column_kinds(definition)
    names = [str(each["name"]) for each in fields or [] if isinstance(each, Mapping) and "name" in each]
    return {name: kinds.get(name, "text") for name in names}


def columns_of_role(definition: Mapping[str, Any] | None, role: str) -> list[str]:
    """The names of the fields of a role, such as ``score``, in the schema's order."""
    fields = definition.get("fields") if isinstance(definition, Mapping) else None
    return [
        str(each["name"])
        for each in (fields if isinstance(fields, list) else [])
        if isinstance(each, Mapping) and "name" in each and str(each.get("role")).casefold() == role
    ]


def _kind(avro_type: Any) -> str | None:
    if isinstance(avro_type, list):
        kinds = {_kind(branch) for branch in avro_type if branch != "null"}
        return kinds.pop() if len(kinds) == 1 else None
    if isinstance(avro_type, Mapping):
        return None if "logicalType" in avro_type else _kind(avro_type.get("type"))
    return _KINDS.get(avro_type) if isinstance(avro_type, str) else None


class RecordSchema:
    """Checks records against a schema. Fields that the schema doesn't name are let through.

    Args:
        definition: the ``schemaDefinition``, a JSON object.
        name: what people call it, such as ``input schema``.
        scoring: fields with ``scoringOptional`` may be missing or null.

    Raises:
        ModelFailure: it can't be used.
    """

    def __init__(self, definition: Any, name: str, *, scoring: bool = False) -> None:
        try:
            from fastavro import parse_schema
            from fastavro.schema import SchemaParseException, UnknownType
            from fastavro.validation import ValidationError, validate
        except ModuleNotFoundError:  # an interpreter of an older runtime
            raise ModelFailure(f"Checking against the {name} needs the library fastavro: install it.") from None
        self.name = name
        self._invalid = ValidationError
        self._validate = validate
        try:
            self._schema = parse_schema(_with_optional(definition) if scoring else definition)
        except (SchemaParseException, UnknownType, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelFailure(f"The {name} is not an Avro schema: {error or type(error).__name__}.") from None

    def problem(self, record: Any) -> str | None:
        """Why a record is not as the schema says, in a sentence without its values; None if it is."""
        try:
            self._validate(record, self._schema, raise_errors=True)
        except self._invalid as invalid:
            return f"it is not as the {self.name} says: {_difference(invalid)}."
        return None


def _with_optional(definition: Any) -> Any:
    if not isinstance(definition, dict) or not isinstance(definition.get("fields"), list):
        return definition
    return {**definition, "fields": [_optional(field) for field in definition["fields"]]}


def _optional(field: Any) -> Any:
    if not isinstance(field, dict) or field.get("scoringOptional") is not True:
        return field
    declared = field.get("type")
    branches = declared if isinstance(declared, list) else [declared]
    return {**field, "type": ["null", *(branch for branch in branches if branch != "null")], "default": None}


def _difference(invalid: Any) -> str:
    first = invalid.errors[0]
    same = [error for error in invalid.errors if error.field == first.field]  # one for each branch of a union
    wanted = " or ".join(dict.fromkeys(_name(error.schema) for error in same))
    place = f"its field {first.field.partition('.')[2]!r}" if first.field else "it"
    if first.datum is None:
        return f"{place} is missing or null, and should be {wanted}"
    return f"{place} is a {type(first.datum).__name__}, and should be {wanted}"


def _name(schema: Any) -> str:
    if isinstance(schema, Mapping):
        return str(schema.get("logicalType") or schema.get("type"))
    return str(schema)


class CheckedRecords:
    """The records of an input, a :class:`.records.Broken` in the place of each that is not as it should be.

    Args:
        source: an input of an order: see :class:`mlc.runtime.order.DataFile`.
        scoring: see :class:`RecordSchema`.
    """

    def __init__(self, source: Mapping[str, Any], *, scoring: bool) -> None:
        self._source = source
        self._schema = RecordSchema(source["schema"], "input schema", scoring=scoring) if source["check"] else None

    def __iter__(self) -> Iterator[Any]:
        source, schema = self._source, self._schema
        kinds = column_kinds(source["schema"])
        for record in as_arrays(read_records(Path(source["path"]), source["format"], source["name"], kinds), source):
            if schema and not isinstance(record, Broken) and (problem := schema.problem(record)):
                yield Broken("", problem)
            else:
                yield record


def as_arrays(records: Iterator[Any], source: Mapping[str, Any]) -> Iterator[Any]:
    """The records of an input whose schema says that a record is an array: its items together are one.

    So a file of one JSON array, or of rows, is one record; of JSON lines that are arrays, each is one.
    """
    depth = array_depth(source["schema"])
    if not depth:
        yield from records
        return
    items: list[Any] = []
    for record in records:
        if isinstance(record, Broken) or _list_depth(record) >= depth:
            yield record
        else:
            items.append(record)
    if items:
        yield items


def array_depth(schema: Any) -> int:
    """Of how many lists within one another a record is one, by its schema."""
    depth = 0
    while isinstance(schema, Mapping):
        is_array = schema.get("type") == "array"
        depth += is_array
        schema = schema.get("items" if is_array else "type")
    return depth


def _list_depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = value[0] if value else None
    return depth
