"""ModelOp's signals: their names, and what the variables of one say is to be started. Nothing here does anything.

A signal comes over HTTP in Camunda's form, ``{"MODEL_ID": {"value": "..."}}``, or stands in a schedule's
``action.signalVariables`` as ``{"MODEL_ID": "..."}``; :func:`read_signal` reads both. What it answers is started thus::

    start = read_signal(name, variables, rules)
    asset_ids = await store_files(center, start.workflow_id(key), start.embedded)  # activities.files
    await temporal.start_workflow(start.workflow, start.input(asset_ids), id=start.workflow_id(key), ...)
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

from mlc.model.file import FileRules, InputFile, OutputFile
from mlc.model.processes import (
    RUN_BACK_TEST,
    RUN_BATCH_MODEL_JOB,
    RunBackTestInput,
    RunBatchModelJobInput,
    back_test_id,
    batch_job_id,
)
from mlc.model.signal_file import BadFile, EmbeddedFile, read_files, read_input, read_output
from mlc.model.ticket import Provider

PREFIX = "com.modelop.mlc.definitions."
DEPLOYABLE_MODEL_CHANGED = PREFIX + "Signals_deployable_model_changed"
JOB_STATUS_CHANGED = PREFIX + "Signals_job_status_changed"
RUN_BACK_TEST_JIRA = PREFIX + "Signals_Run_Back_Test_Jira"
RUN_BACK_TEST_SERVICENOW = PREFIX + "Signals_Run_Back_Test_ServiceNow"
MODEL_BACK_TEST = PREFIX + "Signals_MODEL_BACK_TEST"
"""The old name of both."""
DEPLOYED_BATCH_JOB = PREFIX + "Signals_DEPLOYED_BATCH_JOB"
UNHEARD = (
    PREFIX + "Signals_model_changed",
    PREFIX + "Signals_model_created",
    PREFIX + "Signals_MODEL_DATA_DRIFT_TEST",
)
"""What ModelOp broadcasts, or is asked to start, and no process here listens to: taken without doing anything, by the
gateway as by the mirror (``docs/schedules.md``)."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$")]
"""An id in the model centre."""

_FILE = {"assetType": "EXTERNAL_FILE", "fileUrl": "https://files.example.org/in.csv", "fileFormat": "CSV"}
EXAMPLES: Mapping[str, Any] = {
    "DEPLOYABLE_MODEL": {"id": "5a31b3c6-f033-4948-b433-bae6656baa26"},
    "JOB": {
        "id": "0f6f1d1e-6a53-4a3b-9d4a-3f6a7c2f9b10",
        "jobStatus": "COMPLETE",
        "jobParameters": {"mlcWorkflowId": "deploy-5a31b3c6-f033-4948-b433-bae6656baa26"},
    },
    "MODEL_ID": "5a31b3c6-f033-4948-b433-bae6656baa26",
    "TAG": "cc-fraud",
    "MODEL_STAGE": "PROD",
    "INPUT_FILE": _FILE,
    "OUTPUT_FILE": _FILE | {"fileUrl": "https://files.example.org/out.csv"},
}
"""A value of each variable."""

BACK_TESTS: Mapping[str, Provider | None] = {
    RUN_BACK_TEST_JIRA: "jira",
    RUN_BACK_TEST_SERVICENOW: "servicenow",
    MODEL_BACK_TEST: None,
}
"""Where each signal's tickets go; None: where the snapshot's tag or the settings say."""

VARIABLES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(BACK_TESTS, ("MODEL_ID", "INPUT_FILE", "OUTPUT_FILE")),
    DEPLOYED_BATCH_JOB: ("TAG", "MODEL_STAGE", "INPUT_FILE", "OUTPUT_FILE"),
}
"""The signals that :func:`read_signal` reads, and the variables of each."""

_ASSET_ID = str(UUID(int=0))
"""As long as the ids of stored files."""

V = TypeVar("V")
F = TypeVar("F")


class BadSignal(Exception):
    """A signal that can't be taken; the text is for whoever sent it, and holds none of its values."""


class UnknownSignal(BadSignal):
    """No process is started by a signal of this name."""


class BadVariable(BadSignal):
    """A variable that is missing, unknown or can't be used: named, with what is wrong and an example."""


class ProcessStart(ABC):
    """What a signal starts. Files that came with it are still held apart, since a history must not carry them."""

    workflow: ClassVar[str]
    """The workflow's type."""

    @property
    @abstractmethod
    def snapshot_id(self) -> str | None:
        """The snapshot that has to exist, if the signal names one."""

    @property
    @abstractmethod
    def embedded(self) -> tuple[EmbeddedFile, ...]:
        """The files to be stored in the centre, in order."""

    @abstractmethod
    def workflow_id(self, key: str) -> str:
        """The workflow's id; the same ``key`` (the caller's, or something random) makes the same id."""

    @abstractmethod
    def input(self, asset_ids: Sequence[str]) -> RunBackTestInput | RunBatchModelJobInput:
        """The workflow's input; ``asset_ids`` are the stored files', in the order of ``embedded``."""


