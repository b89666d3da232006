"""Item definitions (DMN 1.5, 7.3.3): allowed values, constraints, collections, components, functions, recursion."""

from __future__ import annotations

from datetime import date

import pytest
from dmn_text import decision, dmn, input_data, item

import mlc.dmn
from mlc.dmn import DmnError, Kind, Place


def values(text: str, tag: str = "allowedValues") -> str:
    return f"<{tag}><text>{text}</text></{tag}>"


def fits(definitions: str, value: object, type_ref: str = "t") -> bool:
    """Whether an input of a type takes a value."""
    model = mlc.dmn.load(dmn(definitions, input_data("a", type_ref), decision("x", "a", ["a"])))
    problems = model.evaluate({"a": value}).problems
    assert all((problem.kind, problem.input) == (Kind.WRONG_TYPE, "a") for problem in problems)
    return not problems


TWO_LEVELS = "<typeRef>string</typeRef>" + values('"low","high"')
LEVEL = item("t", TWO_LEVELS)
RATE = item("t", f"<typeRef>number</typeRef>{values('[0..1]')}")
LEVELS = item("t", TWO_LEVELS, attributes=' isCollection="true"')
PAIR = item(
    "t", f"<typeRef>number</typeRef>{values('count(?) = 2', 'typeConstraint')}", attributes=' isCollection="true"'
)
TREE = item("t", item("n", "number", "itemComponent") + item("children", "t", "itemComponent", ' isCollection="true"'))
NESTED = item("t", item("who", item("name", "string", "itemComponent"), "itemComponent"))


@pytest.mark.parametrize(
    ("definitions", "value", "fitting"),
    [
        (LEVEL, "low", True),
        (LEVEL, "medium", False),
        (LEVEL, None, True),
        (RATE, 0.5, True),
        (RATE, 1.5, False),
        (RATE, "0.5", False),
        (LEVELS, ["low", "high", "low"], True),
        (LEVELS, ["low", "medium"], False),
        (LEVELS, "low", True),
        (LEVELS, [], True),
        (PAIR, [1, 2], True),
        (PAIR, [1], False),
        (PAIR, [1, "x"], False),
        (item("t", f"<typeRef>number</typeRef>{values('? &lt; 5', 'typeConstraint')}"), 6, False),
        (NESTED, {"who": {"name": "Ada"}}, True),
        (NESTED, {"who": {"name": 1}}, False),
        (NESTED, {"who": {}}, False),
        (NESTED, {"who": None}, True),
        (TREE, {"n": 1, "children": [{"n": 2, "children": []}]}, True),
        (TREE, {"n": 1, "children": [{"n": "two", "children": []}]}, False),
        (item("t", "s") + item("s", f"<typeRef>number</typeRef>{values('&gt; 0')}"), -1, False),
        (item("t", "feel:string"), "x", True),
    ],
)
def test_a_value_fits_its_type_or_not(definitions, value, fitting) -> None:
    assert fits(definitions, value) is fitting


WHOLE = (
    item("tRate", f"<typeRef>number</typeRef>{values('[0..1]')}"),
    item("tRates", "tRate", attributes=' isCollection="true"'),
    item("tModel", item("rate", f"<typeRef>number</typeRef>{values('[0..1]')}", "itemComponent")),
    item(
        "tPair",
        f"<typeRef>number</typeRef>{values('count(?) = 2', 'typeConstraint')}",
        attributes=' isCollection="true"',
    ),
    item("tTree", item("n", "tRate", "itemComponent") + item("below", "tTree", "itemComponent")),
    item("tAlias", "tRate"),
    item("tTake", '<functionItem outputTypeRef="string"><parameters name="n" typeRef="tRate"/></functionItem>'),
    item("tTakes", "tTake", attributes=' isCollection="true"'),
)


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("2 instance of tRate", True),
        ('"2" instance of tRate', False),
        ("null instance of tRate", False),
        ("2 instance of tAlias", True),
        ("[2, 3] instance of tRates", True),
        ('[2, "3"] instance of tRates', False),
        ("[2, 3] instance of list<tRate>", True),
        ("[1..2] instance of range<tRate>", True),
        ("{rate: 2} instance of tModel", True),
        ("{rate: true} instance of tModel", False),
        ("{rate: 2} instance of context<rate: tRate>", True),
        ("[1] instance of tPair", True),
        ("{n: 2, below: {n: 3, below: null}} instance of tTree", True),
        ('{n: 2, below: {n: "3", below: null}} instance of tTree', False),
        ('(function(n: number) "a") instance of tTake', True),
        ('(function(n: string) "a") instance of tTake', False),
    ],
)
def test_an_instance_of_a_type_may_be_a_value_that_it_does_not_allow(expression, answer) -> None:
    """Types conform by what they are made of (10.3.2.9.2); allowed values are no part of that."""
    model = mlc.dmn.load(dmn(*WHOLE, decision("x", expression)))
    assert model.evaluate({}).result is answer


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ('(function(a) {b: "x", c: 1}) instance of function<Any>->context<b: string>', True),
        ("(function(a) {c: 1}) instance of function<Any>->context<b: string>", False),
        ("(function(a) [1, 2]) instance of function<Any>->list<number>", True),
        ('(function(a) [1, "2"]) instance of function<Any>->list<number>', False),
        ("(function(a) function(b) 1) instance of function<Any>->function<Any>->number", True),
        ("(function(a) a > 1) instance of function<Any>->boolean", True),
        ('[(function(n: number) "a"), (function(n: string) "b")] instance of tTakes', True),
        ('[(function(n: number) "a"), (function(n: string) 1)] instance of tTakes', False),
        ('[(function(n: number) "a"), 1] instance of tTakes', False),
        ("[] instance of tTakes", True),
        ("[1, 2] instance of list<number>", True),
    ],
)
def test_a_literal_is_of_the_type_that_its_form_has(expression, answer) -> None:
    """10.3.2.9.1 and 10.3.2.9.2: a list literal is a list of what its items have in common."""
    model = mlc.dmn.load(dmn(*WHOLE, decision("x", expression)))
    assert model.evaluate({}).result is answer


