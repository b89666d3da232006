"""Reads a policy: YAML of which nothing is taken for something that it isn't."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from mlc.governance.policy import GovernancePolicy

LARGEST = 256 * 1024
"""Bytes of a policy."""
DEEPEST = 20
"""Levels of a policy, of which a right one has six."""
_SHOWN = 20

_SOUNDS_LIKE_A_BOOLEAN = frozenset({"y", "n", "yes", "no", "on", "off"})


@dataclass(frozen=True)
class Problem:
    """What is wrong in a policy, and in which line (from 1; None: in no particular one)."""

    message: str
    line: int | None = None

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class PolicyError(ValueError):
    """A policy can't be read. The text lists what is wrong with it.

    Attributes:
        problems: each of them.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        more = [f"and {len(self.problems) - _SHOWN} more"] if len(self.problems) > _SHOWN else []
        super().__init__("\n".join([*map(str, self.problems[:_SHOWN]), *more]))


def read_policy(text: bytes | str) -> GovernancePolicy:
    """Read a policy.

    Args:
        text: YAML, as UTF-8 if it is bytes.

    Raises:
        PolicyError: it is too large, no YAML, ambiguous (a key twice, an unquoted ``no``, an alias), or no policy.
    """
    node = _composed(text)
    if node is None:
        raise PolicyError([Problem("the policy is empty: begin with `version: 1` and `rules:`")])
    if ambiguous := list(_ambiguous(node)):
        raise PolicyError(ambiguous)
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2026-02-30
        raise PolicyError([_of_yaml(error)]) from None
    try:
        return GovernancePolicy.model_validate(content)
    except ValidationError as error:
        raise PolicyError([_of_field(node, details) for details in error.errors(include_input=False)]) from None


def _composed(text: bytes | str) -> yaml.Node | None:
    if len(text) > LARGEST:
        raise PolicyError([Problem(f"the policy has {len(text):,} bytes, of which at most {LARGEST:,} are read")])
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        _check_depth(text)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise PolicyError([Problem("the policy is not UTF-8")]) from None
    except yaml.YAMLError as error:
        raise PolicyError([_of_yaml(error)]) from None


def _check_depth(text: str) -> None:
    """Before it is composed, which takes a level of Python's stack for each of its own."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise PolicyError([Problem("the policy is nested too deeply", event.start_mark.line + 1)])


def _children(node: yaml.Node) -> list[yaml.Node]:
    match node:
        case yaml.MappingNode():
            return [each for pair in node.value for each in pair]
        case yaml.SequenceNode():
            return list(node.value)
    return []


def _ambiguous(root: yaml.Node) -> Iterator[Problem]:
    """What YAML gives a meaning that its writer may not have had in mind."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            yield Problem("an alias (*) is not allowed: write it out", _line(node))
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            if node.style is None and node.value.casefold() in _SOUNDS_LIKE_A_BOOLEAN:
                meant = f'"{node.value}" in quotes, or true or false'
                yield Problem(f"{node.value} is a boolean to some and a word to others: write {meant}", _line(node))
            elif node.tag == "tag:yaml.org,2002:null":
                yield Problem("a value is missing: write it, or leave its key out", _line(node))
            elif node.tag == "tag:yaml.org,2002:merge":
                yield Problem("a merge key (<<) is not allowed: write it out", _line(node))
        elif isinstance(node, yaml.MappingNode):
            yield from _twice(node)
        waiting += reversed(_children(node))


def _twice(node: yaml.MappingNode) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield Problem("a key is a list or a mapping: it can only be a word", _line(key))
        elif key.value in first:
            yield Problem(f"the key {key.value[:100]!r} is there twice, first in line {first[key.value]}", _line(key))
        else:
            first[key.value] = _line(key)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _of_yaml(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error)
    return Problem(f"this is no YAML: {said}", mark.line + 1 if mark else None)


def _of_field(root: yaml.Node, details: Any) -> Problem:
    """What pydantic says of a field, with the line in which it stands."""
    node, path, model = root, "", GovernancePolicy
    for key in details["loc"]:
        found = _at(node, key)
        if found is None:
            break
        node, path = found, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
    last = details["loc"][-1] if details["loc"] else ""
    match details["type"]:
        case "missing":
            return Problem(f"{path or 'the policy'} has no {last}", _line(node))
        case "extra_forbidden":
            known = sorted(_names_beside(model, details["loc"]))
            near = get_close_matches(str(last), known, n=1)
            meant = f": was {near[0]!r} meant?" if near else f"; known are {', '.join(known)}"
            return Problem(f"{path} is not known here{meant}", _line(node))
        case "string_type":
            said = "this is no text: a number, a date or a boolean that is meant as a name needs quotes"
        case "model_type":
            said = "this is no mapping of names to values"
        case "value_error":
            said = str(details["ctx"]["error"])
        case _:
            said = details["msg"][:1].lower() + details["msg"][1:]
    return Problem(f"{path}: {said}" if path else said, _line(node))


def _at(node: yaml.Node, key: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        return node.value[key] if key < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == str(key)), None)
    return None


def _names_beside(model: type[BaseModel], path: Sequence[int | str]) -> set[str]:
    """The fields that are known where an unknown one stands."""
    schema = here = _schema(model)
    for key in path[:-1]:
        inside = here.get("items") if isinstance(key, int) else here.get("properties", {}).get(key)
        here = inside or here.get("additionalProperties") or {}
        while reference := here.get("$ref"):
            here = schema["$defs"][reference.rpartition("/")[2]]
    return set(here.get("properties", ()))


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()
