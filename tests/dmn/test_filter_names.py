"""Names of components without a qualifier in a filter (DMN 1.5, 10.3.2.5), wherever the list comes from."""

from __future__ import annotations

from typing import Any

import pytest
from dmn_text import decision, dmn, input_data, item, knowledge_model, literal

import mlc.dmn

RATINGS = [{"Customer Rating": 5, "Agency-Name": "A"}, {"Customer Rating": 3, "Agency-Name": "B"}]
LITERAL = '[{Customer Rating: 5, Agency-Name: "A"}, {Customer Rating: 3, Agency-Name: "B"}]'
TYPES = item(
    "tRating",
    item("Customer Rating", "number", "itemComponent") + item("Agency-Name", "string", "itemComponent"),
) + item("tRatings", "tRating", attributes=' isCollection="true"')
RELATION = (
    '<relation><column name="Customer Rating"/><column name="Agency-Name"/>'
    + "".join(f"<row>{literal(rating)}{literal(name)}</row>" for rating, name in (("5", '"A"'), ("3", '"B"')))
    + "</relation>"
)
ENTRIES = "".join(
    f'<contextEntry><variable name="{name}"/>{literal(value)}</contextEntry>'
    for name, value in (("Customer Rating", "5"), ("Agency-Name", '"A"'))
)


def answer(*elements: str, **inputs: Any) -> Any:
    evaluation = mlc.dmn.load(dmn(*elements)).evaluate(inputs, "x")
    assert evaluation.problems == []
    return evaluation.result


SOURCES = {
    "typed input data": (TYPES, input_data("Ratings", "tRatings")),
    "untyped input data": (input_data("Ratings"),),
    "a literal of another decision": (decision("Ratings", LITERAL),),
    "a relation of another decision": (decision("Ratings", RELATION),),
    "a boxed context": (decision("Ratings", f"<list><context>{ENTRIES}</context></list>"),),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "condition",
    ["Customer Rating > 4", "item.Customer Rating > 4", "Customer  Rating=5 and 1 = 1", "Customer Rating in [4..6]"],
)
def test_a_name_with_spaces_is_the_items_wherever_the_list_comes_from(source, condition) -> None:
    elements = SOURCES[source]
    given = {} if "<decision " in elements[0] else {"Ratings": RATINGS}
    needs = {"decisions": ["Ratings"]} if "<decision " in elements[0] else {"inputs": ["Ratings"]}
    assert answer(*elements, decision("x", f"count(Ratings[{condition}])", **needs), **given) == 1


@pytest.mark.parametrize("source", list(SOURCES)[:1] + list(SOURCES)[2:])
def test_a_name_with_an_operator_is_the_items_where_the_file_declares_it(source) -> None:
    elements = SOURCES[source]
    given = {} if "<decision " in elements[0] else {"Ratings": RATINGS}
    needs = {"decisions": ["Ratings"]} if "<decision " in elements[0] else {"inputs": ["Ratings"]}
    box = 'Ratings[Agency-Name = "A"].Customer Rating'
    assert answer(*elements, decision("x", box, **needs), **given) == [5]


@pytest.mark.parametrize("type_ref", ["tRatings", None])
def test_the_list_may_be_a_functions_parameter(type_ref) -> None:
    parameter = ("rs", type_ref) if type_ref else "rs"
    function = knowledge_model("good", [parameter], "count(rs[Customer Rating > 4])")
    caller = decision("x", "good(Ratings)", ["Ratings"], knowledge=["good"])
    assert answer(TYPES, input_data("Ratings"), function, caller, Ratings=RATINGS) == 1
    inside = decision("x", f"{{f: function(rs) rs[Customer Rating > 4], r: f({LITERAL})}}.r[1].Agency-Name")
    assert answer(inside) == "A"


def test_filters_in_filters_and_loops_over_filtered_lists_know_the_names_too() -> None:
    nested = "[{Name: 1, My Orders: [{Order Total: 5}]}, {Name: 2, My Orders: [{Order Total: 1}]}]"
    assert answer(decision("x", f"{nested}[count(My Orders[Order Total > 3]) = 1].Name")) == [1]
    loop = "for r in Ratings[Customer Rating > 1] return if r.Customer Rating > 4 then r.Agency-Name else null"
    typed = (TYPES, input_data("Ratings", "tRatings"))
    assert answer(*typed, decision("x", loop, ["Ratings"]), Ratings=RATINGS) == ["A", None]
    some = "some r in Ratings satisfies r.Customer Rating > 4"
    assert answer(decision("x", some), Ratings=RATINGS) is True


def test_names_in_scope_stay_what_they_are_beside_the_items() -> None:
    limit = input_data("Rating Limit", "number")
    box = decision("x", "count(Ratings[Customer Rating > Rating Limit])", ["Ratings", "Rating Limit"])
    inputs = {"Ratings": RATINGS, "Rating Limit": 4}
    assert answer(TYPES, input_data("Ratings", "tRatings"), limit, box, **inputs) == 1


def test_a_boxed_filter_reads_its_condition_in_the_same_way() -> None:
    box = f"<filter><in>{literal('Ratings')}</in><match>{literal('Customer Rating > 4')}</match></filter>"
    assert answer(input_data("Ratings"), decision("x", box, ["Ratings"]), Ratings=RATINGS) == RATINGS[:1]


def test_an_item_without_a_member_a_minus_b_is_asked_for_the_difference() -> None:
    """Another decision of the file has a key "a-b"; which of the two is meant, only the item tells."""
    other = decision("Other", "[{a-b: 1}]")
    lists = "[{a: 5, b: 3}, {a: 9, b: 1}]"
    assert answer(other, decision("x", f"{lists}[a-b > 4].a")) == [9]
    assert answer(other, decision("x", "Other[a-b > 0]", decisions=["Other"])) == [{"a-b": 1}]
    assert answer(other, decision("x", "{a: 3, b: 1, c: a-b}.c")) == 2


def test_a_name_that_no_item_has_is_a_problem() -> None:
    evaluation = mlc.dmn.load(dmn(decision("x", "[1, 2][Customer Rating > 1]"))).evaluate({})
    assert [problem.message for problem in evaluation.problems] == ['nothing is called "Customer Rating" here']


def test_filters_that_can_be_read_in_two_ways_are_read_in_bounded_time() -> None:
    deep = "l" + "[count(l" * 20 + "[a-b > 0]" + ") > 0]" * 20
    wide = " + ".join(["count(l[a-b > 0])"] * 900)
    for text in (deep, wide):
        model = mlc.dmn.load(dmn(decision("Other", "{a-b: 1}"), decision("x", text)))
        assert model.evaluate({"l": [{"a-b": 1}]}, "x").result is not None
