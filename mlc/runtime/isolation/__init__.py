"""Running what isn't trusted: a model's code, and what its requirements bring.

A :class:`Level` says how strictly; a :class:`Confinement` what one program may see and use; a :class:`ContainedProcess`
is one such program, from its start to the end of everything that it started.
"""

from mlc.runtime.isolation.confinement import Confinement, Launch
from mlc.runtime.isolation.contained import ContainedProcess
from mlc.runtime.isolation.levels import CannotIsolate, Level, level_for

__all__ = ["CannotIsolate", "Confinement", "ContainedProcess", "Launch", "Level", "level_for"]
