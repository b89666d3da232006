"""The search attribute ``MlcTickets``: how a run's open tickets are written there, read back and looked for.

For each open ticket it holds, in this order, ``<provider>:<key>``, our label ``gov-<24 hexadecimal digits>``, and, once
the run has read a version that is no answer, ``seen:<label>@<version>``. Releases read each other's entries.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlc.model.attribute import Attribute
from mlc.model.base import Record
from mlc.model.ticket_ref import TicketRef

LONGEST = 255
"""Characters of an entry: over 2,048 bytes the server ends the run."""
LABEL_PREFIX = "gov"

# Both stand within quotes in a visibility query: nothing but these characters may ever get there.
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,118}[0-9]", re.ASCII)
_PROVIDER = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_LABEL = re.compile(rf"{LABEL_PREFIX}-[0-9a-f]{{24}}", re.ASCII)
_SEEN = "seen:"


class OpenTicket(Record):
    """An open ticket as its run's search attributes tell it; ``seen`` is the version that the run read last."""

    workflow_id: str
    run_id: str
    provider: str
    key: str
    label: str
    seen: str | None = None

    @property
    def ref(self) -> TicketRef:
        """Enough of a reference for reading: a ticket system takes a key where it takes an id."""
        return TicketRef(provider=self.provider, id=self.key, key=self.key, url="", label=self.label)


def mint(prefix: str, workflow_id: str, first_run_id: str, purpose: str, attempt: int) -> str:
    """A key that is the same after a reset or continue-as-new, and another for a new start of the process.

    ``prefix`` is ``gov`` for tickets (their label), ``job`` for jobs, ``dep`` for deployments.
    """
    text = f"{workflow_id}|{first_run_id}|{purpose}|{attempt}"
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def is_label(text: str) -> bool:
    """Whether a text is one of our labels."""
    return _LABEL.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether a text can be a ticket's key."""
    return _KEY.fullmatch(text) is not None


def encode(tickets: Iterable[TicketRef], seen: Mapping[str, str]) -> list[str]:
    """The entries of a run. ``seen`` are versions by label."""
    entries = []
    for ticket in tickets:
        entries += [f"{ticket.provider}:{ticket.key}", ticket.label]
        if version := seen.get(ticket.label):
            entries.append(f"{_SEEN}{ticket.label}@{version}")
    return [entry[:LONGEST] for entry in entries]


def decode(entries: Iterable[str], *, workflow_id: str, run_id: str) -> Iterator[OpenTicket]:
    """The open tickets of a run. An entry that has lost its other half is left out, and moves none of the others."""
    entries = list(entries)
    versions = dict(
        entry.removeprefix(_SEEN).split("@", 1) for entry in entries if entry.startswith(_SEEN) and "@" in entry
    )
    place: tuple[str, str] | None = None
    for entry in entries:
        if is_label(entry):
            if place is not None:
                provider, key = place
                yield OpenTicket(
                    workflow_id=workflow_id,
                    run_id=run_id,
                    provider=provider,
                    key=key,
                    label=entry,
                    seen=versions.get(entry),
                )
            place = None
        elif not entry.startswith(_SEEN):
            provider, colon, key = entry.partition(":")
            place = (provider, key) if colon and key else None


def waiting_for(provider: str, key: str, labels: Sequence[str] = ()) -> str:
    """A visibility query: the running runs that wait for a ticket, by its key or one of our labels.

    Raises:
        ValueError: the key or the provider can't be one.
    """
    if not is_key(key) or not _PROVIDER.fullmatch(provider):
        raise ValueError("not the key of a ticket")
    return _running([f"{provider}:{key}", *(label for label in labels if is_label(label))])


def waiting_for_labels(labels: Sequence[str]) -> str:
    """The same, by our labels alone.

    Raises:
        ValueError: one is none of ours, or there are none.
    """
    if not labels or not all(map(is_label, labels)):
        raise ValueError("not labels of ours")
    return _running(labels)


def _running(entries: Iterable[str]) -> str:
    quoted = ", ".join(f"'{entry}'" for entry in entries)
    return f"{Attribute.TICKETS} IN ({quoted}) AND ExecutionStatus = 'Running'"
