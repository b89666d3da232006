"""The order to the harness: what a model process is told to do, in JSON."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from mlc.runtime.harness.limits import JOB_MESSAGE


class DataFile(BaseModel):
    """An input or output: where it is, its format (``csv``, ``json``, ``jsonl``), and what people call it.

    ``schema_`` (``schema`` in JSON) is the model's extended Avro schema for its records, if there is one; ``check``
    tells whether records that are not as it says are bad. ``types`` are those of a data frame's columns, where the file
    was made of one that has types (:func:`mlc.runtime.harness.columnar.table_types`).
    """

    path: Path
    format: str
    name: str
    schema_: dict[str, Any] | None = Field(None, serialization_alias="schema")
    check: bool = False
    types: dict[str, str] = {}


class ReadBatch(BaseModel):
    """So many ``inputs`` of an order hold records, and so many ``outputs`` behind them a model's answers to those.

    Without ``outputs`` the answers are in the records.

    Only the ``last`` records are read.
    """

    job: str
    inputs: int
    outputs: int
    last: int = 0


class ReadTruth(BaseModel):
    """The file of truth that came later, and the columns of the records that it is about."""

    file: DataFile
    identifier: str
    label: str


class ReadProduction(BaseModel):
    """The last inputs of an order, which are one argument of the function at ``place``: batches, the newest first.

    ``scores`` are the columns that are the model's answers, also where its records have such ones.
    """

    place: int
    batches: list[ReadBatch] = []
    scores: list[str] = []
    rows: int | None = None
    truth: ReadTruth | None = None


class Order(BaseModel):
    """What the harness is told to do. ``kind`` is ``training``, ``metrics``, ``scoring`` or ``online``.

    ``stop_on_bad_records`` tells a scoring job to end with an error at the first of them, ``processes`` in how many it
    may call the score function at the same time. ``checkpoints`` asks it to tell now and then from where it could go
    on; ``resume`` is where an earlier attempt could (:class:`.channel.messages.Checkpoint`). ``scored_records`` asks
    for the input's records with their scores as the output, and not for the answers alone. ``production`` is what a
    metrics job reads of what the model that it watches has scored. Online, ``inputs`` is the
    test data of which a record is tried, ``record_schema`` the input schema, and ``check_records`` tells whether
    callers' records that are not as it says are refused; an answer may have ``answer_limit`` bytes.
    """

    kind: str
    source: str
    functions: dict[str, str]
    definition: Path
    inputs: list[DataFile] = []
    outputs: list[DataFile] = []
    stop_on_bad_records: bool = False
    processes: int = 1
    checkpoints: bool = False
    resume: dict[str, Any] | None = None
    scored_records: bool = False
    production: ReadProduction | None = None
    record_schema: dict[str, Any] | None = None
    check_records: bool = False
    answer_limit: int = JOB_MESSAGE

    @property
    def read(self) -> list[DataFile]:
        """All files with a job's data: its inputs, and truth about them."""
        truth = self.production.truth if self.production else None
        return [*self.inputs, *([truth.file] if truth else [])]
