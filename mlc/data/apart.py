"""Tables that nobody vouches for are read in a process of their own, with a limit of its memory.

A few kilobytes of Parquet or Arrow can stand for gigabytes: one long value a million times, a page that unpacks to
another size than the file says. What reading takes is only known by reading, so the process that reads may die of it.

The process gets open files and nothing else: no address, no variable, no setting. Messages are JSON, one a packet.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mlc.data.matching import BadData, Match

MEMORY = 1024**3
"""Bytes that reading may take, Python and its libraries among them."""
LOOKED = 0.5
"""Seconds between two looks at how far it is."""
_PACKET = 64 * 1024
LONGEST_NAME = 500
MOST_COLUMNS = 100_000
"""More types, and types of longer names, are not told."""
_TOO_MUCH = "it takes more memory to read than the runtime allows for that: write it in smaller pieces"
_ROOT = Path(__file__).parents[2]
PROGRAM = f"import sys; sys.path.append({str(_ROOT)!r}); from mlc.data.apart import main; main()"
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # else it reserves more than it may have
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
Opened = Callable[[Match], AbstractContextManager[IO[bytes]]]


def gathered(
    found: Iterable[Match], opened: Opened, target: IO[bytes], going: Callable[[int], None], memory: int = MEMORY
) -> int:
    """Like :func:`mlc.data.gathering.gather`, apart.

    Args:
        opened: gives a file of this machine.
        target: another one.
        going: told now and then how many bytes ``target`` has; what it raises ends it.

    Raises:
        BadData: as that; or reading takes more memory.
    """
    with _reader({"task": "gather"}, target, going, memory) as reader:
        for match in found:
            with opened(match) as file:
                reader.ask({"match": asdict(match)}, file)
        return int(reader.ask({"end": True})["rows"])


def lines(
    file: IO[bytes],
    target: IO[bytes],
    going: Callable[[int], None],
    *,
    file_format: str,
    reads: Path,
    memory: int = MEMORY,
) -> dict[str, str]:
    """A table's rows as JSON lines, apart.

    Args:
        file_format: ``parquet`` or ``arrow``.
        reads: the module that reads those (:mod:`mlc.runtime.harness.columnar`).
        target: where they are written.
        going: as for :func:`gathered`.

    Returns:
        The types of a data frame's columns, which the lines don't tell.

    Raises:
        BadData: the table isn't what its format says, or reading takes more memory.
    """
    with _reader({"task": "lines", "format": file_format, "reads": str(reads)}, target, going, memory) as reader:
        types: dict[str, str] = {}
        told = reader.ask({}, file)["types"]
        while told and len(types) < MOST_COLUMNS:
            types |= told
            told = reader.ask({})["types"]
        return types


class _Reader:
    def __init__(self, ours: socket.socket, look: Callable[[], None]) -> None:
        self._ours, self._look = ours, look

    def ask(self, message: Mapping[str, Any], file: IO[bytes] | None = None) -> dict[str, Any]:
        """What comes of a message, with an open file if there is one."""
        descriptors = []
        if file is not None:
            file.flush() if file.writable() else None
            file.seek(0)
            descriptors.append(file.fileno())
        try:
            socket.send_fds(self._ours, [json.dumps(message).encode()], descriptors)
            answer = self._answer()
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        self._look()
        told: dict[str, Any] = json.loads(answer) if answer else {"bad": _TOO_MUCH}
        if "bad" in told:
            raise BadData(told["bad"])
        return told

    def _answer(self) -> bytes:
        while True:
            with suppress(TimeoutError):
                return self._ours.recv(_PACKET)
            self._look()


@contextmanager
def _reader(
    order: Mapping[str, Any], target: IO[bytes], going: Callable[[int], None], memory: int
) -> Iterator[_Reader]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    target.flush()
    with ours:
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-c", PROGRAM, str(theirs.fileno()), str(target.fileno()), str(memory)],
                cwd="/",
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), target.fileno()],
            )
        ours.settimeout(LOOKED)
        try:
            reader = _Reader(ours, lambda: going(os.fstat(target.fileno()).st_size))
            reader.ask(order)
            yield reader
        finally:
            process.kill()
            process.wait()


def main() -> None:
    """The process that reads: told its end of the socket, the target's descriptor and its memory in bytes."""
    import resource

    theirs, target, memory = map(int, sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with socket.socket(fileno=theirs) as asking, os.fdopen(target, "wb") as made:
        order = _asked(asking)[0]
        try:
            asking.send(json.dumps(_DONE[order["task"]](asking, order, made)).encode())
        except MemoryError:
            os._exit(1)  # to say so may take more than there is
        except (BadData, ValueError, OSError) as error:
            asking.send(json.dumps({"bad": str(error)[:2000]}).encode())


def _asked(asking: socket.socket) -> tuple[dict[str, Any], list[int]]:
    message, descriptors, _, _ = socket.recv_fds(asking, _PACKET, 1)
    if not message:  # whoever asked is gone
        os._exit(0)
    return json.loads(message), descriptors


def _gather(asking: socket.socket, _: Mapping[str, Any], made: IO[bytes]) -> dict[str, Any]:
    from mlc.data.gathering import gather

    given = list[int]()

    def found() -> Iterator[Match]:
        while True:
            asking.send(b"{}")  # what was asked before is done
            message, descriptors = _asked(asking)
            if "end" in message:
                return
            given[:] = descriptors
            yield Match(**message["match"])

    rows = gather(found(), lambda _: os.fdopen(given[0], "rb"), made, lambda: None)
    made.flush()
    return {"rows": rows}


def _lines(asking: socket.socket, order: Mapping[str, Any], made: IO[bytes]) -> dict[str, Any]:
    from importlib.util import module_from_spec, spec_from_file_location

    from mlc.data.json_lines import EXACT_DIGITS, written

    found = spec_from_file_location("columnar", order["reads"])
    assert found is not None
    assert found.loader is not None
    columnar = module_from_spec(found)
    found.loader.exec_module(columnar)
    asking.send(b"{}")
    path = Path(f"/dev/fd/{_asked(asking)[1][0]}")
    # Of a type that isn't a decimal there is no precision.
    digits = {each.name: getattr(each.type, "precision", 0) for each in columnar.schema_of(path, order["format"])}
    rows = columnar.table_records(path, order["format"])
    for line in written(rows, lambda name: digits.get(name, 0) <= EXACT_DIGITS):
        made.write(line)
    made.flush()
    for some in _in_packets(columnar.table_types(path, order["format"])):
        asking.send(json.dumps({"types": some}).encode())
        _asked(asking)
    return {"types": {}}


def _in_packets(types: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Those of columns whose names are no longer than anybody reads."""
    named = ((name, of) for name, of in types.items() if len(name) <= LONGEST_NAME)
    while some := dict(islice(named, _PACKET // (LONGEST_NAME * 6 + 20))):  # as JSON a character may have six bytes
        yield some


_DONE = {"gather": _gather, "lines": _lines}
