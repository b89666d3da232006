"""What is said of a call with too few or too many arguments."""

from __future__ import annotations

import pytest
from dmn_text import decision, dmn, service
from feel_rows import answer

import mlc.dmn
from mlc.dmn.feel.builtins import BUILTINS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date and time(1, 2, 3)", "date and time() takes 1 or 2 arguments, not 3"),
        ("date and time()", "date and time() takes 1 or 2 arguments, not 0"),
        ("date(1, 2)", "date() takes 1 or 3 arguments, not 2"),
        ("time(1, 2)", "time() takes 1, 3 or 4 arguments, not 2"),
        ("string length()", "string length() takes 1 argument, not 0"),
        ("today(1)", "today() takes no arguments, not 1"),
        ("number()", "number() takes 1, 2 or 3 arguments, not 0"),
        ("min()", "min() takes 1 or more arguments, not 0"),
        ("append()", "append() takes 2 or more arguments, not 0"),
        ("concatenate()", "concatenate() takes 1 or more arguments, not 0"),
        ("(function(a) a)()", "the function takes 1 argument, not 0"),
        ("{f: function() 1, r: f(2)}.r", "the function takes no arguments, not 1"),
        ("(function(a, b) a)(1)", "the function takes 2 arguments, not 1"),
        # The right number of arguments, of a wrong type: then it is the type that is spoken of.
        ('date and time("2026-07-31", 5)', "date and time(): time must be time, not number"),
        ('date("2026", 1, 1)', "date(): year must be number, not string"),
        ("date and time(day: 1)", "date and time() takes (from) or (date, time), not (day)"),
        ("string length(text: 1)", "string length() takes (string), not (text)"),
    ],
)
def test_the_message_has_every_number_of_arguments_that_fits(text, message) -> None:
    value, problems = answer(text)
    assert (value, problems) == (None, [message])


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_no_builtin_says_a_number_to_the_same_number(name) -> None:
    problems = [problem for count in (0, 7, 9) for problem in answer(f"{name}({', '.join(['null'] * count)})")[1]]
    told = [problem for problem in problems if " takes " in problem]
    assert told
    for problem in told:
        wanted = problem.partition(" takes ")[2].partition(" argument")[0]
        assert " to " not in wanted
        assert problem.split(", not ")[0].endswith("argument") is (wanted == "1")


def test_a_service_says_it_in_the_same_way() -> None:
    model = mlc.dmn.load(dmn(decision("Sum", "1"), service("S", ["Sum"]), decision("x", "S(1)", knowledge=["S"])))
    evaluation = model.evaluate({}, "x")
    assert [problem.message for problem in evaluation.problems] == ["the decision service S takes no arguments, not 1"]
