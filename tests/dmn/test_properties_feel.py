"""Laws that FEEL's operators and built-ins keep for values of all kinds, against Python's own arithmetic."""

from __future__ import annotations

import decimal
import operator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Context, Decimal
from functools import cache
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from property_settings import examples

import mlc.dmn
from mlc.dmn import YearsMonthsDuration
from tests.fuzz import seeds

WIDE = Context(prec=200)
NUMBERS = st.one_of(st.decimals(-1000, 1000, places=3), st.integers(-(10**20), 10**20).map(Decimal))
SMALL = st.integers(-5, 5)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)
DAYS = st.dates(date(1000, 1, 1), date(9000, 12, 31))
OFFSETS = st.one_of(st.none(), st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))))
CLOCKS = st.times(timezones=OFFSETS)
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9000, 12, 31), timezones=OFFSETS)  # noqa: DTZ001 - zones are drawn
SPANS = st.timedeltas(timedelta(days=-100_000), timedelta(days=100_000))
MONTHS = st.integers(-5000, 5000).map(YearsMonthsDuration)
ORDERED = (NUMBERS, TEXT, DAYS, st.times(), st.datetimes(), SPANS, MONTHS)
SCALARS = st.one_of(SMALL.map(Decimal), st.sampled_from(["", "a", "b"]), st.booleans(), st.none())
LISTS = st.lists(SCALARS, max_size=6)


@cache
def model(text: str) -> mlc.dmn.DecisionModel:
    return mlc.dmn.load(seeds.definitions(seeds.decision(seeds.literal(text))).encode())


def feel(text: str, **inputs: Any) -> Any:
    """The value of an expression whose names are among the inputs; loaded once."""
    return model(text).evaluate(inputs).result


@cache
def cell_model(cell: str) -> mlc.dmn.DecisionModel:
    escaped = cell.replace("&", "&amp;").replace("<", "&lt;")
    columns = "<input><inputExpression><text>x</text></inputExpression></input><output name='o'/>"
    rule = f"<rule><inputEntry><text>{escaped}</text></inputEntry><outputEntry><text>true</text></outputEntry></rule>"
    return mlc.dmn.load(seeds.definitions(seeds.decision(f"<decisionTable>{columns}{rule}</decisionTable>")).encode())


def passes(cell: str, **inputs: Any) -> bool:
    """Whether the input `x` passes a cell."""
    return bool(cell_model(cell).evaluate(inputs).matched_rules)


def to_the_second(value: Any) -> Any:
    """A value as FEEL compares it: of times, the fraction of a second does not count."""
    return value.replace(microsecond=0) if isinstance(value, (time, datetime)) else value


# -- numbers ---------------------------------------------------------------------------------------------------------


