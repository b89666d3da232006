"""How times, dates and dates and times compare (DMN 1.5, 10.3.2.3.4 to 10.3.2.3.6, Tables 53 and 54)."""

from __future__ import annotations

import pytest
from feel_rows import answer, check, rows


@rows(
    """
    @"10:00:00.25" = @"10:00:00" => true
    @"10:00:00.25" != @"10:00:00.75" => false
    @"10:00:00.999999999" = @"10:00:01" => false
    @"10:00:00.000000001" <= @"10:00:00" => true
    @"10:00:00.9" > @"10:00:00.1" => false
    @"10:00:00.9" >= @"10:00:00.1" => true
    @"10:00:00.9" < @"10:00:01" => true
    @"10:00:00.5+02:00" = @"08:00:00Z" => true
    @"2026-07-31T10:00:00.5" = @"2026-07-31T10:00:00" => true
    @"2026-07-31T10:00:00.5" > @"2026-07-31T10:00:00" => false
    @"2026-07-31T23:59:59.9" < @"2026-08-01T00:00:00" => true
    @"-0001-12-31T10:00:00.000000001" = @"-0001-12-31T10:00:00" => true
    @"10:00:00.5" in @"10:00:00" => true
    @"10:00:00.5" in (@"09:00:00"..@"10:00:00") => false
    @"10:00:00.5" in [@"09:00:00"..@"10:00:00"] => true
    @"10:00:00.5" between @"09:00:00" and @"10:00:00.1" => true
    [@"10:00:00.5"] = [@"10:00:00"] => true
    {t: @"10:00:00.5"} = {t: @"10:00:00"} => true
    list contains([@"10:00:00"], @"10:00:00.5") => true
    index of([@"10:00:01", @"10:00:00"], @"10:00:00.5") => [2]
    distinct values([@"10:00:00", @"10:00:00.5"]) => [@"10:00:00"]
    sort([@"10:00:01", @"10:00:00.9", @"10:00:00.1"]) => [@"10:00:00.9", @"10:00:00.1", @"10:00:01"]
    before(@"10:00:00.1", @"10:00:00.9") => false
    coincides(@"10:00:00.1", @"10:00:00.9") => true
    """
)
def test_a_fraction_of_a_second_counts_in_no_comparison(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    @"10:00:00.5" - @"10:00:00" => @"PT0.5S"
    @"PT0.5S" = @"PT0.4S" => false
    @"PT0.5S" > @"PT0.4S" => true
    string(@"10:00:00.5") => "10:00:00.5"
    """
)
def test_a_fraction_counts_in_arithmetic_and_in_durations(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    @"2021-06-01T12:00:00@Europe/Paris" = @"2021-06-01T10:00:00Z" => true
    @"2021-06-01T12:00:00@Europe/Paris" = @"2021-06-01T12:00:00@Europe/Rome" => true
    @"2021-01-01T12:00:00@Europe/Paris" = @"2021-01-01T12:00:00+02:00" => false
    @"2021-06-01T12:00:00-01:00" = @"2021-06-01T17:00:00+04:00" => true
    @"2021-06-01T12:00:00" = @"2021-06-01T12:00:00Z" => false
    @"2021-06-01T12:00:00" = @"2021-06-01T12:00:00@Asia/Dhaka" => false
    @"12:00:00Z" = @"12:00:00+00:00" => true
    @"12:00:00+02:00" = @"12:00:00+01:00" => false
    @"12:00:00" = @"12:00:00Z" => false
    @"12:00:00" = @"12:00:00@Europe/Paris" => false
    @"12:00:00@Europe/Paris" = @"12:00:00@Europe/Rome" => true
    @"12:00:00@Europe/Paris" = @"12:00:00@Asia/Dhaka" => false
    @"12:00:00@Europe/Paris" = @"12:00:00+01:00" => true
    @"12:00:00@Europe/Paris" = @"12:00:00+02:00" => false
    @"12:00:00@Australia/Melbourne" = @"12:00:00+10:00" => true
    @"12:00:00@Europe/London" = @"12:00:00Z" => true
    min([@"12:00:00@Europe/Paris", @"11:30:00Z"]) => @"12:00:00@Europe/Paris"
    """
)
def test_values_with_an_offset_or_zone_are_equal_at_one_moment(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    @"2021-06-01T12:00:00" < @"2021-06-01T12:00:00Z" => false
    @"2021-06-01T12:00:00" <= @"2021-06-01T12:00:00Z" => true
    @"2021-06-01T11:59:59" < @"2021-06-01T12:00:00@Europe/Paris" => true
    @"2021-06-01T12:00:00@Europe/Paris" > @"2021-06-01T12:00:00" => false
    @"2021-06-01T12:00:00@Europe/Paris" in [@"2021-06-01T12:00:00"..@"2021-06-01T13:00:00"] => true
    @"12:00:00" >= @"12:00:00+05:00" => true
    @"12:00:00" > @"12:00:00@Europe/Paris" => false
    @"12000-06-01T12:00:00" <= @"12000-06-01T12:00:00@Europe/Paris" => true
    """
)
def test_for_an_order_the_value_without_a_zone_takes_that_of_the_other(expression, wanted) -> None:
    check(expression, wanted)


@rows(
    """
    @"2020-01-01" = @"2020-01-01T00:00:00Z" => true
    @"2020-01-01" = @"2020-01-01T00:00:00+01:00" => false
    @"2020-01-01" = @"2020-01-01T00:00:00" => false
    @"2020-01-01" != @"2020-01-01T10:00:00Z" => true
    @"2020-01-01" < @"2020-01-01T00:00:01Z" => true
    @"2020-01-01T23:59:59Z" < @"2020-01-02" => true
    @"2020-01-01T00:00:00" <= @"2020-01-01" => true
    @"12000-01-01" = @"12000-01-01T00:00:00Z" => true
    @"2020-01-01T12:00:00Z" in [@"2020-01-01"..@"2020-01-02"] => true
    is(@"2020-01-01", @"2020-01-01T00:00:00Z") => false
    """
)
def test_a_date_is_its_midnight_in_utc_beside_a_date_and_time(expression, wanted) -> None:
    check(expression, wanted)


@pytest.mark.parametrize(
    "text", ['@"10:00:00" < @"2020-01-01T10:00:00"', '@"2020-01-01" = @"10:00:00"', '@"P1Y" < @"P1D"']
)
def test_other_temporal_values_do_not_compare(text) -> None:
    value, problems = answer(text)
    assert value is None
    assert "cannot compare" in problems[0]


@pytest.mark.parametrize("function", ["min", "max", "sort"])
def test_values_with_and_without_an_offset_have_no_least_one(function) -> None:
    value, problems = answer(f'{function}([@"12:00:00", @"11:00:00Z"])')
    assert value is None
    assert "have an offset" in problems[0]
