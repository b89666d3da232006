"""A case: inputs, and what a decision is expected to answer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from typing import Any, TypeVar

from mlc.dmn.errors import FeelError, Kind, Problem
from mlc.dmn.inputs import feel_value

T = TypeVar("T")

#: The keys of a case, and columns of a CSV file that are no inputs.
KEYS = ("name", "decision", "now", "inputs", "expected", "problems")
#: What a case expects that says nothing of the result: its evaluation is expected to report problems.
UNSAID: Any = object()
#: Things of one kind that are told of one case, and problems that one may expect.
MOST_TOLD, MOST_PROBLEMS = 5, 100
#: Characters of a case's name.
LONGEST_NAME = 300
_PROBLEM_KEYS = ("kind", "input", "decision", "rule", "column", "message")


class CasesError(ValueError):
    """A file of cases that cannot be read any further: a sentence with the file, the line, and what to do."""


@dataclass(frozen=True, slots=True)
class ExpectedProblem:
    """A problem that an evaluation is expected to report; what is None may be anything. `message` is a part of it."""

    kind: str | None = None
    input: str | None = None
    decision: str | None = None
    rule: int | None = None
    column: str | None = None
    message: str | None = None

    def matches(self, problem: Problem) -> bool:
        """Whether a problem is this one."""
        pairs = (
            (self.kind, str(problem.kind)),
            (self.input, problem.input),
            (self.decision, problem.decision),
            (self.rule, problem.rule),
            (self.column, problem.column),
        )
        same = all(wanted is None or wanted == found for wanted, found in pairs)
        return same and (self.message is None or self.message in problem.message)

    def __str__(self) -> str:
        said = ((key, getattr(self, key)) for key in _PROBLEM_KEYS)
        return ", ".join(
            str(value) if key == "kind" else f'{key} "{value}"' for key, value in said if value is not None
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a file. `number` counts from 1, and `line` is where it begins.

    `expected` holds FEEL's values as JSON has them, dates as texts, and is UNSAID where only problems are expected.
    `defects` are sentences about what is wrong with the case as it is written: it cannot be tested.
    """

    file: str
    line: int
    number: int
    name: str = ""
    decision: str | None = None
    now: datetime | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    expected: Any = UNSAID
    problems: tuple[ExpectedProblem, ...] = ()
    defects: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name, or the number of a case that has none."""
        return self.name or f"case {self.number}"

    @property
    def place(self) -> str:
        """Where the case stands: `thresholds.cases.csv, line 3, case 2 "low auc"`."""
        name = f' "{self.name}"' if self.name else ""
        return f"{self.file}, line {self.line}, case {self.number}{name}"


def case_of(raw: Any, place: tuple[str, int, int], defects: list[str]) -> Case:
    """A case from what a file says, by KEYS; `place` is its file, line and number."""
    file, line, number = place
    if not isinstance(raw, Mapping):
        return Case(
            file,
            line,
            number,
            defects=(
                *defects,
                f"a case is an object with {_listed(KEYS)}",
            ),
        )
    found = list(defects)
    found += [f'unknown key "{key}"{nearest(key, KEYS)}' for key in first(key for key in raw if key not in KEYS)]
    name, decision = (_text(raw, key, found) for key in ("name", "decision"))
    inputs = raw.get("inputs", {})
    if not isinstance(inputs, Mapping):
        found.append('"inputs" is an object: {"auc": 0.93}')
        inputs = {}
    now = _moment(raw["now"], found) if "now" in raw else None
    problems = _problems(raw.get("problems", []), found)
    expected = raw.get("expected", UNSAID)
    if expected is UNSAID and not problems and not found:
        found.append('it expects nothing: write "expected", what the decision answers (or "problems")')
    elif expected is not UNSAID:
        expected = _value(expected, found)
    return Case(file, line, number, (name or "").strip(), decision, now, dict(inputs), expected, problems, tuple(found))


def moment(text: str) -> datetime:
    """A time in ISO 8601 with its offset, in UTC. Raises ValueError with what to write."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write a date and time such as 2026-07-31T10:00:00Z") from None
    if found.tzinfo is None:
        raise ValueError("it has no time zone: write Z behind it for UTC, or an offset like +02:00")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is no time in UTC") from None


def first(items: Iterable[T]) -> Iterator[T]:
    """As many of them as are told of one case."""
    return islice(items, MOST_TOLD)


def nearest(name: object, known: Any) -> str:
    """A hint at what is probably meant, or at all that is known."""
    names = list(known)
    lowered = {each.lower(): each for each in names}
    close = get_close_matches(str(name).lower()[:200], list(lowered)[:1_000], n=1)
    if close:
        return f': is "{lowered[close[0]]}" meant?'
    return f"; there are {_listed(names)}" if names else "; there are none"


def _listed(names: Any, most: int = 20) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f'"{name}"' for name in names[:most]) + more


def _text(raw: Mapping[str, Any], key: str, defects: list[str]) -> str | None:
    value = raw.get(key)
    if value is None or (isinstance(value, str) and value.strip() and len(value) <= LONGEST_NAME):
        return value
    defects.append(f'"{key}" is a text that is not empty, of at most {LONGEST_NAME} characters')
    return None


def _moment(value: Any, defects: list[str]) -> datetime | None:
    try:
        return moment(value if isinstance(value, str) else "")
    except ValueError as error:
        defects.append(f'"now": {error}')
    return None


def _value(value: Any, defects: list[str]) -> Any:
    try:
        return feel_value(value)
    except FeelError as error:
        defects.append(f'"expected" cannot be used: {error}')
    return None


def _problems(value: Any, defects: list[str]) -> tuple[ExpectedProblem, ...]:
    if not isinstance(value, list) or len(value) > MOST_PROBLEMS:
        defects.append(f'"problems" is a list, ["missing_input"], of at most {MOST_PROBLEMS}')
        return ()
    return tuple(problem for item in value if (problem := _problem(item, defects)) is not None)


def _problem(item: Any, defects: list[str]) -> ExpectedProblem | None:
    if isinstance(item, str):
        item = {"kind": item}
    if not isinstance(item, Mapping) or not item:
        defects.append('an expected problem is a kind, or an object: {"kind": "missing_input", "input": "auc"}')
        return None
    before = len(defects)
    unknown = first(key for key in item if key not in _PROBLEM_KEYS)
    defects += [f'unknown key "{key}" of a problem{nearest(key, _PROBLEM_KEYS)}' for key in unknown]
    kinds = [str(kind) for kind in Kind]
    if "kind" in item and item["kind"] not in kinds:
        defects.append(f'there is no kind of problem "{item["kind"]}"{nearest(item["kind"], kinds)}')
    checks: dict[str, Callable[[Any], bool]] = {
        key: (lambda each: isinstance(each, str) and bool(each)) for key in _PROBLEM_KEYS
    }
    checks["rule"] = lambda each: not isinstance(each, (bool, str, list, Mapping)) and each == int(each) > 0
    for key, holds in checks.items():
        if key in item and (item[key] is None or not holds(item[key])):
            defects.append(f'"{key}" of a problem is {"the number of a rule" if key == "rule" else "a text"}')
    if len(defects) > before:
        return None
    said = {key: int(value) if key == "rule" else str(value) for key, value in item.items()}
    return ExpectedProblem(**said)  # type: ignore[arg-type]
