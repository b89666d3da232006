"""Decision services: called from FEEL and by invocation, passed as values, evaluated by name (DMN 1.5, 6.3.10)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from dmn_text import decision, dmn, input_data, item, knowledge_model, literal, service

import mlc.dmn
from mlc.dmn import DmnError, Kind

GRADE = (
    input_data("score", "number"),
    decision("Bonus", "1", type_ref="number"),
    decision("Sum", "score + Bonus", ["score"], ["Bonus"], type_ref="number"),
    decision("Twice", "2 * Sum", decisions=["Sum"]),
)
TOTAL = service("Total", ["Sum"], ["score"], ["Bonus"])


def kinds(evaluation: mlc.dmn.Evaluation) -> list[Kind]:
    return [problem.kind for problem in evaluation.problems]


def result_of(*elements: str, decision: str = "x", **inputs: object) -> mlc.dmn.Evaluation:
    return mlc.dmn.load(dmn(*elements)).evaluate(inputs, decision)


@pytest.mark.parametrize("call", ["Total(5, 10)", "Total(score: 5, Bonus: 10)", "Total(Bonus: 10, score: 5)"])
def test_a_service_is_called_with_its_input_data_first_and_then_its_input_decisions_or_by_name(call) -> None:
    evaluation = result_of(*GRADE, TOTAL, decision("x", call, knowledge=["Total"]))
    assert (evaluation.result, evaluation.problems) == (15, [])


def test_a_service_is_called_by_a_boxed_invocation() -> None:
    arguments = "".join(
        f'<binding><parameter name="{name}"/>{literal(value)}</binding>'
        for name, value in (("score", "5"), ("Bonus", "2"))
    )
    box = f"<invocation>{literal('Total')}{arguments}</invocation>"
    assert result_of(*GRADE, TOTAL, decision("x", box, knowledge=["Total"])).result == 7


def test_a_service_replaces_its_input_decisions_inside_and_not_outside() -> None:
    box = "[Total(5, 10), Sum, Total(1, 2), Sum]"
    evaluation = result_of(*GRADE, TOTAL, decision("x", box, decisions=["Sum"], knowledge=["Total"]), score=100)
    assert evaluation.result == [15, 101, 3, 101]


def test_a_service_is_evaluated_by_its_name_with_decisions_among_the_inputs() -> None:
    model = mlc.dmn.load(dmn(*GRADE, TOTAL))
    assert model.services == ["Total"]
    assert model.evaluate({"score": 5, "Bonus": 10}, "Total").result == 15
    evaluation = model.evaluate({"score": 5}, "Total")
    assert (evaluation.result, kinds(evaluation)[0]) == (None, Kind.MISSING_INPUT)
    assert evaluation.problems[0].input == "Bonus"
    evaluation = model.evaluate({"score": "five", "Bonus": 1}, "Total")
    assert (evaluation.result, kinds(evaluation)[0]) == (None, Kind.WRONG_TYPE)


def test_a_service_with_several_output_decisions_answers_a_context() -> None:
    both = service("Both", ["Sum", "Twice"], ["score"], ["Bonus"])
    model = mlc.dmn.load(dmn(*GRADE, both, decision("x", "Both(1, 1).Twice", knowledge=["Both"])))
    assert model.evaluate({"score": 1, "Bonus": 2}, "Both").result == {"Sum": 3, "Twice": 6}
    assert model.evaluate({}, "x").result == 4


def test_a_service_evaluates_its_encapsulated_decisions() -> None:
    inside = service("Inside", ["Twice"], ["score"], ["Bonus"], encapsulated=["Sum"])
    assert result_of(*GRADE, inside, decision("x", "Inside(3, 4)", knowledge=["Inside"])).result == 14


def test_nothing_but_the_arguments_gets_into_a_service() -> None:
    without = service("Without", ["Sum"], [], ["Bonus"])
    evaluation = result_of(*GRADE, without, decision("x", "Without(1)", knowledge=["Without"]), score=5)
    assert (evaluation.result, kinds(evaluation)[0]) == (None, Kind.MISSING_INPUT)


@pytest.mark.parametrize(
    "call", ["Total()", "Total(1)", "Total(1, 2, 3)", "Total(points: 1, Bonus: 2)", 'Total("a", 1)']
)
def test_a_call_that_does_not_fit_is_null_and_a_problem(call) -> None:
    evaluation = result_of(*GRADE, TOTAL, decision("x", call, knowledge=["Total"]))
    assert evaluation.result is None
    assert kinds(evaluation)


def test_arguments_and_results_are_coerced_to_their_types() -> None:
    assert result_of(*GRADE, TOTAL, decision("x", "Total([5], 10)", knowledge=["Total"])).result == 15
    text = item("tText", '<functionItem outputTypeRef="string"/>')
    wrong = service("Total", ["Sum"], ["score"], ["Bonus"], type_ref="tText")
    evaluation = result_of(text, *GRADE, wrong, decision("x", "Total(5, 10)", knowledge=["Total"]))
    assert (evaluation.result, kinds(evaluation)) == (None, [Kind.WRONG_TYPE])


def test_a_service_is_a_value_that_can_be_passed_on() -> None:
    sums = knowledge_model("Apply", ["f"], "f(1, 2)")
    box = decision("x", "Apply(Total)", knowledge=["Apply", "Total"])
    assert result_of(*GRADE, TOTAL, sums, box).result == 3


def test_a_knowledge_model_can_require_a_service() -> None:
    model = knowledge_model("Plus", ["n"], "Total(n, 1)", ["Total"])
    assert result_of(*GRADE, TOTAL, model, decision("x", "Plus(4)", knowledge=["Plus"])).result == 5


def test_a_service_can_require_another_one_through_its_decision() -> None:
    outer = decision("Outer", "Total(score, 1) * 10", ["score"], knowledge=["Total"])
    ring = service("Ring", ["Outer"], ["score"])
    assert result_of(*GRADE, TOTAL, outer, ring, decision("x", "Ring(4)", knowledge=["Ring"])).result == 50


def test_decisions_of_a_service_that_is_called_are_not_on_top() -> None:
    model = mlc.dmn.load(dmn(*GRADE, TOTAL, decision("x", "Total(1, 2)", knowledge=["Total"])))
    assert model.top_decisions == ["Twice", "x"]


def test_a_service_that_calls_itself_reaches_a_limit() -> None:
    loop = decision("x", "Loop(n)", ["n"], knowledge=["Loop"])
    model = mlc.dmn.load(dmn(input_data("n"), loop, service("Loop", ["x"], ["n"])))
    for target in ("x", "Loop"):
        evaluation = model.evaluate({"n": 1}, target)
        assert (evaluation.result, kinds(evaluation)) == (None, [Kind.LIMIT])


def test_services_that_call_each_other_without_end_reach_a_limit() -> None:
    body = (
        input_data("n"),
        decision("one", "[Two(n), Two(n)]", ["n"], knowledge=["Two"]),
        decision("two", "[One(n), One(n)]", ["n"], knowledge=["One"]),
        service("One", ["one"], ["n"]),
        service("Two", ["two"], ["n"]),
    )
    evaluation = mlc.dmn.load(dmn(*body)).evaluate({"n": 1}, "one")
    assert (evaluation.result, kinds(evaluation)) == (None, [Kind.LIMIT])


def test_recursion_with_an_end_ends() -> None:
    logic = "if n = 0 then 1 else n * Factorial(n - 1)"
    body = (input_data("n"), decision("x", logic, ["n"], knowledge=["Factorial"]), service("Factorial", ["x"], ["n"]))
    assert mlc.dmn.load(dmn(*body)).evaluate({"n": 8}, "Factorial").result == Decimal(40_320)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (service("S", ["elsewhere"]), Kind.REFERENCE),
        (service("S", ["Sum"], ["elsewhere"]), Kind.REFERENCE),
        (service("S", ["Sum"], [], ["elsewhere"]), Kind.REFERENCE),
        (service("S", ["Sum"], encapsulated=["elsewhere"]), Kind.REFERENCE),
        (service("S", ["Sum"], type_ref="tNone"), Kind.UNKNOWN_TYPE),
    ],
)
def test_a_service_that_does_not_hold_together_is_a_problem_with_its_place(broken, kind) -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(dmn(*GRADE, broken), name="s.dmn")
    (problem,) = caught.value.problems
    assert (problem.kind, problem.place) == (kind, mlc.dmn.Place("s.dmn", "S"))


def test_a_knowledge_model_is_evaluated_by_its_name() -> None:
    model = mlc.dmn.load(dmn(knowledge_model("Add", ["a", ("b", "number")], "a + b")))
    assert model.functions == ["Add"]
    assert model.evaluate({"a": 1, "b": 2}, "Add").result == 3
    assert kinds(model.evaluate({"a": 1}, "Add"))[0] == Kind.MISSING_INPUT


def test_a_service_without_an_output_decision_loads_and_has_no_answer() -> None:
    """The output decisions are optional in the schema, and tools write services that have none yet."""
    empty = service("Later", [], ["score"], encapsulated=["Sum"])
    model = mlc.dmn.load(dmn(*GRADE, empty, decision("x", "Later(1)", knowledge=["Later"]), decision("y", "1 + 1")))
    assert model.evaluate({}, "y").result == 2
    for target, inputs in (("Later", {"score": 1}), ("x", {})):
        evaluation = model.evaluate(inputs, target)
        assert (evaluation.result, kinds(evaluation)) == (None, [Kind.NO_LOGIC])
        assert str(evaluation.problems[0]).endswith("the decision service has no output decision, so it has no answer")


def test_an_output_decision_that_is_not_there_is_refused_still() -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(dmn(*GRADE, service("Lost", ["Nowhere"], ["score"])))
    assert [problem.kind for problem in caught.value.problems] == [Kind.REFERENCE]
