"""One record that a model is tried on before it serves, and that later tells what its records look like."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from .records import LARGEST_DOCUMENT
from .schema import CheckedRecords
from .unreadable import Broken, Unreadable

CSV_HEAD = 1024**2
"""So many bytes of a CSV file tell what its columns hold, where no schema does."""
LOOKED_AT = 20
"""So many records of a file are looked at for one that can be read."""
LONGEST_SHOWN, LONGEST_VALUE = 300, 60
_SECRET = re.compile(r"passw|secret|token|credential|api_?key|private_?key", re.IGNORECASE)
_NUMBERS_AND_TRUTHS: dict[str, Any] = {"int": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True}
_NO_PREDICTOR = frozenset({"label", "score", "prediction_date"})


@dataclass(frozen=True)
class Example:
    """A record as a batch job would give it to the model, and where it comes from.

    ``without_labels`` is the same without what a caller has not got: labels and earlier scores, as far as the schema
    tells them; None if it tells of none.
    """

    record: Any
    origin: str
    without_labels: Any = None


def find_example(inputs: list[dict[str, Any]], schema: Mapping[str, Any] | None, notes: list[str]) -> Example | None:
    """The first record of the first file that has one, else one that the schema yields.

    Args:
        inputs: the model's test data: see :class:`mlc.runtime.order.DataFile`.
        notes: why there is none, and what is wrong with the files, is added here.
    """
    for source in inputs:
        try:
            numbered = enumerate(_records(source), start=1)
            for number, record in islice(numbered, LOOKED_AT):
                if takes_lists(schema) and not isinstance(record, list):
                    return Example(_whole(Path(source["path"])), f"the content of {source['name']}")
                if not isinstance(record, Broken):
                    lean = _without_labels(record, schema)
                    return Example(record, f"record {number} of {source['name']}", lean)
            notes.append(f"The test data {source['name']} has no record that can be read.")
        except (Unreadable, OSError, ValueError, RecursionError) as error:
            notes.append(str(error))
    if schema is None:
        return None
    record = _made(schema)
    if record is None:
        notes.append("The input schema tells no value for one of its fields: give it a default.")
        return None
    return Example(record, "a record made from the input schema")


def find_example_of_each(names: Sequence[str], inputs: list[dict[str, Any]], notes: list[str]) -> Example | None:
    """What a function that takes a record of each of several inputs is tried on: the first one of each file.

    Args:
        names: of the function's parameters, in order.
    """
    if len(names) != len(inputs):
        notes.append(f"The score function takes a record of each of {len(names)} inputs, and there are {len(inputs)}.")
        return None
    found = [find_example([source], None, notes) for source in inputs]
    whole = [example for example in found if example is not None]
    if len(whole) < len(names):
        return None
    record = {name: example.record for name, example in zip(names, whole, strict=True)}
    return Example(record, " and ".join(example.origin for example in whole))


def takes_lists(schema: Mapping[str, Any] | None) -> bool:
    """Whether one record of the model is a list, by its schema."""
    return isinstance(schema, Mapping) and schema.get("type") == "array"


def shown(record: Any) -> str:
    """A record for people: cut, and without what looks like a secret."""
    if isinstance(record, dict):
        record = {key: "***" if _SECRET.search(str(key)) else _cut(value) for key, value in record.items()}
    text = json.dumps(record, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} [...]"


def _cut(value: Any) -> Any:
    return f"{value[:LONGEST_VALUE]}..." if isinstance(value, str) and len(value) > LONGEST_VALUE else value


def _records(source: dict[str, Any]) -> Iterator[Any]:
    if source["format"] == "csv" and Path(source["path"]).stat().st_size > CSV_HEAD:
        source = {**source, "path": _head(Path(source["path"]))}
    yield from CheckedRecords({**source, "check": False}, scoring=True)


def _whole(path: Path) -> Any:
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise ValueError(f"The list in {path.name} is too long to be one record.")
    return json.loads(path.read_text(encoding="utf-8-sig"))


def _head(path: Path) -> Path:
    """The first lines of a file in a file of their own: of a whole one every row would be read for its columns."""
    head = Path(tempfile.gettempdir()) / "head.csv"
    with path.open("rb") as lines:
        text = lines.read(CSV_HEAD)
        head.write_bytes(text[: text.rfind(b"\n") + 1] or text + lines.readline())
    return head


def fields(schema: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The fields of a record's schema; none of one that is not as it should be."""
    found = schema.get("fields") if isinstance(schema, Mapping) else None
    return [field for field in found if isinstance(field, dict)] if isinstance(found, list) else []


def _without_labels(record: Any, schema: Mapping[str, Any] | None) -> Any:
    left_out = {field.get("name") for field in fields(schema) if unsent(field)}
    if not isinstance(record, dict) or not left_out & record.keys():
        return None
    return {name: value for name, value in record.items() if name not in left_out}


def unsent(field: Mapping[str, Any]) -> bool:
    """Whether a record need not have this field to be scored."""
    return field.get("scoringOptional") is True or is_label(field)


def is_label(field: Mapping[str, Any]) -> bool:
    """Whether a field holds what is known after scoring only, by its role."""
    role = field.get("role")
    return isinstance(role, str) and role.lower() in _NO_PREDICTOR


def _made(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """A record of what the schema itself says; None if it leaves a value open."""
    record = {}
    for field in fields(schema):
        if unsent(field):
            continue
        known, value = (True, field["default"]) if field.get("default") is not None else _value(field.get("type"))
        if not known:
            return None
        record[str(field.get("name"))] = value
    return record or None


def _value(avro_type: Any) -> tuple[bool, Any]:
    """Whether an Avro type tells of a value that will do, and that value. Text could be anything: it doesn't."""
    match avro_type:
        case str():
            return avro_type in _NUMBERS_AND_TRUTHS, _NUMBERS_AND_TRUTHS.get(avro_type)
        case {"type": "enum", "symbols": [str() as first, *_]}:
            return True, first
        case {"type": str() as inner} if "logicalType" not in avro_type:
            return _value(inner)
        case list():
            found = [_value(branch) for branch in avro_type if branch != "null"]
            return next((value for value in found if value[0]), ("null" in avro_type, None))
    return False, None
