"""Charts are well-formed, without script, with every text escaped, whatever the numbers and names are."""

import math
import re
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc import charts
from mlc.charts import Beyond, Markup, Pairs, Range, Steps
from mlc.charts.drawing import WIDTH
from mlc.charts.scale import Scale, nice_step, scale_of

SVG = "{http://www.w3.org/2000/svg}"
KNOWN = {"svg", "title", "desc", "rect", "line", "path", "circle", "text"}
ANY = st.text(max_size=60) | st.sampled_from(["<script>alert(1)</script>", "]]>&'\"", "\u202egnp.exe", "\ud800", "\0"])
NUMBER = st.floats(allow_nan=True, allow_infinity=True)
PLACE = st.floats(-1e300, 1e300)
SHARE = st.floats(0, 1)


def tree(drawing: Markup) -> ElementTree.Element:
    """A chart as an XML parser reads it, after a look at what it is made of."""
    root = ElementTree.fromstring(drawing)
    for part in root.iter():
        assert part.tag.removeprefix(SVG) in KNOWN
        assert not [name for name in part.attrib if name.startswith("on") or "href" in name or name == "style"]
        for name, value in part.attrib.items():
            assert not {"nan", "inf"} & set(re.findall("[a-z]+", value)), (part.tag, name, value)
            if name in {"x", "y", "x1", "x2", "cx"}:
                assert -1 <= float(value) <= max(WIDTH, float(root.attrib["viewBox"].split()[3])) + 1
    assert root.attrib["role"] == "img"
    assert [part.tag for part in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(part.itertext()) for part in root.iter(f"{SVG}text")]


@settings(deadline=None)
@given(ANY, ANY, st.lists(st.tuples(ANY, SHARE, SHARE), min_size=1, max_size=8), ANY)
def test_pairs_are_well_formed(title: str, told: str, rows: list[tuple[str, float, float]], rest: str) -> None:
    names, before, after = ([row[place] for row in rows] for place in range(3))
    tree(charts.pairs(title, told, ("Baseline", "Sample"), Pairs(names, before, after, rest)))


@settings(deadline=None)
@given(ANY, st.lists(PLACE, min_size=2, max_size=20, unique=True), st.data(), SHARE)
def test_steps_are_well_formed(title: str, places: list[float], data: st.DataObject, beyond: float) -> None:
    edges = sorted({place + 0.0 for place in places})
    shares = st.lists(SHARE, min_size=len(edges) - 1, max_size=len(edges) - 1)
    what = Steps(edges, data.draw(shares), data.draw(shares), Beyond(beyond, 0), Beyond(0, beyond))
    tree(charts.steps(title, title, ("a", "b"), what))


@settings(deadline=None)
@given(ANY, st.lists(NUMBER | st.none(), min_size=1, max_size=12), st.lists(st.tuples(PLACE, ANY), max_size=4))
def test_a_course_is_well_formed(title: str, values: list[float | None], thresholds: list[tuple[float, str]]) -> None:
    root = tree(charts.course(title, title, values, (title, title), thresholds))
    finite = [value for value in values if value is not None and math.isfinite(value)]
    assert len(root.findall(f"{SVG}circle")) == len(finite)


@settings(deadline=None)
@given(ANY, PLACE, st.lists(st.tuples(ANY, NUMBER, NUMBER), min_size=1, max_size=5))
def test_ranges_are_well_formed(title: str, value: float, asked: list[tuple[str, float, float]]) -> None:
    lanes = [Range(text, low, high) for text, low, high in asked if low <= high and low < math.inf and high > -math.inf]
    tree(charts.ranges(title, title, value, lanes))


@settings(deadline=None)
@given(ANY)
def test_every_text_is_escaped_and_what_cannot_be_seen_is_written(text: str) -> None:
    made = charts.element("p", text, charts.bidi(text), title=text)
    root = ElementTree.fromstring(made)
    assert len(list(root.iter())) == 2, "the paragraph and the bdi"
    assert not set("\0\x1b\u202e\u2066\ud800\ufeff") & set(made)
    if text.isascii() and text.isprintable():
        assert (root.text or "", root.attrib["title"]) == (text, text)


def test_a_mark_that_turns_the_direction_of_writing_is_seen() -> None:
    assert charts.visible("invoice\u202egnp.exe\0\ud800") == "invoice\\u202egnp.exe\\u0000\\ud800"
    assert charts.visible("a\nb\tc") == "a b c"
    assert charts.visible("x" * 300, 10) == "x" * 9 + "\N{HORIZONTAL ELLIPSIS}"
    assert charts.visible("שלום") == "שלום", "letters that are written from the right are letters"


