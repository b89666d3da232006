"""What people did to a Jira ticket, and who they are: the edits of its changelog, and its comments."""

from typing import Annotated, Generic, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field

from mlc.ticketing.jira.lenient import LONG_AGO, Json, Moment

NOBODY = {"unknown", "anonymous", ""}
"""Accounts that stand for whoever has none, or none any more."""


class User(Json):
    """Cloud knows people by ``accountId``, Data Center by ``name`` and ``key``."""

    account_id: str | None = None
    account_type: str | None = None
    name: str | None = None
    key: str | None = None
    display_name: str | None = None
    email_address: str | None = None
    locale: str | None = None

    def person(self) -> str | None:
        """The account of one person, by which two mentions of them can be matched.

        None for an app, and for former and anonymous users, of whom all have the same one.
        """
        account = self.account_id or self.key or self.name or ""
        if account.strip().casefold() in NOBODY or self.account_type in {"app", "unknown"}:
            return None
        return account

    def shown(self) -> str:
        """Name and account, since display names are neither unique nor fixed."""
        account = self.email_address or self.name or self.account_id
        return f"{self.display_name} ({account})" if self.display_name and account else account or "somebody unknown"


class Change(Json):
    """A field's change. ``fieldId`` is Cloud's; a field that people made has the ``fieldtype`` custom."""

    field: str
    fieldtype: str | None = Field(None, validation_alias="fieldtype")
    field_id: str | None = None
    from_: str | None = Field(None, validation_alias="from")
    from_string: str | None = None
    to: str | None = None
    to_string: str | None = None

    def is_one(self) -> bool:
        """A transition that leads back to its own status is none."""
        return self.to != self.from_ if self.to is not None else self.to_string != self.from_string


class History(Json):
    """One edit of a ticket. ``author`` is missing for deleted and anonymous users."""

    id: str = ""
    created: Moment
    author: User | None = None
    items: list[Change] = []

    @property
    def mark(self) -> str:
        """Tells it from the others on a ticket."""
        return self.id or f"{self.created} {self.items}"

    @property
    def number(self) -> int:
        """Tells edits of the same moment apart."""
        return int(self.id) if self.id.isdecimal() else 0

    def changes(self, field: str) -> list[Change]:
        """What it did to one of Jira's own fields; people may have made others of the same name."""
        own = (c for c in self.items if c.field == field and c.fieldtype != "custom" and c.field_id in {None, field})
        return [change for change in own if change.is_one()]

    def takes_elsewhere(self) -> bool:
        """Whether it moved the ticket to another project or workflow: its status then only follows."""
        return any(c.field in {"project", "Key", "Workflow"} and c.fieldtype != "custom" for c in self.items)


class Comment(Json):
    id: str = ""
    body: Annotated[str, BeforeValidator(lambda body: body if isinstance(body, str) else "")] = ""
    created: Moment = LONG_AGO
    author: User | None = None
    update_author: User | None = None

    @property
    def mark(self) -> str:
        """Tells it from the others on a ticket."""
        return self.id or f"{self.created} {self.body}"

    def written_by(self) -> str | None:
        """The one person who wrote it as it stands; None if somebody else changed it."""
        author = self.author.person() if self.author else None
        return author if self.update_author is None or self.update_author.person() == author else None


Entry = TypeVar("Entry", History, Comment)


class Page(Json, Generic[Entry]):
    """A part of a list that is counted from ``startAt``: of a changelog, of comments."""

    listed: list[Entry] = Field(validation_alias=AliasChoices("histories", "values", "comments"))
    start_at: int = 0
    max_results: int | None = None
    total: int | None = None
    is_last: bool | None = None

    def is_last_from(self, start: int) -> bool:
        """Whether nothing comes after it, if ``start`` entries came before."""
        if self.is_last or not self.listed:
            return True
        if self.total is not None:
            return start + len(self.listed) >= self.total
        return self.is_last is None and (not self.max_results or len(self.listed) < self.max_results)

    def is_whole(self) -> bool:
        """Whether it is all there is. Data Center gives all without being asked, and a Jira may count nothing."""
        if self.is_last is not None:
            return self.is_last
        if self.total is not None:
            return len(self.listed) >= self.total
        return not self.max_results or len(self.listed) < self.max_results
