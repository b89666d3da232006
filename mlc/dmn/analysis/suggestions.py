"""What to do about a problem of loading that says itself only what is wrong."""

from __future__ import annotations

import re

from mlc.dmn.errors import Kind

from .finding import Finding

SUGGESTIONS = {
    Kind.NOT_DMN: "export the decision model as DMN (XML) again, and check that file",
    Kind.HOSTILE: "make the file smaller or simpler, or export it again from the tool that wrote it",
    Kind.SYNTAX: 'write it as FEEL has it, such as < 0.7, [0.7..0.9], "text", not("a") or - for anything',
    Kind.STRUCTURE: "correct this part of the model in the tool that wrote the file",
    Kind.DUPLICATE: "give one of them another name or id",
    Kind.CYCLE: "take one of these requirements away",
    Kind.REFERENCE: "add what is missing, or correct the name or id by which it is asked for",
    Kind.UNKNOWN_TYPE: "use a type of FEEL (number, string, boolean, date, ...), or define this one",
    Kind.UNSUPPORTED: "write it in FEEL",
    Kind.WRONG_TYPE: "write a value of the type that is asked for, or correct the type",
    Kind.LIMIT: "make it smaller: split the table or the expression",
}
"""By the kinds of problems that loading finds."""


def suggestion_of(finding: Finding) -> str:
    """What to do about a finding: what it says itself, else what is usually done about its kind."""
    if finding.suggestion or not isinstance(finding.kind, Kind):
        return finding.suggestion
    if finding.kind is Kind.NOT_DMN and re.search("invalid token|undefined entity", finding.message):
        return "write &lt; for < and &amp; for & in texts, and save the file as UTF-8, or export it again"
    return SUGGESTIONS.get(finding.kind, "")
