"""What an expression may refer to, and what it turned out to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlc.dmn.errors import Place

from .builtins import BUILTINS
from .dialects import CAMUNDA_FUNCTIONS, FEEL, Dialect
from .lexer import Names
from .reading import Reading
from .types import TYPES, Type

#: Camunda's functions are known by their names in either dialect, so that a file without a declaration is told.
BUILTIN_NAMES = Names([*BUILTINS, *CAMUNDA_FUNCTIONS])
TYPE_NAMES = Names(TYPES)
#: Names that follow a dot: the properties of temporal values and ranges that are longer than one word.
PROPERTY_NAMES = Names(["time offset", "start included", "end included"])


@dataclass(slots=True)
class Vocabulary:
    """Names for the expressions of one decision or function.

    `free` collects the names that nothing declares, with the first place of each: they must be among the inputs.
    `optional` collects those that may be there: names in a filter, which may also be members of the item, and names of
    built-ins. `instead` says for a free name that could also be read as an expression which names the expression needs:
    with these the free name is not missing. `reading` has what the expressions read.

    `keys` has the names of entries and components of the whole file: after a dot, and in a filter, a name may be one of
    these. `spared` are names that stand where a missing value is asked for, and `needed` those that stand elsewhere.
    `filters` is above 0 where the expressions are the condition of a boxed filter.
    """

    names: Names = field(default_factory=lambda: Names(around=BUILTIN_NAMES))
    members: Names = field(default_factory=lambda: Names(around=PROPERTY_NAMES))
    types: Mapping[str, Type] = field(default_factory=lambda: TYPES)
    type_names: Names = field(default_factory=lambda: TYPE_NAMES)
    free: dict[str, Place] = field(default_factory=dict)
    optional: dict[str, None] = field(default_factory=dict)
    instead: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Names = field(default_factory=Names)
    filters: int = 0
    dialect: Dialect = FEEL
    needed: set[str] = field(default_factory=set)
    spared: set[str] = field(default_factory=set)
    reading: Reading = field(default_factory=Reading)

    def inside(self, *names: str, filters: int = 0) -> Vocabulary:
        """The same with further names, for example a function's parameters; what is found to be free is shared."""
        inner = Names(names, around=self.names)
        return replace(self, names=inner, filters=self.filters + filters)
