"""Webhooks: written down with the change that they tell of, and sent until they arrive or Jira would give up."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from mlc.center.certificates import certificates
from mlc.standalone.database import reading
from mlc.standalone.desk.tables import Delivery

RETRY_DELAYS = (1.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before each further attempt. Jira makes as many, 5 to 15 minutes apart."""
_RETRIED = {408, 409, 425, 429}
_BATCH = 20
CLAIM = 30_000
"""Milliseconds after which another desk on the same database sends what one has begun to send: a call takes less."""
LOOK = 5.0
"""Seconds after which a desk looks for what another one has left behind."""

log = logging.getLogger(__name__)


def signature(secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature``, Jira's as well as ServiceNow's: an HMAC-SHA256 of the raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Target:
    """Where one system's changes are told, and with which secret they are signed."""

    url: str | None
    secret: str | None = None


@dataclass
class Mishaps:
    """What tests let happen on the way: the next so many deliveries are lost or come twice, or all are held back."""

    lose: int = 0
    duplicate: int = 0
    hold: bool = False
    reverse: bool = False
    """Send one after the other, the newest first."""


@dataclass
class Outbox:
    """Sends webhooks to each system's address; for a system without one, nothing is written down."""

    engine: Engine
    targets: Mapping[str, Target]
    delays: Sequence[float] = RETRY_DELAYS
    mishaps: Mishaps = field(default_factory=Mishaps)
    _loop: asyncio.AbstractEventLoop | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, session: Session, system: str, payload: Mapping[str, Any]) -> None:
        """Write a delivery down in the transaction of the change that it tells of."""
        if self._target(system).url:
            body = json.dumps(payload, ensure_ascii=False).encode()
            session.add(Delivery(identifier=str(uuid.uuid4()), system=system, body=body, attempts=0, due=_now()))

    def wake(self) -> None:
        """Look for something to send; from any thread."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    def pending(self) -> int:
        """Deliveries not made yet."""
        with Session(reading(self.engine)) as session:
            return session.scalar(select(func.count(Delivery.id))) or 0

    async def run(self) -> None:
        """Send until cancelled. What is left is sent by the next one."""
        if not any(target.url for target in self.targets.values()):
            return
        self._loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(
            timeout=httpx.Timeout(20, connect=5), trust_env=False, verify=certificates()
        ) as http:
            while True:
                self._woken.clear()
                due, wait = await asyncio.to_thread(self._due)
                if due and self.mishaps.reverse:
                    for delivery in reversed(due):
                        await self._deliver(http, delivery)
                elif due:
                    await asyncio.gather(*(self._deliver(http, delivery) for delivery in due))
                if due:
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), wait)

    def _due(self) -> tuple[list[Delivery], float]:
        """What to send now, and else how many seconds until there may be something."""
        if self.mishaps.hold:
            return [], 0.05
        with Session(reading(self.engine)) as session:
            first = session.scalar(select(func.min(Delivery.due)))
        now = _now()
        if first is None or first > now:
            return [], LOOK if first is None else min(max(0.01, (first - now) / 1000), LOOK)
        return self._claim(now), 0.05

    def _claim(self, now: int) -> list[Delivery]:
        """What is due, for this desk to send: should it die over it, it is due again in a while, for any."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            due = select(Delivery).where(Delivery.due <= now).order_by(Delivery.due, Delivery.id).limit(_BATCH)
            claimed = session.scalars(due.with_for_update(skip_locked=True)).all()
            for delivery in claimed:
                delivery.due = now + CLAIM
        return list(claimed)

    async def _deliver(self, http: httpx.AsyncClient, delivery: Delivery) -> None:
        try:
            arrived = await self._attempt(http, delivery)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._release, delivery)
            raise
        if arrived and self.mishaps.duplicate:
            self.mishaps.duplicate -= 1
            await self._attempt(http, delivery)
        await asyncio.to_thread(self._settle, delivery, arrived)

    async def _attempt(self, http: httpx.AsyncClient, delivery: Delivery) -> bool:
        """Make one call; True if there is nothing more to do: it arrived, or was refused for good."""
        if self.mishaps.lose:
            self.mishaps.lose -= 1
            return True
        target = self._target(delivery.system)
        if not target.url:  # the setting was taken away since
            return True
        headers = {"Content-Type": "application/json"} | _HEADERS[delivery.system](delivery)
        if target.secret:
            headers["X-Hub-Signature"] = signature(target.secret, delivery.body)
        try:
            answer = await http.post(target.url, content=delivery.body, headers=headers)
        except httpx.HTTPError as error:
            log.info("Webhook %s: %s", delivery.identifier, type(error).__name__)
            return False
        if answer.is_error:
            log.warning("Webhook %s was answered with %s", delivery.identifier, answer.status_code)
        return not (answer.status_code in _RETRIED or answer.status_code >= 500)

    def _release(self, delivery: Delivery) -> None:
        """Let the next desk send it at once."""
        with Session(self.engine) as session, session.begin():
            session.execute(update(Delivery).where(Delivery.id == delivery.id).values(due=_now()))

    def _settle(self, delivery: Delivery, done: bool) -> None:
        with Session(self.engine) as session:
            kept = session.get(Delivery, delivery.id)
            if kept is None:
                return
            if done or kept.attempts >= len(self.delays):
                session.delete(kept)
            else:
                kept.due = _now() + int(self.delays[kept.attempts] * 1000)
                kept.attempts += 1
            session.commit()

    def _target(self, system: str) -> Target:
        return self.targets.get(system, Target(None))


def _of_jira(delivery: Delivery) -> dict[str, str]:
    headers = {"X-Atlassian-Webhook-Identifier": delivery.identifier, "X-Atlassian-Webhook-Flow": "Primary"}
    if delivery.attempts:
        headers["X-Atlassian-Webhook-Retry"] = str(delivery.attempts)
    return headers


def _of_servicenow(delivery: Delivery) -> dict[str, str]:
    """ServiceNow has no webhooks of its own: this is what the script sends that the documentation gives to sites."""
    return {"X-MLC-Delivery": delivery.identifier}


_HEADERS = {"jira": _of_jira, "servicenow": _of_servicenow}


def _now() -> int:
    return time.time_ns() // 1_000_000
