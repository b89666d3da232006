"""Input data without a variable, as Camunda's modeler draws them: what is not read by its name need not be given."""

from __future__ import annotations

from typing import Any

import pytest
from dmn_text import decision, dmn, input_data

import mlc.dmn
from mlc.dmn import Kind
from mlc.dmn.analysis import Severity, analyse

TABLE = (
    '<decisionTable hitPolicy="FIRST"><input label="Guests"><inputExpression typeRef="number"><text>{}</text>'
    '</inputExpression></input><output name="passes" typeRef="boolean"/>'
    "<rule><inputEntry><text>&lt;= 8</text></inputEntry><outputEntry><text>true</text></outputEntry></rule>"
    "<rule><inputEntry><text>-</text></inputEntry><outputEntry><text>false</text></outputEntry></rule></decisionTable>"
)

REQUIRES_A = '<informationRequirement><requiredInput href="#_a"/></informationRequirement>'


def drawn(name: str) -> str:
    return f'<inputData id="_{name.replace(" ", "_")}" name="{name}"/>'


def model(read: str, *data: str, names: list[str]) -> bytes:
    file = dmn(*data, decision("Dish", TABLE.format(read), inputs=names))
    return file.replace(b"<definitions ", b'<definitions exporter="dmn-js (https://demo.bpmn.io/dmn)" ', 1)


def problems(data: bytes, **inputs: Any) -> list[tuple[Kind, str]]:
    evaluation = mlc.dmn.load(data).evaluate(inputs, "Dish")
    return [(problem.kind, problem.message) for problem in evaluation.problems]


@pytest.mark.parametrize("name", ["Guest Count", "Guests", "Number of guests (adults)"])
def test_a_drawn_input_of_another_name_than_the_one_that_is_read_need_not_be_given(name) -> None:
    data = model("guestCount", drawn(name), names=[name])

    assert problems(data, guestCount=4) == []
    assert [given.name for given in mlc.dmn.load(data).inputs] == ["guestCount"]
    assert [str(one) for one in analyse(data).findings] == []


@pytest.mark.parametrize("read", ["Guest Count", "Guest  Count", "Guest Count * 2", "if Guest Count > 3 then 4 else 9"])
def test_a_drawn_input_that_is_read_by_its_name_must_be_given(read) -> None:
    data = model(read, drawn("Guest Count"), names=["Guest Count"])

    assert (Kind.MISSING_INPUT, 'the input "Guest Count" is not given') in problems(data)
    assert problems(data, **{"Guest Count": 3}) == []


def test_what_is_read_must_be_given_whatever_is_drawn() -> None:
    data = model("guestCount", drawn("Guest Count"), names=["Guest Count"])

    assert problems(data)[0] == (Kind.MISSING_INPUT, 'the input "guestCount" is not given')
    assert problems(data, **{"Guest Count": 3})[0][0] is Kind.MISSING_INPUT


def test_an_input_with_a_variable_must_be_given_though_nothing_reads_it() -> None:
    data = model("guestCount", input_data("season"), names=["season"])

    assert problems(data, guestCount=3) == [(Kind.MISSING_INPUT, 'the input "season" is not given')]


@pytest.mark.parametrize(
    "attributes",
    [
        'exporter="dmn-js (https://demo.bpmn.io/dmn)"',
        'exporter="Camunda Modeler"',
        'xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud"',
    ],
)
def test_a_file_of_the_modeler_needs_no_variables_and_names_them_as_it_likes(attributes) -> None:
    other = '<inputData id="_a" name="How many"><variable name="guestCount" typeRef="number"/></inputData>'
    data = dmn(
        other, decision("Dish", TABLE.format("guestCount")).replace("<decisionTable", f"{REQUIRES_A}<decisionTable")
    )

    marked = data.replace(b"<definitions ", f"<definitions {attributes} ".encode(), 1)
    assert [str(one) for one in analyse(marked).findings] == []
    assert [str(one.kind) for one in analyse(data).findings] == ["variable"]


def test_a_decision_without_logic_asks_for_what_is_drawn() -> None:
    data = dmn(drawn("Guest Count"), decision("Dish", "", inputs=["Guest Count"]))

    assert [given.name for given in mlc.dmn.load(data, strict=False).inputs] == ["Guest Count"]


def test_a_drawn_input_excuses_the_name_that_is_like_it_among_declared_ones() -> None:
    data = model("guestCount", drawn("Guest Count"), input_data("season"), names=["Guest Count", "season"])

    assert [str(one) for one in analyse(data).findings if one.severity is Severity.WARNING] == []
    other = model("guests", drawn("Guest Count"), input_data("season"), names=["Guest Count", "season"])
    assert [str(one.kind) for one in analyse(other).findings] == ["undeclared_input"]
