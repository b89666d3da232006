"""How a model's function wants its records: one at a time, one of each input, with its slot's number, or as a set.

FastScore's engines went by the number of parameters: ``action(data)``, ``action(data, slot)`` and ``action(data, slot,
seq_no)``. ModelOp's examples also have ``action(input_1, input_2)``, one record of each input. The name of the second
parameter tells the two apart.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd

from .frames_of_records import frame_of_records
from .functions import ModelCode, ModelFailure
from .markers import takes_slot, takes_together
from .plain import rows
from .schema import CheckedRecords
from .unreadable import Broken

_NONE = object()


@dataclass(frozen=True)
class Given:
    """Arguments for one call of a score function, instead of one plain record; ``size`` records are in them."""

    arguments: tuple[Any, ...]
    size: int = 1


class Calls:
    """How the score function of a model is called.

    Raises:
        ModelFailure: it can't be called with any number of inputs.
    """

    def __init__(self, model: ModelCode, function: Callable[..., Any]) -> None:
        self._name = f"The score function {function.__name__!r} of {model.source}"
        self._sets = model.record_sets
        names = required_parameters(function)
        self.slotted = takes_slot(names)
        """It is told the slot of each record; then it need not answer each of them."""
        self.paired = not self.slotted and not self._sets
        """Each record has an answer of its own."""
        self._parameters = names
        self._together = takes_together(names)
        self.plain = self.paired and not self._together
        """It takes one record after another, or batches of them, and nothing else."""
        self._in_batches = model.batch is not None

    def check(self, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]) -> None:
        """Say in a sentence that a job's files are not what the function takes.

        Raises:
            ModelFailure: it takes one record of each of so many inputs, and the job has another number.
        """
        if self._in_batches and not self.plain:
            raise ModelFailure(
                f"{self._name} asks for batches of records, and takes more than that: give it one parameter and no "
                "record sets, or leave the line '# modelop.batch' out."
            )
        if not self._together:
            return
        wanted = len(self._parameters)
        if wanted != len(inputs):
            raise ModelFailure(
                f"{self._name} takes {', '.join(self._parameters)}: one record of each of {wanted} inputs, and the job "
                f"has {len(inputs)}. Give it {wanted}; or if the second is the number of a slot, call it slot."
            )
        if len(outputs) > 1:
            raise ModelFailure(f"{self._name} takes {wanted} inputs together: give the job one output.")

    def sources(self, inputs: Sequence[dict[str, Any]], output: int, outputs: int) -> list["Source"]:
        """What is scored into one output: it takes the records of all inputs, or of the one in its place."""
        if self._together:
            return [Source([*inputs], [self._is_set(0)] * len(inputs), together=True)]
        chosen = [(i, source) for i, source in enumerate(inputs) if outputs == 1 or i == output]
        return [
            Source([s], [self._is_set(i)], slot=2 * i if self.slotted else None, extra=self._extra) for i, s in chosen
        ]

    @property
    def _extra(self) -> int:
        return len(self._parameters) - 1 if self.slotted else 0

    def _is_set(self, index: int) -> bool:
        return 2 * index in self._sets


class Source:
    """The calls that one or more inputs make.

    Args:
        sets: which of the inputs is handed over as a whole.
        slot: the number that the function is told; None if it is told none.
        extra: how many arguments follow the record: the slot, and the record's number.
        together: one record of each input makes a call.
    """

    def __init__(
        self,
        inputs: list[dict[str, Any]],
        sets: list[bool],
        *,
        slot: int | None = None,
        extra: int = 0,
        together: bool = False,
    ) -> None:
        self.name = " and ".join(source["name"] for source in inputs)
        self._inputs = inputs
        self._sets = sets
        self._slot = slot
        self._extra = extra
        self._together = together

    def __iter__(self) -> Iterator[Any]:
        """Plain records, :class:`Given` arguments, and a :class:`.records.Broken` for what can't be used."""
        streams = [_stream(source, whole=whole) for source, whole in zip(self._inputs, self._sets, strict=True)]
        if self._together:
            yield from self._zipped(streams)
        elif self._slot is None:
            yield from streams[0]
        else:
            for number, record in enumerate(streams[0]):
                yield record if isinstance(record, Broken) else self._with_slot(record, number)

    def _with_slot(self, record: Any, number: int) -> Given:
        first, size = (record.arguments[0], record.size) if isinstance(record, Given) else (record, 1)
        return Given((first, self._slot, number)[: 1 + self._extra], size)

    def _zipped(self, streams: list[Iterator[Any]]) -> Iterator[Any]:
        for records in zip_longest(*streams, fillvalue=_NONE):
            short = [s["name"] for s, record in zip(self._inputs, records, strict=True) if record is _NONE]
            broken = next((record for record in records if isinstance(record, Broken)), None)
            if short:
                yield Broken("", f"has no record of {' and '.join(short)}, which ended before")
            elif broken:
                yield broken
            else:
                plain = tuple(record.arguments[0] if isinstance(record, Given) else record for record in records)
                yield Given(plain)


def _stream(source: dict[str, Any], *, whole: bool) -> Iterator[Any]:
    records = iter(CheckedRecords(source, scoring=True))
    if not whole:
        yield from records
        return
    found: list[Any] = []
    for record in records:
        if isinstance(record, Broken):
            yield Broken(record.place, f"{record.problem}; it is part of a record set, which is scored whole")
            return
        found += record if isinstance(record, list) and all(isinstance(row, dict) for row in record) else [record]
    if found:
        yield Given((frame_of_records(found, source.get("types") or {}),), len(found))


def arguments_of(function: Callable[..., Any], record: Any) -> list[Any]:
    """The arguments of one call of a score function.

    Raises:
        ModelFailure: it takes a record of each of several inputs, and this is none that holds them by their names.
    """
    if isinstance(record, Given):
        return list(record.arguments)
    names = required_parameters(function)
    if takes_slot(names):
        return [record, 0, 0][: len(names)]
    if not takes_together(names):
        return [record]
    if not isinstance(record, dict) or set(names) != record.keys():
        raise ModelFailure(
            f"The score function {function.__name__!r} takes a record of each of {len(names)} inputs: send an object "
            f"with {' and '.join(names)}."
        )
    return [record[name] for name in names]


def answered(result: Any, *, as_set: bool) -> list[Any]:
    """The output records that one result is: the rows of a frame, if the model's outputs are record sets.

    Raises:
        NotPlain: see :func:`.plain.rows`.
    """
    if not as_set:
        return [result]
    if isinstance(result, pd.DataFrame):
        return rows(result)
    return list(result.tolist()) if isinstance(result, np.ndarray | pd.Series) else [result]


@cache
def required_parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the parameters that a function must be given by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # something built in
        return ("record",)
    return tuple(p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty)
