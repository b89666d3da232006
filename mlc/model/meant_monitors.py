"""Which monitors of a snapshot are meant, by name or by role: whoever starts them is told before they run."""

from collections.abc import Sequence
from difflib import get_close_matches

from mlc.model.base import Record
from mlc.model.failure import MlcError
from mlc.model.snapshot import Monitor, Snapshot
from mlc.model.truncation import truncate

SHOWN = 10


class Wanted(Record):
    """Which monitors of a snapshot are to be run: the one of a name, or all in a role.

    Where one of those in the role, and no other, is ``called`` so in its name, that one alone is.
    """

    snapshot_id: str
    monitor: str = ""
    role: str = ""
    called: str = ""


class NoSuchMonitor(MlcError):
    """The snapshot carries none that is meant, or can't tell two apart: in a sentence, with those that it carries."""


def meant(snapshot: Snapshot, wanted: Wanted) -> list[str]:
    """The names of the monitors that are to be run, at least one, none of them twice.

    Raises:
        NoSuchMonitor: there is none, or two have one name.
    """
    if wanted.monitor:
        return [monitor_called(snapshot, wanted.monitor).name]
    found = [each.name for each in _watching(snapshot) if each.role == wanted.role]
    called = [name for name in found if wanted.called and wanted.called.casefold() in name.casefold()]
    if len(called) == 1:
        return called
    if not found:
        raise _none(snapshot, f"no monitor in the role {wanted.role}")
    if twice := [name for name in found if found.count(name) > 1 or not name]:
        raise _none(snapshot, f"{found.count(twice[0])} monitors of the name {twice[0]!r}")
    return found


def monitor_called(snapshot: Snapshot, name: str) -> Monitor:
    """The one monitor of a name.

    Raises:
        NoSuchMonitor: there is none, or there are several.
    """
    found = [each for each in _watching(snapshot) if each.name == name]
    if len(found) != 1:
        raise _none(snapshot, f"{len(found)} monitors of the name {name!r}" if found else f"no monitor {name!r}", name)
    return found[0]


def _watching(snapshot: Snapshot) -> Sequence[Monitor]:
    return [each for each in snapshot.monitors if each.watches]


def _none(snapshot: Snapshot, has: str, name: str = "") -> NoSuchMonitor:
    there = [each.name for each in _watching(snapshot)]
    near = get_close_matches(name, there, n=1, cutoff=0.4) if name and name not in there else []
    meant = f" Was {near[0]!r} meant?" if near else ""
    listed = ", ".join(repr(truncate(each, 100)) for each in there[:SHOWN]) or "none"
    more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
    shown = truncate(snapshot.name or snapshot.id, 200)
    return NoSuchMonitor(f"Snapshot {shown!r} carries {truncate(has, 300)}; it has {listed}{more}.{meant}")
