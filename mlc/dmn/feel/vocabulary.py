"""What an expression may refer to, and what it turned out to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlc.dmn.errors import Place

from .builtins import BUILTINS
from .lexer import Names
from .reading import Reading
from .types import TYPES, Type

BUILTIN_NAMES = Names(BUILTINS)
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
    """

    names: Names = field(default_factory=lambda: Names(around=BUILTIN_NAMES))
    members: Names = field(default_factory=lambda: Names(around=PROPERTY_NAMES))
    types: Mapping[str, Type] = field(default_factory=lambda: TYPES)
    type_names: Names = field(default_factory=lambda: TYPE_NAMES)
    free: dict[str, Place] = field(default_factory=dict)
    optional: dict[str, None] = field(default_factory=dict)
    instead: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)

    def inside(self, *names: str) -> Vocabulary:
        """The same with further names, for example a function's parameters; what is found to be free is shared."""
        inner = Names(names, around=self.names)
        return replace(self, names=inner)
