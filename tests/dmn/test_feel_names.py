"""Names as the grammar has them (DMN 1.5, 10.3.1.2, rules 27 to 30), and unary tests as values."""

from __future__ import annotations

from dmn_text import decision, dmn, input_data, knowledge_model
from feel_rows import answer, check, rows

import mlc.dmn


@rows("""
    {?foo: 5, r: ?foo < 10}.r => true
    {? foo: 5, ? bar: 10, r: ? foo < ? bar}.r => true
    {foo?: 5, r: foo? < 10}.r => true
    {foo ?: 5, r: foo ? < 10}.r => true
    {foo?bar: 5, r: foo?bar + 1}.r => 6
    {?5: 1, ??: 2, r: ?5 + ??}.r => 3
    {?x: {?y: 3}}.?x.?y => 3
    for ?i in [1, 2] return ?i * 2 => [2, 4]
    (function(?a, ? b) ?a - ? b)(3, 1) => 2
    (function(person's age) person's age < 18)(16) => true
    (function(person's age) person's age < 18)(person's age: 16) => true
    {minor: function(person's age) person's age < 18, r: minor(person's age: 20)}.r => false
    (function(a-b, c/d, e.f, g*h, i+j) a-b + c/d + e.f + g*h + i+j)(1, 2, 3, 4, 5) => 15
    (function(a-b) a-b)(a-b: 7) => 7
    (function(profit and loss) profit and loss)(profit and loss: 7) => 7
    (function(année, größe 2) année + größe 2)(année: 1, größe 2: 2) => 3
    for person's age in [1, 2] return person's age + 1 => [2, 3]
    some a b in [1, 2] satisfies a b = 2 => true
    for date and time in [1] return date and time => [1]
    {a /* in between */ b: 1, r: a b}.r => 1
""")
def test_names_hold_what_the_grammar_says(expression, wanted) -> None:
    check(expression, wanted)


def test_a_question_mark_alone_is_the_value_under_test_still() -> None:
    table = (
        '<decisionTable hitPolicy="COLLECT"><input><inputExpression><text>n</text></inputExpression></input>'
        '<output name="o"/>{}</decisionTable>'
    )
    cells = ["? > 1", "?>1", "not(?=1)", "? in [2..3]", "?*?=4", "[?,5][1]=2"]
    rule = "<rule><inputEntry><text>{}</text></inputEntry><outputEntry><text>true</text></outputEntry></rule>"
    body = "".join(rule.format(cell.replace("<", "&lt;")) for cell in cells)
    evaluation = mlc.dmn.load(dmn(decision("x", table.format(body)))).evaluate({"n": 2})
    assert len(evaluation.matched_rules) == len(cells)
    assert evaluation.problems == []


def test_inputs_that_nothing_declares_may_have_question_marks_in_their_names() -> None:
    evaluation = mlc.dmn.load(dmn(decision("x", "valid? and a?b = 1 and ?c"))).evaluate(
        {"valid?": True, "a?b": 1, "?c": True}
    )
    assert (evaluation.result, evaluation.problems) == (True, [])


def test_declared_names_may_have_apostrophes_and_begin_with_a_question_mark() -> None:
    income, sure = input_data("Applicant's income", "number"), input_data("? sure", "boolean")
    function = knowledge_model("Twice", ["person's income"], "2 * person's income")
    box = "if ? sure then Twice(person's income: Applicant's income) else 0"
    asked = decision("x", box, ["Applicant's income", "? sure"], knowledge=["Twice"])
    evaluation = mlc.dmn.load(dmn(income, sure, function, asked)).evaluate(
        {"Applicant's income": 5, "? sure": True}, "x"
    )
    assert (evaluation.result, evaluation.problems) == (10, [])


@rows("""
    10 in (!=10) => false
    {t: (!=10), r: [10 in t, 11 in t, "a" in t, null in t]}.r => [false, true, null, true]
    (!=10).start => 10
    (!=10).end => 10
    (!=10).start included => false
    (!=10).end included => false
    (!=10) instance of range<number> => true
    {t: (< 10), r: [5 in t, 10 in t]}.r => [true, false]
    [(<5), (!=5), (>=5)][4 in item] => [(<5), (!=5)]
    string((!=5)) => "(!= 5)"
    {test: > 18, r: 20 in (test)}.r => true
    {x: 10, test: != x, r: [x in test, 11 in test]}.r => [false, true]
    {minor: < 18, r: [minor(16), minor(18)]}.r => [true, false]
""")
def test_a_unary_test_in_brackets_is_a_value(expression, wanted) -> None:
    check(expression, wanted)


def test_what_is_all_but_one_value_has_no_ends_to_go_over_or_to_compare() -> None:
    assert answer("for i in (!=10) return i")[0] is None
    value, problems = answer("before((!=10), 5)")
    assert (value, problems) == (None, ["(!= 10) has no ends that could be compared"])


def test_a_comparison_without_its_left_side_is_no_whole_expression() -> None:
    """As an output or a literal expression it is a mistake; only an entry of a context or brackets make it a value."""
    for text in ("> 5", "1 + > 5", "[> 5]", "if > 5 then 1 else 2"):
        model = mlc.dmn.load(dmn(decision("x", text)), strict=False)
        assert [problem.kind for problem in model.problems] == [mlc.dmn.Kind.SYNTAX]


def test_an_argument_that_is_left_out_is_null_and_a_problem() -> None:
    """Named arguments may be fewer than the parameters; which are lacking is said."""
    value, problems = answer("(function(a, b) [a, b])(b: 1)")
    assert (value, problems) == ([None, 1], ['the function is not given "a"'])
    value, problems = answer("(function(a, b) [a, b])(b: 1, c: 2)")
    assert (value, problems) == (None, ["the function takes (a, b), not (b, c)"])
