"""The shape of a payload's type on the wire: what of it another release relies on, and what may change."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from mlc.model.base import read_names
from tests.compatibility.declared import written_name

Shape = dict[str, Any]
"""A type as JSON, such as ``{"type": "string", "values": ["yes", "no"]}`` or ``{"ref": "TicketRef"}``."""
Types = Mapping[str, Shape]
"""Shapes by the names by which others refer to them. The names are for people: nothing depends on them."""

MAXIMA = ("maxLength", "maxItems", "maximum")
MINIMA = ("minLength", "minItems", "minimum")
_READ = "x-read"


class _Schema(GenerateJsonSchema):
    """Pydantic's, with the names under which renamed fields are read as well."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        model = schema["cls"]
        read = {written_name(model, field): read_names(model, field) for field in model.model_fields}
        return {**super().model_schema(schema), _READ: read}


def shapes(types: Mapping[str, Any]) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """The shape of each type, as it is written, and of the types in them."""
    adapters: list[Any] = [(name, "serialization", TypeAdapter(type_)) for name, type_ in types.items()]
    found, schema = TypeAdapter.json_schemas(adapters, schema_generator=_Schema, ref_template="{model}")
    named = {name: _shape(inner) for name, inner in sorted(schema.get("$defs", {}).items())}
    return {name: _shape(inner) for (name, _), inner in found.items()}, named


def _shape(schema: Mapping[str, Any]) -> Shape:
    if "$ref" in schema:
        return {"ref": schema["$ref"]}
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return _shape(schema["allOf"][0])
    if "anyOf" in schema:
        return {"any": sorted((_shape(inner) for inner in schema["anyOf"]), key=str)}
    shape: Shape = {"type": schema.get("type", "anything")}
    if "enum" in schema or "const" in schema:
        shape["values"] = sorted(schema.get("enum", [schema.get("const")]))
    shape |= {name: schema[name] for name in ("format", "pattern", *MAXIMA, *MINIMA) if name in schema}
    match shape["type"]:
        case "array":
            shape["items"] = _shape(schema.get("items", {}))
        case "object" if "properties" in schema or _READ in schema:
            shape["fields"] = {name: _field(schema, name) for name in schema.get("properties", {})}
            if schema.get("additionalProperties") is False:
                shape["refuses unknown fields"] = True
        case "object":
            more = schema.get("additionalProperties", {})
            shape["values of"] = _shape(more) if isinstance(more, dict) else {"type": "anything"}
    return shape


def _field(schema: Mapping[str, Any], name: str) -> Shape:
    about = schema["properties"][name]
    field: Shape = {"is": _shape(about)}
    if name in schema.get("required", []):
        field["required"] = True
    if "default" in about:
        field["default"] = about["default"]
    if (read := schema.get(_READ, {}).get(name, [name])) != [name]:
        field["read as"] = read
    return field


def lost(was: Shape, now: Shape, types_then: Types, types_now: Types, place: str, newest: bool = True) -> Iterator[str]:
    """What was promised and is no longer so, each a sentence that begins with the place.

    Allowed are: more fields that need not be given, more values of an enum, values of what was any text, wider limits.

    Args:
        newest: the promise is the newest release's, which may run beside this code: it must be able to read what is
            written now. Of older ones it is enough that what they wrote is read.
    """
    was, now = _resolved(was, types_then), _resolved(now, types_now)
    if "any" in was or "any" in now:
        yield from _alternatives_lost(was, now, types_then, types_now, place, newest)
        return
    for name in ("type", "format"):
        if was.get(name) != now.get(name):
            yield f"{place}: the {name} was {was.get(name)} and is {now.get(name)}"
            return
    if "pattern" in now and now["pattern"] != was.get("pattern") and not _values_match(was, now["pattern"]):
        yield f"{place}: the pattern was {was.get('pattern')} and is {now['pattern']}"
    for name in MAXIMA:
        if now.get(name, float("inf")) < was.get(name, float("inf")):
            yield f"{place}: {name} was {was.get(name)} and is {now[name]}"
    for name in MINIMA:
        if now.get(name, float("-inf")) > was.get(name, float("-inf")):
            yield f"{place}: {name} was {was.get(name)} and is {now[name]}"
    for value in was.get("values", []):
        if "values" in now and value not in now["values"]:
            yield f"{place}: the value {value!r} is gone"
    for part in ("items", "values of"):
        if part in was or part in now:
            yield from lost(was.get(part, {}), now.get(part, {}), types_then, types_now, f"{place}, {part}", newest)
    if "fields" in was or "fields" in now:
        yield from _fields_lost(was, now, types_then, types_now, place, newest)


