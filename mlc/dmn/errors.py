"""What can be wrong with a decision model or an evaluation, and where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The kinds of problems. The first group is found on loading, the second on evaluation."""

    NOT_DMN = "not_dmn"
    HOSTILE = "hostile"
    SYNTAX = "syntax"
    STRUCTURE = "structure"
    DUPLICATE = "duplicate"
    CYCLE = "cycle"
    REFERENCE = "reference"
    UNKNOWN_TYPE = "unknown_type"
    UNSUPPORTED = "unsupported"
    WHICH_DECISION = "which_decision"

    MISSING_INPUT = "missing_input"
    NULL_INPUT = "null_input"
    WRONG_TYPE = "wrong_type"
    NOT_A_NUMBER = "not_a_number"
    NOT_ALLOWED = "not_allowed"
    UNIQUE_VIOLATION = "unique_violation"
    ANY_VIOLATION = "any_violation"
    UNKNOWN_NAME = "unknown_name"
    BAD_ARGUMENT = "bad_argument"
    ARITHMETIC = "arithmetic"
    NO_LOGIC = "no_logic"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a model: file, decision (or what else has a name and logic), rule counted from 1, label of a column.

    `type` is the name of an item definition, for what is wrong with one. `line` is the line of the file's XML, counted
    from 1, as far as it is known; two places are the same whether or not it is.
    """

    file: str | None = None
    decision: str | None = None
    rule: int | None = None
    column: str | None = None
    type: str | None = None
    line: int | None = field(default=None, compare=False)

    def at(self, **changes: Any) -> Place:
        """The same place, narrowed."""
        return replace(self, **changes)

    def __str__(self) -> str:
        parts = [self.file] if self.file else []
        if self.decision:
            parts.append(f'decision "{self.decision}"')
        if self.rule is not None:
            parts.append(f"rule {self.rule}")
        if self.column:
            parts.append(f'column "{self.column}"')
        if self.type:
            parts.append(f'type "{self.type}"')
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: its kind, one sentence, its place, and the input that it is about, if any."""

    kind: Kind
    message: str
    place: Place = Place()
    input: str | None = None

    @property
    def decision(self) -> str | None:
        """Name of the decision, if the problem is in one."""
        return self.place.decision

    @property
    def rule(self) -> int | None:
        """Number of the rule, counted from 1, if the problem is in one."""
        return self.place.rule

    @property
    def column(self) -> str | None:
        """Label of the column, if the problem is in one."""
        return self.place.column

    def __str__(self) -> str:
        place = str(self.place)
        return f"{place}: {self.message}" if place else self.message


class DmnError(ValueError):
    """A model that cannot be used, or a question that it cannot answer; `.problems` has every reason found."""

    def __init__(self, problems: Problem | list[Problem]) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Findings:
    """What the loading of a model finds wrong, and how many characters of expressions it may still compile.

    A model with more problems than are kept was not written by anybody who wants to read all of them.
    """

    LIMIT = 1_000

    def __init__(self, characters: int) -> None:
        self.problems: list[Problem] = []
        self.characters = characters

    @property
    def full(self) -> bool:
        """Whether no more problems are kept."""
        return len(self.problems) > self.LIMIT

    def report(self, kind: Kind, message: str, place: Place) -> None:
        """Keep a problem."""
        if len(self.problems) < self.LIMIT:
            self.problems.append(Problem(kind, message, place))
        elif not self.full:
            self.problems.append(Problem(kind, "there are more problems, which are not listed", Place(place.file)))


class FeelSyntaxError(Exception):
    """An expression that does not parse; `position` counts characters from 0. Never leaves this package."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class FeelError(Exception):
    """An operation or a built-in that cannot answer: its answer is null and the reason becomes a problem."""

    def __init__(self, message: str, kind: Kind = Kind.BAD_ARGUMENT) -> None:
        super().__init__(message)
        self.kind = kind


class LimitExceededError(Exception):
    """An evaluation asked for more steps or depth than it may have. Never leaves this package."""
