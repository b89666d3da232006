"""What an expression may take: steps, depth, time and memory (the built-ins pay for what they do)."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from feel_rows import answer

from mlc.dmn import DmnError, Kind
from mlc.dmn.errors import FeelSyntaxError

DOUBLED = "for i in 1..60 return if i = 1 then {} else [partial[-1], partial[-1]]"
LONG = 'for i in 1..20 return if i = 1 then "xxxxxxxx" else partial[-1] + partial[-1]'
NUMBERS = "for i in 1..20000 return i"

REFUSED = {
    "a product of ranges": "for i in 1..30000, j in 1..30000 return i * j",
    "a range without end": "count(for d in @\"-999999999-01-01\"..@\"999999999-12-31\" return d)",
    "a function that calls itself": "{f: function(g, n) g(g, n + 1), r: f(f, 1)}.r",
    "strings that double": 'for i in 1..60 return if i = 1 then "xxxxxxxx" else partial[-1] + partial[-1]',
    "joined strings that double":
        'for i in 1..60 return if i = 1 then "xxxxxxxx" else string join([partial[-1], partial[-1]])',
    "replacements that multiply":
        '{s: string join(for i in 1..10000 return "a"), t: replace(s, "a", s), u: replace(t, "a", s)}.u',
    "lists that double": "for i in 1..60 return if i = 1 then [1] else concatenate(partial[-1], partial[-1])",
    "the text of a doubled list": f"string({DOUBLED.format(1)})",
    "a doubled list made flat": f"flatten({DOUBLED.format(1)})",
    "a doubled list as a result": f"({DOUBLED.format('[1]')})[-1]",
    "a deep list": "(for i in 1..2000 return if i = 1 then [1] else [partial[-1]])[-1]",
    "results so far as results": "for i in 1..40 return partial",
    "many large numbers as text": "string(for i in 1..100000 return 1e6144)",
    "unlike lists made distinct":
        "{b: for i in 1..4000 return i, l: for i in 1..500 return append(b, i), r: distinct values(l)}.r",
    "a list looked through for each item": f"{{b: {NUMBERS}, r: for i in b return i in b}}.r",
    "a list copied for each item": f"{{b: {NUMBERS}, r: for i in b return list replace(b, 1, i)}}.r",
    "a list sorted for each item": f"{{b: {NUMBERS}, r: for i in b return median(b)}}.r",
    "a context that grows":
        "for i in 1..30000 return if i = 1 then {} else context put(partial[-1], string(i), i)",
    "a slow order": f"sort({NUMBERS}, function(a, b) count(for i in 1..100 return i) > a + b)",
    "long strings in capitals": f"{{s: {LONG}, r: for i in 1..30000 return upper case(s[-1])}}.r",
    "a long string taken apart": f'{{s: {LONG}, r: split(s[-1], "x")}}.r',
    "many logarithms": "for i in 1..200000 return log(i)",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_takes_too_much_reaches_a_limit_soon(feel, text) -> None:
    start = time.thread_time()
    evaluation = feel(text)
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])
    assert time.thread_time() - start < 5  # and not minutes, or for ever


ANSWERED = {
    "power of powers": ("9 ** 9 ** 9 > 0", True),
    "doubled lists are equal": (f"({DOUBLED.format(1)}) = ({DOUBLED.format(1)})", True),
    "doubled lists are not equal": (f"({DOUBLED.format(1)}) = ({DOUBLED.format(2)})", False),
    "many numbers made distinct": ("count(distinct values(for i in 1..10000 return modulo(i, 7)))", 7),
    "many signs": ("-" * 10_000 + "1", 1),
    "a long sum": ("1" + " + 1" * 4_000, 4_001),
    "a long sort": ("sort(for i in 1..20000 return -i)[1]", -20_000),
}


@pytest.mark.parametrize(("text", "wanted"), ANSWERED.values(), ids=ANSWERED)
def test_what_only_looks_too_much_is_answered(feel, text, wanted) -> None:
    evaluation = feel(text)
    assert (evaluation.result, evaluation.problems) == (wanted, [])


DEEP = [
    "(" * 100_000 + "1" + ")" * 100_000,
    "(" * 5_000 + "1" + ")" * 5_000,
    "[" * 5_000 + "]" * 5_000,
    "{a:" * 3_000 + "1" + "}" * 3_000,
    "if true then " * 400 + "1" + " else 2" * 400,
    "not(" * 3_000 + "true" + ")" * 3_000,
    "function(a) " * 1_500 + "1",
    "1 instance of " + "list<" * 3_000 + "number" + ">" * 3_000,
    "[1]" + "[1]" * 5_000,
    "a" + ".a" * 5_000,
]


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:12])
def test_what_is_nested_too_deep_is_refused_when_it_is_loaded(feel, text) -> None:
    with pytest.raises(DmnError) as caught:
        feel(text)
    assert len(str(caught.value)) < 500


def test_names_that_are_much_alike_are_told_apart_in_linear_time() -> None:
    names = {" ".join(["a"] * length) + " b": 1 for length in range(1, 58)}
    start = time.thread_time()
    with pytest.raises(FeelSyntaxError):
        answer("a " * 9_000, **names)
    assert time.thread_time() - start < 5


def test_a_refused_expression_takes_little_memory(feel) -> None:
    tracemalloc.start()
    feel(REFUSED["strings that double"])
    feel(REFUSED["lists that double"])
    feel(REFUSED["a doubled list made flat"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000_000
