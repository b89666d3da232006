"""The levels of isolation, and which of them a runtime has."""

import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from mlc.model.failure import MlcError
from mlc.runtime.isolation.bubblewrap import Bubblewrap
from mlc.runtime.isolation.confinement import Confinement, Launch, limits_of
from mlc.settings import RuntimeSettings


class CannotIsolate(MlcError):
    """The level of isolation that the settings name can't be had on this machine. The text says why."""


class Level(Protocol):
    """One way of starting a program so that it can't hurt anybody: see docs/threat-model.md for what each promises."""

    @property
    def name(self) -> str:
        """As the settings and the records of jobs have it."""

    def problem(self) -> str | None:
        """Why this level can't be had here, as the end of a sentence; None if it can. It is tried, not guessed."""

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        """How to start a program under a confinement. Called once for each start."""


class Process:
    """A process of its own, supervised and limited; it may read and reach whatever the runtime's account may."""

    name = "process"

    def problem(self) -> str | None:
        return None

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        return Launch(command=program, limits=limits_of(confinement))


def levels(_settings: RuntimeSettings) -> Mapping[str, Level]:
    """All levels by their names, the strongest first."""
    found: list[Level] = [Bubblewrap(), Process()]
    return {level.name: level for level in found}


def level_for(settings: RuntimeSettings) -> Level:
    """The level that the settings name; for ``auto`` the strongest that works here.

    Raises:
        CannotIsolate: a named one can't be had. There is no falling back to a weaker one that nobody asked for.
    """
    known = levels(settings)
    if settings.isolation == "auto":
        return next(level for level in known.values() if level.problem() is None)
    level = known[settings.isolation]
    if problem := level.problem():
        raise CannotIsolate(
            f"MLC_RUNTIME_ISOLATION={settings.isolation} can't be had here ({sys.platform}): {problem}."
        )
    return level
