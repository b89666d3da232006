"""Whole files that are meant to do harm: each ends within a second, with bounded memory, and says what is wrong.

tests/dmn/test_hostile_files.py has what stands in single cells.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from dmn_text import decision, dmn, input_data, item, knowledge_model, literal, service

import mlc.dmn
from mlc.dmn import DmnError, Kind

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    """Each takes a second at most; the bound is wide because machines are shared."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 20


def rules(row: str, columns: str = "", count: int = 0) -> bytes:
    """A table of as many rows as go into a file of the default size."""
    head = columns or "<input><inputExpression><text>a</text></inputExpression></input>"
    count = count or (MIB - 2_000) // len(row)
    return dmn(
        decision("x", f'<decisionTable hitPolicy="COLLECT">{head}<output name="o"/>{row * count}</decisionTable>')
    )


ROW = "<rule><inputEntry><text>{}</text></inputEntry><outputEntry><text>{}</text></outputEntry></rule>"


def kinds_of(data: bytes) -> set[Kind]:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(data)
    assert len(caught.value.problems) <= 1_001
    return {problem.kind for problem in caught.value.problems}


def evaluated(data: bytes, inputs: dict[str, object] | None = None, target: str = "x") -> mlc.dmn.Evaluation:
    return mlc.dmn.load(data).evaluate(inputs or {}, target)


def test_a_file_is_refused_by_its_size_before_it_is_parsed(tmp_path) -> None:
    data = b"<definitions>" + b" " * 50 * MIB
    path = tmp_path / "large.dmn"
    path.write_bytes(data)
    tracemalloc.start()
    for source in (path, str(path), data):
        with pytest.raises(DmnError, match="more than the 1,048,576 bytes"):
            mlc.dmn.load(source)
    assert tracemalloc.get_traced_memory()[1] < 3 * MIB
    tracemalloc.stop()


def test_the_largest_size_can_be_given() -> None:
    data = dmn(decision("x", "1"), "<!-- " + " " * 2 * MIB + " -->")
    with pytest.raises(DmnError):
        mlc.dmn.load(data)
    assert mlc.dmn.load(data, max_bytes=3 * MIB).evaluate({}).result == 1
    with pytest.raises(DmnError, match="more than the 100 bytes"):
        mlc.dmn.load(dmn(decision("x", "1")), max_bytes=100)


@pytest.mark.parametrize(
    "nest",
    [
        dmn,
        lambda body: dmn(decision("x", f"<literalExpression><text>{body}</text></literalExpression>")),
        lambda body: dmn(f"<extensionElements>{body}</extensionElements>"),
        lambda body: body.encode(),
    ],
)
@pytest.mark.parametrize("tag", ["a", "context", "itemDefinition"])
def test_elements_that_are_nested_too_deep_are_refused(nest: Callable[[str], bytes], tag) -> None:
    count = 500_000 // (2 * len(tag) + 5)
    assert kinds_of(nest(f"<{tag}>" * count + f"</{tag}>" * count)) == {Kind.HOSTILE}


def test_components_and_boxes_that_are_nested_too_deep_are_refused() -> None:
    component = '<itemComponent name="c">' * 60 + "</itemComponent>" * 60
    boxes = "<list>" * 60 + "</list>" * 60
    for data in (
        dmn(f'<itemDefinition name="t">{component}</itemDefinition>', decision("x", "1")),
        dmn(decision("x", boxes)),
    ):
        assert kinds_of(data) == {Kind.HOSTILE}


# -- rows and columns without number ------------------------------------------------------------


def test_a_file_full_of_rules_loads_and_evaluates() -> None:
    evaluation = evaluated(rules(ROW.format("1", "1")), {"a": 1})
    assert len(evaluation.result) > 10_000


def test_a_file_full_of_rules_without_cells_lists_a_thousand_problems() -> None:
    assert kinds_of(rules("<rule/>")) == {Kind.STRUCTURE}


def test_a_file_full_of_cells_that_do_not_parse_lists_a_thousand_problems() -> None:
    assert Kind.SYNTAX in kinds_of(rules(ROW.format("x + x + x", "[1, 2,")))


def test_a_file_full_of_columns_loads() -> None:
    column = "<input><inputExpression><text>a</text></inputExpression></input>"
    assert evaluated(rules("", column * 14_000, 1), {"a": 1}).result == []


def test_expressions_have_a_length_taken_together() -> None:
    body = (decision(f"x{number}", "1+" * 9_000 + "1") for number in range(50))
    assert kinds_of(dmn(*body)) == {Kind.HOSTILE}


# -- recursion without end ------------------------------------------------------------


@pytest.mark.parametrize("span", [1, 70])
def test_a_thicket_of_circles_of_decisions_is_reported(span) -> None:
    body = (
        decision(f"d{n}", "1", decisions=[f"d{(n + step) % 100}" for step in range(1, span + 1)]) for n in range(100)
    )
    assert kinds_of(dmn(*body)) == {Kind.CYCLE}


