"""docs/dmn-analysis.md has every kind of finding, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from mlc.dmn.analysis import Aspect, Severity
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
