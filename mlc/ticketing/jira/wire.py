"""The parts of Jira's JSON (REST v2) that the adapter reads."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]
"""A time; in UTC if it doesn't say where, so that any two can be compared."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Json(BaseModel):
    """Base: camelCase on the wire; fields not named here are ignored, null is absent, and an id may be a number."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True, coerce_numbers_to_str=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {name: part for name, part in given.items() if part is not None} if isinstance(given, dict) else given


def usable(kind: type[BaseModel]) -> BeforeValidator:
    """For a list of which each item counts alone: one that can't be read is left out, and spoils nothing else."""

    def read(items: Any) -> Any:
        return [item for item in items if _fits(kind, item)] if isinstance(items, list) else items

    return BeforeValidator(read)


def _or_none(given: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(given)
    except ValidationError:
        return None


def _fits(kind: type[BaseModel], item: Any) -> bool:
    try:
        kind.model_validate(item)
    except ValidationError:
        return False
    return True


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
"""An id or a key, which goes into paths."""


class StatusCategory(Json):
    key: str


class Status(Json):
    id: str
    name: str
    status_category: StatusCategory


class Resolution(Json):
    id: str = ""
    name: str


class Project(Json):
    """``simplified``: team-managed, where a resolution is set by itself whenever a ticket is closed."""

    simplified: bool | None = None


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


class Fields(Json):
    """The fields asked for; custom ones are kept in ``model_extra`` under their ids."""

    model_config = ConfigDict(extra="allow")

    status: Status
    resolution: Resolution | None = None
    project: Project | None = None
    updated: str = ""
    labels: list[str] = []


class Issue(Json):
    """A ticket. Of a changelog that can't be read the answer is no worse, only nobody's."""

    id: Id
    key: Id
    fields: Fields
    changelog: Annotated[Page[History] | None, WrapValidator(_or_none)] = None


class SearchPage(Json):
    """A page of a search: Cloud ends it without ``nextPageToken``, Data Center counts to ``total``."""

    issues: list[Issue]
    next_page_token: str | None = None
    is_last: bool | None = None
    total: int | None = None


class Attached(Json):
    filename: str


class AttachedFields(Json):
    attachment: list[Attached] = []


class AttachedIssue(Json):
    """An issue of which only the attachments were asked for."""

    fields: AttachedFields


class Property(Json):
    """An entity property: machine state on a ticket. What somebody has put in its place is none of ours."""

    value: Annotated[dict[str, Any], BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = {}


class Created(Json):
    id: Id
    key: Id


class SeenProject(Json):
    """A project that was asked for, and that we may see."""

    key: str


class Written(RootModel[dict[str, Any] | list[Any] | None]):
    """The answer to what was written, of which only this much is certain; it may be empty."""


class FieldSchema(Json):
    type: str = ""


class FieldMeta(Json):
    """A field of the site (not of a ticket). ``name`` is in the account's language, ``untranslatedName`` is not."""

    id: str
    name: str = ""
    untranslated_name: str | None = None
    clause_names: list[str] = []
    custom: bool = False
    value: FieldSchema | None = Field(None, alias="schema")


def _named(values: Any) -> list[dict[str, Any]]:
    """Most fields' values are objects with a name, some fields' are texts."""
    known = [value for value in values if isinstance(value, str | dict)] if isinstance(values, list) else []
    return [{"name": value} if isinstance(value, str) else value for value in known]


def _screen(fields: Any) -> dict[str, Any]:
    """The fields that can be read: if another one is required, Jira says so."""
    shown = fields if isinstance(fields, dict) else {}
    return {name: field for name, field in shown.items() if _fits(ScreenField, field)}


def _available(transitions: "list[Transition]") -> "list[Transition]":
    return [transition for transition in transitions if transition.is_available is not False]


class ScreenField(Json):
    """A field on a transition's screen."""

    name: str = ""
    required: bool | None = False
    has_default_value: bool | None = False
    allowed_values: Annotated[list[dict[str, Any]], BeforeValidator(_named)] = []

    def resolutions(self) -> list[Resolution]:
        """What it allows, where it is the resolution."""
        known = ({name: str(value.get(name) or "") for name in ("id", "name")} for value in self.allowed_values)
        return [Resolution.model_validate(one) for one in known]


class Transition(Json):
    id: Id
    to: Status
    is_available: bool | None = None
    fields: Annotated[dict[str, ScreenField], BeforeValidator(_screen)] = {}


class Transitions(Json):
    """What leads on from a status, as far as it can be used."""

    transitions: Annotated[list[Transition], usable(Transition), AfterValidator(_available)]


class IssueType(Json):
    """An issue type of a project; with its statuses where those were asked for."""

    id: str
    name: str
    statuses: list[Status] = []


class IssueTypes(Json):
    """Cloud names the list after what it holds, Data Center calls it ``values``."""

    listed: list[IssueType] = Field([], validation_alias=AliasChoices("issueTypes", "values"))


class CreateField(Json):
    """A field on the screen on which tickets of a type are created."""

    field_id: str
    name: str = ""
    required: bool = False
    has_default_value: bool = False


class CreateFields(Json):
    """The same as :class:`IssueTypes`, of fields."""

    listed: list[CreateField] = Field([], validation_alias=AliasChoices("fields", "values"))


class Permission(Json):
    have_permission: bool = False


class Permissions(Json):
    """What the account may do in a project, by Jira's names of permissions."""

    permissions: dict[str, Permission]


def moment(stated: str) -> datetime:
    """A time as Jira writes it, such as 2026-11-22T11:31:46.648+0000; the beginning of time if it can't be read."""
    try:
        found = datetime.fromisoformat(stated)
    except ValueError:
        return LONG_AGO
    return found if found.tzinfo else found.replace(tzinfo=UTC)
