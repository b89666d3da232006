"""Batch scoring: every record of every input through the score function, the answers to the outputs as they come."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .batches import Batches, rows_of
from .block import Scored
from .calling import Calls, Given, Source, answered, arguments_of
from .cutting import Piece
from .frames_of_records import frame_of_records
from .functions import ModelCode, ModelFailure, ModelRaised
from .limits import HEADER
from .plain import NotPlain, Nulled, plain
from .schema import RecordSchema, columns_of
from .tally import BadRecord, Lost, Tally
from .tasks import BATCH_PIECE, Input, Size
from .unreadable import Broken
from .workers import Work, Workers
from .writing import RecordWriter

REPORT_INTERVAL = 1.0
"""Seconds between two reports of how many records are done."""
LONGEST_HEADER = 100_000
"""Characters of a CSV output's header in what is told of where the job could go on."""
SAVE_INTERVAL = 1.0
"""Seconds between two reports of where the job could go on."""


class BatchScoring:
    """Scores the inputs of an order, a few records in memory at a time.

    A bad record makes no output, not even a part of it. It ends the job if the order says ``stop_on_bad_records``, and
    is skipped otherwise; if all are bad, the job has failed.

    Args:
        model: the model; None if only the workers have it.
        workers: who calls the score function.
        order: see :class:`mlc.runtime.order.Order`.
        notes: what people should know is added here.
        report: told now and then how many records are done.
        save: told now and then from where the job could go on, if the order asks for that.
    """

    def __init__(
        self,
        model: ModelCode | None,
        workers: Workers,
        order: dict[str, Any],
        notes: list[str],
        *,
        report: Callable[[int], None],
        save: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self._model = model
        self._workers = workers
        self._calls: Calls | None = None
        if model is not None:
            self._calls = Calls(model, model.required("score"))
            self._calls.check(order["inputs"], order["outputs"])
        self._order = order
        self._notes = notes
        self._report = report
        self._reported = self._saved = time.monotonic()
        self._save = save
        resume = order["resume"]
        self._resume: dict[str, Any] | None = resume
        self._tally = Tally.restored(resume["tally"]) if resume else Tally()

    def run(self) -> dict[str, Any]:
        """Score everything.

        Returns:
            How many records were ``read`` and ``written``, how many were ``bad`` and how many ``unanswered``; whether
            answers are ``paired`` with records; and ``examples``, a line on each of the first that were lost.

        Raises:
            ModelFailure: all records were bad, or one was and must not be.
            Unreadable: an input is broken beyond its records.
        """
        outputs, inputs = self._order["outputs"], self._order["inputs"]
        tally = self._tally
        try:
            for index, output in enumerate(outputs):
                with RecordWriter(Path(output["path"]), output["format"], output["name"]) as writer:
                    if self._calls is None or self._calls.plain:
                        begun = self._resume["source"] if self._resume else 0
                        for number in range(begun, len(inputs)) if len(outputs) == 1 else [index]:
                            self._score_blocks(number, index, writer)
                    else:
                        for source in self._calls.sources(inputs, index, len(outputs)):
                            self._score_all(source, writer, output)
                    self._end(writer, output)
        finally:
            self._notes += tally.notes()
        self._report(tally.read)
        first_bad = tally.first_bad
        if first_bad is not None and tally.bad == tally.read:
            raise ModelFailure(f"All {tally.read} records are bad. {first_bad}", first_bad.trace)
        return {
            "read": tally.read,
            "written": tally.written,
            "bad": tally.bad,
            "unanswered": tally.unanswered,
            "paired": self._calls is None or self._calls.paired,
            "examples": tally.examples,
        }

    def _score_blocks(self, source: int, output: int, writer: RecordWriter) -> None:
        batches = self._workers.batch
        of_input = Input(self._order["inputs"][source], whole_frames=bool(batches and batches[0] == "frame"))
        work = Work(source, output, of_input.found, of_input.types)
        size = Size(BATCH_PIECE if batches else None)
        after = None
        if self._resume:
            after, writer.formatter.header = Piece(**self._resume["piece"]), self._resume["header"]
            self._resume = None
        for scored in self._workers.score(work, of_input.tasks(size, after), writer.formatter, size, self._tell):
            self._take(scored, writer)
            if scored.piece and self._order["checkpoints"] and time.monotonic() - self._saved > SAVE_INTERVAL:
                self._save_at(source, scored.piece, writer)

    def _end(self, writer: RecordWriter, output: dict[str, Any]) -> None:
        """Give a CSV file without records its header, so that it can be read."""
        if not writer.formatter.is_csv or writer.formatter.header is not None:
            return
        if columns := columns_of(output["schema"]):
            writer.write(writer.formatter.begun(list(columns)).encode(), 0)
        else:
            self._notes.append(
                f"The output {output['name']} is an empty file, which nobody reads as CSV: nothing was answered, and "
                "the model has no output schema that names its columns."
            )

    def _take(self, scored: Scored, writer: RecordWriter) -> None:
        if scored.stopped:
            self._tally.read += scored.tally.read
            self._stop_at(scored.tally.lost[-1])
        writer.write(scored.text, scored.tally.written)
        self._tally.add(scored.tally)
        self._tell()

    def _save_at(self, source: int, piece: Piece, writer: RecordWriter) -> None:
        header = writer.formatter.header
        if header and (len(header) > HEADER or sum(map(len, header)) > LONGEST_HEADER):
            return
        writer.flush()
        point = {"source": source, "piece": asdict(piece), "header": writer.formatter.header}
        self._save({**point, "bytes": writer.bytes, "tally": self._tally.saved()})
        self._saved = time.monotonic()

    def _stop_at(self, lost: Lost) -> None:
        self._report(self._tally.read)
        raise ModelFailure(f"{lost.line} The job stops there: it asks to be stopped by a bad record.", lost.trace)

    def _tell(self, under_way: int = 0) -> None:
        """Say now and then how many records are done: those that are counted, and some of a task that is under way."""
        if time.monotonic() - self._reported > REPORT_INTERVAL:
            self._report(self._tally.read + under_way)
            self._reported = time.monotonic()

    def _score_all(self, source: Source, writer: RecordWriter, output: dict[str, Any]) -> None:
        """The calls that take anything but a plain record."""
        assert self._calls is not None
        schema = RecordSchema(output["schema"], "output schema") if output["check"] else None
        tally = self._tally
        for number, record in enumerate(source, start=1):
            size = record.size if isinstance(record, Given) else 1
            tally.read += size
            try:
                if isinstance(record, Broken):
                    raise BadRecord(str(record))
                written = self._score(record, f"record {number}", writer, schema)
                tally.written += written
                if not written and not self._calls.slotted:
                    line = f"Record {number} of {source.name}: the model answered nothing to it."
                    tally.lose(Lost(line, bad=False, size=size))
            except BadRecord as bad:
                lost = Lost.of(f"Record {number} of {source.name}", bad, size)
                if self._order["stop_on_bad_records"]:
                    self._stop_at(lost)
                tally.lose(lost)
            self._tell()

    def _score(self, record: Any, place: str, writer: RecordWriter, schema: RecordSchema | None) -> int:
        """How many answers the model has to it."""
        assert self._model is not None
        try:
            results = list(answers(self._model, self._model.required("score"), record, self._tally.nulled, place))
            for result in results:
                if schema and (problem := schema.problem(result)):
                    raise BadRecord(f"of its answer, {problem}")
            writer.add(results, self._tally.emptied, place)
            return len(results)
        except ModelRaised as failure:
            raise BadRecord(str(failure), failure.trace) from None
        except ValueError as error:
            raise BadRecord(f"its answer can't be written: {error}.") from None


def answers(model: ModelCode, function: Any, record: Any, nulled: Nulled, place: str = "") -> Iterator[Any]:
    """The output records that one input record makes, as plain values; a returned None makes none.

    Raises:
        ModelRaised: the function raised something, or answered what JSON can't hold.
    """
    as_set = 1 in model.record_sets
    given = _as_batch(model, function, record) if model.batch else None
    for yielded in given or model.results("score", function, arguments_of(function, record)):
        try:
            for result in answered(yielded, as_set=as_set) if yielded is not None else ():
                yield plain(result, nulled, place)
        except NotPlain as error:
            raise ModelRaised(f"The result of the score function is not JSON: {error}.") from None


def _as_batch(model: ModelCode, function: Any, record: Any) -> Iterator[Any]:
    """What a function that takes batches answers to one record."""
    batches = Batches(model, function)
    with model.failures(f"The score function {function.__name__!r} of {model.source} failed"):
        try:
            given = frame_of_records([record], {}) if batches.frames else [record]
            found = rows_of(batches.answers(given, 1, "the record"))
        except BadRecord as bad:
            raise ModelRaised(str(bad)) from None
    yield from found
