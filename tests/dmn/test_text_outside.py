"""What stands in a cell beside its element `text`: passed over, it would make a rule match all by accident."""

from __future__ import annotations

import pytest
from dmn_text import decision, dmn, item

import mlc.dmn
from mlc.dmn import DmnError, Kind
from mlc.dmn.analysis import Severity, analyse

TABLE = (
    '<decisionTable hitPolicy="COLLECT"><input><inputExpression typeRef="number">{expression}</inputExpression>{values}'
    '</input><output name="passes" typeRef="boolean">{default}</output>'
    "<rule><inputEntry>{cell}</inputEntry><outputEntry>{output}</outputEntry></rule></decisionTable>"
)
RIGHT = {
    "expression": "<text>auc</text>",
    "values": "",
    "default": "",
    "cell": "<text>&gt;= 0.7</text>",
    "output": "<text>true</text>",
}


def table(**parts: str) -> bytes:
    return dmn(decision("verdict", TABLE.format(**{**RIGHT, **parts})))


def test_a_table_with_its_texts_in_place_loads() -> None:
    for cell in ("<text>&gt;= 0.7</text>", "\n <text>\n&gt;= 0.7</text>\n ", "<text/>", "", " ", "<text></text>\n"):
        assert analyse(table(cell=cell)).errors == []
    assert analyse(table(cell="<description>by hand</description><text>&gt;= 0.7</text>")).errors == []


@pytest.mark.parametrize(
    "parts",
    [
        {"cell": "&gt;= 0.7"},
        {"cell": "-"},
        {"cell": "<text/>&gt;= 0.7"},
        {"cell": "<![CDATA[>= 0.7]]>"},
        {"cell": "<description>by hand</description>&gt;= 0.7"},
        {"output": "false"},
        {"expression": "auc"},
        {"values": "<inputValues>[0..1]</inputValues>"},
        {"default": "<defaultOutputEntry>false</defaultOutputEntry>"},
        {"default": "<outputValues>true, false</outputValues>"},
    ],
)
def test_a_text_outside_of_its_element_is_refused_and_not_passed_over(parts) -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(table(**parts))
    (finding,) = analyse(table(**parts)).errors

    assert "stands outside of <text>" in str(caught.value)
    assert {problem.kind for problem in caught.value.problems} == {Kind.SYNTAX}
    assert (finding.severity, finding.place.decision) == (Severity.ERROR, "verdict")
    assert finding.place.line is not None
    assert finding.suggestion == "put <text> before it and </text> behind it"


def test_allowed_values_of_a_type_and_expressions_outside_of_their_element_are_refused() -> None:
    values = item("grade", "string").replace("</itemDefinition>", '<allowedValues>"a"</allowedValues></itemDefinition>')
    for data in (dmn(values, decision("x", "1")), dmn(decision("x", "<literalExpression>1 + 1</literalExpression>"))):
        with pytest.raises(DmnError, match="stands outside of <text>"):
            mlc.dmn.load(data)
