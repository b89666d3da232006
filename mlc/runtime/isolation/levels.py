"""The levels of isolation, and which of them a runtime has."""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlc.model.failure import MlcError
from mlc.runtime.isolation.bubblewrap import Bubblewrap
from mlc.runtime.isolation.confinement import Confinement, Launch, limits_of
from mlc.runtime.isolation.container import Container
from mlc.runtime.isolation.landlock import Landlock
from mlc.runtime.isolation.user import User
from mlc.settings import RuntimeSettings

log = logging.getLogger(__name__)


class CannotIsolate(MlcError):
    """The level of isolation that the settings name can't be had on this machine. The text says why."""


class Level(Protocol):
    """One way of starting a program so that it can't hurt anybody: see docs/threat-model.md for what each promises."""

    @property
    def name(self) -> str:
        """As the settings and the records of jobs have it."""

    @property
    def reads_only(self) -> bool:
        """Whether a program can't write to what it may read, but for what is ``writable``."""

    def problem(self) -> str | None:
        """Why this level can't be had here, as the end of a sentence; None if it can. It is tried, not guessed."""

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        """How to start a program under a confinement. Called once for each start."""


class Process:
    """A process of its own, supervised and limited; it may read and reach whatever the runtime's account may."""

    name = "process"
    reads_only = False

    def problem(self) -> str | None:
        return None

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        return Launch(command=program, limits=limits_of(confinement))


def levels(settings: RuntimeSettings) -> Mapping[str, Level]:
    """All levels by their names, the strongest first."""
    found: list[Level] = [
        *([Container(settings)] if settings.container_image or settings.isolation == Container.name else []),
        Bubblewrap(settings),
        User(settings),
        Landlock(settings),
        Process(),
    ]
    return {level.name: level for level in found}


@dataclass(frozen=True)
class Chosen:
    """The level that a runtime has.

    Args:
        weaker_than: the stronger ones, and why they can't be had here (the end of a sentence).
    """

    level: Level
    weaker_than: Mapping[str, str]


def chosen_level(settings: RuntimeSettings) -> Chosen:
    """The level that the settings name; for ``auto`` the strongest that works here.

    Raises:
        CannotIsolate: a named one can't be had. There is no falling back to a weaker one that nobody asked for.
    """
    known = levels(settings)
    if settings.isolation == "auto":
        problems: dict[str, str] = {}
        for level in known.values():
            if not (problem := level.problem()):
                return Chosen(level, problems)
            problems[level.name] = problem
        raise CannotIsolate("No level of isolation can be had here.")
    named = known.get(settings.isolation)
    problem = named.problem() if named else "this release doesn't have it"
    if named is None or problem:
        others = ", ".join(name for name, other in known.items() if other is not named and not other.problem())
        raise CannotIsolate(
            f"MLC_RUNTIME_ISOLATION={settings.isolation} can't be had here ({sys.platform}): {problem}. "
            f"It is never replaced by a weaker one; set it to one that can be had ({others}), or to auto."
        )
    return Chosen(named, {})


def level_for(settings: RuntimeSettings) -> Level:
    """The level that the settings name, as :func:`chosen_level` chooses it; why not a stronger one stands in the log.

    Raises:
        CannotIsolate: a named one can't be had.
    """
    chosen = chosen_level(settings)
    for name, problem in chosen.weaker_than.items():
        log.info("Models are not isolated by %s here: %s", name, problem)
    if chosen.level.name == Process.name:
        log.warning("Models are processes of this runtime's account: they may read its files and reach the network.")
    return chosen.level
