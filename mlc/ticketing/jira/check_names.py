"""Whether a Jira's resolutions and the account's language fit the names in the settings."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import TypeAdapter

from mlc.model.finding import Finding, good, listed, unchecked, warning
from mlc.ticketing.jira.edits import User
from mlc.ticketing.jira.lenient import usable
from mlc.ticketing.jira.session import JiraSession
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import IssueType, Resolution, Status
from mlc.ticketing.names import folded, is_listed

LANGUAGE_OF_DEFAULTS = "en"

_types = TypeAdapter(list[IssueType]).validate_python
_resolutions = TypeAdapter(Annotated[list[Resolution], usable(Resolution)]).validate_python


def check_resolutions(jira: JiraSession, settings: JiraSettings) -> Iterator[Finding]:
    """What each resolution of the site makes of a ticket whose status means yes."""
    there = jira.get("list its resolutions", "resolution", _resolutions)
    yes = [r for r in there if is_listed(settings.approved_resolutions, r.name, r.id)]
    no = [r for r in there if is_listed(settings.rejected_resolutions, r.name, r.id)]
    neither = [r for r in there if r not in [*yes, *no]]
    if there and not yes:
        yield warning(
            "No resolution of the site means yes",
            "a ticket whose status means yes counts only without one; set MLC_JIRA_APPROVED_RESOLUTIONS to some of: "
            f"{_with_ids(there)}.",
        )
    elif yes:
        yield good(f"Resolutions that mean yes: {_with_ids(yes)}")
    if no:
        yield good(f"Resolutions that mean no: {_with_ids(no)}")
    if neither:
        yield good(f"Resolutions on neither list, with which a ticket stays a question: {_with_ids(neither, most=100)}")


def check_language(jira: JiraSession, settings: JiraSettings) -> Iterator[Finding]:
    """Jira shows names in its account's language: those of the settings have to be in the same one."""
    locale = jira.get("tell who we are", "myself", User.model_validate).locale
    types = jira.get("list its statuses", f"project/{settings.project}/statuses", _types)
    statuses = [s for kind in types if folded(kind.name) == folded(settings.issue_type) for s in kind.statuses]
    resolutions = jira.get("list its resolutions", "resolution", _resolutions)
    there: dict[str, Sequence[Status | Resolution]] = {"statuses": statuses, "resolutions": resolutions}
    strange = [
        name
        for name in ("approved_statuses", "rejected_statuses", "approved_resolutions", "rejected_resolutions")
        if _is_strange(getattr(settings, name), there[name.rpartition("_")[2]])
    ]
    shown = f"The account's language is {locale}"
    if locale is None:
        yield unchecked("The account's language", "Jira does not tell it.")
    elif strange and _foreign(locale, settings, strange):
        variables = listed([settings.variable(name) for name in strange])
        site = "; ".join(f"{what} {_with_ids(things)}" for what, things in there.items())
        yield warning(
            f"{shown}, in which Jira has nothing of {variables}",
            "give the account the language in which they are written, or write ids there, or the names in its "
            f"language: {site}.",
        )
    else:
        yield good(shown)


def _is_strange(names: Iterable[str], there: Sequence[Status | Resolution]) -> bool:
    """Whether a list has names, and the site none of them although it has others; an id that is there will do."""
    names = list(names)
    return bool(names and there) and not any(is_listed(names, thing.name, thing.id) for thing in there)


def _foreign(locale: str, settings: JiraSettings, strange: Iterable[str]) -> bool:
    """Whether names may be missing because of the language: the defaults are English, others may be anything."""
    is_english = locale.replace("-", "_").partition("_")[0].casefold() == LANGUAGE_OF_DEFAULTS
    defaults = type(settings).model_fields
    return not is_english or any(getattr(settings, name) != defaults[name].default for name in strange)


def _with_ids(things: Sequence[Status | Resolution], most: int = 12) -> str:
    return listed([f"{thing.name} ({thing.id})" for thing in things], most)
