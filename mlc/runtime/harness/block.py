"""Scoring many records at a time: a piece of a file, or a list of records, becomes a text of answers and a tally.

The function is called for one record after another, and each answer is written as JSON at once, since the next call
may change it. What is usual goes a short way; whatever is not goes the long way of :mod:`.plain`, with the same result.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import GeneratorType
from typing import Any

import pandas as pd

from .batches import Batches, rows_of
from .columns import Columns
from .cutting import Piece
from .encoding import json_text
from .frames_of_csv import frame_of, framed, records_of
from .frames_of_records import frame_of_records
from .functions import ModelCode, ModelRaised
from .plain import NotPlain, Nulled, Places, plain
from .records import json_records
from .schema import RecordSchema, column_kinds
from .tally import BadRecord, Lost, Tally
from .unreadable import Broken, Unreadable
from .writing import Formatter


@dataclass(frozen=True)
class Task:
    """Records to be scored: those of a ``piece`` of the input, or ``given`` ones, before which there are ``first``.

    ``header`` is that of a CSV output, if it has one already.
    """

    first: int
    piece: Piece | None = None
    given: Sequence[Any] = ()
    header: list[str] | None = None

    @property
    def place(self) -> Piece:
        """Where it is in the input: of records that are ``given``, a piece without a place in the file."""
        return self.piece or Piece(0, 0, records=self.first, count=len(self.given))


@dataclass
class Scored:
    """What became of a task: the text for the output, in UTF-8, and the CSV output's header after it.

    ``stopped`` if a bad record ends the job; the tally's last one is that. ``piece``: see :attr:`Task.place`.
    """

    text: bytes = b""
    tally: Tally = field(default_factory=Tally)
    header: list[str] | None = None
    stopped: bool = False
    piece: Piece | None = None


TOLD_EVERY = 1.0
"""Seconds after which it is told how far a task is that takes long."""

UnderWay = Callable[[int], None]
"""Told how many records of a task are done while it is under way."""


class BlockScorer:
    """Scores the tasks of one input into one output.

    Args:
        source, output: of an order: see :class:`mlc.runtime.order.DataFile`.
        found: what the columns of a CSV input hold: see :func:`.columns.find`; None if it is none.
        types: of the columns of another input: see :func:`.columnar.table_types`.
        stop: a bad record ends the job.

    Raises:
        ModelFailure: a schema can't be used.
    """

    def __init__(
        self,
        model: ModelCode,
        source: dict[str, Any],
        output: dict[str, Any],
        *,
        found: Mapping[str, Any] | None,
        types: Mapping[str, str],
        stop: bool,
    ) -> None:
        self._model = model
        self._function = model.required("score")
        self._what = f"The score function {self._function.__name__!r} of {model.source} failed"
        self._name = source["name"]
        self._output = output
        self._stop = stop
        self._path = Path(source["path"])
        self._types = types
        self._columns = Columns(self._path, column_kinds(source["schema"]), found) if found is not None else None
        self._input_schema = RecordSchema(source["schema"], "input schema", scoring=True) if source["check"] else None
        self._output_schema = RecordSchema(output["schema"], "output schema") if output["check"] else None
        self._batches = Batches(model, self._function) if model.batch else None

    def score(self, task: Task, under_way: UnderWay = lambda _: None) -> Scored:
        """Score the records of a task. ``under_way`` hears of those of a batch when its call has returned.

        Raises:
            ModelFailure: the model can't go on.
            Unreadable: the input is broken beyond its records.
        """
        self._under_way = under_way
        formatter = Formatter(self._output["format"], self._output["name"], task.header)
        scored = Scored(piece=task.place)
        texts: list[str] = []
        if self._batches:
            self._score_batches(task, formatter, scored, texts)
        else:
            self._score(self._records(task), task.first, formatter, scored, texts)
        scored.text = "".join(texts).encode()
        scored.header = formatter.header
        return scored

    def _records(self, task: Task) -> Sequence[Any]:
        if task.piece is None:
            return task.given
        try:
            if self._columns:
                records = records_of(self._columns, self._path, task.piece)
            else:
                records = json_records(self._path, task.piece)
        except ValueError as error:
            kind = "CSV" if self._columns else "JSON"
            raise Unreadable(f"The input file {self._name} can't be read as {kind}: {error}.") from None
        if self._input_schema:
            return [self._checked(record) for record in records]
        return records

    def _checked(self, record: Any) -> Any:
        assert self._input_schema is not None
        problem = None if isinstance(record, Broken) else self._input_schema.problem(record)
        return Broken("", problem) if problem else record

    def _score(  # noqa: PLR0912 - the one loop in which each call counts
        self, records: Sequence[Any], first: int, formatter: Formatter, scored: Scored, texts: list[str]
    ) -> None:
        function, add = self._function, texts.append
        quick = not formatter.is_csv and self._output_schema is None
        tally = scored.tally
        written = 0
        clock = time.monotonic
        due = clock() + TOLD_EVERY
        for number, record in enumerate(records, start=first + 1):
            if clock() > due:
                self._under_way(number - first - 1)
                due = clock() + TOLD_EVERY
            begun = len(texts)
            count = 0
            slow: list[Any] = []
            try:
                if type(record) is Broken:
                    raise BadRecord(str(record))
                try:
                    answer = function(record)
                    for each in answer if type(answer) is GeneratorType else (answer,):
                        if each is None:
                            continue
                        text = json_text(each) if quick and not slow else None
                        if text is None:
                            slow.append(_plain(each, f"record {number}", tally.nulled))
                        else:
                            add(text)
                            add("\n")
                        count += 1
                except BadRecord:
                    raise
                except BaseException as error:
                    raise self._bad(error) from None
                if slow:
                    add(self._text(slow, formatter, number, tally.emptied))
            except BadRecord as bad:
                del texts[begun:]
                tally.lose(Lost.of(f"Record {number} of {self._name}", bad))
                if self._stop:
                    scored.stopped = True
                    tally.read, tally.written = number - first, written
                    return
            else:
                written += count
                if not count:
                    line = f"Record {number} of {self._name}: the model answered nothing to it."
                    tally.lose(Lost(line, bad=False))
        tally.read, tally.written = len(records), written

    def _score_batches(self, task: Task, formatter: Formatter, scored: Scored, texts: list[str]) -> None:
        batches, tally = self._batches, scored.tally
        assert batches is not None
        due = time.monotonic() + TOLD_EVERY
        for number, count, given in self._given(task, batches):
            if isinstance(given, Broken):
                tally.lose(Lost.of(f"Record {number} of {self._name}", BadRecord(str(given))))
                tally.read += 1
            else:
                place = f"the records {number:,} to {number + count - 1:,} of {self._name}"
                try:
                    texts.append(self._batch_text(batches, (number, count, given), place, formatter, tally))
                    tally.written += count
                except BadRecord as bad:
                    tally.lose(Lost.of(place[0].upper() + place[1:], bad, count))
                tally.read += count
            if self._stop and tally.bad:
                scored.stopped = True
                return
            if time.monotonic() > due:
                self._under_way(tally.read)
                due = time.monotonic() + TOLD_EVERY

    def _given(self, task: Task, batches: Batches) -> Iterator[tuple[int, int, Any]]:
        """What the function is called with: the number of the first record, how many there are, and they themselves.

        Of a record that can't be used, that.
        """
        first = task.first + 1
        if batches.frames and self._columns and task.piece and not self._input_schema:
            frame = frame_of(self._columns, self._path, task.piece)
            if frame is not None:
                for at in range(0, len(frame), batches.size):
                    part = (
                        frame.iloc[at : at + batches.size].reset_index(drop=True)
                        if len(frame) > batches.size
                        else frame
                    )
                    yield first + at, len(part), part
                return
        records = self._records(task)
        at = 0
        while at < len(records):
            if type(records[at]) is Broken:
                yield first + at, 1, records[at]
                at += 1
                continue
            ends = range(at, min(at + batches.size, len(records)))
            end = next((n for n in ends if type(records[n]) is Broken), ends.stop)
            rows = list(records[at:end])
            yield first + at, len(rows), self._framed(rows) if batches.frames else rows
            at = end

    def _framed(self, records: list[Any]) -> pd.DataFrame:
        if self._columns:
            return framed(self._columns, records)
        return frame_of_records(records, self._types, nullable=True)

    def _batch_text(
        self, batches: Batches, batch: tuple[int, int, Any], place: str, formatter: Formatter, tally: Tally
    ) -> str:
        number, count, given = batch
        try:
            answers = batches.answers(given, count, place)
            if self._output_schema:
                answers = [_plain(answer, place, tally.nulled) for answer in rows_of(answers)]
                for each, answer in enumerate(answers):
                    if problem := self._output_schema.problem(answer):
                        raise BadRecord(f"of the answer to record {number + each}, {problem}")
            return batches.text(answers, number, formatter, tally)
        except BadRecord:
            raise
        except BaseException as error:
            raise self._bad(error) from None

    def _bad(self, error: BaseException) -> BadRecord:
        """What is said of an exception of the model's.

        Raises:
            ModelFailure: the model can't go on after it.
        """
        try:
            with self._model.failures(self._what):
                raise error
        except ModelRaised as failure:
            return BadRecord(str(failure), failure.trace)

    def _text(self, results: list[Any], formatter: Formatter, number: int, emptied: Places) -> str:
        """The text of answers to a record that need a longer look.

        Raises:
            BadRecord: one can't be written, or is not as the schema says.
        """
        if self._output_schema:
            for result in results:
                if problem := self._output_schema.problem(result):
                    raise BadRecord(f"of its answer, {problem}")
        try:
            return formatter.text(results, emptied, lambda _: f"record {number}")
        except ValueError as error:
            raise BadRecord(f"its answer can't be written: {error}.") from None


def _plain(answer: Any, place: str, nulled: Nulled) -> Any:
    try:
        return plain(answer, nulled, place)
    except NotPlain as error:
        raise BadRecord(f"The result of the score function is not JSON: {error}.") from None
