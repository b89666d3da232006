"""Signals: what one that came says is to be started. How signals are written is the model centre's affair.

What is read of one is started thus::

    start = signals.read(name, variables, rules)
    asset_ids = await store_files(center, start.workflow_id(key), start.embedded)  # activities.files
    await temporal.start_workflow(start.workflow, start.input(asset_ids), id=start.workflow_id(key), ...)
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from mlc.model.base import LONGEST_ID, Input
from mlc.model.failure import MlcError
from mlc.model.fairness import fairness_key
from mlc.model.file import FileFormat, FileRules, InputFile, OutputFile
from mlc.model.process import Process

Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID)]
"""An id as the model centre has it. Whoever reads signals makes ours of it, and it goes no further."""

_ASSET_ID = str(UUID(int=0))
"""As long as the ids of stored files."""


class BadSignal(MlcError):
    """A signal that can't be taken; the text is for whoever sent it, and holds none of its values."""


class UnknownSignal(BadSignal):
    """No process is started by a signal of this name."""


class BadVariable(BadSignal):
    """A variable that is missing, unknown or can't be used: named, with what is wrong and an example."""


@dataclass(frozen=True)
class EmbeddedFile:
    """A file whose bytes came with the signal. They go to the model centre, and only its id goes further."""

    filename: str
    file_format: FileFormat | None
    content: bytes
    foreign: bool = False
    """It is an asset as the centre has them, as JSON: its own runtimes can read it, and nobody here looks into it."""
    is_output: bool = False

    def stored(self, asset_id: str) -> InputFile | OutputFile:
        """The same file, once the centre keeps it."""
        kind = OutputFile if self.is_output else InputFile
        return kind(asset_id=asset_id, filename=self.filename, file_format=self.file_format)


@dataclass(frozen=True)
class ProcessStart:
    """What a signal starts. Files that came with it are still held apart, since a history must not carry them."""

    process: Process
    values: Mapping[str, Any]
    """The fields of the process's input, with an EmbeddedFile for each file that is not stored yet."""
    snapshot_id: str | None = None
    """The snapshot (by our id) that has to exist, if the signal names one, ..."""
    snapshot_place: str = ""
    """... and where it does."""

    @property
    def workflow(self) -> str:
        """The workflow's type."""
        return self.process.name

    @property
    def embedded(self) -> tuple[EmbeddedFile, ...]:
        """The files to be stored in the centre, in order."""
        return tuple(each for value in self.values.values() for each in _list(value) if isinstance(each, EmbeddedFile))

    def workflow_id(self, key: str) -> str:
        """The workflow's id; the same ``key`` (the caller's, or something random) makes the same id."""
        return self.process.id_of(self.outline, key)

    def fairness(self, of_model: str = "") -> str:
        """By what its run takes turns with others; ``of_model``: the key of the model that it is about, if known.

        A start that names no snapshot has one of its own, such as a batch job's tag, whoever schedules it.
        """
        return fairness_key(self.outline.subject, of_model)

    @property
    def outline(self) -> Input:
        """The workflow's input, with other ids in the place of files that aren't stored yet."""
        return self.input([_ASSET_ID] * len(self.embedded))

    def input(self, asset_ids: Sequence[str]) -> Input:
        """The workflow's input; ``asset_ids`` are the stored files', in the order of ``embedded``.

        Raises:
            ValidationError: the values don't go together.
        """
        assert self.process.input is not None, self.process.name
        ids = iter(asset_ids)

        def stored(value: Any) -> Any:
            if isinstance(value, list):
                return [stored(each) for each in value]
            return value.stored(next(ids)) if isinstance(value, EmbeddedFile) else value

        return self.process.input(**{name: stored(value) for name, value in self.values.items()})


class Signals(Protocol):
    """Reads the signals of a model centre that start processes."""

    @property
    def unheard(self) -> Container[str]:
        """Names that the centre uses, and no process here listens to."""
        ...

    @property
    def example(self) -> str:
        """A signal with its variables, for whoever has written one that can't be read; empty if none starts a thing."""
        ...

    def read(self, name: str, variables: Mapping[str, Any], rules: FileRules) -> ProcessStart:
        """What a signal starts.

        Args:
            name: as the centre writes it.
            variables: as the centre writes them.
            rules: which addresses files may have. None is ever fetched here.

        Raises:
            UnknownSignal: no process is started by a signal of this name.
            BadVariable: a variable is missing, unknown or can't be used.
        """
        ...

    def read_of_monitor(
        self, name: str, variables: Mapping[str, Any], rules: FileRules, snapshot_id: str, monitor: str
    ) -> ProcessStart:
        """What a schedule starts that stands on a monitor: whatever would test the snapshot runs that monitor.

        Args:
            snapshot_id: the snapshot that carries it.
            monitor: its name.

        Raises:
            BadVariable: it is about another snapshot or monitor, too, or gives files that a monitor does not read.
        """
        ...


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("only characters that can be printed, and no space at an end")
    return text


def line(longest: int) -> Any:
    """The type of a variable that is one line of text, of so many characters at most."""
    return Annotated[str, StringConstraints(min_length=1, max_length=longest), AfterValidator(_one_line)]
