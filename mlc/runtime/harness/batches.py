"""Score functions that take many records together, as a list or as a data frame, and give an answer to each."""

from collections.abc import Callable, Sequence
from types import GeneratorType
from typing import Any

import numpy as np
import pandas as pd

from .encoding import json_text
from .frame_text import frame_text, list_text
from .functions import ModelCode
from .plain import NotPlain, plain, rows
from .tally import BadRecord, Tally
from .writing import Formatter


class Batches:
    """Calls a function with batches.

    Args:
        model: its source says ``# modelop.batch: frame 10000`` or ``# modelop.batch: records``.
    """

    def __init__(self, model: ModelCode, function: Callable[..., Any]) -> None:
        assert model.batch is not None
        kind, self.size = model.batch
        self.frames = kind == "frame"
        self._function = function

    def answers(self, given: Any, count: int, place: str) -> Any:
        """What the function answers to a batch of ``count`` records: a data frame, or a list of as many answers.

        Raises:
            BadRecord: it answers more or less than that. Whatever the function raises is raised.
        """
        answer = self._function(given)
        parts = list(answer) if type(answer) is GeneratorType else [answer]
        parts = [part for part in parts if part is not None]
        whole = parts[0] if len(parts) == 1 else [row for part in parts for row in rows_of(part)]
        found = whole if isinstance(whole, pd.DataFrame) else rows_of(whole)
        if len(found) != count:
            raise BadRecord(
                f"the score function answered {len(found):,} results to {place}, which are {count:,} records. A "
                "function that takes batches must answer each record, in order."
            )
        return found

    def text(self, answers: Any, first: int, formatter: Formatter, tally: Tally) -> str:
        """The text of a batch's answers; ``first`` is the number of its first record. What they lack goes into a tally.

        Raises:
            BadRecord: one of them can't be written.
        """
        if isinstance(answers, pd.DataFrame):
            text = frame_text(answers, first, formatter, tally.nulled)
            if text is not None:
                return text
            answers = rows_of(answers)
        quick = list_text(answers, first, formatter, tally.nulled)
        if quick is None and not formatter.is_csv:
            quick = _lines(answers)
        if quick is not None:
            return quick
        results = []
        for number, answer in enumerate(answers, start=first):
            try:
                results.append(plain(answer, tally.nulled, f"record {number}"))
            except NotPlain as error:
                raise BadRecord(f"The result of the score function is not JSON: {error}.") from None
        try:
            return formatter.text(results, tally.emptied, lambda index: f"record {first + index}")
        except ValueError as error:
            raise BadRecord(f"its answers can't be written: {error}.") from None


def rows_of(answer: Any) -> Sequence[Any]:
    """The answers that one value is.

    Raises:
        BadRecord: a data frame has two columns of one name.
    """
    if isinstance(answer, pd.DataFrame):
        try:
            return rows(answer)
        except NotPlain as error:
            raise BadRecord(f"The result of the score function is not JSON: {error}.") from None
    if isinstance(answer, np.ndarray | pd.Series | pd.Index):
        return list(answer.tolist())
    return answer if isinstance(answer, list) else [*answer] if isinstance(answer, tuple) else [answer]


def _lines(answers: Sequence[Any]) -> str | None:
    texts = []
    for answer in answers:
        text = json_text(answer)
        if text is None:
            return None
        texts.append(text)
    return "".join(f"{text}\n" for text in texts)
