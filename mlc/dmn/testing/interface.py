"""What a model can be asked and what it answers: the names that cases may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from mlc.dmn.errors import DmnError
from mlc.dmn.model import DecisionModel
from mlc.dmn.requirements import Input

from .case import UNSAID, Case, first, nearest

#: Hit policies whose results are lists, unless they are aggregated.
_LISTS = ("COLLECT", "RULE ORDER", "OUTPUT ORDER")


class Target(NamedTuple):
    """What can be asked: the names of its inputs, and of its outputs if it is a table; whether the result is a list,
    and one without order.
    """

    inputs: set[str]
    outputs: list[str]
    lists: bool
    unordered: bool


class Interface:
    """The names of a model's inputs and outputs, each looked up once."""

    def __init__(self, model: DecisionModel) -> None:
        self.model = model
        self._of_targets: dict[str | None, Target] = {}
        self._whole = _names(model.inputs)
        for name in model.decisions:
            self._whole |= _names(model.asked_by(name))

    @cached_property
    def inputs(self) -> set[str]:
        """Every name that an input of any decision, service or function may have."""
        others = (
            given for name in (*self.model.services, *self.model.functions) for given in self.model.asked_by(name)
        )
        return self._whole | _names(others)

    @cached_property
    def outputs(self) -> set[str] | None:
        """The names of the outputs of every decision; None where one of them is no table, which may answer anything."""
        names: set[str] = set()
        if self.model.services or self.model.functions:
            return None
        for decision in self.model.decisions:
            if not (outputs := self.model.outputs(decision)):
                return None
            names.update(outputs)
        return names

    @cached_property
    def columns(self) -> set[str]:
        """The names of the outputs of all tables."""
        return {name for decision in self.model.decisions for name in self.model.outputs(decision)}

    def target(self, name: str | None) -> Target:
        """What a decision, a service or a function takes and answers.

        Another decision's inputs count as known: cases for several decisions share their inputs. Raises DmnError when
        there is no such decision.
        """
        if name not in self._of_targets:
            inputs = _names(self.model.asked_by(name))
            try:
                chosen = self.model.top_decisions[0] if name is None else name
                outputs, policy = self.model.outputs(chosen), self.model.hit_policy(chosen)
                inputs = inputs | self._whole
            except DmnError:  # a decision service or a function
                outputs, policy = [], None
            self._of_targets[name] = Target(inputs, outputs, policy in _LISTS, policy == "COLLECT")
        return self._of_targets[name]

    def defects(self, case: Case) -> list[str]:
        """What a case names that the model has not. Raises DmnError when there is no such decision."""
        inputs, outputs, lists, _ = self.target(case.decision)
        unknown = list(first(name for name in case.inputs if name not in inputs))
        found = [f'there is no input "{name}"{nearest(name, inputs)}' for name in unknown]
        if outputs and case.expected is not UNSAID:
            rows = case.expected if isinstance(case.expected, list) else [case.expected]
            named = dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row)
            unknown = list(first(name for name in named if name not in outputs))
            found += [f'there is no output "{name}"{nearest(name, outputs)}' for name in unknown]
            if lists and not unknown and isinstance(case.expected, Mapping) and _rows(case.expected) is None:
                found.append("the outputs are expected to have different numbers of items: each row has one of each")
        return found

    def expected(self, case: Case) -> Any:
        """What a case expects, as the decision answers it.

        Of a table whose result is a list, an object names what is expected of the outputs, row by row, and a value that
        is no list is the only row. Of a table with one output, whose result is no context, it is that output's value.
        """
        _, outputs, lists, _ = self.target(case.decision)
        value = case.expected
        if lists and value is not None and not isinstance(value, list):
            value = _rows(value) if isinstance(value, Mapping) and value else [value]
        if len(outputs) != 1:
            return value
        return [_only(row, outputs[0]) for row in value] if isinstance(value, list) else _only(value, outputs[0])


def _rows(outputs: Mapping[str, Any]) -> list[Any] | None:
    """Rows from what each output is in them, one after the other; None when these are not equally many."""
    columns = [value if isinstance(value, list) else [value] for value in outputs.values()]
    if len({len(column) for column in columns}) > 1:
        return None
    return [dict(zip(outputs, row, strict=True)) for row in zip(*columns, strict=True)]


def _only(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, Mapping) and list(value) == [name] else value


def _names(inputs: Iterable[Input]) -> set[str]:
    """By what inputs can be given: their names, and for those of imported files also what these begin and end with."""
    return {name for given in inputs for name in (given.name, given.last_name, *given.path[:1], *given.instead)}
