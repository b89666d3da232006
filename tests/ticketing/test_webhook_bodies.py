"""What is read of the body of a webhook: which ticket, and as much of the rest as can be read."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webhook_bodies import JSON, WITHOUT_TIME, encoded

from mlc.ticketing.jira import webhook as jira
from mlc.ticketing.servicenow import webhook as servicenow
from mlc.ticketing.webhook import BadEvent, Event

LABEL = "gov-0123456789abcdef01234567"
READ: dict[str, Callable[[bytes], Event | None]] = {"jira": jira.read_event, "servicenow": servicenow.read_event}


def read_jira(**body: Any) -> Event:
    event = jira.read_event(json.dumps(body).encode())
    assert event is not None
    return event


def read_servicenow(**body: Any) -> Event:
    event = servicenow.read_event(json.dumps({"number": "CHG7", "table": "change_request", **body}).encode())
    assert event is not None
    return event


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (["risk", LABEL], ["risk", LABEL]),
        (f"risk {LABEL}", ["risk", LABEL]),
        (f"risk,{LABEL}", ["risk", LABEL]),
        (f"risk, {LABEL};x", ["risk", LABEL, "x"]),
        (f"['risk', '{LABEL}']", ["risk", LABEL]),
        (f"[risk, {LABEL}]", ["risk", LABEL]),
        ("None", ["None"]),
        ("", []),
        (None, []),
        (7, []),
        ({"name": LABEL}, []),
        ([7, None, LABEL, ["x"]], [LABEL]),
    ],
    ids=str,
)
def test_labels_are_a_list_or_a_text(labels: Any, found: list[str]) -> None:
    assert read_jira(issue={"key": "MLR-7", "fields": {"labels": labels}}).labels == found
    assert read_jira(key="MLR-7", fields={"labels": labels}).labels == found


@pytest.mark.parametrize(
    "body",
    [
        {"issue": {"key": "MLR-7"}},
        {"key": "MLR-7"},
        {"issue": "MLR-7"},
        {"issue": {"key": "MLR-7", "fields": "None"}, "changelog": "None"},
        {"issue": {"key": "None"}, "key": "MLR-7"},
        {"issue": None, "key": "MLR-7", "fields": None},
        {"issue": [7], "key": "MLR-7", "fields": [], "webhookEvent": 7},
        {"issue": {"key": " MLR-7\n"}},
        {"key": '"MLR-7"'},
        {"key": "https://jira.example.org/browse/MLR-7"},
        {"issue": "MLR-7: Model approval"},
        {"issue": '{"key": "MLR-7"}'},
        {"issueKey": "MLR-7"},
        {"issue_key": "MLR-7", "issue": None},
        {"id": 10001, "key": "MLR-7", "changelog": {"histories": "None"}, "fields": {"summary": "s", "labels": "None"}},
    ],
    ids=json.dumps,
)
def test_an_issue_is_named_by_its_key_alone(body: dict[str, Any]) -> None:
    event = read_jira(**body)
    assert (event.key, event.place) == ("MLR-7", "MLR")
    assert (event.sent, event.unrepeatable, event.created) == (None, False, False)


@pytest.mark.parametrize(
    "odd",
    [
        {"correlation_id": 7, "event": ["x"], "sys_mod_count": "many", "sys_updated_on": "31/01/2026 09:30"},
        {"correlation_id": None, "event": None, "sys_mod_count": None, "sys_updated_on": None},
        {"number": {"value": "CHG7", "display_value": "CHG7"}, "table": {"value": "change_request"}},
        {"number": {"display_value": "CHG7"}, "sys_mod_count": {"value": "x"}},
        {"number": " CHG7\n", "table": " change_request "},
    ],
    ids=json.dumps,
)
def test_a_record_is_named_by_its_number_and_table(odd: dict[str, Any]) -> None:
    event = read_servicenow(**odd)
    assert (event.key, event.place, list(event.labels)) == ("CHG7", "change_request", [])
    assert (event.sent, event.unrepeatable, event.created) == (None, False, False)


@pytest.mark.parametrize("odd", WITHOUT_TIME, ids=lambda value: json.dumps(value)[:24])
def test_what_is_no_time_counts_as_none(odd: Any) -> None:
    for event in (read_jira(key="MLR-7", timestamp=odd), read_servicenow(timestamp=odd, sys_mod_count=3)):
        assert (event.sent, event.unrepeatable) == (None, False)


def test_a_time_that_can_not_be_read_leaves_the_other_one() -> None:
    event = read_servicenow(timestamp="soon", sys_updated_on="2026-01-31 09:30:00", sys_mod_count="3")
    assert (event.sent, event.unrepeatable) == (1_769_851_800, True)
    event = read_servicenow(timestamp="soon", sys_updated_on="2026-01-31 09:30:00", sys_mod_count="many")
    assert (event.sent, event.unrepeatable) == (1_769_851_800, False)


@pytest.mark.parametrize("stated", [1_769_851_800_000, 1_769_851_800_000.0, "1769851800000"])
def test_a_time_is_milliseconds_since_1970(stated: Any) -> None:
    for event in (read_jira(key="MLR-7", timestamp=stated), read_servicenow(timestamp=stated)):
        assert (event.sent, event.unrepeatable) == (1_769_851_800, True)


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"key": "MLR-7"}',
        '{"key": "MLR-7"}'.encode("utf-16"),
        '{"key": "MLR-7"}'.encode("utf-16-be"),
        '{"key": "MLR-7"}'.encode("utf-32"),
        b'{"key": "MLR-7", "summary": "Gr\xf6\xdfe"}',
        b'{"key": "MLR-7", "summary": "a\nb\tc"}',
        b'{"key": "MLR-7", "summary": "\\ud800"}',
        b'{"key": "MLR-7", "\\ud800": 1}',
        b'{"key": "MLR-7", "size": ' + b"9" * 5_000 + b"}",
        b'{"key": "MLR-7", "timestamp": ' + b"9" * 5_000 + b"}",
        b'{"key": "MLR-7", "share": NaN, "most": -Infinity, "timestamp": 1e999}',
        b'{"key": "None", "key": "MLR-7"}',
        b'{"key": "MLR-7", "deep": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"key": "MLR-7", "many": [' + b"7," * 400_000 + b"7]}",
    ],
    ids=lambda body: body[:40],
)
def test_however_it_is_written_a_key_is_read(body: bytes) -> None:
    event = jira.read_event(body)
    assert event is not None
    assert event.key == "MLR-7"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON"),
        (b"MLR-7", "no JSON"),
        (b'{"key": "MLR-7"', "no JSON"),
        (b'["MLR-7"]', "no JSON object"),
        (b'"MLR-7"', "no JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "names no ticket"),
        (b'{"issu": {"key": "MLR-7"}, "nr": "CHG7", "table": "change_request"}', "names no ticket"),
        (b'{"issue": {"key": null}, "key": 7, "number": 7}', "names no ticket"),
    ],
    ids=lambda part: part[:20],
)
@pytest.mark.parametrize("provider", READ)
def test_what_names_no_ticket_is_said_to(provider: str, body: bytes, said: str) -> None:
    with pytest.raises(BadEvent, match=said):
        READ[provider](body)


def test_an_event_about_something_else_is_none() -> None:
    assert jira.read_event(b'{"webhookEvent": "project_updated", "timestamp": "soon"}') is None
    assert servicenow.read_event(b'{"event": "sys_user.updated", "table": "sys_user", "number": null}') is None


@settings(max_examples=400, deadline=None)
@given(encoded("MLR-7", "CHG7", table="change_request"))
def test_any_json_with_a_key_in_it_is_an_event_about_that_ticket(bodies: dict[str, bytes]) -> None:
    for provider, key, place in (("jira", "MLR-7", "MLR"), ("servicenow", "CHG7", "change_request")):
        event = READ[provider](bodies[provider])
        assert event is not None
        assert (event.key, event.place) == (key, place)
        assert all(isinstance(label, str) for label in event.labels)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(READ)), st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_an_event_or_said_to_be_none(provider: str, body: bytes) -> None:
    event, said = None, "-"
    try:
        event = READ[provider](body)
    except BadEvent as error:
        said = str(error)
    assert 0 < len(said) < 300
    assert event is None or event.key


@pytest.mark.parametrize("text", ["XMLR-7x", "MLR-70a", "A-MLR-7-1", "MLR-07", "mlr-7", "MLR - 7"])
def test_what_only_looks_like_a_key_is_left_as_it_is(text: str) -> None:
    assert read_jira(key=text).key == text
