"""`mlc dmn test`: cases in CSV, as people, spreadsheets and programs write it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from case_files import Cases
from dmn_text import decision, dmn, input_data, item


@pytest.fixture
def gate(tmp_path: Path, table: Callable[..., bytes]) -> Cases:
    """A model passes from 0.7 on; its table has two outputs and a stage."""
    rows = [
        ["< 0.7", "-", "false", '"low"'],
        [">= 0.7", '"PROD"', "true", '"fine"'],
        [">= 0.7", "null", "true", "null"],
        [">= 0.7", '""', "true", '""'],
    ]
    inputs = [("auc", "number"), ("stage", "string")]
    return Cases(tmp_path, table(inputs, [("passes", "boolean"), ("why", "string")], rows, "UNIQUE"))


@pytest.fixture
def echo(tmp_path: Path) -> Callable[..., Cases]:
    """A decision that answers with its input "v"."""

    def make(expression: str = "v", *inputs: str) -> Cases:
        (tmp_path / "t.dmn").unlink(missing_ok=True)
        names = ("v", *inputs)
        return Cases(tmp_path, dmn(*map(input_data, names), decision("x", expression, names)))

    return make


def test_columns_are_inputs_and_expected_outputs(gate: Cases) -> None:
    text = "name,auc,stage,expected.passes,expected.why\nlow,0.5,PROD,false,low\nhigh,0.9,PROD,true,fine\n"
    done = gate.run(text, name="c.csv")
    assert (done.exit_code, done.output.splitlines()[0]) == (0, f"{gate.model}: 2 cases, 2 passed")
    told = gate.told(text + "wrong,0.9,PROD,false,fine\n", name="c.csv")
    assert 'FAILED c.csv, line 4, case 3 "wrong" passes: expected false, got true' in told


def test_an_output_may_stand_in_the_head_by_its_name_alone(gate: Cases) -> None:
    assert gate.passes("auc,stage,passes,why\n0.9,PROD,true,fine\n", name="c.csv")
    assert not gate.passes("auc,stage,passes,why\n0.9,PROD,false,fine\n", name="c.csv")
    assert "say the same" in gate.told("auc,stage,passes,expected.passes\n0.9,PROD,true,true\n", name="c.csv")


def test_the_rows_of_a_list_are_columns_of_lists(tmp_path: Path, table: Callable[..., bytes]) -> None:
    rows = [["< 1", "false", '"a"'], ["< 2", "true", '"b"']]
    model = Cases(tmp_path, table([("v", "number")], ["passes", "why"], rows))
    text = 'v,passes,expected.why\n0,"[true, false]","[""b"", ""a""]"\n1,true,b\n1,true,\n2,[],[]\n2,[],\n'
    assert model.passes(text, name="c.csv")
    assert not model.passes('v,passes,why\n0,"[true, false]","[""a"", ""b""]"\n', name="c.csv")


@pytest.mark.parametrize(
    ("stage", "expected", "passes"),
    [
        ("null", "null", True),
        ('""""""', '""""""', True),
        ("null", '""""""', False),
        ('""""""', "null", False),
        ("PROD", "fine", True),
        ('"""PROD"""', '"""fine"""', True),
        ("  PROD ", " fine ", True),
        ('"""PROD """', "fine", False),
    ],
)
def test_null_an_empty_text_and_nothing_are_three_things(gate: Cases, stage: str, expected: str, passes: bool) -> None:
    assert gate.passes(f"auc,stage,expected.why\n0.9,{stage},{expected}\n", name="c.csv") is passes


def test_an_empty_cell_is_an_input_that_is_missing_and_an_output_that_may_be_anything(gate: Cases) -> None:
    assert "missing_input: t.dmn" in gate.told("auc,stage,expected.why\n0.9,,null\n", name="c.csv")
    assert gate.passes("auc,stage,expected.passes,expected.why\n0.9,PROD,true,\n0.9,PROD,,fine\n", name="c.csv")
    told = gate.told("auc,stage,expected.passes,expected.why\n0.9,PROD,,\n", name="c.csv")
    assert "it expects nothing" in told
    assert "it expects nothing" in gate.told("auc,stage,expected\n0.9,PROD,\n", name="c.csv")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", "1"),
        ("0.10", "0.1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+5", "5"),
        ("-1e3", "-1000"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("true", "true"),
        ("TRUE", "true"),
        ("False", "false"),
        ('"[1, ""a""]"', '[1, ""a""]'),
        ('"{""a"": 1}"', '{""a"": 1}'),
        ("007", '""007""'),
        ('"""1"""', '""1""'),
        ('"""true"""', '""true""'),
        ("1 2", '""1 2""'),
        ("1-2", '""1-2""'),
        ("trueish", '""trueish""'),
        ("None", '""None""'),
        ("2026-07-31", '""2026-07-31""'),
        ("größer 中文 🎉", '""größer 中文 🎉""'),
        ('"a,b"', '""a,b""'),
        ('"a\nb"', '""a\\nb""'),
        ('"he said ""x"""', '""he said \\""x\\""""'),
    ],
)
def test_a_cell_is_json_a_number_a_spreadsheets_boolean_or_text(
    echo: Callable[..., Cases], cell: str, value: str
) -> None:
    assert echo("[v]").passes(f'v,expected\n{cell},"[{value}]"\n', name="c.csv")


def test_null_is_written_in_any_case(echo: Callable[..., Cases]) -> None:
    assert echo("v = null").passes("v,expected\nNULL,true\nnull,true\n0,false\n", name="c.csv")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('"0,7"', "has a decimal comma: write 0.7"),
        ('"-1.234,5"', "has a decimal comma: write -1234.5"),
        ("NaN", "is no number that can be compared"),
        ("-inf", "is no number that can be compared"),
        ("#DIV/0!", "is no number that can be compared"),
        ("#n/a", "is no number that can be compared"),
        ("[NaN]", "NaN is no number that can be compared"),
        ("[1..3]", "begins as JSON does and is none"),
        ("{a: 1}", "begins as JSON does and is none"),
        ('"""a"', "begins as JSON does and is none"),
        ('"{""a"": 1, ""a"": 2}"', '"a" is there twice'),
        ("1e99999999999999999999", "out of range"),
        (f'"{"[" * 100_000}"', "nested too deep"),
    ],
)
def test_a_cell_that_may_mean_something_else_than_it_says_is_refused(
    echo: Callable[..., Cases], cell: str, said: str
) -> None:
    told = echo("1").told(f"v,expected\n{cell},1\n", name="c.csv")
    assert 'ERROR c.csv, line 2, case 1 column "v": ' in told
    assert said in told


