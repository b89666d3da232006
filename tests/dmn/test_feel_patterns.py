"""Patterns (DMN 1.5, 10.3.4.3; XPath's regular expressions) in matches, replace and split."""

from __future__ import annotations

import time

import pytest
from feel_rows import answer, check, rows

from mlc.dmn.errors import LimitExceededError


@rows(
    r"""
    matches("foobar", "^fo*b") => true
    matches("foobar", "^fo*b", null) => true
    matches("FOO", "foo", "i") => true
    matches("\u212A", "k", "i") => true
    matches("q", "[^Q]", "i") => false
    matches("a\nb", "a.b") => false
    matches("a\rb", "a.b") => false
    matches("a\nb", "a.b", "s") => true
    matches("a\nb", "^b$") => false
    matches("a\nb", "^b$", "m") => true
    matches("hello world", " hello[ ]world ", "x") => true
    matches("hello world", "\p{ Is BasicLatin}+", "x") => true
    matches("a.b", "A.B", "qi") => true
    matches("axb", "a.b", "q") => false
    matches("x", "[a-z-[aeiou]]") => true
    matches("e", "[a-z-[aeiou]]") => false
    matches("O", "[A-Z-[OI]]", "i") => false
    matches("7", "[\d-[5-9]]") => false
    matches("٣", "^\d$") => true
    matches("é_", "^\w$") => false
    matches("é", "^\w$") => true
    matches("a b", "^\S\s\S$") => true
    matches("_a-1", "^\i\c*$") => true
    matches("-a", "^\I\c$") => true
    matches("\u03b1", "^\p{IsGreek}$") => true
    matches("\u03b1", "^\p{Ll}\P{Ll}*$") => true
    matches("-", "[a-c-]") => true
    matches("a", "[^a]") => false
    matches("aA", "(a)\1", "i") => true
    matches("a$", "a\$") => true
    matches("aaa", "^a{2,3}$") => true
    matches("🐎", "^.$") => true
    replace("abracadabra", "bra", "*") => "a*cada*"
    replace("abracadabra", "a.*?a", "*") => "*c*bra"
    replace("abcd", "(ab)|(a)", "[1=$1][2=$2]") => "[1=ab][2=]cd"
    replace("facetiously", "[iouy]", "[$0]") => "facet[i][o][u]sl[y]"
    replace("abc", "(b)", "$12") => "ab2c"
    replace("abc", "b", "\$\\\\") => "a$\\c"
    replace("a.c", ".", "$1", "q") => "a$1c"
    replace("0123456789", "(\d{3})(\d{3})(\d{4})", "($1) $2-$3") => "(012) 345-6789"
    replace(input: "abc", pattern: "[A-Z]", replacement: "#", flags: "i") => "###"
    split("John Doe", "\s") => ["John", "Doe"]
    split("a;b;c;;", ";") => ["a", "b", "c", "", ""]
    split("", ",") => [""]
    """
)
def test_patterns(expression, wanted) -> None:
    check(expression, wanted)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (r'matches("a", "(")', "a group does not end"),
        (r'matches("a", "a)")', "too many"),
        (r'matches("a", "[a")', "breaks off"),
        (r'matches("a", "[z-a]")', "the wrong way round"),
        (r'matches("a", "a**")', "must not stand there"),
        (r'matches("a", "a{2}{3}")', "must not stand there"),
        (r'matches("a", "a{1001}")', "repetition"),
        (r'matches("a", "(?=a)")', "a group begins with"),
        (r'matches("a", "\b")', r"no "),
        (r'matches("a", "\p{Xx}")', "no category"),
        (r'matches("a", "\p{IsNowhere}")', "not known"),
        (r'matches("a", "(a+)\1")', "not supported"),
        (r'matches("a", "(a)\2")', "no group 2"),
        (r'matches("a", "(a)[\1]")', "in a class"),
        (r'matches("a", "a", "p")', "no flag"),
        (r'matches("a", "a", " ")', "no flag"),
        (r'replace("abc", "x*", "-")', "must not fit the empty string"),
        (r'replace("abc", "b", "$")', "a number must follow"),
        (r'replace("abc", "b", "\n\q")', "may follow"),
        (r'split("abc", "")', "must not fit the empty string"),
    ],
)
def test_a_pattern_that_is_not_right_is_null_and_a_problem(expression, reason) -> None:
    value, problems = answer(expression)
    assert value is None
    assert reason in problems[0]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_ruin_other_engines_take_no_time(pattern) -> None:
    start = time.process_time()
    value, problems = answer("matches(text, pattern)", text="a" * 5_000 + "!", pattern=pattern)
    assert (value, problems) == (False, [])
    assert time.process_time() - start < 5


def test_a_text_that_is_too_long_for_a_large_pattern_reaches_a_limit() -> None:
    with pytest.raises(LimitExceededError, match="too long for so large a pattern"):
        answer("matches(text, pattern)", text="x" * 100_000, pattern="[a-z]{0,900}[a-z]{0,900}Q")
    with pytest.raises(LimitExceededError, match="steps"):
        answer("replace(replace(text, pattern, text), pattern, text)", text="a" * 10_000, pattern="a")
