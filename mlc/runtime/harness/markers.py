"""What a model's source says of itself by comments: its functions, and which slots take record sets.

``mlc.center.modelop.folder.markers`` reads the same when a model is submitted; a test keeps the two alike.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

_PREFIX = r"^\s*#\s*(?:modelop|fastscore)\."
_FUNCTION = re.compile(_PREFIX + r"(init|score|metrics|train)\s*$")
_NAMED = re.compile(_PREFIX + r"action(?:\.\d{1,3})?\s*:\s*(\S+)\s*$")
_RECORD_SETS = re.compile(_PREFIX + r"recordsets\.(\d{1,3}|\$in|\$out|\$all)\s*:\s*(true|yes)\s*$", re.IGNORECASE)
_STATEFUL = re.compile(_PREFIX + r"stateful\s*$")
_BATCH = re.compile(_PREFIX + r"batch\s*:\s*(frame|records)(?:\s+(\d{1,9}))?\s*$")
_ANY_BATCH = re.compile(_PREFIX + r"batch\b")
USUAL_BATCH = 50_000
"""Records that a function is given together which asks for batches of no size."""
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


def is_stateful(content: bytes) -> bool:
    """Whether what the score function answers depends on the records before: they must go to one process, in order."""
    return any(_STATEFUL.match(line) for line in content.decode(errors="replace").splitlines())


def batch(content: bytes) -> tuple[str, int] | None:
    """``frame`` or ``records``, and how many the score function takes together at the most; None if one at a time.

    Raises:
        ValueError: the line can't be understood.
    """
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if not _ANY_BATCH.match(line):
            continue
        if (match := _BATCH.match(line)) and (size := int(match[2] or USUAL_BATCH)):
            return match[1], size
        raise ValueError(
            f"line {number}: write # modelop.batch: frame or # modelop.batch: records, and behind it, if you like, how "
            "many records at the most."
        )
    return None


def parameters(content: bytes, name: str) -> tuple[str, ...] | None:
    """The names of the parameters that a function must be given by position.

    None where the source alone doesn't tell: it is decorated, named more than once, or not defined there as it is.
    """
    tree = ast.parse(content)
    bound = sum(_binds(node, name) for node in _of_module(tree))
    found = next((f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == name), None)
    anywhere = any(isinstance(node, ast.Global) and name in node.names for node in ast.walk(tree))
    if found is None or bound != 1 or anywhere or found.decorator_list:
        return None
    arguments = [*found.args.posonlyargs, *found.args.args]
    return tuple(each.arg for each in arguments[: len(arguments) - len(found.args.defaults)])


def takes_slot(names: Sequence[str]) -> bool:
    """Whether the second parameter is the number of a slot."""
    return len(names) in {2, 3} and "slot" in names[1].casefold()


def takes_together(names: Sequence[str]) -> bool:
    """Whether one call takes a record of each of several inputs."""
    return len(names) > 1 and not takes_slot(names)


def _of_module(tree: ast.Module) -> Iterator[ast.AST]:
    """What stands in a module, but not what stands in its functions and classes."""
    pending: list[ast.AST] = [*tree.body]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def _binds(node: ast.AST, wanted: str) -> bool:
    """Whether a node may give something else to a name."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name == wanted
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return name == wanted
        case ast.alias(name=name, asname=other):
            return name == "*" or (other or name.partition(".")[0]) == wanted
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name == wanted
    return False


def _functions(content: bytes) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.parse(content).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
