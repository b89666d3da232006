"""Bodies of webhooks as odd as they come, each naming a ticket."""

import json
from typing import Any

from hypothesis import strategies as st

WITHOUT_TIME: list[Any] = [
    *("2026-11-20T12:00:00.0+0100", "soon", "None", "", "nan", None, True, [], {}),
    *(1_769_851_800, 1_769_851_800.5, "1769851800", 0, 1, -1, -1_769_851_800_000),
    *(1_769_851_800_000_000, 10**29, 10**400, 1e308, float("inf"), float("nan")),
]
"""What senders write for a time, and what is none in milliseconds since 1970."""

_TEXTS = st.text(max_size=20) | st.sampled_from(["None", "null", "", "gov-0123456789abcdef01234567", "a b"])
_NUMBERS = st.integers() | st.floats() | st.integers(min_value=10**30, max_value=10**40)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


def _is_no_time(value: Any) -> bool:
    try:
        return not 1e12 <= float(value) < 1e13
    except (TypeError, ValueError, OverflowError):
        return True


_NO_TIME = (JSON | st.sampled_from(WITHOUT_TIME)).filter(_is_no_time)


def _holding(needed: dict[str, Any], odd: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with what is needed, whatever else it holds."""
    others = st.dictionaries(_TEXTS, JSON, max_size=4)
    known = st.fixed_dictionaries({}, optional=odd)
    return st.tuples(others, known).map(lambda parts: {**parts[0], **parts[1], **needed})


@st.composite
def encoded(draw: st.DrawFn, key: str, number: str, *, table: str) -> dict[str, bytes]:
    """A body for each provider: of Jira's own shape or one of Automation's, in any encoding."""
    fields = _holding({}, {"labels": JSON}) | JSON
    issue = draw(_holding({"key": key}, {"fields": fields, "changelog": JSON, "id": JSON}))
    around: dict[str, st.SearchStrategy[Any]] = {"timestamp": _NO_TIME, "webhookEvent": JSON, "user": JSON}
    whole = draw(_holding({"issue": issue}, around) | st.just(issue) | st.just({"issue": key}))
    odd: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(("event", "correlation_id", "sys_mod_count"), JSON)
    odd |= {"timestamp": _NO_TIME, "sys_updated_on": JSON}
    record = draw(_holding({"number": number, "table": table}, odd))
    return {name: draw(_written(body)) for name, body in (("jira", whole), ("servicenow", record))}


def _written(body: Any) -> st.SearchStrategy[bytes]:
    return st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "ascii"]).map(
        lambda encoding: json.dumps(body, ensure_ascii=encoding == "ascii").encode(encoding)
    )
