"""ModelOp's signals: how they are named and written, and what the variables of one say is to be started.

A signal comes over HTTP in Camunda's form, ``{"MODEL_ID": {"value": "..."}}``, or stands in a schedule's
``action.signalVariables`` as ``{"MODEL_ID": "..."}``; both are read. The ids in it are the centre's, what is read of it
holds ours. Nothing here does anything.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args

from pydantic import StringConstraints, TypeAdapter, ValidationError

from mlc.center.modelop import ids
from mlc.center.modelop.signal_assets import BadFile, read_files, read_input, read_output
from mlc.center.modelop.signal_envelope import Enveloped, Read, repeated
from mlc.model.base import LONGEST_ID
from mlc.model.file import FileRules, InputFile, OutputFile
from mlc.model.process import FILES, Process, Signal, Starts, Variable
from mlc.model.signal import BadVariable, Id, ProcessStart, UnknownSignal

PREFIX = "com.modelop.mlc.definitions."
"""What the registry's names of signals leave out."""

JOB_STATUS_CHANGED = PREFIX + "Signals_job_status_changed"
UNHEARD: Mapping[str, str] = {  # until a process takes one of them
    PREFIX + "Signals_model_changed": "A model has changed",
    PREFIX + "Signals_model_created": "A model was registered",
}
"""What ModelOp broadcasts, or is asked to start, and no process here listens to: taken without doing anything, by the
gateway as by the mirror (``docs/schedules.md``)."""

TERMINAL = frozenset({"COMPLETE", "ERROR", "CANCELLED"})

_JOB = {
    "id": "0f6f1d1e-6a53-4a3b-9d4a-3f6a7c2f9b10",
    "jobStatus": "COMPLETE",
    "jobParameters": {"mlcWorkflowId": "deploy-5a31b3c6-f033-4948-b433-bae6656baa26"},
}
_INPUT = {"assetType": "EXTERNAL_FILE", "fileUrl": "https://files.example.org/in.csv", "fileFormat": "CSV"}
_OUTPUT = _INPUT | {"fileUrl": "https://files.example.org/out.csv"}

V = TypeVar("V")


class _JobParameters(Read):
    mlc_workflow_id: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None


class _Job(Read):
    id: Id
    job_status: str = ""
    job_parameters: _JobParameters | None = None


@dataclass(frozen=True)
class FinishedJob:
    """A job (by our id) that has come to its end, and the run that waits for it."""

    id: str
    workflow_id: str


def finished_job(variables: Mapping[str, Any]) -> FinishedJob | None:
    """What ``JOB_STATUS_CHANGED`` says; None: the job goes on, or is none of ours.

    Raises:
        BadVariable: JOB is missing or has another shape.
    """
    job = _read(variables.get("JOB"), _Job, "JOB", _JOB)
    workflow_id = job.job_parameters and job.job_parameters.mlc_workflow_id
    return FinishedJob(ids.encode(job.id), workflow_id) if workflow_id and job.job_status.upper() in TERMINAL else None


