"""The comments by which ModelOp finds a source's functions, schemas and record sets; FastScore's older ones too.

What a runtime's harness reads of them (``mlc.runtime.harness.markers``, which stands alone) is kept the same by a test.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

FUNCTIONS = ("init", "score", "metrics", "train")
_PREFIX = r"^\s*#\s*(?:modelop|fastscore)\."
_FUNCTION = re.compile(_PREFIX + r"(init|score|metrics|train)\s*$")
_NAMED = re.compile(_PREFIX + r"action(?:\.\d{1,3})?\s*:\s*(\S+)\s*$")
_SCHEMA = re.compile(_PREFIX + r"schema\.(\d{1,3}|\$in|\$out)\s*:\s*(\S+)\s*$")
_OLD_SCHEMA = re.compile(r"^\s*#\s*fastscore\.(input|output)\s*:\s*(\S+)\s*$")
_BATCH = re.compile(_PREFIX + r"batch\s*:\s*(frame|records)(?:\s+0*[1-9]\d{0,8})?\s*$")
_ANY_BATCH = re.compile(_PREFIX + r"batch\b")
_STATEFUL = re.compile(_PREFIX + r"stateful\s*$")
_ANY = re.compile(r"^\s*#\s*(\w+)\.([\w-]+)\s*$")
_SLOTS = {"$in": 0, "$out": 1, "input": 0, "output": 1}
_NO_SCHEMA = "in-use"

BY_NAME: Mapping[str, str] = {
    "begin": "init",
    "init": "init",
    "action": "score",
    "score": "score",
    "predict": "score",
    "metrics": "metrics",
    "train": "train",
}
"""The usual names of functions, for sources without a marker: FastScore's engines went by ``begin`` and ``action``."""
_PRIVATE = frozenset({"modelop", "modelop_sdk", "fastscore"})
_OPENING = frozenset({"open", "read_csv", "read_json", "read_pickle", "load_model"})
_FILE = re.compile(r"(?:\./)?[\w-][\w./ -]*\.\w{1,8}")
_SPARK = ("external_inputs", "external_outputs")


