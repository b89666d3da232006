"""``Retry-After``: written and read in one place, whatever stands there."""

import ast
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc.model.retry_after import LONGEST, NAME, SHORTEST, decode, encode

NOW = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)


def in_(wait: timedelta) -> str:
    return format_datetime(NOW + wait, usegmt=True)


@given(st.integers(1, 900))
def test_a_wait_that_was_written_is_read_again(seconds: int) -> None:
    assert decode(encode(timedelta(seconds=seconds))[NAME]) == timedelta(seconds=seconds)


@given(st.timedeltas(timedelta(), LONGEST))
def test_nobody_who_heeds_it_comes_too_early(wait: timedelta) -> None:
    read = decode(encode(wait)[NAME])
    assert read is not None
    assert wait <= read <= max(wait + timedelta(seconds=1), SHORTEST)


def test_a_wait_for_less_than_no_time_is_not_written() -> None:
    with pytest.raises(ValueError, match="less than no time"):
        encode(timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        (" 30 ", timedelta(seconds=30)),
        ("0", SHORTEST),
        ("0.5", SHORTEST),
        ("90.5", timedelta(seconds=90.5)),
        ("86400", LONGEST),
        ("9" * 50, LONGEST),
        ("9" * 100_000, LONGEST),
        ("0" * 100_000 + "7", timedelta(seconds=7)),
        (in_(timedelta(minutes=1)), timedelta(minutes=1)),
        (in_(timedelta(days=1)), LONGEST),
        (in_(timedelta(days=-1)), SHORTEST),
        ("Thu, 01 Jan 1970 00:00:00 GMT", SHORTEST),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
        ("Thu, 05 Nov 2026 12:05:00", timedelta(minutes=5)),  # no zone: HTTP dates are in UTC
        ("Thu, 05 Nov 2026 12:05:00 -0000", timedelta(minutes=5)),
        ("Thu, 05 Nov 2026 13:05:00 +0100", timedelta(minutes=5)),
        ("Thursday, 05-Nov-26 12:05:00 GMT", timedelta(minutes=5)),  # RFC 850
        ("Thu Nov  5 12:05:00 2026", timedelta(minutes=5)),  # asctime
    ],
)
def test_seconds_and_dates_are_read_and_kept_within_bounds(header: str, wait: timedelta) -> None:
    assert decode(header, now=NOW) == wait


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "  ", "soon", "-5", "-0", "+5", "1e99", "nan", "inf", "Infinity", "1_000", "0x10", "5s", "5;q=1"),
        *("10, 20", "10 20", "30\r\n40", "\u0663", "\u00b2", "1.2.3", ".", ".5", "5.", "PT30S", "2026-11-05T12:05:00Z"),
        f"{in_(timedelta(minutes=1))}, 20",
        f"{in_(timedelta(minutes=1))}, {in_(timedelta(minutes=2))}",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Thu, 35 Nov 2026 12:05:00 GMT",
        "Thu, 05 Nov 2026 12:05:00 +99999999",
        "Thu, " * 100_000,
        "\x00",
    ],
)
def test_what_can_not_be_read_is_as_good_as_no_header(header: str | None) -> None:
    assert decode(header, now=NOW) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} [-+A-Z0-9]{0,9}"))
def test_no_header_does_harm(header: str) -> None:
    wait = decode(header)
    assert wait is None or SHORTEST <= wait <= LONGEST


def test_nothing_else_of_ours_writes_or_reads_the_header_by_name() -> None:
    root, others = Path(__file__).parent.parent, "mlc/testing/"  # there it is what another server says
    found = {
        path.relative_to(root).as_posix()
        for room in ("mlc", "activities", "workflows")
        for path in (root / room).rglob("*.py")
        if not path.relative_to(root).as_posix().startswith(others)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.casefold() == NAME.casefold()
    }
    assert found == {"mlc/model/retry_after.py"}
