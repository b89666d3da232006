"""Files of this machine: opened as what they are, and made for whoever may look into their folder."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

READ_AS_IT_IS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Never a link that came in between, nor a pipe that one would wait for."""


def opened(path: Path) -> IO[bytes]:
    """A regular file, open for reading.

    Raises:
        OSError: it can't be opened, or is no file.
    """
    descriptor = os.open(path, os.O_RDONLY | READ_AS_IT_IS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "it is no file")
    return os.fdopen(descriptor, "rb")


def make(folder: Path) -> None:
    """Make a folder, and those that it is in, for whoever may look into the one that was there.

    Raises:
        OSError: it can't be made.
    """
    if folder.is_dir():
        return
    make(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode) & 0o2775 | 0o700)


def shared(folder: Path) -> int:
    """The mode of a file for whoever may look into its folder: not as the umask says, which is for our own files."""
    return folder.stat().st_mode & 0o664 | 0o600


def settle(folder: Path) -> None:
    """Make sure that the names in a folder outlive a power failure.

    Raises:
        OSError: it can't be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
