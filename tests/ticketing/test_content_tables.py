"""What the analysis found in decision tables, on a ticket: short, counted whole, and never markup."""

import pytest
from test_ticket_content import HOSTILE, asked, card, said, section, ticket_request

from mlc.model.ticket import TicketKind
from mlc.model.verdict import TableFindings, Verdict
from mlc.standalone.desk.board.markup import to_html
from mlc.ticketing import Wording
from mlc.ticketing.content import plain
from mlc.ticketing.content.tables import tables_section
from mlc.ticketing.jira import wiki

GAP = 'Warning: t.dmn, line 9, decision "T": no rule is for these values (auc: [0.7..0.9]); add a rule.'
NARROW = Wording(yes="Done", no="Rejected", how="Move it:", ticket="change request", room=4_000)


def verdict(findings: TableFindings | None, passed: bool = True) -> Verdict:
    return Verdict(judged=True, passed=passed, findings=findings)


@pytest.mark.parametrize("kind", [TicketKind.REVIEW, TicketKind.REJECTION, TicketKind.FAILED_TEST])
def test_a_warning_stands_on_the_ticket_behind_the_verdict(kind: TicketKind) -> None:
    request = ticket_request(asked(kind, verdict=verdict(TableFindings(warnings=1, said=[GAP]))), snapshot=card())
    assert section(request, "Decision tables").paragraphs == [
        "1 warning. A warning is what may change a verdict without anybody noticing.",
        GAP,
    ]
    headings = [part.heading for part in request.body]
    assert headings.index("Decision tables") == headings.index("Verdict") + 1
    assert "no rule is for these values" in said(request)


@pytest.mark.parametrize("findings", [None, TableFindings(), TableFindings(errors=2)])
def test_nothing_is_said_where_nothing_was_found_but_the_verdicts_problems(findings: TableFindings | None) -> None:
    assert tables_section(findings, most=5, longest=400) == []


def test_of_many_findings_the_first_few_are_shown_cut_and_all_are_counted() -> None:
    found = TableFindings(errors=1, warnings=1_000, hints=1, said=[f"Warning: {n} {'x' * 1_000}" for n in range(20)])
    (told,) = tables_section(found, most=5, longest=100)
    assert told.paragraphs[0].startswith("1 error, 1000 warnings, 1 hint. The errors are among the verdict's problems.")
    assert "The first of them are here; `mlc dmn check FILE` shows all of a table's." in told.paragraphs[0]
    assert [len(each) for each in told.paragraphs[1:]] == [100] * 5


def test_where_a_description_is_short_the_section_is_shorter() -> None:
    found = TableFindings(warnings=20, said=[f"Warning: {n} {'x' * 1_000}" for n in range(20)])
    shown = section(ticket_request(asked(verdict=verdict(found)), snapshot=card(), wording=NARROW), "Decision tables")
    assert len(plain.render([shown])) < 500


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_table_becomes_markup(text: str) -> None:
    found = TableFindings(warnings=1, said=[text])
    request = ticket_request(asked(verdict=verdict(found)), snapshot=card())
    shown = str(to_html(wiki.render([section(request, "Decision tables")])))
    for tag in ("<b>", "<script", "<em>", "<img", "<li>", "<hr", "<h1"):
        assert tag not in shown
