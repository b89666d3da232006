"""docs/architecture.md: its picture of who imports whom is the code's."""

import re
from pathlib import Path

import grimp
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
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


def test_there_is_no_circle() -> None:
    assert [(a, b) for a, b in sorted(drawn()) if follows((b, a), drawn())] == []


def test_an_import_that_nobody_drew_is_found(imported: Arrows) -> None:
    assert not follows(("mlc.model", "mlc.gateway"), drawn())
    assert ("mlc.model", "mlc.gateway") not in imported