@pytest.mark.parametrize("name", ["", "a b", "x onload=y", "script><"])
def test_a_name_of_an_element_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        charts.element(name)
    with pytest.raises(ValueError, match="no name"):
        charts.element("p", **{name: "x"})


def test_a_chart_says_in_words_what_it_shows() -> None:
    root = tree(
        charts.steps("age", "Baseline 10 records", ("Baseline", "Sample"), Steps([0, 1, 2], [0.5, 0.5], [1, 0]))
    )
    assert [root[0].text, root[1].text] == ["age", "Baseline 10 records"]
    assert {"Baseline", "Sample", "0%", "100%", "0", "1", "2"} <= set(texts(root))


def test_a_figure_has_its_numbers_in_a_table_that_needs_no_script() -> None:
    drawing = charts.course("psi", "", [0.1, 0.3], ("a", "b"), [(0.2, "0.2 (rule 1)")])
    made = charts.figure("psi <b>", drawing, ("Run", "Value"), [["a", "0.1"], ["b", "0.3"]])
    root = ElementTree.fromstring(made)
    assert "".join(root.findall("figcaption")[0].itertext()) == "psi <b>"
    assert ["".join(cell.itertext()) for cell in root.iter("td")] == ["0.1", "0.3"]
    assert root.find("details") is not None


def test_the_last_value_stands_out_and_a_missing_one_is_a_gap() -> None:
    root = tree(charts.course("x", "", [1.0, None, 2.0, 3.0], ("first", "last")))
    kinds = [circle.attrib["class"] for circle in root.iter(f"{SVG}circle")]
    assert kinds == ["chart-dot", "chart-dot", "chart-now"]
    (path,) = (part.attrib["d"] for part in root.iter(f"{SVG}path"))
    assert (path.count("M"), path.count("L")) == (2, 1)


def test_a_value_lies_in_its_range() -> None:
    root = tree(charts.ranges("auc", "", 0.9, [Range("at least 0.7", low=0.7), Range("below 0.7", high=0.7)]))
    lanes = [part for part in root.iter(f"{SVG}rect") if "range" in part.attrib["class"]]
    (now,) = (float(part.attrib["x1"]) for part in root.iter(f"{SVG}line") if part.attrib["class"] == "chart-now-line")
    inside = [float(lane.attrib["x"]) <= now <= float(lane.attrib["x"]) + float(lane.attrib["width"]) for lane in lanes]
    assert inside == [True, False]


@pytest.mark.parametrize("make", [charts.steps, charts.pairs])
def test_shares_that_do_not_belong_to_buckets_are_refused(make: Callable[..., Markup]) -> None:
    what = Steps([0, 1], [1.0], []) if make is charts.steps else Pairs(["a"], [1.0], [])
    with pytest.raises(ValueError, match="each side"):
        make("t", "d", ("a", "b"), what)


@settings(deadline=None)
@given(st.lists(NUMBER, max_size=6))
def test_a_scale_has_a_place_for_every_value_and_round_values_beside_it(values: list[float]) -> None:
    scale = scale_of(values, 10.0, 350.0)
    assert all(10 - 1e-6 <= scale(value) <= 350 + 1e-6 for value in values if not math.isnan(value))
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 5
    assert all(math.isfinite(tick) for tick in ticks)


def test_ticks_are_round() -> None:
    assert Scale(0, 1, 0, 1).ticks(5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert [nice_step(each) for each in (0.03, 1, 1.1, 21)] == pytest.approx([0.05, 1, 2, 50])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.17, "0.17"),
        (-2, "\N{MINUS SIGN}2"),
        (1234567, "1,234,567"),
        (1e9, "1,000,000,000"),
        (None, "\N{EN DASH}"),
        (math.nan, "not a number"),
        (math.inf, "infinite"),
        (10**400, "very large"),
    ],
)
def test_numbers_are_written_for_people(value: float | None, text: str) -> None:
    assert charts.written(value) == text


def test_charts_load_nothing_of_the_project() -> None:
    code = "import sys; import mlc.charts; print(*(name for name in sys.modules if name.startswith('mlc.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert {".".join(name.split(".")[:2]) for name in loaded.stdout.split()} == {"mlc.charts"}
