"""What is tried on the channel between a runtime and a model's process: any bytes, and real messages with changes.

The promises: whatever comes, it is one of the documented messages or refused with a sentence; a message that is taken
is within its limits, has no text that could forge a line, and can be written as JSON that every caller can read; and
none of it takes longer than LIMIT.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from mlc.runtime.channel.lines import Channel, Closed
from mlc.runtime.channel.messages import JOB, LOADING, SERVING, BadMessage, parse
from mlc.runtime.harness import limits, telling
from mlc.runtime.harness.texts import is_printable

#: Seconds of CPU that one input may take.
LIMIT = 5.0
#: Bytes that a line may have here: small, so that long ones are tried.
LINE = 4096
KINDS = {"job": JOB, "loading": LOADING, "serving": SERVING}
COUNTS = {"read": 3, "written": 2, "bad": 1, "unanswered": 0, "paired": True, "examples": ["Record 2 of a.csv is bad."]}
#: What is put into a message in place of a part of it.
PIECES = [
    b"NaN", b"-Infinity", b"1e400", b"1" * 400, b"1" * 5000, b"-1", b"9007199254740993", b"1.0", b"null", b"true",
    b'""', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\\u001b[2J"', b'"\\n"', b'"\\u2028"', b'"\\u202e"',
    b"\xff", b"\xed\xa0\x80", b"\x00", b"[" * 300, b"[" * 300 + b"]" * 300, b'{"a":' * 300, b'{"a":1,"a":2}',
    b"[]", b"{}",    b'"' + b"x" * 3000 + b'"', b",", b"\n", b'"event":"done",', b'"id":1,', b"\xef\xbb\xbf",
]  # fmt: skip


class BrokenPromiseError(Exception):
    """Something was taken that should not have been, or refused in another way than with a sentence."""


def seeds() -> Iterator[bytes]:
    """Messages as the harness sends them."""
    failed = telling.failure("The model failed.", "Traceback:\n  line")
    scored = {"outcome": "scored", "results": [{"a": [1, 2.5, None, True, "ü"]}], "warning": "NaN became null."}
    refused = {"outcome": "refused", "message": "No.", "columns": {"missing": ["a"], "wrong": []}}
    for message in (
        {"event": "progress", "records": 41},
        {"event": "done", "notes": ["a note"]},
        {"event": "done", "notes": [], "records": COUNTS},
        {"event": "failed", **failed, "notes": []},
        {"event": "ready", "trial": None, "notes": []},
        {"event": "ready", "trial": {"origin": "record 1 of a.csv", "record": "{}"}, "notes": ["b"]},
        {"event": "tried", "id": 1, "tried": scored},
        {"event": "tried", "id": 1, "tried": {"outcome": "failed", **failed}},
        {"event": "scored", "id": 2, "outcomes": [scored, refused, {"outcome": "failed", "message": "No."}]},
    ):
        yield telling.encoded(message)


def channel(data: bytes) -> None:
    """Any bytes, as a model's process could write them."""
    started = time.process_time()
    for line in asyncio.run(_lines(data)):
        for messages in KINDS.values():
            try:
                message: BaseModel = parse(line, messages, limits.JOB_VALUES)
            except BadMessage as bad:
                _check_sentence(str(bad))
            else:
                _check(message)
    if (taken := time.process_time() - started) > LIMIT:
        raise BrokenPromiseError(f"it took {taken:.1f} seconds of CPU")


async def _lines(data: bytes) -> list[bytes]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    end = Channel(ours)
    await end.open()
    loop = asyncio.get_running_loop()

    async def write() -> None:
        with theirs:
            for start in range(0, len(data), 1000):
                try:
                    await loop.sock_sendall(theirs, data[start : start + 1000])
                except ConnectionError:  # it was refused, and the channel closed
                    return

    writing = asyncio.create_task(write())
    found = []
    try:
        while True:
            found.append(await end.line(LINE))
            if len(found[-1]) > LINE:
                raise BrokenPromiseError(f"a line of {len(found[-1])} bytes was taken")
    except BadMessage as bad:
        _check_sentence(str(bad))
    except Closed:
        pass
    finally:
        end.close()
        await writing
    return found


def _check_sentence(text: str) -> None:
    if not text or len(text) > 300 or not is_printable(text):
        raise BrokenPromiseError(f"it was refused with {text!r}")


def _check(message: BaseModel) -> None:
    told = message.model_dump()
    json.dumps(told, allow_nan=False, ensure_ascii=False).encode()
    results = [outcome.pop("results", None) for outcome in _outcomes(told)]
    for text in _texts(told):
        if len(text) > limits.TRACEBACK or not is_printable(text, lines=True):
            raise BrokenPromiseError(f"the text {text[:100]!r} was taken")
    if problem := limits.unreadable(results):
        raise BrokenPromiseError(f"an answer was taken although {problem}")


def _outcomes(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [*told.get("outcomes", []), *([told["tried"]] if "tried" in told else [])]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(part)


def changed(seed: bytes, chance: random.Random) -> bytes:
    """A message with one to four changes."""
    data = seed
    for _ in range(chance.randint(1, 4)):
        first, last = sorted(chance.choices(range(len(data) + 1), k=2))
        last = min(last, first + chance.choice([0, 1, 4, 40]))
        match chance.randrange(5):
            case 0:
                data = data[:first] + chance.choice(PIECES) + data[last:]
            case 1:
                data = data[:first] + data[last:]
            case 2:
                data = data[:last] + data[first:]
            case 3:
                data = data[:first] + chance.randbytes(last - first) + data[last:]
            case _:
                tokens = data.split(b":")
                tokens[chance.randrange(len(tokens))] = chance.choice(PIECES)
                data = b":".join(tokens)
    return data + b"\n"


def run(seconds: float, seed: int = 0, most: int | None = None) -> str:
    """Try changed messages for so long, or so many; what was done, in a sentence.

    Raises:
        BrokenPromiseError: and the input is in the message.
    """
    chance, ends, tried = random.Random(seed), time.monotonic() + seconds, 0
    start = list(seeds())
    while time.monotonic() < ends and tried != most:
        data = changed(chance.choice(start), chance)
        try:
            channel(data)
        except Exception as error:
            raise BrokenPromiseError(f"{error!r} on {data!r:.2000}") from error
        tried += 1
    return f"{tried:,} messages kept the promises (seed {seed})."
