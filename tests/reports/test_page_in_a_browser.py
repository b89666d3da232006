"""On a phone nothing of a page runs out of it, and no text out of its chart; measured in a browser."""

import re
from pathlib import Path

import pytest
from browser import measured, needs_chromium
from reports.results import CLASSIFIED, DRIFT, METRIC, STABILITY, result, verdict

from mlc.reports import About, result_page

WIDTHS = {"a phone": 400, "a small phone": 320, "a window": 1200}
MEASURE = """
document.querySelectorAll("details").forEach(each => each.open = true);
const name = e => e.tagName + ": " + e.textContent.slice(0, 60);
const out = [...document.querySelectorAll("main *")].filter(e => !e.closest(".table *")
  && e.getBoundingClientRect().right > innerWidth + 1);
const cut = [...document.querySelectorAll("svg text")].filter(e => { const t = e.getBoundingClientRect(),
  s = e.ownerSVGElement.getBoundingClientRect(); return t.right > s.right + 1 || t.left < s.left - 1; });
const small = [...document.querySelectorAll("svg text")].filter(e => e.getBoundingClientRect().height < 8);
const page = document.scrollingElement.scrollWidth > innerWidth ? ["the page"] : [];
return {out: [...page, ...out.map(name)], cut: cut.map(name), small: small.map(name), width: innerWidth,
  charts: document.querySelectorAll("svg").length};"""
LONG = "performance_of_the_model_on_data_of_the_last_quarter_without_any_blank" * 3


@needs_chromium
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_nothing_overflows(tmp_path: Path, width: int) -> None:
    long = {
        LONG: 123456.789,
        f"{LONG}_js_distance": 0.00012345,
        "distributions": {
            "columns": [
                *DRIFT["distributions"]["columns"],
                {
                    "column": LONG,
                    "edges": [-1e6, 0, 1e6, 2e6],
                    "baseline": [1, 2, 3],
                    "sample": [3, 2, 1],
                    "below": [1, 1],
                },
                {
                    "column": "WWWW",
                    "categories": [LONG, "m" * 80, "東京" * 40],
                    "baseline": [9, 1, 5],
                    "sample": [1, 1, 1],
                },
                {"column": "tiny", "edges": [0, 1.25e-7, 2.5e-7], "baseline": [1, 2], "sample": [3, 2]},
            ],
            "columns_left_out": 3,
        },
    }
    values = DRIFT | CLASSIFIED | {"stability": STABILITY["stability"]} | long
    runs = [result({METRIC: -1e-7 * night, LONG: 1e9 * night, "auc": 0.5}, night) for night in range(9)]
    about = About("Data Drift Monitor: Comprehensive Analysis", LONG, LONG, "/snapshots/1")
    page = result_page(result(values, verdict=verdict()), runs, about)
    page = re.sub(r"<meta http-equiv[^>]*>", "", page)  # which lets no script measure
    found = measured(tmp_path, page, MEASURE, width)
    assert found.pop("charts") >= 10
    assert found == {"out": [], "cut": [], "small": [], "width": width}


@needs_chromium
def test_a_page_as_it_is_runs_no_script_and_has_its_style(tmp_path: Path) -> None:
    page = result_page(result(DRIFT, verdict=verdict()))
    told = "return {ran: true};"
    with pytest.raises(AssertionError):
        measured(tmp_path, page, told, 400)
    # The style sheet alone is let through by its hash: without the policy it is the same one.
    free = re.sub(r"<meta http-equiv[^>]*>", "", page)
    assert measured(tmp_path, free, told, 400) == {"ran": True}
