"""The runner of the technology compatibility kit can be trusted: wrong answers of every kind fail, right ones pass."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from xml.etree.ElementTree import fromstring
from zoneinfo import ZoneInfo

import pytest

from mlc.dmn import Range, YearsMonthsDuration
from tests.tck.cases import cases
from tests.tck.known import listed
from tests.tck.runner import run
from tests.tck.values import Beyond, same, scalar, value_of

ROOT = Path(__file__).parents[2]
MODEL = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="D">
  <inputData id="i" name="a"/>
  <decision id="x1" name="one"><variable name="one"/><informationRequirement id="r"><requiredInput href="#i"/>
    </informationRequirement><literalExpression><text>%s</text></literalExpression></decision></definitions>"""
CASES = """<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <modelName>m.dmn</modelName><testCase id="1"><inputNode name="a"><value xsi:type="xsd:decimal">2</value></inputNode>
  <resultNode name="%s"%s><expected>%s</expected></resultNode></testCase></testCases>"""
NUMBER = '<value xsi:type="xsd:decimal">%s</value>'
NULL = '<value xsi:nil="true"/>'
NANO = "2017-09-05T09:15:30.987654321"
BOTH = f"<list><item>{NUMBER % 1}</item><item>{NUMBER % 2}</item></list>"
CONTEXT = f'<component name="b">{NUMBER % 1}</component><component name="c">{NULL}</component>'


@pytest.fixture
def kit(tmp_path):
    """A kit of one case, below a folder named as level 3."""

    def make(expression: str, expected: str, name: str = "one", more: str = "", model: str = MODEL) -> Path:
        folder = tmp_path / "compliance-level-3" / "0001-made-up"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "m.dmn").write_text(model % expression)
        (folder / "0001-made-up-test-01.xml").write_text(CASES % (name, more, expected))
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + 1", NUMBER % "3"),
        ("a + 1", NUMBER % "3.00"),
        ("1 / 3", '<value xsi:type="xsd:double">0.3333333333333333</value>'),
        ("1 / 3", NUMBER % "0.33333333"),
        ("exp(4)", NUMBER % "54.59815003"),
        ("1000000 + 1 / 3", NUMBER % "1000000.33333333"),
        ("1 / 3 + 0.000000009", NUMBER % "0.333333333333"),
        ("-1 / 3", NUMBER % "-0.33333333"),
        ('"3"', '<value xsi:type="xsd:string">3</value>'),
        ("a = 2", '<value xsi:type="xsd:boolean">true</value>'),
        ("[1, a]", BOTH),
        ("{c: null, b: 1}", CONTEXT),
        ("null", NULL),
        ('date("2026-07-31")', '<value xsi:type="xsd:date">2026-07-31</value>'),
        ('duration("P14M")', '<value xsi:type="xsd:duration">P1Y2M</value>'),
        ('date("-2017-01-01")', '<value xsi:type="xsd:date">-2017-01-01</value>'),
        (f'date and time("{NANO}")', f'<value xsi:type="xsd:dateTime">{NANO}</value>'),
        (f'date and time("{NANO}+02:00")', f'<value xsi:type="xsd:dateTime">{NANO}+02:00</value>'),
        (f'date and time("{NANO}@Europe/Paris")', f'<value xsi:type="xsd:dateTime">{NANO}+02:00</value>'),
        ('duration("PT0.000000001S")', '<value xsi:type="xsd:duration">PT0.000000001S</value>'),
        ("[]", "<list/>"),
        ("[null]", f"<list><item>{NULL}</item></list>"),
        ("null", '<list xsi:nil="true"/>'),
    ],
)
def test_a_right_answer_passes(kit, expression, expected) -> None:
    score = run(kit(expression, expected))["3"]
    assert (score.failures, score.passed_cases, score.total) == ([], ["0001-made-up/01/1"], 1)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", NUMBER % "3"),
        ("a + 0.000000001", NUMBER % "2"),
        ("a + 0.0000000001", NUMBER % "2.0"),
        ("1 / 3", NUMBER % "0.3333333"),
        ("1 / 3 + 0.00000001", NUMBER % "0.33333333"),
        ("1 / 3 - 0.00000002", NUMBER % "0.33333333"),
        ("0.33333334", NUMBER % "0.33333333"),
        ("0.33333333", NUMBER % "-0.33333333"),
        ("1000000 + 1 / 3 + 0.00000001", '<value xsi:type="xsd:double">1000000.3333333333</value>'),
        ('"3"', NUMBER % "3"),
        ("3", '<value xsi:type="xsd:string">3</value>'),
        ('"3"', "<value>3 </value>"),
        ("1", '<value xsi:type="xsd:boolean">true</value>'),
        ('"true"', '<value xsi:type="xsd:boolean">true</value>'),
        ("[2, 1]", BOTH),
        ("[1]", BOTH),
        ("[1, 2, 2]", BOTH),
        ('[1, "2"]', BOTH),
        ("{b: 1}", CONTEXT),
        ("{b: 1, c: null, d: null}", CONTEXT),
        ("{b: null, c: null}", CONTEXT),
        ("null", NUMBER % "0"),
        ("0", NULL),
        ("[]", NULL),
        ("null", "<list/>"),
        ('"2026-07-31"', '<value xsi:type="xsd:date">2026-07-31</value>'),
        ('date and time("2026-07-31T00:00:00")', '<value xsi:type="xsd:date">2026-07-31</value>'),
        ('duration("P30D")', '<value xsi:type="xsd:duration">P1M</value>'),
        ('time("10:00:00Z")', '<value xsi:type="xsd:time">10:00:00</value>'),
        ("date(", NUMBER % "1"),
        ('"-2017-01-01"', '<value xsi:type="xsd:date">-2017-01-01</value>'),
        ('date("-2017-01-02")', '<value xsi:type="xsd:date">-2017-01-01</value>'),
        (f'date and time("{NANO[:-3]}")', f'<value xsi:type="xsd:dateTime">{NANO}</value>'),
        (f'date and time("{NANO}")', f'<value xsi:type="xsd:dateTime">{NANO}+02:00</value>'),
        (f'date and time("{NANO}Z")', f'<value xsi:type="xsd:dateTime">{NANO}+02:00</value>'),
        ('duration("PT0.000000002S")', '<value xsi:type="xsd:duration">PT0.000000001S</value>'),
    ],
)
def test_a_wrong_answer_fails(kit, expression, expected) -> None:
    score = run(kit(expression, expected))["3"]
    assert (score.passed, score.failed_cases, score.total) == (0, {"0001-made-up/01/1"}, 1)
    assert score.value_tests_passed == 0


