"""What an expression reads, and of what it asks whether it is null. The parser finds out both as it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .run import Scope

#: A name, and the members behind it: ("auc",), ("metrics", "auc").
Path: TypeAlias = tuple[str, ...]
#: `?`, the value that a unary test is put to.
UNDER_TEST: Path = ("?",)
_ABSENT: Any = object()


@dataclass(slots=True)
class Reading:
    """`paths` are what is read, in order and as often as it is; what the expression itself defines is not among them.

    `minds` are those of them that are compared with null, or given to a function that is called to ask for it: null is
    a value like any other to this expression.
    """

    paths: list[Path] = field(default_factory=list)
    minds: set[Path] = field(default_factory=set)

    def mind(self, since: int) -> None:
        """What has been read since then is asked whether it is null."""
        self.minds.update(self.paths[since:])

    def minds_any(self, *names: str | None) -> bool:
        """Whether it asks for null of one of these names, or of a member of one."""
        return any(path[0] in names for path in self.minds)


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
