"""Python's garbage collection, which a large file's objects would set off again and again, though all of them stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """No search for garbage meanwhile, in any thread; what nothing refers to is freed as ever.

    For what makes many objects in a short time and keeps them. Where collection is off already, it stays so.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
