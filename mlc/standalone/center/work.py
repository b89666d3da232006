"""What is still to be done about entities, and which centre is at it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, or_, select, update

from mlc.standalone.center.files.store import Transaction
from mlc.standalone.center.listings import as_document
from mlc.standalone.center.tables import ENTITY, JsonObject, stamp
from mlc.standalone.database.statements import now_ms


class Work:
    """Of all centres on one database. Blocking.

    Args:
        reading: the database, to be read.
        write: a transaction in it that writes.
    """

    def __init__(self, reading: Engine, write: Transaction) -> None:
        self._reading = reading
        self._write = write

    def pending(self, what: str, *, quiet: timedelta | None = None, limit: int = 1000) -> list[JsonObject]:
        """The oldest entities about which ``what`` is to be done, and nobody does it; see :meth:`claim`.

        ``quiet``: those only that haven't changed for so long.
        """
        with self._reading.connect() as connection:
            conditions = [
                ENTITY.c.pending == what,
                or_(ENTITY.c.claimed_until.is_(None), ENTITY.c.claimed_until < now_ms(connection)),
            ]
            if quiet is not None:
                conditions.append(ENTITY.c.modified <= stamp(datetime.now(UTC) - quiet))
            chosen = select(ENTITY.c.body, ENTITY.c.version).where(*conditions).order_by(ENTITY.c.seq).limit(limit)
            return [as_document(*row) for row in connection.execute(chosen)]

    def claim(self, entity_id: str, what: str, span: timedelta) -> JsonObject | None:
        """Take upon oneself what is pending about an entity, for a time; the entity as it is now.

        None: another centre is at it, or has done it. If that one dies, the next one takes over after ``span``.
        """
        with self._write() as connection:
            now = now_ms(connection)
            free = or_(ENTITY.c.claimed_until.is_(None), ENTITY.c.claimed_until < now)
            until = now + span // timedelta(milliseconds=1)
            claimed = connection.execute(
                update(ENTITY)
                .where(ENTITY.c.id == entity_id, ENTITY.c.pending == what, free)
                .values(claimed_until=until)
                .returning(ENTITY.c.body, ENTITY.c.version)
            ).first()
            return None if claimed is None else as_document(*claimed)

    def release(self, entity_id: str, what: str) -> None:
        """Leave to others what could not be done about an entity."""
        with self._write() as connection:
            connection.execute(
                update(ENTITY).where(ENTITY.c.id == entity_id, ENTITY.c.pending == what).values(claimed_until=None)
            )

    def settled(self, entity_id: str, what: str) -> None:
        """Note that nothing is left to be done about an entity. Not a change that others see."""
        with self._write() as connection:
            connection.execute(
                update(ENTITY)
                .where(ENTITY.c.id == entity_id, ENTITY.c.pending == what)
                .values(pending=None, claimed_until=None)
            )
