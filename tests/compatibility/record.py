"""What is frozen, as a record: written from the code by a command, and compared with each release's."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlc.model.schedule import ScheduleOrigin
from tests.compatibility.append_only import FROZEN as FROZEN_PATH
from tests.compatibility.declared import Call, activities, processes
from tests.compatibility.examples import values
from tests.compatibility.releases import ROOT, Release, Version
from tests.compatibility.shapes import lost, shapes

FROZEN = ROOT / FROZEN_PATH
"""Records by version; ``next.json`` is the code's own, so that each change of it is seen in review."""

Record = dict[str, Any]
MEMOS = {"ScheduleOrigin": ScheduleOrigin}
"""Types of payloads that no workflow and no activity declares."""


def record() -> Record:
    """What the code promises now."""
    types: dict[str, Any] = dict(MEMOS)
    for name, process in processes().items():
        types |= _types(f"workflows/{name}/run", process.run)
        for kind, calls in (("signals", process.signals), ("updates", process.updates), ("queries", process.queries)):
            for message, call in calls.items():
                types |= _types(f"workflows/{name}/{kind}/{message}", call)
    for name, call in activities().items():
        types |= _types(f"activities/{name}", call)
    found, named = shapes(types)
    return {"payloads": dict(sorted(found.items())), "types": named, "values": values()}


def _types(place: str, call: Call) -> dict[str, Any]:
    arguments = {f"{place}/argument {number}": type_ for number, type_ in enumerate(call.arguments, start=1)}
    return arguments | {f"{place}/result": call.result}


def written(of: Record) -> str:
    """A record as the file that holds it."""
    return json.dumps(of, indent=1, ensure_ascii=False) + "\n"


def frozen(name: str) -> Record:
    """The record that a file in ``frozen`` holds."""
    read: Record = json.loads((FROZEN / name).read_text())
    return read


def broken(was: Record, now: Record, *, newest: bool = True) -> Iterator[str]:
    """What a release promised and the code does not keep, each a sentence; ``newest`` as for ``shapes.lost``."""
    for place, shape in was["payloads"].items():
        if place not in now["payloads"]:
            yield f"{place}: it is gone"
        else:
            yield from lost(shape, now["payloads"][place], was["types"], now["types"], place, newest)
    for place, shape in now["payloads"].items():
        if place not in was["payloads"] and _belongs_to_older(place, was["payloads"]):
            yield f"{place}: it is new, of something that was called without it: {shape}"
    for kind, entries in was["values"].items():
        for name, value in entries.items():
            if kind not in now["values"] or name not in now["values"][kind]:
                yield f"{kind}, {name}: it is gone"
            elif now["values"][kind][name] != value:
                yield f"{kind}, {name}: it was {value!r} and is {now['values'][kind][name]!r}"


def _belongs_to_older(place: str, payloads: Mapping[str, Any]) -> bool:
    """Whether a payload is another argument of something that is there already."""
    called, _, what = place.rpartition("/")
    return what.startswith("argument") and f"{called}/result" in payloads


def broken_promises(now: Record, released: list[Release]) -> Iterator[str]:
    """What the code does not keep of what the releases promised.

    Raises:
        OSError: a release has no record.
    """
    newest: Version = released[-1].version
    for release in released:
        for said in broken(frozen(f"{release.version}.json"), now, newest=release.version == newest):
            yield f"{release.version}: {said}"
