"""Dialects of FEEL: the language of the specification, and that of Camunda's engine, which has more of it.

A file declares its dialect, or its caller does. Without a declaration a name that only Camunda has is refused by its
name, since a file that means it would be understood half: the same text, another answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from .builtins import BUILTINS
from .lexer import ESCAPES
from .values import Function

#: What a caller, or a file, may declare.
DIALECTS = ("feel", "camunda")
#: Functions of Camunda's engine that the specification has not.
CAMUNDA_FUNCTIONS = frozenset(
    {"and", "assert", "duplicate values", "extract", "from base64", "from json", "fromAi", "get or else", "is blank"}
    | {"is defined", "is empty", "or", "partition", "put", "put all", "random number", "to base64", "to json", "uuid"}
)
#: How many arguments functions of the specification take in Camunda's engine beside those that they take in FEEL.
CAMUNDA_ARGUMENTS: Mapping[str, tuple[int, ...]] = {
    "decimal": (3,),
    "string join": (3, 4),
    **dict.fromkeys(("round up", "round down", "round half up", "round half down"), (1,)),
}
#: Those of Camunda's functions that answer something else each time; a decision answers the same to the same inputs.
UNREPEATABLE = frozenset({"random number", "uuid"})
#: Functions that are called because their argument may be null or missing: a cell with one of them asks for null.
ASKS_FOR_NULL = frozenset({"get or else", "is defined"})
#: How the dialect is declared.
HOW = 'modeler:executionPlatform="Camunda Cloud" on <definitions>, load(dialect="camunda") or --dialect camunda'


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect: its functions by name, whether a name may stand in backticks, the escapes in its strings, whether
    `instance of` binds less tightly than arithmetic, and whether loops and filters go over lists (and ranges) alone.
    """

    name: str
    builtins: Mapping[str, Function]
    backticks: bool = False
    escapes: Mapping[str, str] = field(default_factory=lambda: ESCAPES)
    late_instance: bool = False
    lists_alone: bool = False


FEEL = Dialect("feel", BUILTINS)


def dialect(name: str) -> Dialect:
    """A dialect by its name. Raises ValueError for one that is not known."""
    if name not in DIALECTS:
        raise ValueError(f'there is no dialect "{name}"; there are {", ".join(DIALECTS)}')
    return FEEL if name == "feel" else _camunda()


@cache
def _camunda() -> Dialect:
    """Camunda's, whose functions are imported when the first file asks for them."""
    from .builtins.camunda import CAMUNDA

    escapes = {**ESCAPES, "b": "\b", "f": "\f"}
    return Dialect("camunda", CAMUNDA, backticks=True, escapes=escapes, late_instance=True, lists_alone=True)


def undeclared(what: str) -> str:
    """What is said of something that only Camunda has, in a file that doesn't declare it."""
    return f"{what} is Camunda's, not FEEL's; if it is meant, declare the dialect: {HOW}"


def unrepeatable(name: str) -> str:
    """Why a function is not to be had in any dialect."""
    return f"{name}() answers something else each time, and a decision must answer the same to the same inputs"
