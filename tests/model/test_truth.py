"""Identifiers, labels and times of truth: what is the same, and what can't be any."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mlc.model.truth import KeptTruth, NoTruth, identifier_of, label_of, time_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("seven", [7, 7.0, "7", "7.0", "7.00"])
def test_a_whole_number_is_one_identifier_in_whatever_form_it_comes(seven: object) -> None:
    assert identifier_of(seven) == "7"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("007", "007"),
        ("07.0", "07.0"),
        ("7.", "7."),
        ("7.5", "7.5"),
        (" 7", " 7"),
        ("7e0", "7e0"),
        ("\u0667", "\u0667"),
        (-7.0, "-7"),
        ("-7.0", "-7"),
        (-0.0, "0"),
        ("-0", "0"),
        (2**53 - 1.0, "9007199254740991"),
        (10**40, "1" + "0" * 40),
        ("9007199254740993.0", "9007199254740993"),
        ("True", "True"),
        ("a\nb", "a\nb"),
        ("x" * 500, "x" * 500),
    ],
)
def test_any_other_text_is_an_identifier_as_it_stands(given: object, text: str) -> None:
    assert identifier_of(given) == text


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, "missing, or null"),
        ("", "missing, or null"),
        (7.5, "not whole"),
        (math.nan, "not whole"),
        (math.inf, "not whole"),
        (2.0**53, "too large to be exact"),
        (True, "a text or a whole number"),
        ([7], "a text or a whole number"),
        ({}, "a text or a whole number"),
        (b"7", "a text or a whole number"),
        ("x" * 501, "more than 500 characters"),
        ("x" * 10_000_000, "more than 500 characters"),
        (10**600, "more than 500 characters"),
        (10**100_000, "more than 500 characters"),
        ("a\0", "a character that is none"),
        ("\ud800", "a character that is none"),
    ],
    ids=lambda given: repr(given)[:20] if not isinstance(given, int) or abs(given) < 10**20 else "huge",
)
def test_what_is_no_identifier_is_refused_in_a_sentence(given: object, problem: str) -> None:
    with pytest.raises(NoTruth, match=problem):
        identifier_of(given)


@pytest.mark.parametrize("label", ["yes", "", "1", 1, 1.0, 1.5, True, False, 0, -3, "ä\n", "x" * 998])
def test_a_label_is_any_one_value_of_json_and_stays_what_it_is(label: object) -> None:
    again = json.loads(label_of(label))
    assert (again, type(again)) == (label, type(label))


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        (None, "missing, or null"),
        (math.nan, "no number, or infinite"),
        (-math.inf, "no number, or infinite"),
        ([1], "a text, a number, or true or false"),
        ({"a": 1}, "a text, a number, or true or false"),
        ("x" * 1_001, "more than 1000 characters"),
        ('"' * 999, "more than 1000 characters"),
        (10**1_000, "more than 1000 characters"),
        (10**100_000, "more than 1000 characters"),
        ("\0", "a character that is none"),
        ("\udfff", "a character that is none"),
    ],
    ids=lambda given: repr(given)[:20] if not isinstance(given, int) or abs(given) < 10**20 else "huge",
)
def test_what_is_no_label_is_refused_in_a_sentence(label: object, problem: str) -> None:
    with pytest.raises(NoTruth, match=problem):
        label_of(label)


@pytest.mark.parametrize("given", ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01 12:00+00:00", NOW])
def test_a_time_is_a_moment_in_utc(given: object) -> None:
    found = time_of(given, now=NOW)
    assert (found, found.utcoffset()) == (NOW, timedelta(0))


@pytest.mark.parametrize("given", ["2026-03-01T12:00:00", "2026-03-01", NOW.replace(tzinfo=None)])
def test_a_time_without_a_zone_is_in_utc_only_if_that_is_said(given: object) -> None:
    with pytest.raises(NoTruth, match="no zone: write it as 2026-03-01T12:00:00Z"):
        time_of(given, now=NOW)
    assert time_of(given, now=NOW, utc=True).date() == NOW.date()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, "missing, or null"),
        ("", "is no time"),
        ("yesterday", "is no time"),
        (1_700_000_000, "is no time"),
        (date(2026, 1, 1), "is no time"),
        (True, "is no time"),
        ("9" * 1_000_000, "is no time"),
        ("2026-03-01T12:05:01Z", "in the future"),
        ("9999-12-31T23:59:59-12:00", "can be"),
        ("0001-01-01T00:00:00+12:00", "can be"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), "can be"),
    ],
    ids=lambda given: repr(given)[:20],
)
def test_what_is_no_time_is_refused_in_a_sentence(given: object, problem: str) -> None:
    with pytest.raises(NoTruth, match=problem):
        time_of(given, now=NOW)


def test_a_clock_may_be_a_little_ahead() -> None:
    assert time_of("2026-03-01T12:05:00Z", now=NOW) == NOW + timedelta(minutes=5)


def test_what_became_of_pieces_is_added_up() -> None:
    assert KeptTruth(1, 2, 3, 4).plus(KeptTruth(10, 20, 30, 40)) == KeptTruth(11, 22, 33, 44)
