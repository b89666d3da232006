"""Records together with the model's answers to them: the columns of the input, and the score beside them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from .functions import ModelFailure
from .plain import NotPlain, Nulled, Places, plain
from .records import read_records
from .schema import column_kinds, columns_of_role
from .unreadable import Broken, Unreadable
from .writing import RecordWriter

TOGETHER = 1_000
"""Records that are written at once."""


def answering(order: dict[str, Any]) -> dict[str, Any]:
    """The order by which a model answers.

    Where records are to be written with their scores, the answers alone are written beside that, as JSON lines, in
    which every answer stays what it is.
    """
    if not order["scored_records"]:
        return order
    (output,) = order["outputs"]
    return {**order, "outputs": [{**output, "path": f"{output['path']}.answers", "format": "jsonl"}]}


def write_scored(order: dict[str, Any], counts: Mapping[str, Any], notes: list[str]) -> None:
    """Write the records of a scoring job's input with their scores, once all are answered.

    A column of the input stays what it is, unless it is a score of the schema's: that is the model's own.

    Args:
        counts: what :class:`.scoring.BatchScoring` counted.
        notes: what people should know is added here.

    Raises:
        ModelFailure: a record has no score, or its score can't be told.
        Unreadable: the input can't be read.
    """
    (source,), (target,), (answers,) = order["inputs"], order["outputs"], answering(order)["outputs"]
    _each_answered(counts)
    nulled = Nulled()
    joined = _joined(source, answers, scores_of(order), nulled)
    with RecordWriter(Path(target["path"]), target["format"], target["name"]) as writer:
        while some := list(islice(joined, TOGETHER)):
            try:
                writer.add(some, Places(), "a record")
            except ValueError as error:
                raise ModelFailure(f"The records can't be written with their scores: {error}.") from None
    Path(answers["path"]).unlink()
    nulled.note(notes)


def scores_of(order: dict[str, Any]) -> list[str]:
    """The columns of a scoring job's answers that are written beside its input's.

    Raises:
        ModelFailure: the model has no schema that tells them.
    """
    scores = columns_of_role(order["inputs"][0]["schema"], "score")
    if not scores:
        raise ModelFailure(
            "Which column is the score can't be told: the model has no input schema in which a field has the role "
            "score. `mlc schema infer FILE` makes one from data."
        )
    return scores


def _each_answered(counts: Mapping[str, Any]) -> None:
    lost = counts["bad"] + counts["unanswered"]
    if lost or counts["read"] != counts["written"]:
        said = f" {lost:,} have none." if lost else ""
        raise ModelFailure(
            f"To be written with its score each record must have one answer, and to {counts['read']:,} records there "
            f"are {counts['written']:,}.{said} {' '.join(counts['examples'][:1])}".strip()
        )


def _joined(
    source: Mapping[str, Any], answers: Mapping[str, Any], scores: Sequence[str], nulled: Nulled
) -> Iterator[dict[str, Any]]:
    identifiers = columns_of_role(source["schema"], "identifier")
    unscored, first = 0, 0
    answered = read_records(Path(answers["path"]), "jsonl", answers["name"])
    for number, record in enumerate(_records(source), start=1):
        answer = next(answered, None)
        found = {scores[0]: answer} if len(scores) == 1 and not isinstance(answer, dict) else answer
        if not isinstance(found, dict) or not found.keys() >= set(scores):
            raise ModelFailure(f"The model's answer to record {number} {_without(found, scores)}.")
        for name in identifiers:
            if name in found and str(found[name]) != str(record.get(name)):
                raise ModelFailure(
                    f"The model's answers are not in the order of the records: {name!r} of record {number} and of the "
                    "answer in its place differ."
                )
        if any(found[name] is None for name in scores):
            unscored, first = unscored + 1, first or number
        try:
            yield plain({**record, **{name: found[name] for name in scores}}, nulled, f"record {number}")
        except NotPlain as error:
            raise ModelFailure(f"The records can't be written with their scores: {error}.") from None
    if unscored:
        raise ModelFailure(f"{unscored:,} records have no score, but null, such as record {first}.")


def _without(answer: Any, scores: Sequence[str]) -> str:
    named = " and ".join(map(repr, scores))
    if not isinstance(answer, dict):
        return f"is a {type(answer).__name__}, and no object with {named}"
    there = ", ".join(repr(str(name)[:60]) for name in list(answer)[:8])
    return f"has no {named}, which the input schema has as the score; it has {there or 'nothing'}"


def _records(source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of an input, those of an array one by one."""
    kinds = column_kinds(source["schema"])
    for read in read_records(Path(source["path"]), source["format"], source["name"], kinds):
        for record in read if isinstance(read, list) else [read]:
            if isinstance(record, Broken):
                raise Unreadable(f"{record} in the input {source['name']}.")
            if not isinstance(record, dict):
                raise ModelFailure(f"The records of {source['name']} must be objects to be written with their scores.")
            yield record
