"""A verdict on a ticket: what was judged by which tables, rules and thresholds."""

from collections.abc import Iterator

from mlc.model.verdict import RuleOutcome, TableOutcome, Verdict
from mlc.ticketing.port import Section, Table
from mlc.ticketing.text import clipped

LONGEST_SENTENCE = 500
RULES_TOLD = 6
"""Rules of a table of which none matched: what they ask is told in a sentence."""


def verdict_section(verdict: Verdict, most: int, attached: str | None) -> Section:
    """The section of a ticket.

    Args:
        most: how many rules, problems and warnings are shown of each.
        attached: the name of the attachment that has them all, if they are more.
    """
    if not verdict.judged:
        others = " but those of monitors" if verdict.warnings else ""
        said = [f"Not judged: the snapshot carries no decision table{others}."]
    else:
        said = ["Passed." if verdict.passed else "Not passed."]
        if not verdict.rules:
            said.append("No rule of the decision tables matched.")
    said += [_table_told(table) for table in verdict.tables[:most]]
    for what, sentences in (("Problem", verdict.problems), ("Warning", verdict.warnings)):
        said += [f"{what}: {clipped(sentence, LONGEST_SENTENCE)}" for sentence in sentences[:most]]
    if attached:
        said.append(f"At most {most} of a kind are shown; the whole verdict is attached as {attached}.")
    return Section(heading="Verdict", paragraphs=said, table=_rules(verdict, most))


def is_cut(verdict: Verdict, most: int) -> bool:
    """Whether the section shows less than all of it."""
    kinds = (verdict.rules, verdict.problems, verdict.warnings, verdict.tables)
    many = any(len(kind) > most for kind in kinds)
    return many or any(not table.matched and len(table.conditions) > RULES_TOLD for table in verdict.tables)


def _table_told(table: TableOutcome) -> str:
    """How many rules of a table matched; where none did, what they ask and of what."""
    name = f"{table.table}, {table.decision}" if table.decision else table.table
    rules = f"{table.rules} rule{'' if table.rules == 1 else 's'}" if table.rules else "its rules"
    if table.matched:
        return f"{name}: {table.matched} of {rules} matched."
    told = f"{name}: none of {rules} matched"
    if table.conditions:
        more = table.rules - RULES_TOLD
        told += f". They ask for {'; '.join(table.conditions[:RULES_TOLD])}"
        told += f"; and {more} more" if more > 0 else ""
    if table.values:
        told += f". The values were {', '.join(f'{key} {value}' for key, value in table.values.items())}"
    return clipped(f"{told}.", 2 * LONGEST_SENTENCE)


def _rules(verdict: Verdict, most: int) -> Table | None:
    passes = {True: "yes", False: "no", None: "not said"}
    failed_first = sorted(verdict.rules, key=lambda rule: rule.passes is not False)
    known = any(rule.conditions for rule in failed_first[:most])
    header = ["Decision table", "Rule", *(["Condition"] if known else []), "Passes", "Reason", "Category"]
    rows = [[*_place(rule, known), passes[rule.passes], *_says(rule)] for rule in failed_first[:most]]
    return Table(header=header, rows=rows) if rows else None


def _place(rule: RuleOutcome, known: bool) -> Iterator[str]:
    yield rule.table
    yield str(rule.rule)
    if known:
        yield clipped(" and ".join(rule.conditions) or "any value", LONGEST_SENTENCE)


def _says(rule: RuleOutcome) -> tuple[str, str]:
    return clipped(rule.reason, LONGEST_SENTENCE), rule.category