def test_text_that_looks_like_something_else_stands_in_quotation_marks(echo: Callable[..., Cases]) -> None:
    text = 'v,expected\n"""0,7""","""0,7"""\n"""NaN""","""NaN"""\n"""[1..3]""","""[1..3]"""\n'
    assert echo().passes(text, name="c.csv")


@pytest.mark.parametrize(
    "text",
    [
        "auc;stage;expected.passes\n0.9;PROD;true\n",
        "auc\tstage\texpected.passes\n0.9\tPROD\ttrue\n",
        "sep=;\nauc;stage;expected.passes\n0.9;PROD;true\n",
        "sep=|\nauc|stage|expected.passes\n0.9|PROD|true\n",
        "\ufeffauc,stage,expected.passes\r\n0.9,PROD,true\r\n",
        "auc, stage, expected.passes\n0.9, PROD, true",
        '"auc","stage","expected.passes"\n"0.9","PROD","true"\n',
        "\n\nauc,stage,expected.passes\n\n0.9,PROD,true\n\n,,\n",
        "auc,stage,expected.passes,,\n0.9,PROD,true,,\n",
        "inputs.auc,inputs.stage,expected.passes\n0.9,PROD,true\n",
        'auc;stage;expected\n0.9;PROD;"{""passes"": true, ""why"": ""fine""}"\n',
    ],
)
def test_what_stands_between_cells_and_around_rows_is_found_out(gate: Cases, text: str) -> None:
    done = gate.run(text, name="c.csv")
    assert (done.exit_code, "1 case, 1 passed" in done.output) == (0, True), done.output


