"""Numbers, strings, temporal values, types and coercion (DMN 1.5, 10.3.2.3, 10.3.2.9, 10.3.2.11 to 10.3.2.15)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from feel_rows import answer, check, rows

from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.parser import parse_unary_tests
from mlc.dmn.feel.values import Function
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.feel.wide import WideDate, WideDateTime, WideDuration, WideTime


@rows(
    """
    +5 => 5
    +.5e+1 => 5
    + 5 - +3 => 2
    [+1, -1][item > +0] => [1]
    2 in [+1..+3] => true
    2 in (+2, > +5) => true
    {a+5: 1, a: 2, b: a+5, c: a +5}.c => 7
    """
)
def test_a_number_may_have_the_sign_plus_in_an_expression(expression, wanted) -> None:
    check(expression, wanted)


@pytest.mark.parametrize("text", ['+"5"', "+x", "++5", "+-5", "+(5)", "+", "5 + + x", "5 ++ 1", '+@"P1D"'])
def test_nothing_else_has_the_sign_plus(text) -> None:
    with pytest.raises(FeelSyntaxError):
        answer(text)


@pytest.mark.parametrize("text", ["+5", "> +5", "[+1..5]", "1, +5", "not(+5)"])
def test_a_cell_has_no_sign_plus(text) -> None:
    with pytest.raises(FeelSyntaxError):
        parse_unary_tests(text, Vocabulary(), Place())


@rows(
    r"""
    @"-2021-01-01T10:10:10+11:00" + @"P1M" => @"-2021-02-01T10:10:10+11:00"
    @"-2021-01-01T10:10:10@Australia/Melbourne" - @"P1D" => @"-2022-12-31T10:10:10@Australia/Melbourne"
    @"9999-12-31" + @"P1D" => @"10000-01-01"
    @"10000-01-01" - @"9999-12-31" => @"P1D"
    @"0001-01-01" - @"P1D" => @"0000-12-31"
    @"999999999-12-31" + @"P1D" => null
    @"2024-02-29" + @"P1Y" => @"2025-02-28"
    @"12000-02-29" + @"P1Y" => @"12001-02-28"
    date("1000000000-01-01") => null
    date("12026-01-01") > date("9999-01-01") => true
    @"2021-01-01T24:00:00" + @"-PT1S" => @"2021-01-01T23:59:59"
    date and time("2021-01-01T24:00:01") => null
    time("24:00:00") => @"00:00:00"
    @"2021-03-28T01:30:00@Europe/Paris" + @"PT1H" => @"2021-03-28T03:30:00@Europe/Paris"
    @"2021-03-28T01:30:00@Europe/Paris" + @"P1M" => @"2021-04-28T01:30:00@Europe/Paris"
    @"2021-06-01T12:00:00@Europe/Paris" - @"2021-06-01T12:00:00@America/New_York" => @"-PT6H"
    @"12021-06-01T12:00:00@Europe/Paris".time offset => @"PT2H"
    @"2021-06-01T12:00:00" - @"2021-06-01T12:00:00Z" => null
    @"2021-06-02" - @"2021-06-01T12:00:00Z" => @"PT12H"
    @"23:00:00" + @"PT2H" => @"01:00:00"
    @"10:00:00.123456789" - @"10:00:00.123456788" => @"PT0.000000001S"
    @"2017-12-31T11:22:33.123456789@Europe/Paris".second => 33
    @"P1DT25H" => @"P2DT1H"
    @"PT0.S" => @"PT0S"
    @"P13M" => @"P1Y1M"
    @"-P14M".months => -2
    @"-P1DT2H".hours => -2
    @"P1Y" = @"P12M" => true
    @"P1Y" = @"P365D" => null
    @"P0Y" = @"P0D" => null
    @"P10D" / @"PT12H" => 20
    @"P10D" / 0 => null
    @"P10Y11M" / 2.5 => @"P4Y4M"
    2.5 * @"PT23H" => @"P2DT9H30M"
    @"P1D" * @"P1D" => null
    @"P999999999D" + @"P999999999D" => @"P1999999998D"
    @"2020-01-01" + 1 => null
    @"2020-01-01T00:00:00Z".timezone => "Z"
    @"2020-01-01T00:00:00@Etc/UTC".timezone => "Etc/UTC"
    @"-2020-01-01".weekday => 2
    """
)
def test_temporal_values(expression, wanted) -> None:
    check(expression, wanted)


BEYOND = [
    ('@"2026-07-31"', date(2026, 7, 31)),
    ('@"10:30:00"', time(10, 30)),
    ('@"2026-07-31T10:30:00.000001Z"', datetime(2026, 7, 31, 10, 30, 0, 1, UTC)),
    ('@"PT1M"', timedelta(minutes=1)),
    ('@"-0044-03-15"', WideDate(-44, 3, 15)),
    ('@"10:30:00.000000001"', WideTime(10 * 3600 * 10**9 + 30 * 60 * 10**9 + 1)),
    ('@"12026-07-31T10:30:00"', WideDateTime(WideDate(12026, 7, 31), time(10, 30))),
    ('@"PT0.000000001S"', WideDuration(1)),
]


@pytest.mark.parametrize(("text", "value"), BEYOND)
def test_only_what_python_cannot_hold_is_a_wide_value(text, value) -> None:
    result, _ = answer(text)
    assert (type(result), result) == (type(value), value)
    assert answer("string(v)", v=result)[0] == text[2:-1]


def test_wide_values_have_an_order_among_themselves_and_with_pythons() -> None:
    days = [date(1, 1, 1), WideDate(-1, 12, 31), WideDate(10000, 1, 1), date(9999, 12, 31), WideDate(0, 1, 1)]
    assert " ".join(map(str, sorted(days))) == "-0001-12-31 0000-01-01 0001-01-01 9999-12-31 10000-01-01"
    assert len({WideDuration(1), WideDuration(1)}) == 1
    assert WideDate(-1, 1, 1) != 1
    assert WideTime(1) > time(0)
    with pytest.raises(TypeError):
        sorted([WideTime(1), time(0, tzinfo=UTC)])


@rows(
    r"""
    0.1 + 0.2 => 0.3
    .5 => 0.5
    1.5e3 => 1500
    -3 ** 2 => 9
    2 ** -1 => 0.5
    -(3 ** 2) => -9
    --1 => 1
    2 -1 => 1
    1 + "a" => null
    "a" + "b" => "ab"
    "a" < "b" => true
    1 = "1" => null
    1 != null => true
    null < 1 => null
    [1, [2]] = [1, [2]] => true
    {a: 1} = {a: 1} => true
    {a: 1} = {b: 1} => false
    "\u0041\U01F40E\uD83D\uDC0E" => "A🐎🐎"
    "\d" => "\\d"
    "a\\b" => "a\\b"
    5 between 1 and 10 => true
    null between 1 and 10 => null
    true and null => null
    false and null => false
    "a" or true => true
    """
)
def test_numbers_strings_and_logic(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    r"""
    1 instance of number => true
    -1 instance of number => true
    "a" instance of number => false
    null instance of number => false
    null instance of Any => false
    null instance of Null => true
    1 instance of Any => true
    @"2020-01-01" instance of date and time => false
    @"12020-01-01T00:00:00" instance of date and time => true
    @"PT0.000000001S" instance of days and time duration => true
    @"P1Y" instance of years and months duration => true
    [1, 2] instance of list => true
    [1, 2] instance of list<number> => true
    [1, "a"] instance of list<number> => false
    [[1]] instance of list<list<number>> => true
    {a: 1} instance of context => true
    {a: 1, b: "x"} instance of context<a: number> => true
    {b: "x"} instance of context<a: number> => false
    {a: {b c: 1}} instance of context<a: context<b c: number>> => true
    [1..2] instance of range<number> => true
    abs instance of function => true
    abs instance of function<number> -> Any => true
    (function(a: string) "x") instance of function<string> -> string => true
    (function(a: string) "x") instance of function<string> -> number => false
    (function(a: number) 1) instance of function<Any> -> number => false
    (function(a) 1 = 1) instance of function<number> -> boolean => true
    (function() 1) instance of function<> -> number => true
    """
)
def test_instance_of(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    (function(a: number) a)([1]) => 1
    (function(a: list<number>) a)(1) => [1]
    (function(a: number) a)("1") => null
    (function(a: date and time) a)(@"2020-01-01") => @"2020-01-01T00:00:00Z"
    (function(a: list<string>) a)([1]) => null
    (function(a, b) a - b)(b: 1, a: 3) => 2
    (function(a, b) a - b)(1) => null
    (function(a, b) a - b)(a: 1, c: 2) => null
    upper case(["a"]) => "A"
    abs(n: -1) => 1
    1(2) => null
    """
)
def test_coercion_and_invocation(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    for i in 1..4 return partial => [[], [[]], [[], [[]]], [[], [[]], [[], [[]]]]]
    for i in 1..5 return if i < 3 then 1 else partial[-1] + partial[-2] => [1, 1, 2, 3, 5]
    for i in [1, 2], j in [i, 10] return i * j => [1, 10, 4, 20]
    for i in 1 return i => [1]
    for i in null return i => null
    some i in [1, 2] satisfies i = 2 => true
    some i in [null, 2] satisfies i > 2 => null
    some i in [] satisfies true => false
    some i in [1] satisfies "a" => null
    every i in [1, 2] satisfies i > 0 => true
    every i in [1, null] satisfies i > 0 => null
    [1, 2, 3][item > 1] => [2, 3]
    [1, 2, 3]["a"] => null
    [1, 2, 3][-1] => 3
    [1, 2, 3][4] => null
    [][1] => null
    [][item > 1] => []
    1[1] => 1
    [{x: 1, y: 2}, {x: null, y: 3}][x < 2] => [{x: 1, y: 2}]
    [{x: 1}, {y: 2}].y => [null, 2]
    {a b: 1, a-b: 2, s: a b + a-b}.s => 3
    {"a b c": 5, d: a b c}.d => 5
    {a: 1}.b => null
    """
)
def test_loops_filters_and_paths(expression, wanted) -> None:
    check(expression, wanted)


def test_a_function_is_a_value_with_a_name_and_parameters() -> None:
    function, _ = answer("abs")
    assert isinstance(function, Function)
    assert (function.name, function.parameters) == ("abs", ("n",))
