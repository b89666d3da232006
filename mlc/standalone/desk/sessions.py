"""Looking at the desk's database, and changing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, Select
from sqlalchemy.orm import Session

from mlc.standalone.database import reading
from mlc.standalone.desk.outbox import Outbox

_WRITES = "writes"
_Selected = TypeVar("_Selected", bound=Select[Any])


class Sessions:
    """What the tickets of both systems have in common."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._writing = engine
        self._reading = reading(engine)
        self._outbox = outbox

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to look only."""
        with Session(self._reading) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are committed at the end, with their webhooks, which are then sent.

        Which ticket is changed is asked for by :func:`of_a_writer`: whoever else changes it waits, in any process.
        """
        with Session(self._writing, expire_on_commit=False, info={_WRITES: True}) as session:
            yield session
            session.commit()
        self._outbox.wake()


def writes(session: Session) -> bool:
    """Whether what a session reads is read to be changed."""
    return bool(session.info.get(_WRITES))


def of_a_writer(session: Session, chosen: _Selected) -> _Selected:
    """A statement that keeps the rows it finds for its session, if that one writes. (SQLite has one writer anyhow.)"""
    return chosen.with_for_update() if writes(session) else chosen
