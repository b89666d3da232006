"""Boxed expressions (DMN 1.5, 10.2.1) with their types, and business knowledge models of every kind of logic."""

from __future__ import annotations

from decimal import Decimal

import pytest
from dmn_text import decision, dmn, function, input_data, item, knowledge_model, literal

import mlc.dmn
from mlc.dmn import DmnError, Kind

TYPES = (
    item("tNumbers", "number", attributes=' isCollection="true"'),
    item("tPerson", item("name", "string", "itemComponent") + item("age", "number", "itemComponent")),
)


def evaluated(logic: str, *elements: str, type_ref: str | None = None, **inputs: object) -> mlc.dmn.Evaluation:
    knowledge = [name for name in ("f", "g") if f'name="{name}"' in "".join(elements)]
    needed = [name for name in ("a", "b") if f'<inputData name="{name}"' in "".join(elements)]
    body = decision("x", logic, needed, knowledge=knowledge, type_ref=type_ref)
    return mlc.dmn.load(dmn(*TYPES, *elements, body)).evaluate(inputs, "x")


def kinds(evaluation: mlc.dmn.Evaluation) -> list[Kind]:
    return [problem.kind for problem in evaluation.problems]


def problem_of(*elements: str) -> mlc.dmn.Problem:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(dmn(*TYPES, *elements), name="f.dmn")
    (problem,) = caught.value.problems
    return problem


def entry(name: str | None, value: str, type_ref: str = "") -> str:
    typed = f' typeRef="{type_ref}"' if type_ref else ""
    variable = f'<variable name="{name}"{typed}/>' if name else ""
    return f"<contextEntry>{variable}{value if value.startswith('<') else literal(value)}</contextEntry>"


def part(tag: str, value: str) -> str:
    return f"<{tag}>{value if value.startswith('<') else literal(value)}</{tag}>"


def test_a_context_is_its_entries_or_the_entry_without_a_name() -> None:
    entries = entry("one", "1") + entry("two part name", "one + 1") + entry("three", "{a: two part name}.a + 1")
    assert evaluated(f"<context>{entries}</context>").result == {"one": 1, "two part name": 2, "three": 3}
    assert evaluated(f"<context>{entries}{entry(None, 'two part name * three')}</context>").result == 6


def test_an_entry_of_a_context_is_coerced_to_its_type() -> None:
    evaluation = evaluated(f"<context>{entry('n', '[1]', 'number')}{entry('s', '1', 'string')}</context>")
    assert (evaluation.result, kinds(evaluation)) == ({"n": 1, "s": None}, [Kind.WRONG_TYPE])


def test_a_list_has_items_of_every_kind() -> None:
    assert evaluated(f"<list>{literal('1')}<list>{literal('2')}</list></list>").result == [1, [2]]


def test_a_relation_is_a_list_of_contexts_whose_cells_have_the_types_of_their_columns() -> None:
    rows = "".join(f"<row>{literal(one)}{literal(other)}</row>" for one, other in (("1", '"a"'), ("[2]", '"b"')))
    box = f'<relation><column name="the number" typeRef="number"/><column name="s"/>{rows}</relation>'
    assert evaluated(box).result == [{"the number": 1, "s": "a"}, {"the number": 2, "s": "b"}]


def test_a_relation_with_a_short_row_is_a_problem_with_its_place() -> None:
    box = f'<relation><column name="n"/><column name="s"/><row>{literal("1")}</row></relation>'
    problem = problem_of(decision("x", box))
    assert (problem.kind, problem.decision) == (Kind.STRUCTURE, "x")


@pytest.mark.parametrize(("condition", "result"), [("1 < 2", "yes"), ("1 > 2", "no"), ("null", "no")])
def test_a_conditional_evaluates_one_of_its_branches(condition, result) -> None:
    branches = part("then", '"yes"') + part("else", '"no"')
    assert evaluated(f"<conditional>{part('if', condition)}{branches}</conditional>").result == result


