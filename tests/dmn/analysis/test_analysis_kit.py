"""The tables of the conformance kit are right: nothing is said about their cells, names and requirements."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from author_tables import findings

KIT = os.environ.get("MLC_DMN_TCK", "")
#: What the kit has on purpose: expressions whose answer is null, and a decision that a person takes.
MEANT = {"bad_call", "bad_constant", "missing_logic", "syntax", "unsupported", "duplicate_column"}


@pytest.mark.skipif(not KIT, reason="MLC_DMN_TCK is not set")
def test_nothing_is_said_about_the_tables_of_the_kit() -> None:
    files = sorted(Path(KIT).rglob("*.dmn"))

    told = [(path.name, str(one)) for path in files for one in findings(path.read_bytes()) if one.kind not in MEANT]
    cells = [
        (path.name, str(one))
        for path in files
        for one in findings(path.read_bytes())
        if one.place.rule is not None and one.kind in MEANT
    ]

    assert len(files) > 80
    assert [entry for entry in told if "import" not in entry[1]] == []
    assert cells == []
