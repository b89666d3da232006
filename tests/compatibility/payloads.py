"""The payloads of saved histories: each is read by its declared type, written again and compared field by field.

A replay compares commands and no payloads: a field that was renamed would silently read its default there.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter

from mlc.gateway.idempotency import FINGERPRINT, KEY_GIVEN
from mlc.model.attribute import Attribute
from mlc.model.schedule import MIRRORED_BY, ORIGIN, ScheduleOrigin
from tests.compatibility.declared import Call, Process, activities, field_read_as, processes, written_name
from tests.compatibility.histories import LOCAL_MARKER, PATCH_MARKER

CONVERTER = pydantic_data_converter.payload_converter
MEMO: Mapping[str, Any] = {ORIGIN: ScheduleOrigin, MIRRORED_BY: str, FINGERPRINT: str, KEY_GIVEN: str}
SEARCHABLE: Mapping[str, Any] = dict.fromkeys(Attribute, str) | {Attribute.TICKETS: list[str] | None}
TEMPORALS_OWN = ("Temporal", "BuildIds")
"""How the names of search attributes begin that Temporal sets itself."""

Path = tuple[str | int, ...]


class Undeclared(Exception):
    """A payload whose type nobody declares."""


@dataclass(frozen=True)
class Part:
    """A payload where it stands in an event."""

    payload: dict[str, Any]
    path: Path

    @property
    def index(self) -> int:
        """Which one of several arguments it is."""
        return next((step for step in reversed(self.path) if isinstance(step, int)), 0)


def problems(document: dict[str, Any], process: Process | None = None) -> Iterator[str]:
    """What the payloads of a history lose when they are read, each a sentence with the place.

    Args:
        process: what the history's workflow declares; None: the project's own workflow of that name.
    """
    events = {event["eventId"]: event for event in document["events"]}
    for event in document["events"]:
        for part in parts(event):
            place = f"event {event['eventId']}, {'.'.join(map(str, part.path))}"
            try:
                yield from (f"{place}{said}" for said in _compared(part, _type(event, part, events, process)))
            except Undeclared as error:
                yield f"{place}: {error}"


def parts(event: dict[str, Any]) -> Iterator[Part]:
    """Every payload in an event, wherever it stands."""
    yield from _parts(event, ())


def _parts(node: Any, path: Path) -> Iterator[Part]:
    if isinstance(node, dict) and isinstance(node.get("metadata"), dict) and "encoding" in node["metadata"]:
        yield Part(node, path)
    elif isinstance(node, dict | list):
        for step, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _parts(inner, (*path, step))


def _compared(part: Part, type_: Any) -> Iterator[str]:
    metadata = {name: base64.b64decode(value) for name, value in part.payload["metadata"].items()}
    payload = Payload(metadata=metadata, data=base64.b64decode(part.payload.get("data", "")))
    try:
        value = CONVERTER.from_payload(payload, type_)
        TypeAdapter(type_).validate_python(value)  # an empty payload is read as None whatever the type
    except ValidationError as error:
        yield f": can't be read: {error.errors(include_url=False, include_input=False)[0]}"
        return
    if metadata["encoding"] == b"json/plain":
        again = json.loads(CONVERTER.to_payload(value).data or b"null")
        yield from _differences(json.loads(payload.data), value, again, "")


def _differences(raw: Any, value: Any, again: Any, path: str) -> Iterator[str]:
    """Fields of ``raw`` that don't come back: ``value`` was read from it, and ``again`` written from that."""
    if isinstance(value, BaseModel) and isinstance(raw, dict):
        for name, inner in raw.items():
            field = field_read_as(type(value), name)
            if field is None:
                yield f"{path}.{name}: {type(value).__name__} has no such field: it was dropped"
            else:
                back = again[written_name(type(value), field)]
                yield from _differences(inner, getattr(value, field), back, f"{path}.{name}")
    elif isinstance(raw, dict) and isinstance(again, dict) and isinstance(value, dict) and raw.keys() == again.keys():
        for name, inner in raw.items():
            yield from _differences(inner, value.get(name), again[name], f"{path}.{name}")
    elif isinstance(raw, list) and isinstance(again, list) and len(raw) == len(again):
        for index, (inner, item, back) in enumerate(zip(raw, value, again, strict=True)):
            yield from _differences(inner, item, back, f"{path}[{index}]")
    elif raw != again or isinstance(raw, bool) != isinstance(again, bool):
        yield f"{path}: {json.dumps(raw)[:60]} came back as {json.dumps(again)[:60]}"


