"""Who calls the score function: this process, or several that each have the model. The results come in order.

Where there are several, this process has no model. It cuts the inputs into tasks, hands them out, and takes the results
in the order of the records, so that nothing shows how many processes there were. They are made before anything of the
model runs, by a fork, and so within whatever confines this one.
"""

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, Protocol

from . import markers
from .block import BlockScorer, Scored, Task, UnderWay
from .functions import ModelCode, ModelFailure
from .tasks import Size
from .unreadable import Unreadable
from .writing import Formatter

AHEAD = 2
"""Tasks that a process has at the same time, so that it need not wait for the next one."""
WINDOW = 8
"""Tasks for each process that may be done before one that is not, or not yet written."""

DONE, UNDER_WAY = "done", "under way"


@dataclass(frozen=True)
class Work:
    """Which input of the order goes to which output; ``found`` and ``types``: see :class:`.block.BlockScorer`."""

    source: int
    output: int
    found: Mapping[str, Any] | None
    types: Mapping[str, str] = field(default_factory=dict)

    def scorer(self, model: ModelCode, order: Mapping[str, Any]) -> BlockScorer:
        """What scores it."""
        return BlockScorer(
            model,
            order["inputs"][self.source],
            order["outputs"][self.output],
            found=self.found,
            types=self.types,
            stop=order["stop_on_bad_records"],
        )


class Workers(Protocol):
    """Who calls the score function."""

    batch: tuple[str, int] | None
    """See :func:`.markers.batch`."""

    def score(
        self, work: Work, tasks: Iterator[Task], formatter: Formatter, size: Size, under_way: UnderWay
    ) -> Iterator[Scored]:
        """Score tasks, and give the results in their order.

        Args:
            formatter: its header is that of the output so far, and is set.
            size: told how long tasks take.
            under_way: told now and then how many records are done of those whose results weren't given yet.

        Raises:
            ModelFailure, Unreadable: as :meth:`.block.BlockScorer.score`.
        """
        ...


class Here:
    """This process alone."""

    def __init__(self, model: ModelCode, order: Mapping[str, Any]) -> None:
        self.batch = model.batch
        self._model = model
        self._order = order

    def score(
        self, work: Work, tasks: Iterator[Task], formatter: Formatter, size: Size, under_way: UnderWay
    ) -> Iterator[Scored]:
        """See :class:`Workers`."""
        scorer = work.scorer(self._model, self._order)
        for task in tasks:
            began = time.monotonic()
            scored = scorer.score(replace(task, header=formatter.header), under_way)
            size.took(time.monotonic() - began, task)
            formatter.header = scored.header
            yield scored


def how_many(order: Mapping[str, Any]) -> int:
    """How many processes an order's model may run in.

    One, unless it is scored record by record and its source alone shows that it takes nothing but a record; and one if
    it is declared stateful.
    """
    if order["kind"] != "scoring" or order["processes"] < 2:
        return 1
    try:
        content = Path(order["source"]).read_bytes()
        found = {**markers.marked_functions(content), **order["functions"]} or markers.usual_functions(content)
        names = markers.parameters(content, found["score"]) if "score" in found else None
        special = markers.is_stateful(content) or markers.record_sets(content)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # it is said later what is wrong
        return 1
    plain = names is not None and not markers.takes_slot(names) and not markers.takes_together(names)
    return int(order["processes"]) if plain and not special else 1


