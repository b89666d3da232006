"""What the analysis of a decision model finds: how bad it is, where it is and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mlc.dmn.errors import Kind, Place, Problem


class Severity(StrEnum):
    """How bad a finding is.

    An ERROR is what loading refuses, or what an evaluation has to report as a problem. A WARNING may change a verdict
    without anybody noticing. A HINT is the rest.
    """

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Aspect(StrEnum):
    """What a finding that is no problem of loading is about; see docs/dmn-analysis.md for what each of them means."""

    OVERLAP = "overlap"
    GAP = "gap"
    MASKED = "masked"
    DUPLICATE_RULE = "duplicate_rule"
    SUBSUMED = "subsumed"
    UNKNOWN = "cannot_tell"
    NOT_LISTED = "not_listed"

    NEVER_MET = "never_met"
    ALWAYS_MET = "always_met"
    REDUNDANT_TEST = "redundant_test"
    NOT_A_RANGE = "not_a_range"
    NOT_A_DATE = "not_a_date"
    DIGITS = "comma_in_a_number"
    MISMATCH = "type_mismatch"
    BAD_CONSTANT = "bad_constant"
    OUTSIDE_VALUES = "outside_allowed_values"
    TEXT_OF_A_TEST = "text_of_a_test"
    EMPTY_OUTPUT = "empty_output"
    AGGREGATION = "aggregation"
    UNQUOTED = "unquoted_word"
    UNDECLARED = "undeclared_input"
    NOT_REQUIRED = "not_required"
    UNKNOWN_MEMBER = "unknown_member"
    BAD_CALL = "bad_call"
    OTHER_LANGUAGE = "other_language"
    CLOCK = "depends_on_the_clock"
    DUPLICATE_COLUMN = "duplicate_column"
    UNUSED_COLUMN = "unused_column"

    MISSING_NAME = "missing_name"
    BAD_NAME = "bad_name"
    MISSING_LOGIC = "missing_logic"
    VARIABLE = "variable"
    CONFUSABLE_NAMES = "confusable_names"
    NOT_IN_THE_SCHEMA = "not_in_the_schema"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an author should know: a sentence, its place, and what is to be done, if that is known.

    `rules` are the numbers of all the rules that it is about, counted from 1, where there are several. `values` are
    the values concerned, by the labels of their columns, as FEEL has them: the first point of an overlap, the
    conditions of a gap. What is wrong with a cell has as its `suggestion` a text that can be pasted into the cell.
    """

    severity: Severity
    kind: Kind | Aspect
    message: str
    place: Place = field(default_factory=Place)
    rules: tuple[int, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    suggestion: str = ""

    @classmethod
    def of(cls, problem: Problem, suggestion: str = "") -> Finding:
        """A problem that loading has found."""
        return cls(Severity.ERROR, problem.kind, problem.message, problem.place, suggestion=suggestion)

    def __str__(self) -> str:
        place = str(self.place)
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} ({self.suggestion})" if self.suggestion else text
