"""The requirements of a file's decisions, checked and compiled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from . import elements as dmn
from .errors import Kind, Place, Problem
from .feel.lexer import Names
from .feel.run import Code, Run, Scope, Value, nothing
from .feel.types import ANY, Type
from .feel.values import Function
from .feel.vocabulary import BUILTIN_NAMES, PROPERTY_NAMES, Vocabulary
from .itemtypes import ItemTypes
from .logic import Compiler
from .tables import DecisionTable


@dataclass(frozen=True, slots=True)
class Input:
    """An input that a decision asks for.

    `declared`: the file has an input data element for it, and `type` is that one's; else the type is the column's.
    `instead`: other inputs that together make it superfluous.
    """

    name: str
    type: Type
    place: Place
    declared: bool = True
    instead: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Unit:
    """A compiled decision. `exported`: outputs of required tables by their own names, as Camunda refers to them."""

    name: str
    id: str
    variable: str
    type: Type
    place: Place
    code: Code = nothing
    has_logic: bool = True
    requires: list[Unit] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    optional: list[str] = field(default_factory=list)
    exported: dict[str, Unit] = field(default_factory=dict)
    functions: Scope = field(default_factory=dict)

    @property
    def table(self) -> DecisionTable | None:
        """The decision's table, if it is one."""
        return self.code if isinstance(self.code, DecisionTable) else None


