"""ModelOp's words stay in its own room: its types, the names of its fields, its states, job types and finders.

Outside ``mlc/center/modelop`` and ``mlc/standalone/center``, which plays ModelOp, no file imports a wire type, and no
string in the code (docstrings aside) holds one of those words. What does all the same stands in ``EXCEPTIONS``.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from mlc.center.modelop import literals, wire
from mlc.center.modelop.settings import CenterSettings

ROOT = Path(__file__).parents[1]
ROOMS = ("mlc/center/modelop/", "mlc/standalone/center/")
WIRE = re.compile(r"mlc\.center\.modelop\.(?!(?:settings|signals)\b)\w+")
"""Modules of the room that nobody else imports. Where processes are put together, ``ModelOpCenter`` is, by its name."""
CAMEL = re.compile(r"\b[a-z]+[a-z0-9]*[A-Z]\w*")

PUBLIC_SIGNALS = "the names of a signal's variables are what ModelOp and people send"
STATES = "histories keep these values; the adapter maps the centre's onto them"
ADVICE = "a sentence tells whoever keeps the schedule which of ModelOp's fields is wrong"
JIRA = "Jira's own JSON"
SERVICENOW = "ServiceNow's own JSON"
TABLES = "what decision tables ask for is the project's own vocabulary"
RUNTIME = "is being converted"

EXCEPTIONS: dict[str, str] = {}
"""``file: word`` or ``file`` (all of it), and the reason."""


@cache
def aliases() -> frozenset[str]:
    """Names of fields on the wire that only ModelOp could have, and those that the room reads within open objects."""
    entities = [kind for kind in vars(wire).values() if isinstance(kind, type) and issubclass(kind, wire.Entity)]
    names = {field.alias or "" for kind in entities for field in kind.model_fields.values()}
    for path in (ROOT / ROOMS[0]).glob("*.py"):
        names |= {string for string in strings(ast.parse(path.read_text())) if CAMEL.fullmatch(string)}
    return frozenset(name for name in names if name != name.lower())


@cache
def words() -> frozenset[str]:
    """States, job types and finders: the settings' defaults, and what the adapter's own module of literals holds."""
    defaults = {
        name: field.default for name, field in CenterSettings.model_fields.items() if isinstance(field.default, str)
    }
    said = {text for name, text in defaults.items() if name.endswith(("_type", "_state", "_status", "_result"))}
    finders = {text for text in defaults.values() if re.match(r"find\w+\?", text)}
    said |= {part for finder in finders for part in re.split(r"[?,]", finder)}
    said |= {value for name, value in vars(literals).items() if isinstance(value, str) and name.isupper()}
    return frozenset(word for word in said if word and word != word.lower())


def files() -> list[Path]:
    found = [path for package in ("mlc", "activities", "workflows") for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if not str(path.relative_to(ROOT)).startswith(ROOMS)]


def strings(tree: ast.AST) -> Iterator[str]:
    """Every text in the code, those in f-strings too, without docstrings."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # under a constant or a field
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents | bare:
            yield node.value


def foreign(text: str) -> set[str]:
    """Words of ModelOp's in a piece of Python."""
    tree, known, exact = ast.parse(text), aliases(), words()
    found = set[str]()
    for string in strings(tree):
        found |= {word for word in CAMEL.findall(string) if word in known}
        found |= {string} & exact
    return found


def wire_imports(text: str) -> set[str]:
    """Modules of the room that a piece of Python imports from."""
    found = set[str]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if WIRE.match(name) and name != "mlc.center.modelop.ModelOpCenter"}


def excepted(path: Path, word: str) -> bool:
    name = str(path.relative_to(ROOT))
    return any(entry in EXCEPTIONS for entry in (name, f"{name}: {word}", *map(str, Path(name).parents)))


def test_no_file_outside_the_room_uses_its_words() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in files()
        for word in sorted(foreign(path.read_text()))
        if not excepted(path, word)
    ]
    assert wrong == []


def test_no_file_outside_the_room_imports_its_types() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files()
        for name in sorted(wire_imports(path.read_text()))
        if not excepted(path, name)
    ]
    assert wrong == []


def test_every_exception_is_needed() -> None:
    used = set[str]()
    for path in files():
        name, text = str(path.relative_to(ROOT)), path.read_text()
        for word in foreign(text) | wire_imports(text):
            used |= {name, f"{name}: {word}", *map(str, Path(name).parents)}
    assert set(EXCEPTIONS) - used == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('changes = {"jobStatus": status}', {"jobStatus"}),
        ('f"set {x} as storedModelId"', {"storedModelId"}),
        ('if state == "DEPLOYED": pass', {"DEPLOYED"}),
        ('kind = "MODEL_BATCH_TEST_JOB"', {"MODEL_BATCH_TEST_JOB"}),
        ('find("findAllByEngine_Id")', {"findAllByEngine_Id"}),
        ('"""Sets jobStatus."""\nX = 1\n"""jobStatus"""', set()),
        ('"nothing was DEPLOYED"; x = "job status"', set()),
    ],
)
def test_the_search_finds_what_it_looks_for(text: str, found: set[str]) -> None:
    assert foreign(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from mlc.center.modelop import wire", {"mlc.center.modelop.wire"}),
        (
            "from mlc.center.modelop.wire import Job",
            {"mlc.center.modelop.wire", "mlc.center.modelop.wire.Job"},
        ),
        ("import mlc.center.modelop.literals", {"mlc.center.modelop.literals"}),
        ("from mlc.center.modelop import ModelOpCenter", set()),
        ("from mlc.center.modelop.settings import CenterSettings", set()),
    ],
)
def test_the_search_finds_imports_of_the_room(text: str, found: set[str]) -> None:
    assert wire_imports(text) == found


def test_there_are_words_to_look_for() -> None:
    assert {"jobStatus", "modelAssets", "associatedModels", "deployableModel"} <= aliases()
    assert {"DEPLOYED", "UNDEPLOYED", "MODEL_BATCH_TEST_JOB", "findAllByEngine_Id", "MODEL_MONITORING_MODEL"} <= words()
