"""The centre's tables. How a database comes to have them is in :mod:`mlc.standalone.database`."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Table, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

JsonObject = dict[str, Any]

FOUND_BY = ("name", "model_id", "snapshot_id", "engine_id", "status")
"""Columns by which there are listings: each has indices in the orders of creation and of change, and kept counts."""


def stamp(moment: datetime) -> str:
    """How moments stand in documents and columns, which are compared as text."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class Base(DeclarativeBase):
    pass


def _where(column: str) -> dict[str, Any]:
    """An index of the rows that have a value only."""
    condition = text(f"{column} IS NOT NULL")
    return {"sqlite_where": condition, "postgresql_where": condition}


class Row(Base):
    """One entity. ``seq`` orders what was created in the same microsecond."""

    __tablename__ = "entity"

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String, unique=True)
    kind: Mapped[str]
    created: Mapped[str]
    modified: Mapped[str]
    version: Mapped[int]
    name: Mapped[str | None]
    model_id: Mapped[str | None]
    snapshot_id: Mapped[str | None]
    engine_id: Mapped[str | None]
    key: Mapped[str | None]
    status: Mapped[str | None]
    pending: Mapped[str | None]
    """What the centre still has to do about it (``Kind.pending``)."""
    claimed_until: Mapped[int | None] = mapped_column(BigInteger)
    """Until when a centre does so, in milliseconds since 1970: others leave it alone, and take over afterwards."""
    body: Mapped[JsonObject] = mapped_column(JSON)

    __table_args__ = (
        Index("entity_created", "kind", "created", "seq"),
        Index("entity_modified", "kind", "modified", "seq"),
        Index("entity_pending", "pending", "seq", **_where("pending")),
        Index("entity_key", "kind", "key", unique=True),  # exactly once, whoever creates it, and however often
        *(Index(f"entity_by_{column}", "kind", column, "created", "seq", **_where(column)) for column in FOUND_BY),
        *(Index(f"entity_by_{c}_changed", "kind", c, "modified", "seq", **_where(c)) for c in FOUND_BY),
    )


class Count(Base):
    """How many entities of a kind there are: of all (``field`` and ``value`` are empty), or of a value of a column."""

    __tablename__ = "entity_count"

    kind: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    total: Mapped[int] = mapped_column(BigInteger)


ENTITY, COUNT = (cast(Table, mapped.__table__) for mapped in (Row, Count))
"""The same tables without SQLAlchemy's ORM: half of what a request cost was its work, of which nothing was needed."""
