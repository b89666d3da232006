"""What decisions and decision services need (DMN 1.5, 5.2 and 6.3), resolved across files and ready to be evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .errors import Place
from .feel.reading import Path
from .feel.run import Code, Scope, nothing
from .feel.types import Type
from .tables import DecisionTable


@dataclass(frozen=True, slots=True)
class Input:
    """An input that a decision asks for.

    `declared`: the file has an input data element for it, and `type` is that one's; else the type is the column's.
    `instead`: other inputs that together make it superfluous. `path`: for one of an imported file, the names that its
    name is made of, for example ("alias", "auc"). `id` tells input data of the same name apart. `optional`: the
    decision asks whether it is there.
    """

    name: str
    type: Type
    place: Place
    declared: bool = True
    instead: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    id: str = ""
    optional: bool = False

    def at(self, place: Place) -> Input:
        """The same input, asked for from there."""
        return replace(self, place=place)

    @property
    def last_name(self) -> str:
        """The name that it has in its own file."""
        return self.path[-1] if self.path else self.name


@dataclass(slots=True, eq=False)
class Needs:
    """The names that an expression may use, of one file: functions, inputs and decisions."""

    functions: Scope = field(default_factory=dict)
    inputs: dict[str, Input] = field(default_factory=dict)
    decisions: dict[str, Unit] = field(default_factory=dict)

    def names(self) -> set[str]:
        """All of them."""
        return self.functions.keys() | self.inputs.keys() | self.decisions.keys()


@dataclass(slots=True, eq=False)
class Unit:
    """A compiled decision.

    `imported` has what it needs of other files by the names of the imports; `optional` the inputs that may be there;
    `read` what an expression of it reads, and where, of which none asks whether it is null (a table keeps its own);
    `outputs` the names that a table declares, and `exported` those of the tables that it requires, by which Camunda
    refers to them.
    """

    name: str
    id: str
    variable: str
    type: Type
    place: Place
    outputs: list[str] = field(default_factory=list)
    code: Code = nothing
    table: DecisionTable | None = None
    has_logic: bool = True
    needs: Needs = field(default_factory=Needs)
    imported: dict[str, Needs] = field(default_factory=dict)
    optional: dict[str, Input] = field(default_factory=dict)
    exported: dict[str, Unit] = field(default_factory=dict)
    read: list[tuple[Path, Place]] = field(default_factory=list)

    def all_needs(self) -> Iterator[Needs]:
        """What it needs, file by file."""
        yield self.needs
        yield from self.imported.values()

    def requires(self) -> list[Unit]:
        """The decisions that it needs."""
        return [other for needs in self.all_needs() for other in needs.decisions.values()]

    def forget(self, other: Unit) -> None:
        """No longer need a decision."""
        for needs in self.all_needs():
            needs.decisions = {name: unit for name, unit in needs.decisions.items() if unit is not other}
        self.exported = {name: unit for name, unit in self.exported.items() if unit is not other}

    def inputs(self) -> list[Input]:
        """The inputs that it asks for itself."""
        return [given for needs in self.all_needs() for given in needs.inputs.values()]


@dataclass(slots=True, eq=False)
class Service:
    """A decision service (6.3.10). `parameters`: its input data, then its input decisions, which are replaced."""

    name: str
    id: str
    variable: str
    type: Type
    place: Place
    parameters: list[tuple[Input, Unit | None]] = field(default_factory=list)
    outputs: list[Unit] = field(default_factory=list)
    inside: list[Unit] = field(default_factory=list)
