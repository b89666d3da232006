"""Fairness keys: by whom a run is asked for, so that a thousand runs of one model's owner keep nobody else waiting.

Where there is more to do than the workers do, Temporal takes turns between keys (``matching.enableFairness``). A run's
activities, and the run that it goes on as, have its key.
"""

import hashlib

from mlc.model.snapshot import Model
from mlc.model.truncation import writable

LONGEST = 64
"""Bytes of a key: a longer one is refused, and nothing would start."""
_TOLD_APART = 9
"""Bytes by which two long names with the same beginning differ."""


def fairness_key(*names: str | None) -> str:
    """The first of these names that says something, as a key; empty if none does.

    White space and what can't be printed count as one space. A long name is cut, and ends in a few digits of its
    SHA-256.
    """
    for name in names:
        shown = "".join(each if each.isprintable() else " " for each in writable(name or ""))
        if key := " ".join(shown.split()):
            return _short(key)
    return ""


def fairness_of(model: Model, snapshot_id: str = "") -> str:
    """The key of what is done for a model: its group, else its id, else that of its snapshot."""
    return fairness_key(model.group, model.id, snapshot_id)


def _short(key: str) -> str:
    whole = key.encode()
    if len(whole) <= LONGEST:
        return key
    end = f"~{hashlib.sha256(whole).hexdigest()[: _TOLD_APART - 1]}"
    return whole[: LONGEST - _TOLD_APART].decode(errors="ignore") + end
