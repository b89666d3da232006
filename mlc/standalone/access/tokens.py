"""Tokens of runtimes: random, told once, and kept as hashes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, Index, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from mlc.model.failure import MlcError
from mlc.standalone.access import random_tokens
from mlc.standalone.access.names import require_name
from mlc.standalone.database import reading

PREFIX = "mlcr_"
"""What every token of a runtime begins with."""
GRACE = timedelta(hours=1)
"""How long the token before the newest one is still taken: a runtime that runs a job must not lose it to a rotation."""
_NOTED_EVERY = timedelta(minutes=1)
"""A use is not written down again within this time: a runtime asks every second."""


class NoSuchToken(MlcError, LookupError):
    """The runtime has no token."""


class Base(DeclarativeBase):
    pass


class _Row(Base):
    """One token. ``replaced`` is when a newer one of its runtime was issued; None: it is the newest."""

    __tablename__ = "runtime_token"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    runtime: Mapped[str] = mapped_column(index=True)
    digest: Mapped[str] = mapped_column(unique=True)
    issued: Mapped[str]
    used: Mapped[str | None]
    replaced: Mapped[str | None]

    __table_args__ = (
        Index(  # whoever else issues one at the same moment
            "runtime_token_newest",
            "runtime",
            unique=True,
            sqlite_where=text("replaced IS NULL"),
            postgresql_where=text("replaced IS NULL"),
        ),
    )


@dataclass(frozen=True)
class Issued:
    """A token that was just issued: its text is told here, and never again.

    ``until`` is how long the one before it is still taken; None: there was none.
    """

    name: str
    token: str
    issued: datetime
    until: datetime | None


@dataclass(frozen=True)
class KnownToken:
    """What is known of a token: whose, since when, last used when (None: never), and taken until when (None: on)."""

    name: str
    issued: datetime
    used: datetime | None
    until: datetime | None


class RuntimeTokens:
    """Blocking: call it on a thread. At most two tokens of a runtime are taken: the newest, and for a while the last.

    Args:
        engine: of the centre's database, from :func:`~mlc.standalone.database.open_database`; its owner disposes of it.
        now: the clock.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now
        self._reading = reading(engine)

    def issue(self, name: str) -> Issued:
        """A new token for a runtime. The one before it is taken for ``GRACE`` more, all older ones no longer.

        Raises:
            BadName: a runtime can't have this name.
        """
        require_name(name)
        now, token = self._now(), random_tokens.made(PREFIX)
        while True:
            try:
                before = self._issue(name, token, now)
            except IntegrityError:  # another one was issued at this moment: that is the one before it
                continue
            return Issued(name, token, now, now + GRACE if before else None)

    def _issue(self, name: str, token: str, now: datetime) -> bool:
        """Write a new token down; whether there was one before it."""
        of_it = _Row.runtime == name
        with Session(self._engine) as session, session.begin():
            session.execute(delete(_Row).where(of_it, _Row.replaced.is_not(None)))
            replaced = session.execute(
                update(_Row).where(of_it, _Row.replaced.is_(None)).values(replaced=now.isoformat()).returning(_Row.id)
            ).all()
            session.execute(
                insert(_Row).values(runtime=name, digest=random_tokens.digest_of(token), issued=now.isoformat())
            )
        return bool(replaced)

    def known(self) -> list[KnownToken]:
        """Every token that is taken, by name, the newest of a runtime first."""
        with Session(self._reading) as session:
            rows = session.scalars(select(_Row).order_by(_Row.runtime, _Row.id.desc())).all()
            return [_known(row) for row in rows if self._is_taken(row)]

    def revoke(self, name: str) -> int:
        """End every token of a runtime, at once. How many there were.

        Raises:
            NoSuchToken: there was none.
        """
        with Session(self._engine) as session, session.begin():
            taken = sum(map(self._is_taken, session.scalars(select(_Row).where(_Row.runtime == name))))
            session.execute(delete(_Row).where(_Row.runtime == name))
        if not taken:
            raise NoSuchToken(f"No runtime {name[:100]!r} has a token; names are told apart by case.")
        return taken

    def runtime_of(self, token: str) -> str | None:
        """The runtime whose token this is; None if it is nobody's, or no longer. Its use is noted."""
        if not token.startswith(PREFIX):
            return None
        with Session(self._reading) as session:
            row = session.scalar(select(_Row).where(_Row.digest == random_tokens.digest_of(token)))
            if row is None or not self._is_taken(row):
                return None
            name, used = row.runtime, row.used
        self._note_use(random_tokens.digest_of(token), used)
        return name

    def _note_use(self, digest: str, before: str | None) -> None:
        now = self._now()
        if before is None or now - datetime.fromisoformat(before) >= _NOTED_EVERY:
            with Session(self._engine) as session, session.begin():
                session.execute(update(_Row).where(_Row.digest == digest).values(used=now.isoformat()))

    def _is_taken(self, row: _Row) -> bool:
        return row.replaced is None or self._now() < datetime.fromisoformat(row.replaced) + GRACE


def _known(row: _Row) -> KnownToken:
    moments = [None if text is None else datetime.fromisoformat(text) for text in (row.used, row.replaced)]
    used, replaced = moments
    return KnownToken(
        row.runtime, datetime.fromisoformat(row.issued), used, None if replaced is None else replaced + GRACE
    )