class ModelOpSignals:
    """Reads the signals that start the processes of a registry. A :class:`mlc.model.signal.Signals`.

    Args:
        processes: the registry.
        foreign: assets that nobody here can read are passed on (``Capability.READS_ANY_ASSET``).

    Raises:
        ValueError: a process claims the signal that wakes runs.
    """

    def __init__(self, processes: Sequence[Process], *, foreign: bool = False) -> None:
        self._foreign = foreign
        self._for_monitors = next((process for process in processes if process.for_monitors), None)
        self.processes = {
            PREFIX + signal.name: (process, signal) for process in processes for signal in process.signals
        }
        if JOB_STATUS_CHANGED in self.processes:
            raise ValueError(f"{self.processes[JOB_STATUS_CHANGED][0].name}: {JOB_STATUS_CHANGED} wakes runs already")

    @property
    def unheard(self) -> Mapping[str, str]:
        """Signals that ModelOp knows and no process listens to, and what each says."""
        return {name: what for name, what in UNHEARD.items() if name not in self.processes}

    @property
    def asked(self) -> list[str]:
        """Signals that people and schedulers send to start something."""
        return [name for name, (_, signal) in self.processes.items() if signal.starts is Starts.ONCE_A_KEY]

    @property
    def names(self) -> Mapping[str, str]:
        """Every signal that is taken, and what comes of it, in a sentence without its full stop."""
        starting = {name: signal.summary for name, (_, signal) in self.processes.items()}
        waking = {JOB_STATUS_CHANGED: "Wake the run that waits for a job which has finished"}
        return starting | waking | {name: f"{what}: nobody here listens to it" for name, what in self.unheard.items()}

    @property
    def example(self) -> str:
        """A signal that starts something, with its variables; empty if none does."""
        if not self.asked:
            return ""
        name = self.asked[0]
        variables = {variable: each["value"] for variable, each in self.envelope(name)["variables"].items()}
        return f'"{name}" with {json.dumps(variables)}'

    def variables(self, name: str) -> Sequence[Variable]:
        """Those of a signal that starts a process; none of another one."""
        return self.processes[name][1].variables if name in self.processes else ()

    def meanings(self, name: str) -> dict[str, str]:
        """What each of a signal's variables is for, without a full stop."""
        if name == JOB_STATUS_CHANGED:
            return {"JOB": "The job, with its status and jobParameters"}
        return {variable.name: self.processes[name][0].meaning(variable) for variable in self.variables(name)}

    def envelope(self, name: str) -> dict[str, Any]:
        """An example of a signal, as it comes over HTTP."""
        values = {variable.name: _value(variable) for variable in self.variables(name)}
        if name == JOB_STATUS_CHANGED:
            values["JOB"] = _JOB
        return {"name": name, "variables": {variable: {"value": value} for variable, value in values.items()}}

    def read(self, name: str, variables: Mapping[str, Any], rules: FileRules) -> ProcessStart:
        """What a signal starts that was sent for that; see :meth:`mlc.model.signal.Signals.read`."""
        if name not in self.asked:
            known_names = ", ".join(self.asked) or "none"
            raise UnknownSignal(f"No process is started by a signal of this name. Known: {known_names}.")
        known = [variable.name for variable in self.variables(name)]
        if unknown := sorted(variable for variable in variables if variable not in known):
            raise BadVariable(f"Variable {unknown[0][:60]!r} is unknown to this signal. It takes {', '.join(known)}.")
        plain = {variable: _plain(variable, value) for variable, value in variables.items()}
        return self._start(name, plain, rules)

    def read_of_monitor(
        self, name: str, variables: Mapping[str, Any], rules: FileRules, snapshot_id: str, monitor: str
    ) -> ProcessStart:
        """What a schedule starts that stands on a monitor: see :meth:`mlc.model.signal.Signals.read_of_monitor`."""
        start = self.read(name, variables, rules)
        process = self._for_monitors
        if process is None or process.input is None or start.snapshot_id is None:
            return start
        if not monitor:
            raise BadVariable("The monitor that the schedule stands on has no name, so it can't be told which to run.")
        if start.snapshot_id != snapshot_id:
            raise BadVariable(f"{start.snapshot_place} names another snapshot than the one that carries the monitor.")
        named = start.values.get("monitor")
        if named not in {None, monitor}:
            raise BadVariable("Variable MONITOR names another monitor than the one that the schedule stands on.")
        if lost := sorted(start.values.keys() - process.input.model_fields.keys()):
            raise BadVariable(
                f"A monitor takes no {lost[0]}: what it reads is set on it, as its assets. Leave the variable out."
            )
        values = {field: value for field, value in start.values.items() if field not in {"role", "called"}}
        return ProcessStart(process, values | {"monitor": monitor}, snapshot_id, start.snapshot_place)

    def read_announcement(self, name: str, variables: Mapping[str, Any]) -> ProcessStart:
        """What a signal starts that tells of a change. What else it says is left alone.

        Raises:
            BadVariable: the variable that counts is missing or can't be used.
        """
        return self._start(name, variables, FileRules())

    def _start(self, name: str, variables: Mapping[str, Any], rules: FileRules) -> ProcessStart:
        process, signal = self.processes[name]
        values = dict(signal.fixed)
        for variable in signal.variables:
            value = variables.get(variable.name)
            if found := list(_found(variable, value, rules, self._foreign)):
                values[variable.field] = found[0]
            elif variable.required and not (self._foreign and variable.type in FILES):  # the model may read its own
                what = f"is missing: {variable.missing}" if variable.missing else "is missing"
                raise BadVariable(f"Variable {variable.name} {what}. {_example(variable.name, _value(variable))}")
        snapshot = next((variable for variable in signal.variables if variable.names_snapshot), None)
        place, snapshot_id = (snapshot.place, values.get(snapshot.field)) if snapshot else ("", None)
        start = ProcessStart(process, values, snapshot_id, place)
        _check_together(start, signal)
        return start


