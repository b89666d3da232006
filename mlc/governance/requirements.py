"""What a policy asks for, given what is known of a snapshot: all rules that fit, joined."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from mlc.governance.policy import FACTS, LONGEST_NAME, Approval, GovernancePolicy, OnDue, Rule, Step


class Facts(BaseModel):
    """What a policy's rules go by. Each fact has all the values that hold: several stages, where several runtimes are
    deployed to; the risk as it is and as it was when people last approved, so that lowering it evades nothing.

    None, or an empty text, stands for a value that is missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: list[str | None] = []
    risk: list[str | None] = []
    methodology: list[str | None] = []
    group: list[str | None] = []


class Requirements(BaseModel):
    """What is asked for. ``rules`` are those that it comes from, and ``doubts`` the facts that counted as every value.

    ``ticketing`` has a system for each that a rule names: with more than one nobody can be asked.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    steps: list[Step] = []
    approvals: list[Approval] = []
    ticketing: list[str] = []
    due: timedelta | None = None
    on_due: OnDue = OnDue.WAIT
    escalate_to: list[str] = []
    holds: timedelta | None = None
    changed_after_rejection: bool = False
    rules: list[str] = []
    doubts: list[str] = []


def required(policy: GovernancePolicy, facts: Facts) -> Requirements:
    """Join all rules that fit: the union of their steps, of each group the highest count, the shortest times.

    Whatever is missing or unknown fits: facts can add requirements, and take none away.
    """
    doubts = _doubts(policy, facts)
    rules = [rule for rule in policy.rules if all(fits for _, fits in _conditions(rule, facts, doubts))]
    return joined(rules).model_copy(update={"doubts": doubts})


def joined(rules: Sequence[Rule]) -> Requirements:
    """What rules ask for that apply together."""
    return Requirements(
        steps=[step for step in Step if any(step in rule.require for rule in rules)],
        approvals=_highest(rules),
        ticketing=_named(rule.ticketing for rule in rules),
        due=_shortest(rule.due for rule in rules),
        on_due=OnDue.STOP if any(rule.on_due is OnDue.STOP for rule in rules) else OnDue.WAIT,
        escalate_to=_named(rule.escalate_to for rule in rules),
        holds=_shortest(rule.holds for rule in rules),
        changed_after_rejection=any(rule.changed_after_rejection for rule in rules),
        rules=[rule.name for rule in rules],
    )


def explained(policy: GovernancePolicy, facts: Facts) -> dict[str, str]:
    """For each rule, by its name: that it applies and by which facts, or which fact it is that keeps it from it."""
    doubts = _doubts(policy, facts)
    said = {}
    for rule in policy.rules:
        found = list(_conditions(rule, facts, doubts))
        missed = [sentence for sentence, fits in found if not fits]
        held = "; ".join(sentence for sentence, _ in found) or "always"
        said[rule.name] = f"does not apply: {'; '.join(missed)}" if missed else f"applies: {held}"
    return said


def _doubts(policy: GovernancePolicy, facts: Facts) -> list[str]:
    """The facts that rules go by, and of which a value is missing or unknown to the policy."""
    asked = [fact for fact in FACTS if any(getattr(rule.when, fact) for rule in policy.rules)]
    return [fact for fact in asked if not set(_values(facts, fact)) <= policy.known(fact)]


def _values(facts: Facts, fact: str) -> list[str]:
    return [(value or "").strip().casefold() for value in getattr(facts, fact) or [None]]


def _conditions(rule: Rule, facts: Facts, doubts: list[str]) -> Iterator[tuple[str, bool]]:
    """Each condition of a rule as a sentence, and whether it is fulfilled."""
    for fact, wanted in rule.when.conditions():
        values = _values(facts, fact)
        has = f"{fact} is {' and '.join(value[:LONGEST_NAME] or 'missing' for value in values)}"
        if fact in doubts:
            yield f"{has}: what is missing or unknown counts as each", True
        elif set(values) & set(wanted):
            yield has, True
        else:
            yield f"{has}, not {' or '.join(wanted)}", False


def _highest(rules: Iterable[Rule]) -> list[Approval]:
    """Of each group the highest count; its author counts only if every rule that asks the group says so."""
    found: dict[str, Approval] = {}
    for approval in (approval for rule in rules for approval in rule.approvals):
        before = found.get(approval.group, approval)
        count, author = max(before.count, approval.count), before.author and approval.author
        found[approval.group] = Approval(group=approval.group, count=count, author=author)
    return list(found.values())


def _named(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name is not None))


def _shortest(times: Iterable[timedelta | None]) -> timedelta | None:
    return min((time for time in times if time is not None), default=None)
