"""`mlc dmn test`: cases in JSON, and what makes one fail."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from case_files import Cases, run
from dmn_text import decision, dmn, imported, input_data, knowledge_model, service

ROOT = Path(__file__).parents[2]
LOW = {"inputs": {"auc": 0.5}, "expected": {"passes": False}}
HIGH = {"inputs": {"auc": 0.9}, "expected": {"passes": True}}


@pytest.fixture
def gate(tmp_path: Path, table: Callable[..., bytes]) -> Cases:
    """A model passes from 0.7 on."""
    rows = [["< 0.7", "false", '"low"'], [">= 0.7", "true", '"fine"']]
    return Cases(tmp_path, table([("auc", "number")], [("passes", "boolean"), ("why", "string")], rows, "UNIQUE"))


@pytest.fixture
def one(tmp_path: Path, feel: object) -> Callable[..., Cases]:
    """A model whose decision "x" is an expression over the input "v"."""

    def make(expression: str, type_ref: str | None = None) -> Cases:
        (tmp_path / "t.dmn").unlink(missing_ok=True)
        return Cases(tmp_path, dmn(input_data("v", type_ref), decision("x", expression, ["v"])))

    return make


@pytest.fixture
def lists(tmp_path: Path, table: Callable[..., bytes]) -> Callable[[str], Cases]:
    """A table with a hit policy whose three rules all match, with two outputs."""

    def make(policy: str) -> Cases:
        (tmp_path / "t.dmn").unlink(missing_ok=True)
        rows = [["< 1", "1", '"a"'], ["< 2", "1", '"b"'], ["< 3", "2", '"c"']]
        return Cases(tmp_path, table([("v", "number")], ["n", "s"], rows, policy))

    return make


def test_cases_that_all_pass_end_with_0_and_one_that_fails_ends_with_1(gate: Cases) -> None:
    done = gate.run([LOW, HIGH])
    assert (done.exit_code, done.output.splitlines()[0]) == (0, f"{gate.model}: 2 cases, 2 passed")
    done = gate.run([LOW, HIGH | {"name": "high", "expected": {"passes": False}}])
    assert (done.exit_code, done.output.splitlines()[:4]) == (
        1,
        [
            'FAILED c.json, line 1, case 2 "high"',
            "  passes: expected false, got true",
            '  by "Verdict" rule 2 (auc = 0.9 (>= 0.7))',
            f"{gate.model}: 2 cases, 1 passed, 1 failed",
        ],
    )


@pytest.mark.parametrize(
    ("expression", "value", "expected", "passes"),
    [
        ("v", 0.1, 0.10, True),
        ("v * 3", 0.1, 0.3, True),
        ("v", 1, 1.0, True),
        ("v", True, True, True),
        ("v", True, "true", False),
        ("v", "true", True, False),
        ("v", 1, "1", False),
        ("v", 1, True, False),
        ("v", 0, False, False),
        ("v", "", None, False),
        ("v", "", "", True),
        ("v", 0, None, False),
        ("null", 0, None, True),
        ("null", 0, "null", False),
        ("null", 0, False, False),
        ("null", 0, [], False),
        ("date(v)", "2026-07-31", "2026-07-31", True),
        ("date(v)", "2026-07-31", "2026-07-30", False),
        ("date(v)", "2026-07-31", "today", False),
        ("date and time(v)", "2026-07-31T10:00:00Z", "2026-07-31T12:00:00+02:00", True),
        ("time(v)", "10:00:00Z", "12:00:00+02:00", True),
        ("duration(v)", "PT48H", "P2D", True),
        ("duration(v)", "P12M", "P1Y", True),
        ("duration(v)", "P12M", "P365D", False),
        ("[1..v]", 3, "[1..3]", True),
        ("[1..v]", 3, "(1..3]", False),
        ("[v, 2]", 1, [1, 2], True),
        ("[v, 2]", 1, [2, 1], False),
        ("[v, 2]", 1, [1], False),
        ("[v]", 1, 1, False),
        ("v", [], [], True),
        ("v", [], {}, False),
        ("v", {}, {}, True),
        ("{a: v, b: {c: 1, d: 2}}", 1, {"a": 1}, True),
        ("{a: v, b: {c: 1, d: 2}}", 1, {"b": {"d": 2}}, True),
        ("{a: v, b: {c: 1, d: 2}}", 1, {"b": {"d": 1}}, False),
        ("{a: v}", 1, {}, False),
        ("{a: null}", 1, {"a": None}, True),
        ("{a: v}", 1, {"a": 1, "b": None}, False),
        ("[{a: v}, {a: 2}]", 1, [{"a": 1}, {"a": 2}], True),
        ("[{a: v}, {a: 2}]", 1, [{"a": 1}, {}], False),
    ],
)
def test_a_result_is_compared_by_feels_types_and_an_object_names_the_entries_that_count(
    one: Callable[..., Cases], expression: str, value: Any, expected: Any, passes: bool
) -> None:
    assert one(expression).passes([{"inputs": {"v": value}, "expected": expected}]) is passes


def test_numbers_keep_every_digit(one: Callable[..., Cases]) -> None:
    model = one("v + 1", "number")
    assert model.passes('[{"inputs": {"v": 0.1234567890123456789}, "expected": 1.1234567890123456789}]')
    assert not model.passes('[{"inputs": {"v": 0.1234567890123456789}, "expected": 1.1234567890123456788}]')
    assert model.passes(
        '[{"inputs": {"v": 123456789012345678901234567890}, "expected": 123456789012345678901234567891}]'
    )
    assert not model.passes('[{"inputs": {"v": 9007199254740993}, "expected": 9007199254740993}]')


def test_a_tolerance_is_asked_for_and_is_of_numbers_alone(one: Callable[..., Cases]) -> None:
    model = one("v / 3", "number")
    case = [{"inputs": {"v": 1}, "expected": 0.3333}]
    assert not model.passes(case)
    assert model.run(case, "--tolerance", "0.0001").exit_code == 0
    assert model.run(case, "--tolerance", "0.00001").exit_code == 1
    for text in ("-1", "NaN", "Infinity", "x", ""):
        assert model.run(case, "--tolerance", text).exit_code == 2


@pytest.mark.parametrize(("policy", "passes"), [("COLLECT", True), ("RULE ORDER", False)])
def test_the_rows_of_collect_come_in_any_order_and_those_of_rule_order_in_theirs(
    lists: Callable[[str], Cases], policy: str, passes: bool
) -> None:
    rows = [{"n": 2, "s": "c"}, {"n": 1, "s": "a"}, {"n": 1, "s": "b"}]
    assert lists(policy).passes([{"inputs": {"v": 0}, "expected": rows}]) is passes
    assert lists(policy).passes([{"inputs": {"v": 0}, "expected": sorted(rows, key=lambda row: row["s"])}])


@pytest.mark.parametrize(
    ("rows", "passes"),
    [
        ([{"n": 1}, {"s": "a"}, {"n": 2}], True),  # the first must leave row a to the second
        ([{"n": 1}, {"n": 1}, {"s": "c"}], True),
        ([{"n": 1}, {"n": 1}, {"n": 1}], False),
        ([{"n": 1}, {"n": 2}], False),
        ([{"n": 1}, {"n": 1}, {"n": 2}, {"n": 2}], False),
        ([{"s": "a"}, {"s": "a"}, {"n": 2}], False),
        ([], False),
    ],
)
def test_each_expected_row_has_a_row_of_its_own(lists: Callable[[str], Cases], rows: list[Any], passes: bool) -> None:
    assert lists("COLLECT").passes([{"inputs": {"v": 0}, "expected": rows}]) is passes


def test_hundreds_of_rows_in_another_order_are_compared(tmp_path: Path, table: Callable[..., bytes]) -> None:
    model = Cases(tmp_path, table(["v"], ["n", "m"], [["-", str(n), "1"] for n in range(300)]))
    rows = [{"m": 1}] * 150 + [{"n": n} for n in range(150)]
    assert model.passes([{"inputs": {"v": 0}, "expected": rows}])


def test_the_only_output_may_be_named(tmp_path: Path, table: Callable[..., bytes]) -> None:
    single = Cases(tmp_path, table(["v"], ["passes"], [["> 1", "true"]], "UNIQUE"))
    assert single.passes([{"inputs": {"v": 2}, "expected": {"passes": True}}, {"inputs": {"v": 2}, "expected": True}])
    assert not single.passes([{"inputs": {"v": 2}, "expected": {"passes": False}}])
    single.model.write_bytes(table(["v"], ["passes"], [["> 1", "true"], ["> 1", "false"]]))
    assert single.passes([{"inputs": {"v": 2}, "expected": [{"passes": False}, {"passes": True}]}])


@pytest.mark.parametrize(
    ("expected", "v", "passes"),
    [
        ({"n": [1, 1, 2]}, 0, True),
        ({"n": [1, 1, 2], "s": ["b", "a", "c"]}, 0, True),
        ({"n": [1, 2, 1], "s": ["a", "b", "c"]}, 0, False),  # the values are right, and not together
        ({"n": [1, 1]}, 0, False),
        ({"n": 2}, 2, True),
        ({"n": 2, "s": ["c"]}, 2, True),
        ({"n": 2}, 1, False),
        ({"n": 2}, 3, False),
        ({"n": []}, 3, True),
        ({"n": []}, 2, False),
        ({}, 3, False),
        (None, 3, False),
    ],
)
def test_an_object_says_what_the_outputs_of_the_rows_are(
    lists: Callable[[str], Cases], expected: Any, v: int, passes: bool
) -> None:
    assert lists("COLLECT").passes([{"inputs": {"v": v}, "expected": expected}]) is passes


def test_outputs_of_different_numbers_of_rows_are_told(lists: Callable[[str], Cases]) -> None:
    told = lists("COLLECT").told([{"inputs": {"v": 0}, "expected": {"n": [1, 1, 2], "s": ["a"]}}])
    assert "the outputs are expected to have different numbers of items" in told


def test_a_value_that_is_no_list_is_the_only_row(tmp_path: Path, table: Callable[..., bytes]) -> None:
    model = Cases(tmp_path, table(["v"], ["passes"], [["< 1", "true"], ["< 2", "false"]]))
    for expected in (False, {"passes": False}, {"passes": [False]}, [False], [{"passes": False}]):
        assert model.passes([{"inputs": {"v": 1}, "expected": expected}])
        assert not model.passes([{"inputs": {"v": 0}, "expected": expected}])
        assert not model.passes([{"inputs": {"v": 2}, "expected": expected}])


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"inputs": {"acu": 0.5}, "expected": {"passes": False}}, 'there is no input "acu": is "auc" meant?'),
        ({"inputs": {"auc": 0.5, "AUC": 1}, "expected": {"passes": False}}, 'no input "AUC": is "auc" meant?'),
        ({"inputs": {"auc": 0.5, "zzz": 1}, "expected": {"passes": False}}, 'no input "zzz"; there are "auc"'),
        ({"inputs": {"auc": 0.5}, "expected": {"pases": False}}, 'there is no output "pases": is "passes" meant?'),
        ({"inputs": {"auc": 0.5}, "expect": {"passes": False}}, 'unknown key "expect": is "expected" meant?'),
        ({"input": {"auc": 0.5}, "expected": {"passes": False}}, 'unknown key "input": is "inputs" meant?'),
        ({"inputs": {"auc": 0.5}}, 'it expects nothing: write "expected"'),
        ({"inputs": {"auc": 0.5}, "problems": []}, "it expects nothing"),
        ({"inputs": {"auc": 0.5}, "expected": {}}, "expected the empty context"),
        ({"inputs": [0.5], "expected": {"passes": False}}, '"inputs" is an object'),
        ({"inputs": None, "expected": {"passes": False}}, '"inputs" is an object'),
        ({"expected": {"passes": False}}, "missing_input"),
        (LOW | {"name": ""}, '"name" is a text that is not empty'),
        (LOW | {"name": 7}, '"name" is a text that is not empty'),
        (LOW | {"decision": "Verdikt"}, 'there is no decision "Verdikt"; there are "Verdict"'),
        (LOW | {"now": "2026-07-31"}, '"now": it has no time zone'),
        (LOW | {"now": 5}, '"now": write a date and time'),
        (LOW | {"now": None}, '"now": write a date and time'),
        (LOW | {"problems": "missing_input"}, '"problems" is a list'),
        (LOW | {"problems": ["missing_imput"]}, 'no kind of problem "missing_imput": is "missing_input" meant?'),
        (LOW | {"problems": [{}]}, "an expected problem is a kind, or an object"),
        (LOW | {"problems": [7]}, "an expected problem is a kind, or an object"),
        (LOW | {"problems": [{"kind": "missing_input", "inptu": "auc"}]}, 'unknown key "inptu" of a problem'),
        (LOW | {"problems": [{"rule": "1"}]}, '"rule" of a problem is the number of a rule'),
        (LOW | {"problems": [{"rule": 1.5}]}, '"rule" of a problem is the number of a rule'),
        (LOW | {"problems": [{"message": ""}]}, '"message" of a problem is a text'),
        (5, "a case is an object"),
        ([LOW], "a case is an object"),
        (None, "a case is an object"),
    ],
)
def test_what_is_wrong_with_a_case_is_told_with_its_place(gate: Cases, case: Any, said: str) -> None:
    told = gate.told([HIGH, case, LOW])
    assert "c.json, line 1, case 2" in told
    assert said in told
    assert "3 cases, 2 passed, 1" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "c.json has no cases: nothing is tested"),
        (" \n", "c.json has no cases"),
        ("[]", "c.json has no cases"),
        ("\ufeff[]", "c.json has no cases"),
        ("[", "c.json, line 1, column 2: case 1 is not JSON"),
        ("5", "c.json, line 1, column 1: cases are a list of objects"),
        ('"x"', "cases are a list of objects"),
        ('{"cases": []}', 'unknown key "cases"'),
        (f"[{json.dumps(LOW)}", "a comma or the end of the list, ], is missing"),
        (f"[{json.dumps(LOW)},]", "case 2 is not JSON"),
        (f"[{json.dumps(LOW)}] []", "there is more behind the end of the list"),
        (f"[{json.dumps(LOW)}\n{json.dumps(LOW)}]", "c.json, line 2, column 1: a comma or the end of the list"),
        (f"[{json.dumps(LOW)},\n\n {{'inputs': 1}}]", "c.json, line 3, column 3: case 2 is not JSON"),
        ('[{"inputs": {"auc": NaN}, "expected": {"passes": false}}]', "NaN is no number that can be compared"),
        ('[{"inputs": {"auc": 1}, "expected": -Infinity}]', "-Infinity is no number"),
        ('[{"inputs": {"auc": 0.9, "auc": 0.5}, "expected": {"passes": false}}]', '"auc" is there 2 times'),
        ('[{"inputs": {"auc": 1}, "expected": 1, "expected": {"passes": true}}]', '"expected" is there 2 times'),
        ('[{"inputs": {"auc": 1e99999}, "expected": {"passes": true}}]', "out of range"),
        ('[{"inputs": {"auc": 1}, "expected": 1e99999}]', "out of range"),
        ('[{"inputs": {"auc": 1e99999999999999999999}, "expected": 1}]', "out of range"),
        ('[{"inputs": ' + "[" * 100_000, "is nested too deep"),
        ('[{"inputs": {"auc": 1}, "expected": ' + "[" * 60 + "]" * 60 + "}]", "nested more than 50 deep"),
        ('[{"inputs": {"auc": "\udcff"}}]', "c.json is not written in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(gate: Cases, text: str, said: str) -> None:
    assert said in gate.told(text.encode("utf-8", "surrogateescape"))


def test_the_cases_before_a_place_that_cannot_be_read_are_tested_all_the_same(gate: Cases) -> None:
    told = gate.told(f"[{json.dumps(LOW)}, {json.dumps(HIGH)}, x]")
    assert "2 cases, 2 passed" in told
    assert "case 3 is not JSON" in told


def test_a_byte_order_mark_and_json_lines_are_read(gate: Cases) -> None:
    assert gate.passes("\ufeff" + json.dumps([LOW, HIGH]))
    assert gate.passes(f"{json.dumps(LOW)}\n{json.dumps(HIGH)}\n", name="c.jsonl")
    assert "c.jsonl, line 2, case 2" in gate.told(
        f"{json.dumps(LOW)}\r\n{json.dumps(LOW | {'expected': 1})}", name="c.jsonl"
    )


def test_two_cases_of_one_name_are_told(gate: Cases) -> None:
    assert 'case 2 "a" case 1 of c.json is called "a", too' in gate.told([LOW | {"name": "a"}, HIGH | {"name": "a"}])
    other = gate.folder / "d.json"
    other.write_text(json.dumps([HIGH | {"name": "a"}, HIGH]))
    done = gate.run([LOW | {"name": "a"}, LOW], "--cases", other)
    assert 'd.json, line 1, case 1 "a"' in done.output


def test_a_problem_that_is_not_expected_fails_a_case_although_the_result_is_right(gate: Cases) -> None:
    told = gate.told([{"inputs": {}, "expected": None}])
    assert "a problem that is not expected: missing_input" in told
    assert 'the input "auc" is not given' in told


@pytest.mark.parametrize(
    ("problems", "passes"),
    [
        (["missing_input"], True),
        ([{"kind": "missing_input", "input": "auc"}], True),
        ([{"message": "is not given"}], True),
        ([{"decision": "Verdict"}], True),
        ([{"kind": "missing_input", "input": "psi"}], False),
        ([{"kind": "missing_input", "rule": 1}], False),
        (["missing_input", "wrong_type"], False),
        (["wrong_type"], False),
    ],
)
def test_expected_problems_are_exactly_those_that_are_reported(gate: Cases, problems: list[Any], passes: bool) -> None:
    assert gate.passes([{"inputs": {}, "problems": problems}]) is passes
    assert gate.passes([{"inputs": {}, "problems": problems, "expected": None}]) is passes
    assert not gate.passes([{"inputs": {}, "problems": problems, "expected": {"passes": True}}])
    assert not gate.passes([LOW | {"problems": problems}])


def test_cases_stand_beside_the_table_and_none_at_all_is_a_failure(gate: Cases) -> None:
    done = run("test", gate.model)
    assert done.exit_code == 1
    assert f"{gate.model} has no cases: write t.cases.json or .csv beside it, or give --cases" in done.output
    (gate.folder / "t.cases.json").write_text(json.dumps([LOW]))
    assert "1 case, 1 passed" in run("test", gate.model).output
    (gate.folder / "t.cases.csv").write_text("auc,expected.passes\n0.9,true\n0.5,true\n")
    done = run("test", gate.model)
    assert (done.exit_code, "3 cases, 2 passed, 1 failed" in done.output) == (1, True)
    (gate.folder / "t.cases.csv").write_text("auc,expected.passes\n")
    assert "t.cases.csv has no cases" in run("test", gate.model).output


def test_cases_come_from_stdin_in_either_format(gate: Cases) -> None:
    quoted = '"{""passes"": false}"'
    csv = ("auc,expected.passes\n0.5,false", f"\ufeff\nauc,expected\n0.5,{quoted}")
    for text in (json.dumps([LOW]), "\n " + json.dumps(LOW), *csv):
        done = run("test", gate.model, "--cases", "-", stdin=text)
        assert (done.exit_code, "1 case, 1 passed" in done.output) == (0, True), done.output
    assert "stdin has no cases" in run("test", gate.model, "--cases", "-", stdin="").output


def test_several_tables_have_their_own_cases_and_one_that_fails_is_enough(gate: Cases, tmp_path: Path) -> None:
    (tmp_path / "t.cases.json").write_text(json.dumps([LOW]))
    shutil.copy(gate.model, tmp_path / "u.dmn")
    (tmp_path / "u.cases.json").write_text(json.dumps([LOW]))
    assert run("test", gate.model, tmp_path / "u.dmn").exit_code == 0
    (tmp_path / "u.cases.json").write_text(json.dumps([HIGH | {"expected": None}]))
    assert run("test", gate.model, tmp_path / "u.dmn").exit_code == 1
    assert run("test", gate.model, tmp_path / "u.dmn", "--cases", tmp_path / "t.cases.json").exit_code == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--cases", "nowhere.json"],
        ["--min-coverage", "101"],
        ["--min-coverage", "-1"],
        ["--min-coverage", "nan"],
        ["--min-cell-coverage", "inf"],
        ["--now", "yesterday"],
        ["--junit", "/nowhere/at/all.xml"],
    ],
)
def test_a_wrong_command_ends_with_2(gate: Cases, options: list[str]) -> None:
    done = gate.run([LOW], *options)
    assert (done.exit_code, "Traceback" in done.output) == (2, False)


def test_a_table_that_cannot_be_used_fails_with_its_problems(tmp_path: Path, table: Callable[..., bytes]) -> None:
    broken = Cases(tmp_path, table([("auc", "number")], ["passes"], [["< <", "false"]]))
    assert 'can\'t be tested: t.dmn, decision "Verdict", rule 1, column "auc"' in broken.told([LOW])
    broken.model.write_text("<html/>")
    assert "can't be tested: t.dmn" in broken.told([LOW])


def test_a_case_names_a_decision_a_service_or_a_function_and_takes_its_inputs(tmp_path: Path) -> None:
    elements = (
        input_data("auc", "number"),
        decision("Gap", "1 - auc", ["auc"]),
        decision("x", "Gap < 0.2", decisions=["Gap"]),
        decision("other", "1"),
        service("Small", ["x"], input_decisions=["Gap"]),
        knowledge_model("f", ["n"], "n + 1"),
    )
    model = Cases(tmp_path, dmn(*elements))
    cases = [
        {"decision": "Gap", "inputs": {"auc": 0.75}, "expected": 0.25},
        {"decision": "x", "inputs": {"auc": 0.75}, "expected": False},
        {"decision": "Small", "inputs": {"Gap": 0.1}, "expected": True},
        {"decision": "f", "inputs": {"n": 1}, "expected": 2},
        {"decision": "other", "inputs": {"auc": 0.75}, "expected": 1},
    ]
    assert model.passes(cases)
    assert "say which decision" in model.told([cases[0] | {"decision": None}])
    assert model.run([{"inputs": {"auc": 1}, "expected": 0}], "--decision", "Gap").exit_code == 0
    assert 'no input "n"' in model.told([{"decision": "Gap", "inputs": {"auc": 1, "n": 1}, "expected": 0}])
    assert 'no input "auc"' in model.told([{"decision": "Small", "inputs": {"auc": 1}, "expected": True}])
    assert 'there is no decision "nix"' in model.told(cases, "--decision", "nix")


def test_inputs_of_imported_files_may_be_given_as_to_eval(tmp_path: Path) -> None:
    (tmp_path / "lib.dmn").write_bytes(dmn(input_data("auc", "number"), decision("Gap", "1 - auc", ["auc"])))
    body = decision("y", "lib.Gap", decisions=["urn:main#Gap"])
    main = dmn(imported("urn:main", "lib", "lib.dmn"), body, namespace="urn:importing")
    cases = [{"inputs": inputs, "expected": 0.5} for inputs in ({"lib.auc": 0.5}, {"lib": {"auc": 0.5}}, {"auc": 0.5})]
    assert Cases(tmp_path, main).passes(cases)


def test_the_time_is_the_cases_own_or_that_of_the_command(one: Callable[..., Cases]) -> None:
    model = one("string(today())")
    case = {"inputs": {"v": 1}, "expected": "2026-07-31"}
    assert model.run([case], "--now", "2026-07-31T10:00:00Z").exit_code == 0
    assert model.run([case | {"now": "2026-07-31T23:59:59Z"}], "--now", "2020-07-31T10:00:00Z").exit_code == 0
    assert model.run([case | {"now": "2026-07-31T23:59:59-01:00"}]).exit_code == 1


def test_of_many_failures_the_first_are_shown_and_the_others_counted(gate: Cases) -> None:
    wrong = [HIGH | {"expected": {"passes": False}}] * 1_500
    done = gate.run([*wrong, LOW])
    assert done.output.count("FAILED") == 20
    assert "... and 1,480 more that did not pass" in done.output
    record = gate.record([*wrong, LOW])
    assert (len(record["not_passed"]), record["not_listed"], record["cases"]["failed"]) == (1_000, 500, 1_500)


@pytest.mark.parametrize("name", ["t.dmn", "c.json", "t.cases.json", "./t.cases.json"])
def test_a_report_is_not_written_over_what_is_read(gate: Cases, name: str) -> None:
    (gate.folder / "t.cases.json").write_text(json.dumps([LOW]))
    done = gate.run([LOW], "--junit", f"{gate.folder}/{name}")
    assert (done.exit_code, "would be written over" in " ".join(done.output.split())) == (2, True)
    assert gate.model.read_bytes() == gate.content


MANY = ",".join(f'"k{n}": 1' for n in range(200_000))
HOSTILE = {
    "200,000 unknown keys": "[{" + MANY + "}]",
    "200,000 unknown inputs": '[{"expected": 1, "inputs": {' + ",".join(f'"k{n}":1' for n in range(200_000)) + "}}]",
    "200,000 outputs": '[{"inputs": {"auc": 1}, "expected": {' + ",".join(f'"k{n}":1' for n in range(200_000)) + "}}]",
    "200,000 problems": '[{"inputs": {"auc": 1}, "problems": [' + '"x",' * 199_999 + '"x"]}]',
    "the same key 200,000 times": "[{" + '"name": "x",' * 199_999 + '"name": "x"}]',
    "a text without an end": '[{"name": "' + "x" * 20_000_000,
    "lists without an end": "[" * 1_000_000,
    "a long name": json.dumps([{"name": "x" * 10_000_000, "inputs": {"auc": 1}, "expected": 1}]),
    "a long number": '[{"inputs": {"auc": ' + "1" * 10_000_000 + '}, "expected": 1}]',
    "a number of a long exponent": '[{"inputs": {"auc": 1e' + "9" * 1_000_000 + '}, "expected": 1}]',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_of_cases_ends_soon_with_something_said(gate: Cases, what: str) -> None:
    path = gate.folder / "c.json"
    path.write_text(HOSTILE[what])
    began = time.process_time()
    done = run("test", gate.model, "--cases", path, "--junit", gate.folder / "r.xml")
    assert (done.exit_code, "c.json" in done.output, len(done.output) < 20_000) == (1, True, True)
    assert time.process_time() - began < 20


def test_text_from_a_case_does_not_steer_the_terminal(gate: Cases) -> None:
    case = {"name": "a\x1b[31m\u202e\ud800", "inputs": {"a\x1b[2J": 1}, "expected": "\x9b1m"}
    output = gate.run([case]).output
    assert not set(output) & {"\x1b", "\x9b", "\u202e"}


@pytest.mark.parametrize("folder", ["breast_cancer", "breast_cancer_weak", "diabetes"])
def test_the_examples_tables_pass_their_cases_and_every_rule_and_cell_is_covered(folder: str) -> None:
    path = ROOT / "examples" / folder / "thresholds.dmn"
    done = run("test", path, "--min-coverage", 100, "--min-cell-coverage", 100)
    assert done.exit_code == 0, done.output
    assert " cases, " in done.output


def test_every_table_of_the_repository_has_cases() -> None:
    tables = list((ROOT / "examples").rglob("*.dmn"))
    assert tables
    assert run("test", *tables).exit_code == 0
