"""A decision model: loaded once, evaluated any number of times, from any number of threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import elements as dmn
from .asked import Concerns
from .boxes import CompiledTable
from .collection import no_collection
from .errors import DmnError, Findings, Kind, LimitExceededError, Place, Problem
from .evaluation import Evaluation
from .evaluator import Evaluator
from .feel.run import Run, Value
from .feel.values import DEEPEST, MOST, Function, is_too_large
from .graph import Graph, compile_files
from .imports import Files, Source
from .requirements import Input, Service, Unit

#: Bytes of a model's files, unless the caller says otherwise. The largest of some hundred real ones has 300 KB.
MAX_BYTES = 1024 * 1024
#: Of these bytes, one in so many may be a character of an expression. XML takes most of a real file.
SHARE = 5


def load(
    source: Source,
    *,
    name: str | None = None,
    strict: bool = True,
    imports: Mapping[str, Source] | None = None,
    max_bytes: int = MAX_BYTES,
    dialect: str | None = None,
    when_asked: bool = False,
) -> DecisionModel:
    """Load a DMN file from its path or its bytes; `name` is what problems call the file, its own name by default.

    The files that it imports are those in `imports`, by namespace or location, or stand beside it; all together may
    have `max_bytes`. `dialect` says what its FEEL is, "feel" (the specification's) or "camunda"; None: what each file
    declares. Raises DmnError with every problem found, OSError when the file cannot be opened, ValueError for a dialect
    that there is not.

    With `strict=False` only what cannot be read at all is an error: the problems are in the model's `.problems`, and
    what does not compile is null. With `when_asked` what is wrong with a decision is raised as soon as that decision,
    or one that needs it, is evaluated: one that nobody asks for does not refuse the file.
    """
    place = Place(name or (None if isinstance(source, bytes) else Path(source).name))
    findings = Findings(max(max_bytes, MAX_BYTES) // SHARE)
    with no_collection():
        file = Files(imports or {}, max_bytes, findings).read(source, place)
        if not (file.definitions.decisions or file.definitions.knowledge or file.definitions.services):
            raise DmnError(Problem(Kind.NOT_DMN, "the file has no decision", place))
        try:
            graph = compile_files(file, findings, dialect)
        except RecursionError:
            raise DmnError(Problem(Kind.HOSTILE, "the file's elements refer to each other too deeply", place)) from None
        concerns = Concerns(graph, findings.problems)
    if strict and (refused := concerns.general if when_asked else findings.problems):
        raise DmnError(refused)
    name = file.definitions.name or place.file or "decisions"
    return DecisionModel(name, graph, findings.problems, concerns if strict else None)


class DecisionModel:
    """The decisions of one file, with those of the files that it imports; made by `load`."""

    def __init__(self, name: str, graph: Graph, problems: list[Problem], concerns: Concerns | None = None) -> None:
        self.name = name
        self._concerns = concerns
        self.problems = problems
        self._graph = graph
        self._units = {unit.name: unit for unit in graph.units.values()}
        self._services = {service.name: service for service in graph.services.values()}
        self._functions = {
            model.name: graph.functions[model.id]
            for model in graph.definitions.knowledge
            if model.id in graph.functions
        }
        self._called = [graph.services[id_] for id_ in graph.called if id_ in graph.services]
        self._targets: dict[str, Unit | Service | Function] = {
            **graph.functions,
            **graph.services,
            **graph.units,
            **self._functions,
            **self._services,
            **self._units,
        }
        distinct = {(given.last_name, given.id or given.name) for given in self._asked()}
        self._ambiguous = frozenset(name for name, times in Counter(name for name, _ in distinct).items() if times > 1)

    @property
    def dialect(self) -> str:
        """The dialect of the file's FEEL: "feel" or "camunda"."""
        return self._graph.dialect.name

    @property
    def decisions(self) -> list[str]:
        """Names of all decisions, in the order of the file."""
        return list(self._units)

    @property
    def services(self) -> list[str]:
        """Names of the decision services, in the order of the file."""
        return list(self._services)

    @property
    def functions(self) -> list[str]:
        """Names of the business knowledge models, in the order of the file."""
        return list(self._functions)

    @property
    def top_decisions(self) -> list[str]:
        """Names of the decisions that no other one requires, itself or through a decision service that it calls."""
        required = {other for unit in self._units.values() for other in unit.requires()}
        required |= {unit for service in self._called for unit in (*service.outputs, *service.inside)}
        return [name for name, unit in self._units.items() if unit not in required]

    @property
    def definitions(self) -> dmn.Definitions:
        """The elements of the file, as they were read."""
        return self._graph.definitions

    @property
    def units(self) -> list[Unit]:
        """The compiled decisions of the file, in its order."""
        return list(self._graph.units.values())

    @property
    def tables(self) -> list[CompiledTable]:
        """The decision tables of the file, wherever in it they stand, as far as they have as many cells as columns."""
        return self._graph.compiler.tables

    @property
    def imported(self) -> list[DecisionModel]:
        """The models of the files that this one imports, itself or through others, each once."""
        found: dict[Graph, None] = {}
        waiting = [graph for _, graph in self._graph.imported]
        for graph in waiting:
            if graph not in found:
                found[graph] = None
                waiting += [other for _, other in graph.imported]
        return [DecisionModel(graph.definitions.name or str(graph.place), graph, []) for graph in found]

    @property
    def inputs(self) -> list[Input]:
        """The inputs that the decisions ask for, each once, with its type and the first place that asks."""
        found: dict[str, Input] = {}
        for given in self._asked():
            found.setdefault(given.name, given)
        return list(found.values())

    def outputs(self, decision: str) -> list[str]:
        """The declared output names of a decision that is a table; none of another. Raises DmnError if unknown."""
        table = self._unit(decision).table
        return list(table.names) if table is not None else []

    def says(self, decision: str, output: str) -> list[Value]:
        """What the rules of a decision that is a table say for an output, in order, whatever the inputs are.

        `...` stands for what depends on them, or on the time. Raises DmnError if there is no such decision, or it is no
        table that has the output.
        """
        table = self._unit(decision).table
        if table is None or output not in table.names:
            raise self._which(f'"{decision}" is no table with an output "{output}"')
        return table.says(table.names.index(output))

    def hit_policy(self, decision: str) -> str | None:
        """The hit policy of a decision that is a table, with its aggregation if it has one."""
        table = self._unit(decision).table
        return None if table is None else f"{table.hit_policy} {table.aggregation or ''}".strip()

    def evaluate(
        self, inputs: Mapping[str, Any], decision: str | None = None, *, now: datetime | None = None
    ) -> Evaluation:
        """Evaluate a decision by its name or id; None: the only one that no other requires.

        A decision service is evaluated by its name, too, with its input data and its input decisions as inputs, and a
        business knowledge model with its parameters. `now` is the moment that FEEL's `now()` and `today()` go by, both
        in UTC: with the same inputs and the same `now` an evaluation always answers the same. None: the machine's
        clock, read at most once, so that `now()` is one moment throughout the evaluation.

        Raises DmnError when there is nothing of that name, or several decisions that None could mean, or when something
        is wrong with the decision or what it needs, in a model that was loaded with `when_asked`; TypeError or
        ValueError when `now` is no datetime, or has no time zone. What is wrong with the inputs raises nothing: it is
        among the problems.
        """
        target = self._target(decision)
        if self._concerns is not None and (wrong := self._concerns.of(self._id(target, decision))):
            raise DmnError(wrong)
        place = Place(decision=target.name) if isinstance(target, Function) else target.place
        run = Run(None if now is None else _moment(now))
        evaluator = Evaluator(inputs, run, self._ambiguous)
        result: Value = None
        try:
            match target:
                case Unit():
                    result = evaluator.decision(target)
                case Service():
                    result = evaluator.service(target)
                case _:
                    result = evaluator.function(target, place)
        except LimitExceededError as error:
            run.note(Kind.LIMIT, str(error), place)
        except RecursionError:
            run.note(Kind.LIMIT, "the evaluation is nested too deep", place)
        if is_too_large([result, [rule.outputs for rule in run.matched]]):
            run.note(Kind.LIMIT, f"the result has more than {MOST:,} parts, or lists more than {DEEPEST} deep", place)
            result, run.matched = None, []
        return Evaluation(
            result,
            run.matched,
            list(run.problems),
            [table.unmatched(values) for table, values in run.unmatched.values()],
        )

    def _asked(self) -> Iterable[Input]:
        """What the decisions of the file and those that they require ask for."""
        units = list(self._units.values())
        seen = set(units)
        for unit in units:
            following = [other for other in unit.requires() if other not in seen]
            units += following
            seen.update(following)
            yield from unit.inputs()

    def _target(self, name: str | None) -> Unit | Service | Function:
        if name is None:
            top = self.top_decisions
            if len(top) == 1:
                return self._units[top[0]]
            raise self._which(f"say which decision: {_listed(top)}")
        target = self._targets.get(name)
        if target is None:
            known = [*self._units, *self._services, *self._functions]
            raise self._which(f'there is no decision "{name}"; there are {_listed(known)}')
        return target

    def _id(self, target: Unit | Service | Function, asked: str | None) -> str:
        """The id of what is evaluated, by which its file knows it."""
        if isinstance(target, Unit | Service):
            return target.id
        known = {model.name: model.id for model in self._graph.definitions.knowledge}
        return known.get(target.name, asked or "")

    def _unit(self, name: str) -> Unit:
        target = self._target(name)
        if not isinstance(target, Unit):
            raise self._which(f'"{name}" is no decision; there are {_listed(self._units)}')
        return target

    def _which(self, message: str) -> DmnError:
        return DmnError(Problem(Kind.WHICH_DECISION, message, Place(self.name)))


def _moment(now: datetime) -> datetime:
    """The same moment in UTC."""
    if not isinstance(now, datetime):
        raise TypeError(f"now must be a datetime with a time zone, not {type(now).__name__}")
    if now.utcoffset() is None:
        raise ValueError(f"now has no time zone: {now.isoformat()} is another moment in every part of the world")
    try:
        return now.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"now is {now.isoformat()}, which UTC has no date for") from None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) or "none"
