"""Every Python that the project starts is isolated: it imports nothing from the folder in which it was started.

Isolated (``-I``), Python searches neither its current folder nor the user's, and looks at no ``PYTHON...`` variable.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("mlc", "workflows", "activities")

ISOLATED = "-I"
ALL_BUT_VARIABLES = {"mlc/runtime/process.py": "-P"}
"""A model's Python is given its hash seed by a variable, to which an isolated one doesn't look. All others that it has
are ours, too (tests/runtime/test_model_code.py)."""
NO_PYTHONS = {
    "mlc/runtime/isolation/bubblewrap.py": ["'unshare'"],  # sh -c
    "mlc/runtime/isolation/container.py": ["engine.program", "'--entrypoint'"],  # -I comes after the image
}
"""Command lines of other programs with options that are called like Python's, by their first words."""
STARTS = {
    "mlc/data/apart.py": 2,  # what reads tables that nobody vouches for: open files and nothing else; and the module
    "mlc/runtime/channel/counting.py": 1,  # the harness, to count records: no model's code
    "mlc/runtime/harness/workers.py": 2,  # forks of a model's process, before any of the model's code runs; their pipes
    "mlc/runtime/isolation/bubblewrap.py": 1,  # bwrap, for its version
    "mlc/runtime/isolation/confine.py": 2,  # becomes the program, in a container by a fork
    "mlc/runtime/isolation/contained.py": 1,  # a supervisor
    "mlc/runtime/isolation/engine.py": 1,  # podman or docker, for what it is and has
    "mlc/runtime/isolation/supervisor.py": 3,  # the program, by a fork; and what is to be run afterwards
    "mlc/runtime/isolation/trial.py": 1,  # whether a level holds
    "mlc/standalone/children.py": 1,  # the processes of standalone mode
    "mlc/standalone/guard.py": 1,  # becomes one of them
}
"""How many times a file starts or becomes a process. Before another one is added: is it isolated, and told little?"""
STARTING = frozenset(
    {
        *("create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell"),
        *("Popen", "check_call", "check_output", "getoutput", "getstatusoutput"),
        *("system", "popen", "posix_spawn", "posix_spawnp", "fork", "forkpty", "startfile"),
        *("execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe"),
        *("spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe"),
        *("ProcessPoolExecutor", "run_module", "run_path"),
    }
)
MODULES = frozenset({"subprocess", "multiprocessing", "pty", "_posixsubprocess"})
OF_PYTHON = frozenset({"-c", "-m", "-P", "-S", "-s", "-E"})
"""Options that are Python's where they stand in a command line."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text())


def command_lines(tree: ast.AST) -> Iterator[list[ast.expr]]:
    """What may be one: the elements of a list or a tuple, and the arguments of a call; starred displays are opened."""
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple):
            yield list(opened(node.elts))
        elif isinstance(node, ast.Call):
            yield list(opened(node.args))


def opened(elements: list[ast.expr]) -> Iterator[ast.expr]:
    for element in elements:
        if isinstance(element, ast.Starred) and isinstance(element.value, ast.List | ast.Tuple):
            yield from opened(element.value.elts)
        else:
            yield element


def starts_python(line: list[ast.expr]) -> bool:
    """Whether it is the command line of a Python: of this one, or of any by its options."""
    this_one = any(ast.unparse(element) in ("sys.executable", "str(sys.executable)") for element in line)
    return (this_one and len(line) > 1) or any(constant(element) in OF_PYTHON for element in line[1:])


def constant(element: ast.expr) -> object:
    return element.value if isinstance(element, ast.Constant) else None


def isolated(line: list[ast.expr], file: str) -> bool:
    """``-I`` is the first option, there or in the first part that is spliced in."""
    first = line[1]
    return constant(first) in (ISOLATED, ALL_BUT_VARIABLES.get(file, ISOLATED)) or ast.unparse(first) == "*options"


def not_isolated(tree: ast.AST, file: str = "") -> list[str]:
    return [ast.unparse(line[0]) for line in command_lines(tree) if starts_python(line) and not isolated(line, file)]


def started(tree: ast.AST) -> int:
    """How many calls start or become a process, or could, by a module that does."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls]
    imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imports += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    return sum(name in STARTING for name in [*names, *named]) + sum(
        name.partition(".")[0] in MODULES for name in imports
    )


def test_every_python_is_isolated() -> None:
    found = {file: lines for file, tree in sources() if (lines := not_isolated(tree, file))}
    assert found == NO_PYTHONS, 'put "-I" behind the interpreter, or use mlc.start.command()'


def test_every_start_of_a_process_is_known() -> None:
    found = Counter({file: count for file, tree in sources() if (count := started(tree))})
    assert found == Counter(STARTS | {"mlc/start.py": 2}), (
        "is what is started isolated, and told no more than it needs?"
    )


def test_the_options_that_are_spliced_in_are_those_of_an_isolated_python() -> None:
    from mlc import start

    assert start.command("worker")[1] == ISOLATED


@pytest.mark.parametrize(
    "source",
    [
        'run([sys.executable, "-m", "pip"])',
        'create_subprocess_exec(sys.executable, "-c", code)',
        'create_subprocess_exec(*(python, "-P", "-c", code), cwd=folder)',
        '[sys.executable, str(script), "-I"]',
        '(str(python), "-m", "venv")',
    ],
)
def test_a_python_that_is_not_isolated_is_found(source: str) -> None:
    assert not_isolated(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    ["import subprocess", "from subprocess import run", "os.execv(a, b)", "from os import system", "Popen(['x'])"],
)
def test_a_start_of_a_process_is_found(source: str) -> None:
    assert started(ast.parse(source))