@pytest.mark.parametrize("expected", [NULL, NUMBER % "1"])
@pytest.mark.parametrize("error", ["", ' errorResult="true"'])
def test_a_decision_that_is_not_there_never_passes(kit, expected, error) -> None:
    score = run(kit("null", expected, name="two", more=error))["3"]
    assert score.passed == 0
    assert 'there is no decision "two"' in score.failures[0].actual


@pytest.mark.parametrize("error", ["", ' errorResult="true"'])
def test_a_model_that_is_not_there_or_cannot_be_read_never_passes(kit, error) -> None:
    folder = kit("null", NULL, more=error)
    model = next(folder.rglob("*.dmn"))
    model.write_text("<definitions>")
    assert "DmnError" in run(folder)["3"].failures[0].actual
    model.unlink()
    assert "FileNotFoundError" in run(folder)["3"].failures[0].actual


def test_an_error_is_expected_to_be_null_whatever_value_stands_beside_it(kit) -> None:
    folder = kit("1", NUMBER % "1", more=' errorResult="true"')
    score = run(folder)["3"]
    assert (score.passed, score.value_tests) == (0, 0)
    score = run(kit('1 + "a"', NULL, more=' errorResult="true"'))["3"]
    assert (score.passed, score.value_tests) == (1, 0)


def test_a_case_without_results_and_a_file_without_cases_are_errors(kit) -> None:
    folder = kit("1", NUMBER % "1")
    file = next(folder.rglob("*-test-01.xml"))
    text = file.read_text()
    file.write_text(text[: text.index("<resultNode")] + "</testCase></testCases>")
    with pytest.raises(ValueError, match="expects nothing"):
        run(folder)
    file.write_text(text[: text.index("<testCase id")] + "</testCases>")
    with pytest.raises(ValueError, match="no test case"):
        run(folder)


def test_a_model_with_functions_in_java_is_out_of_scope_and_counted_apart(kit) -> None:
    java = 'function(a) external {java: {class: "java.lang.Math", method signature: "abs(int)"}}'
    score = run(kit(java, NULL))["3"]
    assert (score.total, score.out_of_scope) == (0, ["0001-made-up/01/1"])
    assert run(kit('"java"', '<value xsi:type="xsd:string">java</value>'))["3"].passed == 1


def test_inputs_have_the_types_that_the_case_gives_them(tmp_path) -> None:
    file = tmp_path / "0001-inputs-test-01.xml"
    file.write_text(
        (CASES % ("x", "", NULL)).replace(
            "<resultNode",
            f'<inputNode name="p">{CONTEXT}<component name="list">{BOTH}</component></inputNode>'
            '<inputNode name="q"><value xsi:type="xsd:date">2026-07-31</value></inputNode>'
            f'<inputNode name="r"><list><item>{CONTEXT}</item><item>{NULL}</item></list></inputNode>'
            '<inputNode name="s" xsi:nil="true"/><inputNode name="t"><value>text</value></inputNode><resultNode',
            1,
        )
    )
    (case,) = cases(tmp_path)
    context = {"b": Decimal(1), "c": None}
    assert case.inputs == {
        "a": Decimal(2),
        "p": {**context, "list": [Decimal(1), Decimal(2)]},
        "q": date(2026, 7, 31),
        "r": [context, None],
        "s": None,
        "t": "text",
    }
    assert (case.level, case.kind, case.id) == ("other", "decision", f"{tmp_path.name}/01/1")


