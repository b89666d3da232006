"""A policy: rules that say which steps and whose approval a snapshot needs. How one is written: docs/policy.md."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

LONGEST_NAME = 100
"""Characters of a name: what applied stands in histories and on tickets."""

_DURATION = re.compile(r"([1-9][0-9]{0,4}) ?(hours?|days?|weeks?)")


class Part(BaseModel):
    """A part of a policy. What it doesn't know is refused, and nothing is taken for something else."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class Step(StrEnum):
    """A step that a policy can require."""

    TEST = "test"
    """The snapshot is tested, whatever its tags ask for."""
    TABLE = "table"
    """A decision table judges the result: to have none is no pass."""
    REVIEW = "review"
    """People approve in a ticket system."""
    MONITORS = "monitors"
    """Every monitor that the methodology calls for is on the snapshot before it is deployed."""


class OnDue(StrEnum):
    """What becomes of a run whose review is past its due date."""

    WAIT = "wait"
    STOP = "stop"


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        raise ValueError("it is no time such as 12 hours, 5 days or 2 weeks")
    return int(found[1]) * timedelta(**{found[2].rstrip("s") + "s": 1})


def _version(value: Any) -> Any:
    if type(value) is not int or value != 1:  # True equals it, and so does 1.0
        raise ValueError("this software reads version 1")
    return value


def _step(value: Any) -> Any:
    if isinstance(value, str) and value in list(Step):
        return Step(value)
    raise ValueError(f"it is none of {', '.join(Step)}")


def _on_due(value: Any) -> Any:
    if isinstance(value, str) and value in list(OnDue):
        return OnDue(value)
    raise ValueError(f"it is none of {', '.join(OnDue)}")


def _visible(name: str) -> str:
    if not name.isprintable():
        raise ValueError("it has characters that can't be seen, such as the end of a line")
    return name


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME), AfterValidator(_visible)
]
_OneOrMany = BeforeValidator(_one_or_many, json_schema_input_type=Name | list[Name])
Names = Annotated[list[Name], _OneOrMany, Field(min_length=1)]
Duration = Annotated[
    timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"})
]
Required = Annotated[Step, BeforeValidator(_step, json_schema_input_type=Step)]


class When(Part):
    """The facts under which a rule applies: each that is named must have one of its values, in any spelling by case.

    A fact that is missing, or has a value that no rule of the policy and no list of ``values`` names, counts as each.
    """

    stage: Names = Field(default=[], min_length=0)
    risk: Names = Field(default=[], min_length=0)
    methodology: Names = Field(default=[], min_length=0)
    group: Names = Field(default=[], min_length=0)

    def conditions(self) -> Iterator[tuple[str, list[str]]]:
        """The facts that are named, and their values in lower case."""
        for fact in type(self).model_fields:
            if values := getattr(self, fact):
                yield fact, [value.casefold() for value in values]


FACTS = tuple(When.model_fields)


class Approval(Part):
    """How many people of a group must approve."""

    group: Name
    count: int = Field(1, ge=1, le=10)
    author: bool = False
    """Whether the snapshot's author counts as one of them."""


class Person(Part):
    """How a person is called in the systems in which people decide; at least one of them."""

    name: Name | None = None
    email: Name | None = None
    account: Name | None = None
    """On the standalone desk and centre."""
    jira: Name | None = None
    """Atlassian's accountId, or a user's key of Data Center."""
    servicenow: Name | None = None
    """sys_id of the user."""

    @model_validator(mode="after")
    def _is_known_somewhere(self) -> "Person":
        if not any((self.email, self.account, self.jira, self.servicenow)):
            raise ValueError("it has none of email, account, jira, servicenow: nobody can be taken for this person")
        return self


