"""Which values of ServiceNow's fields answer our questions, and whether there are such values."""

from collections.abc import Iterator, Mapping

from mlc.model.failure import Refused
from mlc.model.finding import Finding, good, listed, unchecked, wrong
from mlc.ticketing.names import is_listed
from mlc.ticketing.servicenow.session import ServiceNowSession
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.text import safe

Labels = Mapping[str, dict[str, str]]
"""Of the values of a field, by language."""


def check_answers(session: ServiceNowSession, settings: ServiceNowSettings, table: str) -> Iterator[Finding]:
    """Findings about the choices of the fields by which a table's tickets are answered and withdrawn."""
    approval = table == settings.table
    field = settings.decision_field if approval else "close_code"
    settings_of = {
        "yes": ("APPROVED_VALUES", settings.approved_values)
        if approval
        else ("APPROVED_CODES", settings.approved_codes),
        "no": ("REJECTED_VALUES", settings.rejected_values)
        if approval
        else ("REJECTED_CODES", settings.rejected_codes),
    }
    language = _language(session, settings)
    if approval and language:
        yield good(f"The account's language is {language}")
    labels = _labels(session, table, field)
    choices = _seen(labels, language)
    if not choices:
        yield unchecked(f"The values of {field} in {table}", "the account sees no choices of it (sys_choice).")
    for meaning, (setting, values) in settings_of.items() if choices else ():
        meant = _meant(choices, values)
        if meant:
            yield good(f"In {table} {field} means {meaning}: {listed(meant)}")
        else:
            remedy = f"set MLC_SERVICENOW_{setting} to some of: {listed(list(choices.values()))}"
            remedy += _elsewhere(labels, language, values)
            yield wrong(f"No value of {field} in {table} means {meaning}", remedy)
    if not approval and (neither := _neither(choices, [*settings.approved_codes, *settings.rejected_codes])):
        yield good(f"Resolution codes of {table} on neither list, with which a ticket stays a question: {neither}")
    labels = _labels(session, table, "state")
    states = _seen(labels, language)
    prefix = "" if approval else "INCIDENT_"
    withdrawn = settings.withdrawn_state if approval else settings.incident_withdrawn_state
    closed = settings.closed_states if approval else settings.incident_closed_states
    for what, setting, values in (
        ("closed", f"{prefix}CLOSED_STATES", closed),
        ("withdrawn", f"{prefix}WITHDRAWN_STATE", [withdrawn]),
    ):
        meant = _meant(states, values)
        if meant:
            yield good(f"In {table} a ticket is {what} as: {listed(meant)}")
        elif states:
            named = listed([f"{value} ({label})" for value, label in states.items()])
            remedy = f"set MLC_SERVICENOW_{setting} to one of: {named}{_elsewhere(labels, language, values)}"
            yield wrong(f"No state of {table} means {what}", remedy)


def _language(session: ServiceNowSession, settings: ServiceNowSettings) -> str:
    """The account's language, such as ``de``; empty if it can't be told, as of an OAuth client."""
    try:
        query = f"user_name={safe(settings.user or '')}"
        rows = session.rows("tell who we are", "/table/sys_user", query, ["user_name", "preferred_language"]).rows
    except Refused:
        return ""
    ours = (row for row in rows if row.value("user_name") == settings.user)
    return next((row.value("preferred_language") for row in ours), "")


def _labels(session: ServiceNowSession, table: str, field: str) -> Labels:
    """What people see of a field's values; those of the table itself, if it has any, else those of all tasks."""
    query = f"nameIN{table},task^element={field}^inactive=false"
    fields = ["name", "element", "value", "label", "language"]
    rows = session.rows("list choices", "/table/sys_choice", query, fields, limit=1000).rows
    by_table: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        if row.value("element") == field:
            labels = by_table.setdefault(row.value("name"), {}).setdefault(row.value("language"), {})
            labels[row.value("value")] = row.value("label")
    return by_table.get(table) or by_table.get("task") or {}


def _seen(labels: Labels, language: str) -> dict[str, str]:
    """The labels that the account sees: those of its language, or else English ones."""
    seen: dict[str, str] = {}
    for known in (*labels, "en", language):
        seen |= labels.get(known, {})
    return seen


def _elsewhere(labels: Labels, language: str, values: list[str]) -> str:
    """The end of a remedy: that the settings hold labels, but of another language than the account's."""
    others = [other for other in labels if other != language and _meant(labels[other], values)]
    if not others:
        return "."
    return f"; now it holds labels in {listed(others)}, and the account's language is {language or 'another one'}."


def _meant(choices: dict[str, str], values: list[str]) -> list[str]:
    return [label for value, label in choices.items() if is_listed(values, value, label)]


def _neither(choices: dict[str, str], values: list[str]) -> str:
    """Choices that no list has, with their values where people see others; empty if there are none."""
    unknown = {value: label for value, label in choices.items() if not is_listed(values, value, label)}
    named = [label if value == label else f"{label} ({value})" for value, label in unknown.items()]
    return listed(named, most=100) if named else ""