@pytest.mark.parametrize("condition", ['"abc"', "1", "[true]", "{}", '@"2026-07-31"'])
def test_a_conditional_whose_condition_is_not_a_boolean_is_null_and_a_problem(condition) -> None:
    """10.2.1.9 has a boolean there, where FEEL's own `if` takes whatever is not true for false (10.3.2.11)."""
    branches = part("then", '"yes"') + part("else", '"no"')
    evaluation = evaluated(f"<conditional>{part('if', condition)}{branches}</conditional>")
    assert (evaluation.result, kinds(evaluation)) == (None, [Kind.WRONG_TYPE])
    assert evaluated(literal(f'if {condition} then "yes" else "no"')).result == "no"


@pytest.mark.parametrize(
    ("condition", "result"),
    [("item > 1", [2, 3]), ("item > 9", []), ('"text"', None), ('if item < 3 then true else "text"', None)],
)
def test_a_filter_keeps_items_by_a_boolean(condition, result) -> None:
    evaluation = evaluated(f"<filter>{part('in', '[1, 2, 3]')}{part('match', condition)}</filter>")
    assert (evaluation.result, kinds(evaluation)) == (result, [] if result is not None else [Kind.WRONG_TYPE])


def test_a_filter_sees_the_members_of_its_items() -> None:
    people = '[{name: "Ada", age: 36}, {name: "Bob", age: 7}]'
    box = f"<filter>{part('in', people)}{part('match', 'age > 30')}</filter>"
    assert [person["name"] for person in evaluated(box).result] == ["Ada"]


@pytest.mark.parametrize(
    ("kind", "body", "result"),
    [
        ("for", part("return", "n * 2"), [2, 4, 6]),
        ("for", part("return", "n + count(partial)"), [1, 3, 5]),
        ("some", part("satisfies", "n > 2"), True),
        ("some", part("satisfies", "n > 3"), False),
        ("every", part("satisfies", "n > 0"), True),
        ("every", part("satisfies", "n > 1"), False),
        ("some", part("satisfies", 'if n = 3 then true else "text"'), None),
        ("every", part("satisfies", '"text"'), None),
    ],
)
def test_iterators_go_over_a_list(kind, body, result) -> None:
    evaluation = evaluated(f'<{kind} iteratorVariable="n">{part("in", "[1, 2, 3]")}{body}</{kind}>')
    assert (evaluation.result, bool(evaluation.problems)) == (result, result is None)


def test_a_boxed_function_is_a_value_that_sees_what_is_around_it() -> None:
    inner = function([("n", "number")], "n * factor", "functionDefinition")
    box = f"<context>{entry('factor', '3')}{entry('times', inner)}{entry(None, 'times(n: 5)')}</context>"
    assert evaluated(box).result == 15


@pytest.mark.parametrize("kind", ["Java", "PMML"])
def test_functions_of_other_kinds_are_refused_at_load_and_answer_null(kind) -> None:
    model = knowledge_model("f", ["n"], "n", attributes=f' kind="{kind}"')
    problem = problem_of(model, decision("x", "f(1)", knowledge=["f"]))
    assert (problem.kind, problem.decision) == (Kind.UNSUPPORTED, "f")
    assert kind in problem.message
    lenient = mlc.dmn.load(dmn(model, decision("x", "f(1)", knowledge=["f"])), strict=False)
    assert lenient.evaluate({}).result is None


def test_an_invocation_of_a_function_that_is_not_there_is_a_problem() -> None:
    box = f'<invocation>{literal("f")}<binding><parameter name="n"/>{literal("1")}</binding></invocation>'
    evaluation = evaluated(box)
    assert evaluation.result is None
    assert Kind.WRONG_TYPE in kinds(evaluation)


# -- types of expressions ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "type_ref", "result"),
    [
        ("5 + 5", "number", 10),
        ('"text"', "number", None),
        ("10", "tNumbers", [10]),
        ('"text"', "tNumbers", None),
        ("[10]", "number", 10),
        ('["text"]', "number", None),
        ("[1, 2]", "number", None),
        ("[[1]]", "number", None),
        ("null", "tNumbers", None),
        ('[1, "text"]', "tNumbers", None),
        ('{name: "Ada", age: 1, more: 2}', "tPerson", {"name": "Ada", "age": 1, "more": 2}),
        ('{name: "Ada", age: null}', "tPerson", {"name": "Ada", "age": None}),
        ('{name: "Ada"}', "tPerson", None),
        ('{name: 1, age: "x"}', "tPerson", None),
    ],
)
def test_a_value_is_coerced_to_the_type_of_its_decision_or_expression(text, type_ref, result) -> None:
    for evaluation in (evaluated(text, type_ref=type_ref), evaluated(literal(text, type_ref))):
        assert evaluation.result == result
        assert kinds(evaluation) == ([Kind.WRONG_TYPE] if result is None and text != "null" else [])


