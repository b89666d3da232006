"""What the releases promised is kept, and each way of breaking it is seen."""

import base64
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal
from unittest import mock

import pytest
from pydantic import AliasChoices, Field

from mlc.model.base import Input, Record
from mlc.model.ticket import TicketRef
from tests.compatibility.append_only import NEXT
from tests.compatibility.examples import INCIDENT, TICKET, VERSION, ticket_entries, tickets_read
from tests.compatibility.histories import histories
from tests.compatibility.record import broken, broken_promises, frozen, record, written
from tests.compatibility.releases import releases
from tests.compatibility.shapes import lost, shapes

NOW = record()


def test_the_code_keeps_what_every_release_promised() -> None:
    assert list(broken_promises(NOW, releases())) == []


def test_the_record_of_the_release_to_come_is_the_codes() -> None:
    """If this fails: ``python -m tests.compatibility freeze``, and look at what changed in it."""
    assert written(frozen(NEXT)) == written(NOW)


def test_a_release_without_a_record_is_an_error() -> None:
    later = releases()[-1]
    with pytest.raises(OSError, match=r"99\.0\.0\.json"):
        list(broken_promises(NOW, [type(later)(type(later.version)(99, 0, 0), later.commit)]))


Doctor = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("doctor", "said"),
    [
        (
            lambda now: now["payloads"].pop("workflows/DeployModel/run/result"),
            "workflows/DeployModel/run/result: it is",
        ),
        (lambda now: now["payloads"].pop("activities/open_ticket/result"), "activities/open_ticket/result: it is gone"),
        (
            lambda now: now["payloads"].pop("workflows/DeployModel/signals/ticket_changed/argument 1"),
            "signals/ticket_changed/argument 1: it is gone",
        ),
        (
            lambda now: now["payloads"].pop("workflows/DeployModel/updates/recheck_tickets/result"),
            "updates/recheck_tickets/result: it is gone",
        ),
        (
            lambda now: now["payloads"].pop("workflows/RunBackTest/queries/status/result"),
            "queries/status/result: it is gone",
        ),
        (
            lambda now: now["payloads"].update({"activities/open_ticket/argument 2": {"type": "string"}}),
            "activities/open_ticket/argument 2: it is new, of something that was called without it",
        ),
        (lambda now: now["types"]["TicketRef"]["fields"].pop("label"), ".label: it is gone"),
        (lambda now: rename(now["types"]["TicketRef"]["fields"], "label", "our_key"), ".label: it is gone"),
        (
            lambda now: now["types"]["Job"]["fields"]["deadline"].update({"is": {"type": "string"}}),
            ".deadline: it could be null and can't any more",
        ),
        (
            lambda now: now["types"]["SweepReport"]["fields"]["woken"].update({"is": {"type": "string"}}),
            ".woken: the type was integer and is string",
        ),
        (
            lambda now: now["types"]["Policy"]["fields"]["patience"].update({"default": "PT12H"}),
            ".patience: the default was 'P1D' and is 'PT12H'",
        ),
        (
            lambda now: now["types"]["Policy"]["fields"]["patience"].pop("default"),
            ".patience: the default was 'P1D' and is 'none'",
        ),
        (lambda now: now["types"]["Answer"]["values"].remove("gone"), "the value 'gone' is gone"),
        (lambda now: now["types"]["JobKind"].pop("type"), "the type was string and is None"),
        (
            lambda now: now["types"]["TicketRef"]["fields"].update(more={"is": {"type": "string"}, "required": True}),
            ".more: it is new and required",
        ),
        (
            lambda now: now["types"]["Notice"]["fields"]["model_id"].update(required=True),
            ".model_id: it could be left out and is required",
        ),
        (
            lambda now: now["types"]["TicketRef"].update({"refuses unknown fields": True}),
            "unknown fields were ignored and are refused",
        ),
        (
            lambda now: now["types"]["DeployModelStart"]["fields"]["snapshot_id"]["is"].update(maxLength=100),
            ".snapshot_id: maxLength was 200 and is 100",
        ),
        (
            lambda now: now["types"]["DeployModelStart"]["fields"]["snapshot_id"]["is"].update(minLength=2),
            ".snapshot_id: minLength was 1 and is 2",
        ),
        (lambda now: now["values"].pop("memo"), "memo, what was asked for: it is gone"),
        (lambda now: now["values"]["workflow ids"].popitem(), "workflow ids, RunJob of job-1: it is gone"),
        (
            lambda now: now["values"]["custom metadata"].update({"what was decided": "mlcVerdict"}),
            "custom metadata, what was decided: it was 'mlcDecision' and is 'mlcVerdict'",
        ),
        (
            lambda now: now["values"]["MlcTickets"].update({"one ticket": ["jira/MLR-7"]}),
            "MlcTickets, one ticket: it was ['jira:MLR-7', 'gov-0da4676d604cddd27ca58f96']",
        ),
        (lambda now: now["values"]["failure types"].pop("Outage"), "failure types, Outage: it is gone"),
        (lambda now: now["values"]["search attributes"].update(MlcStage="TEXT"), "search attributes, MlcStage: it was"),
    ],
)
def test_a_broken_promise_is_named(doctor: Doctor, said: str) -> None:
    now = deepcopy(NOW)
    doctor(now)
    assert said in "; ".join(broken(frozen("0.1.0.json"), now))


