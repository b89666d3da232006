"""What a model's process may tell the runtime. It is parsed and not trusted: a model can write there what it likes."""

import asyncio
import json
import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, JsonValue, TypeAdapter, ValidationError

from mlc.model.failure import MlcError
from mlc.runtime.harness import limits
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.texts import is_printable, one_line

LONGEST_PROBLEM = 200
"""Characters that are said of a message that is none."""
PARSED_HERE = 32 * 1024
"""Bytes of a message that is parsed at once; a longer one is parsed in a thread."""

T = TypeVar("T")


class BadMessage(MlcError):
    """Something that is no message. The text is the end of a sentence, printable and short."""


class ModelSaid(ModelFailure):
    """A failure in the words of the model's process, which nobody vouches for."""


def _one_line(text: str) -> str:
    if not is_printable(text):
        raise ValueError("it has characters that can't be printed")
    return text


def _lines(text: str) -> str:
    if not is_printable(text, lines=True):
        raise ValueError("it has characters that can't be printed")
    return text


Count = Annotated[int, Field(ge=0, lt=limits.MOST_RECORDS)]
Sentence = Annotated[str, Field(max_length=limits.SENTENCE), AfterValidator(_one_line)]
Trace = Annotated[str, Field(max_length=limits.TRACEBACK), AfterValidator(_lines)]
Note = Annotated[str, Field(max_length=limits.NOTE), AfterValidator(_one_line)]
Notes = Annotated[list[Note], Field(max_length=limits.NOTES), FailFast()]
Example = Annotated[str, Field(max_length=limits.EXAMPLE), AfterValidator(_one_line)]
Column = Annotated[str, Field(max_length=limits.COLUMN), AfterValidator(_one_line)]
Columns = Annotated[list[Column], Field(max_length=limits.COLUMNS), FailFast()]


class Message(BaseModel):
    """Part of a message: of exactly these fields, each of its own type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Progress(Message):
    """A scoring job is not done yet."""

    event: Literal["progress"]
    records: Count


class ToldCounts(Message):
    """What a scoring job says that it read and wrote: see :class:`mlc.model.job.RecordCounts`."""

    read: Count
    written: Count
    bad: Count
    unanswered: Count
    paired: bool
    examples: Annotated[list[Example], Field(max_length=limits.EXAMPLES)]


class ToldLost(Message):
    """Records that were lost: see :class:`mlc.runtime.harness.tally.Lost`."""

    line: Example
    bad: bool
    size: Count
    trace: Annotated[str, Field(max_length=limits.TRACE), AfterValidator(_lines)]


class ToldPlaces(Message):
    """Where something is in the answers: see :class:`mlc.runtime.harness.plain.Places`."""

    count: Count
    places: Annotated[list[Example], Field(max_length=limits.PLACES)]


class ToldTally(Message):
    """What became of the records so far; ``nulled`` counts NaN and infinity that became null, at these ``places``."""

    read: Count
    written: Count
    bad: Count
    unanswered: Count
    lost: Annotated[list[ToldLost], Field(max_length=limits.LOST)]
    nulled: Count
    places: Annotated[list[Example], Field(max_length=limits.PLACES)]
    rounded: ToldPlaces
    emptied: ToldPlaces


class ToldPiece(Message):
    """How far an input was read: see :class:`mlc.runtime.harness.cutting.Piece`."""

    offset: Count
    length: Count
    lines: Count
    records: Count
    count: Count
    ends: Count


class Checkpoint(Message):
    """A scoring job could go on from here: behind a ``piece`` of the input ``source``.

    Its output has so many ``bytes``, and as CSV this ``header``.
    """

    event: Literal["checkpoint"]
    source: Count
    piece: ToldPiece
    header: Annotated[list[str], Field(max_length=limits.HEADER)] | None
    bytes: Count
    tally: ToldTally


class ToldTruth(Message):
    """How records and truth found each other: see :func:`mlc.runtime.harness.truth.joined`."""

    known: Count
    matched: Count
    unmatched_records: Count
    unmatched_truth: Count


class Done(Message):
    """The last message of a job that came to its end; ``records`` is of a scoring job, ``truth`` of a monitor's."""

    event: Literal["done"]
    notes: Notes
    records: ToldCounts | None = None
    truth: ToldTruth | None = None


