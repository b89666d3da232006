"""What a policy asks of a snapshot, for a person or for a program to read."""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import BaseModel

from mlc.governance import Facts, GovernancePolicy, OnDue, Requirements, explained, required
from mlc.model.kept_policy import KeptPolicy
from mlc.model.snapshot import Snapshot


class RuleExplained(BaseModel):
    """A rule of the policy. ``why`` says by which facts it applies, or which one keeps it from it."""

    name: str
    applies: bool
    why: str


class Explanation(BaseModel):
    """What a policy asks of a snapshot. A fact that is missing is null."""

    snapshot_id: str
    snapshot: str
    policy: str
    """SHA-256 of its text."""
    facts: Facts
    rules: list[RuleExplained]
    requirements: Requirements


def explanation(snapshot: Snapshot, kept: KeptPolicy, policy: GovernancePolicy, facts: Facts) -> Explanation:
    """Ask a policy, in which each stage has one name, about a snapshot."""
    asked = required(policy, facts)
    applying = set(asked.rules)
    return Explanation(
        snapshot_id=snapshot.id,
        snapshot=snapshot.name,
        policy=kept.sha256,
        facts=facts,
        rules=[
            RuleExplained(name=name, applies=name in applying, why=said.partition(": ")[2])
            for name, said in explained(policy, facts).items()
        ],
        requirements=asked,
    )


def lines(found: Explanation) -> Iterator[str]:
    """An explanation for people."""
    yield f"{'Snapshot':<14}{found.snapshot}  {found.snapshot_id}"
    yield f"{'Policy':<14}{found.policy}"
    for fact in Facts.model_fields:
        values = getattr(found.facts, fact)
        counts = (
            "  (missing or unknown: each rule that goes by it applies)" if fact in found.requirements.doubts else ""
        )
        yield f"{fact.capitalize():<14}{', '.join((value or 'missing')[:100] for value in values)}{counts}"
    for rule in found.rules:
        mark, said = ("+", "applies") if rule.applies else ("-", "does not apply")
        yield f"{mark} {rule.name}: {said}: {rule.why}"
    yield "Asked for:"
    yield from (f"  {line}" for line in list(_asked(found.requirements)) or ["nothing but what its tags ask for"])


def _asked(asked: Requirements) -> Iterator[str]:
    if asked.steps:
        yield f"steps: {', '.join(asked.steps)}"
    for approval in asked.approvals:
        author = "the author counts" if approval.author else "not the author"
        yield f"approval: {approval.count} of {approval.group}, {author}"
    if asked.ticketing:
        several = "  ! with more than one nobody can be asked" if len(asked.ticketing) > 1 else ""
        yield f"asked in: {', '.join(asked.ticketing)}{several}"
    if asked.due:
        told = f", then {', '.join(asked.escalate_to)} are told" if asked.escalate_to else ""
        yield f"due: after {_length(asked.due)}{told}{', and the run stops' if asked.on_due is OnDue.STOP else ''}"
    if asked.holds:
        yield f"an approval holds: {_length(asked.holds)}"
    if asked.changed_after_rejection:
        yield "after a rejection: other files"


def _length(time: timedelta) -> str:
    hours = int(time.total_seconds()) // 3600
    number, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"
