"""Who asks: the operator, who has the centre's own token, or a runtime with a token of its own."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a principal is."""

    OPERATOR = "operator"
    RUNTIME = "runtime"
    HERE = "here"
    """Whoever sits at the centre's own machine, without a token: reads the pages, and nothing else."""


@dataclass(frozen=True)
class Principal:
    """Who asks. ``name`` is a runtime's, as it was issued: names that differ by case are two runtimes."""

    role: Role
    name: str = ""

    @property
    def is_runtime(self) -> bool:
        return self.role is Role.RUNTIME


OPERATOR = Principal(Role.OPERATOR)
HERE = Principal(Role.HERE)
