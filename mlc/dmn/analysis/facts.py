"""What a model declares, looked up once for all its tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from weakref import WeakKeyDictionary

from mlc.dmn import elements as dmn
from mlc.dmn.errors import Place
from mlc.dmn.feel.dialects import dialect
from mlc.dmn.model import DecisionModel

from .closed import Reader


class Facts:
    """The declarations of one model, the `reader` of its texts, and the places that loading could not parse.

    `explicit_inputs` are the names of the input data with a variable: decorations of a diagram, as Camunda has them,
    declare nothing.
    """

    def __init__(self, model: DecisionModel) -> None:
        self.definitions = model.definitions
        self.units = {unit.id: unit for unit in model.units}
        self.reader = Reader(dialect(model.dialect))
        self.explicit_inputs: set[str] = set()
        self.problems = model.problems

    @cached_property
    def unparsed(self) -> set[Place]:
        """The places of the texts that loading could not parse, of which there is nothing more to say."""
        return {problem.place for problem in self.problems}

    @cached_property
    def items(self) -> Mapping[str, dmn.ItemDefinition]:
        """The types of the file by their names."""
        return {item.name: item for item in self.definitions.types}

    @cached_property
    def inputs(self) -> Mapping[str, dmn.InputData]:
        """The input data of the file by the names of their variables."""
        return {data.variable.name: data for data in self.definitions.inputs}

    @cached_property
    def decisions(self) -> Mapping[str, dmn.Decision]:
        """The decisions of the file by the names of their variables."""
        return {decision.variable.name: decision for decision in self.definitions.decisions}

    @cached_property
    def functions(self) -> Mapping[str, dmn.Knowledge]:
        """The knowledge models of the file by their names."""
        return {knowledge.name: knowledge for knowledge in self.definitions.knowledge}

    @cached_property
    def declared(self) -> list[str]:
        """The names of input data and decisions that expressions may be meant to use."""
        return [*sorted(self.explicit_inputs), *self.decisions]


_FACTS: WeakKeyDictionary[DecisionModel, Facts] = WeakKeyDictionary()


def facts_of(model: DecisionModel) -> Facts:
    """The facts of a model, which are found out once."""
    found = _FACTS.get(model)
    if found is None:
        found = _FACTS[model] = Facts(model)
    return found
