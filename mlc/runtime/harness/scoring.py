"""Batch scoring: every record of every input through the score function, the answers to the outputs as they come."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .calling import Calls, Given, Source, answered, arguments_of
from .functions import ModelCode, ModelFailure, ModelRaised
from .limits import EXAMPLE, EXAMPLES
from .plain import NotPlain, Nulled, plain
from .records import Broken
from .schema import RecordSchema
from .texts import one_line
from .writing import RecordWriter

NAMED_RECORDS = 20
"""So many bad records are named in the messages; the others are counted."""
LONGEST_LINE = EXAMPLE
"""Characters of a line about a bad record: an exception may hold the record, whose data belong in no log."""
LONGEST_TRACE = 40
"""Lines."""
REPORT_INTERVAL = 1.0
"""Seconds between two reports of how many records are done."""


class BadRecord(Exception):
    """A record that can't be read, scored, or whose answer can't be written. The text says why."""

    def __init__(self, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.trace = trace


class BatchScoring:
    """Scores the inputs of an order, one record in memory at a time.

    A bad record makes no output, not even a part of it. It ends the job if the order says ``stop_on_bad_records``, and
    is skipped otherwise; if all are bad, the job has failed.

    Args:
        order: see :class:`mlc.runtime.order.Order`.
        notes: what people should know is added here.
        report: told now and then how many records are done.
    """

    def __init__(
        self, model: ModelCode, order: dict[str, Any], notes: list[str], report: Callable[[int], None]
    ) -> None:
        self._model = model
        self._function = model.required("score")
        self._calls = Calls(model, self._function)
        self._calls.check(order["inputs"], order["outputs"])
        self._order = order
        self._notes = notes
        self._report = report
        self._reported = time.monotonic()
        self._nulled = Nulled()
        self._read = self._written = self._bad = self._unanswered = 0
        self._examples: list[str] = []
        self._first_bad: ModelFailure | None = None

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
        for index, output in enumerate(outputs):
            with RecordWriter(Path(output["path"]), output["format"], output["name"]) as writer:
                for source in self._calls.sources(inputs, index, len(outputs)):
                    self._score_all(source, writer, output)
                self._written += writer.count
        self._report(self._read)
        self._nulled.note(self._notes)
        if self._bad > NAMED_RECORDS:
            self._notes.append(f"{self._bad - NAMED_RECORDS} more records are bad.")
        if self._first_bad is not None and self._bad == self._read:
            raise ModelFailure(f"All {self._read} records are bad. {self._first_bad}", self._first_bad.trace)
        return {
            "read": self._read,
            "written": self._written,
            "bad": self._bad,
            "unanswered": self._unanswered,
            "paired": self._calls.paired,
            "examples": self._examples,
        }

    def _score_all(self, source: Source, writer: RecordWriter, output: dict[str, Any]) -> None:
        schema = RecordSchema(output["schema"], "output schema") if output["check"] else None
        for number, record in enumerate(source, start=1):
            size = record.size if isinstance(record, Given) else 1
            self._read += size
            try:
                if isinstance(record, Broken):
                    raise BadRecord(str(record))
                if not self._score(record, f"record {number}", writer, schema) and not self._calls.slotted:
                    self._unanswered += size
                    self._tell(f"Record {number} of {source.name}: the model answered nothing to it.")
            except BadRecord as bad:
                self._bad += size - 1
                self._note_bad(f"Record {number} of {source.name}", bad)
            if time.monotonic() - self._reported > REPORT_INTERVAL:
                self._report(self._read)
                self._reported = time.monotonic()

    def _score(self, record: Any, place: str, writer: RecordWriter, schema: RecordSchema | None) -> bool:
        """False if the model has no answer to it."""
        try:
            results = list(answers(self._model, self._function, record, self._nulled, place))
            for result in results:
                if schema and (problem := schema.problem(result)):
                    raise BadRecord(f"of its answer, {problem}")
            writer.add(results)
            return bool(results)
        except ModelRaised as failure:
            raise BadRecord(str(failure), failure.trace) from None
        except ValueError as error:
            raise BadRecord(f"its answer can't be written: {error}.") from None

    def _note_bad(self, name: str, bad: BadRecord) -> None:
        self._bad += 1
        trace = "\n".join(map(_cut, bad.trace.splitlines()[:LONGEST_TRACE]))
        failure = ModelFailure(_cut(f"{name} is bad: {bad}"), trace)
        if self._order["stop_on_bad_records"]:
            self._report(self._read)
            raise ModelFailure(f"{failure} The job stops there: it asks to be stopped by a bad record.", trace)
        self._tell(str(failure))
        if self._bad <= NAMED_RECORDS:
            self._notes.append(str(failure))
        if self._first_bad is None:
            self._first_bad = failure
            self._notes.extend(trace.splitlines())

    def _tell(self, line: str) -> None:
        if len(self._examples) < EXAMPLES:
            self._examples.append(one_line(line, EXAMPLE))


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 6]} [...]"


def answers(model: ModelCode, function: Any, record: Any, nulled: Nulled, place: str = "") -> Iterator[Any]:
    """The output records that one input record makes, as plain values; a returned None makes none.

    Raises:
        ModelRaised: the function raised something, or answered what JSON can't hold.
    """
    as_set = 1 in model.record_sets
    for yielded in model.results("score", function, arguments_of(function, record)):
        for result in answered(yielded, as_set=as_set) if yielded is not None else ():
            try:
                yield plain(result, nulled, place)
            except NotPlain as error:
                raise ModelRaised(f"The result of the score function is not JSON: {error}.") from None
