"""Looking at the desk's database, and changing it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mlc.standalone.desk.outbox import Outbox


class Sessions:
    """What the tickets of both systems have in common."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._writing = engine
        self._reading = engine.execution_options(reads_only=True)
        self._outbox = outbox

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to look only."""
        with Session(self._reading) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are committed at the end, with their webhooks, which are then sent."""
        with Session(self._writing, expire_on_commit=False) as session:
            yield session
            session.commit()
        self._outbox.wake()
