"""What a scoring job read and wrote, as the runtime counts it itself; what its model's process told is compared."""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlc.model.job import RecordCounts
from mlc.runtime.channel.messages import ToldCounts
from mlc.runtime.harness.columnar import TABLES
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.markers import (
    marked_functions,
    parameters,
    record_sets,
    takes_slot,
    takes_together,
    usual_functions,
)
from mlc.runtime.layout import Layout
from mlc.runtime.names import shown
from mlc.runtime.order import DataFile, Order
from mlc.runtime.process import LOADING

# As a model's process loads it, but without any library.
PROGRAM = f'{LOADING}importlib.import_module("model_harness.counting").main()\n'
NOT_TRUE = "The model's process told counts of records that aren't true: "


async def count_records(
    files: Sequence[DataFile], *, whole: Sequence[bool] = (), descriptors: Sequence[int] = (), memory: int, limit: float
) -> list[int | None]:
    """How many records files have; None of one that can't be read, or not within the ``memory`` (bytes).

    Args:
        whole: which of them are given to the model as one set.
        descriptors: of the files, opened, where their names aren't to be trusted any more.
        limit: seconds.

    Raises:
        TimeoutError: it takes longer.
        OSError: no process can be started for it.
    """
    paths = [f"/dev/fd/{each}" for each in descriptors] or [str(file.path.absolute()) for file in files]
    sets = whole or [False] * len(files)
    asked: list[dict[str, Any]] = [
        {"path": path, "format": file.format, "schema": file.schema_, "whole": is_set, "written": bool(descriptors)}
        for path, file, is_set in zip(paths, files, sets, strict=True)
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", *([] if any(map(_needs_library, files)) else ["-S"]), "-c", PROGRAM),
        cwd="/",
        env={"ARROW_DEFAULT_MEMORY_POOL": "system"},  # else it reserves more than it may have
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=descriptors,
    )
    try:
        async with asyncio.timeout(limit):
            counted, _ = await process.communicate(json.dumps({"files": asked, "memory": memory}).encode())
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        found: list[int | None] = json.loads(counted)
    except ValueError:  # it was killed
        return [None] * len(files)
    return found


def _needs_library(file: DataFile) -> bool:
    """Whether it takes pyarrow to count a file's records; for all others no library is looked for."""
    return file.format in TABLES


class Counting:
    """Counts what one scoring job reads and writes.

    Args:
        memory: bytes that counting may take.
        limit: seconds for counting the outputs.
    """

    def __init__(self, layout: Layout, order: Order, *, memory: int, limit: float) -> None:
        self._layout = layout
        self._order = order
        self._memory = memory
        self._limit = limit
        self._read: list[int | None] = []

    async def begin(self, limit: float) -> None:
        """Count the inputs, before any code of the model runs, which could change them.

        Args:
            limit: seconds.

        Raises:
            ModelFailure: it takes longer.
        """
        content = await asyncio.to_thread((self._layout.root / self._order.source).read_bytes)
        self._scoring = Scoring.of(content, self._order.functions)
        whole = self._scoring.whole(self._order)
        try:
            self._read = await count_records(self._order.inputs, whole=whole, memory=self._memory, limit=limit)
        except TimeoutError:
            raise ModelFailure(
                f"The job's inputs have more records than can be counted in the {limit:g} seconds that the runtime "
                "allows for the job."
            ) from None

    @property
    def most(self) -> int | None:
        """How many records there are to be read at the most; None if that can't be known."""
        known = [count for count in self._read if count is not None]
        return sum(known) if len(known) == len(self._read) else None

    async def check(self, told: ToldCounts, counted: int | None = None) -> RecordCounts:
        """The job's counts: those that its model's process told, which is gone, if they are true.

        Args:
            counted: records in the one output, where that was counted while it was written.

        Raises:
            ModelFailure: they aren't; or an output is no file that can be counted, or not in time.
        """
        if counted is not None:
            return checked(told, self._scoring, self._read, [counted])
        outputs = self._order.outputs
        with ExitStack() as files:
            descriptors = []
            for output in outputs:
                file = self._layout.directory.open(self._layout.name_of(output), f"output {shown(output.name)}")
                descriptors.append(files.enter_context(file).fileno())
            try:
                written = await count_records(outputs, descriptors=descriptors, memory=self._memory, limit=self._limit)
            except TimeoutError:
                raise ModelFailure(
                    f"Counting what the model wrote took longer than {self._limit:g} seconds: let it write less, or "
                    "raise MLC_RUNTIME_COLLECT_TIME_LIMIT."
                ) from None
        return checked(told, self._scoring, self._read, written)


