"""Decision tables as they are written, whether or not they can be evaluated."""

from collections.abc import Callable

import pytest

import mlc.dmn


def test_a_table_is_told_by_its_columns_rules_and_hit_policy(table: Callable[..., bytes]) -> None:
    (found,) = mlc.dmn.outline(
        table(["auc", ("stage", "string")], ["passes"], [["< 0.9", "-", "false"], ["", '"PROD"', "true"]])
    )
    assert (found.inputs, found.outputs) == (("auc", "stage"), ("passes",))
    assert [found.conditions(rule) for rule in found.rules] == [["auc < 0.9"], ['stage: "PROD"']]
    assert [found.says(rule) for rule in found.rules] == [["passes = false"], ["passes = true"]]


@pytest.mark.parametrize(
    ("cell", "asked"),
    [
        (">= 0.8", "auc >= 0.8"),
        ("[0..1]", "auc: [0..1]"),
        ("not(1)", "auc: not(1)"),
        ("!= 1", "auc != 1"),
        ("1", "auc: 1"),
    ],
)
def test_what_a_cell_asks_is_said_with_its_column(cell: str, asked: str) -> None:
    assert mlc.dmn.Condition("auc", cell, 0.5).test == asked


def test_a_table_that_cant_be_evaluated_is_told_all_the_same(definitions: Callable[..., bytes]) -> None:
    broken = (
        '<decision id="d1" name="D"><decisionTable hitPolicy="NONE"><input label="Share"><inputExpression>'
        '<text>auc</text></inputExpression></input><output name="passes"/><rule><inputEntry><text>&lt; (</text>'
        '</inputEntry></rule></decisionTable></decision><decision id="d2" name="E"><literalExpression>'
        "<text>1</text></literalExpression></decision>"
    )
    (found,) = mlc.dmn.outline(definitions(broken))
    assert (found.decision, found.hit_policy, found.inputs) == ("D", "NONE", ("Share [auc]",))
    assert found.conditions(found.rules[0]) == ["Share [auc] < ("]
    assert found.says(found.rules[0]) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a/>",
        b"<definitions>",
        b'<!DOCTYPE d [<!ENTITY e "x">]><definitions>&e;</definitions>',
        b"\0" * 2_000_000,
    ],
)
def test_what_is_no_dmn_file_or_a_hostile_one_is_refused(data: bytes) -> None:
    with pytest.raises(mlc.dmn.DmnError):
        mlc.dmn.outline(data)
