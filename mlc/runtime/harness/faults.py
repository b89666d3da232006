"""Whose fault it is that an online record can't be scored: the caller's, and then of which columns, or the model's."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import FrameType, TracebackType
from typing import Any

import pandas as pd

from .schema import RecordSchema
from .trial import Example, fields, is_label, unsent

NAMED = 10
"""So many columns are named in a sentence; the others are counted."""
LONGEST_NAME = 60
LONGEST_TEXT = 10_000
_NO_NUMBER = re.compile(r"could not convert string to float: '(.*)'", re.DOTALL)


class InputFault(Exception):
    """A record that is not what the model takes. The text is one sentence, or two.

    Attributes:
        columns: what is wrong with which: ``missing``, ``unknown`` and ``wrong`` (of another kind).
    """

    def __init__(self, sentence: str, **columns: Iterable[str]) -> None:
        super().__init__(sentence)
        self.columns = {what: list(names)[:NAMED] for what, names in columns.items() if names}


class InputCheck:
    """Checks online records against the model's input schema. Columns that it doesn't name are let through, unless
    one of them could be a misspelt one of the schema's that is not there.

    Raises:
        ModelFailure: the schema can't be used.
    """

    def __init__(self, definition: Mapping[str, Any]) -> None:
        every = fields(definition) if definition.get("type") == "record" else []
        if every:  # a caller has no label, whether or not its field says that it is optional
            definition = {**definition, "fields": [f | {"scoringOptional": True} if is_label(f) else f for f in every]}
        self._schema = RecordSchema(definition, "input schema", scoring=True)
        self._needed = {str(field.get("name")): _is_needed(field) for field in every}
        self._whole = {str(field.get("name")) for field in every if _is_whole(field)}

    def as_declared(self, record: Any) -> Any:
        """The record with whole numbers where the schema has them: to JSON 3 and 3.0 are the same."""
        if not isinstance(record, dict):
            return record
        return {
            name: int(value) if name in self._whole and isinstance(value, float) and value.is_integer() else value
            for name, value in record.items()
        }

    def fault(self, record: Any) -> InputFault | None:
        """What is wrong with a record; None if it is as the schema says."""
        if not isinstance(record, dict) and self._needed:
            return InputFault(f"The record is {_kind(record)}, and the input schema asks for an object of columns.")
        if not self._needed:
            problem = self._problem(record)
            return InputFault(_capital(problem)) if problem else None
        unknown = [name for name in record if name not in self._needed]
        absent = [name for name in self._needed if name not in record]
        also = f" It has {_columns(unknown)}, which the schema doesn't know." if unknown else ""
        if missing := [name for name in absent if self._needed[name]]:
            said = f"The record has no {_columns(missing)}, which the input schema asks for."
            return InputFault(said + also, missing=missing, unknown=unknown)
        if problem := self._problem(record):
            wrong = [name for name in record if f"its field {name!r} " in problem]
            return InputFault(_capital(problem) + also, wrong=wrong, unknown=unknown)
        for name in unknown[:NAMED]:
            if near := get_close_matches(name[:LONGEST_NAME], absent, n=1, cutoff=0.8):
                said = f"The input schema doesn't know the column {_name(name)}: is {_name(near[0])} meant?"
                return InputFault(said, unknown=[name], missing=near)
        return None

    def _problem(self, record: Any) -> str | None:
        try:
            return self._schema.problem(record)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            return f"it can't be compared with the {self._schema.name}: {type(error).__name__}."


def fault_of(error: BaseException | None, scored: Any, record: Any, example: Example | None) -> InputFault | None:
    """What is wrong with a record on which a model raised something; None if nothing shows that it is the record.

    It is the record's fault if the model asked it for a column that it hasn't got, or if a column holds something of
    another kind than in the ``example``, which the model has scored.

    Args:
        scored: the very object that the model was given.
        record: what was in it then.
    """
    known = example.record if example else None
    if error is None:
        return None
    if isinstance(record, dict):
        return next(_faults(error, scored, record, known if isinstance(known, dict) else {}), None)
    if isinstance(known, dict) or isinstance(error, TypeError | AttributeError):
        return InputFault(f"The record is {_kind(record)}, and the model takes an object of columns.")
    return None


def _faults(error: BaseException, scored: Any, record: dict[str, Any], known: dict[str, Any]) -> Iterator[InputFault]:
    frames = list(_frames(error.__traceback__))
    text = str(error)[:LONGEST_TEXT]
    candidates = dict.fromkeys([*known, *_fitted(frames)])
    missing = dict.fromkeys(_asked(error, frames, scored, record))
    missing |= {name: None for name in candidates if name not in record and _is_in(name, text)}
    if missing:
        said = f"The record has no {_columns(missing)}, which the model asks for."
        yield InputFault(said, missing=missing)
    wrong = {name: value for name, value in record.items() if _differs(value, known.get(name))}
    if wrong:
        kinds = ", ".join(f"{_name(n)} is {_kind(v)} instead of {_kind(known[n])}" for n, v in list(wrong.items())[:3])
        said = f"The record's {_columns(wrong)} is of another kind than in the model's test data: {kinds}."
        yield InputFault(said, wrong=wrong)
    unknown = [name for name in record if candidates and name not in candidates and _is_in(name, text)]
    if unknown:
        yield InputFault(f"The record has {_columns(unknown)}, which the model doesn't take.", unknown=unknown)
    found = _NO_NUMBER.search(text) if isinstance(error, ValueError) else None
    if found and (texts := [name for name, value in record.items() if value == found[1]]):
        yield InputFault(f"The record's {_columns(texts)} is text, and the model takes a number there.", wrong=texts)


def _is_needed(field: Mapping[str, Any]) -> bool:
    declared = field.get("type")
    nullable = declared == "null" or (isinstance(declared, list) and "null" in declared)
    return not nullable and "default" not in field and not unsent(field)


def _is_whole(field: Mapping[str, Any]) -> bool:
    """Whether a field takes whole numbers, and no others."""
    declared = field.get("type")
    types = {kind for kind in (declared if isinstance(declared, list) else [declared]) if isinstance(kind, str)}
    return bool(types & {"int", "long"}) and not types & {"float", "double"}


def _frames(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    """The frames of a traceback from the outermost on, each with the place in its code where it was."""
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lasti
        traceback = traceback.tb_next


def _asked(
    error: BaseException, frames: list[tuple[FrameType, int]], scored: Any, record: dict[str, Any]
) -> Iterator[str]:
    """The columns that the model asked of the record, or of a frame that was made of it, and did not get."""
    if not isinstance(error, KeyError) or not frames:
        return
    asked = error.args[0] if error.args else None
    if isinstance(asked, str) and asked not in record and _is_of(*frames[-1], scored):
        yield asked
    for frame, _ in frames:
        table, key = frame.f_locals.get("self"), frame.f_locals.get("key")
        if isinstance(table, pd.DataFrame | pd.Series):
            labels = table.columns if isinstance(table, pd.DataFrame) else table.index
            if any(label in record for label in labels if isinstance(label, str)):
                wanted = [key] if isinstance(key, str) else key if isinstance(key, list | pd.Index) else []
                yield from (name for name in wanted if isinstance(name, str) and name not in labels)


def _is_of(frame: FrameType, at: int, scored: Any) -> bool:
    """Whether the expression that a frame was at is a subscript of the record: ``r["a"]``, ``r["a"]["b"]``."""
    line, end, first, last = list(frame.f_code.co_positions())[at // 2]
    if line is None or line != end or first is None or last is None:
        return False
    try:
        with open(frame.f_code.co_filename, "rb") as source:  # noqa: PTH123 - a model's own file
            text = source.read().splitlines()[line - 1][first:last]
        node = ast.parse(text.strip(), mode="eval").body
    except (OSError, IndexError, SyntaxError, ValueError):
        return False
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and frame.f_locals.get(node.id) is scored


def _fitted(frames: list[tuple[FrameType, int]]) -> list[str]:
    """The columns that an estimator of scikit-learn in the traceback was fitted with."""
    for frame, _ in reversed(frames):
        for name in ("estimator", "self"):
            fitted = getattr(frame.f_locals.get(name), "feature_names_in_", None)
            if fitted is not None:
                return [str(feature) for feature in fitted]
    return []


def _is_in(name: str, text: str) -> bool:
    """Whether a message names a column: in quotes, or as an item of a list, as scikit-learn writes it."""
    return any(named in text for named in (f"'{name}'", f'"{name}"')) or f"- {name}" in text.splitlines()


def _differs(value: Any, known: Any) -> bool:
    return known is not None and _kind(value) != _kind(known)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
    return "an object"


def _columns(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return f"column{'s' if len(every) > 1 else ''} {', '.join(map(_name, every[:NAMED]))}{more}"


def _name(name: str) -> str:
    return repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}...")


def _capital(problem: str) -> str:
    return f"The record {problem.removeprefix('it ')}"
