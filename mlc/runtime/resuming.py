"""Going on with a scoring job that another attempt began: its output is written in parts while its model still runs.

Where an output's address takes parts (:mod:`mlc.data.parts`), what the model's process has written becomes a part now
and then. What is known of the parts, and where in the inputs the next record begins, is one small value,
:class:`Saved`: the heartbeats tell it, and the next attempt goes on from it, on whichever runtime, if it is the same
job: the same model, inputs and libraries by their hashes and versions. Else it begins again and says so.
"""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from pydantic import Field, ValidationError

from mlc.data.objects import Patience
from mlc.data.parts import Parts, PartsLost, PartsWriter
from mlc.model.asset import Asset
from mlc.model.base import Record
from mlc.model.failure import ExternalError, NotFound, Refused
from mlc.runtime.channel.messages import Checkpoint
from mlc.runtime.external import ExternalFiles
from mlc.runtime.formats import is_compressed
from mlc.runtime.harness.cutting import whole_records
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.markers import is_stateful
from mlc.runtime.layout import Layout
from mlc.runtime.order import DataFile, Order
from mlc.runtime.transfer import PAUSES

PART, LARGE_PART = 8 * 1024**2, 64 * 1024**2
"""Bytes of a part at the least, and from ``MANY`` parts on; S3's are at least 5 MB each but the last."""
MANY = 64
_OF_AN_ATTEMPT = frozenset({"processes", "checkpoints", "resume", "definition"})
FORMATS = frozenset({"csv", "json", "jsonl"})
"""Outputs that are stored as the model's process writes them."""


class Saved(Record):
    """What the next attempt must know. ``at`` is where the harness goes on; ``counted`` records are in the parts."""

    identity: str
    at: dict[str, Any]
    parts: Parts
    counted: int = Field(ge=0)
    records: int = Field(ge=0)

    @classmethod
    def told(cls, value: object) -> "Saved | None":
        """What a heartbeat told; None if that is no such thing, as from another release."""
        try:
            return cls.model_validate(value) if isinstance(value, dict) else None
        except ValidationError:
            return None


