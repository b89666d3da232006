"""How many data sets a function of a model takes: read from its source, which is never executed."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from mlc.model.failure import MlcError

_MARKER = re.compile(r"^\s*#\s*(?:modelop|fastscore)\.(\w+)\s*$", re.MULTILINE)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class NotClear(MlcError):
    """The source doesn't tell. The text is a clause without a full stop, such as ``it is defined twice``."""


class Arity(NamedTuple):
    """How many arguments a function takes at the least, and at the most (None: any number)."""

    least: int
    most: int | None


def arity(source: bytes, purpose: str, name: str = "") -> Arity:
    """How many arguments a source's function takes.

    Args:
        purpose: what it is for, such as ``metrics``: the marker above it.
        name: its name, where that is known.

    Raises:
        NotClear: the source is no Python, or another one may be called in the end than the one that can be seen.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # null bytes; absurdly deep expressions
        raise NotClear("the source can't be read as Python") from None
    function = _only(tree, name or _marked(tree, source, purpose))
    if function.decorator_list:
        raise NotClear(f"the function {function.name!r} is decorated")
    arguments = function.args
    if any(default is None for default in arguments.kw_defaults):
        raise NotClear(f"the function {function.name!r} takes arguments by name only")
    most = len(arguments.posonlyargs) + len(arguments.args)
    return Arity(most - len(arguments.defaults), None if arguments.vararg else most)


def _marked(tree: ast.Module, source: bytes, purpose: str) -> str:
    """The name of the function below the marker."""
    text = source.decode(errors="replace")
    lines = [text.count("\n", 0, m.start(1)) + 1 for m in _MARKER.finditer(text) if m[1] == purpose]
    if len(lines) != 1:
        raise NotClear(f"{len(lines) or 'no'} functions are marked # modelop.{purpose}")
    below = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.lineno > lines[0]]
    if not below:
        raise NotClear(f"no function stands below # modelop.{purpose}")
    return below[0].name


def _only(tree: ast.Module, name: str) -> ast.FunctionDef:
    """The function of a name, if nothing else can have that name when it is called."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not found:
        raise NotClear(f"the source defines no function {name!r} at its top level")
    told = [bound for node in ast.walk(tree) if isinstance(node, ast.Global) for bound in node.names]
    if [*_bound(tree), *told].count(name) > 1:
        raise NotClear(f"the name {name!r} is given more than once")
    return found[0]


def _bound(scope: ast.AST) -> Iterator[str]:
    """Every name that the statements of a module give to something, as often as they do."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        if not isinstance(node, _SCOPES):
            yield from _bound(node)