class Failed(Message):
    """The last message of a job that failed, or of a model that can't be loaded or can't go on."""

    event: Literal["failed"]
    message: Sentence
    traceback: Trace
    notes: Notes


class Trial(Message):
    """What a model will be tried on, for people."""

    origin: Sentence
    record: Sentence


class Ready(Message):
    """A model is loaded. ``trial`` is None if there is nothing that it could be tried on."""

    event: Literal["ready"]
    trial: Trial | None
    notes: Notes


class ScoredRecord(Message):
    """What the model answered to a record."""

    outcome: Literal["scored"]
    results: Annotated[list[JsonValue], FailFast()]
    warning: Sentence | None = None


class RefusedRecord(Message):
    """A record that is not what the model takes."""

    outcome: Literal["refused"]
    message: Sentence
    columns: dict[Literal["missing", "unknown", "wrong"], Columns]


class FailedRecord(Message):
    """A record that the model failed at."""

    outcome: Literal["failed"]
    message: Sentence
    traceback: Trace = ""


OutcomeOfRecord = Annotated[ScoredRecord | RefusedRecord | FailedRecord, Field(discriminator="outcome")]


class Scored(Message):
    """The answer to a request with records: an outcome for each."""

    event: Literal["scored"]
    id: Count
    outcomes: Annotated[list[OutcomeOfRecord], FailFast()]


class Tried(Message):
    """The answer to the request to try the model."""

    event: Literal["tried"]
    id: Count
    tried: Annotated[ScoredRecord | FailedRecord, Field(discriminator="outcome")]


JOB: TypeAdapter[Progress | Checkpoint | Done | Failed] = TypeAdapter(
    Annotated[Progress | Checkpoint | Done | Failed, Field(discriminator="event")]
)
"""What is said while a job runs."""
LOADING: TypeAdapter[Ready | Failed] = TypeAdapter(Annotated[Ready | Failed, Field(discriminator="event")])
"""What is said while a model is loaded."""
SERVING: TypeAdapter[Scored | Tried | Failed] = TypeAdapter(
    Annotated[Scored | Tried | Failed, Field(discriminator="event")]
)
"""What is said by a model that serves."""


async def parsed(line: bytes, messages: TypeAdapter[T], values: int = limits.JOB_VALUES) -> T:
    """Like :func:`parse`; whoever else uses the event loop goes on meanwhile."""
    if len(line) <= PARSED_HERE:
        return parse(line, messages, values)
    return await asyncio.to_thread(parse, line, messages, values)


def parse(line: bytes, messages: TypeAdapter[T], values: int = limits.JOB_VALUES) -> T:
    """One of these messages.

    Besides the types: UTF-8, no names twice in an object, no number that not every reader of JSON can read.

    Args:
        values: see :func:`mlc.runtime.harness.limits.too_much`.

    Raises:
        BadMessage: it is none.
    """
    if problem := limits.too_much(line, len(line), values):
        raise BadMessage(f"it sent a message {problem}")
    try:
        # First, since it bounds how deep the text is nested and how long its numbers are.
        message = messages.validate_json(line)
        json.loads(
            line.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int
        )
    except ValidationError as invalid:
        raise BadMessage(_problem(invalid)) from None
    except (ValueError, RecursionError) as error:
        raise BadMessage(one_line(f"it sent a message in which {error}", LONGEST_PROBLEM)) from None
    return message


def _problem(invalid: ValidationError) -> str:
    first = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part)[:40] for part in first["loc"][:6])
    said = first["msg"].removeprefix("Value error, ")
    return one_line(f"it sent what is no message: {f'{place}: ' if place else ''}{said}", LONGEST_PROBLEM)


def _object(pairs: Iterable[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValueError(f"the name {one_line(name, 60)!r} stands twice in an object")
        seen.add(name)


def _constant(name: str) -> None:
    raise ValueError(f"{name} stands, which is not JSON")


def _float(text: str) -> None:
    if math.isinf(float(text)):
        raise ValueError(f"a number is too large: {text[:20]}")


def _int(text: str) -> None:
    if len(text) > 300 and abs(int(text)) > limits.LARGEST_NUMBER:
        raise ValueError(f"a whole number has {len(text):,} digits")
