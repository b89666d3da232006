"""No part of a ticket is clipped or runs out of its page, on a small window and on a phone; measured in a browser."""

from pathlib import Path

import pytest
from board_browser import Browser
from browser import measured, needs_chromium
from desk_harness import Desks, RunningDesk
from sites import ChangeSite

from mlc.ticketing import Section, Table, TicketRequest

WIDTHS = {"a small window": 1100, "a tablet": 800, "a phone": 390}
MEASURE = """
const wide = [...document.querySelectorAll("main *")].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth
  && getComputedStyle(e).display != "inline");
const out = [...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1);
return {told: [...wide, ...out].map(e => e.tagName + " " + e.textContent.slice(0, 40)), width: innerWidth};"""
LONG = "performance.performance_classification_metrics_of_the_model_on_test_data.values.area_under_the_curve"
BODY = [
    Section(
        heading="Verdict",
        paragraphs=["Passed.", LONG],
        table=Table(
            header=["Decision table", "Rule", "Condition", "Passes", "Reason", "Category"],
            rows=[
                [
                    "thresholds_for_the_breast_cancer_model.dmn",
                    "1",
                    "auc >= 0.8 (it is 0.93)",
                    "yes",
                    "high " * 20,
                    "Performance",
                ]
            ],
        ),
    ),
    Section(heading="Judged before", lines=["@@ -1 +1 @@", f"-{'x' * 150}", f"+{'y ' * 75}"]),
    Section(heading="Model", facts=[("Git commit", "a" * 40), ("Snapshot id", "4f9c1c0a-6a1e-4b52-9d38-0a8b6d1a4f11")]),
    Section(
        heading="Test results",
        table=Table(header=["Metric", "Before", "Now", "Difference"], rows=[[LONG, "0.9", "0.93", "+0.03"]]),
    ),
]


@pytest.fixture
def desk(desks: Desks) -> RunningDesk:
    return desks.start()


@needs_chromium
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
@pytest.mark.parametrize("system", ["Jira", "ServiceNow"])
def test_no_table_is_clipped(
    desk: RunningDesk, question: TicketRequest, tmp_path: Path, system: str, width: int
) -> None:
    tickets = desk.adapter() if system == "Jira" else ChangeSite(desk).adapter()
    ref = tickets.create(question.model_copy(update={"body": BODY, "properties": {"yes": "Approve", "no": "Reject"}}))
    browser = Browser(desk)
    page, style = browser.open(f"/browse/{ref.key}"), browser.open("/board.css")
    assert page.count("<table") >= 2
    assert measured(tmp_path, page, MEASURE, width, style) == {"told": [], "width": width}