def _found(variable: Variable, value: Any, rules: FileRules, foreign: bool) -> Iterator[Any]:
    """What a variable says, if it says anything."""
    if value is None:
        return
    if variable.type in FILES:
        files, several = _files(variable, value, rules, foreign), variable.type in (list[InputFile], list[OutputFile])
        if not several and len(files) != 1:
            raise _bad(variable.name, "exactly one file is taken", variable.name, _value(variable))
        if files:
            yield files if several else files[0]
    elif variable.part:
        if not isinstance(value, Mapping):
            raise _bad(variable.name, "an object is expected", variable.name, _value(variable))
        if variable.part not in value:
            raise _bad(variable.place, "Field required", variable.name, _value(variable))
        yield _ours(
            _read(value[variable.part], variable.type, variable.name, _value(variable), variable.place), variable
        )
    else:
        yield _ours(_read(value, variable.type, variable.name, _value(variable)), variable)


def _ours(value: Any, variable: Variable) -> Any:
    """The value, with the centre's ids made ours: from here on there are no others."""
    if not (variable.names_snapshot or Id in (variable.type, *get_args(variable.type))):
        return value
    if isinstance(value, list):
        return [_ours(each, variable) for each in value]
    made = ids.encode(value) if isinstance(value, str) else value
    if isinstance(made, str) and len(made) > LONGEST_ID:
        what = (
            f"the id takes {len(made)} characters here, where any but letters, digits and -._ takes three for each of "
            f"its bytes; {LONGEST_ID} are the most"
        )
        raise _bad(variable.place, what, variable.name, _value(variable))
    return made


def _files(variable: Variable, value: Any, rules: FileRules, foreign: bool) -> list[Any]:
    read: Callable[..., Any] = read_input if variable.type in (InputFile, list[InputFile]) else read_output
    try:
        return read_files(value, lambda each: read(each, rules, foreign=foreign))
    except BadFile as error:
        raise _bad(f"{variable.name}{error.place}", str(error), variable.name, _value(variable)) from None


def _read(value: Any, shape: type[V], name: str, example: Any, place: str = "") -> V:
    if value is None and not place:
        raise BadVariable(f"Variable {name} is missing. {_example(name, example)}")
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as error:
        where, what = _first(error)
        raise _bad(".".join([place or name, *where]), what, name, example) from None


def _check_together(start: ProcessStart, signal: Signal) -> None:
    """What the process's input asks of the variables together, before anything is stored."""
    try:
        start.input(["0" * 36] * len(start.embedded))
    except ValidationError as error:
        where, what = _first(error)
        said = [v for v in signal.variables if where and v.field == where[0]]
        said = said or [v for v in signal.variables if v.type in FILES] or list(signal.variables)
        raise BadVariable(f"{', '.join(variable.name for variable in said)}: {what}.") from None


def _first(error: ValidationError) -> tuple[list[str], str]:
    """Where the first mistake is, and what it is, without the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return [repeated(part) for part in first["loc"]], first["msg"].removeprefix("Value error, ")


def _plain(name: str, value: Any) -> Any:
    """A variable's value, out of Camunda's form if it is in it."""
    if not isinstance(value, dict) or "value" not in value:
        return value
    try:
        return Enveloped.model_validate(value).plain(name)
    except ValidationError:  # an object of its own that has such a key
        return value["value"]


def _value(variable: Variable) -> Any:
    """An example of a variable's value."""
    if variable.type in FILES:
        return _INPUT if variable.type in (InputFile, list[InputFile]) else _OUTPUT
    return variable.example


def _bad(place: str, what: str, name: str, example: Any) -> BadVariable:
    return BadVariable(f"{place}: {what}. {_example(name, example)}")


def _example(name: str, example: Any) -> str:
    return f'Example: "{name}": {json.dumps({"value": example})}'
