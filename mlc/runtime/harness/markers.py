"""What a model's source says of itself by comments: its functions, and which slots take record sets.

``mlc.center.modelop.folder.markers`` reads the same when a model is submitted; a test keeps the two alike.
"""

import ast
import re
from collections.abc import Mapping

_PREFIX = r"^\s*#\s*(?:modelop|fastscore)\."
_FUNCTION = re.compile(_PREFIX + r"(init|score|metrics|train)\s*$")
_NAMED = re.compile(_PREFIX + r"action(?:\.\d{1,3})?\s*:\s*(\S+)\s*$")
_RECORD_SETS = re.compile(_PREFIX + r"recordsets\.(\d{1,3}|\$in|\$out|\$all)\s*:\s*(true|yes)\s*$", re.IGNORECASE)
_SLOTS: Mapping[str, tuple[int, ...]] = {"$in": (0,), "$out": (1,), "$all": (0, 1)}
BY_NAME = {
    "begin": "init",
    "init": "init",
    "action": "score",
    "score": "score",
    "predict": "score",
    "metrics": "metrics",
    "train": "train",
}
"""The usual names of functions, for sources without a marker."""


def marked_functions(content: bytes) -> dict[str, str]:
    """Role -> name of the functions below ``# modelop.<role>`` comments, or that a comment names."""
    found: dict[str, str] = {}
    functions = _functions(content)
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if marker := _FUNCTION.match(line):
            below = next((function.name for function in functions if function.lineno > number), None)
            if below:
                found[marker.group(1)] = below
        elif (named := _NAMED.match(line)) and any(function.name == named[1] for function in functions):
            found.setdefault("score", named[1])
    return found


def usual_functions(content: bytes) -> dict[str, str]:
    """Role -> name of the functions that are called as is usual."""
    names = {function.name for function in _functions(content)}
    found: dict[str, str] = {}
    for name, role in BY_NAME.items():
        if name in names:
            found.setdefault(role, name)
    return found


def record_sets(content: bytes) -> frozenset[int]:
    """The slots whose records are handed over, or answered, as one frame; even slots are inputs."""
    found: set[int] = set()
    for line in content.decode(errors="replace").splitlines():
        if match := _RECORD_SETS.match(line):
            found.update(_SLOTS.get(match[1]) or (int(match[1]),))
    return frozenset(found)


def _functions(content: bytes) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.parse(content).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
