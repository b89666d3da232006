"""Files of a model folder, opened as what they are taken for: ordinary ones, that nothing waits for."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


def opened(path: Path) -> BinaryIO:
    """A regular file, opened for reading. What it is called may be something else by now: a pipe is not waited for.

    Raises:
        OSError: it can't be read, or is none.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "It is no file", str(path))
    return os.fdopen(descriptor, "rb")


def content(path: Path, limit: int) -> bytes | None:
    """What a regular file holds; None if that is more than ``limit`` bytes, of which no more is read.

    Raises:
        OSError: it can't be read, or is none.
    """
    with opened(path) as file:
        held = file.read(limit + 1)
    return None if len(held) > limit else held
