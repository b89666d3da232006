"""Writes the starter's files."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from mlc.center.modelop.folder.starter.data import Row, customers, scored, trained
from mlc.center.modelop.folder.starter.texts import INPUT_SCHEMA, MODEL, OUTPUT_SCHEMA, README, TABLE
from mlc.model.failure import MlcError


class NotEmpty(MlcError, ValueError):
    """The starter's folder holds something already. The text is a sentence."""


def write_starter(folder: Path) -> str:
    """Write a small working model folder.

    Returns:
        The model's name, which is made of the folder's.

    Raises:
        NotEmpty: something is in the folder, or it is no folder.
        OSError: it can't be written.
    """
    if folder.exists() and not folder.is_dir():
        raise NotEmpty(f"{folder} is a file; name a folder that is not there yet, or an empty one.")
    if folder.is_dir() and any(folder.iterdir()):
        raise NotEmpty(f"{folder} is not empty; name a folder that is not there yet, or an empty one.")
    name = _name(folder)
    files = _files(name)
    folder.mkdir(parents=True, exist_ok=True)
    for place, text in files.items():
        (folder / place).write_text(text, encoding="utf-8", newline="\n")
    return name


def _name(folder: Path) -> str:
    words = "".join(c if c.isalnum() else " " for c in folder.resolve().name).split()
    return " ".join(word[:1].upper() + word[1:] for word in words) or "Starter"


def _files(name: str) -> dict[str, str]:
    rows = customers()
    weights = trained(rows["train.csv"])
    scores = {
        "baseline.csv": scored(rows["train.csv"], weights),
        "comparator.csv": scored(rows["test.csv"], weights),
    }
    metadata = {
        "name": name,
        "description": "Tells which customers leave; made up, to be changed into a model of your own.",
        "modelCategory": "BUSINESS_MODEL",
        "modelMethodology": "Classification",
        "modelRisk": "Low",
        "tags": ["run_test", "jira"],
    }
    return {
        "model.py": MODEL,
        "weights.json": _json(weights),
        **{place: _csv(table) for place, table in {**rows, **scores}.items()},
        "input_schema.avsc": INPUT_SCHEMA,
        "output_schema.avsc": OUTPUT_SCHEMA,
        "thresholds.dmn": TABLE,
        "metadata.json": _json(metadata),
        "README.md": README.replace("NAME", name),
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


def _csv(rows: list[Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
