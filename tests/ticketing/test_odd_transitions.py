"""A transition that can't be read, or not be used, leaves the others usable."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fuzz import tickets as fuzz
from tests.fuzz.answering import Answer, Site, answering, said
from tests.fuzz.ticket_answers import TRANSITION, WITHDRAWN, Recipe

JIRA = fuzz.SYSTEMS["jira cloud"]
CATEGORY = {"key": "done"}


@pytest.fixture
def site() -> Iterator[Site]:
    with answering() as running:
        yield running


def moves(site: Site, *offered: Any) -> list[Any]:
    """What is sent to move a ticket away when these transitions are offered."""
    site.answer = lambda method, path: (
        said({"transitions": offered}) if method == "GET" and "/transitions" in path else _usual(method, path)
    )
    adapter = JIRA.adapter(site.url)
    sent: list[Any] = []
    adapter._jira.post = lambda doing, path, body, read: (  # type: ignore[attr-defined]
        sent.append(body) if path.endswith("/transitions") else None
    )
    adapter.close(JIRA.ref, "event", "Nobody waits.")
    return sent


def closed(site: Site, *offered: Any) -> list[str]:
    """The ids of the transitions that are taken."""
    return [body["transition"]["id"] for body in moves(site, *offered)]


def _usual(method: str, path: str) -> Answer:
    return Recipe().answer(JIRA.routes, method, path)


ODD = {
    "texts for values": {"id": "2", "to": WITHDRAWN | {"name": "x"}, "fields": {"a": {"allowedValues": ["red"]}}},
    "a status without an id": {"id": "999", "to": {"name": "Geschlossen", "statusCategory": CATEGORY}},
    "a status without a category": {"id": "2", "to": {"name": "Withdrawn", "id": "10099"}},
    "no status": {"id": "2", "to": None},
    "no id": {"to": WITHDRAWN},
    "null": None,
    "a text": "Withdraw",
    "a list": [[]],
    "not available": {"id": "2", "to": WITHDRAWN, "isAvailable": False},
}


@pytest.mark.parametrize("odd", sorted(ODD))
def test_an_odd_transition_leaves_the_others_usable(site: Site, odd: str) -> None:
    assert closed(site, ODD[odd], TRANSITION) == ["51"]
    assert closed(site, TRANSITION, ODD[odd]) == ["51"]
    assert closed(site, ODD[odd]) == []


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        "x",
        {"a": None},
        {"a": {"required": None, "hasDefaultValue": None, "allowedValues": None}},
        {"a": {"required": False, "allowedValues": ["red", "blue"]}},
        {"a": {"required": "maybe"}},
        {"resolution": {"required": True, "allowedValues": ["Obsolete", None, 3, {"name": "Other"}]}},
    ],
)
def test_odd_fields_of_the_right_transition_do_not_keep_it_from_being_taken(site: Site, fields: Any) -> None:
    assert closed(site, TRANSITION | {"fields": fields}) == ["51"]


def test_a_required_field_that_is_not_ours_to_fill_in_keeps_it_from_being_taken(site: Site) -> None:
    assert closed(site, TRANSITION | {"fields": {"assignee": {"required": True}}}) == []


def test_an_id_may_be_a_number(site: Site) -> None:
    assert closed(site, TRANSITION | {"id": 51}) == ["51"]


def test_a_required_resolution_is_named_although_there_is_a_default(site: Site) -> None:
    allowed = [{"id": "1", "name": "Done"}, {"id": "9", "name": "Obsolete"}]
    required = {"required": True, "hasDefaultValue": True, "allowedValues": allowed}
    (sent,) = moves(site, TRANSITION | {"fields": {"resolution": required}})
    assert sent == {"transition": {"id": "51"}, "fields": {"resolution": {"id": "9", "name": "Obsolete"}}}


def test_a_default_will_do_where_a_resolution_is_required_and_none_is_named(site: Site) -> None:
    required = {"required": True, "hasDefaultValue": True, "allowedValues": None}
    assert closed(site, TRANSITION | {"fields": {"resolution": required}}) == ["51"]
