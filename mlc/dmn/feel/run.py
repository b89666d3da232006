"""The state of one evaluation: what it may still spend, and what went wrong so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from mlc.dmn.errors import Kind, LimitExceededError, Place, Problem

#: Steps that one evaluation may take. A step is about a microsecond's work: an item of a loop, a call, 64 characters.
STEPS = 250_000
#: Seconds of CPU that one evaluation may take: a net under the steps, for operations that cost more than they count.
SECONDS = 0.7
#: Bytes that all the values may take that one evaluation makes, whether or not they are still needed, as far as they
#: are not paid for by steps: a step of 64 characters or 8 items is some hundred bytes.
MEMORY = 64 * 1024 * 1024
#: Function calls inside function calls.
CALL_DEPTH = 40
#: Problems kept of one evaluation; further ones would only repeat them.
PROBLEMS = 100

_LOOK = 64

Value: TypeAlias = Any
Scope: TypeAlias = dict[str, Value]


class Run:
    """One evaluation of a model. `missing` holds the names of the inputs that are not given, and `nulls` what is read
    and turned out to be null. `noted` counts what is noted, also what has been noted before.

    `clock` is the moment at which the evaluation takes place, in UTC. Without one it is the machine's, read when it is
    first asked for and the same from then on; it stays None as long as nothing has asked. `observer` is told of every
    table that is evaluated (an `observation.Observer`).
    """

    __slots__ = (
        *("clock", "countdown", "deadline", "depth", "matched", "memory", "missing", "nulls", "problems", "steps"),
        *("noted", "observer", "unmatched"),
    )

    def __init__(self, clock: datetime | None = None) -> None:
        self.clock = clock
        self.steps = STEPS
        self.memory = MEMORY
        self.countdown = _LOOK
        self.deadline = 0.0
        self.depth = 0
        self.problems: dict[Problem, None] = {}
        self.noted = 0
        self.matched: list[Any] = []
        self.unmatched: dict[str, Any] = {}
        self.missing: set[str] = set()
        self.nulls: set[str] = set()
        self.observer: Callable[[Any], None] | None = None

    def spend(self, steps: int = 1) -> None:
        """Count steps; raise LimitExceededError when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitExceededError(f"the evaluation takes more than {STEPS:,} steps")
        self.countdown -= 1
        if not self.countdown:
            self.countdown = _LOOK
            self.look_at_the_clock()

    def hold(self, size: int) -> None:
        """Count bytes that a value takes, before it is made or while it grows; raise LimitExceededError when there are
        none left.
        """
        self.memory -= size
        if self.memory < 0:
            raise LimitExceededError(f"the evaluation takes more than {MEMORY // 1024**2} MiB of memory")

    def afford(self, size: int) -> None:
        """Raise LimitExceededError when a value of so many bytes would be too much; it is counted when it is there."""
        self.hold(size)
        self.memory += size

    def look_at_the_clock(self) -> None:
        """Raise LimitExceededError when the time is over; it begins with the first look."""
        now = time.thread_time()
        self.deadline = self.deadline or now + SECONDS
        if now > self.deadline:
            raise LimitExceededError(f"the evaluation takes more than {SECONDS:g} seconds of CPU")

    @contextmanager
    def untimed(self) -> Iterator[None]:
        """For work that is not this evaluation's own: it takes nothing of the time."""
        start = time.thread_time()
        yield
        if self.deadline:
            self.deadline += time.thread_time() - start

    def now(self) -> datetime:
        """The moment at which the evaluation takes place."""
        if self.clock is None:
            self.clock = datetime.now(UTC)
        return self.clock

    def enter(self) -> None:
        """Begin a call of a function; every `enter` has its `leave`."""
        self.spend()
        self.depth += 1
        if self.depth > CALL_DEPTH:
            raise LimitExceededError(f"functions call each other more than {CALL_DEPTH} deep")

    def leave(self) -> None:
        """End a call of a function."""
        self.depth -= 1

    def note(self, kind: Kind, message: str, place: Place, name: str | None = None) -> None:
        """Keep a problem, once; where there are many, the first of every kind: who forgives one forgives no other."""
        self.noted += 1
        if len(self.problems) < PROBLEMS or not any(problem.kind is kind for problem in self.problems):
            self.problems[Problem(kind, message, place, name)] = None


#: Bytes of a value in a list or context: a reference, and a number that nothing else has.
ITEM = 112
#: Bytes of a context's entry, and of a list, context or function itself.
ENTRY, OBJECT = 100, 64

Code: TypeAlias = Callable[[Scope, Run], Value]
Test: TypeAlias = Callable[[Value, Scope, Run], bool | None]


def nothing(scope: Scope, run: Run) -> Value:  # noqa: ARG001 - it is a Code
    """The code of what is not there or does not compile."""
    return None