def test_every_frozen_value_counts() -> None:
    was = frozen("0.1.0.json")
    for kind, entries in was["values"].items():
        for name in entries:
            now = deepcopy(was)
            now["values"][kind][name] = "something else"
            assert list(broken(was, now)), (kind, name)


def test_every_frozen_field_counts() -> None:
    was = frozen("0.1.0.json")
    for name, shape in was["types"].items():
        for field in shape.get("fields", {}):
            now = deepcopy(was)
            del now["types"][name]["fields"][field]
            assert any(f".{field}: it is gone" in said for said in broken(was, now)), (name, field)


@pytest.mark.parametrize(
    "doctor",
    [
        lambda now: now["payloads"].update({"activities/new/argument 1": {"type": "string"}}),
        lambda now: now["payloads"].update({"workflows/DeployModel/signals/new/argument 1": {"type": "string"}}),
        lambda now: now["types"]["TicketRef"]["fields"].update(more={"is": {"type": "string"}, "default": ""}),
        lambda now: now["types"]["Answer"]["values"].append("unknown"),
        lambda now: now["types"]["TicketRef"]["fields"]["provider"]["is"].update(values=["jira", "servicenow"]),
        lambda now: now["types"]["StepRecord"]["fields"]["status"].update(
            {"is": {"type": "string", "values": ["done"]}}
        ),
        lambda now: now["types"]["DeployModelStart"]["fields"]["snapshot_id"]["is"].update(maxLength=300),
        lambda now: now["values"].update({"more": {"a": 1}}),
        lambda now: now["values"]["custom metadata"].update({"more": "mlcMore"}),
        lambda now: renamed_type(now, "TicketRef", "TicketReference"),
    ],
)
def test_additions_and_other_names_in_python_break_no_promise(doctor: Doctor) -> None:
    now = deepcopy(NOW)
    doctor(now)
    assert list(broken(frozen("0.1.0.json"), now)) == []
    assert written(now) != written(NOW)


def rename(of: dict[str, Any], old: str, new: str) -> None:
    of[new] = of.pop(old)


