"""A test result as one page that needs nothing else: no script, no address, nothing to load."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from mlc import charts
from mlc.charts import Markup, element
from mlc.model.result import Purpose, TestResultRecord
from mlc.reports.blocks import left_out_section, values_section
from mlc.reports.columns import columns_section
from mlc.reports.provenance import provenance_section
from mlc.reports.runs import runs_of, runs_section, when
from mlc.reports.verdicts import badge, verdict_section

_STYLE = charts.STYLE + files(__package__).joinpath("style.css").read_text(encoding="utf-8")
_ITS_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_NOTHING_BUT_ITS_STYLE = f"default-src 'none'; style-src 'sha256-{_ITS_HASH}'; base-uri 'none'; form-action 'none'"
CONTENT_SECURITY_POLICY = f"sandbox; {_NOTHING_BUT_ITS_STYLE}; frame-ancestors 'none'"
"""With which a page is served. Opened from a file, it says most of that itself."""
LONGEST = 500_000
"""Bytes of a page, at most."""
_MADE_BY = {
    Purpose.OWN: "the snapshot's own metrics job",
    Purpose.BACK_TEST: "a back test",
    Purpose.MONITOR: "a monitor",
}


@dataclass(frozen=True)
class About:
    """What a result is of, in names for people; empty where they are not known.

    Attributes:
        monitor: the monitor's name; else the one that the result tells.
        snapshot: the name of the snapshot that was watched.
        model: its model's.
        snapshot_page: address of the snapshot's page, from where the result's is served; or of one that is public.
    """

    monitor: str = ""
    snapshot: str = ""
    model: str = ""
    snapshot_page: str = ""


def result_page(result: TestResultRecord, earlier: Sequence[TestResultRecord] = (), about: About | None = None) -> str:
    """A test result for people to look at: verdict, thresholds, distributions, the last runs, and all its values.

    Args:
        result: of any shape; of what it does not hold the page has no chart.
        earlier: results of the same monitor on the same snapshot, in any order; the last ones up to this one count.

    Returns:
        HTML that is well-formed XML, too, of at most ``LONGEST`` bytes in UTF-8.
    """
    about = about or About()
    title = charts.visible(about.monitor or result.monitor, 150) or "Test result"
    body = element(
        "main",
        _head(result, about, title),
        verdict_section(result.verdict, result.values),
        columns_section(result.values),
        runs_section(runs_of(result, earlier)),
        left_out_section(result.values),
        values_section(result.values),
        provenance_section(result),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_NOTHING_BUT_ITS_STYLE),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title}: {when(result.created)}"),
        element("style", Markup(_STYLE)),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body), lang='en')}\n"


def _head(result: TestResultRecord, about: About, title: str) -> Markup:
    name = charts.bidi(about.snapshot or result.snapshot_id or "an unknown snapshot")
    snapshot = element("a", name, href=about.snapshot_page) if _leads_somewhere(about.snapshot_page) else name
    of_model = charts.joined([" of ", charts.bidi(about.model)]) if about.model else None
    by = f", by {_MADE_BY[result.purpose]}" if result.purpose in _MADE_BY else ""
    job = charts.joined([", job ", element("code", charts.visible(result.job_id, 80))]) if result.job_id else None
    measured = [
        *result.provenance.inputs,
        *(each for each in result.provenance.read if each not in result.provenance.inputs),
    ]
    data = None
    if measured:
        more = f" and {len(measured) - 6:,} more" if len(measured) > 6 else ""
        named = [part for each in measured[:6] for part in (", ", charts.bidi(each, 100))][1:]
        data = element("p", "Measured on ", *named, f"{more}.")
    return element(
        "header",
        element("h1", element("bdi", title), " ", badge(result.verdict)),
        element("p", "Snapshot ", snapshot, of_model, "."),
        element("p", f"Measured {when(result.created)}{by}", job, "."),
        data,
    )


def _leads_somewhere(address: str) -> bool:
    """Whether it is an address that a browser may follow, and no script."""
    return address.startswith(("https://", "http://")) or (
        address.startswith("/") and not address.startswith(("//", "/\\"))
    )
