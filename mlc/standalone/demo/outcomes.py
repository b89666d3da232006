"""What the demo expects of a submission, what was seen of it in the systems themselves, and where the two differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mlc.standalone.demo.reviewer import Ticket


@dataclass(frozen=True)
class Expected:
    """How a submission is to end.

    ``decision`` is what a person decides in the end, on a review or on a rejection ticket. ``deployments`` are as in
    :class:`Seen`; ``expires`` are the first and the last day on which the approval may expire; ``rejection_says`` are
    words that its rejection tickets must hold; ``scores``: it answers online.
    """

    outcome: str
    decision: str
    deployments: frozenset[str] = frozenset()
    expires: tuple[date, date] | None = None
    rejection_says: Sequence[str] = ()
    scores: bool = False


@dataclass(frozen=True)
class Seen:
    """How a submission ended: its run's outcome, and what model centre, ticket desk and runtime say afterwards.

    ``deployments`` are those that are active: ``batch``, or ``online on <runtime>``. ``answer`` is what the online
    deployment made of a record. ``trouble`` is why the run failed, if it did.
    """

    outcome: str
    deployments: frozenset[str] = frozenset()
    decision: str | None = None
    expires: date | None = None
    tickets: Sequence[Ticket] = ()
    answer: object = None
    trouble: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that was expected, what was seen instead or indeed, whether that is right, and where it can be seen."""

    expected: str
    seen: str
    right: bool
    where: str


@dataclass(frozen=True)
class Outcome:
    """How one thing came out that the demo did, and the pages where it can be seen (what, and the address)."""

    title: str
    checks: Sequence[Check]
    pages: Mapping[str, str]

    @property
    def right(self) -> bool:
        return all(check.right for check in self.checks)


def checks(expected: Expected, seen: Seen) -> Iterator[Check]:
    """Compare, one thing after another. The submission came out right if all of them are."""
    outcome = f"{seen.outcome}: {seen.trouble}" if seen.trouble else seen.outcome
    yield Check(expected.outcome, outcome, outcome == expected.outcome, "run")
    if expected.rejection_says:
        yield _rejection(expected.rejection_says, [ticket for ticket in seen.tickets if ticket.rejects])
    yield _decision(expected, seen)
    places = expected.deployments == seen.deployments
    yield Check(_listed(expected.deployments), _listed(seen.deployments), places, "snapshot")
    if expected.scores:
        score = seen.answer.get("score") if isinstance(seen.answer, dict) else None
        yield Check("online score 0 or 1", f"score {score}", score in (0, 1), "Online scoring")


def _rejection(wanted: Sequence[str], tickets: Sequence[Ticket]) -> Check:
    text = "\n".join(ticket.text for ticket in tickets)
    missing = [words for words in wanted if words not in text]
    found = f"no word of: {', '.join(missing)}" if missing else "said"
    keys = ", ".join(ticket.key for ticket in tickets)
    return Check(f"rejection ticket: {', '.join(wanted)}", found if keys else "no rejection ticket", not missing, keys)


def _decision(expected: Expected, seen: Seen) -> Check:
    wanted, got = expected.decision, seen.decision or "nobody decided"
    right = seen.decision == expected.decision
    if expected.expires:
        first, last = expected.expires
        right = right and seen.expires is not None and first <= seen.expires <= last
        wanted += f" until {first}" if first == last else f" until {first} or later"
        wanted += f", {last} at most" if first < last < date.max else ""
    got += f" until {seen.expires}" if seen.expires else ""
    reviews = [ticket.key for ticket in seen.tickets if ticket.reviews]
    return Check(wanted, got, right, ", ".join(reviews or [ticket.key for ticket in seen.tickets if ticket.rejects]))


def _listed(deployments: frozenset[str]) -> str:
    return " and ".join(sorted(deployments, reverse=True)) or "not deployed"
