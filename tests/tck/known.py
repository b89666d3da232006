"""The cases that fail for a known reason, as a document lists them."""

from __future__ import annotations

import re

_ROW = re.compile(r"^\| `([^`/]+/[^`/]+/[^`]+)` \| *(\S.*?) *\|$", re.MULTILINE)


def listed(markdown: str) -> dict[str, str]:
    """Reason by id of the case: the rows ``| `folder/file/case` | reason |``. Raises ValueError for a case twice."""
    found: dict[str, str] = {}
    for case, reason in _ROW.findall(markdown):
        if case in found:
            raise ValueError(f"the case {case} is listed twice")
        found[case] = reason
    return found
