"""Schemas and frames that the tests of the monitors share."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from mlc.monitors import Schema, read_schema


def field(name: str, role: str = "predictor", data_class: str | None = "numerical", **more: Any) -> dict[str, Any]:
    """A field of an extended schema."""
    made = {"name": name, "type": "double", "role": role} | more
    return made | {"dataClass": data_class} if data_class else made


def schema(*fields: dict[str, Any]) -> Schema:
    return read_schema({"type": "record", "name": "test", "fields": list(fields)})


def numerical(*names: str) -> Schema:
    """Numerical predictors, and a numerical score named "score"."""
    return schema(*(field(name) for name in names), field("score", "score"))


LABELLED = schema(field("label", "label", "categorical"), field("score", "score", "categorical"))
"""Classes in "label" and "score"."""
MEASURED = schema(field("label", "label"), field("score", "score"))
"""Numbers in "label" and "score"."""


def values(document: Any) -> Iterator[Any]:
    """Every value within a result."""
    if isinstance(document, dict):
        for each in document.values():
            yield from values(each)
    elif isinstance(document, list):
        for each in document:
            yield from values(each)
    else:
        yield document


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """A result, after a look at its form: plain JSON, no not-a-number, no infinity, only keys of text."""
    for value in values(result):
        assert value is None or type(value) in (str, int, float, bool), (type(value), value)
        assert not isinstance(value, float) or math.isfinite(value)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


def scalars(result: dict[str, Any]) -> dict[str, Any]:
    """What a decision table sees."""
    return {key: value for key, value in result.items() if not isinstance(value, dict | list)}


def named(result: dict[str, Any], category: str, name: str) -> dict[str, Any]:
    """The values of a test block."""
    (found,) = (block["values"] for block in result[category] if block["test_name"] == name)
    return dict(found)


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)
