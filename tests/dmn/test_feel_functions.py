"""The built-in functions by their tables in the specification (DMN 1.5, 10.3.4), with its examples and their edges."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from feel_rows import answer, check, rows

from mlc.dmn.feel.builtins import BUILTINS


@rows(
    """
    date("2012-12-25") - date("2012-12-24") => duration("P1D")
    date(date and time("2012-12-25T11:00:00Z")) => date("2012-12-25")
    date(2012, 12, 25) => date("2012-12-25")
    date(2012, 2, 30) => null
    date and time("2012-12-24T23:59:00") => @"2012-12-24T23:59:00"
    date and time(date("2012-12-24"), time("23:59:00")) => @"2012-12-24T23:59:00"
    date and time(@"2012-12-24T01:02:03Z", time("23:59:00+02:00")) => @"2012-12-24T23:59:00+02:00"
    time("23:59:00z") + @"PT1M" => time("00:00:00Z")
    time("00:00:01Z") => @"00:00:01Z"
    time(date and time("2012-12-25T11:00:00Z")) => time("11:00:00Z")
    time(@"2012-12-25") => time("00:00:00Z")
    time(23, 59, 0, duration("-PT0H")) => time("23:59:00Z")
    time(12, 59, 1.3, @"-PT1H") => time("12:59:01.3-01:00")
    time(12, 59, 60) => null
    number("1 000,0", " ", ",") => 1000
    number("1,000.0", ",", ".") => 1000
    number("1,000.0", ",", ",") => null
    number("-.5e2") => -50
    string(1.1) => "1.1"
    string(null) => null
    string([1, "a", true, null, {a: @"P1D"}]) => "[1, \\"a\\", true, null, {a: P1D}]"
    string(@"-2021-01-01T10:10:10@Australia/Melbourne") => "-2021-01-01T10:10:10@Australia/Melbourne"
    duration("P20Y14M") => @"P21Y2M"
    duration("P2DT20H14M") => @"P2DT20H14M"
    years and months duration(date("2011-12-22"), date("2013-08-24")) => @"P1Y8M"
    years and months duration(date("2013-08-24"), date("2011-12-22")) => @"-P1Y8M"
    years and months duration(@"2014-12-31T23:59:59", @"2016-12-31T00:00:01") => @"P2Y"
    """
)
def test_conversion(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    not(true) => false
    not(null) => null
    not(1) => null
    substring("foobar", 3) => "obar"
    substring("foobar", 3, 3) => "oba"
    substring("foobar", -2, 1) => "a"
    substring("\\U01F40Eab", 2) => "ab"
    substring("foobar", 0) => null
    substring("foobar", 7) => null
    substring("foobar", 3, null) => null
    string length("foo") => 3
    string length("\\U01F40Eab") => 3
    string length("\\uD83D\\uDC0E") => 1
    upper case("aBc4") => "ABC4"
    lower case("aBc4") => "abc4"
    substring before("foobar", "bar") => "foo"
    substring before("foobar", "xyz") => ""
    substring before("foobar", "") => ""
    substring after("foobar", "ob") => "ar"
    substring after("", "a") => ""
    substring after("foobar", "") => "foobar"
    contains("foobar", "of") => false
    starts with("foobar", "fo") => true
    ends with("foobar", "r") => true
    string join(["a", "b", "c"], "_and_") => "a_and_b_and_c"
    string join(["a", "b", "c"], "") => "abc"
    string join(["a", "b", "c"], null) => "abc"
    string join(["a"], "X") => "a"
    string join(["a", null, "c"], "X") => "aXc"
    string join([], "X") => ""
    string join(["a", 1], "X") => null
    """
)
def test_booleans_and_strings(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    list contains([1, 2, 3], 2) => true
    list contains([1, null], null) => true
    list contains([[1]], [1]) => true
    count([1, 2, 3]) => 3
    count([]) => 0
    count([1, [2, 3]]) => 2
    count(null) => null
    min([1, 2, 3]) => 1
    min(1) => 1
    min([]) => null
    min(1, "a") => null
    max(1, 2, 3) => 3
    max([@"2020-01-01", @"10000-01-01"]) => @"10000-01-01"
    sum([1, 2, 3]) => 6
    sum(1, 2, 3) => 6
    sum([]) => null
    sum(@"PT1H", @"PT30M") => @"PT1H30M"
    mean([1, 2, 3]) => 2
    mean([]) => null
    all([false, null, true]) => false
    all(true) => true
    all([true]) => true
    all([]) => true
    all(0) => null
    all() => null
    any([false, null, true]) => true
    any(false) => false
    any([]) => false
    any([false, null]) => null
    sublist([4, 5, 6], 1, 2) => [4, 5]
    sublist([4, 5, 6], -2) => [5, 6]
    sublist([4, 5, 6], 2, 3) => null
    append([1], 2, 3) => [1, 2, 3]
    append([1], null) => [1, null]
    concatenate([1, 2], [3]) => [1, 2, 3]
    insert before([1, 3], 1, 2) => [2, 1, 3]
    insert before([1, 3], -1, 2) => [1, 2, 3]
    remove([1, 2, 3], 2) => [1, 3]
    remove([1, 2, 3], 4) => null
    reverse([1, 2, 3]) => [3, 2, 1]
    index of([1, 2, 3, 2], 2) => [2, 4]
    index of([1, null, null], null) => [2, 3]
    union([1, 2], [2, 3]) => [1, 2, 3]
    distinct values([1, 2, 3, 2, 1, 1.0]) => [1, 2, 3]
    distinct values([1, "1", null, null, [1], [1]]) => [1, "1", null, [1]]
    distinct values([@"2020-01-01T00:00:00Z", @"2020-01-01T01:00:00+01:00"]) => [@"2020-01-01T00:00:00Z"]
    flatten([[1, 2], [[3]], 4]) => [1, 2, 3, 4]
    product([2, 3, 4]) => 24
    median(8, 2, 5, 3, 4) => 4
    median([6, 1, 2, 3]) => 2.5
    median([]) => null
    stddev([47]) => null
    mode(6, 3, 9, 6, 6) => [6]
    mode([6, 1, 9, 6, 1]) => [1, 6]
    mode([]) => []
    mode() => null
    list replace([2, 4, 7, 8], 3, 6) => [2, 4, 6, 8]
    list replace([2, 4, 7, 8], function(item, newItem) item < newItem, 5) => [5, 5, 7, 8]
    list replace([2, 4], function(item, newItem) item, 5) => null
    list replace([1, 2, 3], -4, 4) => null
    sort([3, 1, 4, 5, 2], function(x, y) x < y) => [1, 2, 3, 4, 5]
    sort([{k: 2, v: "a"}, {k: 1, v: "b"}, {k: 2, v: "c"}], function(x, y) x.k < y.k).v => ["b", "a", "c"]
    sort(["b", "a"]) => ["a", "b"]
    sort([1, "a"]) => null
    """
)
def test_lists(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    decimal(1/3, 2) => 0.33
    decimal(1.5, 0) => 2
    decimal(2.5, 0) => 2
    decimal(1/3, 2.5) => 0.33
    decimal(125, -1) => 120
    floor(1.56, 1) => 1.5
    floor(-1.5) => -2
    floor(1.5, null) => null
    ceiling(1.56, 1) => 1.6
    ceiling(-1.5) => -1
    round up(5.5, 0) => 6
    round up(-5.5, 0) => -6
    round up(1.121, 2) => 1.13
    round down(-5.5, 0) => -5
    round down(1.126, 2) => 1.12
    round half up(-5.5, 0) => -6
    round half up(1.126, 2) => 1.13
    round half down(5.5, 0) => 5
    round half down(1.126, 2) => 1.13
    abs(-10) => 10
    abs(@"-PT5H") => @"PT5H"
    abs(@"-P1Y") => @"P1Y"
    modulo(12, 5) => 2
    modulo(-12, 5) => 3
    modulo(12, -5) => -3
    modulo(10.1, 4.5) => 1.1
    modulo(-10.1, 4.5) => 3.4
    modulo(1e33, 7) => 6
    modulo(1, 0) => null
    sqrt(16) => 4
    sqrt(-3) => null
    decimal(log(10), 8) => 2.30258509
    log(0) => null
    decimal(exp(5), 8) => 148.41315910
    odd(5) => true
    odd(2) => false
    even(2) => true
    even(5.5) => false
    1/3 => 0.3333333333333333333333333333333333
    2/3 => 0.6666666666666666666666666666666667
    1e6144 * 10 => null
    1 / 0 => null
    9**9**2 => 150094635296999121
    """
)
def test_numbers(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    is(date("2012-12-25"), time("23:00:50")) => false
    is(time("23:00:50z"), time("23:00:50")) => false
    is(@"23:00:50Z", @"23:00:50+00:00") => true
    is(@"21:00:50+01:00", @"20:00:50+00:00") => false
    is(@"10:00:00@Etc/GMT", @"10:00:00Z") => false
    is(value1: 1) => false
    is(null, null) => true
    is([1, {a: 2}], [1, {a: 2}]) => true
    day of year(date(2019, 9, 17)) => 260
    day of year(@"-2020-12-31") => 366
    day of week(date(2019, 9, 17)) => "Tuesday"
    day of week(@"10000-01-01") => "Saturday"
    month of year(date(2019, 9, 17)) => "September"
    week of year(date(2019, 9, 17)) => 38
    week of year(date(2003, 12, 29)) => 1
    week of year(date(2004, 1, 4)) => 1
    week of year(date(2005, 1, 1)) => 53
    week of year(@"2019-09-17T10:00:00Z") => 38
    last day of month(@"2024-02-10") => @"2024-02-29"
    get value({key1: "value1"}, "key1") => "value1"
    get value({key1: "value1"}, "unexistent-key") => null
    get entries({a: 1, b: "x"}) => [{key: "a", value: 1}, {key: "b", value: "x"}]
    context([{key: "a", value: 1}, {key: "b", value: 2}]) => {a: 1, b: 2}
    context([{key: "a", value: 1}, {key: "a", value: 2}]) => null
    context([{key: "a"}]) => null
    context put({x: 1}, "y", 2) => {x: 1, y: 2}
    context put({x: 1, y: 0}, "y", 2) => {x: 1, y: 2}
    context put({x: 1, y: {a: 0}}, ["y", "a"], 2) => {x: 1, y: {a: 2}}
    context put(context: {x: 1, y: {a: 0}}, keys: ["y", "a"], value: 2) => {x: 1, y: {a: 2}}
    context put(context: {x: 1, y: {a: 0}}, key: ["y", "a"], value: 2) => null
    context put({x: 1}, [], 2) => null
    context put({x: 1}, "y", null) => {x: 1, y: null}
    context merge([{x: 1}, {y: 2}]) => {x: 1, y: 2}
    context merge([{x: 1, y: 0}, {y: 2}]) => {x: 1, y: 2}
    """
)
def test_dates_contexts_and_is(expression, wanted) -> None:
    check(expression, wanted)


def test_now_and_today_are_the_present_in_utc() -> None:
    now, _ = answer("now()")
    today, _ = answer("today()")
    assert abs((datetime.now(UTC) - now).total_seconds()) < 60
    assert now.tzinfo is UTC
    assert abs((now.date() - today).days) <= 1


FIXED = [name for name, function in BUILTINS.items() if not any(s.repeats or s.spread for s in function.signatures)]


@pytest.mark.parametrize("name", FIXED)
def test_too_many_arguments_are_null_and_a_problem(name) -> None:
    value, problems = answer(f"{name}({', '.join(['1'] * 9)})")
    assert value is None
    assert re.search(r" takes .* arguments?, not 9$", problems[0])


@pytest.mark.parametrize("name", BUILTINS)
def test_an_unknown_parameter_is_null_and_a_problem(name) -> None:
    value, problems = answer(f"{name}(no such parameter: 1)")
    assert value is None
    assert name in problems[0]


@rows(
    """
    before(point: 3, range: [1..2]) => false
    before(range: [1..2], point: 3) => true
    after(point: 3, range: [1..2]) => true
    after(range: [1..2], point: 3) => false
    abs(n: @"-PT1H") => @"PT1H"
    abs(n: @"-P1M") => @"P1M"
    abs(n: "a") => null
    """
)
def test_a_call_by_names_takes_the_signature_that_its_types_and_the_order_of_its_names_fit(expression, wanted) -> None:
    """Table 78 has before(point, range) and before(range, point)."""
    check(expression, wanted)
