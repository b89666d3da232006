"""Which values of ServiceNow's fields answer our questions, and whether there are such values."""

from collections.abc import Iterator

from mlc.model.finding import Finding, good, listed, unchecked, wrong
from mlc.ticketing.servicenow.session import ServiceNowSession
from mlc.ticketing.servicenow.settings import ServiceNowSettings


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
    choices = _choices(session, table, field)
    if not choices:
        yield unchecked(f"The values of {field} in {table}", "the account sees no choices of it (sys_choice).")
    for meaning, (setting, values) in settings_of.items() if choices else ():
        meant = _meant(choices, values)
        if meant:
            yield good(f"In {table} {field} means {meaning}: {listed(meant)}")
        else:
            remedy = f"set MLC_SERVICENOW_{setting} to some of: {listed(list(choices.values()))}."
            yield wrong(f"No value of {field} in {table} means {meaning}", remedy)
    states = _choices(session, table, "state")
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
            yield wrong(f"No state of {table} means {what}", f"set MLC_SERVICENOW_{setting} to one of: {named}.")


def _choices(session: ServiceNowSession, table: str, field: str) -> dict[str, str]:
    """Values and labels; those of the table itself, if it has any, else those of all tasks."""
    query = f"nameIN{table},task^element={field}^inactive=false"
    fields = ["name", "element", "value", "label"]
    rows = session.rows("list choices", "/table/sys_choice", query, fields, limit=1000).rows
    by_table: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.value("element") == field:
            by_table.setdefault(row.value("name"), {})[row.value("value")] = row.value("label")
    return by_table.get(table) or by_table.get("task") or {}


def _meant(choices: dict[str, str], values: list[str]) -> list[str]:
    wanted = {value.casefold() for value in values}
    return [label for value, label in choices.items() if {value.casefold(), label.casefold()} & wanted]
