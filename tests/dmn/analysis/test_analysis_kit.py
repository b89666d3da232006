"""The tables of the conformance kit are right: nothing is said about their cells, names and requirements."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from author_tables import findings

KIT = Path(os.environ.get("MLC_DMN_TCK") or Path(__file__).parents[3] / "../shared/dmn-tck").resolve()
#: What the kit has on purpose: expressions whose answer is null, and a decision that a person takes.
MEANT = {"bad_call", "bad_constant", "missing_logic", "syntax", "unsupported", "duplicate_column"}


@pytest.mark.skipif(
    not (KIT / "compliance-level-2").is_dir(),
    reason=f"the DMN TCK is not at {KIT}: set MLC_DMN_TCK to the TestCases folder of a checkout",
)
def test_nothing_is_said_about_the_tables_of_the_kit() -> None:
    files = sorted(KIT.rglob("*.dmn"))
    assert len(files) > 80
    found = [(path.name, one) for path in files for one in findings(path.read_bytes())]
    told = [(name, str(one)) for name, one in found if one.kind not in MEANT or one.place.rule is not None]
    assert [entry for entry in told if "import" not in entry[1]] == []
