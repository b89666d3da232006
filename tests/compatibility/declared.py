"""What the code declares: workflows and activities with their types, and the names that fields have on the wire."""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import BaseModel
from temporalio import activity, workflow

import activities as activities_package
import mlc.runtime.activities
from mlc.model.base import read_names
from mlc.worker import MlcPlugin
from workflows.run_job import RunJob


@dataclass(frozen=True)
class Call:
    """What something that Temporal calls by its name takes and gives."""

    arguments: tuple[Any, ...]
    result: Any


@dataclass(frozen=True)
class Process:
    """A workflow: its run, and the messages that it listens to, by name."""

    run: Call
    signals: Mapping[str, Call]
    updates: Mapping[str, Call]
    queries: Mapping[str, Call]


@cache
def processes() -> Mapping[str, Process]:
    """Every workflow by its type's name."""
    return dict(map(process_of, [*(MlcPlugin().workflows or ()), RunJob]))


def process_of(workflow_class: type) -> tuple[str, Process]:
    """A workflow's type and what it declares."""
    definition = workflow._Definition.must_from_class(workflow_class)
    return str(definition.name), Process(
        run=_call(definition),
        signals={str(name): _call(signal) for name, signal in definition.signals.items()},
        updates={str(name): _call(update) for name, update in definition.updates.items()},
        queries={str(name): _call(query) for name, query in definition.queries.items()},
    )


@cache
def activities() -> Mapping[str, Call]:
    """Every activity by its type's name.

    Raises:
        TypeError: two have the same name.
    """
    modules = [import_module(f"activities.{found.name}") for found in pkgutil.iter_modules(activities_package.__path__)]
    declared: dict[str, Call] = {}
    for module in [*modules, mlc.runtime.activities]:
        for definition in _definitions(module):
            if str(definition.name) in declared:
                raise TypeError(f"There are two activities of the name {definition.name}.")
            declared[str(definition.name)] = _call(definition)
    return declared


def _definitions(module: Any) -> Iterator[Any]:
    classes = (each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__)
    for scope in (module, *classes):
        for member in vars(scope).values():
            definition = activity._Definition.from_callable(member)
            if definition is not None and member.__module__ == module.__name__:
                yield definition


def _call(definition: Any) -> Call:
    result = definition.ret_type if hasattr(definition, "ret_type") else None
    return Call(tuple(definition.arg_types or ()), result)


def written_name(model: type[BaseModel], field: str) -> str:
    """The name under which a field is written to JSON."""
    return model.model_fields[field].serialization_alias or field


def field_read_as(model: type[BaseModel], name: str) -> str | None:
    """The field that is read from ``name``, if there is one."""
    return next((field for field in model.model_fields if name in read_names(model, field)), None)
