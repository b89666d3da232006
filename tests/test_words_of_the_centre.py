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
ROOM = "mlc.center.modelop"
PUBLIC_MODULES = ("center", "check", "folder", "ordinary", "settings", "signal_assets", "signal_envelope", "signals")
"""Modules of the room whose functions and classes speak the domain's language: others may import them."""
CAMEL = re.compile(r"\b[a-z]+[a-z0-9]*[A-Z]\w*")

STATES = "histories keep these values; the adapter maps the centre's words onto them"
TABLES = "what decision tables may ask for is the project's own vocabulary"
PUBLIC = "a description tells people what ModelOp calls it"
DMN = "an element of DMN's XML"
JIRA = "Jira's own JSON"
BOARD = "the ticket board of standalone mode reads the standalone centre's JSON"
MODEL_CODE = "what model code reads is ModelOp's own JSON"
VERDICTS = "what is said of a case of a decision table that could not be tested"

LOOKALIKES = "data that looks like a centre's own fields, which has to come back as it was"

EXCEPTIONS: dict[str, str] = {
    **dict.fromkeys(
        (f"mlc/model/job.py: {s}" for s in ("CREATED", "WAITING", "RUNNING", "COMPLETE", "ERROR", "CANCELLED")), STATES
    ),
    "mlc/model/notification.py: ERROR": STATES,
    **dict.fromkeys((f"mlc/model/verdict.py: {s}" for s in ("modelMethodology", "modelRisk", "modelStage")), TABLES),
    "mlc/model/processes.py: deployableModel": PUBLIC,
    "mlc/settings/runtime.py: environmentName": PUBLIC,
    "mlc/check/center.py: environmentName": PUBLIC,
    "mlc/dmn/reader.py: inputData": DMN,
    "mlc/dmn/analysis/models/schema.py: inputData": DMN,
    "mlc/dmn/testing/report.py: ERROR": VERDICTS,
    "mlc/testing/center/ledger.py: fileUrl": LOOKALIKES,
    "mlc/testing/center/ledger.py: metaData": LOOKALIKES,
    "mlc/testing/center/models.py: fileContent": LOOKALIKES,
    "mlc/runtime/harness/entry.py: deployableModel": MODEL_CODE,
    **dict.fromkeys(
        (f"mlc/monitors/job.py: {s}" for s in ("referenceModel", "storedModel", "modelMetaData", "inputSchema")),
        MODEL_CODE,
    ),
    "mlc/monitors/schema.py: schemaDefinition": MODEL_CODE,
    "mlc/standalone/desk/board/notifications.py: createdDate": BOARD,
    "mlc/standalone/desk/jira_json.py: timeZone": JIRA,
}
"""``file: word``, or ``file`` for all of it, and the reason."""


@cache
def aliases() -> frozenset[str]:
    """Names of fields on the wire that only ModelOp could have, and those that the room reads within open objects."""
    entities = [kind for kind in vars(wire).values() if isinstance(kind, type) and issubclass(kind, wire.Entity)]
    names = {field.alias or "" for kind in entities for field in kind.model_fields.values()}
    for path in (ROOT / ROOMS[0]).rglob("*.py"):
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
    """Every text in the code, those in f-strings too, without docstrings and what stands as one under a constant."""
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


@cache
def foreign(text: str) -> set[str]:
    """Words of ModelOp's in a piece of Python."""
    tree, known, exact = ast.parse(text), aliases(), words()
    found = set[str]()
    for string in strings(tree):
        found |= {word for word in CAMEL.findall(string) if word in known}
        found |= {string} & exact
    return found


@cache
def wire_imports(text: str) -> set[str]:
    """Modules of the room that a piece of Python imports, public aside."""
    found = set[str]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module == ROOM:
            found |= {f"{ROOM}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    public = {f"{ROOM}.{module}" for module in PUBLIC_MODULES}
    return {name for name in found - public if name == ROOM or name.startswith(f"{ROOM}.")}


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
        ("from mlc.center.modelop.wire import Job", {"mlc.center.modelop.wire"}),
        ("import mlc.center.modelop.literals", {"mlc.center.modelop.literals"}),
        ("import mlc.center.modelop", {"mlc.center.modelop"}),
        ("from mlc.center.modelop.center import ModelOpCenter", set()),
        ("from mlc.center.modelop import settings", set()),
    ],
)
def test_the_search_finds_imports_of_the_room(text: str, found: set[str]) -> None:
    assert wire_imports(text) == found


def test_the_doors_are_there() -> None:
    room = {path.stem for path in (ROOT / ROOMS[0]).iterdir()}
    assert set(PUBLIC_MODULES) - room == set()


def test_there_are_words_to_look_for() -> None:
    assert {"jobStatus", "modelAssets", "associatedModels", "deployableModel"} <= aliases()
    assert {"DEPLOYED", "UNDEPLOYED", "MODEL_BATCH_TEST_JOB", "findAllByEngine_Id", "MODEL_MONITORING_MODEL"} <= words()
