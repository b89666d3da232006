"""The part of a file that is asked for with ``Range`` (RFC 9110, section 14)."""

import re
from typing import NamedTuple

from mlc.model.failure import MlcError

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class Part(NamedTuple):
    """From ``start`` up to ``stop``, which is not part of it, in bytes."""

    start: int
    stop: int


class Unsatisfiable(MlcError, ValueError):
    """The file has no such part."""


def part_of(header: str | None, size: int) -> Part | None:
    """The part that a header asks for; None: the whole. What is no single range asks for the whole, too.

    Raises:
        Unsatisfiable: the file has no such part.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        last = int(match[2])
        if not last or not size:
            raise Unsatisfiable
        return Part(max(size - last, 0), size)
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Part(start, min(int(match[2]) + 1, size) if match[2] else size)
