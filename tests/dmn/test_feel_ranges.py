"""Ranges: their values and properties, the functions of 10.3.4.9 (Table 78), and ranges from text."""

from __future__ import annotations

import pytest
from feel_rows import answer, check, rows

from mlc.dmn.errors import FeelSyntaxError

FOR_DATES = 'for d in [@"2020-01-02"..@"2020-01-01"] return d'


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


@rows(
    """
    [1..3] = [1.0..3.00] => true
    [1..3] = [1..4] => false
    [1..3] = [0..3] => false
    [1..3] = [1..3) => false
    [1..3] != [1..3) => true
    (1..3] = ]1..3] => true
    [1..3) = [1..3[ => true
    [@"10:00:00.5"..@"11:00:00"] = [@"10:00:00"..@"11:00:00"] => true
    (= 3) = [3..3] => true
    (< 3) = (<= 3) => false
    (< 3) = range("(..3)") => true
    (>= 3) = range("[3..)") => true
    (< 3) = (> 3) => false
    range("[2..)") = >=2 => true
    range("(2..)") = > 2 => true
    range("(..2]") = <= 2 => true
    range("(..2)") != < 2 => false
    [1..2] = >= 1 => false
    [1..2] = [1, 2] => null
    { low: < 3, same: low = < 3 }.same => true
    { low: < 3, is: 2 in low }.is => true
    { end: 10, same: (< 10) = (< end) }.same => true
    [(< 3)] = [(< 3)] => true
    """
)
def test_ranges_are_equal_by_their_ends_and_which_of_them_they_include(expression, wanted) -> None:
    """Table 53, range; 10.3.2.7 has what a comparison without its left side is."""
    check(expression, wanted)


@pytest.mark.parametrize("text", ["1 => 2", "a = = 1", "1 + < 2", "< < 2", "if < 0 or > 10 then 1 else 2", "1 < > 2"])
def test_a_comparison_without_its_left_side_is_no_operand_elsewhere(text) -> None:
    with pytest.raises(FeelSyntaxError):
        answer(text, a=1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(< 10) = (end..10)", True),
        ("(<= 10) = [end..10]", True),
        ("(> 10) = (10..end)", True),
        ("(>= 10) = [10..end)", True),
        ("(>= 11) = [10..end)", False),
        ("[10..end].start", 10),
        ("[10..end].end", None),
        ("12 in [10..end]", None),
        ("12 in [[1..5], [10..end]]", False),
        ("12 in [[10..end]]", None),
        ("5 in (end..end)", None),
        ("before(1, [10..end])", None),
        ("during(12, [10..end])", None),
        ("for i in [10..end] return i", None),
    ],
)
def test_nothing_is_known_to_lie_in_a_range_with_an_end_that_is_null(text, value) -> None:
    """It has its ends as if it were unbounded (10.3.2.7); but a limit that is missing lets nothing pass."""
    result, problems = answer(text, end=None)
    assert result == value
    assert "there is no range from" in problems[0]


@pytest.mark.parametrize("text", ["for i in [2..1] return i", "for i in (3..1] return i", FOR_DATES])
def test_a_loop_over_a_range_that_descends_is_null_and_a_problem(text) -> None:
    """What stands in brackets is a range, of which nothing lies in a descending one (10.3.2.7); `2..1` is a loop's own
    way to count (10.3.2.14), in both directions.
    """
    value, problems = answer(text)
    assert value is None
    assert "must not descend" in problems[0]


@rows(
    """
    for i in 2..1 return i => [2, 1]
    for i in [1..1] return i => [1]
    for i in [1..2] return i => [1, 2]
    for d in @"2020-01-02"..@"2020-01-01" return d.day => [2, 1]
    some i in [2..1] satisfies i > 0 => null
    { r: [1..3], all: every i in r satisfies i > 0 }.all => true
    """
)
def test_loops_count_up_and_down_and_go_over_ranges(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    [ ]1..3[ ] => [(1..3)]
    [ ]1..3], 4 ] => [(1..3], 4]
    [ ]@"P1D"..duration("P2D")[ ][1] => (@"P1D"..@"P2D")
    [ ]abs(-1)..2+1[, [4..5] ] => [(1..3), [4..5]]
    [[]] => [[]]
    [] = [] => true
    count([]) - count([1..2]) => -1
    for i in [] return for j in 1..2 return j => []
    for i in [1], j in [], k in 1..2 return i => []
    [[], [1..2]] => [[], [1..2]]
    if [] = [1] then [1..2] else [] => []
    """
)
def test_a_list_may_begin_with_an_open_range_and_an_empty_one_is_told_from_it(expression, wanted) -> None:
    check(expression, wanted)


@pytest.mark.parametrize("text", ["[null..1]", '[1.."a"]'])
def test_a_range_without_an_end_of_one_type_is_null_and_a_problem(text) -> None:
    value, problems = answer(text)
    assert value is None
    assert "there is no range from" in problems[0]


@rows(
    """
    1 in [1..3] and 2 in (1..3) => true
    1 in [1..3] and 4 in [1..3] => false
    4 in 5 or true => true
    5 in 2 + 3 and true => true
    3 in [1, 2, 3][item > 2] and true => true
    5 in <= 7 and 3 in > 4 => false
    5 in ? > 3 and ? < 4 => false
    5 in ? > 3 and ? < 6 => true
    (5 in ? > 3) and 3 in (? > 4, 3) => true
    if 1 in [1..2] and 3 in [4..5] then 1 else 2 => 2
    [1, 2, 3][item in [1..2] and item > 1] => [2]
    """
)
def test_in_binds_tighter_than_and_unless_its_test_asks_for_the_value(expression, wanted) -> None:
    """A comparison is an operand of `and` and `or` (10.3.1.2, precedence by the order of the rules)."""
    check(expression, wanted)
