"""ServiceNow: reachable, and tables in which our questions can be asked and answered."""

from collections.abc import Callable, Iterator

from mlc.model.address import origin
from mlc.model.failure import ExternalError, Misdirected, NotFound, Refused
from mlc.model.finding import TIME_LIMIT, Finding, good, listed, said, sentence, unchecked, warning, wrong
from mlc.ticketing.servicenow.check_choices import check_answers
from mlc.ticketing.servicenow.reader import APPROVALS, JOURNAL, ServiceNowReader
from mlc.ticketing.servicenow.session import ServiceNowSession
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.wire import Row

NO_REASONS = "decisions count without their reasons, and an approval against the test result can't count"


def findings(settings: ServiceNowSettings) -> Iterator[Finding]:
    """Findings about a ServiceNow that is set up."""
    settings = _quick(settings)
    try:
        session = ServiceNowSession(settings)
    except Refused as error:
        yield wrong("ServiceNow's address is none", sentence(error))
        return
    place = origin(settings.url or "")
    account = "correct MLC_SERVICENOW_USER and MLC_SERVICENOW_PASSWORD, or the OAuth client."
    try:
        _enter(session)
    except Misdirected as error:
        yield wrong(f"ServiceNow does not answer at {place}", sentence(error))
        return
    except NotFound as error:
        yield wrong(f"There is no ServiceNow at {place}", f"{said(error)}: correct MLC_SERVICENOW_URL.")
        return
    except Refused as error:
        if error.status == 401:
            yield wrong(f"ServiceNow at {place} does not let us in", f"{said(error)}: {account}")
            return
        if error.status != 403:  # else we are known, and may not see the users
            yield wrong(f"ServiceNow at {place} refuses what it is asked", sentence(error))
            return
    except ExternalError as error:
        yield wrong(
            f"ServiceNow can't be reached at {place}", f"{said(error)}: start it, or correct MLC_SERVICENOW_URL."
        )
        return
    yield good(f"ServiceNow at {place} lets us in")
    for table in settings.tables:
        for look in (_readable, _fields, _made_before, check_answers):
            yield from _survived(look, session, settings, table)
    yield from _survived(_approvals, session, settings, APPROVALS)
    yield from _survived(_said, session, settings, JOURNAL)


def knock(settings: ServiceNowSettings) -> None:
    """Ask for a user.

    Raises:
        ExternalError: what comes of it; not that we may not see any.
    """
    try:
        _enter(ServiceNowSession(_quick(settings)))
    except Refused as error:
        if error.status != 403:
            raise


def _quick(settings: ServiceNowSettings) -> ServiceNowSettings:
    return settings.model_copy(update={"timeout": min(settings.timeout, TIME_LIMIT)})


def _enter(session: ServiceNowSession) -> None:
    session.rows("let us in", "/table/sys_user", "", ["sys_id"], limit=1)


def _survived(
    look: Callable[[ServiceNowSession, ServiceNowSettings, str], Iterator[Finding]],
    session: ServiceNowSession,
    settings: ServiceNowSettings,
    table: str,
) -> Iterator[Finding]:
    """What a look finds; if ServiceNow fails in the middle of it, that, so that the next one is taken all the same."""
    try:
        yield from look(session, settings, table)
    except ExternalError as error:
        yield wrong(f"ServiceNow could not tell about {table}", sentence(error))


def _readable(session: ServiceNowSession, settings: ServiceNowSettings, table: str) -> Iterator[Finding]:
    setting = "MLC_SERVICENOW_TABLE" if table == settings.table else "MLC_SERVICENOW_INCIDENT_TABLE"
    try:
        ServiceNowReader(session, settings).see_table(table)
    except ExternalError as error:
        yield wrong(f"The table {table} can't be read", f"{said(error)}: correct {setting}, or the account's roles.")
        return
    yield good(f"The table {table} can be read")


def _fields(session: ServiceNowSession, settings: ServiceNowSettings, table: str) -> Iterator[Finding]:
    """The fields that a ticket is made and judged by."""
    approval = table == settings.table
    columns = ServiceNowReader(session, settings).columns(table)
    if columns is None:
        yield unchecked(f"The fields of {table}", "the account may not read sys_dictionary.")
        return
    needed = {"number", "short_description", "description", "state", settings.label_field, settings.comment_field}
    needed |= {settings.decision_field, *settings.fields} if approval else {"close_code", *settings.incident_fields}
    if absent := sorted(needed - columns.keys()):
        yield wrong(f"The table {table} has no field {listed(absent)}", "correct the names in MLC_SERVICENOW_*.")
    else:
        yield good(f"The table {table} has the fields that our tickets use")
    if not approval:
        return
    field = settings.expiration_field
    if field not in columns:
        yield warning(
            f"The table {table} has no field {field}",
            "approvals last a year; add a date field of that name, or set MLC_SERVICENOW_EXPIRATION_FIELD.",
        )
    elif columns[field] not in {"glide_date", "glide_date_time"}:
        yield warning(f"The field {field} is not for dates ({columns[field]})", "make it one for dates.")
    else:
        yield good(f"The field {field} is for dates")


def _made_before(session: ServiceNowSession, settings: ServiceNowSettings, table: str) -> Iterator[Finding]:
    """Whether tickets can be made can't be tried without making one; an earlier one shows that they could."""
    last = _last_made(session, settings, table)
    if last is not None:
        yield good(f"Tickets can be made in {table}: {last.value('number')} was, on {last.value('sys_created_on')} UTC")
    else:
        yield unchecked(
            f"Whether the account may make tickets in {table}",
            "ServiceNow tells only when one is made; it needs a role such as itil or sn_change_write.",
        )


def _last_made(session: ServiceNowSession, settings: ServiceNowSettings, table: str) -> Row | None:
    query = f"{settings.label_field}STARTSWITHgov-^ORDERBYDESCsys_created_on"
    fields = ["sys_id", "number", "sys_created_on", settings.label_field]
    rows = session.rows("show our last ticket", f"/table/{table}", query, fields, limit=1).rows
    return next((row for row in rows if row.value(settings.label_field).startswith("gov-")), None)


def _approvals(session: ServiceNowSession, settings: ServiceNowSettings, table: str) -> Iterator[Finding]:
    try:
        ServiceNowReader(session, settings).see_table(table)
    except ExternalError as error:
        lost = "who approved, and why, stays unknown"
        yield warning(f"The table {table} can't be read", f"{said(error)}; {lost}: give the account a role that may.")
        return
    yield good(f"The table {table} can be read")


def _said(session: ServiceNowSession, settings: ServiceNowSettings, table: str) -> Iterator[Finding]:
    """What is said on tickets: shown by our last ones, since what the account may not see is left out unsaid."""
    reader = ServiceNowReader(session, settings)
    made = [(of, row.value("sys_id")) for of in settings.tables if (row := _last_made(session, settings, of))]
    problem = reader.journal([sys_id for _, sys_id in made]).problem if made else None
    if not made:
        try:
            reader.see_table(table)
        except ExternalError as error:
            problem = sentence(error)
    if problem is None:
        yield good(f"The table {table} can be read")
    elif made and not any(reader.shown_journal(of, sys_id) for of, sys_id in made):
        lost = f"comments can't be known again, so that some are repeated; {NO_REASONS}"
        yield wrong("What is said on tickets can't be read at all", f"{problem} Otherwise {lost}.")
    else:
        yield warning(f"The table {table} can't be read", f"{problem} Otherwise {NO_REASONS}.")
