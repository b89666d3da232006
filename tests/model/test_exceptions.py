"""Every exception of the project hangs on one tree, which is drawn where it begins; no name is there twice."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import mlc.model.failure

ROOT = Path(__file__).parents[2]
ALONE = {
    "mlc/dmn": "the engine of decision tables is used without the rest",
    "mlc/monitors": "monitors are computed without the rest",
    "mlc/runtime/harness": "the harness runs in a model's own interpreter, where the project isn't installed",
    "mlc/runtime/isolation/confine.py": "a script of the standard library alone",
    "mlc/runtime/isolation/seccomp.py": "a module of that script's",
}
BUILT_IN = {"Exception", "ValueError", "LookupError", "RuntimeError", "OSError"}


def classes() -> Iterator[tuple[str, str, list[str]]]:
    """File, name and bases of every class of the project outside the rooms that stand alone."""
    for room in ("mlc", "activities", "workflows"):
        for file in sorted((ROOT / room).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if not path.startswith(tuple(ALONE)) and "/models/" not in path:
                for node in ast.walk(ast.parse(file.read_text())):
                    if isinstance(node, ast.ClassDef):
                        yield path, node.name, [ast.unparse(base).split(".")[-1] for base in node.bases]


def exceptions() -> dict[str, list[str]]:
    """Every exception's name and bases."""
    found = {name: bases for _, name, bases in classes()}
    known: dict[str, list[str]] = {}
    while more := {
        name: bases for name, bases in found.items() if name not in known and set(bases) & (BUILT_IN | known.keys())
    }:
        known |= more
    return known


def drawn(children: dict[str, list[str]], name: str = "MlcError", indent: int = 1) -> Iterator[str]:
    yield f"{'    ' * indent}{name}"
    for child in sorted(children[name]):
        yield from drawn(children, child, indent + 1)


def test_every_exception_hangs_on_the_tree() -> None:
    known = exceptions()
    astray = [name for name, bases in known.items() if name != "MlcError" and not set(bases) & known.keys()]
    assert len(known) > 30
    assert astray == []


def test_no_name_is_there_twice() -> None:
    places, known = defaultdict(set), exceptions()
    for path, name, _ in classes():
        if name in known:
            places[name.lstrip("_")].add(path)
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_the_tree_is_drawn_where_it_begins() -> None:
    children: dict[str, list[str]] = defaultdict(list)
    known = exceptions()
    for name, bases in known.items():
        for base in bases:
            if base in known:
                children[base].append(name)
    tree = "\n".join(drawn(children))
    assert tree in (mlc.model.failure.__doc__ or ""), f"draw it in mlc/model/failure.py:\n{tree}"
