"""What the analysis of the decision tables found, on a ticket: it turns no verdict, and people should know it."""

from mlc.model.verdict import TableFindings
from mlc.ticketing.port import Section
from mlc.ticketing.text import clipped


def tables_section(findings: TableFindings | None, *, most: int, longest: int) -> list[Section]:
    """The section of a ticket; none where nothing was found but what the verdict's problems say.

    Args:
        most: how many findings are shown.
        longest: characters of each.
    """
    if findings is None or not (findings.warnings or findings.hints):
        return []
    shown = [clipped(sentence, longest) for sentence in findings.said[:most]]
    counts = ((findings.errors, "error"), (findings.warnings, "warning"), (findings.hints, "hint"))
    told = [", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count) + "."]
    if findings.errors:
        told.append("The errors are among the verdict's problems.")
    if findings.warnings:
        told.append("A warning is what may change a verdict without anybody noticing.")
    if len(shown) < findings.warnings + findings.hints:
        told.append("The first of them are here; `mlc dmn check FILE` shows all of a table's.")
    return [Section(heading="Decision tables", paragraphs=[" ".join(told), *shown])]