@examples(150)
@given(st.one_of(NUMBERS, st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e40", max_value="1e40")))
def test_a_number_written_and_read_is_the_same(number) -> None:
    number = Context(prec=34).plus(number)
    assert feel("number(string(n))", n=number) == number
    assert feel("n", n=number) == number
    text = f"{number:f}"
    assert feel(f"-({text[1:]})" if text.startswith("-") else text) == number


@examples(150)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_the_decimal_that_it_prints_as(number) -> None:
    assert feel("n", n=number) == Decimal(repr(number))


@examples(150)
@given(NUMBERS, NUMBERS)
def test_sums_differences_and_products_are_exact(one, other) -> None:
    assert feel("a + b", a=one, b=other) == one + other
    assert feel("a - b", a=one, b=other) == one - other
    assert feel("a * b", a=one, b=other) == Context(prec=34).multiply(one, other)
    assert feel("a + b = b + a and a * b = b * a", a=one, b=other) is True


@examples(150)
@given(NUMBERS, NUMBERS.filter(bool))
def test_modulo_and_floor_belong_together(one, other) -> None:
    assume(abs(one) < 10**9)
    assume(abs(other) < 10**9)
    remainder = feel("modulo(a, b)", a=one, b=other)
    assert abs(remainder) < abs(other)
    assert remainder == 0 or (remainder < 0) == (other < 0)
    assert (one - remainder) % other == 0


@examples(150)
@given(st.decimals(-(10**6), 10**6, places=5), st.integers(-3, 5))
def test_rounding_is_that_of_decimals(number, scale) -> None:
    unit = Decimal(1).scaleb(-scale)
    for name, rounding in (
        ("decimal", decimal.ROUND_HALF_EVEN), ("round up", decimal.ROUND_UP), ("round down", decimal.ROUND_DOWN),
        ("round half up", decimal.ROUND_HALF_UP), ("round half down", decimal.ROUND_HALF_DOWN),
        ("floor", decimal.ROUND_FLOOR), ("ceiling", decimal.ROUND_CEILING),
    ):  # fmt: skip
        wanted = number.quantize(unit, rounding=rounding, context=WIDE)
        assert feel(f"{name}(n, scale)", n=number, scale=scale) == wanted, name


@examples(100)
@given(st.lists(NUMBERS, min_size=1, max_size=6))
def test_sums_and_extremes_do_not_depend_on_the_order(numbers) -> None:
    for name in ("min", "max", "sum", "median", "count"):
        assert feel(f"{name}(l)", l=numbers) == feel(f"{name}(l)", l=sorted(numbers)), name
    assert (feel("min(l)", l=numbers), feel("max(l)", l=numbers)) == (min(numbers), max(numbers))
    assert feel("sum(l)", l=numbers) == sum(numbers)


# -- comparisons and ranges ------------------------------------------------------------------------------------------


@examples(250)
@given(
    st.sampled_from(ORDERED).flatmap(lambda values: st.tuples(values, values, values)),
    st.sampled_from("[(]"),
    st.sampled_from("])["),
)
def test_a_range_agrees_with_comparisons_for_every_ordered_type(values, opening, closing) -> None:
    value, *ends = map(to_the_second, values)
    low, high = sorted(ends)
    above = low <= value if opening == "[" else low < value
    below = value <= high if closing == "]" else value < high
    inputs = {"x": value, "low": low, "high": high}
    cell = f"{opening}low..high{closing}"
    first, second = ">" + "=" * (opening == "["), "<" + "=" * (closing == "]")
    assert passes(cell, **inputs) is (above and below)
    assert passes(f"not({cell})", **inputs) is not (above and below)
    assert passes(f"{first} low", **inputs) is above
    assert passes(f"{second} high", **inputs) is below
    assert passes(f"? {first} low and ? {second} high", **inputs) is (above and below)
    for text in (f"x in {cell}", f"x {first} low and x {second} high", f"x in ({cell})"):
        assert feel(text, **inputs) is (above and below), text
    assert feel("x between low and high", **inputs) is (low <= value <= high)
    assert feel(f"{cell}.start included", low=low, high=high) is (opening == "[")
    assert feel(f"{cell}.end included", low=low, high=high) is (closing == "]")


@examples(150)
@given(st.sampled_from(ORDERED).flatmap(lambda values: st.tuples(values, values)))
def test_of_two_values_one_is_less_or_both_are_equal(values) -> None:
    one, other = values
    for symbol, relation in (("<", operator.lt), ("<=", operator.le), (">", operator.gt), (">=", operator.ge),
                             ("=", operator.eq), ("!=", operator.ne)):  # fmt: skip
        answer = relation(to_the_second(one), to_the_second(other))
        assert feel(f"a {symbol} b", a=one, b=other) is answer
        assert passes(f"{symbol} b", x=one, b=other) is answer


@examples(150)
@given(
    st.tuples(st.sampled_from(range(7)), st.sampled_from(range(7))).filter(lambda pair: pair[0] != pair[1]), st.data()
)
def test_values_of_different_types_never_compare(kinds, data) -> None:
    one, other = (data.draw(ORDERED[kind]) for kind in kinds)
    assume({type(one), type(other)} != {date, datetime})  # a date is its midnight in UTC
    for symbol in ("<", "<=", ">", ">=", "="):
        assert feel(f"a {symbol} b", a=one, b=other) in (None, False)
        assert passes(f"{symbol} b", x=one, b=other) is False


@examples(100)
@given(*[st.sampled_from([True, False, None, Decimal(1)])] * 2)
def test_and_and_or_have_three_values(one, other) -> None:
    pair = [value if isinstance(value, bool) else None for value in (one, other)]
    both = False if False in pair else (None if None in pair else True)
    either = True if True in pair else (None if None in pair else False)
    assert feel("a and b", a=one, b=other) is both
    assert feel("a or b", a=one, b=other) is either


# -- strings, by characters ------------------------------------------------------------------------------------------


@examples(200)
@given(TEXT, st.integers(-9, 9), st.integers(-1, 9))
def test_positions_in_strings_count_characters(text, start, length) -> None:
    assert feel("string length(s)", s=text) == len(text)
    first = start - 1 if start > 0 else len(text) + start
    fits = start != 0 and abs(start) <= len(text)
    assert feel("substring(s, i)", s=text, i=start) == (text[first:] if fits else None)
    if fits and length >= 1:
        assert feel("substring(s, i, n)", s=text, i=start, n=length) == text[first : first + length]


@examples(200)
@given(TEXT, TEXT, TEXT)
def test_what_stands_before_and_after_a_part_makes_up_the_string(one, part, other) -> None:
    whole = one + part + other
    assert feel("contains(s, p) and starts with(s, a) and ends with(s, b)", s=whole, p=part, a=one, b=other) is True
    if part:
        parts = feel("[substring before(s, p), substring after(s, p)]", s=whole, p=part)
        assert parts[0] + part + parts[1] == whole
        assert part not in parts[0]
    assert feel("a + p + b", a=one, p=part, b=other) == whole
    assert feel("contains(s, p)", s=one, p=other) is (other in one)


@examples(150)
@given(st.lists(st.text("ab\u00e9\U0001f40e", max_size=4), min_size=1, max_size=4))
def test_a_string_that_was_joined_splits_into_its_parts(parts) -> None:
    assert feel('split(string join(l, ";"), ";")', l=parts) == parts
    assert feel("string join(l)", l=parts) == "".join(parts)


@examples(100)
@given(TEXT)
def test_a_string_literal_is_the_string(text) -> None:
    assume(all(character == "\t" or character >= " " for character in text))
    assume(not set(text) & {"\x7f", "\ufffe", "\uffff", "\x85", "\u2028"})
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert model(f'"{quoted}"').evaluate({}).result == text


# -- dates, times and durations --------------------------------------------------------------------------------------


@examples(150)
@given(st.one_of(DAYS, CLOCKS, MOMENTS, SPANS, MONTHS))
def test_a_temporal_value_written_and_read_is_the_same(value) -> None:
    name = {date: "date", time: "time", datetime: "date and time"}.get(type(value), "duration")
    read = feel(f"{name}(string(v))", v=value)
    assert type(read) is type(value)
    assert read == value
    if isinstance(value, (time, datetime)):
        assert read.utcoffset() == value.utcoffset()


@examples(150)
@given(st.one_of(DAYS, MOMENTS), st.one_of(DAYS, MOMENTS), SPANS, st.integers(-1000, 1000))
def test_days_added_can_be_taken_away(one, other, span, months) -> None:
    if type(one) is date:
        span = timedelta(days=span.days)
    assert feel("d + t - t", d=one, t=span) == one
    assert feel("d + t - d", d=one, t=span) == span
    seconds = span // timedelta(seconds=1) if type(one) is date or not one.microsecond else 0
    assert feel("d + t > d", d=one, t=span) is (seconds > 0) or seconds == 0  # FEEL compares by whole seconds
    if type(one) is type(other) and getattr(one, "tzinfo", 0) == getattr(other, "tzinfo", 0):
        assert feel("a - b + b", a=one, b=other) == one
        assert feel("(a - b) + (b - a)", a=one, b=other) == timedelta()
    moved = feel("d + m", d=one, m=YearsMonthsDuration(months))
    assert (moved.year * 12 + moved.month) - (one.year * 12 + one.month) == months
    assert moved.day == one.day or (moved.day < one.day and (moved + timedelta(days=1)).day == 1)


@examples(100)
@given(DAYS, st.integers(-5000, 5000))
def test_the_months_between_two_days_are_those_that_were_added(day, months) -> None:
    day = day.replace(day=min(day.day, 28))
    assert feel("years and months duration(d, d + m)", d=day, m=YearsMonthsDuration(months)).months == months


@examples(100)
@given(DAYS)
def test_the_parts_of_a_date_make_it_up(day) -> None:
    assert feel("date(d.year, d.month, d.day)", d=day) == day
    assert feel("d.weekday", d=day) == day.isoweekday()
    assert feel("[day of year(d), week of year(d), day of week(d), month of year(d)]", d=day) == [
        int(f"{day:%j}"), day.isocalendar().week, f"{day:%A}", f"{day:%B}"
    ]  # fmt: skip


@examples(100)
@given(SPANS, st.integers(-20, 20).filter(bool))
def test_a_duration_times_a_number_divided_by_it_is_the_duration(span, factor) -> None:
    assert feel("t * n / n", t=span, n=factor) == span
    assert feel("t * n = n * t", t=span, n=factor) is True
    if span:
        assert feel("t * n / t", t=span, n=factor) == factor


# -- lists -----------------------------------------------------------------------------------------------------------


def key(value: Any) -> tuple[str, Any]:
    """Python takes 1 and true for equal, and FEEL does not."""
    return type(value).__name__, value


@examples(200)
@given(LISTS, st.integers(-8, 8))
def test_items_are_numbered_from_one_and_from_the_end(items, number) -> None:
    fits = number != 0 and abs(number) <= len(items)
    wanted = items[number - 1 if number > 0 else number] if fits else None
    assert feel("l[n]", l=items, n=number) == wanted
    assert feel("count(l)", l=items) == len(items)
    if fits:
        index = number - 1 if number > 0 else len(items) + number
        assert feel("remove(l, n)", l=items, n=number) == items[:index] + items[index + 1 :]
        assert feel("insert before(l, n, 7)", l=items, n=number) == [*items[:index], 7, *items[index:]]
        assert feel("list replace(l, n, 7)", l=items, n=number) == [*items[:index], 7, *items[index + 1 :]]
        assert feel("sublist(l, n)", l=items, n=number) == items[index:]


@examples(200)
@given(LISTS, LISTS)
def test_distinct_values_keep_the_first_of_each_in_order(items, more) -> None:
    distinct = feel("distinct values(l)", l=items)
    assert list(map(key, distinct)) == list(dict.fromkeys(map(key, items)))
    assert feel("distinct values(distinct values(l))", l=items) == distinct
    union = feel("union(a, b)", a=items, b=more)
    assert list(map(key, union)) == list(dict.fromkeys(map(key, items + more)))


@examples(200)
@given(LISTS, LISTS, SCALARS)
def test_lists_are_joined_reversed_and_searched(items, more, value) -> None:
    assert feel("concatenate(a, b)", a=items, b=more) == items + more
    assert feel("append(a, v)", a=items, v=value) == [*items, value]
    assert feel("reverse(reverse(a))", a=items) == items
    places = [number for number, item in enumerate(items, 1) if key(item) == key(value)]
    assert feel("index of(a, v)", a=items, v=value) == places
    assert feel("list contains(a, v)", a=items, v=value) is bool(places)
    assert feel("every i in a satisfies list contains(a, i)", a=items) is True


@examples(150)
@given(st.lists(NUMBERS, max_size=8))
def test_sorting_gives_the_same_items_in_order(numbers) -> None:
    assert feel("sort(l)", l=numbers) == sorted(numbers)
    assert feel("sort(l, function(a, b) a > b)", l=numbers) == sorted(numbers, reverse=True)
    assert feel("l[item >= 0]", l=numbers) == [number for number in numbers if number >= 0]
    assert feel("for i in l return i * 2", l=numbers) == [number * 2 for number in numbers]
    assert feel("some i in l satisfies i > 0", l=numbers) is any(number > 0 for number in numbers)
    assert feel("every i in l satisfies i > 0", l=numbers) is all(number > 0 for number in numbers)


def flat(value: Any) -> list[Any]:
    return [item for part in value for item in flat(part)] if isinstance(value, list) else [value]


@examples(150)
@given(
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=8).filter(lambda v: isinstance(v, list))
)
def test_flattening_keeps_every_scalar_in_order(nested) -> None:
    assert feel("flatten(l)", l=nested) == flat(nested)
    assert feel("flatten(flatten(l)) = flatten(l)", l=nested) is True


@examples(100)
@given(st.integers(-20, 20), st.integers(-20, 20))
def test_a_loop_over_a_range_goes_up_or_down(low, high) -> None:
    wanted = list(range(low, high + 1) if low <= high else range(low, high - 1, -1))
    assert feel("for i in a..b return i", a=low, b=high) == wanted


@examples(100)
@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=2), SCALARS, max_size=4),
    st.sampled_from(["a", "b", "zz"]),
    SCALARS,
)
def test_contexts_are_put_merged_and_taken_apart(context, name, value) -> None:
    assert feel("context put(c, k, v)", c=context, k=name, v=value) == {**context, name: value}
    assert feel("get value(c, k)", c=context, k=name) == context.get(name)
    assert feel("context(get entries(c))", c=context) == context
    assert feel("context merge([c, {b: v}])", c=context, v=value) == {**context, "b": value}