@dataclass(frozen=True)
class Scoring:
    """How a source's score function is called, as far as the source alone tells.

    ``together`` is None, and so is ``slotted``, where it doesn't: see :func:`.harness.markers.parameters`.
    """

    sets: frozenset[int]
    together: bool | None
    slotted: bool | None

    @classmethod
    def of(cls, content: bytes, names: dict[str, str]) -> "Scoring":
        """Of a source, of which the model names some functions itself."""
        try:
            found = {**marked_functions(content), **names} or usual_functions(content)
            declared = parameters(content, found["score"]) if "score" in found else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # then the model's process says what is wrong
            found, declared = {}, None
        if declared is None:
            return cls(record_sets(content), together=None, slotted=None)
        return cls(record_sets(content), together=takes_together(declared), slotted=takes_slot(declared))

    def whole(self, order: Order) -> list[bool]:
        """Which of an order's inputs are given to the model as one set."""
        return [(0 if self.together else 2 * number) in self.sets for number in range(len(order.inputs))]

    def may_have_read(self, found: Sequence[int], outputs: int, *, bad: int) -> set[int] | range:
        """The numbers of records that can have been read from inputs in which so many were ``found``."""
        if self.sets and bad:  # a set that is broken is one
            return range(sum(found) + 1)
        calls = max(min(count, 1) if 0 in self.sets else count for count in found)
        together = {calls} if len(found) > 1 and outputs == 1 else set()
        if self.together is None:
            return {sum(found)} | together
        return together if self.together and together else {sum(found)}

    @property
    def paired(self) -> bool | None:
        """Whether each record has an answer of its own; None if the source doesn't tell."""
        if self.sets:
            return False
        return None if self.slotted is None else not self.slotted


def checked(
    told: ToldCounts, scoring: Scoring, read: Sequence[int | None], written: Sequence[int | None]
) -> RecordCounts:
    """The counts of a job, of which those that were read and written are what the runtime found.

    Args:
        read: records found in each input.
        written: records found in each output.

    Raises:
        ModelFailure: the process told others, or such that contradict each other.
    """
    outputs = [count for count in written if count is not None]
    inputs = [count for count in read if count is not None]
    if len(inputs) < len(read):
        raise ModelFailure("The job's inputs can't be counted, and so not what its model's process says of them.")
    if len(outputs) < len(written):
        raise ModelFailure("The records that the model's process wrote can't be read again.")
    if told.written != sum(outputs):
        raise ModelFailure(f"{NOT_TRUE}it wrote {sum(outputs):,}, and not {told.written:,}.")
    possible = scoring.may_have_read(inputs, len(written), bad=told.bad)
    if told.read not in possible:
        found = f"there are {max(possible):,}" if len(possible) else "there are none"
        raise ModelFailure(f"{NOT_TRUE}it read {told.read:,}, and {found}.")
    if scoring.paired is not None and told.paired is not scoring.paired:
        raise ModelFailure(f"{NOT_TRUE}they are of another kind of function than the source has.")
    try:
        return RecordCounts.model_validate(told.model_dump(), strict=True)
    except ValidationError:
        raise ModelFailure(f"{NOT_TRUE}they contradict each other.") from None


def said(counts: RecordCounts) -> list[str]:
    """The lines on a job's counts that the runtime itself says."""
    lines = [f"Records in/out: {counts.read}/{counts.written}"]
    if counts.bad:
        lines.append(f"Bad records: {counts.bad} of {counts.read}, skipped")
    if counts.unanswered:
        lines.append(f"Records that the model answered nothing to: {counts.unanswered} of {counts.read}")
    return lines
