"""docs/architecture.md: its picture of who imports whom is the code's."""

import re
import tomllib
from pathlib import Path

import grimp
import pytest

from mlc.standalone.needs import Environments, needs
from mlc.ticketing import registry

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
ROOT_PACKAGES = ("mlc", "workflows", "activities")

Arrows = set[tuple[str, str]]


def drawn() -> Arrows:
    """The arrows of the page's first picture, by the rooms' names."""
    picture = PAGE.read_text().split("```mermaid\n", 1)[1].split("```", 1)[0]
    names = dict(re.findall(r"^\s*(\w+)\[([\w.]+)\]", picture, re.MULTILINE))
    return {(names[a], names[b]) for a, b in re.findall(r"^\s*(\w+) --> (\w+)\s*$", picture, re.MULTILINE)}


def room(module: str, rooms: set[str]) -> str | None:
    """The innermost room that a module is in."""
    return max((name for name in rooms if module == name or module.startswith(f"{name}.")), key=len, default=None)


@pytest.fixture(scope="module")
def imported() -> Arrows:
    """Which rooms import which others."""
    graph = grimp.build_graph(*ROOT_PACKAGES)
    rooms = {name for arrow in drawn() for name in arrow}
    arrows = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            pair = (room(module, rooms), room(other, rooms))
            if None in pair and pair[0] != pair[1]:
                arrows.add((pair[0] or module, pair[1] or other))
            elif pair[0] != pair[1]:
                arrows.add((str(pair[0]), str(pair[1])))
    return arrows


def follows(arrow: tuple[str, str], arrows: Arrows) -> bool:
    """Whether an arrow is there, or follows from others."""
    reached, new = set[str](), {arrow[0]}
    while new:
        reached |= new
        new = {b for a, b in arrows if a in new} - reached
    return arrow[1] in reached - {arrow[0]}


def test_every_import_is_in_the_picture(imported: Arrows) -> None:
    assert [arrow for arrow in sorted(imported) if not follows(arrow, drawn())] == []


def test_every_arrow_of_the_picture_is_an_import(imported: Arrows) -> None:
    assert sorted(drawn() - imported) == []


def test_no_arrow_is_drawn_that_follows_from_others() -> None:
    assert [arrow for arrow in sorted(drawn()) if follows(arrow, drawn() - {arrow})] == []


def rooms_of(contract: str) -> set[str]:
    """The rooms that one of import-linter's contracts lists, by a part of its name."""
    (found,) = (each for each in CONTRACTS if contract in each["name"])
    return set(found.get("modules") or found["forbidden_modules"])


def test_lint_and_the_picture_know_the_room_of_every_ticket_system() -> None:
    rooms = {system.settings.__module__.rpartition(".")[0] for system in registry.SYSTEMS}
    assert rooms_of("nobody but the registry knows them") == rooms
    assert rooms_of("Ticket systems are independent") == rooms
    assert rooms <= {name for arrow in drawn() for name in arrow}


def test_standalone_mode_takes_no_setting_of_a_ticket_system_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for system in registry.SYSTEMS:
        monkeypatch.setenv(system.settings.variable("url"), "https://elsewhere.example.org")
    environments = Environments(Path("/home"), {})
    for program, what in needs().items():
        environment = environments.of(what)
        found = [system.name for system in registry.SYSTEMS if system.settings.variable("url") in environment]
        assert found == [], program


def test_there_is_no_circle() -> None:
    assert [(a, b) for a, b in sorted(drawn()) if follows((b, a), drawn())] == []


def test_an_import_that_nobody_drew_is_found(imported: Arrows) -> None:
    assert not follows(("mlc.model", "mlc.gateway"), drawn())
    assert ("mlc.model", "mlc.gateway") not in imported
