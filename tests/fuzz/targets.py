"""What is done with one input of the fuzzer. A target raises when `mlc.dmn` breaks one of its promises.

The promises: only DmnError is raised, the answer is made of the documented types and can be shown, and it takes no
longer than LIMIT, whatever the input is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from typing import Any

import mlc.dmn
from mlc.dmn.feel.values import KINDS, Function
from mlc.dmn.report import evaluation_report

from .channel import channel
from .seeds import decision, definitions, imported, literal, table

#: Seconds of CPU that loading an input, or one evaluation, may take with the fuzzer's instrumentation in the code,
#: which makes it several times slower.
LIMIT = 5.0
#: Decisions, services and functions of one file that are evaluated, of each.
CALLED = 3
INPUTS: dict[str, Any] = {
    "x": Decimal("1.5"),
    "n": 3,
    "s": "ab",
    "b": True,
    "ns": [1, 2, 3],
    "ss": ["a", "b", None],
    "ctx": {"a": 1, "b c": [True]},
    "d": date(2026, 7, 31),
    "t": clock(10, 30, tzinfo=UTC),
    "dt": datetime(2026, 7, 31, 10, 30),  # noqa: DTZ001 - FEEL has both kinds
    "days": timedelta(days=1),
    "months": mlc.dmn.YearsMonthsDuration(14),
    "range": mlc.dmn.Range(Decimal(1), Decimal(3)),
    "nothing": None,
    "data drift": Decimal("0.2"),
    "a-b": 7,
}
#: What a file of the target `load` may import.
IMPORTS = {"m.dmn": imported()}
#: How the target `feel` puts a text into a file, by the first byte of the input.
SHAPES: dict[int, Callable[[str], str]] = {
    ord("0"): literal,
    ord("1"): lambda text: table(cells=(_escaped(text), "-")),
    ord("2"): lambda text: table(values=f"<outputValues><text>{_escaped(text)}</text></outputValues>"),
    ord("3"): lambda text: literal(text, ' expressionLanguage="groovy"'),
    ord("4"): lambda text: literal(text, ' expressionLanguage="juel"'),
}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BrokenPromiseError(Exception):
    """`mlc.dmn` answered, but not as it promises to."""


def load(data: bytes) -> None:
    """Any bytes as a file: it is refused, or its decisions evaluate."""
    for strict in (True, False):
        try:
            with timed("loading"):
                model = mlc.dmn.load(data, strict=strict, imports=IMPORTS)
        except mlc.dmn.DmnError as error:
            explained(error)
            continue
        for name in [*model.decisions[:CALLED], *model.services[:CALLED], *model.functions[:CALLED]]:
            evaluated(model, name, {given.name: value for given, value in zip(model.inputs, _cycle(), strict=False)})
        break


def feel(data: bytes) -> None:
    """Any text as an expression, a cell or a script."""
    shape = SHAPES.get(data[0] if data else 0, literal)
    text = _NOT_XML.sub("", data[1:].decode("utf-8", "replace"))
    file = definitions(decision(shape(text))).encode()
    try:
        with timed("loading"):
            model = mlc.dmn.load(file)
    except mlc.dmn.DmnError as error:
        explained(error)
        return
    evaluated(model, "v", {**INPUTS, "auc": 0.5, "kind": "a"})


TARGETS: dict[str, Callable[[bytes], None]] = {"load": load, "feel": feel, "channel": channel}


def evaluated(model: mlc.dmn.DecisionModel, name: str, inputs: dict[str, Any]) -> None:
    """Evaluate a decision and look at the answer."""
    with timed("evaluating"):
        evaluation = model.evaluate(inputs, name)
    known(evaluation.result)
    for rule in evaluation.matched_rules:
        known(rule.outputs)
    evaluation_report(evaluation)


def known(value: Any, depth: int = 0) -> None:
    """Raise when a result has a type that is not documented."""
    if depth > 100:
        raise BrokenPromiseError("a result is nested more than 100 deep")
    if type(value) is list:
        for item in value:
            known(item, depth + 1)
    elif type(value) is dict:
        if not all(type(key) is str for key in value):
            raise BrokenPromiseError(f"a context has keys that are no strings: {list(value)!r:.200}")
        for item in value.values():
            known(item, depth + 1)
    elif isinstance(value, mlc.dmn.Range):
        known(value.low, depth + 1)
        known(value.high, depth + 1)
    elif isinstance(value, Decimal) and not value.is_finite():
        raise BrokenPromiseError(f"a result is {value}")
    elif not (type(value) in KINDS or isinstance(value, Function)):
        raise BrokenPromiseError(f"a result is of type {type(value).__name__}")


def explained(error: mlc.dmn.DmnError) -> None:
    """Raise when an error does not say what is wrong."""
    if not error.problems or not all(problem.message and problem.kind for problem in error.problems):
        raise BrokenPromiseError("an error without a problem that explains it")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Raise when something takes longer than it may."""
    start = time.thread_time()
    yield
    taken = time.thread_time() - start
    if taken > LIMIT:
        raise BrokenPromiseError(f"{what} took {taken:.1f} seconds of CPU")


def _cycle() -> Iterator[Any]:
    while True:
        yield from INPUTS.values()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
