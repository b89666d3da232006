"""What we say on ServiceNow's records: each entry once, even where the account may not read what is said there."""

import json
import re
import threading

from mlc.model.failure import Unavailable
from mlc.ticketing.event_mark import EVENT_MARK, is_ours
from mlc.ticketing.servicenow.reader import ServiceNowReader
from mlc.ticketing.servicenow.session import ServiceNowSession
from mlc.ticketing.servicenow.text import note, safe
from mlc.ticketing.text import printable

PROPERTIES_EVENT = "properties"
"""Event of the work note that holds a ticket's machine state, written with the ticket itself."""
PROPERTIES_NOTE = "For the machines: "
REMEMBERED = 10_000
"""Entries that an adapter remembers to have written."""

_PROPERTIES = re.compile(
    rf"^{PROPERTIES_NOTE}(\{{.*\}})\s+{re.escape(EVENT_MARK + PROPERTIES_EVENT)}\s*$", re.MULTILINE | re.ASCII
)


def properties_note(properties: dict[str, str]) -> str:
    """The work note that holds a ticket's machine state."""
    return note(f"{PROPERTIES_NOTE}{json.dumps(properties)}", PROPERTIES_EVENT)


class ServiceNowJournal:
    """Comments and work notes of tickets. Every method raises ``mlc.model.failure``'s errors, nothing else."""

    def __init__(self, session: ServiceNowSession, reader: ServiceNowReader, field: str) -> None:
        self._session = session
        self._reader = reader
        self._field = field
        self._written: dict[tuple[str, str], None] = {}
        self._lock = threading.Lock()

    def write(self, key: str, table: str, sys_id: str, text: str, event_id: str) -> None:
        """Write an entry, unless one with its event's mark is there.

        The mark is looked for in the journal and on the record itself, since an account may see either alone. If it
        sees neither, what this adapter has written, or may have written, is not written again: rather an entry too few
        than one for each try.

        Args:
            key: what people know the record by.
            text: with the mark of its event.
        """
        entry = (sys_id, event_id)
        marked = self._reader.journal([sys_id], containing=EVENT_MARK + safe(event_id)).rows
        if any(is_ours(row.value("value"), event_id) for row in marked):
            return
        shown = self._reader.shown_journal(table, sys_id)
        if entry in self._written or is_ours(shown, event_id):
            return
        blind = not shown and self._reader.journal([sys_id]).problem is not None
        try:
            self._session.change(f"comment on {key}", table, sys_id, {self._field: text}, ["sys_id"])
        except Unavailable as error:
            if blind and error.maybe_done:
                self._remember(entry)
            raise
        self._remember(entry)

    def properties(self, table: str, sys_id: str) -> dict[str, str]:
        """What was noted for machines with the ticket; empty if nothing was, or nothing can be seen."""
        marked = self._reader.journal([sys_id], containing=EVENT_MARK + PROPERTIES_EVENT).rows
        texts = [row.value("value") for row in marked] or [self._reader.shown_journal(table, sys_id)]
        noted = [match[1] for text in texts for match in _PROPERTIES.finditer(text.replace("\r\n", "\n"))]
        for last in reversed(noted):  # the newest come first, and ours came with the ticket: later ones are somebody's
            try:
                kept = json.loads(last)
            except (ValueError, RecursionError):
                continue
            if isinstance(kept, dict):
                return {printable(name): printable(value) for name, value in kept.items() if isinstance(value, str)}
        return {}

    def _remember(self, entry: tuple[str, str]) -> None:
        with self._lock:
            self._written[entry] = None
            if len(self._written) > REMEMBERED:
                del self._written[next(iter(self._written))]