def test_a_decimal_comma_in_a_file_with_semicolons_is_told_and_never_read_as_two(gate: Cases) -> None:
    assert "has a decimal comma: write 0.9" in gate.told("auc;stage;expected.passes\n0,9;PROD;true\n", name="c.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "c.csv has no cases"),
        ("\n\n", "c.csv has no cases"),
        ("auc,stage,expected\n", "c.csv has no cases"),
        ("auc,stage\n0.9,PROD\n", "c.csv, line 1: no column says what is expected"),
        ("auk,stage,expected\n0.9,PROD,1\n", 'line 1: there is no input "auk": is "auc" meant?'),
        ("auc,stage,expectd\n0.9,PROD,1\n", 'is "expected" meant?'),
        ("auc,expected.pases\n0.9,1\n", 'column "expected.pases": there is no output "pases": is "passes" meant?'),
        ("auc,inputs.stag,expected\n0.9,1,1\n", 'there is no input "stag": is "stage" meant?'),
        ("auc,auc,expected\n0.9,1,1\n", 'the columns "auc" and "auc" say the same'),
        ("auc,inputs.auc,expected\n0.9,1,1\n", 'the columns "auc" and "inputs.auc" say the same'),
        ("auc,expected,expected.passes\n0.9,1,1\n", 'the columns "expected" and "expected.passes" say the same'),
        ("auc,,expected\n0.9,1,1\n", "a column of the head has no name"),
        ("auc,inputs,expected\n0.9,1,1\n", 'there is no input "inputs"'),
        ("auc,stage,expected.passes\n0.9,PROD\n", "case 1 it has 2 cells, and the head 3"),
        ("auc,stage,expected.passes\n0.9,PROD,true,1\n", "case 1 it has 4 cells, and the head 3"),
        ('auc,stage,expected.passes\n0.9,"PROD,true\n', "line 2: it is not CSV"),
        ('auc,stage,expected.passes\n0.9,"PR"OD,true\n', "line 2: it is not CSV"),
        ("auc,stage,problems\n0.9,PROD,missing_imput\n", 'is "missing_input" meant?'),
        ("auc,stage,problems\n0.9,PROD,7\n", '"problems" is a list'),
        ("auc,now,expected\n0.9,today,1\n", '"now": write a date and time'),
        ("auc,decision,expected\n0.9,Verdickt,1\n", 'there is no decision "Verdickt"'),
        ("name,auc,stage,expected.passes\na,0.9,PROD,true\na,0.9,PROD,true\n", 'is called "a", too'),
        ("auc,stage,expected.passes\n0.9,PROD," + "x" * 1_100_000, "more than 1,048,576 characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(gate: Cases, text: str, said: str) -> None:
    assert said in gate.told(text, name="c.csv")


@pytest.mark.parametrize(
    "content",
    ["auc,stage,expected.passes\n0.9,PRÖD,true\n".encode("latin-1"), "auc,expected\n0.9,1\n".encode("utf-16")],
)
def test_a_file_that_is_not_utf_8_is_refused(gate: Cases, content: bytes) -> None:
    assert "c.csv is not written in UTF-8" in gate.told(content, name="c.csv")


def test_lines_are_counted_through_cells_of_several_lines(gate: Cases) -> None:
    text = 'name,auc,stage,expected.passes\n"a\nb",0.9,PROD,true\n\nc,0.9,PROD,false\n'
    assert 'c.csv, line 5, case 2 "c"' in gate.told(text, name="c.csv")


def test_expected_problems_are_kinds_in_a_cell_or_json(gate: Cases) -> None:
    text = 'auc,stage,problems\n,PROD,missing_input\n,,"missing_input, missing_input"\n,PROD,"[{""input"": ""auc""}]"\n'
    assert gate.passes(text, name="c.csv")
    assert not gate.passes(text + "0.9,PROD,missing_input\n", name="c.csv")


def test_an_input_that_is_called_like_a_key_of_cases_says_so(echo: Callable[..., Cases]) -> None:
    model = echo("name", "name")
    assert 'the model has an input "name": is it meant? Write inputs.name' in model.told(
        "v,name,expected\n1,a,a\n", name="c.csv"
    )
    assert model.passes("v,name,inputs.name,expected\n1,case a,a,a\n", name="c.csv")


def test_a_dot_leads_into_a_context(tmp_path: Path) -> None:
    person = item("tPerson", '<itemComponent name="age"><typeRef>number</typeRef></itemComponent>')
    body = decision("x", "{next: {age: person.age + 1}}", ["person"])
    model = Cases(tmp_path, dmn(person, input_data("person", "tPerson"), body))
    assert model.passes("person.age,expected.next.age\n41,42\n", name="c.csv")
    assert not model.passes("person.age,expected.next.age\n41,41\n", name="c.csv")
    assert 'there is no input "preson.age"' in model.told("preson.age,expected\n41,42\n", name="c.csv")
    assert "say the same" in model.told('person,person.age,expected\n"{""age"": 1}",41,42\n', name="c.csv")


def test_the_rows_of_several_decisions_stand_in_one_file(tmp_path: Path) -> None:
    body = (decision("x", "v + 1", ["v"]), decision("y", "v + w", ["v", "w"]))
    model = Cases(tmp_path, dmn(input_data("v"), input_data("w"), *body))
    assert model.passes("decision,v,w,expected\nx,1,,2\ny,1,5,6\n", name="c.csv")
    assert "say which decision" in model.told("decision,v,w,expected\n,1,,2\n", name="c.csv")


HOSTILE = {
    "columns": ",".join(f"v.a{n}" for n in range(100_000)) + ",expected\n",
    "dots": "v" + ".a" * 400_000 + ",expected\n1,1\n",
    "the same column": "v," * 400_000 + "expected\n1,1\n",
    "unknown columns": ",".join(f"k{n}" for n in range(100_000)) + ",expected\n1,1\n",
    "expected outputs": ",".join(f"expected.k{n}" for n in range(60_000)) + "\n1,1\n",
    "cells": "v,expected\n" + "1," * 400_000 + "\n",
    "a quotation mark": 'v,expected\n"' + "x\n" * 400_000,
    "long cells": "v,expected\n" + '"[' + "1," * 300_000 + '1]",2\n',
    "many lines": "v,expected\n" + "\n" * 400_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_ends_soon_with_something_said(echo: Callable[..., Cases], what: str) -> None:
    began = time.process_time()
    done = echo("1").run(HOSTILE[what], name="c.csv")
    assert (done.exit_code, "c.csv" in done.output, len(done.output) < 20_000) == (1, True, True)
    assert time.process_time() - began < 20