@dataclass(frozen=True)
class Source:
    """What a source says of itself.

    Attributes:
        functions: names by purpose, as markers say.
        unmarked: names by purpose, as the functions are called, of a source without markers.
        schemas: names of schema files by slot; even slots are inputs.
        notices: what its author should know, with the line.
        opens: relative names of files that it opens by a plain text, and the line of each.
        spark: its functions take Spark's inputs and outputs.
        imports_spark: it is written for Spark, as far as its imports tell.
    """

    functions: dict[str, str] = field(default_factory=dict)
    unmarked: dict[str, str] = field(default_factory=dict)
    schemas: dict[int, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    opens: dict[str, int] = field(default_factory=dict)
    spark: bool = False
    imports_spark: bool = False


def is_marked(text: str) -> bool:
    """Whether a text has a marker of a function, be it Python or not."""
    return any(_FUNCTION.match(line) or _NAMED.match(line) for line in text.splitlines())


def read_source(text: str) -> Source:
    """Find the markers and the function below each.

    Raises:
        ValueError: the source is not Python, or a marker is twice there or stands above no function. The text begins
            with the line.
    """
    lines = text.splitlines()
    module = _parsed(text)
    _check_batches(lines)
    defs = _defs(module)
    functions = _functions(lines, defs)
    unmarked = {} if functions else _by_name(defs)
    arguments = [_arguments(node) for node in defs if node.name in {*functions.values(), *unmarked.values()}]
    return Source(
        functions=functions,
        unmarked=unmarked,
        schemas=read_schemas(text),
        notices=[*_notices(lines), *_private(module)],
        opens=_opened(module),
        spark=any(tuple(names[:2]) == _SPARK for names in arguments),
        imports_spark=any("pyspark" in packages for _, packages in _imported(module)),
    )


def read_schemas(text: str) -> dict[int, str]:
    """The schema that a source names for each slot, whatever language it is in."""
    found: dict[int, str] = {}
    for line in text.splitlines():
        match = _SCHEMA.match(line) or _OLD_SCHEMA.match(line)
        if match and match[2] != _NO_SCHEMA:
            slot = _SLOTS.get(match[1])
            found[int(match[1]) if slot is None else slot] = match[2]
    return found


Def = ast.FunctionDef | ast.AsyncFunctionDef


def _defs(module: ast.Module) -> list[Def]:
    return sorted((node for node in module.body if isinstance(node, Def)), key=_first_line)


def _functions(lines: list[str], defs: list[Def]) -> dict[str, str]:
    markers = [(number, match[1]) for number, line in enumerate(lines, 1) if (match := _FUNCTION.match(line))]
    found: dict[str, str] = {}
    for number, kind in markers:
        if kind in found:
            raise ValueError(f"line {number}: # modelop.{kind} is there already; mark one function.")
        below = next((node for node in defs if _first_line(node) > number), None)
        if below is None or any(number < other < _first_line(below) for other, _ in markers):
            raise ValueError(f"line {number}: no function stands below # modelop.{kind}; put it right above the def.")
        if isinstance(below, ast.AsyncFunctionDef):
            raise ValueError(
                f"line {number}: the function {below.name} below # modelop.{kind} is async; make it plain."
            )
        found[kind] = below.name
    _add_named(found, lines, {node.name for node in defs})
    return found


def _check_batches(lines: list[str]) -> None:
    for number, line in enumerate(lines, 1):
        if _ANY_BATCH.match(line) and not _BATCH.match(line):
            raise ValueError(
                f"line {number}: write # modelop.batch: frame or # modelop.batch: records, and behind it, if you like, "
                "how many records at the most."
            )


def _add_named(found: dict[str, str], lines: list[str], defined: set[str]) -> None:
    """FastScore's way to name the score function: ``# fastscore.action: name``, or one for each slot."""
    named = [(number, match[1]) for number, line in enumerate(lines, 1) if (match := _NAMED.match(line))]
    for number, name in named:
        if name == "unused":
            raise ValueError(
                f"line {number}: # fastscore.action: unused means that the source reads its streams itself, which is "
                "not supported; write a function that takes a record, with # modelop.score above it."
            )
        if name not in defined:
            raise ValueError(f"line {number}: the function {name} is not defined; name one of this file.")
        if found.setdefault("score", name) != name:
            raise ValueError(
                f"line {number}: another score function than {found['score']}; one function for each slot is not "
                "supported: mark one that takes the record and the number of its slot."
            )


def _by_name(defs: list[Def]) -> dict[str, str]:
    names = {node.name for node in defs if isinstance(node, ast.FunctionDef)}
    found: dict[str, str] = {}
    for name, kind in BY_NAME.items():
        if name in names:
            found.setdefault(kind, name)
    return found if found.keys() & {"score", "metrics"} else {}


def _notices(lines: list[str]) -> list[str]:
    """Comments that look like a misspelt marker: nothing else would show that nobody reads them."""
    notices = []
    for number, line in enumerate(lines, 1):
        match = _ANY.match(line)
        if not match or _FUNCTION.match(line) or _STATEFUL.match(line):
            continue
        product, word = match.groups()
        if not get_close_matches(product.casefold(), ("modelop", "fastscore"), cutoff=0.75):
            continue
        if close := get_close_matches(word.casefold(), (*FUNCTIONS, "stateful"), n=1, cutoff=0.75):
            notices.append(f"line {number}: {line.strip()} is no marker; did you mean # modelop.{close[0]}?")
    return notices


def _private(module: ast.Module) -> list[str]:
    """Imports of packages that no package index has."""
    return [
        f"line {line}: {package} is the vendor's own package, which only the vendor's runtimes have: take what you "
        "need of it into the folder."
        for line, packages in _imported(module)
        for package in sorted(_PRIVATE & packages)
    ]


def _imported(module: ast.Module) -> Iterator[tuple[int, set[str]]]:
    """The packages of each import, and its line."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield node.lineno, {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, {(node.module or "").partition(".")[0]}


def _opened(module: ast.Module) -> dict[str, int]:
    """What is opened for reading at any place but below ``if __name__ == "__main__"``, by a text that stands there."""
    found: dict[str, int] = {}
    todo: list[ast.AST] = [node for node in module.body if not isinstance(node, ast.If)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            continue
        todo.extend(ast.iter_child_nodes(node))
        if not isinstance(node, ast.Call) or _called(node.func) not in _OPENING or not node.args:
            continue
        first, *more = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
        mode = next(
            (k.value.value for k in node.keywords if k.arg == "mode" and isinstance(k.value, ast.Constant)), None
        )
        writes = any(isinstance(each, str) and set(each) & set("wax") for each in [*more[:1], mode])
        if isinstance(first, str) and _FILE.fullmatch(first) and not writes:
            found.setdefault(first.removeprefix("./"), node.lineno)
    return found


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _arguments(node: Def) -> list[str]:
    return [argument.arg for argument in node.args.args]


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; absurdly deep expressions
        raise ValueError("line 1: this can't be parsed as Python.") from error


def _first_line(node: Def) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