def _resolved(shape: Shape, types: Types) -> Shape:
    return _resolved(types[shape["ref"]], types) if "ref" in shape else shape


def _alternatives_lost(
    was: Shape, now: Shape, types_then: Types, types_now: Types, place: str, newest: bool
) -> Iterator[str]:
    """Each alternative still is one, and there is no other, which an older release could not read."""
    then, left = was.get("any", [was]), list(now.get("any", [now]))
    for one in then:
        tries = [(list(lost(one, other, types_then, types_now, place, newest)), other) for other in left]
        same_type = [(said, other) for said, other in tries if _kind(one, types_then) == _kind(other, types_now)]
        if not same_type:
            yield f"{place}: it could be {_kind(one, types_then)} and can't any more"
            continue
        said, other = min(same_type, key=lambda found: len(found[0]))
        left.remove(other)
        yield from said
    for other in left:
        yield f"{place}: it can be {_kind(other, types_now)} now and could not before"


def _values_match(was: Shape, pattern: str) -> bool:
    """Whether what could be one of some values can now be any text of a pattern that they all have."""
    return bool(was.get("values")) and all(re.search(pattern, str(value)) for value in was["values"])


def _kind(shape: Shape, types: Types) -> str:
    return str(_resolved(shape, types).get("type"))


def _fields_lost(
    was: Shape, now: Shape, types_then: Types, types_now: Types, place: str, newest: bool
) -> Iterator[str]:
    if "fields" not in was or "fields" not in now:
        yield f"{place}: the type was {_sort(was)} and is {_sort(now)}"
        return
    if now.get("refuses unknown fields") and not was.get("refuses unknown fields"):
        yield f"{place}: unknown fields were ignored and are refused"
    matched = set()
    for name, field in was["fields"].items():
        found = next((other for other in now["fields"] if name in _read(now, other)), None)
        if found is None:
            yield f"{place}.{name}: it is gone"
            continue
        matched.add(found)
        yield from _field_lost(field, now["fields"][found], types_then, types_now, f"{place}.{name}", newest)
        for old in field.get("read as", []):
            if old not in _read(now, found):
                yield f"{place}.{name}: it is no longer read as {old}"
        if newest and found not in field.get("read as", [name]):
            yield f"{place}.{name}: it is written as {found}, which the release before can't read"
    for name in now["fields"].keys() - matched:
        if now["fields"][name].get("required") and name not in was["fields"]:
            yield f"{place}.{name}: it is new and required, and nothing older has it"


def _field_lost(was: Shape, now: Shape, types_then: Types, types_now: Types, place: str, newest: bool) -> Iterator[str]:
    yield from lost(was["is"], now["is"], types_then, types_now, place, newest)
    if now.get("required") and not was.get("required"):
        yield f"{place}: it could be left out and is required"
    if "default" in was and ("default" not in now or was["default"] != now["default"]):
        yield f"{place}: the default was {was['default']!r} and is {now.get('default', 'none')!r}"


def _read(shape: Shape, field: str) -> list[str]:
    names: list[str] = shape["fields"][field].get("read as", [field])
    return names


def _sort(shape: Shape) -> str:
    return "an object with fields" if "fields" in shape else "a mapping"
