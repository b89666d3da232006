"""Whatever is wrong with a model, and whatever an evaluation notes, has the line of the XML that it is about."""

from __future__ import annotations

import pytest

import mlc.dmn
from mlc.dmn import DmnError, Place, Problem
from mlc.dmn.analysis import analyse

MODEL = """<?xml version="1.0"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" id="d" name="lines" namespace="n">
  <itemDefinition name="level">
    <typeRef>string</typeRef>
  </itemDefinition>
  <inputData id="i" name="auc">
    <variable name="auc" typeRef="number"/>
  </inputData>
  <decision id="v"
            name="Verdict">
    <informationRequirement><requiredInput href="#i"/></informationRequirement>
    <decisionTable id="t" hitPolicy="COLLECT">
      <input id="i1" label="auc">
        <inputExpression id="e1"><text>auc</text></inputExpression>
      </input>
      <output id="o1" name="passes" typeRef="boolean"/>
      <rule id="r1">
        <description><![CDATA[a
        <b>]]></description>
        <!-- a remark
             of two lines -->
        <inputEntry id="c1">
          <text><![CDATA[< 0.7]]></text>
        </inputEntry>
        <outputEntry id="c2">
          <text>false</text>
        </outputEntry>
      </rule>
    </decisionTable>
  </decision>
</definitions>
"""


def load_problems(text: str | bytes) -> list[Problem]:
    data = text if isinstance(text, bytes) else text.encode()
    try:
        return mlc.dmn.load(data, strict=False).problems
    except DmnError as error:
        return error.problems


def line_of(needle: str, text: str = MODEL) -> int:
    (line,) = (number for number, one in enumerate(text.splitlines(), 1) if needle in one)
    return line


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("<![CDATA[< 0.7]]>", "0.7 &lt;", 'id="c1"'),
        ("<text>false</text>", "<text>(</text>", 'id="c2"'),
        ("<text>auc</text>", "<text>auc +</text>", 'id="i1"'),
        ('name="passes" typeRef="boolean"', 'name="passes" typeRef="bool"', 'id="o1"'),
        ('name="auc" typeRef="number"', 'name="auc" typeRef="nummer"', 'id="i"'),
        ("<typeRef>string", "<typeRef>strung", "<itemDefinition"),
        ('href="#i"', 'href="#j"', '<decision id="v"'),
        ("COLLECT", "COLLECTS", "<decisionTable"),
        ('<inputEntry id="c1">', '<outputEntry id="c1">', 'id="r1"'),
        ("</definitions>", '<inputData id="j" name="auc"/>\n</definitions>', 'id="j"'),
        ("</definitions>", '<import name="x" namespace="elsewhere" importType="DMN"/>\n</definitions>', "<import"),
    ],
)
def test_a_problem_of_loading_has_the_line_of_its_element(old, new, where) -> None:
    text = MODEL.replace(old, new)
    if old.startswith("<inputEntry"):
        text = text.replace("</inputEntry>", "</outputEntry>")
    problems = load_problems(text)
    assert line_of(where, text) in [problem.place.line for problem in problems], problems
    assert all(problem.place.line is not None for problem in problems)


def test_the_model_itself_has_no_problem() -> None:
    assert load_problems(MODEL) == []


@pytest.mark.parametrize(
    ("old", "new", "inputs", "where"),
    [
        ("", "", {"auc": "high"}, '<decision id="v"'),
        ("", "", {}, '<decision id="v"'),
        ("< 0.7", '"low"', {"auc": 1}, 'id="c1"'),
        ("< 0.7", "< 0.7 / 0", {"auc": 1}, 'id="c1"'),
        ("<text>false</text>", "<text>12</text>", {"auc": 0.1}, 'id="c2"'),
        ("<text>false</text>", "<text>1 / 0 > 1</text>", {"auc": 0.1}, 'id="c2"'),
        ("<text>auc</text>", "<text>auc / 0</text>", {"auc": 0.1}, 'id="i1"'),
    ],
)
def test_a_problem_of_evaluation_has_the_line_of_its_element(old, new, inputs, where) -> None:
    text = MODEL.replace(old, new) if old else MODEL
    problems = mlc.dmn.load(text.encode()).evaluate(inputs).problems
    assert problems
    assert {problem.place.line for problem in problems} == {line_of(where, text)}


def test_a_finding_of_the_analysis_has_it_too() -> None:
    findings = analyse(MODEL.replace("< 0.7", "< ").encode()).findings
    assert line_of('id="c1"') in [finding.place.line for finding in findings]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<a>\n<b>\n</a>", 3),
        ("<?xml version='1.0'?>\n\n<!DOCTYPE a>\n<a/>", 3),
        ("\n<process/>", 2),
        ("<a>\n&nbsp;</a>", 2),
        ("\n".join(["<definitions>", *["<context>"] * 300, *["</context>"] * 300, "</definitions>"]), 201),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_line(text, line) -> None:
    (problem,) = load_problems(text)
    assert problem.place.line == line


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "windows-1252"]
)
def test_lines_and_letters_are_the_same_in_every_encoding(encoding, ends) -> None:
    text = MODEL.replace("< 0.7", '"größer"').replace("\n", ends)
    if encoding not in ("utf-8", "utf-8-sig"):
        name = "utf-16" if encoding.startswith("utf-16") else encoding
        text = text.replace('version="1.0"', f'version="1.0" encoding="{name}"')
    data = (("\ufeff" if encoding.endswith(("-le", "-be")) else "") + text).encode(encoding)
    (problem,) = mlc.dmn.load(data).evaluate({"auc": 1}).problems
    assert problem.place.line == line_of('id="c1"')
    assert '"größer"' in problem.message


def test_a_place_is_written_without_its_line_and_is_the_same_with_another() -> None:
    assert str(Place("a.dmn", "d", 1, "auc", line=7)) == 'a.dmn, decision "d", rule 1, column "auc"'
    assert Place("a.dmn", line=7) == Place("a.dmn", line=8)
