"""The parts of Jira's JSON (REST v2) that the adapter reads."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field, RootModel, WrapValidator

from mlc.ticketing.jira.edits import History, Page
from mlc.ticketing.jira.lenient import ID, Id, Json, fits, or_none, usable


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
    changelog: Annotated[Page[History] | None, WrapValidator(or_none)] = None


class SearchPage(Json):
    """A page of a search: Cloud ends it without ``nextPageToken``, Data Center counts to ``total``."""

    issues: list[Issue]
    next_page_token: str | None = None
    is_last: bool | None = None
    total: int | None = None
    unread: list[str] = []
    """Keys of tickets that can't be read, on a page that was ``readable`` all the same."""

    @classmethod
    def readable(cls, given: Any) -> Self:
        """A page without the tickets that can't be read, which spoil no other.

        Raises:
            ValueError: it is no page of a search.
        """
        issues = given.get("issues") if isinstance(given, dict) else None
        if not isinstance(issues, list):
            return cls.model_validate(given)
        page = cls.model_validate(given | {"issues": [issue for issue in issues if fits(Issue, issue)]})
        return page.model_copy(update={"unread": [_key_of(issue) for issue in issues if not fits(Issue, issue)]})


def _key_of(issue: Any) -> str:
    key = issue.get("key") if isinstance(issue, dict) else None
    return key if isinstance(key, str) and re.fullmatch(ID, key) else "a ticket without a key"


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
    return {name: field for name, field in shown.items() if fits(ScreenField, field)}


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
