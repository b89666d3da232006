"""The analysis reads a file in the dialect that it declares: what is right there is not told, what is wrong is."""

from __future__ import annotations

import pytest
from author_tables import declared, findings, table
from dmn_text import decision, dmn

import mlc.dmn
from mlc.dmn.analysis import Severity, analyse

CAMUNDA = (
    b'<definitions xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud" '
)


def of_cell(kind: str, cell: str, output: str = '"x"') -> bytes:
    text = table([("auc", kind)], [("result", "string")], [[cell, output]], "COLLECT")
    return declared(text, ("auc", kind)).replace(b"<definitions ", CAMUNDA, 1)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("number", "round up(5.5)"),
        ("number", "abs(number: -1)"),
        ("number", "> decimal(1.2345, 2, \"HALF_UP\")"),
        ("number", "count(partition([1, 2, 3], 2))"),
        ("number", "> get or else(null, 5)"),
        ("string", 'substring("abc", 4)'),
        ("string", 'string join(["a"], ",", "[", "]")'),
        ("string", "is blank(?)"),
        ("string", "`auc`"),
    ],
)  # fmt: skip
def test_what_is_right_in_camundas_dialect_is_not_told(kind, cell) -> None:
    data = of_cell(kind, cell)

    assert [str(one) for one in findings(data) if one.severity is Severity.ERROR] == []
    value = 1 if kind == "number" else "q"
    assert [str(one) for one in mlc.dmn.load(data).evaluate({"auc": value}).problems] == []


def test_outputs_and_expressions_are_read_in_the_dialect_too() -> None:
    data = of_cell("number", "> 1", 'substring("abc", 1, 0)')
    assert [str(one) for one in findings(data) if one.severity is Severity.ERROR] == []
    literal = dmn(decision("x", "round up(5.5)")).replace(b"<definitions ", CAMUNDA, 1)
    assert analyse(literal).errors == []
    assert analyse(dmn(decision("x", "round up(5.5)")), dialect="camunda").errors == []


@pytest.mark.parametrize("cell", ["round up(5.5)", "abs(number: -1)", 'contains("x")', "1/0", "is blank(1, 2)"])
def test_what_is_wrong_there_is_told(cell) -> None:
    plain = of_cell("number", cell).replace(b"Camunda Cloud", b"other")
    wrong = plain if cell.startswith(("round", "abs")) else of_cell("number", cell)

    assert [one.severity for one in findings(wrong) if one.severity is Severity.ERROR] == [Severity.ERROR]
