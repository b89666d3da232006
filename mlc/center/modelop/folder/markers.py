"""The comments by which ModelOp finds a source's functions and schemas."""

import ast
import re
from dataclasses import dataclass, field

_MARKER = re.compile(r"^\s*#\s*modelop\.(init|score|metrics|train)\s*$")
_SCHEMA = re.compile(r"^\s*#\s*(?:modelop|fastscore)\.schema\.(\d{1,3})\s*:\s*(\S+)\s*$")


@dataclass(frozen=True)
class Source:
    """What a Python source says of itself: functions by marker, names of schema files by slot."""

    functions: dict[str, str] = field(default_factory=dict)
    schemas: dict[int, str] = field(default_factory=dict)


def read_source(text: str) -> Source:
    """Find the markers and the function below each.

    Raises:
        ValueError: the source is not Python, or a marker is twice there or stands above no function. The text begins
            with the line.
    """
    lines = text.splitlines()
    markers = [(number, match[1]) for number, line in enumerate(lines, 1) if (match := _MARKER.match(line))]
    schemas = {int(match[1]): match[2] for line in lines if (match := _SCHEMA.match(line))}
    return Source(_functions(text, markers), schemas)


def _functions(text: str, markers: list[tuple[int, str]]) -> dict[str, str]:
    defs = sorted((_first_line(node), node.name) for node in _parsed(text).body if isinstance(node, ast.FunctionDef))
    found: dict[str, str] = {}
    for number, kind in markers:
        if kind in found:
            raise ValueError(f"line {number}: # modelop.{kind} is there already; mark one function.")
        below = next(((line, name) for line, name in defs if line > number), None)
        if below is None or any(number < other < below[0] for other, _ in markers):
            raise ValueError(f"line {number}: no function stands below # modelop.{kind}; put it right above the def.")
        found[kind] = below[1]
    return found


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; absurdly deep expressions
        raise ValueError("line 1: this can't be parsed as Python.") from error


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