@dataclass(frozen=True)
class BackTest(ProcessStart):
    workflow = RUN_BACK_TEST

    model_id: str
    ticketing: Provider | None
    input_file: EmbeddedFile | InputFile | None = None
    output_file: OutputFile | None = None

    @property
    def snapshot_id(self) -> str:
        return self.model_id

    @property
    def embedded(self) -> tuple[EmbeddedFile, ...]:
        return (self.input_file,) if isinstance(self.input_file, EmbeddedFile) else ()

    def workflow_id(self, key: str) -> str:
        return back_test_id(self.model_id, key)

    def input(self, asset_ids: Sequence[str]) -> RunBackTestInput:
        given = self.input_file
        return RunBackTestInput(
            model_id=self.model_id,
            input_file=given.stored(*asset_ids) if isinstance(given, EmbeddedFile) else given,
            output_file=self.output_file,
            ticketing=self.ticketing,
        )


@dataclass(frozen=True)
class BatchModelJob(ProcessStart):
    workflow = RUN_BATCH_MODEL_JOB

    tag: str
    model_stage: str | None
    input_files: tuple[EmbeddedFile | InputFile, ...]
    output_files: tuple[OutputFile, ...] = ()

    @property
    def snapshot_id(self) -> None:
        return None

    @property
    def embedded(self) -> tuple[EmbeddedFile, ...]:
        return tuple(file for file in self.input_files if isinstance(file, EmbeddedFile))

    def workflow_id(self, key: str) -> str:
        return batch_job_id(self.tag, key)

    def input(self, asset_ids: Sequence[str]) -> RunBatchModelJobInput:
        ids = iter(asset_ids)
        return RunBatchModelJobInput(
            tag=self.tag,
            model_stage=self.model_stage,
            input_files=[
                file.stored(next(ids)) if isinstance(file, EmbeddedFile) else file for file in self.input_files
            ],
            output_files=list(self.output_files),
        )


def read_signal(name: str, variables: Mapping[str, Any], rules: FileRules) -> ProcessStart:
    """What a signal starts.

    Args:
        name: with its prefix.
        variables: Camunda's ``{"NAME": {"value": ...}}``, or plain ``{"NAME": value}``.
        rules: which addresses files may have. None is ever fetched here.

    Raises:
        UnknownSignal: the name is not among ``VARIABLES``.
        BadVariable: a variable is missing, unknown or can't be used.
    """
    if name not in VARIABLES:
        raise UnknownSignal(f"No process is started by a signal of this name. Known: {', '.join(VARIABLES)}.")
    values = {variable: _plain(value) for variable, value in variables.items()}
    if unknown := sorted(variable for variable in values if variable not in VARIABLES[name]):
        raise BadVariable(
            f"Variable {unknown[0][:60]!r} is unknown to this signal. It takes {', '.join(VARIABLES[name])}."
        )
    start = _back_test(BACK_TESTS[name], values, rules) if name in BACK_TESTS else _batch_job(values, rules)
    _check_together(start)
    return start


def read_variable(variables: Mapping[str, Any], name: str, shape: type[V]) -> V:
    """One plain variable as a type.

    Raises:
        BadVariable: it is missing or has another shape.
    """
    value = variables.get(name)
    if value is None:
        raise BadVariable(f"Variable {name} is missing. {_example(name)}")
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        what = first["msg"].removeprefix("Value error, ")
        raise _bad(".".join([name, *map(str, first["loc"])]), what, name) from None


def _check_together(start: ProcessStart) -> None:
    """What the process's input asks of the variables together, before anything is stored."""
    try:
        start.input([_ASSET_ID] * len(start.embedded))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise BadVariable(f"INPUT_FILE, OUTPUT_FILE: {first['msg'].removeprefix('Value error, ')}.") from None


def _back_test(ticketing: Provider | None, values: Mapping[str, Any], rules: FileRules) -> BackTest:
    model_id = read_variable(values, "MODEL_ID", Id)
    inputs = _files(values, "INPUT_FILE", lambda value: read_input(value, rules))
    outputs = _files(values, "OUTPUT_FILE", lambda value: read_output(value, rules))
    for name, files in (("INPUT_FILE", inputs), ("OUTPUT_FILE", outputs)):
        if values.get(name) is not None and len(files) != 1:
            raise _bad(name, "a back test takes exactly one file", name)
    return BackTest(model_id, ticketing, inputs[0] if inputs else None, outputs[0] if outputs else None)


def _batch_job(values: Mapping[str, Any], rules: FileRules) -> BatchModelJob:
    tag: str = read_variable(values, "TAG", _Tag)
    stage: str | None = read_variable(values, "MODEL_STAGE", _Stage) if values.get("MODEL_STAGE") is not None else None
    inputs = _files(values, "INPUT_FILE", lambda value: read_input(value, rules))
    outputs = _files(values, "OUTPUT_FILE", lambda value: read_output(value, rules))
    if not inputs:
        raise BadVariable(f"Variable INPUT_FILE is missing: there is nothing to score. {_example('INPUT_FILE')}")
    return BatchModelJob(tag, stage, inputs, outputs)


def _files(values: Mapping[str, Any], name: str, read: Callable[[Any], F]) -> tuple[F, ...]:
    value = values.get(name)
    if value is None:
        return ()
    try:
        return tuple(read_files(value, read))
    except BadFile as error:
        raise _bad(f"{name}{error.place}", str(error), name) from None


def _plain(value: Any) -> Any:
    """A variable's value, out of Camunda's form if it is in it; ``type`` and ``valueInfo`` are not looked at."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("only characters that can be printed, and no space at an end")
    return text


_Tag = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)]
_Stage = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_one_line)]


def _bad(place: str, what: str, name: str) -> BadVariable:
    return BadVariable(f"{place}: {what}. {_example(name)}")


def _example(name: str) -> str:
    return f'Example: "{name}": {json.dumps({"value": EXAMPLES[name]})}'
