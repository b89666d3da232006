"""The table of truth, in the centre's database. The last time wins, in whatever order and from wherever it comes."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, String, and_, delete, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from mlc.model.truth import COLUMNS, KeptTruth, Truth, as_csv
from mlc.standalone.center.tables import Base, stamp
from mlc.standalone.database.statements import insertion

AT_ONCE = 10_000
"""Rows that are read at once."""
_FEW = 500


class KnownTruth(Base):
    """The truth of one record. Models' ids and identifiers are texts; ``label`` is JSON."""

    __tablename__ = "truth"

    model: Mapped[str] = mapped_column(String, primary_key=True)
    identifier: Mapped[str] = mapped_column(String, primary_key=True)
    label: Mapped[str] = mapped_column(String)
    time: Mapped[str] = mapped_column(String)
    version: Mapped[int]
    """1 of what is new; one more each time that it is replaced."""


def keep(connection: Connection, model: str, rows: Sequence[Truth]) -> KeptTruth:
    """Keep truth of a model, in one transaction.

    Which of two is the later one is decided where the row is written, so that two senders at once, and two centres on
    one database, come to the same. Of equal times the one that arrives later is right.
    """
    last: dict[str, Truth] = {}
    for row in rows:
        if row.identifier not in last or row.time >= last[row.identifier].time:
            last[row.identifier] = row
    values = [
        {"model": model, "identifier": row.identifier, "label": row.label, "time": stamp(row.time), "version": 1}
        for _, row in sorted(last.items())  # in one order, so that no two senders wait for each other
    ]
    if not values:
        return KeptTruth()
    insert = insertion(connection, KnownTruth)
    given = insert.excluded
    is_later = or_(given.time > KnownTruth.time, and_(given.time == KnownTruth.time, given.label != KnownTruth.label))
    upsert = insert.on_conflict_do_update(
        index_elements=["model", "identifier"],
        set_={"label": given.label, "time": given.time, "version": KnownTruth.version + 1},
        where=is_later,
    ).returning(KnownTruth.identifier, KnownTruth.version)
    written = {row.identifier: row.version for row in connection.execute(upsert, values)}
    left = [each for each in values if each["identifier"] not in written]
    same = _same(connection, model, left)
    new = sum(version == 1 for version in written.values())
    return KeptTruth(new, len(written) - new, len(rows) - len(written) - same, same)


def _same(connection: Connection, model: str, left: Sequence[dict[str, Any]]) -> int:
    """How many of those that were not written are known as they are."""
    same = 0
    for start in range(0, len(left), _FEW):
        some = {each["identifier"]: (each["label"], each["time"]) for each in left[start : start + _FEW]}
        asked = select(KnownTruth.identifier, KnownTruth.label, KnownTruth.time).where(
            KnownTruth.model == model, KnownTruth.identifier.in_(some)
        )
        same += sum(some[identifier] == (label, time) for identifier, label, time in connection.execute(asked))
    return same


def forget(connection: Connection, model: str, identifier: str | None = None) -> int:
    """Forget the truth of one record, or all that is known of a model; returns how many there were."""
    gone = delete(KnownTruth).where(KnownTruth.model == model)
    if identifier is not None:
        gone = gone.where(KnownTruth.identifier == identifier)
    return connection.execute(gone).rowcount


def is_known(connection: Connection, model: str) -> bool:
    """Whether there is any truth of a model."""
    return connection.scalar(select(KnownTruth.identifier).where(KnownTruth.model == model).limit(1)) is not None


def lines(connection: Connection, model: str) -> Iterator[bytes]:
    """All truth of a model as CSV, in the order of identifiers, some thousand rows at a time; the first is the header.

    What it reads is of one moment if the transaction is so.
    """
    yield as_csv([COLUMNS])
    last: str | None = None
    while True:
        asked = select(KnownTruth.identifier, KnownTruth.label, KnownTruth.time).where(KnownTruth.model == model)
        if last is not None:
            asked = asked.where(KnownTruth.identifier > last)
        rows = connection.execute(asked.order_by(KnownTruth.identifier).limit(AT_ONCE)).all()
        if not rows:
            return
        yield as_csv([(identifier, label, time) for identifier, label, time in rows])
        last = rows[-1].identifier
