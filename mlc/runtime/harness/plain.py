"""What a model answers, as values that JSON can hold."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd

DEEPEST = 100
NAMED_PLACES = 20
"""So many places of NaN and infinity are named in a message; the others are counted."""


class NotPlain(Exception):
    """A value that JSON can't hold; the text says where it is and what it is."""


class Places:
    """Where something is in the answers: the first places, and how many there are."""

    def __init__(self, count: int = 0, places: Iterable[str] = ()) -> None:
        self.count = count
        self.places = list(places)

    def append(self, place: str) -> None:
        """Take one place."""
        self.count += 1
        if self.count <= NAMED_PLACES:
            self.places.append(place)

    def add(self, other: "Places") -> None:
        """Take the places of another."""
        self.count += other.count
        self.places = [*self.places, *other.places][:NAMED_PLACES]

    def say(self, what: str, notes: list[str]) -> None:
        """Say ``what`` is there, if there is anything to say."""
        if self.count:
            more = f" and {self.count - NAMED_PLACES} more" if self.count > NAMED_PLACES else ""
            notes.append(f"{what}: {', '.join(self.places)}{more}")


class Nulled(Places):
    """Where NaN and infinity became null, and which decimals were ``rounded``."""

    def __init__(self, count: int = 0, places: Iterable[str] = (), rounded: Places | None = None) -> None:
        super().__init__(count, places)
        self.rounded = rounded or Places()

    def add(self, other: Places) -> None:
        """Take the places of another."""
        super().add(other)
        if isinstance(other, Nulled):
            self.rounded.add(other.rounded)

    def note(self, notes: list[str]) -> None:
        """Say it, if there is anything to say."""
        self.say("NaN or infinite values became null", notes)
        self.rounded.say("Decimals of more digits than JSON's numbers hold were rounded (answer them as text)", notes)


def plain(value: Any, nulled: Nulled, place: str = "") -> Any:
    """A copy of ``value`` made of dict, list, str, int, float, bool and None.

    NaN and the infinities have no place in JSON: they become None, and their places are added to ``nulled``
    (``confusion_matrix[0].1``). Scalars and arrays of numpy and pandas, dates, sets and enumerations are converted.

    Raises:
        NotPlain: something else is in it, or it is nested too deeply.
    """
    return _plain(value, nulled, place, 0)


def _plain(value: Any, nulled: Nulled, place: str, depth: int) -> Any:  # noqa: PLR0911 - one return a type
    if depth > DEEPEST:
        raise NotPlain(f"{place or 'it'} is nested more than {DEEPEST} levels deep")
    if isinstance(value, np.generic | Enum):
        value = value.item() if isinstance(value, np.generic) else value.value
    match value:
        case None | bool() | int() | str():
            return value
        case float() | Decimal():
            if isinstance(value, Decimal):
                value = _number(value, nulled, place)
            if math.isfinite(value):
                return float(value)
            nulled.append(place or "the value itself")
            return None
        case datetime() | date() | time():
            return None if value is pd.NaT else value.isoformat()
        case Mapping():
            return _object(value, nulled, place, depth)
        case pd.DataFrame():
            return _items(rows(value, place), nulled, place, depth)
        case np.ndarray() | pd.Series() | pd.Index():
            items = value.tolist()
            return (
                _items(items, nulled, place, depth) if isinstance(items, list) else _plain(items, nulled, place, depth)
            )
        case list() | tuple() | set() | frozenset():
            return _items(value, nulled, place, depth)
    if value is pd.NA:
        return None
    raise NotPlain(f"{place or 'it'} is a {type(value).__name__}, which JSON can't hold")


def _object(value: Mapping[Any, Any], nulled: Nulled, place: str, depth: int) -> dict[str, Any]:
    made = {_key(k, place): _plain(v, nulled, _join(place, k), depth + 1) for k, v in value.items()}
    if len(made) < len(value):
        raise NotPlain(f"{place or 'it'} has the key {_twice(map(str, value))!r} twice")
    return made


def rows(frame: pd.DataFrame, place: str = "") -> list[Any]:
    """The rows of a data frame as dicts.

    Raises:
        NotPlain: two of its columns have one name: one of them would be lost.
    """
    if not frame.columns.is_unique or len({str(name) for name in frame.columns}) < frame.shape[1]:
        raise NotPlain(f"{place or 'it'} is a data frame that has the column {_twice(map(str, frame.columns))!r} twice")
    return list(frame.to_dict("records"))


def _number(value: Decimal, nulled: Nulled, place: str) -> float:
    if not value.is_finite():
        return math.nan
    number = float(value)
    if math.isinf(number):
        raise NotPlain(f"{place or 'it'} is larger than JSON's numbers")
    if Decimal(repr(number)) != value:
        nulled.rounded.append(place or "the value itself")
    return number


def _twice(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")


def _items(items: Iterable[Any], nulled: Nulled, place: str, depth: int) -> list[Any]:
    return [_plain(item, nulled, f"{place}[{index}]", depth + 1) for index, item in enumerate(items)]


def _key(key: Any, place: str) -> str:
    if isinstance(key, np.generic):
        key = key.item()
    if isinstance(key, str | int | float):
        return str(key)
    raise NotPlain(f"{place or 'it'} has the key {key!r}, and the keys of JSON are text")


def _join(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)
