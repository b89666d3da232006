"""The page of a test result: what it shows, and that nothing in a result can break it, blow it up or run in it."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reports.results import BEGAN, CLASSIFIED, DRIFT, EVIL, METRIC, STABILITY, result, verdict

from mlc.model.result import Provenance, Purpose, TestResultRecord
from mlc.model.verdict import RuleOutcome, TableOutcome, Verdict
from mlc.reports import CONTENT_SECURITY_POLICY, LONGEST, About, result_page

SVG = "{http://www.w3.org/2000/svg}"
KNOWN = {"html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "h3", "p", "a"}
KNOWN |= {"bdi", "span", "code", "ul", "li", "div", "figure", "figcaption", "details", "summary", "table", "thead"}
KNOWN |= {"tbody", "tr", "th", "td", "svg", "desc", "rect", "line", "path", "circle", "text"}


def tree(page: str) -> ElementTree.Element:
    """A page as an XML parser reads it, after a look at what it is made of."""
    assert page.startswith("<!doctype html>\n")
    assert len(page.encode()) <= LONGEST
    root = ElementTree.fromstring(page.removeprefix("<!doctype html>"))
    for part in root.iter():
        assert part.tag.removeprefix(SVG) in KNOWN
        for name, value in part.attrib.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcdoc", "action"}
            assert name != "href" or value.startswith(("/", "http://", "https://"))
    return root


def text(root: ElementTree.Element) -> str:
    return " ".join("".join(root.itertext()).split())


def titles(root: ElementTree.Element) -> list[str]:
    """Of the charts."""
    return [part.text or "" for part in root.iter(f"{SVG}title")]


def section(root: ElementTree.Element, heading: str) -> ElementTree.Element:
    (found,) = (each for each in root.iter("section") if each[0].text == heading)
    return found


def test_a_page_says_what_it_is_of_when_on_which_data_and_the_verdict() -> None:
    about = About("Data Drift Monitor", "v3", "German credit", "/snapshots/snapshot-1")
    said = text(tree(result_page(result(DRIFT, verdict=verdict()), [], about)))
    for expected in (
        *("Data Drift Monitor", "Snapshot v3 of German credit", "2026-11-29 02:00 UTC", "job job-1", "by a monitor"),
        *("Not passed", "A feature has moved", "baseline.csv", "a" * 64, "production.csv", "lab-1", "pandas", "3.0.1"),
    ):
        assert expected in said
    assert "hush" not in said


def test_a_result_that_names_its_monitor_needs_nobody_to_say_it() -> None:
    made = result(DRIFT, monitor="Drift Monitor")
    assert "Drift Monitor" in text(tree(result_page(made)))
    assert "Other" in text(tree(result_page(made, [], About("Other"))))


def test_each_threshold_has_the_place_of_the_value() -> None:
    root = tree(result_page(result(DRIFT, verdict=verdict())))
    place = next(svg for svg in section(root, "Verdict").iter(f"{SVG}svg") if METRIC in (svg[0].text or ""))
    assert [part.text for part in place.iter(f"{SVG}text")][:3] == [
        "0.31",
        "Rule 1: > 0.2: matches, does not pass",
        "Rule 2: <= 0.2",
    ]
    kinds = [part.attrib["class"] for part in place.iter(f"{SVG}rect")]
    assert kinds == ["chart-range-bad", "chart-range-plain"]


def test_each_column_has_its_distribution_before_and_after_with_the_numbers() -> None:
    found = section(tree(result_page(result(DRIFT))), "Before and after")
    assert titles(found) == ["age", "sex"]
    said = text(found)
    for expected in (
        "20 to 30",
        "above 50",
        "Jensen-Shannon distance 0.31",
        "female",
        "3 other categories: 1% and 3.8%",
    ):
        assert expected in said
    assert "2 more columns are not drawn" in said


def test_stability_and_classes_are_drawn_from_what_modelops_own_results_hold() -> None:
    found = section(tree(result_page(result(STABILITY))), "Before and after")
    assert (titles(found), "CSI 0.55" in text(found)) == (["age"], True)
    found = section(tree(result_page(result(CLASSIFIED))), "Classes")
    assert "0.6" in text(found)
    assert "0.65" in text(found), "0.5 + 0.15 are predicted as no"


def test_the_last_runs_are_in_their_order_and_later_ones_are_not_there() -> None:
    runs = [result({METRIC: 0.01 * night}, night, verdict=verdict(passed=True)) for night in (3, 1, 12, 2)]
    found = section(tree(result_page(result(DRIFT, verdict=verdict()), runs)), "Over the last runs")
    assert METRIC in titles(found)
    rows = ["".join(cell.itertext()) for cell in found.iter("code")]
    assert rows == ["result-9", "result-3", "result-2", "result-1"]
    assert "0.2 (rule 1)" in text(found)


def test_of_many_runs_the_last_ones_are_shown_and_a_result_twice_is_one() -> None:
    runs = [result({METRIC: 0.1}, night % 8, id=f"r{night}") for night in range(400)] * 2
    found = section(tree(result_page(result(DRIFT), runs)), "Over the last runs")
    assert len(list(found.iter("code"))) == 30
    alone = section(tree(result_page(result(DRIFT), [result(DRIFT)])), "Over the last runs")
    assert "no earlier result" in text(alone)


def test_a_run_of_which_nobody_knows_when_is_no_earlier_one() -> None:
    unknown = result({METRIC: 0.5}, 1, created=None)
    assert "no earlier result" in text(tree(result_page(result(DRIFT), [unknown])))
    assert "at an unknown time" in text(tree(result_page(unknown, [result(DRIFT)])))
    naive = result({METRIC: 0.5}, 1, created=datetime(2026, 11, 21, 2, 0))  # noqa: DTZ001
    assert METRIC in titles(section(tree(result_page(result(DRIFT), [naive])), "Over the last runs"))


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (None, "Nobody has judged this result."),
        (Verdict(judged=False, passed=True), "No decision table was asked."),
        (Verdict(judged=True, passed=False, problems=["It asks for auc."]), "It asks for auc."),
    ],
)
def test_a_result_without_thresholds_says_so(given_: Verdict | None, said: str) -> None:
    root = tree(result_page(result({"auc": 0.9}, verdict=given_)))
    assert said in text(root)
    assert "Passed" not in text(root)


def test_rules_alone_are_shown_where_a_centre_keeps_no_tables() -> None:
    rule = RuleOutcome(table="t.dmn", rule=4, passes=False, reason="low", conditions=["auc < 0.7 (it is 0.6)"])
    root = tree(result_page(result({"auc": 0.6}, verdict=Verdict(judged=True, passed=False, rules=[rule]))))
    assert titles(section(root, "Verdict")) == ["auc: 0.6"]
    assert "t.dmn 4" in text(root)


@pytest.mark.parametrize(
    ("purpose", "said"), [(Purpose.OWN, "own metrics job"), (Purpose.BACK_TEST, "a back test"), (Purpose.UNKNOWN, "")]
)
def test_a_result_of_another_purpose_says_which(purpose: Purpose, said: str) -> None:
    root = tree(result_page(result({"auc": 0.9}, purpose=purpose)))
    assert said in text(root)
    assert "by a monitor" not in text(root)


def test_a_page_has_no_script_and_says_to_the_browser_what_it_may() -> None:
    page = result_page(result(DRIFT, verdict=verdict()))
    root = tree(page)
    (policy,) = (meta.attrib["content"] for meta in root.iter("meta") if "http-equiv" in meta.attrib)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert f"sandbox; {policy}; frame-ancestors 'none'" == CONTENT_SECURITY_POLICY
    assert "<script" not in page
    assert "url(" not in page
    assert "@import" not in page


def hostile(word: str) -> TestResultRecord:
    """A result with a word wherever there can be one."""
    table = TableOutcome(
        table=word, decision=word, rules=1, matched=1, conditions=[word, f"{word} > 0.2"], values={word: "1"}
    )
    rule = RuleOutcome(table=word, rule=1, passes=False, reason=word, category=word, conditions=[word])
    values = json.loads(json.dumps(DRIFT).replace("age", json.dumps(word)[1:-1])) | {
        word: 1.5,
        f"{word}_js_distance": 0.5,
        "stability": json.loads(json.dumps(STABILITY["stability"]).replace("age", json.dumps(word)[1:-1])),
        "confusion_matrix": [{word: 1.0}],
        "nulls": [{word: word}],
        "not_in_schema": [{"column": word, "in": word}],
        "text": word,
        "lists": [word, [word], {word: word}],
        "objects": {word: {word: {word: word}}},
    }
    words = {word: word}
    return TestResultRecord(
        id=word,
        snapshot_id=word,
        job_id=word,
        created=BEGAN,
        values=values,
        provenance=Provenance(
            **dict.fromkeys(("job_id", "runtime", "choice"), word),
            **dict.fromkeys(("parameters", "source", "inputs", "artefacts"), words),
            versions={word: words},
            read=[word],
        ),
        verdict=Verdict(judged=True, passed=False, rules=[rule], problems=[word], warnings=[word], tables=[table]),
    )


@pytest.mark.parametrize(
    "word", [EVIL, "\u202e\u2067\u200f", "]]>", "<!--", "&#x3c;script&#x3e;", "x" * 30_000, "", " "]
)
def test_hostile_names_are_texts(word: str) -> None:
    made = hostile(word)
    page = result_page(made, [made.model_copy(update={"id": "other"})], About(word, word, word, word))
    tree(page)
    assert not re.search("[\0\x1b\u202e\u2067\u200f]", page)
    assert "<script" not in page
    assert "javascript:" not in result_page(made, [], About(snapshot_page="javascript:alert(1)"))


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//elsewhere.example", "/\\elsewhere", "data:text/html,x", "x"]
)
def test_an_address_that_leads_elsewhere_is_no_link(address: str) -> None:
    root = tree(result_page(result({}), [], About(snapshot="v1", snapshot_page=address)))
    assert [link.attrib["href"] for link in root.iter("a")] == []


@pytest.mark.parametrize(
    "values",
    [
        {f"metric {number}": number for number in range(10_000)},
        {f"{'n' * 5_000}{number}": "v" * 5_000 for number in range(300)},
        {"data_drift": [{"test_name": f"t{n}", "values": {str(k): k for k in range(500)}} for n in range(500)]},
        {"rows": [{f"c{n}": '"' * 500 for n in range(200)} for _ in range(1_000)]},
        {"not_compared": [{"column": "&" * 500, "reason": "<" * 500} for _ in range(10_000)]},
        {
            "stability": [
                {
                    "values": {
                        f"column {n}": {
                            "stability_analysis_table": [
                                {"bucket": f"{'ü' * 100}{k}", "train_count": k, "eval_count": 1} for k in range(1_000)
                            ]
                        }
                        for n in range(150)
                    }
                }
            ]
        },
        {"confusion_matrix": [{str(n): 0.0001 for n in range(300)} for _ in range(300)]},
        {
            "distributions": {
                "columns": [
                    {
                        "column": f"{'&' * 300}{n}",
                        "categories": ["'" * 500] * 40,
                        "baseline": [1] * 40,
                        "sample": [2] * 40,
                    }
                    for n in range(10_000)
                ]
            }
        },
    ],
    ids=["metrics", "long texts", "blocks", "rows", "left out", "buckets", "classes", "distributions"],
)
def test_a_huge_result_has_a_page_that_ends(values: dict[str, Any]) -> None:
    many = [RuleOutcome(table="t" * 500, rule=n, passes=False, reason="<" * 2_000) for n in range(2_000)]
    tables = [
        TableOutcome(
            table=f"t{n}",
            rules=20,
            conditions=[f"metric {k} > {k}" for k in range(20)],
            values={f"metric {k}": "1" for k in range(20)},
        )
        for n in range(50)
    ]
    judged = Verdict(judged=True, passed=False, rules=many, problems=["&" * 5_000] * 2_000, tables=tables)
    hashes = {f"{'&' * 400}{n}": "a" * 64 for n in range(5_000)}
    made = result(values, verdict=judged, provenance=Provenance(inputs=hashes, read=list(hashes), choice="&" * 9_000))
    tree(result_page(made, [result(values, night) for night in range(8)], About("&" * 9_000, "&" * 9_000, "&" * 9_000)))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.integers(10**320, 10**330) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "stability",
        "distributions",
        "confusion_matrix",
        "not_compared",
        "nulls",
        "data_drift",
        METRIC,
        f"{METRIC}Feature",
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS | st.text(max_size=10).filter(str.isprintable), JSON, max_size=6))
def test_a_result_of_any_shape_has_a_page(values: dict[str, Any]) -> None:
    made = result(values, verdict=verdict())
    tree(result_page(made, [result(values, 1), result({METRIC: 0.1}, 2)]))


@pytest.mark.parametrize("depth", [100, 900])
def test_a_result_that_is_deeply_nested_has_a_page(depth: int) -> None:
    inner: Any = 1.0
    for _ in range(depth):
        inner = {"values": [inner]} if depth % 2 else {"a": inner}
    made = TestResultRecord.model_construct(id="r", values={"deep": inner, "stability": [inner], "nulls": [inner]})
    tree(result_page(made))


def test_numbers_that_are_none_are_no_charts() -> None:
    values = {METRIC: float("nan"), "a": float("inf"), "b": 10**400, "c": True, "d": 1e308, "not_compared_count": None}
    root = tree(result_page(result(values, verdict=verdict("nan")), [result(values, 1)]))
    assert titles(root) == []
    assert "not a number" in text(root)


def test_the_page_is_made_without_pandas() -> None:
    code = "import sys; import mlc.reports; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"numpy", "pandas", "scipy", "sklearn", "jinja2", "fastapi", "sqlalchemy"} & set(loaded.stdout.split())


def test_the_same_result_has_the_same_page() -> None:
    made = result(DRIFT, verdict=verdict())
    assert result_page(made) == result_page(TestResultRecord.model_validate_json(made.model_dump_json()))


def test_moments_are_told_in_utc() -> None:
    created = datetime.fromisoformat("2026-11-29T01:30:00+05:30")
    assert created.astimezone(UTC).day == 28
    assert "2026-11-28 20:00 UTC" in text(tree(result_page(result({}, created=created))))
