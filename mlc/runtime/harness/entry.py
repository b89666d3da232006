"""The model process: runs one job and ends, or loads a model and answers until the channel closes.

Speaks JSON lines with the runtime over what were its standard input and output. From then on a model reads nothing from
its standard input, and what it prints goes to standard error, which is its log.
"""

import gc
import json
import os
import queue
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from . import telling
from .calling import required_parameters
from .frames import read_input
from .functions import ModelCode, ModelFailure
from .joining import answering, scores_of, write_scored
from .markers import takes_slot
from .merging import merged
from .offered import offer
from .production import frames_of
from .scoring import BatchScoring
from .serving import OnlineScoring
from .unreadable import Unreadable
from .workers import Forked, Here, Workers, how_many


class Channel:
    """JSON lines to and from the runtime. When the runtime goes away, this process and all it started go too.

    The runtime takes no message but those of ``mlc.runtime.channel.messages``, and ends a process that sends anything
    else.
    """

    def __init__(self) -> None:
        self._incoming, self._outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self._requests: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, **message: Any) -> None:
        self.write(telling.encoded(message))

    def write(self, line: bytes) -> None:
        rest = memoryview(line + b"\n")
        while rest:  # a raw file may take a part
            rest = rest[self._outgoing.write(rest) :]

    def finish(self) -> None:
        """Say that nothing follows, whoever else has the channel open."""
        with suppress(OSError), socket.socket(fileno=os.dup(self._outgoing.fileno())) as channel:
            channel.shutdown(socket.SHUT_WR)

    def requests(self) -> Iterator[dict[str, Any]]:
        while True:
            yield self._requests.get()

    def _listen(self) -> None:
        with suppress(OSError):
            for line in self._incoming:
                self._requests.put(json.loads(line))
        os.killpg(os.getpgrp(), signal.SIGKILL)


def main(order_file: str) -> None:
    """Do what the order says: see :class:`mlc.runtime.order.Order`, which writes it."""
    order: dict[str, Any] = json.loads(Path(order_file).read_text())
    limit_memory(order["memory_limit"])
    offer()
    processes = how_many(order)
    # Before there is a thread, a channel, or anything of the model.
    workers = Forked(answering(order), processes, lambda: loaded(order)) if processes > 1 else None
    channel = Channel()
    channel.send(**perform(order, channel, workers))
    channel.finish()
    if workers:
        workers.end()


def loaded(order: dict[str, Any]) -> ModelCode:
    """The model of a scoring job, ready to score.

    Raises:
        ModelFailure: it can't be loaded.
    """
    use_folder(Path(order["source"]))
    model = ModelCode(order["source"], order["functions"])
    model.required("score")
    model.init(lambda: definition(order))
    # What is there by now stays: looking through it again and again for what can be freed costs a third of the time.
    gc.freeze()
    return model


def use_folder(source: Path) -> None:
    """Let the model import what lies in its folder, and beside its source.

    A source that is called like a module of the standard library is not what others get who import that.
    """
    if source.stem in sys.stdlib_module_names:
        with suppress(ImportError):
            import_module(source.stem)
    sys.path.insert(0, str(Path.cwd()))
    if source.parent != Path():
        sys.path.insert(1, str(Path.cwd() / source.parent))


def perform(order: dict[str, Any], channel: Channel, workers: Forked | None = None) -> dict[str, Any]:
    """Run a job, or serve a model.

    Args:
        workers: other processes, which score; then nothing of the model runs in this one.

    Returns:
        The last message to the runtime: ``event`` is ``done`` or ``failed``.
    """
    notes: list[str] = []
    ended: dict[str, Any] = {"event": "done"}
    try:
        if workers:
            workers.wait()
            ended["records"] = score(None, workers, order, notes, channel)
        else:
            use_folder(Path(order["source"]))
            perform_here(ModelCode(order["source"], order["functions"]), order, channel, notes, ended)
    except (ModelFailure, Unreadable) as failure:
        ended = {"event": "failed", **telling.failure(str(failure), getattr(failure, "trace", ""))}
    except MemoryError:
        message = "The records and the model need more memory than the runtime allows."
        ended = {"event": "failed", "message": message, "traceback": ""}
    return {**ended, "notes": telling.notes(notes)}


def perform_here(
    model: ModelCode, order: dict[str, Any], channel: Channel, notes: list[str], ended: dict[str, Any]
) -> None:
    """Run a job, or serve a model, in this process. What a job counted goes into ``ended``."""
    match order["kind"]:
        case "online":
            serve(model, order, channel)
        case "training":
            train(model, order, notes)
        case "metrics":
            metrics(model, order, notes, ended)
        case _:
            ended["records"] = score(model, Here(model, answering(order)), order, notes, channel)


def limit_memory(limit: int) -> None:
    """Let the model have ``limit`` bytes of memory of its own more than the interpreter and pandas have by now.

    What it maps of files, such as weights of gigabytes, is the system's to keep in memory or not (getrlimit(2)).
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack
    except OSError:  # no /proc: the runtime's own watch over the process's memory remains
        return
    ceiling = pages * resource.getpagesize() + limit
    resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))
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
        model.init(lambda: definition(order))
    except ModelFailure as failure:  # init usually loads what this training is about to make
        notes.append(f"Training goes on although init failed: {failure}")
    frames = [read_input(source) for source in order["inputs"]]
    model.check_arguments("train", function, frames, str(len(frames)))
    for _ in model.results("train", function, frames):
        pass


def metrics(model: ModelCode, order: dict[str, Any], notes: list[str], ended: dict[str, Any]) -> None:
    """Call the metrics function once with one frame for each input, and write what it yields as one object.

    One that takes the number of a slot is called for each input.
    """
    function = model.required("metrics")
    model.init(lambda: definition(order))
    frames = frames_of(order, notes, ended)
    calls: list[list[Any]] = [frames]
    if takes_slot(required_parameters(function)):
        calls = [[frame, 2 * index] for index, frame in enumerate(frames)]
    for arguments in calls:
        model.check_arguments("metrics", function, arguments, str(len(arguments)))
    results = [result for arguments in calls for result in model.results("metrics", function, arguments)]
    result = merged(results, f"The metrics function {function.__name__!r} of {model.source}", notes)
    Path(order["outputs"][0]["path"]).write_text(
        json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False), encoding="utf-8"
    )


def score(
    model: ModelCode | None, workers: Workers, order: dict[str, Any], notes: list[str], channel: Channel
) -> dict[str, Any]:
    """Call the score function for every record of every input; outputs pair with inputs, or one takes all."""
    if order["scored_records"]:
        scores_of(order)  # before anything is scored in vain
    scoring = BatchScoring(
        model,
        workers,
        answering(order),
        notes,
        report=lambda records: channel.send(event="progress", records=records),
        save=lambda point: channel.send(event="checkpoint", **point),
    )
    if model:
        model.init(lambda: definition(order))
        gc.freeze()
    counts = scoring.run()
    if order["scored_records"]:
        write_scored(order, counts, notes)
    return counts


def serve(model: ModelCode, order: dict[str, Any], channel: Channel) -> None:
    """Answer requests one after another until the channel closes."""
    scoring = OnlineScoring(model, order)
    model.init(lambda: definition(order))
    channel.send(event="ready", trial=telling.trial(scoring.trial), notes=telling.notes(scoring.notes))
    for request in channel.requests():
        channel.write(telling.outcomes(request["id"], scoring.answer(request), order["answer_limit"]))
