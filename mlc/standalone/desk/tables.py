"""What the desk keeps. Times are milliseconds since 1970. How a database comes to have it: mlc.standalone.database."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column, relationship

_MOMENT = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[dict[str, Any]]: JSON}


def _issue() -> ForeignKey:
    return ForeignKey("issue.number", ondelete="CASCADE")


# Numbers of deleted rows are never given again: a new ticket under an old key would be taken for the old one.
_NEVER_AGAIN = {"sqlite_autoincrement": True}


class Label(Base):
    __tablename__ = "label"
    issue: Mapped[int] = mapped_column(_issue(), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True, index=True)


class Property(Base):
    __tablename__ = "property"
    issue: Mapped[int] = mapped_column(_issue(), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class Comment(Base):
    __tablename__ = "comment"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    issue: Mapped[int] = mapped_column(_issue(), index=True)
    author: Mapped[str]
    body: Mapped[str]
    created: Mapped[int] = mapped_column(_MOMENT)


class Attachment(Base):
    __tablename__ = "attachment"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    issue: Mapped[int] = mapped_column(_issue(), index=True)
    author: Mapped[str]
    filename: Mapped[str]
    mime_type: Mapped[str]
    size: Mapped[int]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    created: Mapped[int] = mapped_column(_MOMENT)


class RemoteLink(Base):
    __tablename__ = "remote_link"
    __table_args__ = (Index("remote_link_once", "issue", "global_id", unique=True), _NEVER_AGAIN)
    id: Mapped[int] = mapped_column(primary_key=True)
    issue: Mapped[int] = mapped_column(_issue(), index=True)
    global_id: Mapped[str | None]
    url: Mapped[str]
    title: Mapped[str]


class History(Base):
    """One edit: ``items`` as in Jira's changelog."""

    __tablename__ = "history"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    issue: Mapped[int] = mapped_column(_issue(), index=True)
    author: Mapped[str]
    created: Mapped[int] = mapped_column(_MOMENT)
    items: Mapped[list[dict[str, Any]]]


class Issue(Base):
    """``status`` is an id of the scheme's, ``resolution`` a name, ``expiration`` an ISO date."""

    __tablename__ = "issue"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(primary_key=True)
    issue_type: Mapped[str]
    summary: Mapped[str]
    description: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    resolution: Mapped[str | None]
    expiration: Mapped[str | None]
    reporter: Mapped[str]
    created: Mapped[int] = mapped_column(_MOMENT)
    updated: Mapped[int] = mapped_column(_MOMENT, index=True)

    labels: Mapped[list[Label]] = relationship(cascade="all, delete-orphan", order_by=Label.name, lazy="selectin")
    properties: Mapped[list[Property]] = relationship(cascade="all, delete-orphan")
    comments: Mapped[list[Comment]] = relationship(cascade="all, delete-orphan", order_by=Comment.id)
    attachments: Mapped[list[Attachment]] = relationship(cascade="all, delete-orphan", order_by=Attachment.id)
    links: Mapped[list[RemoteLink]] = relationship(cascade="all, delete-orphan", order_by=RemoteLink.id)
    histories: Mapped[list[History]] = relationship(cascade="all, delete-orphan", order_by=History.id)


class Record(Base):
    """A record of ServiceNow, of whatever table. ``fields`` holds what has no column of its own here.

    Times are texts in UTC, as ServiceNow's are. ``parent`` is the ``sys_id`` of the record that this one belongs to,
    ``standing`` the board's column of a task.
    """

    __tablename__ = "record"
    __table_args__ = (Index("record_number_once", "table", "number", unique=True), _NEVER_AGAIN)
    id: Mapped[int] = mapped_column(primary_key=True)
    table: Mapped[str] = mapped_column(index=True)
    sys_id: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str | None] = mapped_column(index=True)
    correlation_id: Mapped[str | None] = mapped_column(index=True)
    parent: Mapped[str | None] = mapped_column(index=True)
    standing: Mapped[str | None] = mapped_column(index=True)
    fields: Mapped[dict[str, Any]]
    sys_created_on: Mapped[str]
    sys_created_by: Mapped[str]
    sys_updated_on: Mapped[str]
    sys_updated_by: Mapped[str]
    sys_mod_count: Mapped[int]


class RecordFile(Base):
    """The content of an attachment of ServiceNow, under the attachment's ``sys_id``."""

    __tablename__ = "record_file"
    sys_id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))


class Counter(Base):
    """The last number given to a record of a table: none is given twice."""

    __tablename__ = "counter"
    table: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class Delivery(Base):
    """A webhook call still to be made (the outbox); written together with the change that it tells of."""

    __tablename__ = "delivery"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    identifier: Mapped[str]
    system: Mapped[str] = mapped_column(server_default="jira")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int]
    due: Mapped[int] = mapped_column(_MOMENT, index=True)
    """When to make it, or, while somebody makes it, when another one takes over."""
