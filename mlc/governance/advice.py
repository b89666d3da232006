"""What a policy says that can be read, and was most likely not meant."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations

from mlc.governance.policy import GovernancePolicy, Person, Rule, Step
from mlc.governance.requirements import joined


@dataclass(frozen=True)
class Around:
    """What a policy comes to.

    Args:
        stages: every name of a stage that the settings know, in lower case, and the stage that it means.
        systems: the ticket systems that are set up, as their settings name them.
        ticketing: the one in which a review is asked where nothing says otherwise.
        control_tags: tags that ask for a step.
    """

    stages: Mapping[str, str]
    systems: Collection[str]
    ticketing: str
    control_tags: Collection[str]


def warnings(policy: GovernancePolicy, around: Around) -> list[str]:
    """A sentence for each thing that was most likely not meant."""
    parts = _of_people(policy), _of_facts(policy, around), _of_reviews(policy, around), _of_pairs(policy)
    meant = [tag for tag in policy.not_control if tag in around.control_tags]
    said = [f"not_control names {tag!r}, which is a control tag: it goes on asking for its step." for tag in meant]
    return [*(warning for part in parts for warning in part), *said]


def _of_people(policy: GovernancePolicy) -> Iterator[str]:
    members = {name for names in policy.groups.values() for name in names}
    for name in policy.people:
        if name not in members:
            yield f"{name!r} is in no group: this person approves nothing."
    used = {approval.group for rule in policy.rules for approval in rule.approvals}
    used |= {rule.escalate_to for rule in policy.rules if rule.escalate_to}
    for group in policy.groups:
        if group not in used:
            yield f"No rule names the group {group!r}."


def _of_facts(policy: GovernancePolicy, around: Around) -> Iterator[str]:
    places = [(f"The rule {rule.name!r}", rule.when) for rule in policy.rules]
    for where, when in [*places, ("values", policy.values)]:
        for stage in when.stage:
            if stage.casefold() not in around.stages:
                known = ", ".join(around.stages)
                yield f"{where} names the stage {stage!r}, which MLC_STAGE_ALIASES doesn't: it names {known}."


def _of_reviews(policy: GovernancePolicy, around: Around) -> Iterator[str]:
    for rule in policy.rules:
        if rule.ticketing is not None and rule.ticketing not in around.systems:
            there = ", ".join(around.systems) or "none"
            yield f"The rule {rule.name!r} names the ticket system {rule.ticketing!r}, and set up is {there}."
        if Step.REVIEW in rule.require and not rule.approvals:
            yield f"The rule {rule.name!r} requires a review without approvals: whoever may decide on the ticket may."
        system = rule.ticketing or around.ticketing
        for approval in rule.approvals:
            known = sum(_is_known(policy.people[name], system) for name in policy.groups[approval.group])
            if known < approval.count:
                yield (
                    f"The rule {rule.name!r} wants {approval.count} of the group {approval.group!r}, of whom {known} "
                    f"can be known in {system}, by {system} or email."
                )


def _is_known(person: Person, system: str) -> bool:
    return bool(person.email or getattr(person, system, None))


def _of_pairs(policy: GovernancePolicy) -> Iterator[str]:
    superfluous: set[str] = set()
    for rule, other in permutations(policy.rules, 2):
        if rule.name not in superfluous and other.name not in superfluous and _adds_nothing(rule, other):
            superfluous.add(rule.name)
            yield f"The rule {rule.name!r} adds nothing: {other.name!r} applies wherever it does, and asks for as much."
    for rule, other in combinations(policy.rules, 2):
        if rule.ticketing and other.ticketing and rule.ticketing != other.ticketing and _can_meet(rule, other):
            how = "always" if _covers(rule, other) and _covers(other, rule) else "can"
            said = f"The rules {rule.name!r} and {other.name!r} {how} apply together"
            yield f"{said}, and name two ticket systems: nobody can be asked then."


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Whether one rule applies wherever the other does."""
    conditions = dict(narrow.when.conditions())
    return all(fact in conditions and set(conditions[fact]) <= set(values) for fact, values in wide.when.conditions())


def _can_meet(rule: Rule, other: Rule) -> bool:
    """Whether there are facts, none of them missing, under which both apply."""
    conditions = dict(other.when.conditions())
    return all(set(conditions.get(fact, values)) & set(values) for fact, values in rule.when.conditions())


def _adds_nothing(rule: Rule, other: Rule) -> bool:
    alone, together = joined([other]), joined([other, rule])
    return _covers(other, rule) and alone == together.model_copy(update={"rules": alone.rules})
