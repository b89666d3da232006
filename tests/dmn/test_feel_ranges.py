"""Ranges: their values and properties, the functions of 10.3.4.9 (Table 78), and ranges from text."""

from __future__ import annotations

import pytest
from feel_rows import answer, check, rows


@rows(
    """
    before(1, 10) => true
    before(10, 1) => false
    before(1, [1..10]) => false
    before(1, (1..10]) => true
    before(1, [5..10]) => true
    before([1..10], 10) => false
    before([1..10), 10) => true
    before([1..10], [15..20]) => true
    before([1..10], [10..20]) => false
    before([1..10), [10..20]) => true
    before([1..10], (10..20]) => true
    after(10, 5) => true
    after(12, [1..10]) => true
    after(10, [1..10)) => true
    after([11..20], 12) => false
    after([11..20], 10) => true
    after((11..20], 11) => true
    after([11..20], [1..11)) => true
    meets([1..5], [5..10]) => true
    meets([1..5), [5..10]) => false
    meets([1..5], [6..10]) => false
    met by([5..10], [1..5]) => true
    met by((5..10], [1..5]) => false
    overlaps([1..5], [3..8]) => true
    overlaps([3..8], [1..5]) => true
    overlaps([1..5], [5..8]) => true
    overlaps([1..5], (5..8]) => false
    overlaps([1..5), [5..8]) => false
    overlaps([4..10], [1..5)) => true
    overlaps before([1..5], [3..8]) => true
    overlaps before([1..5], [6..8]) => false
    overlaps before([1..5], [5..8]) => true
    overlaps before([1..5), [1..5]) => false
    overlaps before([1..5], (1..5]) => true
    overlaps before([1..5], [1..5]) => false
    overlaps after([3..8], [1..5]) => true
    overlaps after([5..8], [1..5]) => true
    overlaps after((5..8], [1..5]) => false
    overlaps after((1..5], [1..5)) => true
    finishes(10, [1..10]) => true
    finishes(10, [1..10)) => false
    finishes([5..10], [1..10]) => true
    finishes([5..10), [1..10]) => false
    finishes((1..10], [1..10]) => true
    finished by([1..10], 10) => true
    finished by([1..10], [5..10]) => true
    includes([1..10], 5) => true
    includes((1..10], 1) => false
    includes([1..10], [1..10)) => true
    includes((1..10], [1..5]) => false
    during(5, [1..10]) => true
    during([1..10), [1..10]) => true
    starts(1, [1..10]) => true
    starts(1, (1..10]) => false
    starts([1..5], [1..10]) => true
    starts((1..5], [1..10]) => false
    started by([1..10], 1) => true
    started by([1..10], [1..5]) => true
    coincides(5, 5) => true
    coincides(3, 4) => false
    coincides([1..5], [1..5]) => true
    coincides((1..5), [1..5]) => false
    coincides([1..5], [2..6]) => false
    before(point: 1, range: [5..10]) => true
    before((< 5), 5) => true
    includes((>= 5), [7..9]) => true
    before(@"9999-12-31", @"10000-01-01") => true
    before(1, "a") => null
    before(1, null) => null
    coincides(true, true) => null
    meets(1, 2) => null
    """
)
def test_functions_of_ranges(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    range("[18..21)") => [18..21)
    range("[18..21[") => [18..21)
    range("]-2..-1]") => (-2..-1]
    range("(..2)") => (< 2)
    range("[2..)") => (>= 2)
    range("[\\"a\\"..\\"b..c\\"]") => ["a".."b..c"]
    range("[@\\"2020-01-01\\"..date(\\"2020-12-31\\")]") => [@"2020-01-01"..@"2020-12-31"]
    range("[duration(\\"P1D\\")..duration(\\"P2D\\")]") => [@"P1D"..@"P2D"]
    range("") => null
    range("[..]") => null
    range("(..)") => null
    range("[..2)") => null
    range("[2..1]") => null
    range("[1..\\"a\\"]") => null
    range("[1+1..3]") => null
    range("1..3") => null
    range(1) => null
    """
)
def test_ranges_from_text(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    [1..10).start => 1
    [1..10).end included => false
    (<= 10).start => null
    (<= 10).start included => false
    (<= 10).end included => true
    (= 0).start => 0
    [1..3] = [1..3] => true
    [1..3] = (1..3] => false
    5 in [1..5) => false
    5 in ]4..5] => true
    5 in (null..10] => null
    5 in [1..null] => null
    5 in [1.."a"] => null
    "b" in ["a".."c"] => true
    1 in [[2..4], [1..3]] => true
    [1, 2, 2] in [[1, 2, 3]] => false
    @"2020-01-05" in [@"2020-01-01"..@"2020-01-31"] => true
    [1..3] instance of range<number> => true
    [1..3] instance of range<string> => false
    for i in [1..3] return i => [1, 2, 3]
    for i in (1..3] return i => [2, 3]
    for d in @"2020-02-28"..@"2020-03-01" return d.day => [28, 29, 1]
    for i in 3..1 return i => [3, 2, 1]
    """
)
def test_ranges_as_values(expression, wanted) -> None:
    check(expression, wanted)


@pytest.mark.parametrize("text", ["[null..1]", '[1.."a"]', "[1..(if false then 1 else null)]"])
def test_a_range_without_an_end_of_one_type_is_null_and_a_problem(text) -> None:
    value, problems = answer(text)
    assert value is None
    assert "there is no range from" in problems[0]
