"""What an expression reads, and of what it asks whether it is null. The parser finds out both as it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mlc.dmn.errors import Kind, Place

from .run import Code, Run, Scope, Value

#: A name, and the members behind it: ("auc",), ("metrics", "auc").
Path: TypeAlias = tuple[str, ...]
#: `?`, the value that a unary test is put to.
UNDER_TEST: Path = ("?",)
#: Functions that may be called in order to ask whether something is there, unless they answer null for null.
ASKING_IF_ANSWERED = frozenset({"is blank", "is empty"})
_ABSENT: Any = object()


@dataclass(slots=True)
class Reading:
    """`paths` are what is read, in order and as often as it is; what the expression itself defines is not among them.

    `minds` are those of them that are compared with null, or given to a function that asks for null: null is a value
    like any other to this expression.
    """

    paths: list[Path] = field(default_factory=list)
    minds: set[Path] = field(default_factory=set)

    def mind(self, since: int) -> None:
        """What has been read since then is asked whether it is null."""
        self.minds.update(self.paths[since:])

    def minds_any(self, *names: str | None) -> bool:
        """Whether it asks for null of one of these names, or of a member of one."""
        return any(path[0] in names for path in self.minds)


@dataclass(slots=True)
class Condition:
    """A condition that chooses, what it reads, and the reading of the whole expression, which may go on behind it.

    What is neither true nor false chooses as false does. That is a problem, as nobody has looked at the value then,
    unless something asks whether what the condition reads is null, or the reason is a problem already.
    """

    code: Code
    what: str
    reading: Reading
    paths: list[Path]
    place: Place

    @classmethod
    def since(cls, begin: int, code: Code, what: str, reading: Reading, place: Place) -> Condition:
        """Of code that has read what stands behind `begin` in the reading."""
        return cls(code, what, reading, reading.paths[begin:], place)

    def __call__(self, scope: Scope, run: Run) -> Value:
        noted = run.noted
        answer = self.code(scope, run)
        if answer is None and run.noted == noted and not self._known(scope, run):
            run.note(Kind.NULL_INPUT, f"the condition of {self.what} is null, neither true nor false", self.place)
        return answer

    def _known(self, scope: Scope, run: Run) -> bool:
        """Whether a problem says why it is null, or will, or something asks for that."""
        asked = {path[0] for path in self.reading.minds}
        if any(path[0] in asked or path[0] in run.missing for path in self.paths):
            return True
        item = scope.get("item")
        own = item if isinstance(item, dict) else ()
        return any(True for _ in nulls((path for path in self.paths if path[0] not in own), scope))


def unminded(paths: Iterable[Path], minds: Iterable[Path]) -> list[Path]:
    """The paths that nothing asks for null of, each once. Who asks for a member's null asks for the whole's, too."""
    known = {path[:length] for path in minds for length in range(1, len(path) + 1)}
    return [path for path in dict.fromkeys(paths) if path not in known and path[0] != UNDER_TEST[0]]


def nulls(paths: Iterable[Path], scope: Scope) -> Iterator[str]:
    """Which of these are null in a scope, as they are written. What is not there is none of them."""
    for path in paths:
        value = scope.get(path[0], _ABSENT)
        for name in path[1:]:
            if not isinstance(value, dict):
                break
            value = value.get(name, _ABSENT)
        if value is None:
            yield ".".join(path)
