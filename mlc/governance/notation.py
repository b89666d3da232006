"""YAML of which nothing is taken for something that it isn't, each part with its line."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from mlc.model.failure import MlcError

LARGEST = 256 * 1024
"""Bytes of a policy."""
DEEPEST = 20
"""Levels of a policy, of which a right one has six."""
MOST_NODES = 30_000
"""Keys and values of a policy, each of which takes a reader its time: two thousand people with three names each."""
_SHOWN = 20
_LONGEST = 500

_SOUNDS_LIKE_A_BOOLEAN = frozenset({"y", "n", "yes", "no", "on", "off"})
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,8})", re.ASCII)
_YAML = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Problem:
    """What is wrong in a policy, or noticed about it, and in which line (from 1; None: in no particular one)."""

    message: str
    line: int | None = None

    def __post_init__(self) -> None:
        """It may repeat what somebody wrote: none of that steers a terminal, or is longer than people read."""
        seen = "".join(letter if letter.isprintable() else " " for letter in self.message)
        object.__setattr__(self, "message", seen if len(seen) <= _LONGEST else f"{seen[:_LONGEST]}...")

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class PolicyError(MlcError, ValueError):
    """A policy can't be read. The text lists what is wrong with it, of many problems the first ones.

    Attributes:
        problems: each of them, in the order of lines.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        more = [f"and {len(self.problems) - _SHOWN} more"] if len(self.problems) > _SHOWN else []
        super().__init__("\n".join([*map(str, self.problems[:_SHOWN]), *more]))


class Written(NamedTuple):
    """What a text says, and where."""

    content: Any
    root: yaml.Node


def read_yaml(text: bytes | str) -> Written:
    """Read a text, as UTF-8 if it is bytes.

    Raises:
        PolicyError: it is too large, no YAML, or ambiguous.
    """
    if (size := len(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))) > LARGEST:
        raise PolicyError([Problem(f"the policy has {size:,} bytes, of which at most {LARGEST:,} are read")])
    try:
        loader = _Loader(text.decode("utf-8") if isinstance(text, bytes) else text)
        node = loader.get_single_node()
        if node is None:
            raise PolicyError([Problem("the policy is empty: begin with `version: 1` and `rules:`")])
        if ambiguous := [*loader.problems, *_ambiguous(node)]:
            raise PolicyError(ambiguous)
        return Written(loader.construct_document(node), node)
    except UnicodeDecodeError:
        raise PolicyError([Problem("the policy is not UTF-8")]) from None
    except yaml.YAMLError as error:
        raise PolicyError([_of_yaml(error)]) from None


def line_of(node: yaml.Node) -> int:
    """In which line a part begins."""
    return int(node.start_mark.line) + 1


class _Loader(yaml.SafeLoader):
    """Sees what a composed document no longer shows, and ends before it has cost much."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[Problem] = []
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        begins: Any = event.start_mark
        line = begins.line + 1
        self._nodes += 1
        if self._depth == DEEPEST:
            raise PolicyError([Problem("the policy is nested too deeply", line)])
        if self._nodes > MOST_NODES:
            raise PolicyError([Problem(f"the policy has more than {MOST_NODES:,} keys and values", line)])
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            self.problems.append(Problem("an alias (*) is not allowed: write it out", line))
            return yaml.ScalarNode(f"{_YAML}str", f"alias {self._nodes}", begins, begins, style="'")
        if getattr(event, "tag", None) is not None:
            self.problems.append(Problem("a tag (!) is not allowed: write the value without it", line))
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _ambiguous(root: yaml.Node) -> Iterator[Problem]:
    """What YAML gives a meaning that its writer may not have had in mind."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.ScalarNode):
            if said := _of_scalar(node):
                yield Problem(said, line_of(node))
        elif isinstance(node, yaml.MappingNode):
            yield from _twice(node)
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _of_scalar(node: yaml.ScalarNode) -> str:
    """What may be misread of one value; empty if nothing."""
    if node.style is None and node.value.casefold() in _SOUNDS_LIKE_A_BOOLEAN:
        meant = f'"{node.value}" in quotes, or true or false'
        return f"{node.value} is a boolean to some and a word to others: write {meant}"
    match node.tag.removeprefix(_YAML):
        case "null":
            return "a value is missing: write it, or leave its key out"
        case "merge":
            return "a merge key (<<) is not allowed: write it out"
        case "int" if not _NUMBER.fullmatch(node.value):
            return "this is a number that is read in different ways: write its decimal digits, or put a name in quotes"
        case "float" | "timestamp":
            return "this is a fraction, a date or a time, which nothing here is: a name needs quotes"
    return ""


def _twice(node: yaml.MappingNode) -> Iterator[Problem]:
    seen: dict[str, yaml.ScalarNode] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield Problem("a key is a list or a mapping: it can only be a word", line_of(key))
            continue
        first = seen.setdefault(unicodedata.normalize("NFKC", key.value).strip().casefold(), key)
        if first is key:
            continue
        name, other, line = key.value[:100], first.value[:100], line_of(first)
        if key.value == first.value:
            yield Problem(f"the key {name!r} is there twice, first in line {line}", line_of(key))
        else:
            yield Problem(f"the key {name!r} is too like {other!r} in line {line} to be told from it", line_of(key))


def _of_yaml(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error)
    return Problem(f"this is no YAML: {said}", mark.line + 1 if mark else None)
