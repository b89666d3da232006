"""`mlc dmn test --junit` and `--json`: what continuous integration reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from case_files import Cases, run

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/dmn-testing.schema.json").read_text())
HOSTILE = "a\x00\x07\x1b\ud800\ufffe<&\"']]>\n\t\u202e🎉" + "x" * 250
LOW = {"name": "low", "inputs": {"auc": 0.5}, "expected": {"passes": False}}
WRONG = {"name": "wrong", "inputs": {"auc": 0.9}, "expected": {"passes": False}}
#: The elements and attributes that the schemas of Ant and of Jenkins both allow, those in capitals in Ant's needed.
ATTRIBUTES = {
    "testsuites": set(),
    "testsuite": {"name", "tests", "failures", "errors", "time", "timestamp", "hostname", "package", "id"},
    "properties": set(),
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "system-out": set(),
    "system-err": set(),
}


@pytest.fixture
def gate(tmp_path: Path, table: Callable[..., bytes]) -> Cases:
    rows = [["< 0.7", "false", '"low"'], [">= 0.7", "true", '"fine"']]
    return Cases(tmp_path, table([("auc", "number")], [("passes", "boolean"), ("why", "string")], rows, "UNIQUE"))


def junit(model: Cases, cases: Any, *options: object) -> ElementTree.Element:
    """The report, which is as both schemas have it and whose totals are those of its cases."""
    path = model.folder / "report.xml"
    model.run(cases, "--junit", path, *options)
    return checked(path)


def checked(path: Path) -> ElementTree.Element:
    root = ElementTree.fromstring(path.read_bytes())
    for element in root.iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
    for number, suite in enumerate(root):
        kinds = [child.tag for child in suite]
        middle = kinds[1:-2]
        assert (kinds[0], kinds[-2:], set(middle) <= {"testcase"}) == ("properties", ["system-out", "system-err"], True)
        found = [child.tag for case in suite.iter("testcase") for child in case]
        totals = [suite.get(name) for name in ("tests", "failures", "errors", "id")]
        assert totals == [str(n) for n in (len(middle), found.count("failure"), found.count("error"), number)]
    return root


def test_junit_has_every_case_and_says_why_one_failed(gate: Cases) -> None:
    unnamed = {"inputs": {"auk": 1}, "expected": None}
    (suite,) = junit(gate, [LOW, WRONG, unnamed])
    assert suite.get("name") == str(gate.model)
    passed, failed, error = suite.iter("testcase")
    assert (passed.get("name"), passed.get("classname"), len(passed)) == ("low", "c.json", 0)
    assert failed[0].get("message") == "passes: expected false, got true"
    assert failed[0].text == 'passes: expected false, got true\nby "Verdict" rule 2 (auc = 0.9 (>= 0.7))'
    assert (error.get("name"), error[0].tag) == ("case 3", "error")
    assert "auk" in str(error[0].text)


def test_whatever_is_in_a_case_the_xml_can_be_read(gate: Cases) -> None:
    cases = [
        {"name": HOSTILE, "inputs": {"auc": 0.9, HOSTILE: HOSTILE}, "expected": {"why": HOSTILE}},
        {"name": "b", "inputs": {"auc": 0.9}, "expected": {"why": HOSTILE}},
        {"name": "c", "decision": HOSTILE, "inputs": {"auc": 0.9}, "expected": {"why": HOSTILE}},
    ]
    (suite,) = junit(gate, cases)
    names = [case.get("name") for case in suite.iter("testcase")]
    assert names[0] is not None
    assert names[0].startswith("a\ufffd\ufffd\ufffd\ufffd\ufffd<&\"']]>\n\t\u202e🎉x")
    long = [{"name": "a", "inputs": {"auc": 0.9}, "expected": {"why": "<" * 1_000_000}}]
    junit(gate, long)
    assert len((gate.folder / "report.xml").read_bytes()) < 20_000


@pytest.mark.parametrize(
    ("cases", "options", "said"),
    [
        ([], [], "c.json has no cases"),
        ("[", [], "case 1 is not JSON"),
        ([LOW], ["--min-coverage", "100"], "--min-coverage asks for 100%"),
    ],
)
def test_what_went_wrong_apart_from_cases_is_an_error_in_junit_too(
    gate: Cases, cases: Any, options: list[str], said: str
) -> None:
    (suite,) = junit(gate, cases, *options)
    assert suite.get("errors") == "1"
    assert said in str(next(case for case in suite.iter("testcase") if len(case))[0].text)


def test_a_table_that_cannot_be_used_is_an_error_in_both_reports(gate: Cases) -> None:
    gate.model.write_bytes(gate.content.replace(b"&lt; 0.7", b"&lt; &lt;"))
    (suite,) = junit(gate, [LOW])
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    record = gate.record([LOW])
    assert (record["passed"], record["cases"]["total"], len(record["errors"])) == (False, 0, 1)


def test_several_tables_are_several_suites(gate: Cases) -> None:
    other = gate.folder / "u.dmn"
    other.write_bytes(gate.content)
    for path, cases in ((gate.model, [LOW]), (other, [WRONG])):
        path.with_suffix(".cases.json").write_text(json.dumps(cases))
    report = gate.folder / "report.xml"
    done = run("test", gate.model, other, "--junit", report, "--json")
    assert [suite.get("failures") for suite in checked(report)] == ["0", "1"]
    whole = json.loads(done.stdout)
    assert (whole["passed"], [file["passed"] for file in whole["files"]]) == (False, [True, False])


@pytest.mark.parametrize(
    "cases",
    [
        [LOW],
        [LOW, WRONG],
        [LOW, {"inputs": {"auk": 1}}, 5],
        [],
        "[",
        [WRONG | {"name": HOSTILE}],
        [WRONG | {"name": None}] * 1_100,
    ],
)
def test_the_json_report_is_as_its_schema_says_and_agrees_with_the_exit_code(gate: Cases, cases: Any) -> None:
    done = gate.run(cases, "--json")
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert report["passed"] is (done.exit_code == 0) is all(file["passed"] for file in report["files"])
    counts = report["files"][0]["cases"]
    assert counts["total"] == counts["passed"] + counts["failed"] + counts["error"]
    file = report["files"][0]
    assert len(file["not_passed"]) + file["not_listed"] == counts["failed"] + counts["error"]


def test_the_schema_refuses_what_is_not_a_report(gate: Cases) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    report = json.loads(gate.run([WRONG], "--json").stdout)
    for path in ("passed", "files"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in report.items() if key != path}, SCHEMA)
    report["files"][0]["coverage"]["tables"][0]["columns"][0]["more"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, SCHEMA)
