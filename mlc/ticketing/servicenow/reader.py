"""Reading from ServiceNow: tickets by their number or key, journals, approvals, and which fields there are."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from mlc.model.failure import Misdirected, NotFound, Refused
from mlc.model.open_tickets import LABEL_PREFIX
from mlc.ticketing.paging import Paging
from mlc.ticketing.servicenow.answer import APPROVAL_STATES, state_fields
from mlc.ticketing.servicenow.auth import SYSTEM
from mlc.ticketing.servicenow.session import ServiceNowSession
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.text import safe
from mlc.ticketing.servicenow.wire import Row, Seen

FIELD_KEPT = 600.0
"""Seconds for which it is taken as known whether there is a field for the expiration date."""
CLOCKS_APART = timedelta(hours=1)
JOURNAL, APPROVALS = "sys_journal_field", "sysapproval_approver"
JOURNALS = ("comments", "work_notes")
"""Fields of a ticket to which everybody adds, and which nobody changes."""
_PAGE = 500


class ServiceNowReader:
    """Every method raises ``mlc.model.failure``'s errors, nothing else."""

    def __init__(self, session: ServiceNowSession, settings: ServiceNowSettings) -> None:
        self._session = session
        self._settings = settings
        self._fields = state_fields(settings)
        self._lock = threading.Lock()
        self._has_expiration = False
        self._looked = float("-inf")

    def ticket(self, table: str, sys_id: str) -> Row:
        """A ticket with what its state is told from."""
        return self._session.row(f"read the ticket {sys_id}", table, sys_id, self._fields)

    def numbered(self, number: str) -> tuple[str, str]:
        """Table and ``sys_id`` of the ticket with this number.

        Raises:
            NotFound: there is none.
        """
        doing = f"look up {safe(number)}"
        for table in self._tables_of(number):
            page = self._session.rows(doing, f"/table/{table}", f"number={number}", ["sys_id", "number"], limit=2)
            for row in page.rows:
                if row.value("number") == number:
                    return table, row.value("sys_id")
        raise NotFound(SYSTEM, f"{SYSTEM} has no ticket {number}")

    def tables_of(self, numbers: Iterable[str]) -> dict[str, list[str]]:
        """The tables in which tickets with these numbers are or may be, each with those numbers."""
        found: dict[str, list[str]] = {}
        for number in numbers:
            for table in self._tables_of(number):
                found.setdefault(table, []).append(number)
        return found

    def labelled(self, table: str, labels: Sequence[str]) -> Iterator[Row]:
        """All tickets of a table under these labels, the oldest first.

        Raises:
            Refused: ServiceNow ignored the condition, as it does when the field is not there, or has some that the
                account may not see. To take its answer for "there is none" would make ticket after ticket. Or the pages
                come to no end.
        """
        field = self._settings.label_field
        condition = f"{field}={labels[0]}" if len(labels) == 1 else f"{field}IN{','.join(labels)}"
        doing, query = "search for our tickets", f"{condition}^ORDERBYsys_created_on"
        paging = Paging(SYSTEM, doing)
        offset = seen = 0
        while True:
            page = self._session.rows(doing, f"/table/{table}", query, self._fields, limit=_PAGE, offset=offset)
            if any(row.value(field) not in labels for row in page.rows):
                raise Refused(
                    SYSTEM,
                    f"{SYSTEM} can't search the table {table} by {field}: correct MLC_SERVICENOW_LABEL_FIELD, or let "
                    "the account read that field",
                    status=400,
                )
            yield from page.rows
            paging.came([row.value("sys_id") for row in page.rows])
            seen += len(page.rows)
            offset += _PAGE
            # The limit counts records that we may not see, too: a short page is not the end.
            if page.total is None or offset >= page.total:
                break
        if page.total and not seen:
            raise Refused(
                SYSTEM,
                f"{SYSTEM} has {page.total} of our tickets in the table {table} and shows the account none: has it "
                "lost a role?",
                status=403,
            )

    def changed(self, table: str, minutes: int, most: int) -> Iterator[Row]:
        """Tickets of a table under labels that begin as ours do, the one that changed longest ago first.

        Raises:
            Refused: ServiceNow ignored a condition, as in ``labelled``.
        """
        field = self._settings.label_field
        # A span, not a time: times in a query are read in the zone that the account has chosen.
        query = f"{field}STARTSWITH{LABEL_PREFIX}-^sys_updated_onRELATIVEGE@minute@ago@{minutes}^ORDERBYsys_updated_on"
        page = self._session.rows("search for our tickets", f"/table/{table}", query, self._fields, limit=most)
        long_ago = datetime.now(UTC) - timedelta(minutes=minutes) - CLOCKS_APART
        for row in page.rows:
            updated = row.time("sys_updated_on")
            if not row.value(field).startswith(LABEL_PREFIX) or (updated is not None and updated < long_ago):
                raise Refused(
                    SYSTEM,
                    f"{SYSTEM} can't search the table {table} by {field} and by the time of changes: let the account "
                    "read those fields, or correct MLC_SERVICENOW_LABEL_FIELD",
                    status=400,
                )
        yield from page.rows

    def journal(self, record_ids: Sequence[str], containing: str = "") -> Seen:
        """What was said on records (comments and work notes), the newest first; those that contain a text, if given.

        Our tickets begin with a note of ours: where not even that is seen, nothing is.
        """
        narrowed = f"^valueLIKE{safe(containing)}" if containing else ""
        query = f"element_idIN{','.join(record_ids)}{narrowed}^elementINcomments,work_notes^ORDERBYDESCsys_created_on"
        seen = self._seen("read what was said", JOURNAL, query, ["element_id", "value", "sys_created_by"])
        rows = [row for row in seen.rows if row.value("element_id") in record_ids]
        return Seen(rows, seen.problem or (None if rows or containing else _not_shown(JOURNAL)))

    def shown_journal(self, table: str, sys_id: str) -> str:
        """The same as the record itself shows it: in one text, in which it can't be told for certain who said what.

        Empty where the account may not see that either.
        """
        try:
            row = self._session.row("read what was said", table, sys_id, JOURNALS)
        except Misdirected:
            raise
        except Refused as error:
            if error.status == 401:
                raise
            return ""
        return "\n".join(row.shown(field) for field in JOURNALS).strip()

    def approvals(self, sys_id: str) -> Seen:
        """The approvals of a change that were decided."""
        states = ",".join(APPROVAL_STATES.values())
        query = f"sysapproval={sys_id}^stateIN{states}^ORDERBYDESCsys_updated_on"
        more = ["approver", "approver.user_name", "sys_updated_on"]
        seen = self._seen("read its approvals", APPROVALS, query, ["sys_id", "sysapproval", "state"], more)
        return Seen([row for row in seen.rows if row.value("sysapproval") == sys_id], seen.problem)

    def _seen(self, doing: str, table: str, query: str, needed: Sequence[str], more: Sequence[str] = ()) -> Seen:
        """What a table shows. It may refuse, leave out records but count them, or leave out their fields."""
        try:
            page = self._session.rows(doing, f"/table/{table}", query, [*needed, *more], limit=_PAGE)
        except Misdirected:
            raise
        except Refused as error:
            if error.status == 401:  # it does not know us, so that it tells nothing about what we may see
                raise
            return Seen([], _not_shown(table))
        rows = [row for row in page.rows if all(row.value(field).strip() for field in needed)]
        return Seen(rows, _not_shown(table) if len(rows) < min(page.total or 0, _PAGE) else None)

    def attached_names(self, table: str, sys_id: str) -> set[str]:
        """Names of the files on a record."""
        query = f"table_name={table}^table_sys_id={sys_id}"
        fields = ["file_name", "table_sys_id"]
        page = self._session.rows("list its attachments", "/attachment", query, fields, limit=_PAGE)
        return {row.value("file_name") for row in page.rows if row.value("table_sys_id") == sys_id}

    def see_table(self, table: str) -> None:
        """Make sure that we may read a table's records.

        Raises:
            NotFound: it has some, and none of them can be seen.
        """
        page = self._session.rows(f"show the table {table}", f"/table/{table}", "", ["sys_id"], limit=10)
        if not page.rows and page.total != 0:
            raise NotFound(SYSTEM, f"{SYSTEM} shows the account no record of the table {table}: has it lost a role?")

    def has_expiration(self) -> bool:
        """Whether approvals have a field for the expiration date, as far as can be seen.

        Any record tells, since ServiceNow leaves unknown fields out; a table without records is looked up.
        """
        with self._lock:
            if time.monotonic() - self._looked > FIELD_KEPT:
                found = self._look_for_expiration()
                if found is None:
                    return False
                self._has_expiration, self._looked = found, time.monotonic()
            return self._has_expiration

    def _look_for_expiration(self) -> bool | None:
        """None if nothing could be seen, which tells nothing for later."""
        table, field = self._settings.table, self._settings.expiration_field
        newest = self._session.rows(
            "list its fields", f"/table/{table}", "ORDERBYDESCsys_created_on", ["sys_id", field], limit=1
        ).rows
        if newest:
            return newest[0].has(field)
        columns = self.columns(table)
        return None if columns is None else field in columns

    def columns(self, table: str) -> dict[str, str] | None:
        """A table's fields, those of ``task`` among them, with their types; None if we may not see that."""
        query, fields = f"nameIN{table},task^elementISNOTEMPTY", ["name", "element", "internal_type"]
        try:
            rows = self._session.rows("list its fields", "/table/sys_dictionary", query, fields, limit=2000).rows
        except Refused as error:
            if error.status == 403:
                return None
            raise
        return {row.value("element"): row.value("internal_type") for row in rows} or None

    def _tables_of(self, number: str) -> list[str]:
        """By the prefix of a number; both where it tells nothing."""
        settings = self._settings
        prefixes = {settings.table: settings.number_prefix, settings.incident_table: settings.incident_number_prefix}
        fitting = [table for table, prefix in prefixes.items() if number.startswith(prefix)]
        return fitting if len(fitting) == 1 else settings.tables


def _not_shown(table: str) -> str:
    subject = {JOURNAL: "what is said on its tickets", APPROVALS: "who approved or rejected"}[table]
    return f"{SYSTEM} does not show our account {subject}: it may lack a role that reads the table {table}."