def test_a_circle_of_thousands_of_decisions_is_reported_in_a_few_words() -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(dmn(*(decision(f"d{n}", "1", decisions=[f"d{(n + 1) % 3_000}"]) for n in range(3_000))))
    (problem,) = caught.value.problems
    assert problem.kind == Kind.CYCLE
    assert len(problem.message) < 250


def test_a_chain_of_thousands_of_decisions_reaches_a_limit() -> None:
    links = (decision(f"d{n}", f"d{n - 1}", decisions=[f"d{n - 1}"]) for n in range(1, 3_000))
    evaluation = evaluated(dmn(decision("d0", "1"), *links), target="d2999")
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])


def test_a_decision_that_many_ways_lead_to_is_evaluated_once() -> None:
    layers = (
        decision(f"d{n}", f"d{n - 1} + d{max(n - 2, 0)}", decisions=[f"d{n - 1}", f"d{max(n - 2, 0)}"])
        for n in range(2, 100)
    )
    assert evaluated(dmn(decision("d0", "1"), decision("d1", "1"), *layers), target="d99").problems == []


@pytest.mark.parametrize("logic", ["f(n)", "f(n) + f(n)", "[f(n + 1), f(n + 2)]", "for i in 1..9 return f(i)"])
def test_a_knowledge_model_that_calls_itself_without_end_reaches_a_limit(logic) -> None:
    data = dmn(knowledge_model("f", ["n"], logic, ["f"]), decision("x", "f(1)", knowledge=["f"]))
    evaluation = evaluated(data)
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])


def test_a_boxed_invocation_that_calls_itself_reaches_a_limit() -> None:
    box = f"<invocation>{literal('f')}<binding><parameter name='n'/>{literal('n')}</binding></invocation>"
    evaluation = evaluated(dmn(knowledge_model("f", ["n"], box), decision("x", "f(1)", knowledge=["f"])))
    assert [problem.kind for problem in evaluation.problems] == [Kind.LIMIT]


def test_services_and_decisions_that_call_each_other_without_end_reach_a_limit() -> None:
    count = 400
    body = (
        element
        for n in range(count)
        for element in (
            decision(f"d{n}", f"[s{(n + 1) % count}(), s{(n + 1) % count}()]", knowledge=[f"s{(n + 1) % count}"]),
            service(f"s{n}", [f"d{n}"]),
        )
    )
    evaluation = evaluated(dmn(*body), target="s0")
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])


# -- types ------------------------------------------------------------


def test_a_chain_of_thousands_of_types_is_refused_or_read() -> None:
    backwards = (item(f"t{n}", f"t{n + 1}") for n in range(5_000))
    assert kinds_of(dmn(*backwards, decision("x", "1"))) == {Kind.HOSTILE}
    forwards = (item(f"t{n}", f"t{n - 1}" if n else "number") for n in range(5_000))
    data = dmn(*forwards, input_data("a", "t4999"), decision("x", "a", ["a"]))
    assert evaluated(data, {"a": 1}).result == 1


def test_a_chain_of_thousands_of_restricted_types_reaches_a_limit() -> None:
    allowed = "<allowedValues><text>1</text></allowedValues>"
    chain = (item(f"t{n}", f"<typeRef>{f't{n - 1}' if n else 'number'}</typeRef>{allowed}") for n in range(5_000))
    evaluation = evaluated(dmn(*chain, input_data("a", "t4999"), decision("x", "a", ["a"])), {"a": 1})
    assert [problem.kind for problem in evaluation.problems] == [Kind.LIMIT]


def test_a_value_that_is_as_deep_as_its_type_goes_is_read_or_refused() -> None:
    tree = item("t", item("c", "t", "itemComponent"))
    model = mlc.dmn.load(dmn(tree, input_data("a", "t"), decision("x", "a", ["a"])))
    value: dict[str, object] | None = None
    for _ in range(45):
        value = {"c": value}
    assert model.evaluate({"a": value}).problems == []
    for _ in range(45):
        value = {"c": value}
    assert [problem.kind for problem in model.evaluate({"a": value}).problems] == [Kind.LIMIT]


# -- names ------------------------------------------------------------


def test_thousands_of_inputs_and_parameters_are_read() -> None:
    names = [f"i{n}" for n in range(4_000)]
    mlc.dmn.load(dmn(*map(input_data, names), decision("x", "1", names)))
    mlc.dmn.load(dmn(knowledge_model("f", names * 4, "1")), strict=False)


def test_names_that_begin_alike_do_not_make_an_expression_slow() -> None:
    names = ["+".join("a" * length) + "+b" for length in range(1, 29)]
    data = dmn(*map(input_data, names), decision("x", "a+" * 4_900 + "a", names))
    assert mlc.dmn.load(data).inputs
