"""The shape of an entry of the registry of processes (``workflows/registry.py``): what a process is called, what
starts it, and what it takes and answers. Whatever serves processes is served from these entries.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from mlc.model.base import Input
from mlc.model.file import InputFile, OutputFile

FILES: tuple[Any, ...] = (InputFile, OutputFile, list[InputFile], list[OutputFile])
"""Types of variables whose values are files: one of each, or some."""


class Starts(StrEnum):
    """How often a signal starts its process."""

    ONCE_A_KEY = "once for each Idempotency-Key"
    ONCE = "at most once for a snapshot, however often it comes"


@dataclass(frozen=True)
class Variable:
    """A variable of a signal, and the field of the process's input that it fills."""

    name: str
    field: str
    type: Any
    """One of ``FILES``, or what pydantic is to read its value as."""
    example: Any = None
    """A value; files have examples of their own."""
    part: str = ""
    """The value is an object, and only this part of it is read."""
    required: bool = True
    missing: str = ""
    """What comes of its being missing, for whoever forgot it."""
    names_snapshot: bool = False
    """It is the id of a snapshot, which has to exist."""

    @property
    def place(self) -> str:
        """Where in a signal the value stands, for people."""
        return f"{self.name}.{self.part}" if self.part else self.name


@dataclass(frozen=True)
class Signal:
    """A signal that starts a process. ``fixed`` are the fields of its input that follow from the signal's name."""

    name: str
    """Without what the centre puts before all of them."""
    variables: Sequence[Variable]
    summary: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    starts: Starts = Starts.ONCE_A_KEY


@dataclass(frozen=True)
class Process:
    """One process. Without ``signals`` another process starts it (``within``), or a Temporal Schedule of our own, and
    then it takes no input.
    """

    name: str
    """The workflow's type, as Temporal has it."""
    workflow: type
    """The workflow's class."""
    summary: str
    result: type[BaseModel]
    input: type[Input] | None = None
    workflow_id: Callable[[Any, str], str] | None = None
    """The workflow's id, of its input and the caller's key (or something random)."""
    signals: Sequence[Signal] = ()
    within: str = ""
    """The process that starts it, and nobody else."""
    for_monitors: bool = False
    """A schedule that stands on a monitor starts it, with the monitor's name in the field ``monitor`` of its input."""

    def id_of(self, given: Input, key: str) -> str:
        """The workflow's id; the same input and key make the same one."""
        assert self.workflow_id is not None, self.name
        return self.workflow_id(given, key)

    def meaning(self, variable: Variable) -> str:
        """What a variable of one of its signals is for, as its input's field says it."""
        field = self.input.model_fields[variable.field] if self.input else None
        said = (field.description if field else None) or variable.field
        return said if variable.required else f"{said} (may be left out)"

    @property
    def id_pattern(self) -> str:
        """What its workflow ids look like, for people: ``back-test-<model_id>-<key>``."""
        if self.input is None:
            return ""
        fields: dict[str, Any] = {name: _Placeholder(f"<{name}>") for name in self.input.model_fields}
        return self.id_of(self.input.model_construct(**fields), "<key>")


class _Placeholder(str):
    """Stands for a field in an id's pattern, and for what belongs to it: ``<ticket.label>``."""

    def __getattr__(self, name: str) -> "_Placeholder":
        return _Placeholder(f"{self[:-1]}.{name}>")


class Processes(Sequence[Process]):
    """All processes. Whatever in an entry can't be right is an error at once, not when the first signal comes.

    Raises:
        ValueError: an entry contradicts itself, its input or another one.
    """

    def __init__(self, *entries: Process) -> None:
        self._entries = entries
        names = [process.name for process in entries]
        signals = [signal.name for process in entries for signal in process.signals]
        for name in [*names, *signals]:
            if [*names, *signals].count(name) > 1:
                raise ValueError(f"{name} is there twice")
        for process in entries:
            if wrong := next(_contradictions(process), None):
                raise ValueError(f"{process.name}: {wrong}")

    def __getitem__(self, index: Any) -> Any:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def also(self, *entries: Process) -> "Processes":
        """These and more, for a worker and a gateway of one's own."""
        return Processes(*self._entries, *entries)

    @property
    def workflows(self) -> list[type]:
        """The workflows' classes."""
        return [process.workflow for process in self._entries]

    @property
    def signals(self) -> Iterator[tuple[Process, Signal]]:
        """Every signal that starts one, with what it starts."""
        return ((process, signal) for process in self._entries for signal in process.signals)


def _contradictions(process: Process) -> Iterator[str]:
    # As the SDK's decorator leaves it on the class; a dynamic workflow, which takes any type, has none.
    named = getattr(vars(process.workflow).get("__temporal_workflow_definition"), "name", None)
    if named is None:
        yield f"{process.workflow.__name__} has no Temporal type of its own"
    elif named != process.name:
        yield f"the Temporal type of its workflow is {named}"
    if process.for_monitors and (process.input is None or "monitor" not in process.input.model_fields):
        yield "it is for monitors, and its input has no field monitor"
    if not process.signals:
        if not process.within and (process.input is not None or process.workflow_id is not None):
            yield "it takes an input or makes an id of one, but no signal fills that"
        return
    if process.input is None or process.workflow_id is None:
        yield "what a signal starts needs an input and a workflow id"
        return
    fields = process.input.model_fields
    for signal in process.signals:
        filled = [variable.field for variable in signal.variables] + list(signal.fixed)
        names = [variable.name for variable in signal.variables]
        if unknown := [name for name in filled if name not in fields]:
            yield f"{signal.name} fills {unknown[0]}, which its input has not"
        if len(set(filled)) < len(filled) or len(set(names)) < len(names):
            yield f"{signal.name} has a variable or fills a field twice"
        given = {variable.field for variable in signal.variables if variable.required} | set(signal.fixed)
        if empty := [name for name, field in fields.items() if field.is_required() and name not in given]:
            yield f"{signal.name} leaves {empty[0]} empty, which its input needs"
        if any(variable.example is None and variable.type not in FILES for variable in signal.variables):
            yield f"{signal.name} has a variable without an example"
        snapshots = [variable for variable in signal.variables if variable.names_snapshot]
        if len(snapshots) > 1 or (signal.starts is Starts.ONCE and not snapshots):
            yield f"{signal.name} must name one snapshot"