class Rule(Part):
    """What is asked for where its facts apply. Without ``when`` it always does."""

    name: Name
    when: When = When()
    require: Annotated[
        list[Required], BeforeValidator(_one_or_many, json_schema_input_type=Required | list[Required])
    ] = Field([], min_length=1)
    approvals: list[Approval] = Field([], min_length=1)
    ticketing: Name | None = None
    """The ticket system in which the review is asked."""
    due: Duration | None = None
    """How long after it was asked a review is due."""
    on_due: Annotated[OnDue, BeforeValidator(_on_due, json_schema_input_type=OnDue)] | None = None
    escalate_to: Name | None = None
    """The group that is told when a review is past its due date."""
    holds: Duration | None = None
    """How long an approval lets a snapshot be in use, at most."""
    changed_after_rejection: bool = False
    """Whether a snapshot that was rejected may be asked about again with other files only."""

    @model_validator(mode="after")
    def _says_something(self) -> "Rule":
        if not any(getattr(self, name) for name in self.model_fields_set - {"name", "when"}):
            raise ValueError("it asks for nothing: give it require, approvals, due, holds or ticketing")
        if self.approvals and Step.REVIEW not in self.require:
            raise ValueError("it has approvals but does not require a review: write require: [review]")
        if twice := _twice(approval.group for approval in self.approvals):
            raise ValueError(f"it asks for approvals of the group {twice!r} twice")
        if (self.on_due or self.escalate_to) and self.due is None:
            raise ValueError("it says what happens when a review is due, but not when: give it due")
        return self


class GovernancePolicy(Part):
    """Everything that a policy says."""

    version: Annotated[Literal[1], BeforeValidator(_version, json_schema_input_type=Literal[1])]
    """Of this format."""
    rules: list[Rule] = Field(min_length=1, max_length=200)
    people: dict[Name, Person] = {}
    groups: dict[Name, Names] = {}
    """The people of each group, by their names in ``people``; at least one."""
    values: When = When()
    """Values of facts that exist and that no rule names: they aren't unknown."""
    not_control: Annotated[list[Name], _OneOrMany] = []
    """Tags that look like a control tag and are none."""

    @model_validator(mode="after")
    def _fits_together(self) -> "GovernancePolicy":
        if twice := _twice(rule.name.casefold() for rule in self.rules):
            raise ValueError(f"two rules have the name {twice!r}")
        for group, members in self.groups.items():
            for member in members:
                if member not in self.people:
                    raise ValueError(f"the group {group!r} names {member!r}, who is not among the people")
            if twice := _twice(members):
                raise ValueError(f"the group {group!r} names {twice!r} twice")
        for key in ("email", "account", "jira", "servicenow"):
            known = [value.casefold() for person in self.people.values() if (value := getattr(person, key))]
            if twice := _twice(known):
                raise ValueError(f"two people have the {key} {twice!r}: who decided could not be told")
        for rule in self.rules:
            named = [approval.group for approval in rule.approvals] + ([rule.escalate_to] if rule.escalate_to else [])
            for group in named:
                if group not in self.groups:
                    raise ValueError(f"the rule {rule.name!r} names the group {group!r}, which is not among the groups")
            for approval in rule.approvals:
                if (there := len(self.groups[approval.group])) < approval.count:
                    few = f"{there} people" if there != 1 else "one person"
                    raise ValueError(
                        f"the rule {rule.name!r} wants {approval.count} approvals of the group {approval.group!r}, "
                        f"which has {few}"
                    )
        return self

    def in_stages(self, names: Mapping[str, str]) -> "GovernancePolicy":
        """The same policy with one name for each stage, of which all are known.

        Args:
            names: every name of a stage, in lower case, and the stage that it means.
        """

        def renamed(when: When) -> When:
            return when.model_copy(update={"stage": [names.get(name.casefold(), name) for name in when.stage]})

        rules = [rule.model_copy(update={"when": renamed(rule.when)}) for rule in self.rules]
        stages = [*renamed(self.values).stage, *dict.fromkeys(names.values())]
        return self.model_copy(update={"rules": rules, "values": self.values.model_copy(update={"stage": stages})})

    def known(self, fact: str) -> frozenset[str]:
        """The values of a fact that the policy knows of, in lower case."""
        named = [value for rule in self.rules for value in getattr(rule.when, fact)]
        return frozenset(value.casefold() for value in (*named, *getattr(self.values, fact)))


def _twice(names: Any) -> str | None:
    return next((name for name, number in Counter(names).items() if number > 1), None)
