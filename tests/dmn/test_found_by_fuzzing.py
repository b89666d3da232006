"""Inputs that `python -m tests.fuzz` found to break a promise, each as small as it could be made."""

from __future__ import annotations

from decimal import Decimal

import pytest

import mlc.dmn
from mlc.dmn import DmnError, Kind
from tests.fuzz import seeds, targets


def test_a_number_that_is_out_of_range_in_a_script_is_a_problem_of_its_cell(definitions) -> None:
    file = definitions(seeds.decision(seeds.literal("4d * -1e99992", ' expressionLanguage="groovy"')))
    with pytest.raises(DmnError, match="character 7: a number is out of range") as caught:
        mlc.dmn.load(file)
    assert caught.value.problems[0].kind == Kind.SYNTAX


def test_a_table_with_an_unknown_aggregation_answers_null_when_it_is_loaded_all_the_same(definitions) -> None:
    file = definitions(seeds.decision(seeds.table(' hitPolicy="COLLECT" aggregation="COUPT"')))
    with pytest.raises(DmnError, match="no aggregation COUPT"):
        mlc.dmn.load(file)
    model = mlc.dmn.load(file, strict=False)
    assert model.evaluate({"auc": Decimal("0.5"), "kind": "a"}).result is None


@pytest.mark.parametrize(
    ("values", "message"),
    [("1, count(for i in 1..20000000 return i)", "take too long to work out"), ("1][1", "does not parse")],
)
def test_output_values_that_are_no_plain_list_are_a_problem_of_their_column(definitions, values, message) -> None:
    output = f"<outputValues><text>{values}</text></outputValues>"
    file = definitions(seeds.decision(seeds.table(' hitPolicy="PRIORITY"', values=output)))
    with pytest.raises(DmnError, match=message) as caught:
        mlc.dmn.load(file)
    assert caught.value.problems[0].column == "o"
    targets.load(file)


DOUBLED = "{a: [null], " + ", ".join(f"b{n}: [b{n - 1}, b{n - 1}]" if n else "b0: a" for n in range(45)) + ", r: %s}.r"
NODES = (
    "{a: null, " + ", ".join(f"b{n}: {{a: b{n - 1}, b: b{n - 1}}}" if n else "b0: a" for n in range(45)) + ", r: %s}.r"
)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (DOUBLED % f"b44 instance of {'list<' * 46}number{'>' * 46}", ""),
        (
            NODES % "b44 instance of tNode",
            '<itemDefinition name="tNode"><itemComponent name="a"><typeRef>tNode</typeRef></itemComponent>'
            '<itemComponent name="b"><typeRef>tNode</typeRef></itemComponent></itemDefinition>',
        ),
    ],
)
def test_to_ask_for_the_type_of_what_was_made_by_doubling_reaches_a_limit(definitions, text, types) -> None:
    model = mlc.dmn.load(definitions(types + seeds.decision(seeds.literal(text))))
    with targets.timed("evaluating"):
        evaluation = model.evaluate({})
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])


def test_a_test_of_allowed_values_takes_its_steps_from_those_of_the_evaluation(definitions) -> None:
    allowed = "count(for i in 1..50000 return i) + ? > 0"
    types = (
        '<itemDefinition name="tMetrics" isCollection="true"><typeRef>number</typeRef><allowedValues>'
        f"<text>{allowed.replace('>', '&gt;')}</text></allowedValues></itemDefinition>"
        '<inputData id="m" name="metrics"><variable name="metrics" typeRef="tMetrics"/></inputData>'
    )
    needs = '<informationRequirement id="q"><requiredInput href="#m"/></informationRequirement>'
    model = mlc.dmn.load(definitions(types + seeds.decision(seeds.literal("count(metrics)"), needs)))
    assert model.evaluate({"metrics": [1, 2]}).result == 2
    evaluation = model.evaluate({"metrics": list(range(50))})
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])


def test_every_seed_of_the_fuzzer_keeps_the_promises() -> None:
    for seed in seeds.files():
        targets.load(seed)
    for seed in seeds.expressions():
        targets.feel(seed)


def test_most_seeds_reach_the_code_behind_the_reader() -> None:
    loaded = 0
    for seed in seeds.files():
        try:
            loaded += bool(mlc.dmn.load(seed, imports=targets.IMPORTS).decisions)
        except DmnError:
            continue
    assert loaded >= 30


def raising(*_: object, **__: object) -> None:
    raise KeyError("some bug")


def test_a_target_raises_what_the_engine_raises(monkeypatch) -> None:
    seed = next(seeds.files())
    monkeypatch.setattr(mlc.dmn, "load", raising)
    for target in (targets.load, targets.feel):
        with pytest.raises(KeyError):
            target(seed)


@pytest.mark.parametrize("answer", [1.5, Decimal("NaN"), (1,), {1: 2}, [object()], float("inf"), 3])
def test_a_target_raises_when_an_answer_is_of_a_type_that_is_not_documented(answer) -> None:
    with pytest.raises(targets.BrokenPromiseError):
        targets.known([answer])
    targets.known([Decimal(1), None, {"a": [True, "s"]}, mlc.dmn.Range(None, Decimal(1))])


def test_a_target_raises_when_something_takes_too_long(monkeypatch) -> None:
    monkeypatch.setattr(targets, "LIMIT", -1.0)
    with pytest.raises(targets.BrokenPromiseError, match="seconds of CPU"):
        targets.feel(b"01 + 1")
