"""Reads a policy: what it says, or everything that is wrong with it."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from mlc.governance.notation import PolicyError, Problem, line_of, read_yaml
from mlc.governance.policy import GovernancePolicy

_MOST = 1_000
"""Problems that are looked at one by one: each takes a while."""


def read_policy(text: bytes | str) -> GovernancePolicy:
    """Read a policy.

    Args:
        text: YAML, as UTF-8 if it is bytes.

    Raises:
        PolicyError: it is too large, no YAML, ambiguous (a key twice, an unquoted ``no``, an alias), or no policy.
    """
    content, root = read_yaml(text)
    try:
        return GovernancePolicy.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_input=False)
        problems = [_of_field(root, details) for details in found[:_MOST]]
        more = [Problem(f"and {len(found) - _MOST:,} more")] if len(found) > _MOST else []
        raise PolicyError([*problems, *more]) from None


def _of_field(root: yaml.Node, details: Any) -> Problem:
    """What pydantic says of a field, with the line in which it stands."""
    node, path, model = root, "", GovernancePolicy
    for key in details["loc"]:
        found = _at(node, key)
        if found is None:
            break
        node, path = found, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key[:100]}".lstrip(".")
    last = str(details["loc"][-1])[:100] if details["loc"] else ""
    match details["type"]:
        case "missing":
            return Problem(f"{path or 'the policy'} has no {last}", line_of(node))
        case "extra_forbidden":
            known = _names_beside(model, details["loc"][:-1])
            near = get_close_matches(last, known, n=1)
            meant = f": was {near[0]!r} meant?" if near else f"; known are {', '.join(known)}"
            return Problem(f"{path} is not known here{meant}", line_of(node))
        case "string_type":
            said = "this is no text: a number, a date or a boolean that is meant as a name needs quotes"
        case "model_type":
            said = "this is no mapping of names to values"
        case "value_error":
            said = str(details["ctx"]["error"])
        case _:
            said = details["msg"][:1].lower() + details["msg"][1:]
    return Problem(f"{path}: {said}" if path else said, line_of(node))


def _at(node: yaml.Node, key: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        return node.value[key] if key < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == str(key)), None)
    return None


@cache
def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _names_beside(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The fields that are known where an unknown one stands."""
    schema = here = _fields(model)
    for key in path:
        inside = here.get("items") if isinstance(key, int) else here.get("properties", {}).get(key)
        here = inside or here.get("additionalProperties") or {}
        while reference := here.get("$ref"):
            here = schema["$defs"][reference.rpartition("/")[2]]
    return sorted(here.get("properties", ()))
