"""`now()` and `today()` go by the clock that is handed in, and by nothing else."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dmn_text import decision, dmn, knowledge_model, service

import mlc.dmn
from mlc.dmn.feel import run

MIDNIGHT = datetime(2026, 8, 1, tzinfo=UTC)
LAST_YEAR = datetime(2025, 3, 4, 5, 6, 7, 890_000, UTC)
ENGINE = Path(mlc.dmn.__file__).parent


class Clock(datetime):
    """A machine's clock that goes on by a day at every look, and counts the looks."""

    looks = 0

    @classmethod
    def now(cls, tz: object = None) -> Clock:
        cls.looks += 1
        return cls(2026, 1, cls.looks, tzinfo=UTC)


def model(text: str) -> mlc.dmn.DecisionModel:
    return mlc.dmn.load(dmn(decision("x", text)))


def test_now_and_today_are_those_of_the_clock_that_is_handed_in() -> None:
    assert model("[now(), today()]").evaluate({}, now=LAST_YEAR).result == [LAST_YEAR, date(2025, 3, 4)]


def test_judging_again_with_the_same_moment_gives_the_same_and_with_another_may_not(table) -> None:
    old = mlc.dmn.load(table(["trained"], ["passes"], [['< today() - duration("P90D")', "false"]], "UNIQUE"))

    def judged(now: datetime) -> mlc.dmn.Evaluation:
        return old.evaluate({"trained": date(2026, 1, 1)}, now=now)

    soon, late = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
    assert judged(soon) == judged(soon)
    assert judged(soon).matched_rules == []
    assert judged(late).matched_rules != []
    assert judged(soon).matched_rules == []  # nothing is left of the evaluation between


def test_all_that_an_evaluation_goes_through_has_the_same_clock() -> None:
    parts = mlc.dmn.load(
        dmn(
            decision("First", "now()"),
            decision("Inside", "now()"),
            service("Answer", ["Inside"]),
            knowledge_model("f", ["n"], "now()"),
            decision(
                "x",
                "[First, Answer(), f(1), (function() now())(), for i in 1..2 return now(), sort([2, 1], "
                "function(a, b) now() < now()), {t: now()}.t]",
                decisions=["First"],
                knowledge=["Answer", "f"],
            ),
        )
    )
    evaluation = parts.evaluate({}, "x", now=LAST_YEAR)
    assert evaluation.problems == []
    assert evaluation.result == [*[LAST_YEAR] * 4, [LAST_YEAR] * 2, [2, 1], LAST_YEAR]
    assert parts.evaluate({}, "Answer", now=LAST_YEAR).result == LAST_YEAR
    assert parts.evaluate({"n": 1}, "f", now=LAST_YEAR).result == LAST_YEAR


def test_without_a_clock_the_machines_is_read_once_an_evaluation_and_anew_in_the_next(monkeypatch) -> None:
    monkeypatch.setattr(run, "datetime", Clock)
    monkeypatch.setattr(Clock, "looks", 0)
    twice = model("for i in 1..3 return today()")
    assert twice.evaluate({}).result == [date(2026, 1, 1)] * 3
    assert twice.evaluate({}).result == [date(2026, 1, 2)] * 3
    assert twice.evaluate({}, now=LAST_YEAR).result == [date(2025, 3, 4)] * 3
    assert Clock.looks == 2


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (MIDNIGHT - timedelta(microseconds=1), date(2026, 7, 31)),
        (MIDNIGHT, date(2026, 8, 1)),
        (datetime(2026, 8, 1, 1, 59, tzinfo=ZoneInfo("Europe/Berlin")), date(2026, 7, 31)),
        (datetime(2026, 8, 1, 2, 0, tzinfo=ZoneInfo("Europe/Berlin")), date(2026, 8, 1)),
        (datetime(2026, 7, 31, 19, 59, tzinfo=ZoneInfo("America/New_York")), date(2026, 7, 31)),
        (datetime(2026, 7, 31, 20, 0, tzinfo=ZoneInfo("America/New_York")), date(2026, 8, 1)),
        (datetime(2026, 8, 1, 13, 59, tzinfo=timezone(timedelta(hours=14))), date(2026, 7, 31)),
    ],
)
def test_today_is_the_day_of_utc_whatever_the_zone_of_the_clock(moment: datetime, day: date) -> None:
    now, today = model("[now(), today()]").evaluate({}, now=moment).result
    assert (now, now.tzinfo, today) == (moment, UTC, day)


@pytest.mark.parametrize(
    ("moment", "error", "says"),
    [
        (datetime(2026, 7, 31, 10), ValueError, "now has no time zone: 2026-07-31T10:00:00 is"),  # noqa: DTZ001
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), ValueError, "UTC has no date for"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), ValueError, "UTC has no date for"),
        (date(2026, 7, 31), TypeError, "not date"),
        ("2026-07-31T10:00:00Z", TypeError, "not str"),
        (0, TypeError, "not int"),
    ],
)
def test_what_is_no_moment_is_an_error_that_says_so_even_if_nothing_asks_for_it(moment, error, says: str) -> None:
    with pytest.raises(error, match=says):
        model("1").evaluate({}, now=moment)


def test_evaluations_with_different_clocks_at_the_same_time_do_not_mix() -> None:
    asked = model("for i in 1..200 return today()")
    start, wrong = threading.Barrier(4), []

    def work(day: date) -> None:
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        start.wait()
        wrong.extend(found for _ in range(100) if (found := set(asked.evaluate({}, now=moment).result)) != {day})

    threads = [threading.Thread(target=work, args=[date(2026, 1, 1 + number)]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_output_values_whose_order_would_depend_on_the_time_are_refused(definitions: Callable[..., bytes]) -> None:
    def ordered(values: str) -> bytes:
        return definitions(
            '<decision id="x" name="x"><decisionTable hitPolicy="PRIORITY"><input><inputExpression><text>a</text>'
            f"</inputExpression></input><output name='o'><outputValues><text>{values}</text></outputValues></output>"
            "<rule><inputEntry><text>-</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>"
            "</decisionTable></decision>"
        )

    assert mlc.dmn.load(ordered("1, 2")).evaluate({"a": 1}).result == 1
    with pytest.raises(mlc.dmn.DmnError, match="must not depend on the time"):
        mlc.dmn.load(ordered("today(), 1"))


def readings(source: str) -> set[str]:
    """Where a source reads a clock, as `datetime.now`."""
    names = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime"}
    found = {node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}
    called = {ast.unparse(each) for each in found if isinstance(each, ast.Attribute) and each.attr in names}
    return {text for text in called if text.split(".")[0] in ("datetime", "date", "time", "dt", "_time")}


def test_one_place_of_the_engine_reads_the_machines_clock() -> None:
    assert readings("datetime.datetime.now()\ndate.today()\ntime.time()") == {
        "datetime.datetime.now",
        "date.today",
        "time.time",
    }
    found = {
        (str(path.relative_to(ENGINE)), reading)
        for path in ENGINE.rglob("*.py")
        for reading in readings(path.read_text())
    }
    assert found == {("feel/run.py", "datetime.now")}