def identity(parts: Mapping[str, Any]) -> str:
    """What is the same if, and only if, another attempt would write the same bytes."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Resumption:
    """The parts of one job's output, in one attempt.

    Args:
        writer: of the output's address.
        file: the output, as the model's process writes it.
        identity: of the job: see :func:`identity`.
        told: what an earlier attempt told.
        tell: told what the next attempt must know, or None if it must begin again.
        files: tells what is too large.
    """

    def __init__(
        self,
        writer: PartsWriter,
        layout: Layout,
        file: DataFile,
        *,
        identity: str,
        told: Saved | None,
        tell: Callable[[dict[str, Any] | None], None],
        files: ExternalFiles,
    ) -> None:
        self.notes: list[str] = []
        self.saved: Saved | None = None
        """What an earlier attempt left, if it can be gone on with."""
        self._writer = writer
        self._layout = layout
        self._file = file
        self._identity = identity
        self._told = told
        self._tell = tell
        self._files = files
        self._state: Parts | None = None
        self._digest: Any = hashlib.sha256()
        self._sent = self.counted = 0
        self._uncounted = b""
        self._has_header = file.format != "csv"
        self._broken = False
        self._patience = Patience(PAUSES, threading.Event().wait)
        self._uploading: asyncio.Task[None] | None = None

    @property
    def begun(self) -> bool:
        """Whether the output is completed from its parts."""
        return self._state is not None and bool(self._state.parts) and not self._broken

    def look(self) -> None:
        """Find out whether an earlier attempt can be gone on with. Blocking."""
        told = self._told
        if told is None:
            return
        try:
            if told.identity != self._identity:
                self.notes.append(
                    f"An earlier attempt scored {told.records:,} records. Its model, inputs or libraries were others, "
                    "so that the job begins again with the first record."
                )
                self._writer.abort(told.parts)
                return
            found = self._writer.resume(told.parts)
        except (ExternalError, PartsLost, OSError):
            found = None
        if found is None or found.parts != told.parts.parts:
            self.notes.append(
                f"An earlier attempt scored {told.records:,} records. What it wrote is not there any more, so that the "
                "job begins again with the first record."
            )
            return
        self.notes.append(f"{told.records:,} records were scored by an earlier attempt: the job goes on behind them.")
        self.saved, self._state, self.counted = told, found, told.counted
        self._has_header = True
        self._digest = None  # of what others wrote: it is read again in the end
        self._tell(told.model_dump(mode="json"))

    def take(self, point: Checkpoint) -> None:
        """The model's process has written so much, and can go on from there.

        Raises:
            ModelFailure: what was written before can't become a part of the output, nor will it ever.
        """
        if self._uploading and self._uploading.done():
            self._uploading.result()
        if self._broken or (self._uploading and not self._uploading.done()):
            return
        if point.bytes - self._sent >= self._smallest:
            self._uploading = asyncio.create_task(self._put(point))

    async def rest(self) -> bool:
        """Write what follows the last part, once the model's process is gone; whether the output is in parts now.

        Raises:
            ModelFailure: it can't be written.
        """
        if self._uploading:
            await self._uploading
        if not self.begun:
            await asyncio.to_thread(self.abandon)
            return False
        try:
            await asyncio.to_thread(self._upload, None)
        except (ExternalError, PartsLost, OSError) as error:
            raise ModelFailure(f"The output {self._file.name} can't be written: {error}") from None
        return True

    def complete(self, asset: Asset, what: str) -> Asset:
        """Make the parts the output. Blocking.

        Returns:
            The asset with size and SHA-256 of what lies there now.

        Raises:
            ModelFailure: it can't be done.
        """
        state = self._state
        assert state is not None
        try:
            self._patience.tried(lambda: self._writer.complete(state))
        except PartsLost as lost:
            self._tell(None)
            raise ModelFailure(f"The {what} can't be written: {lost}") from None
        except (ExternalError, OSError) as error:
            raise ModelFailure(f"The {what} can't be written: {error}") from None
        digest = self._digest.hexdigest() if self._digest else self._files.sha256_of_written(asset, what)
        return asset.model_copy(update={"size": state.size, "sha256": digest})

    def abandon(self) -> None:
        """Remove the parts: nobody will go on. Blocking."""
        self._tell(None)
        if self._state is not None:
            with suppress(ExternalError, PartsLost, OSError):
                self._writer.abort(self._state)
            self._state = None

    @property
    def _smallest(self) -> int:
        many = self._state is not None and len(self._state.parts) >= MANY
        return max(LARGE_PART if many else PART, self._writer.smallest)

    async def _put(self, point: Checkpoint) -> None:
        try:
            await asyncio.to_thread(self._upload, point)
        except (ExternalError, PartsLost, OSError) as error:
            if self.saved or isinstance(error, NotFound | Refused | PermissionError):
                raise ModelFailure(f"The output {self._file.name} can't be written: {error}") from None
            self._broken = True  # the output is stored as a whole in the end
            self.notes.append(f"The job can't be gone on with if its runtime is lost: {error}")
            await asyncio.to_thread(self.abandon)
            return
        assert self._state is not None
        saved = Saved(
            identity=self._identity,
            at=point.model_dump(mode="json", exclude={"event", "bytes"}),
            parts=self._state,
            counted=self.counted,
            records=point.tally.read,
        )
        self._tell(saved.model_dump(mode="json"))

    def _upload(self, point: Checkpoint | None) -> None:
        """Put what was written up to a point, or all that is left, as parts."""
        what = f"output {self._file.name}"
        with self._layout.directory.open(self._layout.name_of(self._file), what) as file:
            end = point.bytes if point else file.seek(0, 2)
            state = self._state or self._patience.tried(self._writer.begin)
            self._state = state
            if end > self._sent:
                self._files.check_size(state.size + end - self._sent, what)
            for size in _sizes(end - self._sent, self._smallest):
                file.seek(self._sent)
                content = file.read(size)
                if len(content) < size:
                    raise ModelFailure(f"The {what} became shorter while it was written: end whatever writes it.")
                put = partial(self._writer.put, state, len(state.parts) + 1, content)
                state = self._patience.tried(put)
                if self._digest:
                    self._digest.update(content)
                self._state = state
                self._sent += size
                self._count(content, last=self._sent == end)

    def _count(self, content: bytes, *, last: bool) -> None:
        """How many records are in what was put. A part need not end where a record does; what is told at once does."""
        content = self._uncounted + content
        found = whole_records(content, self._file.format, last=last) if content else (0, 0)
        if found is None:
            self._uncounted = content
            return
        length, count = found
        self._uncounted = content[length:]
        if last and (not content.endswith(b"\n") or self._uncounted):
            raise ModelFailure(f"What the model's process wrote to the output {self._file.name} are no whole records.")
        if count and not self._has_header:
            count -= 1
            self._has_header = True
        self.counted += count


def _sizes(size: int, part: int) -> list[int]:
    """The sizes of parts that so many bytes become: none is smaller than ``part`` but a single one."""
    whole = max(1, size // part)
    return [part] * (whole - 1) + [size - part * (whole - 1)] if size else []


def resumption_of(
    asset: Asset,
    layout: Layout,
    order: Order,
    info: Mapping[str, Any],
    *,
    told: Saved | None,
    tell: Callable[[dict[str, Any] | None], None],
    files: ExternalFiles,
) -> Resumption | None:
    """The parts of a scoring job's one output; None where it is stored as a whole at the end. Blocking.

    The order is told to go on, if the job can be gone on with, and to tell from where it could be.

    Args:
        asset: the output, as the job has it.
        info: hashes and versions of all that the output depends on.
    """
    source = (layout.root / order.source).read_bytes()
    whole = order.scored_records or is_compressed(asset) or is_stateful(source)
    if len(order.outputs) != 1 or not asset.address or whole:
        tell(None)
        return None
    (file,) = order.outputs
    writer = files.parts(asset, f"output {file.name}") if file.format in FORMATS else None
    if writer is None:
        tell(None)
        return None
    settled = order.model_dump(mode="json", exclude={*_OF_AN_ATTEMPT, "scored_records"})
    for each in [*settled["inputs"], *settled["outputs"]]:
        del each["path"]
    known = identity({"order": settled, "address": asset.address, "info": {**info, "losses": None, "isolation": None}})
    found = Resumption(writer, layout, file, identity=known, told=told, tell=tell, files=files)
    found.look()
    order.checkpoints = True
    order.resume = found.saved.at if found.saved else None
    return found