class Graph:
    """Compiles the decisions of one file to `units`; what is wrong is in `problems`."""

    def __init__(self, definitions: dmn.Definitions, place: Place) -> None:
        self.definitions = definitions
        self.place = place
        self.problems: list[Problem] = []
        self.check_names()
        self.types = ItemTypes(definitions.types, place, self.problems)
        self.compiler = Compiler(self.types, definitions.language, self.problems)
        self.inputs = {data.id: data for data in definitions.inputs}
        self.models = {model.id: model for model in definitions.knowledge}
        self.decisions = {decision.id: decision for decision in definitions.decisions}
        self.type_names = Names(self.types.known)
        self.members = Names(self.types.members, around=PROPERTY_NAMES)
        for decision in definitions.decisions:
            for name in _outputs(decision):
                self.members.add(name)
        self.units = {decision.id: self.unit(decision) for decision in definitions.decisions}
        self.functions = self.knowledge()
        for decision in definitions.decisions:
            self.connect(decision)
        self.cut_cycles()
        for decision in definitions.decisions:
            self.compile(decision)

    def report(self, kind: Kind, message: str, place: Place) -> None:
        """Keep a problem."""
        self.problems.append(Problem(kind, message, place))

    def check_names(self) -> None:
        """No id and no name of a decision twice."""
        ids = Counter(id_ for id_, _ in self.definitions.ids())
        names = Counter(decision.name for decision in self.definitions.decisions)
        for what, counts in (("id", ids), ("name", names)):
            for text, times in counts.items():
                if times > 1:
                    self.report(Kind.DUPLICATE, f'{times} elements have the {what} "{text}"', self.place)

    def unit(self, decision: dmn.Decision) -> Unit:
        place = self.place.at(decision=decision.name)
        wanted = self.types.find(decision.variable.type_ref, place)
        return Unit(decision.name, decision.id, decision.variable.name, wanted, place)

    def vocabulary(self, *names: str) -> Vocabulary:
        """The names of one decision or function; the members of types are the same everywhere."""
        visible = Names(names, around=BUILTIN_NAMES)
        return Vocabulary(visible, Names(around=self.members), self.types.known, self.type_names)

    def knowledge(self) -> dict[str, tuple[str, Function]]:
        """Name and function of every business knowledge model by id; each sees itself and those it requires."""
        names = {model.id: model.variable.name for model in self.definitions.knowledge}
        scopes: dict[str, Scope] = {}
        made: dict[str, tuple[str, Function]] = {}
        for model in self.definitions.knowledge:
            place = self.place.at(decision=model.name)
            scope = scopes[model.id] = {}
            if model.function is None:
                continue
            visible = [names[id_] for id_ in (model.id, *model.knowledge) if id_ in names]
            vocabulary = self.vocabulary(*visible)
            code = self.compiler.function(model.function, vocabulary, place)
            for name, where in vocabulary.free.items():
                self.report(Kind.REFERENCE, f'"{name}" is neither a parameter nor a function that is required', where)
            value = code(scope, Run())
            if isinstance(value, Function):
                made[model.id] = (names[model.id], value)
        for model in self.definitions.knowledge:
            scopes[model.id].update(made[id_] for id_ in (model.id, *model.knowledge) if id_ in made)
        return made

    def connect(self, decision: dmn.Decision) -> None:
        """The decisions and functions that a decision requires, and the outputs that it may call by their names."""
        unit = self.units[decision.id]
        for id_ in decision.decisions:
            if id_ in self.units:
                unit.requires.append(self.units[id_])
            else:
                self.report(Kind.REFERENCE, f'the required decision "{id_}" is not in the file', unit.place)
        for id_ in decision.knowledge:
            if id_ not in self.models:
                self.report(Kind.REFERENCE, f'the required knowledge "{id_}" is not in the file', unit.place)
        unit.functions = dict(self.functions[id_] for id_ in decision.knowledge if id_ in self.functions)
        variables = {other.variable for other in unit.requires}
        for other in unit.requires:
            for name in _outputs(self.decisions[other.id]):
                if name not in variables:
                    unit.exported[name] = other

    def cut_cycles(self) -> None:
        """Report every cycle of requirements, and cut it, so that the rest can be looked at."""
        done: set[str] = set()
        for start in self.units.values():
            stack: list[tuple[Unit, Iterator[Unit]]] = [(start, iter(list(start.requires)))]
            above = {start.id}
            while stack:
                unit, rest = stack[-1]
                following = None if unit.id in done else next(rest, None)
                if following is None:
                    done.add(unit.id)
                    above.discard(unit.id)
                    stack.pop()
                elif following.id in above:
                    unit.requires = [other for other in unit.requires if other is not following]
                    unit.exported = {name: other for name, other in unit.exported.items() if other is not following}
                    names = [passed.name for passed, _ in stack]
                    path = " -> ".join([*names[names.index(following.name) :], following.name])
                    self.report(Kind.CYCLE, f"decisions require each other in a circle: {path}", unit.place)
                else:
                    above.add(following.id)
                    stack.append((following, iter(list(following.requires))))

    def compile(self, decision: dmn.Decision) -> None:
        unit = self.units[decision.id]
        for id_ in decision.inputs:
            if id_ not in self.inputs:
                self.report(Kind.REFERENCE, f'the required input "{id_}" is not in the file', unit.place)
        declared = [self.inputs[id_] for id_ in decision.inputs if id_ in self.inputs]
        unit.inputs = [
            Input(data.variable.name, self.types.find(data.variable.type_ref, unit.place), unit.place)
            for data in declared
        ]
        names = {other.variable for other in unit.requires} | unit.exported.keys() | unit.functions.keys()
        vocabulary = self.vocabulary(*names, *(given.name for given in unit.inputs))
        unit.has_logic = decision.expression is not None
        unit.code = self.compiler.expression(decision.expression, vocabulary, unit.place)
        types = _column_types(unit.table)
        unit.inputs += [
            Input(name, types.get(name, ANY), place, False, vocabulary.instead.get(name, ()))
            for name, place in vocabulary.free.items()
        ]
        unit.optional = [name for name in vocabulary.optional if name not in vocabulary.free and name not in names]


def _column_types(table: DecisionTable | None) -> dict[str, Type]:
    return {} if table is None else {column.name: column.type for column in table.inputs if column.name}


def _outputs(decision: dmn.Decision) -> Iterable[str]:
    """The declared output names of a decision that is a table."""
    table = decision.expression
    return [output.name for output in table.outputs if output.name] if isinstance(table, dmn.Table) else []


def exported(value: Value, name: str, unit: Unit) -> Value:
    """One output of a table's result: of every row, where the result has several."""
    if unit.table is not None and len(unit.table.names) == 1:
        return value
    if isinstance(value, list):
        return [row.get(name) for row in value if isinstance(row, dict)]
    return value.get(name) if isinstance(value, dict) else None