class Forked:
    """Several processes, each of which has loaded the model.

    Args:
        count: how many.
        load: makes a process ready in which it is called, and gives its model.
    """

    def __init__(self, order: Mapping[str, Any], count: int, load: Callable[[], ModelCode]) -> None:
        self._order = order
        self._processes: dict[Connection, int] = {}
        self.batch: tuple[str, int] | None = None
        for _ in range(count):
            ours, theirs = Pipe()
            process = os.fork()
            if not process:
                for other in self._processes:
                    other.close()
                ours.close()
                _run(theirs, order, load)
            theirs.close()
            self._processes[ours] = process

    def wait(self) -> None:
        """Wait until all have loaded the model.

        Raises:
            ModelFailure, MemoryError: one couldn't.
        """
        for process in self._processes:
            self.batch = _result(self._heard(process))

    def score(
        self, work: Work, tasks: Iterator[Task], formatter: Formatter, size: Size, under_way: UnderWay
    ) -> Iterator[Scored]:
        """See :class:`Workers`."""
        given: dict[Connection, deque[int]] = {process: deque() for process in self._processes}
        done: dict[int, tuple[str, Any]] = {}
        sent: dict[int, Task] = {}
        begun: dict[Connection, int] = {}
        held: Task | None = None
        number = written = 0
        for process in given:
            process.send(work)
        more = True
        while True:
            while more and number - written < WINDOW * len(given):
                process = min(given, key=lambda each: len(given[each]))
                if len(given[process]) >= AHEAD or (formatter.is_csv and formatter.header is None and number > written):
                    break
                task = held or next(tasks, None)
                if task is None:
                    more = False
                    break
                held = task if task.piece is None and given[process] else None
                if held:  # what is large waits until somebody listens
                    break
                process.send(replace(task, header=formatter.header))
                given[process].append(number)
                sent[number] = task
                number += 1
            while written in done:
                seconds, scored = _result(done.pop(written))
                size.took(seconds, sent.pop(written))
                formatter.header = scored.header
                written += 1
                yield scored
            if not more and written == number:
                return
            busy = [process for process, tasks_of in given.items() if tasks_of]
            for heard in wait(busy) if busy else ():
                assert isinstance(heard, Connection)
                kind, told = self._heard(heard)
                if kind == UNDER_WAY:
                    begun[heard] = told
                    waiting = sum(scored.tally.read for kind, (_, scored) in done.values() if kind == DONE)
                    under_way(waiting + sum(begun.values()))
                else:
                    begun.pop(heard, None)
                    done[given[heard].popleft()] = kind, told

    def end(self) -> None:
        """End them, whatever they do."""
        for connection, process in self._processes.items():
            connection.close()
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    def _heard(self, connection: Connection) -> tuple[str, Any]:
        try:
            heard: tuple[str, Any] = connection.recv()
        except (EOFError, OSError):
            _end_as(self._processes[connection])
        return heard


def _end_as(process: int) -> None:
    """End as another process did: the runtime shall see of the model's end what it would see if it had run here."""
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in {signal.SIGKILL, signal.SIGSTOP} else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def _result(heard: tuple[str, Any]) -> Any:
    match heard:
        case ("failed", (sentence, trace)):
            raise ModelFailure(sentence, trace)
        case ("unreadable", sentence):
            raise Unreadable(sentence)
        case ("memory", _):
            raise MemoryError
    return heard[1]


def _run(channel: Connection, order: Mapping[str, Any], load: Callable[[], ModelCode]) -> None:
    """What such a process does, until the other end closes."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what it prints is its log; it has no say in the runtime's channel

    def tell(records: int) -> None:
        channel.send((UNDER_WAY, records))

    try:
        heard, model = _outcome(load)
        channel.send((heard, model.batch if isinstance(model, ModelCode) else model))
        scorer: BlockScorer | None = None
        while isinstance(model, ModelCode):
            told = channel.recv()
            if isinstance(told, Work):
                work, scorer = told, None
            else:
                began = time.monotonic()
                heard, scored = _outcome(partial(_scored, partial(work.scorer, model, order), scorer, told, tell))
                if heard == DONE:
                    scorer, scored = scored
                    scored = time.monotonic() - began, scored
                channel.send((heard, scored))
        channel.recv()
    except (EOFError, OSError):
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(1)


def _scored(
    make: Callable[[], BlockScorer], scorer: BlockScorer | None, task: Task, tell: UnderWay
) -> tuple[BlockScorer, Scored]:
    scorer = scorer or make()
    return scorer, scorer.score(task, tell)


def _outcome(do: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return DONE, do()
    except ModelFailure as failure:
        return "failed", (str(failure), failure.trace)
    except Unreadable as problem:
        return "unreadable", str(problem)
    except MemoryError:
        return "memory", None
