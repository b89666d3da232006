"""Messages to the runtime within its limits: texts are made printable and cut, answers are looked at before they go."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from . import limits
from .texts import one_line, printable_lines


def encoded(message: Mapping[str, Any]) -> bytes:
    """A message as a line, without its end.

    Raises:
        ValueError: JSON can't hold it.
    """
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode()


def notes(lines: Iterable[str]) -> list[str]:
    """What people should know, one line each."""
    every = list(lines)
    kept = every if len(every) <= limits.NOTES else every[: limits.NOTES - 1]
    more = [f"{len(every) - len(kept):,} more notes are left out."] if len(kept) < len(every) else []
    return [one_line(line, limits.NOTE) for line in kept + more]


def failure(message: str, trace: str) -> dict[str, str]:
    """The two texts of a failure."""
    return {
        "message": one_line(message, limits.SENTENCE),
        "traceback": printable_lines(trace, limits.TRACEBACK),
    }


def trial(found: Mapping[str, str] | None) -> dict[str, str] | None:
    """What a model will be tried on."""
    return {name: one_line(text, limits.SENTENCE) for name, text in found.items()} if found else None


def outcome(of_record: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a record. An answer that not every caller could read becomes a failure that says so."""
    told = dict(of_record)
    if problem := limits.unreadable(told.get("results", ())):
        return {"outcome": "failed", "message": f"The answer can't be written as JSON: {problem}."}
    for name in ("message", "warning"):
        if name in told:
            told[name] = one_line(told[name], limits.SENTENCE)
    if "traceback" in told:
        told["traceback"] = printable_lines(told["traceback"], limits.TRACEBACK)
    if "columns" in told:
        columns = told["columns"].items()
        told["columns"] = {
            what: [one_line(str(name), limits.COLUMN) for name in names[: limits.COLUMNS]] for what, names in columns
        }
    return told


def outcomes(number: int, answer: Mapping[str, Any], limit: int) -> bytes:
    """The answer to a request: see :meth:`.serving.OnlineScoring.answer`.

    Args:
        number: of the request.
        limit: bytes that an answer may have.
    """
    if answer["event"] == "tried":
        tried = {name: value for name, value in answer.items() if name != "event"}
        line = encoded({"event": "tried", "id": number, "tried": outcome(tried)})
        problem = limits.too_much(line, limit, limits.ANSWER_VALUES)
        return encoded({"event": "tried", "id": number, "tried": _too_large(problem)}) if problem else line
    # Nobody is shown the traceback of a record that a caller sent.
    found = [outcome({name: v for name, v in each.items() if name != "traceback"}) for each in answer["outcomes"]]
    line = encoded({"event": "scored", "id": number, "outcomes": found})
    if problem := limits.too_much(line, limit, limits.ANSWER_VALUES):
        failed = [_too_large(problem)] * len(found)
        return encoded({"event": "scored", "id": number, "outcomes": failed})
    return line


def _too_large(problem: str) -> dict[str, str]:
    message = f"The answer is {problem}: ask for less at a time, or raise MLC_RUNTIME_ANSWER_LIMIT_MB."
    return {"outcome": "failed", "message": message}
