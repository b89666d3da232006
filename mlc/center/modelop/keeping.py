"""Whether what a listing or a finder gave is what was asked for: yes, no, or None where too little is told of it."""

from collections.abc import Callable
from typing import TypeVar

from mlc.center.modelop.wire import Entity

E = TypeVar("E", bound=Entity)
Keep = Callable[[E], bool | None]
"""None: a listing may leave embedded things out, so the entity must be read by its id before it is believed."""


def same(told: object, asked: str) -> bool | None:
    """Whether what is told is what was asked for; None if nothing is told."""
    return told == asked if told else None


def every(*answers: bool | None) -> bool | None:
    """No as soon as one says no, so that nothing is read in vain; yes if all do."""
    if False in answers:
        return False
    return None if None in answers else True
