"""docs/dmn-testing.md: its examples are run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from case_files import run

from mlc.cli.dmn import dmn as app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/dmn-testing.md").read_text()
TABLE = ROOT / "examples/diabetes/thresholds.dmn"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize(("language", "cases"), [("json", 3), ("csv", 4)])
def test_the_pages_cases_pass(tmp_path: Path, language: str, cases: int) -> None:
    path = tmp_path / f"c.{language}"
    path.write_text(block(language))
    done = run("test", TABLE, "--cases", path)
    assert (done.exit_code, f"{cases} cases, {cases} passed" in done.output) == (0, True), done.output


def test_the_pages_table_is_what_is_shown() -> None:
    command = re.search(r"^mlc dmn show thresholds.dmn (.*)$", block("console"), re.MULTILINE)
    assert command
    done = run("show", TABLE, *command[1].split(), "--width", 200)
    assert done.stdout.startswith(block("text"))


def test_every_option_that_the_page_names_is_there_and_the_other_way_round() -> None:
    named = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", PAGE)) - {"--help"}
    options = set()
    for command in ("test", "show"):
        options |= set(re.findall(r"--[a-z]+(?:-[a-z]+)*", run(command, "--help").output)) - {"--help"}
    assert named == options
    assert {command.name or command.callback.__name__ for command in app.registered_commands if command.callback} >= {
        "test",
        "show",
    }
