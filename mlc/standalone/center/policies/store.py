"""Policies in the centre's database. Texts and history only grow: a run may have used any of them."""

import hashlib
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Connection, Integer, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from mlc.model.kept_policy import KeptPolicy, PolicyRef
from mlc.standalone.center.files.store import Transaction
from mlc.standalone.center.tables import Base, stamp
from mlc.standalone.database.statements import insertion, one_at_a_time


class PolicyText(Base):
    """A policy, by the SHA-256 of its text."""

    __tablename__ = "policy"

    sha256: Mapped[str] = mapped_column(String, primary_key=True)
    text: Mapped[str] = mapped_column(String)


class PolicyPut(Base):
    """That a policy became the current one: it is, until the next ``seq``."""

    __tablename__ = "policy_put"

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    sha256: Mapped[str] = mapped_column(String)
    put_at: Mapped[str] = mapped_column(String)
    put_by: Mapped[str] = mapped_column(String)


_HISTORY = select(PolicyPut.sha256, PolicyPut.put_at, PolicyPut.put_by).order_by(PolicyPut.seq.desc())


class PolicyStore:
    """Blocking: call it on a thread.

    Args:
        write: a transaction in the centre's database that writes.
        read: one that reads.
    """

    def __init__(self, *, write: Transaction, read: Transaction) -> None:
        self._write = write
        self._read = read

    def put(self, text: str, by: str) -> tuple[PolicyRef, bool]:
        """Make a policy, which can be read as one, the current one; False if it is that already.

        Of several at once each is put after the other: the last one's is current then.
        """
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        with self._write() as connection:
            one_at_a_time(connection, PolicyPut)
            last = _last(connection)
            if last is not None and last.sha256 == sha256:
                return last, False
            now = max(stamp(datetime.now(UTC)), stamp(last.put_at) if last else "")  # also where a clock was set back
            row = {"sha256": sha256, "put_at": now, "put_by": by}
            connection.execute(
                insertion(connection, PolicyText).values(sha256=sha256, text=text).on_conflict_do_nothing()
            )
            connection.execute(insert(PolicyPut), row)
            return PolicyRef.model_validate(row), True

    def policy(self, sha256: str | None = None) -> KeptPolicy | None:
        """The policy of a hash, or the current one; None if there is none."""
        with self._read() as connection:
            last = _last(connection, sha256)
            if last is None:
                return None
            text = connection.scalar(select(PolicyText.text).where(PolicyText.sha256 == last.sha256))
            return KeptPolicy(**last.model_dump(), text=str(text))

    def history(self) -> list[PolicyRef]:
        """What was current since when, newest first."""
        with self._read() as connection:
            return [PolicyRef.model_validate(row) for row in connection.execute(_HISTORY).mappings()]


def _last(connection: Connection, sha256: str | None = None) -> PolicyRef | None:
    asked = _HISTORY if sha256 is None else _HISTORY.where(PolicyPut.sha256 == sha256)
    row = connection.execute(asked.limit(1)).mappings().first()
    return None if row is None else PolicyRef.model_validate(row)