def test_services_are_called_by_their_name(kit) -> None:
    folder = kit("1", NUMBER % "1")
    file = next(folder.rglob("*-test-01.xml"))
    file.write_text(
        file.read_text().replace('<testCase id="1"', '<testCase id="1" type="decisionService" invocableName="s"')
    )
    called = []
    run(folder, lambda case, result: called.append((case.kind, case.invocable, result.name)))
    assert called == [("decisionService", "s", "one")]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("decimal", " 1.50 ", Decimal("1.5")),
        ("double", "1E3", Decimal(1000)),
        ("boolean", "1", True),
        ("boolean", "false", False),
        ("time", "10:30:00.5+02:00", time(10, 30, 0, 500_000, timezone(timedelta(hours=2)))),
        ("dateTime", "2026-07-31T10:30:00Z", datetime(2026, 7, 31, 10, 30, tzinfo=UTC)),
        ("duration", "-P1DT2H3M4.5S", -timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("duration", "-P1Y2M", YearsMonthsDuration(-14)),
        ("duration", "P0D", timedelta()),
        ("duration", "P0Y", YearsMonthsDuration(0)),
        ("duration", "PT0.000000001S", Beyond("duration", "PT0.000000001S")),
        ("date", "-2017-01-01", Beyond("date", "-2017-01-01")),
        ("dateTime", "2017-01-01T00:00:00.123456789", Beyond("dateTime", "2017-01-01T00:00:00.123456789")),
    ],
)
def test_a_value_of_an_xml_schema_type(kind, text, value) -> None:
    read = scalar(kind, text)
    assert same(read, value)
    assert not same(None, value)
    assert not same([value], value)
    assert not same(text + " ", value)


@pytest.mark.parametrize(
    ("kind", "text"), [("QName", "a"), ("boolean", "yes"), ("duration", "P"), ("duration", "1 day")]
)
def test_a_value_out_of_shape_is_an_error(kind, text) -> None:
    with pytest.raises(ValueError, match=text if kind != "QName" else kind):
        scalar(kind, text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, Decimal(1)),
        (Decimal(0), False),
        (1, Decimal(1)),
        ("1", Decimal(1)),
        ([Decimal(1)], Decimal(1)),
        ({"a": None}, {}),
        ({"a": "x"}, {"b": "x"}),
        (time(10, tzinfo=UTC), time(10)),
        (time(10, tzinfo=ZoneInfo("Europe/Paris")), time(10)),
        (time(10, tzinfo=UTC), time(12, tzinfo=timezone(timedelta(hours=2)))),
        (datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))),
        (datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 10)),  # noqa: DTZ001
        (datetime(2026, 1, 1), date(2026, 1, 1)),  # noqa: DTZ001
        (timedelta(days=30), YearsMonthsDuration(1)),
        (Range(Decimal(1), Decimal(2)), Range(Decimal(1), Decimal(2), False)),
        (Decimal("2.0000001"), Decimal(2)),
        (Decimal("0.33333334"), Decimal("0.33333333")),
    ],
)
def test_values_that_are_not_the_same(one, other) -> None:
    assert same(one, one)
    assert same(other, other)
    assert not same(one, other)
    assert not same(other, one)


def test_null_elements_are_null() -> None:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://www.omg.org/spec/DMN/20160719/testcase"'
    assert value_of(fromstring(f"<expected {xsi}>{NULL}</expected>")) is None
    assert value_of(fromstring(f"<expected {xsi}/>")) is None
    assert value_of(fromstring(f'<expected {xsi}><component name="a" xsi:nil="true"/></expected>')) == {"a": None}


def test_the_list_of_known_failures_is_read_from_a_document() -> None:
    text = "# Title\n\n| case | reason |\n|---|---|\n| `0001-a/01/b_1` | Because. |\n| `x` | not a case |\n"
    assert listed(text) == {"0001-a/01/b_1": "Because."}
    assert listed("| `0001-a/01/b_1` |  |") == {}
    with pytest.raises(ValueError, match="twice"):
        listed(text + text)


def test_the_command_says_by_its_status_whether_the_failures_are_the_listed_ones(kit, tmp_path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.tck", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    folder = str(kit("1", NUMBER % "2"))
    known = tmp_path / "known.md"
    known.write_text("| `0001-made-up/01/1` | A reason. |\n")
    done = command(folder)
    assert done.returncode == 1
    assert "0001-made-up/01/1 one\n  expected Decimal('2')\n  actual   Decimal('1')" in done.stdout
    assert "level 3: 0/1 cases, 0/1 value tests" in done.stdout
    assert command(folder, "--known", str(known)).returncode == 0
    kit("2", NUMBER % "2")
    done = command(folder, "--known", str(known), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["unexpected"] == ["0001-made-up/01/1 (passes, but is listed)"]
    assert command(str(ROOT / "docs")).returncode == 2
