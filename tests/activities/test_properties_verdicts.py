"""Whatever a decision table asks: no value that is taken away turns a model that does not pass into one that does.

With `MLC_ON_MISSING_METRIC=fail`, as it is unless somebody sets it: with `warn` and `ignore` somebody asked that what
is missing be let through. And no cell here asks for null: then null is a value, of which the author said what follows.
"""

from datetime import UTC, datetime
from typing import Any

from decision_files import decision, file, literal, logic
from hypothesis import given
from hypothesis import strategies as st

from activities.judging import Put, judged
from mlc.settings import ProcessSettings
from tests.dmn.property_settings import examples

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NAMES = ("a", "b", "c", "more", "items")
NUMBERS = (
    *("a", "b", "c", "more.x", "a-b", "a * 100", "a + b", "a - c", "-a", "min([a, b])", "max(items)", "sum(items) - a"),
    *("abs(c)", "more.x + a", "if a > 1 then 1 else 2", "if a = b then 1 else 0", "if more.x > 1 then 1 else 2"),
    *("if a > 1 or b > 1 then 1 else 2", "{x: a}.x", "count(items[item > a])", "count([a, b][item > 1])", "items[1]"),
)
NUMBER_CELLS = (
    *(
        "-",
        "",
        "< 2",
        ">= 1",
        "1",
        "1, 2",
        "[1..2]",
        "(1..3)",
        "[0..1), 3",
        "not(1)",
        "not(< 2)",
        "not([1..2])",
        "!= 1",
    ),
    *("b", "< b", "= b", "!= b", "[a..b]", "b, c", "b + 1", "min(b, c)", "more.x", "< more.x", "not(b)", "prod"),
    *("? < 2", "? > b", "? * 2 > b", "? = b", "? != b", "? + 1", "? in [1..2]", "? in (b, 1)", "abs(?) > 1"),
    *("list contains([1, 2], ?)", "not(list contains([1], ?))", "list contains(items, ?)", "? = 1 or b > 1"),
    *("if ? > 1 then true else false", "if b > 1 then ? > 1 else ? < 2", "count(items[item > ?]) > 1"),
    *("some i in items satisfies i > ?", "? instance of number", "not(? > 1)", "not(? = b)", "b > 1", "a = b"),
    *("${a < 2}", "${!(a >= 2)}", "${a == b || b > 1}", "${more.x > 1}"),
)
BOOLEANS = (
    *("list contains([1, 2], a)", "list contains(items, b)", "a in [1..2]", "a > b", "a = b", "not(a > 1)", "${a < b}"),
    *("a = b or b > 2", "some i in items satisfies i > a", "every i in items satisfies i > a"),
)
BOOLEAN_CELLS = (
    "-",
    "true",
    "false",
    "not(true)",
    "not(false)",
    "? = true",
    "not(?)",
    "? or b > 1",
    "!= true",
    "b > 1",
)
STRINGS = ("string(a)", "rating", 'if c > a then "bad" else "good"')
STRING_CELLS = ("-", '"bad"', '"good"', '"1"', 'not("good")', 'not("bad", "1")', '? != "good"', 'starts with(?, "b")')
OTHERS = ("more", "items", "for i in items return i + a", "items[item > a]")
OTHER_CELLS = ("-", "count(?) > 1", "?.x > 1", "not(?.x > 1)", "list contains(?, b)", "[[0], [1]]", "?[1] > b")
COLUMNS = ((NUMBERS, NUMBER_CELLS), (NUMBERS, NUMBER_CELLS), (BOOLEANS, BOOLEAN_CELLS), (STRINGS, STRING_CELLS),
           (OTHERS, OTHER_CELLS))  # fmt: skip
SAYS = (
    *("true", "false", '"true"', '"false"', '"no"', "0", "1", "", '"fine"'),
    *("a > 1", "not(a > 1)", 'if b > 1 then "true" else "false"', "a = b", "a != b", "list contains([1], c)"),
    *("count(items) > 1", 'if more.x > 1 then "false" else "true"', "some i in items satisfies i > b"),
)
POLICIES = ("UNIQUE", "ANY", "FIRST", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "COLLECT", "COLLECT")
AGGREGATIONS = ("", "", "", ' aggregation="COUNT"', ' aggregation="MIN"', ' aggregation="MAX"')
ORDER = '<outputValues><text>"false", false, "no", "true", true</text></outputValues>'
RATINGS = ('if c > 1 then "bad" else "good"', 'if c > 1 or a > 1 then "good" else "bad"', "c", "c > a", "max([c, a])")
VALUES = st.fixed_dictionaries(
    {
        **{name: st.integers(0, 3) for name in "abc"},
        "more": st.fixed_dictionaries({"x": st.integers(0, 3)}),
        "items": st.lists(st.integers(0, 3), min_size=1, max_size=3),
    }
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A table of any hit policy, perhaps with a required decision and default outputs; or an expression."""
    kinds = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=2))
    columns = [draw(st.sampled_from(expressions)) for expressions, _ in kinds]
    says = st.sampled_from(draw(st.sampled_from([SAYS, ("false",), ("true", "false"), ('"true"', '"no"')])))
    row = st.tuples(*(st.sampled_from(cells) for _, cells in kinds), says)
    rows = draw(st.lists(row, min_size=1, max_size=3))
    policy = draw(st.sampled_from(POLICIES))
    default = draw(st.sampled_from(["", "", "", "true", "false", "a > 1", "not(b > 1)"]))
    more = draw(st.sampled_from(AGGREGATIONS)) if policy == "COLLECT" else ""
    table = logic(columns, rows, policy, more=more, defaults=(default,))
    if policy in ("PRIORITY", "OUTPUT ORDER"):
        table = table.replace("</output>", f"{ORDER}</output>")
    box = draw(st.sampled_from(["table", "table", "table", "context"]))
    if box == "context":
        expression = draw(st.sampled_from([each for each in SAYS if each]))
        return decision("D", literal(f"{{passes: {expression}}}"))
    if "rating" in columns:
        return decision("rating", literal(draw(st.sampled_from(RATINGS)))) + decision("D", table, "rating")
    return decision("D", table)


def without(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The same values, each missing once and null once, and so are members and items."""
    changed = []
    for name in values:
        changed.append({key: value for key, value in values.items() if key != name})
        changed.append({**values, name: None})
    changed += [{**values, "more": {}}, {**values, "more": {"x": None}}]
    return [*changed, dict.fromkeys(values), {}]


@examples(200)
@given(files(), st.lists(VALUES, min_size=2, max_size=2), st.sampled_from(["pass", "warn", "fail"]))
def test_no_value_that_is_dropped_or_null_turns_what_does_not_pass_into_a_pass(
    body: str, tried: list[dict[str, Any]], on_no_match: Any
) -> None:
    settings = ProcessSettings(on_no_match=on_no_match)
    table = file(body)
    for values in tried:
        if not judged([table], Put(values), NOW, settings).passed:
            for changed in without(values):
                assert not judged([table], Put(changed), NOW, settings).passed, changed
