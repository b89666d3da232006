"""Texts of FEEL by its grammar, with every built-in, called rightly and wrongly."""

from __future__ import annotations

from hypothesis import strategies as st

from mlc.dmn.feel.builtins import BUILTINS
from mlc.dmn.feel.types import TYPES
from tests.fuzz.targets import INPUTS

NUMBERS = st.one_of(
    st.integers(-3, 12).map(str),
    st.decimals(-1000, 1000, places=3).map(lambda number: f"{number:f}"),
    st.sampled_from(["1e400", "1e-6000", "99999999999999999999999999999999999", ".5", "0.000", "1e6144", "-0"]),
)
STRINGS = st.one_of(
    st.sampled_from(
        ['""', '"a"', '"ab cd"', '"\\u00e9\\n"', '"[a-c]+(x)?"', '"$1"', '"1.000,5"', '"{"', '"P1D"', '"1"']
    ),
    st.text("ab\u00e9\U0001f40e 1.-:", max_size=6).map(lambda text: f'"{text}"'),
)
TEMPORAL = st.sampled_from(
    ['date("2026-07-31")', '@"2024-02-29"', '@"9999-12-31"', '@"0001-01-01"', 'time("10:30:00")', "now()", "today()",
     '@"23:59:59.999+14:00"', '@"10:30:00@Europe/Paris"', '@"2026-03-29T02:30:00@Europe/Paris"', 'date(2026, 13, 1)',
     '@"2026-07-31T10:30:00Z"', '@"2026-07-31T10:30:00"', '@"P1Y2M"', '@"-P13M"', '@"P1DT2H"', '@"-PT0.000001S"',
     '@"P999999999D"', '@"P99999999999999Y"', 'date("2026-02-30")', 'duration("")', '@"-999999999-01-01"']
)  # fmt: skip
NAMES = st.sampled_from([*INPUTS, "item", "partial", "unheard of", "a", "i", "?"])
LEAVES = st.one_of(NUMBERS, STRINGS, TEMPORAL, NAMES, st.sampled_from(["true", "false", "null", "[]", "{}"]))
OPERATORS = st.sampled_from(["+", "-", "*", "/", "**", "=", "!=", "<", "<=", ">", ">=", "and", "or"])
MEMBERS = st.sampled_from(
    ["a", "b c", "year", "month", "day", "weekday", "hour", "minute", "second", "time offset", "timezone", "days",
     "months", "years", "hours", "value", "start", "end", "start included", "end included", "nothing"]
)  # fmt: skip
TYPE_NAMES = st.one_of(
    st.sampled_from(sorted(TYPES)),
    st.sampled_from(
        ["list<number>", "range<date>", "context<a: number>", "function<number> -> string", "list<list<Any>>"]
    ),
)
PARAMETERS = {
    name: sorted({p.name for s in getattr(function, "signatures", ()) for p in s.parameters} | set(function.parameters))
    for name, function in BUILTINS.items()
}
CALLABLE = st.sampled_from(sorted(BUILTINS))


def ranges(ends: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Ranges of all kinds of brackets, and those with one end."""
    return st.one_of(
        st.builds(
            "{}{}..{}{}".format, st.sampled_from("[(]"), ends, ends, st.sampled_from("])[")
        ),
        st.builds("({} {})".format, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), ends),
    )  # fmt: skip


@st.composite
def named_call(draw: st.DrawFn, arguments: st.SearchStrategy[str]) -> str:
    """A built-in with arguments by name, most of them names that it has."""
    name = draw(CALLABLE)
    names = draw(st.lists(st.sampled_from([*PARAMETERS[name], "other"]), unique=True, max_size=3))
    return f"{name}({', '.join(f'{one}: {draw(arguments)}' for one in names)})"


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What is made of other expressions."""
    lists = st.lists(inner, max_size=3).map(", ".join)
    quantifier = st.sampled_from(["some", "every"])
    build = st.builds
    return st.one_of(
        build("({} {} {})".format, inner, OPERATORS, inner),
        build("{} {} {}".format, inner, OPERATORS, inner),
        build("-{}".format, inner),
        build("({})".format, inner),
        build("[{}]".format, lists),
        build("{{a: {}, b c: {}}}".format, inner, inner),
        build("{}[{}]".format, inner, inner),
        build("{}.{}".format, inner, MEMBERS),
        build("(if {} then {} else {})".format, inner, inner, inner),
        build("(for i in {} return {})".format, inner, inner),
        build("(for i in {}, j in {} .. {} return {})".format, inner, inner, inner, inner),
        build("({} i in {} satisfies {})".format, quantifier, inner, inner),
        build("({} in {})".format, inner, inner),
        build("({} in ({}))".format, inner, lists),
        build("({} between {} and {})".format, inner, inner, inner),
        build("({} instance of {})".format, inner, TYPE_NAMES),
        build("(function(a, i: number) {})({})".format, inner, lists),
        build("{{f: function(a) {}, r: f({})}}.r".format, inner, inner),
        build("{}({})".format, CALLABLE, lists),
        build("sort({}, function(a, i) {})".format, inner, inner),
        ranges(inner),
        named_call(inner),
    )


EXPRESSIONS = st.recursive(LEAVES, compound, max_leaves=10)
TESTS = st.one_of(
    EXPRESSIONS,
    st.lists(
        st.one_of(
            EXPRESSIONS,
            ranges(LEAVES),
            st.builds("{} {}".format, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), LEAVES),
        ),
        min_size=1,
        max_size=3,
    ).map(", ".join),
    EXPRESSIONS.map("not({})".format),
)