def renamed_type(now: dict[str, Any], old: str, new: str) -> None:
    rename(now["types"], old, new)

    def change(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("ref") == old:
                part["ref"] = new
            for inner in part.values():
                change(inner)
        elif isinstance(part, list):
            for inner in part:
                change(inner)

    change(now)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class First(Record):
    name: str
    colour: str = "red"
    wait: timedelta = timedelta(hours=1)
    more: list[Colour] = []
    either: Literal["a", "b"] | None = None
    sums: dict[str, float] = {}


class Enumerated(Record):
    name: str
    colour: Colour = Colour.RED
    wait: timedelta = timedelta(minutes=60)
    more: list[Colour] = []
    either: Literal["a", "b", "c"] | None = None
    sums: dict[str, float] = {}


class Renaming(Record):
    """One release long: the new name is read, the old one is read and written."""

    title: str = Field(validation_alias=AliasChoices("title", "name"), serialization_alias="name")


class RenamedLater(Record):
    """From the release after it: the new name is written, the old one is still read."""

    title: str = Field(validation_alias=AliasChoices("title", "name"))


class RenamedAtOnce(Record):
    title: str


class Short(Record):
    name: str


class Strict(Input):
    name: str


def differences(was: type, now: type, *, newest: bool = True) -> list[str]:
    then, types_then = shapes({"it": was})
    here, types_now = shapes({"it": now})
    return list(lost(then["it"], here["it"], types_then, types_now, "it", newest))


def test_a_text_that_becomes_an_enum_stays_the_same() -> None:
    assert differences(First, Enumerated) == []


class Other(Record):
    name: int
    colour: str | None = "red"
    wait: timedelta = timedelta(hours=2)
    more: list[int] = []
    either: Literal["a"] | None = None
    sums: dict[str, str] = {}


def test_every_kind_of_change_is_named() -> None:
    assert differences(First, Other) == [
        "it.name: the type was string and is integer",
        "it.colour: it can be null now and could not before",
        "it.wait: the default was 'PT1H' and is 'PT2H'",
        "it.more, items: the type was string and is integer",
        "it.either: the value 'b' is gone",
        "it.sums, values of: the type was number and is string",
    ]


class Named(Record):
    system: Literal["jira", "servicenow"]
    note: str = ""


class Patterned(Record):
    system: str = Field(pattern="^[a-z]+$")
    note: str = ""


class Narrowed(Record):
    system: str = Field(pattern="^[a-j]+$")
    note: str = Field("", pattern="^[a-z]*$")


def test_values_may_become_a_pattern_that_they_all_have_and_no_other() -> None:
    assert differences(Named, Patterned) == []
    assert differences(Named, Narrowed) == [
        "it.system: the pattern was None and is ^[a-j]+$",
        "it.note: the pattern was None and is ^[a-z]*$",
    ]


def test_a_renamed_field_is_read_under_both_names_and_written_under_the_old_one_for_a_release() -> None:
    assert differences(Short, Renaming) == []
    assert differences(Renaming, RenamedLater) == []
    assert differences(Short, RenamedLater, newest=False) == []


def test_a_field_that_is_written_under_its_new_name_at_once_is_a_broken_promise() -> None:
    assert differences(Short, RenamedLater) == ["it.name: it is written as title, which the release before can't read"]
    assert "it.name: it is gone" in differences(Short, RenamedAtOnce)


def test_a_renamed_field_never_loses_its_old_name_for_reading() -> None:
    assert "it.name: it is gone" in differences(Short, RenamedAtOnce, newest=False)
    assert "it.title: it is no longer read as name" in " ".join(differences(RenamedLater, RenamedAtOnce, newest=False))


def test_a_type_that_refuses_unknown_fields_from_now_on_is_a_broken_promise() -> None:
    assert differences(Short, Strict) == ["it: unknown fields were ignored and are refused"]
    assert differences(Strict, Short) == []


NOT_OPEN = {"Policy.ticketing", "SnapshotSummary.ticketing"}
"""Ticket systems are names from the settings: one that isn't set up is refused where it is asked for."""


def test_every_enum_in_a_result_can_be_read_as_unknown() -> None:
    """A newer worker may answer with a value that this one doesn't know; an error would fail the run."""
    closed: set[str] = set()
    for place, shape in NOW["payloads"].items():
        if place.startswith("activities/") and place.endswith("/result"):
            closed |= closed_enums(shape, place, set())
    assert closed <= NOT_OPEN


def closed_enums(shape: Any, place: str, seen: set[str]) -> set[str]:
    """The places of enums without a value ``unknown``."""
    found: set[str] = set()
    if isinstance(shape, list):
        return found.union(*(closed_enums(inner, place, seen) for inner in shape))
    if not isinstance(shape, dict):
        return found
    if shape.get("type") == "string" and "values" in shape and "unknown" not in shape["values"]:
        found.add(place)
    if (ref := shape.get("ref")) is not None:
        if ref in seen:
            return found
        target = NOW["types"][ref]
        return closed_enums(target, ref if "fields" in target else place, seen | {ref})
    for name, field in shape.get("fields", {}).items():
        found |= closed_enums(field["is"], f"{place}.{name}", seen)
    return found.union(*(closed_enums(shape.get(part), place, seen) for part in ("items", "values of", "any")))


def test_an_enum_without_unknown_is_found_wherever_it_lies() -> None:
    inner, types = shapes({"it": Enumerated})
    with mock.patch.dict(NOW, types=types):
        assert closed_enums({"type": "array", "items": inner["it"]}, "it", set()) == {
            "Enumerated.colour",
            "Enumerated.more",
            "Enumerated.either",
        }


def test_open_tickets_are_read_as_they_are_written() -> None:
    """The entries stand in the search attributes of waiting runs, and another release's worker reads them."""
    entries = ticket_entries([TICKET, INCIDENT], seen={INCIDENT.label: VERSION})
    assert tickets_read(entries) == [
        ("jira", "MLR-7", TICKET.label, None),
        ("servicenow", "INC0010023", INCIDENT.label, VERSION),
    ]
    for example in frozen("0.1.0.json")["values"]["MlcTickets"].values():
        assert tickets_read(example)


def test_every_entry_that_a_saved_run_has_written_is_still_read_and_written_alike() -> None:
    counted = 0
    for saved in histories():
        for entries in ticket_attributes(saved.document):
            tickets = tickets_read(entries)
            refs = [TicketRef(provider=p, id=key, key=key, url="", label=label) for p, key, label, _ in tickets]
            assert ticket_entries(refs, seen={label: seen for *_, label, seen in tickets if seen}) == entries
            counted += len(tickets)
    assert counted > 50


def ticket_attributes(document: dict[str, Any]) -> Iterator[list[str]]:
    """Every value that a run gave ``MlcTickets``."""
    for event in document["events"]:
        upserted = event.get("upsertWorkflowSearchAttributesEventAttributes", {}).get("searchAttributes", {})
        if data := upserted.get("indexedFields", {}).get("MlcTickets", {}).get("data"):
            yield json.loads(base64.b64decode(data)) or []
