"""docs/dmn-analysis.md has every kind of finding, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlc.dmn.analysis import Aspect, Severity, analyse
from mlc.dmn.analysis.suggestions import SUGGESTIONS
from mlc.dmn.errors import Kind

PAGE = (Path(__file__).parents[3] / "docs/dmn-analysis.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (.*?) \| (.+) \|$", PAGE, re.MULTILINE)


def test_every_kind_has_one_row() -> None:
    kinds = [kind for kind, *_ in ROWS]
    documented = sorted(kind for kind in kinds if kind not in set(Severity))
    assert documented == sorted([*Aspect, *SUGGESTIONS])


def test_every_row_has_known_severities_and_says_what_it_means() -> None:
    for kind, severities, _, meaning in ROWS:
        assert set(severities.split(", ")) <= set(Severity), kind
        assert meaning.endswith((".", "?")), kind


def test_all_that_loading_finds_has_a_suggestion() -> None:
    source = Path(__file__).parents[3] / "mlc/dmn"
    evaluating = {"evaluator.py", "tables.py", "inputs.py"}
    reported = {
        Kind[name]
        for path in source.glob("*.py")
        if path.name not in evaluating
        for name in re.findall(r"(?:report\(|Problem\()\s*Kind\.(\w+)", path.read_text())
    }
    assert reported - {Kind.WHICH_DECISION} <= SUGGESTIONS.keys()
    assert len(reported) > 8


COLUMNS = {"auc": "number", "until": "date", "stage": "string"}
CELLS = [
    (kind, severities, *found.groups())
    for kind, severities, example, _ in ROWS
    if (found := re.match(rf"({'|'.join(COLUMNS)})(?: .number.)? `([^`]+)`$", example))
]


@pytest.mark.parametrize(("kind", "severities", "column", "cell"), CELLS)
def test_an_example_of_a_cell_is_what_it_says(
    table: Callable[..., bytes], kind: str, severities: str, column: str, cell: str
) -> None:
    other = {"auc": "< 0.5", "until": '< date("2026-01-01")', "stage": '"dev"'}[column]
    content = table([(column, COLUMNS[column])], [("passes", "boolean")], [[other, "false"], [cell, "true"]])
    found = [finding for finding in analyse(content).findings if finding.kind == kind]
    assert found, [str(finding) for finding in analyse(content).findings]
    assert all(finding.severity.value in severities for finding in found)
    assert any(finding.place.rule == 2 for finding in found)


def test_most_examples_of_cells_are_tried() -> None:
    assert len(CELLS) > 12