def _type(event: dict[str, Any], part: Part, events: Mapping[str, Any], process: Process | None) -> Any:
    """The type that is declared for a payload.

    Raises:
        Undeclared: there is none.
    """
    match part.path:
        case ("userMetadata", *_):
            return str
        case (*_, "indexedFields", str(name)):
            if name.startswith(TEMPORALS_OWN):
                return Any
            return _known(SEARCHABLE, name, "search attribute")
        case (*_, "memo" | "upsertedMemo", "fields", str(name)):
            return _known(MEMO, name, "memo")
        case (*_, "details" | "lastHeartbeatDetails", "payloads", int()):
            return Any  # of failures and heartbeats: dates and counts as plain JSON
    match event["eventType"].removeprefix("EVENT_TYPE_"), part.path:
        case "MARKER_RECORDED", (str(attributes), "details", *_):
            marker = event[attributes]
            if marker["markerName"] == PATCH_MARKER:
                return Any
            if marker["markerName"] == LOCAL_MARKER:
                (about,) = marker["details"]["data"]["payloads"]
                called = json.loads(base64.b64decode(about["data"]))["activity_type"]
                return _known(activities(), called, "activity").result if "result" in part.path else Any
        case kind, (str(attributes), *inner):
            own = process or _known(processes(), _workflow(events), "workflow")
            return _of_message(
                kind, event[attributes], [step for step in inner if isinstance(step, str)], part, events, own
            )
    raise Undeclared("nobody says of which type this payload is")


def _of_message(
    kind: str, about: dict[str, Any], path: list[str], part: Part, events: Mapping[str, Any], own: Process
) -> Any:
    match kind, path:
        case (("WORKFLOW_EXECUTION_STARTED" | "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"), ["input", "payloads"]):
            return _argument(own.run, part)
        case "WORKFLOW_EXECUTION_COMPLETED", ["result", "payloads"]:
            return own.run.result
        case "WORKFLOW_EXECUTION_SIGNALED", ["input", "payloads"]:
            return _argument(_known(own.signals, about["signalName"], "signal"), part)
        case "WORKFLOW_EXECUTION_UPDATE_ACCEPTED", ["acceptedRequest", "input", "args", "payloads"]:
            return _argument(_known(own.updates, about["acceptedRequest"]["input"]["name"], "update"), part)
        case "WORKFLOW_EXECUTION_UPDATE_COMPLETED", ["outcome", "success", "payloads"]:
            accepted = events[about["acceptedEventId"]]["workflowExecutionUpdateAcceptedEventAttributes"]
            return _known(own.updates, accepted["acceptedRequest"]["input"]["name"], "update").result
        case "START_CHILD_WORKFLOW_EXECUTION_INITIATED", ["input", "payloads"]:
            return _argument(_known(processes(), about["workflowType"]["name"], "workflow").run, part)
        case "CHILD_WORKFLOW_EXECUTION_COMPLETED", ["result", "payloads"]:
            return _known(processes(), about["workflowType"]["name"], "workflow").run.result
        case "ACTIVITY_TASK_SCHEDULED", ["input", "payloads"]:
            return _argument(_known(activities(), about["activityType"]["name"], "activity"), part)
        case "ACTIVITY_TASK_COMPLETED", ["result", "payloads"]:
            scheduled = events[about["scheduledEventId"]]["activityTaskScheduledEventAttributes"]
            return _known(activities(), scheduled["activityType"]["name"], "activity").result
    raise Undeclared("nobody says of which type this payload is")


def _workflow(events: Mapping[str, Any]) -> str:
    name: str = events["1"]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"]
    return name


def _known(declared: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in declared:
        raise Undeclared(f"nobody declares the {what} {name!r}")
    return declared[name]


def _argument(call: Call, part: Part) -> Any:
    if part.index >= len(call.arguments):
        raise Undeclared(f"{len(call.arguments)} arguments are declared, this is number {part.index + 1}")
    return call.arguments[part.index]