def test_types_may_hold_each_other() -> None:
    one = item("t", item("other", "s", "itemComponent"))
    other = item("s", item("one", "t", "itemComponent"))
    assert fits(one + other, {"other": {"one": {"other": None}}})
    assert not fits(one + other, {"other": {"one": {"other": 1}}})


def test_a_function_type_takes_functions() -> None:
    kind = item("t", '<functionItem outputTypeRef="number"><parameters name="n" typeRef="number"/></functionItem>')
    model = mlc.dmn.load(
        dmn(kind, decision("x", "function(n: number) n", type_ref="t"), decision("y", "1", type_ref="t"))
    )
    assert model.evaluate({}, "x").problems == []
    assert [problem.kind for problem in model.evaluate({}, "y").problems] == [Kind.WRONG_TYPE]


@pytest.mark.parametrize(
    ("function", "fitting"),
    [
        ("function(n: number) n", True),
        ("function(n) n", True),
        ("abs", True),
        ("function(n: string) 1", False),
        ("function(a, b) 1", False),
    ],
)
def test_a_function_fits_a_function_type_unless_it_says_otherwise(function, fitting) -> None:
    kind = item("t", '<functionItem outputTypeRef="number"><parameters name="n" typeRef="number"/></functionItem>')
    evaluation = mlc.dmn.load(dmn(kind, decision("x", function, type_ref="t"))).evaluate({})
    assert [problem.kind for problem in evaluation.problems] == ([] if fitting else [Kind.WRONG_TYPE])


@pytest.mark.parametrize(
    ("definitions", "kind", "words"),
    [
        (item("t", "flaot"), Kind.UNKNOWN_TYPE, 'no type "flaot"'),
        (item("t", item("n", "flaot", "itemComponent")), Kind.UNKNOWN_TYPE, 'no type "flaot"'),
        (item("t", '<functionItem outputTypeRef="flaot"/>'), Kind.UNKNOWN_TYPE, 'no type "flaot"'),
        (item("t", f"<typeRef>number</typeRef>{values('[1..')}"), Kind.SYNTAX, "allowed values"),
        (item("t", "t"), Kind.CYCLE, "defined by itself"),
        (item("t", "s") + item("s", "t"), Kind.CYCLE, "defined by itself"),
    ],
)
def test_a_type_that_does_not_hold_together_is_a_problem_with_its_name(definitions, kind, words) -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(dmn(definitions, decision("x", "1")), name="f.dmn")
    problem = caught.value.problems[0]
    assert problem.kind == kind
    assert words in problem.message
    assert problem.place in (Place("f.dmn", type="t"), Place("f.dmn", type="s"))
    assert str(problem).startswith('f.dmn, type "')


@pytest.mark.parametrize(
    "body",
    [
        input_data("a", "flaot"),
        decision("y", "1", type_ref="flaot"),
        decision("y", '<literalExpression typeRef="flaot"><text>1</text></literalExpression>'),
        decision("y", '<context><contextEntry><variable name="n" typeRef="flaot"/></contextEntry></context>'),
    ],
)
def test_an_unknown_type_is_a_problem_wherever_it_is_named(body) -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(dmn(body, decision("x", "1")), name="f.dmn")
    (problem,) = caught.value.problems
    assert (problem.kind, problem.decision) == (Kind.UNKNOWN_TYPE, "y" if "y" in body[:20] else None)


def test_text_stands_for_a_date_also_inside_of_lists_and_contexts() -> None:
    spans = item("tDays", "date", attributes=' isCollection="true"')
    kind = item("t", item("days", "tDays", "itemComponent") + item("who", "string", "itemComponent"))
    body = input_data("a", "t"), decision("x", '[a.days[1] + duration("P1D"), a.who]', ["a"])
    model = mlc.dmn.load(dmn(spans, kind, *body))
    evaluation = model.evaluate({"a": {"days": ["2026-07-31"], "who": "2026-07-31"}})
    assert (evaluation.result, evaluation.problems) == ([date(2026, 8, 1), "2026-07-31"], [])
    (problem,) = model.evaluate({"a": {"days": ["31.7.2026"], "who": ""}}).problems[:1]
    assert (problem.kind, problem.input) == (Kind.WRONG_TYPE, "a")


def test_camundas_types_are_known() -> None:
    for type_ref, value in (("integer", 5), ("long", 5), ("double", 0.5), ("dateTime", "2026-07-31T10:00:00")):
        assert fits("", value, type_ref)
    assert not fits("", 0.5, "integer")
