"""`load(when_asked=True)`: what is wrong with a decision is raised when it is asked for, itself or through another."""

from __future__ import annotations

import pytest
from dmn_text import decision, dmn, imported, input_data, item, knowledge_model, service

import mlc.dmn
from mlc.dmn import DmnError, Kind

GOOD, BAD = decision("Good", "1 + 1"), decision("Bad", "1 +")


def refused(model: mlc.dmn.DecisionModel, target: str, **inputs: object) -> list[tuple[Kind, str | None]]:
    with pytest.raises(DmnError) as caught:
        model.evaluate(inputs, target)
    return [(problem.kind, problem.decision) for problem in caught.value.problems]


def test_a_bad_decision_that_nobody_asks_for_does_not_refuse_the_file() -> None:
    with pytest.raises(DmnError):
        mlc.dmn.load(dmn(GOOD, BAD))
    model = mlc.dmn.load(dmn(GOOD, BAD), when_asked=True)
    assert model.evaluate({}, "Good").result == 2
    assert refused(model, "Bad") == [(Kind.SYNTAX, "Bad")]
    assert refused(model, "_Bad") == [(Kind.SYNTAX, "Bad")]
    assert [problem.decision for problem in model.problems] == ["Bad"]


def test_a_decision_that_needs_a_bad_one_is_refused_with_it_through_however_many_others() -> None:
    chain = [decision("One", "Bad", decisions=["Bad"]), decision("Two", "One + Good", decisions=["One", "Good"])]
    model = mlc.dmn.load(dmn(GOOD, BAD, *chain, decision("Free", "Good", decisions=["Good"])), when_asked=True)
    assert refused(model, "Two") == [(Kind.SYNTAX, "Bad")]
    assert model.evaluate({}, "Free").result == 2


def test_all_problems_of_what_is_asked_for_are_told_and_no_others() -> None:
    worse = decision("Worse", "Bad ++ 1", decisions=["Bad"])
    other = decision("Other", "(")
    model = mlc.dmn.load(dmn(BAD, worse, other), when_asked=True)
    assert sorted(refused(model, "Worse")) == [(Kind.SYNTAX, "Bad"), (Kind.SYNTAX, "Worse")]


def test_knowledge_models_and_services_that_are_called_count() -> None:
    broken = knowledge_model("Broken", ["n"], "n +")
    through = knowledge_model("Through", ["n"], "Broken(n)", ["Broken"])
    elements = (
        *(GOOD, BAD, broken, through),
        decision("Calls", "Through(1)", knowledge=["Through"]),
        service("Served", ["Bad"]),
        service("Around", ["Good"], encapsulated=["Bad"]),
        service("Given", ["Good"], [], ["Bad"]),
        decision("Asks", "Served()", knowledge=["Served"]),
    )
    model = mlc.dmn.load(dmn(*elements), when_asked=True)
    assert refused(model, "Calls") == [(Kind.SYNTAX, "Broken")]
    assert refused(model, "Through", n=1) == [(Kind.SYNTAX, "Broken")]
    assert refused(model, "Broken", n=1) == [(Kind.SYNTAX, "Broken")]
    for target in ("Served", "Around", "Asks"):
        assert refused(model, target) == [(Kind.SYNTAX, "Bad")]
    assert model.evaluate({"Bad": 1}, "Given").result == 2


def test_a_bad_cell_a_lost_reference_and_a_circle_are_problems_of_their_decisions() -> None:
    cells = (
        '<decisionTable><input><inputExpression><text>n</text></inputExpression></input><output name="o"/><rule>'
        "<inputEntry><text>0.7 -</text></inputEntry><outputEntry><text>1</text></outputEntry></rule></decisionTable>"
    )
    ring = [decision("A", "B", decisions=["B"]), decision("B", "A", decisions=["A"])]
    lost = decision("Lost", "1", decisions=["Nowhere"])
    model = mlc.dmn.load(dmn(GOOD, decision("Cells", cells), lost, *ring), when_asked=True)
    assert model.evaluate({}, "Good").result == 2
    assert refused(model, "Cells", n=1) == [(Kind.SYNTAX, "Cells")]
    assert refused(model, "Lost") == [(Kind.REFERENCE, "Lost")]
    assert {kind for target in "AB" for kind, _ in refused(model, target)} == {Kind.CYCLE}


@pytest.mark.parametrize(
    "wrong",
    [
        item("tBad", "tNone"),
        item("tBad", "<typeRef>number</typeRef><allowedValues><text>1 +</text></allowedValues>"),
        imported("urn:nowhere", "n"),
        input_data("n", "tNone"),
        GOOD,
    ],
)
def test_what_is_wrong_with_the_file_as_a_whole_refuses_it_still(wrong) -> None:
    with pytest.raises(DmnError):
        mlc.dmn.load(dmn(GOOD, wrong), when_asked=True)


def test_a_bad_decision_of_an_imported_file_is_its_own() -> None:
    other = dmn(BAD, decision("Fine", "5"), namespace="urn:other")
    main = dmn(
        imported("urn:other", "o"),
        decision("Bad", "1"),
        decision("Uses", "o.Bad", decisions=["urn:other#Bad"]),
        decision("Free", "o.Fine", decisions=["urn:other#Fine"]),
    )
    model = mlc.dmn.load(main, name="main.dmn", imports={"urn:other": other}, when_asked=True)
    assert model.evaluate({}, "Free").result == 5
    assert model.evaluate({}, "Bad").result == 1
    assert refused(model, "Uses") == [(Kind.SYNTAX, "Bad")]


def test_without_strict_nothing_is_raised_as_before() -> None:
    model = mlc.dmn.load(dmn(GOOD, BAD), strict=False, when_asked=True)
    assert model.evaluate({}, "Bad").result is None


def test_a_long_chain_of_decisions_is_looked_through_quickly() -> None:
    import time

    chain = [decision("d0", "1"), *(decision(f"d{n}", f"d{n - 1}", decisions=[f"d{n - 1}"]) for n in range(1, 2000))]
    model = mlc.dmn.load(dmn(BAD, *chain), when_asked=True)
    began = time.thread_time()
    assert model.evaluate({}, "d1").result == 1
    assert time.thread_time() - began < 2
