"""Jira: reachable, and a project in which our questions can be asked and answered."""

from collections.abc import Callable, Iterator

from mlc.model.address import origin
from mlc.model.failure import ExternalError, Misdirected, NotFound, Refused
from mlc.model.finding import TIME_LIMIT, Finding, good, listed, said, sentence, unchecked, warning, wrong
from mlc.ticketing.jira.check_names import check_language, check_resolutions
from mlc.ticketing.jira.check_statuses import check_statuses
from mlc.ticketing.jira.edits import User
from mlc.ticketing.jira.reader import JiraReader, date_field
from mlc.ticketing.jira.session import JiraSession
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import CreateField, CreateFields, IssueType, IssueTypes, Permissions, SeenProject
from mlc.ticketing.names import folded

NEEDED = {
    "BROWSE_PROJECTS": "read tickets",
    "CREATE_ISSUES": "create tickets",
    "ADD_COMMENTS": "comment",
}
"""Permissions without which a process stands still, and what for."""
WANTED = {
    "CREATE_ATTACHMENTS": "attach long results",
    "LINK_ISSUES": "link the run",
    "TRANSITION_ISSUES": "withdraw tickets",
}
"""Permissions without which a ticket says less, or stays open when nobody needs its answer."""
SENT = {"summary", "description", "labels", "project", "issuetype"}
"""The fields that a ticket is created with."""


def findings(settings: JiraSettings) -> Iterator[Finding]:
    """Findings about a Jira that is set up."""
    place, project = origin(settings.url or ""), settings.project
    settings = _quick(settings)
    try:
        jira = JiraSession(settings)
    except Refused as error:
        yield wrong("Jira's address is none", sentence(error))
        return
    try:
        me = _who(jira)
    except Misdirected as error:
        yield wrong(f"Jira does not answer at {place}", sentence(error))
        return
    except NotFound as error:
        yield wrong(f"There is no Jira at {place}", f"{said(error)}: correct MLC_JIRA_URL.")
        return
    except Refused as error:
        yield wrong(f"Jira at {place} does not let us in", f"{said(error)}: correct MLC_JIRA_USER and MLC_JIRA_TOKEN.")
        return
    except ExternalError as error:
        yield wrong(f"Jira can't be reached at {place}", f"{said(error)}: start it, or correct MLC_JIRA_URL.")
        return
    yield good(f"Jira at {place} knows us as {me.shown()}")
    try:
        jira.get(f"show the project {project}", f"project/{project}", SeenProject.model_validate)
    except ExternalError as error:
        yield wrong(
            f"The project {project} can't be seen",
            f"{said(error)}: correct MLC_JIRA_PROJECT, or let the account browse it.",
        )
        return
    yield good(f"Project {project} is there")
    for look in (_permissions, _issue_type, check_resolutions, check_language, check_statuses):
        yield from _survived(look, jira, settings)


def knock(settings: JiraSettings) -> None:
    """Ask who we are.

    Raises:
        ExternalError: what comes of it.
    """
    _who(JiraSession(_quick(settings)))


def _quick(settings: JiraSettings) -> JiraSettings:
    return settings.model_copy(update={"timeout": min(settings.timeout, TIME_LIMIT)})


def _who(jira: JiraSession) -> User:
    return jira.get("tell who we are", "myself", User.model_validate)


def _survived(
    look: Callable[[JiraSession, JiraSettings], Iterator[Finding]], jira: JiraSession, settings: JiraSettings
) -> Iterator[Finding]:
    """What a look finds; if Jira fails in the middle of it, that, so that the next one is taken all the same."""
    try:
        yield from look(jira, settings)
    except ExternalError as error:
        yield wrong("Jira could not tell", sentence(error))


def _permissions(jira: JiraSession, settings: JiraSettings) -> Iterator[Finding]:
    asked = {"projectKey": settings.project, "permissions": ",".join(NEEDED | WANTED)}
    given = jira.get("list our permissions", "mypermissions", Permissions.model_validate, **asked).permissions
    lacking = [key for key in NEEDED | WANTED if key not in given or not given[key].have_permission]
    for key in lacking:
        finding = wrong if key in NEEDED else warning
        yield finding(f"The account may not {(NEEDED | WANTED)[key]}", f"give it the permission {key} in the project.")
    if not lacking:
        yield good(f"The account may {listed(list((NEEDED | WANTED).values()))}")


def _issue_type(jira: JiraSession, settings: JiraSettings) -> Iterator[Finding]:
    """The issue type, and what the screen on which tickets of it are made asks for."""
    path = f"issue/createmeta/{settings.project}/issuetypes"
    types = jira.get("list issue types", path, IssueTypes.model_validate, maxResults=200).listed
    wanted = folded(settings.issue_type)
    kind: IssueType | None = next((kind for kind in types if folded(kind.name) == wanted), None)
    if kind is None:
        yield wrong(
            f"The project has no issue type {settings.issue_type} for us",
            f"set MLC_JIRA_ISSUE_TYPE to one of: {listed([kind.name for kind in types])}.",
        )
        screen = None
    else:
        screen = jira.get("list a ticket's fields", f"{path}/{kind.id}", CreateFields.model_validate, maxResults=200)
        yield from _screen(screen.listed, settings)
    yield from _expiration(jira, settings, screen.listed if screen else None)


def _screen(screen: list[CreateField], settings: JiraSettings) -> Iterator[Finding]:
    kind, on_it = settings.issue_type, {field.field_id for field in screen}
    absent = sorted(SENT - on_it)
    demanded = [f.name for f in screen if f.required and not f.has_default_value and f.field_id not in SENT]
    if absent:
        yield wrong(f"The create screen of {kind} lacks {listed(absent)}", "put it there: every ticket sets it.")
    if demanded:
        yield wrong(
            f"The create screen of {kind} requires {listed(demanded)}",
            "make it optional or give it a default: no ticket of ours sets it.",
        )
    if not absent and not demanded:
        yield good(f"Issue type {kind} can be created with what our tickets say")


def _expiration(jira: JiraSession, settings: JiraSettings, screen: list[CreateField] | None) -> Iterator[Finding]:
    """The field by which a reviewer says until when an approval counts."""
    wanted = settings.expiration_field
    fields = JiraReader(jira, settings).fields()
    try:
        found = date_field(fields, wanted)
    except Refused as error:
        yield wrong(f"The field {wanted} is not clear", sentence(error))
        return
    field = next((field for field in fields if field.id == found), None)
    if field is None:
        if wanted.startswith("customfield_"):
            yield wrong(f"Jira has no field {wanted}", "correct MLC_JIRA_EXPIRATION_FIELD.")
            return
        yield warning(
            f"Jira has no field {wanted!r}", "approvals last a year; add a date field of that name if they should not."
        )
    elif field.value is None or field.value.type not in {"date", "datetime"}:
        yield warning(f"The field {wanted} ({field.id}) is not for dates", "make it a date picker, so that it is one.")
    elif screen is None:
        yield unchecked(f"The field {wanted} ({field.id}) is for dates", "which screens it is on was not checked.")
    elif field.id not in {shown.field_id for shown in screen}:
        yield warning(
            f"The field {wanted} ({field.id}) is not on the create screen of {settings.issue_type}",
            "make sure that it is on the edit screen, where the reviewer fills it in.",
        )
    else:
        yield good(f"The field {wanted} ({field.id}) is for dates and on the screen")
