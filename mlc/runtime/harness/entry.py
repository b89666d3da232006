"""The model process: runs one job and ends, or loads a model and answers until the channel closes.

Speaks JSON lines with the runtime over one inherited socket. Standard output and error are the model's.
"""

import json
import os
import platform
import queue
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from .functions import ModelCode, ModelFailure
from .plain import NotPlain, plain
from .records import RecordWriter, Unreadable, read_frame, read_records

NAMED_KEYS = 20
"""So many places of NaN and infinity are named in a message; the others are counted."""


class Channel:
    """JSON lines to and from the runtime. When the runtime goes away, this process and all it started go too."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._requests: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, **message: Any) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def requests(self) -> Iterator[dict[str, Any]]:
        while True:
            yield self._requests.get()

    def _listen(self) -> None:
        with suppress(OSError), self._socket.makefile("rb") as lines:
            for line in lines:
                self._requests.put(json.loads(line))
        os.killpg(os.getpgrp(), signal.SIGKILL)


def main(order_file: str) -> None:
    """Do what the order says: see :class:`mlc.runtime.layout.Order`, which writes it."""
    order: dict[str, Any] = json.loads(Path(order_file).read_text())
    channel = Channel(order["channel"])
    limit_memory(order["memory_limit"])
    sys.path.insert(0, str(Path.cwd()))
    notes: list[str] = []
    try:
        model = ModelCode(order["source"], order["functions"])
        if order["kind"] == "online":
            serve(model, order, channel)
        elif order["kind"] == "training":
            train(model, order, notes)
        elif order["kind"] == "metrics":
            metrics(model, order, notes)
        else:
            score(model, order, notes)
    except (ModelFailure, Unreadable) as failure:
        trace = getattr(failure, "trace", "")
        channel.send(event="failed", message=str(failure), traceback=trace, notes=notes, **versions())
    except MemoryError:
        message = "The records and the model need more memory than the runtime allows."
        channel.send(event="failed", message=message, traceback="", notes=notes, **versions())
    else:
        channel.send(event="done", notes=notes, **versions())


def limit_memory(limit: int) -> None:
    """Let the model have ``limit`` bytes of address space more than the interpreter and pandas have by now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # no /proc: the runtime's own watch over the process's memory remains
        return
    ceiling = pages * resource.getpagesize() + limit
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def definition(order: dict[str, Any]) -> dict[str, Any]:
    """The argument of init functions: the raw JSON of the job or deployment, and the same parsed."""
    raw = Path(order["definition"]).read_text()
    parsed = json.loads(raw)
    if order["kind"] == "online":
        return {"rawJson": raw, "deployedModel": parsed, "deployableModel": parsed.get("deployableModel")}
    return {"rawJson": raw, "job": parsed}


def train(model: ModelCode, order: dict[str, Any], notes: list[str]) -> None:
    """Call the training function once with the frames; what it leaves in ``outputDir`` is the result."""
    function = model.required("train")
    try:
        model.init(definition(order))
    except ModelFailure as failure:  # init usually loads what this training is about to make
        notes.append(f"Training goes on although init failed: {failure}")
    frames = [read_frame(Path(i["path"]), i["format"], i["name"]) for i in order["inputs"]]
    model.check_arguments("train", function, frames, str(len(frames)))
    for _ in model.results("train", function, frames):
        pass


def metrics(model: ModelCode, order: dict[str, Any], notes: list[str]) -> None:
    """Call the metrics function once with one frame for each input, and write the one dict that it yields."""
    function = model.required("metrics")
    model.init(definition(order))
    frames = [read_frame(Path(i["path"]), i["format"], i["name"]) for i in order["inputs"]]
    model.check_arguments("metrics", function, frames, str(len(frames)))
    results = list(model.results("metrics", function, frames))
    if len(results) != 1 or not isinstance(results[0], dict):
        got = f"{len(results)} results" if len(results) != 1 else f"a {type(results[0]).__name__}"
        raise ModelFailure(
            f"The metrics function {function.__name__!r} of {model.source} must yield one dict, and gave {got}."
        )
    nulled: list[str] = []
    result = as_plain(results[0], nulled, "metrics")
    note_nulled(nulled, notes)
    Path(order["outputs"][0]["path"]).write_text(json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False))


def score(model: ModelCode, order: dict[str, Any], notes: list[str]) -> None:
    """Call the score function for every record of every input; outputs pair with inputs, or one takes all."""
    function = model.required("score")
    model.init(definition(order))
    nulled: list[str] = []
    read = written = 0
    for index, output in enumerate(order["outputs"]):
        inputs = order["inputs"] if len(order["outputs"]) == 1 else [order["inputs"][index]]
        with RecordWriter(Path(output["path"]), output["format"], output["name"]) as writer:
            for source in inputs:
                for record in read_records(Path(source["path"]), source["format"], source["name"]):
                    read += 1
                    for result in scored(model, function, record, nulled, f"record {read}"):
                        try:
                            writer.write(result)
                        except ValueError as error:
                            raise ModelFailure(f"The answer to record {read} can't be written: {error}.") from None
            written += writer.count
    note_nulled(nulled, notes)
    notes.append(f"Records in/out: {read}/{written}")


def scored(model: ModelCode, function: Any, record: Any, nulled: list[str], place: str) -> Iterator[Any]:
    """The output records that one input record makes; a returned None makes none."""
    for result in model.results("score", function, [record]):
        if result is not None:
            yield as_plain(result, nulled, "score", place)


def as_plain(result: Any, nulled: list[str], role: str, place: str = "") -> Any:
    try:
        return plain(result, nulled, place)
    except NotPlain as error:
        raise ModelFailure(f"The result of the {role} function is not JSON: {error}.") from None


def note_nulled(nulled: list[str], notes: list[str]) -> None:
    if nulled:
        more = f" and {len(nulled) - NAMED_KEYS} more" if len(nulled) > NAMED_KEYS else ""
        notes.append(f"NaN or infinite values became null: {', '.join(nulled[:NAMED_KEYS])}{more}")


def serve(model: ModelCode, order: dict[str, Any], channel: Channel) -> None:
    """Answer score requests one after another. A failing record is an answer too; the model stays loaded."""
    function = model.required("score")
    model.init(definition(order))
    channel.send(event="ready", **versions())
    for request in channel.requests():
        notes: list[str] = []
        try:
            nulled: list[str] = []
            results = list(scored(model, function, request["record"], nulled, ""))
            note_nulled(nulled, notes)
            channel.send(id=request["id"], event="scored", results=results, notes=notes)
        except ModelFailure as failure:
            channel.send(id=request["id"], event="unscored", message=str(failure), traceback=failure.trace)


def versions() -> dict[str, Any]:
    """Which Python and which libraries this process used: the distributions of all imported modules."""
    imported = {name.partition(".")[0] for name in list(sys.modules)}
    libraries = {
        distribution: metadata.version(distribution)
        for module, distributions in metadata.packages_distributions().items()
        if module in imported
        for distribution in distributions
    }
    return {"python": platform.python_version(), "libraries": dict(sorted(libraries.items()))}