@pytest.mark.parametrize(
    ("type_ref", "argument", "result"),
    [("tPerson", '{name: "Ada", age: 1}', True), ("tPerson", '{name: "Ada"}', None), ("number", "[1]", True)],
)
def test_an_argument_that_does_not_conform_makes_the_call_null(type_ref, argument, result) -> None:
    evaluation = evaluated(f"f({argument})", knowledge_model("f", [("n", type_ref)], "n != null"))
    assert (evaluation.result, kinds(evaluation)) == (result, [] if result else [Kind.WRONG_TYPE])


@pytest.mark.parametrize("where", ["body", "function", "variable", "function type"])
def test_what_a_knowledge_model_answers_is_coerced_to_its_type(where) -> None:
    model = knowledge_model(
        "f",
        ["n"],
        literal("[n]", "number" if where == "body" else None),
        type_ref={"variable": "number", "function type": "tFunction"}.get(where),
        attributes=' typeRef="number"' if where == "function" else "",
    )
    kind = item("tFunction", '<functionItem outputTypeRef="number"><parameters name="n"/></functionItem>')
    assert evaluated("f(10)", kind, model).result == Decimal(10)
    evaluation = evaluated('f("text")', kind, model)
    assert (evaluation.result, kinds(evaluation)) == (None, [Kind.WRONG_TYPE])


def test_the_bindings_of_an_invocation_are_coerced_to_their_types() -> None:
    binding = f'<binding><parameter name="n" typeRef="number"/>{literal("[4]")}</binding>'
    box = f"<invocation>{literal('f')}{binding}</invocation>"
    assert evaluated(box, knowledge_model("f", ["n"], "n * n")).result == 16


# -- business knowledge models ------------------------------------------------------------


def test_a_knowledge_model_may_be_a_table_a_context_or_an_invocation() -> None:
    cells = "".join(
        f"<rule><inputEntry><text>{cell}</text></inputEntry><outputEntry><text>{out}</text></outputEntry></rule>"
        for cell, out in (("&lt; 10", '"low"'), ("-", '"high"'))
    )
    table = (
        '<decisionTable hitPolicy="FIRST"><input><inputExpression><text>n</text></inputExpression></input>'
        f'<output name="o"/>{cells}</decisionTable>'
    )
    context = f"<context>{entry('twice', 'n * 2')}{entry(None, 'g(twice)')}</context>"
    elements = (knowledge_model("f", ["n"], context, ["g"]), knowledge_model("g", ["n"], table))
    assert evaluated("[f(4), f(5)]", *elements).result == ["low", "high"]


def test_a_name_in_a_knowledge_model_that_nothing_declares_is_a_problem() -> None:
    problem = problem_of(knowledge_model("f", ["n"], "n + m"), decision("x", "1"))
    assert (problem.kind, problem.decision) == (Kind.REFERENCE, "f")
    assert '"m"' in problem.message


@pytest.mark.parametrize(
    "logic",
    [
        function(["n", "n"], "1", "functionDefinition"),
        f"<context>{entry('n', '1')}{entry('n', '2')}</context>",
        f"<invocation>{literal('x')}" + 2 * f'<binding><parameter name="n"/>{literal("1")}</binding>' + "</invocation>",
    ],
)
def test_a_name_that_is_given_twice_is_a_problem(logic) -> None:
    assert problem_of(decision("x", logic)).kind == Kind.DUPLICATE


def test_a_decision_without_logic_is_null_and_a_problem() -> None:
    evaluation = evaluated("", input_data("a"), a=1)
    assert (evaluation.result, kinds(evaluation)) == (None, [Kind.NO_LOGIC])
