"""The data frames of a metrics job: one for each input, and one for all that a model has scored."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .frames import read_input
from .functions import ModelFailure
from .records import read_records
from .truth import joined, keys_of
from .unreadable import Broken

_SHOWN = 8
_KEYS = "\0mlc identifiers"
"""A column for ourselves: none that a file can have."""


def frames_of(order: Mapping[str, Any], notes: list[str], told: dict[str, Any]) -> list[pd.DataFrame]:
    """The arguments of a metrics function.

    Args:
        notes: what people should know is added here.
        told: how truth and records found each other is added here, if the order has truth.

    Raises:
        ModelFailure, Unreadable: as :func:`.frames.read_input`; or records and answers don't belong together.
    """
    files, production = order["inputs"], order["production"]
    if production is None:
        return [read_input(source) for source in files]
    others = len(files) - sum(batch["inputs"] + batch["outputs"] for batch in production["batches"])
    frames = [read_input(source) for source in files[:others]]
    truth = production.get("truth")
    batches = list(_batches(files[others:], production))
    if truth is not None:
        batches = [_with_label(batch, truth["label"]) for batch in batches]
    whole = pd.concat(batches[::-1], ignore_index=True, join="inner")
    if truth is not None:
        whole, told["truth"] = joined(whole.drop(columns=_KEYS), whole[_KEYS], truth)
    every = list(dict.fromkeys(name for batch in batches for name in batch.columns if name != _KEYS))
    if partly := [str(name) for name in every if name not in whole.columns]:
        more = f" and {len(partly) - _SHOWN} more" if len(partly) > _SHOWN else ""
        notes.append(
            f"Columns that not all of the production data has are left out: {', '.join(partly[:_SHOWN])}{more}"
        )
    frames.insert(production["place"], whole)
    return frames


def _batches(files: Sequence[Mapping[str, Any]], production: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    at, truth = 0, production.get("truth")
    for batch in production["batches"]:
        middle, end = at + batch["inputs"], at + batch["inputs"] + batch["outputs"]
        read = [read_input(source) for source in files[at:middle]]
        records = pd.concat(read, ignore_index=True)
        scored = _scored(records, files[middle:end], production["scores"], batch["job"])
        if truth is not None:
            keys = [_keys(source, frame, truth) for source, frame in zip(files[at:middle], read, strict=True)]
            scored[_KEYS] = pd.concat(keys, ignore_index=True)
        at = end
        yield scored.tail(batch["last"])


def _scored(
    records: pd.DataFrame, outputs: Sequence[Mapping[str, Any]], scores: Sequence[str], job: str
) -> pd.DataFrame:
    """Records with a model's answers; without outputs the answers are in the records."""
    if not outputs:
        return records
    answers = pd.concat([_answers(source, scores) for source in outputs], ignore_index=True)
    if len(records) != len(answers):
        raise ModelFailure(f"The job {job} has {len(answers):,} answers to {len(records):,} records.")
    theirs = [name for name in answers.columns if name in scores or name not in records.columns]
    own = [name for name in records.columns if name not in theirs]
    return pd.concat([records[own], answers[theirs]], axis="columns")


def _keys(source: Mapping[str, Any], frame: pd.DataFrame, truth: Mapping[str, Any]) -> pd.Series:
    """The identifiers of an input's records. In CSV "007" is not 7, whatever pandas makes of it: the text is read."""
    name = truth["identifier"]
    if name not in frame.columns:
        return pd.Series(None, index=frame.index, dtype=object)
    if source["format"] != "csv":
        return keys_of(frame[name])
    how: dict[str, Any] = {"dtype": object, "keep_default_na": False, "encoding": "utf-8-sig"}
    return keys_of(pd.read_csv(Path(source["path"]), usecols=[name], **how)[name])


def _with_label(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """What truth fills need not have been there: a batch without the column must not cost the others theirs."""
    return frame if name in frame.columns else frame.assign(**{name: pd.Series(None, index=frame.index, dtype=object)})


def _answers(source: Mapping[str, Any], scores: Sequence[str]) -> pd.DataFrame:
    """A model's answers. Bare values are the one score."""
    if source["format"] in {"json", "jsonl"} and len(scores) == 1:
        path, form, name = Path(source["path"]), source["format"], source["name"]
        if not isinstance(next(read_records(path, form, name), {}), dict | list | Broken):
            return pd.DataFrame({scores[0]: list(read_records(path, form, name))})
    return read_input(source)
