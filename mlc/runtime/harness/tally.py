"""How many records were read, written and lost, and what is said of those that were lost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .functions import ModelFailure
from .limits import EXAMPLE, EXAMPLES, TRACE
from .plain import Nulled, Places
from .texts import one_line, printable_lines

_COUNTS = ("read", "written", "bad", "unanswered")
NAMED_RECORDS = 20
"""So many bad records are named in the messages; the others are counted."""
LONGEST_LINE = EXAMPLE
"""Characters of a line about a bad record: an exception may hold the record, whose data belong in no log."""
LONGEST_TRACE = 40
"""Lines."""


class BadRecord(Exception):
    """A record that can't be read, scored, or whose answer can't be written. The text says why."""

    def __init__(self, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.trace = trace


@dataclass
class Lost:
    """Records that were lost, with the line that says so: ``bad`` ones, or such that the model answered nothing to."""

    line: str
    bad: bool
    size: int = 1
    trace: str = ""

    @classmethod
    def of(cls, name: str, bad: BadRecord, size: int = 1) -> "Lost":
        """A bad record of this name, or several that make one call."""
        trace = "\n".join(map(cut, bad.trace.splitlines()[:LONGEST_TRACE]))
        are = "is" if size == 1 or name.startswith("Record ") else "are"
        return cls(cut(f"{name} {are} bad: {bad}"), bad=True, size=size, trace=trace)


@dataclass
class Tally:
    """What became of some records. Of those that were lost, the first are told one by one."""

    read: int = 0
    written: int = 0
    bad: int = 0
    unanswered: int = 0
    lost: list[Lost] = field(default_factory=list)
    nulled: Nulled = field(default_factory=Nulled)
    emptied: Places = field(default_factory=Places)

    def lose(self, lost: Lost) -> None:
        """Count records that were lost."""
        named = sum(each.bad is lost.bad for each in self.lost)
        if named < (NAMED_RECORDS if lost.bad else EXAMPLES):
            self.lost.append(replace(lost, trace="" if self.bad else lost.trace))
        if lost.bad:
            self.bad += lost.size
        else:
            self.unanswered += lost.size

    def add(self, other: "Tally") -> None:
        """Count what comes after."""
        bad, unanswered = self.bad, self.unanswered
        for lost in other.lost:
            self.lose(lost)
        self.bad, self.unanswered = bad + other.bad, unanswered + other.unanswered
        self.read += other.read
        self.written += other.written
        self.nulled.add(other.nulled)
        self.emptied.add(other.emptied)

    @property
    def first_bad(self) -> ModelFailure | None:
        """What is said of the first bad record, with its traceback."""
        found = next((lost for lost in self.lost if lost.bad), None)
        return ModelFailure(found.line, found.trace) if found else None

    @property
    def examples(self) -> list[str]:
        """A line on each of the first that were lost."""
        return [one_line(lost.line, EXAMPLE) for lost in self.lost[:EXAMPLES]]

    def notes(self) -> list[str]:
        """What people should know."""
        named = [lost for lost in self.lost if lost.bad]
        found = [line for lost in named for line in (lost.line, *lost.trace.splitlines())]
        self.nulled.note(found)
        self.emptied.say("Cells of CSV are empty since the answer lacks what the first one had", found)
        if more := self.bad - sum(lost.size for lost in named):
            found.append(f"{more} more records are bad.")
        return found

    def saved(self) -> dict[str, Any]:
        """As JSON, for :meth:`restored`; within what a message may be."""
        lost = [
            {**asdict(each), "line": one_line(each.line, EXAMPLE), "trace": printable_lines(each.trace, TRACE)}
            for each in self.lost
        ]
        counts = {name: getattr(self, name) for name in _COUNTS}
        nulled = _told(self.nulled)
        counts |= {"nulled": nulled["count"], "places": nulled["places"]}
        return {**counts, "lost": lost, "rounded": _told(self.nulled.rounded), "emptied": _told(self.emptied)}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> "Tally":
        """What :meth:`saved` told."""
        counts = {name: saved[name] for name in _COUNTS}
        # An older runtime, which may have begun the job, tells nothing of these.
        rounded, emptied = Places(**saved.get("rounded", {})), Places(**saved.get("emptied", {}))
        nulled = Nulled(saved["nulled"], saved["places"], rounded)
        lost = [Lost(**lost) for lost in saved["lost"]]
        return cls(**counts, lost=lost, nulled=nulled, emptied=emptied)


def _told(places: Places) -> dict[str, Any]:
    return {"count": places.count, "places": [one_line(place, EXAMPLE) for place in places.places]}


def cut(line: str) -> str:
    """A line of at most ``LONGEST_LINE`` characters."""
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 6]} [...]"
