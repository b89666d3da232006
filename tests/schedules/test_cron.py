"""Cron expressions mean here what they mean to Quartz and to unix's cron."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import islice, takewhile

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st
from moments import moments

from mlc.model.cron import calendars, ranges

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4, 5, 6


def day(year: int, month: int, number: int) -> datetime:
    """Its beginning, without a zone."""
    return datetime.combine(date(year, month, number), time.min)


@cache
def minutes_of_2026() -> list[datetime]:
    return [day(2026, 1, 1) + timedelta(minutes=number) for number in range(365 * 24 * 60)]


Item = tuple[str, frozenset[int]]
"""A part of a field as it is written, and the values that it stands for."""


@pytest.mark.parametrize(
    ("expression", "is_it"),
    [
        ("0 0 6 * * ?", lambda m: (m.hour, m.minute) == (6, 0)),
        ("0 0 6 * * *", lambda m: (m.hour, m.minute) == (6, 0)),
        ("0 30 6 ? * MON-FRI", lambda m: (m.hour, m.minute) == (6, 30) and m.weekday() <= FRIDAY),
        ("0 30 6 ? * 2-6", lambda m: (m.hour, m.minute) == (6, 30) and m.weekday() <= FRIDAY),
        ("0 0 0 ? * 1", lambda m: (m.hour, m.minute) == (0, 0) and m.weekday() == SUNDAY),
        ("0 0 12 ? * fri-mon", lambda m: (m.hour, m.minute) == (12, 0) and m.weekday() in {4, 5, 6, 0}),
        ("0 0/20 22-1 1,15 * ?", lambda m: m.minute in {0, 20, 40} and m.hour in {22, 23, 0, 1} and m.day in {1, 15}),
        ("0 /25 * * NOV-FEB ?", lambda m: m.minute in {0, 25, 50} and m.month in {11, 12, 1, 2}),
        ("0 0 0 1 1 ? 2026", lambda m: m == day(2026, 1, 1)),
        ("0 0 0 1 1 ? 2020-2030/5", lambda m: False),
        ("0 6 * * 0", lambda m: (m.hour, m.minute) == (6, 0) and m.weekday() == SUNDAY),
        ("0 6 * * 6-7", lambda m: (m.hour, m.minute) == (6, 0) and m.weekday() >= SATURDAY),
        ("30 6 1,15 * MON", lambda m: (m.hour, m.minute) == (6, 30) and (m.day in {1, 15} or m.weekday() == MONDAY)),
        ("0 * */10 * 1", lambda m: m.minute == 0 and m.day in {1, 11, 21, 31} and m.weekday() == MONDAY),
        ("0 0 30 2 SUN", lambda m: (m.hour, m.minute) == (0, 0) and m.month == 2 and m.weekday() == SUNDAY),
    ],
)  # fmt: skip
def test_every_minute_of_a_year_is_judged_as_the_expression_says(
    expression: str, is_it: Callable[[datetime], bool]
) -> None:
    found = list(moments(calendars(expression), date(2026, 1, 1), date(2026, 12, 31)))
    assert found == [minute for minute in minutes_of_2026() if is_it(minute)]


def items(
    first: int, last: int, names: Sequence[str], zero: int = 0, *, around: bool = True
) -> st.SearchStrategy[Item]:
    """Parts of a field of these values; ``names`` count from ``first`` or ``zero``, ranges may go round the end."""

    def written(value: int) -> st.SearchStrategy[str]:
        name = [names[(value - zero) % len(names)]] if names else []
        return st.sampled_from([str(value), *name, *(each.lower() for each in name)])

    def walk(start: int, end: int) -> list[int]:
        seen = [start]
        while seen[-1] != end:
            seen.append(first if seen[-1] == last else seen[-1] + 1)
        return seen

    @st.composite
    def part(draw: st.DrawFn) -> Item:
        shape = draw(st.sampled_from(["one", "all", "range", "from"]))
        start = draw(st.integers(first, last))
        end = draw(st.integers(first if around else min(start + 1, last), last))
        step = draw(st.integers(1, last - first))
        text, values = {
            "one": (draw(written(start)), [start]),
            "all": ("*", walk(first, last)),
            "range": (f"{draw(written(start))}-{draw(written(end))}", walk(start, end)),
            "from": (draw(written(start)), walk(start, last)),
        }[shape]
        if shape == "from" or (shape != "one" and draw(st.booleans())):
            return f"{text}/{step}", frozenset(values[::step])
        return text, frozenset(values)

    return part()


def fields(part: st.SearchStrategy[Item]) -> st.SearchStrategy[Item]:
    """Lists of such parts."""
    return st.lists(part, min_size=1, max_size=3).map(
        lambda parts: (",".join(text for text, _ in parts), frozenset().union(*(values for _, values in parts)))
    )


def forward(first: int, last: int, names: Sequence[str] = (), zero: int = 0) -> st.SearchStrategy[Item]:
    """A field without ranges that go round the end, which unix's crons don't know."""
    return fields(items(first, last, names, zero, around=False))


SIXTY, HOURS = fields(items(0, 59, ())), fields(items(0, 23, ()))


@given(
    SIXTY,
    SIXTY,
    HOURS,
    fields(items(1, 7, DAYS, 1)),
    fields(items(1, 12, MONTHS, 1)),
    forward(2000, 2099),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_quartz_expression_means_the_values_that_it_was_written_from(
    seconds: Item, minutes: Item, hours: Item, weekdays: Item, months: Item, years: Item, with_year: bool
) -> None:
    texts = [seconds[0], minutes[0], hours[0], "?", months[0], weekdays[0]]
    (found,) = calendars(" ".join(texts + [years[0]] * with_year))
    expected = [*(set(item[1]) for item in (seconds, minutes, hours, months)), {day - 1 for day in weekdays[1]}]
    assert [set(v) for v in (found.second, found.minute, found.hour, found.month, found.day_of_week)] == expected
    assert found.day_of_month == tuple(range(1, 32))
    if with_year and years[0] != "*":
        assert set(found.year) == years[1]
    else:
        assert found.year == ()


@given(forward(0, 59), forward(0, 23), forward(1, 31), forward(1, 12, MONTHS, 1), forward(0, 7))
@settings(max_examples=40, deadline=None)
def test_a_unix_expression_fires_when_another_implementation_says(
    minutes: Item, hours: Item, days: Item, months: Item, weekdays: Item
) -> None:
    expression = " ".join(text for text, _ in (minutes, hours, days, months, weekdays))
    first, last = day(2027, 12, 1), day(2029, 3, 1)
    try:
        found = calendars(expression)
    except ValueError:
        with pytest.raises(CronSimError):
            CronSim(expression, first)
        return
    other = takewhile(lambda moment: moment < last, CronSim(expression, first - timedelta(seconds=1)))
    mine = takewhile(lambda moment: moment < last, moments(found, first.date(), last.date()))
    assert list(islice(mine, 50)) == list(islice(other, 50))


@given(st.sets(st.integers(0, 99), min_size=1))
def test_ranges_hold_the_same_values(values: set[int]) -> None:
    found = ranges(tuple(sorted(values)))
    assert sorted(value for each in found for value in range(each.first, each.last + 1, each.step)) == sorted(values)


def test_ranges_are_few() -> None:
    assert ranges(tuple(range(60))) == [(0, 59, 1)]
    assert ranges((0, 15, 30, 45)) == [(0, 45, 15)]
    assert ranges((1, 2, 3, 7)) == [(1, 3, 1), (7, 7, 1)]


def wrong() -> Iterator[tuple[str, str, str]]:
    quartz, unix, year = "0 30 6 ? * MON-FRI", "30 6 * * MON-FRI", "0 30 6 ? * MON-FRI 2030-2032"
    unsupported = "L, W, # and C (last, nearest working day, n-th weekday, calendar) are not supported"
    for expression, text in (
        ("0 0 6 L * ?", "day of month 'L'"),
        ("0 0 6 L-3 * ?", "day of month 'L-3'"),
        ("0 0 6 LW * ?", "day of month 'LW'"),
        ("0 0 6 15W * ?", "day of month '15W'"),
        ("0 0 6 ? * 6L", "day of week '6L'"),
        ("0 0 6 ? * FRIL", "day of week 'FRIL'"),
        ("0 0 6 ? * 6#3", "day of week '6#3'"),
    ):
        yield expression, f"Cron field {text}: {unsupported}", quartz
    yield "0 0 6 1 * MON", "day of month '1', day of week 'MON': one of the two must be ?", quartz
    yield "0 0 6 * * 1", "day of month '*', day of week '1': one of the two must be ?", quartz
    yield "0 0 6 ? * ?", "one of the two must be ?", quartz
    yield "0 ? 6 ? * *", "minutes '?': ? may stand only", quartz
    yield "0 0 6 1,? * ?", "day of month '?': ? may stand only", quartz
    yield "0 0 24 * * ?", "hours '24': 24 is not between 0 and 23", quartz
    yield "0 0 6 ? * 0", "day of week '0': 0 is not between 1 and 7", quartz
    yield "0 0 6 ? * JUL", "day of week 'JUL': JUL is not one of SUN, MON", quartz
    yield "0 0 SIX ? * MON", "hours 'SIX': SIX is not a number", quartz
    yield "0 */60 * * * ?", "minutes '*/60': the step must be a number between 1 and 59", quartz
    yield "0 */0 * * * ?", "the step must be a number between 1 and 59", quartz
    yield "0 0 0 30 FEB ?", "day of month '30': the months that are named have no such day", quartz
    yield "0 0 6 1 1 ? 1999", "year '1999': 1999 is not between 2000 and 2099", year
    yield "0 0 6 1 1 ? 2031-2030", "year '2031-2030': the range runs backwards", year
    yield "61 * * * *", "minutes '61': 61 is not between 0 and 59", unix
    yield "5,,6 * * * *", "minutes '': this is no value, range", unix
    yield "٣ * * * *", "minutes '٣': this is no value, range", unix
    yield "0 6 ? * 1", "day of month '?': ? may stand only", unix
    yield "0 6 31 2 *", "day of month '31': the months", unix
    yield "@daily", "this one has 1", unix
    yield "", "this one has 0", quartz
    yield "0 " * 400, "may have 500 characters", ""


@pytest.mark.parametrize(("expression", "said", "example"), list(wrong()))
def test_what_cant_be_mapped_is_refused_with_its_field_and_an_example(expression: str, said: str, example: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - its text is looked at below
        calendars(expression)
    assert said in str(refusal.value)
    assert example in str(refusal.value)


@given(st.text(alphabet="0123456789*/,-?LW#MONJAN ", max_size=40))
def test_whatever_is_written_is_mapped_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert all(each.minute and each.day_of_week for each in calendars(text))
