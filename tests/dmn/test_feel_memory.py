"""What an evaluation may take of memory: counted while a value grows, not when it is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from feel_rows import answer

from mlc.dmn.errors import LimitExceededError
from mlc.dmn.feel import run as limits

#: Megabytes that a process may grow by, its garbage and what the count does not see included.
MOST = 100

LITERALS = ", ".join(["[]"] * 2_000)
CONTEXTS = ", ".join(["{a: 1}"] * 1_500)
SUMS = ", ".join(["x + 1"] * 2_500)
NAMES = ", ".join(f"n{number}: {number}" for number in range(900))
CONTEXT = "context(for i in 1..9000 return {key: string(i), value: i})"
LONG = 'for i in 1..19 return if i = 1 then "xxxxxxxx" else partial[-1] + partial[-1]'

GROWING = {
    "all results so far, kept": "for i in 1..200000 return partial",
    "all results so far, kept in a list": "for i in 1..200000 return [partial, i]",
    "all results so far, kept by a function": "for i in 1..200000 return function() partial",
    "all results so far, kept in a context": "for i in 1..200000 return {a: partial}",
    "lists in a function": f"{{f: function(x) [{LITERALS}], r: for i in 1..100000 return f(i)}}.r",
    "contexts in a function": f"{{f: function(x) [{CONTEXTS}], r: for i in 1..100000 return f(i)}}.r",
    "numbers in a function": f"{{f: function(x) [{SUMS}], r: for i in 1..100000 return f(i)}}.r",
    "functions that keep their scope": f"{{{NAMES}, r: for i in 1..100000 return function() i}}.r",
    "nested contexts": f"{{{NAMES}, r: for i in 1..100000 return {{a: {{b: {{c: i}}}}}}}}.r",
    "contexts put": f'{{c: {CONTEXT}, r: for i in 1..100000 return context put(c, "x", i)}}.r',
    "contexts merged": f"{{c: {CONTEXT}, r: for i in 1..100000 return context merge([c, {{x: i}}])}}.r",
    "entries of contexts": f"{{c: {CONTEXT}, r: for i in 1..100000 return get entries(c)}}.r",
    "lists put together": "{l: for i in 1..9000 return i, r: for i in 1..100000 return concatenate(l, l)}.r",
    "lists appended to": "{l: for i in 1..9000 return i, r: for i in 1..100000 return append(l, i)}.r",
    "lists united": "{l: for i in 1..9000 return i, r: for i in 1..100000 return union(l, [i])}.r",
    "lists made flat": "{l: for i in 1..9000 return i, r: for i in 1..100000 return flatten([l, [l, l]])}.r",
    "lists filtered": "{l: for i in 1..9000 return i, r: for i in 1..100000 return l[item > 0]}.r",
    "lists turned round": "{l: for i in 1..9000 return i, r: for i in 1..100000 return reverse(l)}.r",
    "places in a list": "{l: for i in 1..9000 return 1, r: for i in 1..100000 return index of(l, 1)}.r",
    "parts of a text": f'{{s: ({LONG})[-1], r: for i in 1..100000 return split(s, "x")}}.r',
    "texts replaced": f'{{s: ({LONG})[10], r: for i in 1..100000 return replace(s, "x", s)}}.r',
    "texts joined": f"{{s: ({LONG})[-1], r: for i in 1..100000 return string join([s, s, s])}}.r",
    "texts in wide letters": f'{{s: ({LONG})[-1] + "\U0001f600", r: for i in 1..100000 return s + string(i)}}.r',
    "texts with a delimiter": f'{{s: ({LONG})[-1], r: string join(for i in 1..9000 return "", s)}}.r',
    "pieces of text": f"{{s: ({LONG})[-1], r: for i in 1..100000 return substring(s, 2)}}.r",
    "all numbers of a range": "for i in 1..99999999 return i",
    "all pairs of two ranges": "for i in 1..9999, j in 1..9999 return [i, j]",
    "doubling lists": "for i in 1..60 return if i = 1 then [1] else concatenate(partial[-1], partial[-1])",
    "a function that calls itself": "{f: function(f, l, n) [l, f(f, concatenate(l, l), n + 1)], r: f(f, [1, 2], 1)}.r",
    "text of lists": "{l: for i in 1..9000 return i, r: for i in 1..100000 return string(l)}.r",
}


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Any]]:
    rules = "<rule><inputEntry><text>-</text></inputEntry><outputEntry><text>x</text></outputEntry></rule>" * 900
    table = f"""<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" namespace="n" name="m">
      <businessKnowledgeModel id="f" name="f"><encapsulatedLogic><formalParameter name="x"/>
      <decisionTable hitPolicy="COLLECT"><input><inputExpression><text>x</text></inputExpression></input>
      <output name="o"/>{rules}</decisionTable></encapsulatedLogic></businessKnowledgeModel>
      <decision id="d" name="d"><knowledgeRequirement><requiredKnowledge href="#f"/></knowledgeRequirement>
      <literalExpression><text>for i in 1..100000 return f(i)</text></literalExpression></decision></definitions>"""
    texts = {**GROWING, "rules that match in a function": table}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("peak_memory.py"))],
        input="".join(json.dumps(text) + "\n" for text in texts.values()),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return dict(zip(texts, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what a process has taken")
@pytest.mark.parametrize("name", [*GROWING, "rules that match in a function"])
def test_what_grows_without_end_meets_a_limit_in_little_memory(measured, name) -> None:
    assert set(measured[name]["problems"]) == {"limit"}
    assert measured[name]["megabytes"] < MOST


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what a process has taken")
def test_what_is_measured_is_what_is_taken(measured) -> None:
    assert measured["places in a list"]["megabytes"] > 30


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("count(for i in 1..20000 return if i < 3 then 1 else partial[-1] + partial[-2] * 0)", 20_000),
        ("count(for i in 1..50000 return [i, i])", 50_000),
        ("count(for i in 1..60000 return {a: i})", 60_000),
        ("count(for i in 1..15000 return count(partial))", 15_000),
        ("(for i in 1..20000 return sum(partial[item > 19990]))[1]", None),
    ],
)
def test_what_only_looks_like_much_is_answered(text, wanted) -> None:
    if wanted is None:
        with pytest.raises(LimitExceededError):
            answer(text)
        return
    assert answer(text) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("for i in 1..4 return partial", [[], [[]], [[], [[]]], [[], [[]], [[], [[]]]]]),
        ("for i in 1..3 return {p: partial}.p", [[], [[]], [[], [[]]]]),
        ("for f in (for i in 1..3 return function() count(partial)) return f()", [0, 1, 2]),
        ("for l in (for i in 1..3 return [partial, i]) return count(l[1])", [0, 1, 2]),
        ("for i in 1..4 return count(partial) + i", [1, 3, 5, 7]),
        ("for i in 1..3 return (for j in 1..2 return partial)", [[[], [[]]]] * 3),
        ("for i in 1..3, j in 1..2 return count(partial)", [0, 1, 2, 3, 4, 5]),
        ("for i in 1..3 return if i = 2 then partial else count(partial)", [0, [0], 2]),
        ("(for i in 1..3 return some p in partial satisfies p)", [False, False, False]),
    ],
)
def test_the_results_so_far_are_those_of_their_moment(text, wanted) -> None:
    assert answer(text) == (wanted, [])


def test_the_problem_names_the_limit() -> None:
    with pytest.raises(LimitExceededError, match=f"more than {limits.MEMORY // 1024**2} MiB of memory"):
        answer(GROWING["all results so far, kept"])
