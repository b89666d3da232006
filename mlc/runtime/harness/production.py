"""The data frames of a metrics job: one for each input, and one for all that a model has scored."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .frames import read_input
from .functions import ModelFailure
from .records import read_records
from .unreadable import Broken

_SHOWN = 8


def frames_of(order: Mapping[str, Any], notes: list[str]) -> list[pd.DataFrame]:
    """The arguments of a metrics function.

    Args:
        notes: what people should know is added here.

    Raises:
        ModelFailure, Unreadable: as :func:`.frames.read_input`; or records and answers don't belong together.
    """
    files, production = order["inputs"], order["production"]
    if production is None:
        return [read_input(source) for source in files]
    others = len(files) - sum(batch["inputs"] + batch["outputs"] for batch in production["batches"])
    frames = [read_input(source) for source in files[:others]]
    batches = list(_batches(files[others:], production))
    whole = pd.concat(batches[::-1], ignore_index=True, join="inner")
    every = list(dict.fromkeys(name for batch in batches for name in batch.columns))
    if partly := [str(name) for name in every if name not in whole.columns]:
        more = f" and {len(partly) - _SHOWN} more" if len(partly) > _SHOWN else ""
        notes.append(
            f"Columns that not all of the production data has are left out: {', '.join(partly[:_SHOWN])}{more}"
        )
    frames.insert(production["place"], whole)
    return frames


def _batches(files: Sequence[Mapping[str, Any]], production: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    at = 0
    for batch in production["batches"]:
        middle, end = at + batch["inputs"], at + batch["inputs"] + batch["outputs"]
        records = pd.concat([read_input(source) for source in files[at:middle]], ignore_index=True)
        if middle == end:  # the answers are in the records
            at = end
            yield records.tail(batch["last"])
            continue
        answers = pd.concat([_answers(source, production["scores"]) for source in files[middle:end]], ignore_index=True)
        at = end
        if len(records) != len(answers):
            raise ModelFailure(f"The job {batch['job']} has {len(answers):,} answers to {len(records):,} records.")
        theirs = [name for name in answers.columns if name in production["scores"] or name not in records.columns]
        own = [name for name in records.columns if name not in theirs]
        yield pd.concat([records[own], answers[theirs]], axis="columns").tail(batch["last"])


def _answers(source: Mapping[str, Any], scores: Sequence[str]) -> pd.DataFrame:
    """A model's answers. Bare values are the one score."""
    if source["format"] in {"json", "jsonl"} and len(scores) == 1:
        path, form, name = Path(source["path"]), source["format"], source["name"]
        if not isinstance(next(read_records(path, form, name), {}), dict | list | Broken):
            return pd.DataFrame({scores[0]: list(read_records(path, form, name))})
    return read_input(source)
