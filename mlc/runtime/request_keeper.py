"""Online requests on their way to the centre, for the monitors of their models: gathered, and sent in batches.

An answer never waits for that, nor fails by it. What finds no room, or is refused, is counted, and the centre is told
how much that is.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import uuid4

from mlc.center import Ledger
from mlc.model.failure import MlcError
from mlc.model.online_requests import LONGEST_RECORD, OnlineBatch, OnlineRequest
from mlc.runtime.kept_columns import KeptColumns
from mlc.runtime.outages import patiently

_AT_ONCE = 100
"""Records that are taken in before others on the event loop have their turn."""
log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """How much is held, and when it is sent. Bytes are those of records as JSON."""

    most: int = 50_000
    most_bytes: int = 16 * 1024 * 1024
    batch: int = 500
    batch_bytes: int = 256 * 1024
    age: float = 5.0
    """Seconds after which what there is is sent, however little."""


class _Held(NamedTuple):
    moment: datetime
    record_id: str | None
    record: bytes


class _Missed(NamedTuple):
    number: int
    since: datetime


class RequestKeeper:
    """Keeps what the online models of one runtime have answered. One instance serves one event loop.

    Args:
        grace: seconds in which what is left is sent when the runtime ends.
    """

    def __init__(self, center: Ledger, *, grace: float, limits: Limits | None = None) -> None:
        self._center = center
        self._grace = grace
        self._limits = limits or Limits()
        self._held: dict[str, deque[_Held]] = {}
        """By deployment; none is empty."""
        self._count = self._bytes = 0
        self._missed: dict[str, _Missed] = {}
        self._sending: OnlineBatch | None = None
        self._some, self._enough = asyncio.Event(), asyncio.Event()
        self._full = False
        self._refused = set[str]()

    def offer(
        self, deployment_id: str, columns: KeptColumns, records: Sequence[Any], outcomes: Sequence[dict[str, Any]]
    ) -> None:
        """Take records with what became of each, as soon as whoever asked has got the answer."""
        answered = ((sent, out["results"]) for sent, out in zip(records, outcomes, strict=True) if "results" in out)
        now = datetime.now(UTC)
        asyncio.get_running_loop().call_soon(self._take_some, deployment_id, columns, now, answered)

    async def run(self) -> None:
        """Send until cancelled; then what is left, as far as there is time for it."""
        try:
            while True:
                await self._some.wait()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.age):
                        await self._enough.wait()
                await self._send_all()
        finally:
            await self._flush()

    def _take_some(
        self, deployment_id: str, columns: KeptColumns, moment: datetime, answered: Iterator[tuple[Any, list[Any]]]
    ) -> None:
        rest = list(islice(answered, _AT_ONCE))
        for sent, results in rest:
            if (held := _held(columns, moment, sent, results)) is None or not self._has_room(len(held.record)):
                self._miss(deployment_id, 1, moment)
                continue
            self._held.setdefault(deployment_id, deque()).append(held)
            self._count += 1
            self._bytes += len(held.record)
        if self._count:
            self._some.set()
        if self._count >= self._limits.batch or self._bytes >= self._limits.batch_bytes:
            self._enough.set()
        if len(rest) == _AT_ONCE:
            asyncio.get_running_loop().call_soon(self._take_some, deployment_id, columns, moment, answered)

    def _has_room(self, size: int) -> bool:
        there = self._count < self._limits.most and self._bytes + size <= self._limits.most_bytes
        if not there and not self._full:
            log.warning("%d online requests wait for the model centre, as many as may: more are not kept.", self._count)
        self._full = not there
        return there

    def _miss(self, deployment_id: str, count: int, since: datetime) -> None:
        before = self._missed.get(deployment_id, _Missed(0, since))
        self._missed[deployment_id] = _Missed(before.number + count, min(before.since, since))

    async def _send_all(self) -> None:
        while self._held:
            await self._send(self._batch(next(iter(self._held))))

    def _batch(self, deployment_id: str) -> OnlineBatch:
        """The oldest requests of a deployment, which are from now on in the batch, and how many before were missed."""
        held, taken, size = self._held.pop(deployment_id, deque()), list[_Held](), 0
        while held and len(taken) < self._limits.batch and size < self._limits.batch_bytes:
            taken.append(held.popleft())
            size += len(taken[-1].record)
        if held:
            self._held[deployment_id] = held  # behind the others: each has its turn
        self._count -= len(taken)
        self._bytes -= size
        if not self._held:
            self._some.clear()
        if self._count < self._limits.batch and self._bytes < self._limits.batch_bytes:
            self._enough.clear()
        requests = [
            OnlineRequest(moment=each.moment, record_id=each.record_id, record=json.loads(each.record))
            for each in taken
        ]
        missed = self._missed.pop(deployment_id, None)
        told: dict[str, Any] = {"missed": missed.number, "since": missed.since} if missed else {}
        return OnlineBatch(id=uuid4().hex, deployment_id=deployment_id, requests=requests, **told)

    async def _send(self, batch: OnlineBatch) -> None:
        """Send a batch until the centre has it, or says no. Cancelled, it is left in ``_sending``."""
        self._sending = batch
        try:
            await patiently(lambda: self._center.keep_online_requests(batch))
            self._refused.discard(batch.deployment_id)
        except MlcError as error:
            self._give_up(batch, str(error))
        except Exception as error:  # a fault here must not end the runtime, which answers
            self._give_up(batch, type(error).__name__)
        self._sending = None

    def _give_up(self, batch: OnlineBatch, why: str) -> None:
        since = min([each.moment for each in batch.requests[:1]] + [batch.since or datetime.now(UTC)])
        self._miss(batch.deployment_id, len(batch.requests) + batch.missed, since)
        if batch.deployment_id not in self._refused:
            self._refused.add(batch.deployment_id)
            log.warning("Online requests of the deployment %s are not kept: %s", batch.deployment_id, why)

    async def _flush(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                if self._sending is not None:
                    await self._send(self._sending)
                await self._send_all()
                for deployment_id in list(self._missed):
                    await self._send(self._batch(deployment_id))
        lost = self._count + (len(self._sending.requests) if self._sending else 0)
        missed = sum(each.number for each in self._missed.values()) + (self._sending.missed if self._sending else 0)
        if lost or missed:
            text = (
                "The runtime ends, and the model centre is not told of %d online requests, nor that %d were not kept."
            )
            log.warning(text, lost, missed)


def _held(columns: KeptColumns, moment: datetime, sent: object, results: list[Any]) -> _Held | None:
    """What is kept of a record; None if it can't be."""
    try:
        record = columns.record(sent, results)
        if record is None:
            return None
        # Half of a surrogate pair, which JSON can only escape, is nothing that a database or a data frame takes.
        text = json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
        return _Held(moment, columns.record_id(record), text) if len(text) <= LONGEST_RECORD else None
    except (MlcError, ValueError, TypeError, RecursionError):
        return None
