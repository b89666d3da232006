"""What a model has scored, record by record: how jobs are asked for it."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from mlc.model.base import Record
from mlc.model.online_requests import OnlineSpan

SCORED_RECORDS = "mlcScoredRecords"
"""Parameter of a scoring job, true: its output is to be its one input's records with their scores, in their order.

A runtime that has done so says the same in ``runtimeInfo``: another one knows nothing of it, and wrote answers alone.
"""

PRODUCTION = "mlcProduction"
"""Parameter of a monitor's job: see :class:`Production`."""


ONLINE = "online requests"
"""Stands where a scoring job's id would, of what was answered online."""


class Batch(Record):
    """A scoring job, and how many of the monitor's job's inputs hold its records and, behind them, the answers.

    Or ``online``: the requests that the snapshot has answered online. Their records have the answers in them, so that
    there are no ``outputs``.
    """

    job_id: str
    inputs: int = Field(ge=1)
    outputs: int = Field(ge=0)
    online: OnlineSpan | None = None

    @model_validator(mode="after")
    def _a_jobs_answers_are_apart(self) -> Self:
        if (self.online is None) != (self.outputs > 0):
            raise ValueError("a job has outputs, and online requests have none")
        return self


class TruthColumns(Record):
    """Which columns of what was scored truth is about: it is found by ``identifier``, and fills ``label``."""

    identifier: str
    label: str


class Production(Record):
    """Which inputs of a monitor's job are together what its model has scored.

    They come behind all others, batch by batch, the newest first, and are one argument of the monitor's function, the
    one at ``place``: each batch's records with their scores.
    """

    place: int = Field(ge=0)
    batches: list[Batch] = Field(min_length=1)
    rows: int | None = Field(None, ge=1)
    """So many of the newest records are read; None: all."""
    truth: TruthColumns | None = None
    """The one input before them is truth that came later (:mod:`mlc.model.truth`); None: there is none.

    A runtime that knows nothing of it takes that input for another argument, and fails: it mixes up nothing.
    """

    def parameters(self) -> dict[str, Any]:
        """The parameters of the job that say so."""
        told = self.model_dump(mode="json")
        if self.truth is None:
            del told["truth"]
        return {PRODUCTION: told}

    @classmethod
    def of(cls, parameters: Mapping[str, Any], inputs: int) -> "Production | None":
        """What the parameters of a job with so many inputs say; None if nothing.

        Raises:
            ValueError: they say what can't be.
        """
        if PRODUCTION not in parameters:
            return None
        found = cls.model_validate(parameters[PRODUCTION])
        if not 0 <= found.place <= found.others(inputs):
            raise ValueError(f"{PRODUCTION} tells of other inputs than there are")
        return found

    def others(self, inputs: int) -> int:
        """How many of a job's inputs are neither what was scored nor truth: those come first."""
        of_batches = sum(batch.inputs + batch.outputs for batch in self.batches)
        return inputs - of_batches - (self.truth is not None)
