"""What can go wrong with a file that is sent, kept or read; each text is a sentence for whoever asked."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from mlc.model.failure import MlcError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class NoRoom(MlcError, OSError):
    """There is no room for a file where files are kept. Nothing of it is there."""


class CannotKeep(MlcError, OSError):
    """The place where files are kept can't be used, for another reason than that it is full."""


class WrongHash(MlcError, ValueError):
    """What was sent has another SHA-256 than was said. Nothing of it is kept."""


class UnknownFile(MlcError, ValueError):
    """An asset refers to a file that isn't stored. The text names the asset."""


class NotEmbedded(MlcError, ValueError):
    """An entity's files can't be embedded in its document."""


class TooLong(MlcError, ValueError):
    """A file is larger than may be sent."""


class Misplaced(MlcError, ValueError):
    """What was sent is not what comes next.

    Attributes:
        offset: bytes that are there.
        busy: somebody else is sending this file now.
    """

    def __init__(self, offset: int, *, busy: bool = False) -> None:
        super().__init__(
            "This file is being sent by another request now; ask with HEAD how far it is, and go on from there."
            if busy
            else f"{offset} bytes of this file are there; go on from there."
        )
        self.offset = offset
        self.busy = busy


@contextmanager
def written() -> Iterator[None]:
    """Raises NoRoom or CannotKeep instead of what the system says."""
    try:
        yield
    except (NoRoom, CannotKeep):
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom(
                "There is no room for this file where the model centre keeps files: make room there, or have them kept "
                "elsewhere (MLC_CENTER_FILES), and send it again."
            ) from error
        raise unusable(error) from error


@contextmanager
def reached() -> Iterator[None]:
    """For a store elsewhere, whose library has errors of its own: raises NoRoom, CannotKeep and FileNotFoundError."""
    try:
        with written():
            yield
    except (NoRoom, CannotKeep) as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise error.__cause__ from None
        raise
    except Exception as error:
        raise unusable(error) from error


def unusable(error: Exception) -> CannotKeep:
    """What is said of a place that can't be used: nothing of the library's own words, which may hold a secret."""
    why = getattr(error, "strerror", None) or type(error).__name__
    return CannotKeep(
        f"The model centre can't use the place where it keeps files ({why}); see to it (MLC_CENTER_FILES), and try "
        "again."
    )
