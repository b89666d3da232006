"""The settings themselves: names that no setting has, names that a setting once had. Values are never looked at."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import Binding, parse_stream

import mlc.center.configured  # a group of settings is known once it is imported: these hold all that others don't
import mlc.ticketing.registry  # noqa: F401
from mlc.model.finding import Finding, good, warning, wrong
from mlc.model.truncation import truncate
from mlc.settings.reading import OTHER_VARIABLES, SETTINGS_FILE, Variable, groups, settings_file

PREFIX = "MLC_"
MOST = 20
"""Unknown names that are told one by one."""
LONGEST = 80
SIMILAR, SAME_BUT_FOR_ITS_PREFIX = 0.6, 0.8
"""How much of a name must agree, with ``MLC_`` and without: a file may hold other programs' variables, too."""


@dataclass(frozen=True)
class Place:
    """Where settings are said: the names there, as they are written, and in capitals those that are not empty."""

    name: str
    names: list[str]
    filled: frozenset[str]

    @classmethod
    def of(cls, name: str, said: Iterable[tuple[str, str | None]]) -> "Place":
        pairs = list(said)
        return cls(name, [name for name, _ in pairs], frozenset(name.upper() for name, value in pairs if value))


async def check_settings() -> AsyncIterator[Finding]:
    """Findings about the names of all settings that are said in the environment and in ``mlc.env``."""
    places, found = [_environment()], list[Finding]()
    file = settings_file()
    try:
        lines = _lines(file)
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"make it a text file in UTF-8 that we may read ({type(error).__name__})."
        found.append(wrong(f"{file} can't be read", remedy))
    else:
        found += _unreadable(lines)
        places.append(_place_of(lines))
    known = _known()
    for place in places:
        found += _twice(place)
        found += _unknown(place, known)
        found += _old(place, known)
    for finding in found:
        yield finding
    if not found:
        only = "" if file.exists() else f"; they are the environment's alone, for there is no {file}"
        yield good(f"Every setting that is said is one that there is{only}")


def unknown_settings() -> Iterator[Finding]:
    """What is no setting, though it looks like one: for programs to say when they start. A file that can't be read is
    left to whoever needs it.
    """
    places = [_environment()]
    with suppress(OSError, UnicodeDecodeError):
        places.append(_place_of(_lines(settings_file())))
    known = _known()
    for place in places:
        yield from _unknown(place, known)


def _environment() -> Place:
    return Place.of("the environment", os.environ.items())


def _place_of(lines: Iterable[Binding]) -> Place:
    return Place.of(SETTINGS_FILE, ((line.key, line.value) for line in lines if line.key))


def _known() -> dict[str, Variable]:
    """All settings, by their names of today."""
    return {variable.name: variable for group in groups() for variable in group.variables().values()}


def _lines(file: Path) -> list[Binding]:
    if not file.exists():
        return []
    with file.open(encoding="utf-8") as stream:
        return list(parse_stream(stream))


def _unreadable(lines: list[Binding]) -> Iterator[Finding]:
    for line in lines:
        if line.error:
            yield wrong(f"Line {line.original.line} of mlc.env can't be read", "write NAME='value', or # before it.")
        elif line.key and line.key.upper().startswith(PREFIX) and line.value is None:
            yield wrong(f"{truncate(line.key, LONGEST)} (mlc.env) has no value", "write NAME='value'.")


def _twice(place: Place) -> Iterator[Finding]:
    """Capitals and small letters are the same to a setting."""
    for name, times in Counter(name.upper() for name in place.names if name.upper().startswith(PREFIX)).items():
        if times > 1:
            what = f"{truncate(name, LONGEST)} ({place.name}) is said {times} times"
            yield warning(what, "leave one: which of them counts is left to chance.")


def _unknown(place: Place, known: Mapping[str, Variable]) -> Iterator[Finding]:
    taken = known.keys() | {variable.old for variable in known.values()} | OTHER_VARIABLES.keys()
    told = 0
    for name in dict.fromkeys(place.names):
        ours = name.upper().startswith(PREFIX)
        if name.upper() in taken or not (ours or place.name == SETTINGS_FILE):
            continue
        # Beyond those that are told there may be very many, and each search takes a millisecond.
        search = told < MOST or not ours
        meant = _nearest(name, known, SIMILAR if ours else SAME_BUT_FOR_ITS_PREFIX) if search else ""
        if not ours and not meant:
            continue  # another program's
        told += 1
        if told <= MOST:
            remedy = f"did you mean {meant}?" if meant else "docs/settings.md lists all that there are."
            yield wrong(f"{truncate(name, LONGEST)} ({place.name}) is no setting", remedy)
    if told > MOST:
        yield wrong(f"{told - MOST} more names ({place.name}) are no settings", "docs/settings.md lists all there are.")


def _nearest(name: str, known: Mapping[str, Variable], similarity: float) -> str:
    """The setting that is named most alike, by the name that it has now; empty: none is."""
    now = {variable.old: variable.name for variable in known.values() if variable.old}
    close = get_close_matches(name.upper()[: 2 * LONGEST], [*known, *now], 1, similarity)
    return now.get(close[0], close[0]) if close else ""


def _old(place: Place, known: Mapping[str, Variable]) -> Iterator[Finding]:
    said = {name.upper() for name in place.names}
    for variable in known.values():
        if variable.old not in said:
            continue
        if {variable.old, variable.name} <= place.filled:
            both = f"{variable.name} and its old name {variable.old} ({place.name}) are both set"
            yield warning(both, f"{variable.name} counts: remove {variable.old}.")
        else:
            is_now = f"{variable.old} ({place.name}) is now {variable.name}"
            yield warning(is_now, f"rename it; the old name works until {variable.until}.")
