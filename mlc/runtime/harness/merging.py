"""What a metrics function yields, as the one object that a test result is."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from .functions import ModelFailure
from .plain import NotPlain, Nulled, plain, rows


def merged(results: Iterable[Any], what: str, notes: list[str]) -> dict[str, Any]:
    """The dicts that a metrics function yields, one by one or in a list, in one; as plain values.

    Args:
        what: the function, for people: ``The metrics function 'measure' of model.py``.
        notes: what people should know is added here.

    Raises:
        ModelFailure: there is none, something else is among them, or two of them disagree.
    """
    nulled = Nulled()
    given = list(results)
    try:
        parts = list(_parts(given))
    except NotPlain as error:
        raise ModelFailure(f"The result of the metrics function is not JSON: {error}.") from None
    other = next((part for part in parts if not isinstance(part, dict)), None)
    if not parts or other is not None:
        got = "nothing" if not given else f"a {type(other if parts else given[0]).__name__}"
        raise ModelFailure(f"{what} must yield one dict, or several with different keys, and gave {got}.")
    result: dict[str, Any] = {}
    for part in parts:
        try:
            values = plain(part, nulled)
        except NotPlain as error:
            raise ModelFailure(f"The result of the metrics function is not JSON: {error}.") from None
        for key, value in values.items():
            if key in result and result[key] != value:
                raise ModelFailure(
                    f"{what} yields {len(parts)} dicts, and two of them have different values for {key!r}, so that a "
                    "decision table could not know which counts: yield one dict, with rows as a list under one key."
                )
            result[key] = value
    nulled.note(notes)
    return result


def _parts(results: Iterable[Any]) -> Iterator[Any]:
    for result in results:
        if isinstance(result, pd.DataFrame):
            yield from rows(result)
        elif isinstance(result, list | tuple):
            yield from result
        elif result is not None:
            yield result
