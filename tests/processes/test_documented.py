"""The pages about the processes and the tests of their branches agree."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from temporalio import workflow

from mlc.model.process import Processes
from workflows.registry import PROCESSES

HERE = Path(__file__).parent
PAGES = ("deploy-model", "run-back-test", "run-batch-model-job", "run-monitors")
TABLES = "\n".join((HERE.parent.parent / "docs" / f"{page}.md").read_text() for page in PAGES)
ROWS = [line.strip("| ").split(" | ") for line in TABLES.splitlines() if "`test_" in line]
FILES = {file: ast.parse(file.read_text()) for file in sorted(HERE.glob("*.py"))}

SAVED: tuple[str, ...] = next(
    ast.literal_eval(node.value)
    for node in FILES[HERE / "conftest.py"].body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SAVED"
)


def forgotten(processes: Processes) -> list[str]:
    """What is missing of the processes that signals start: their pages here, the names of their saved tests."""
    words = [re.sub(r"(?<!^)(?=[A-Z])", "-", process.name).lower() for process in processes if process.signals]
    pages = [page for page in words if page not in PAGES]
    return pages + [name for page in words if (name := f"test_{page.replace('-', '_')}") not in SAVED]


@workflow.defn(name="RemindOwner")
class RemindOwner:
    @workflow.run
    async def run(self) -> None: ...


def test_every_process_that_signals_start_has_a_page_and_saves_its_tests_histories() -> None:
    assert forgotten(PROCESSES) == []
    one = next(process for process in PROCESSES if process.signals)
    signal = dataclasses.replace(one.signals[0], name="Signals_OTHER")
    other = dataclasses.replace(one, name="RemindOwner", workflow=RemindOwner, signals=[signal])
    assert forgotten(PROCESSES.also(other)) == ["remind-owner", "test_remind_owner"]


def named(row: list[str]) -> list[str]:
    return re.findall(r"`(test_\w+)`", row[-1])


def cases(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


@cache
def texts(test: str) -> str:
    """Every string in the file of a test and in the modules that its tests share."""
    trees = [tree for file, tree in FILES.items() if not file.name.startswith("test_") or test in cases(tree)]
    return "\n".join(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_every_test_in_the_table_exists() -> None:
    there = {name for tree in FILES.values() for name in cases(tree)}
    assert {name for row in ROWS for name in named(row)} <= there


@pytest.mark.parametrize(
    "file",
    [file for file in FILES if file.name.startswith(tuple(f"test_{page.replace('-', '_')}" for page in PAGES))],
    ids=lambda f: f.stem,
)
def test_every_branch_that_is_tested_is_in_the_table(file: Path) -> None:
    listed = {name for row in ROWS for name in named(row)}
    assert [name for name in cases(FILES[file]) if name not in listed] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_text_in_the_table_is_one_that_its_tests_see(row: list[str]) -> None:
    seen = "\n".join(texts(test) for test in named(row))
    for quoted in re.findall("\u201c(.+?)\u201d", " ".join(row[1:-1])):
        for fragment in quoted.split("\u2026"):
            assert fragment.strip() in seen
