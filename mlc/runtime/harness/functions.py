"""The model's source and its functions, by ModelOp's conventions."""

import errno
import inspect
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import GeneratorType, ModuleType
from typing import Any

from .markers import batch, is_stateful, marked_functions, record_sets, usual_functions

_NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_CAUSES = 20
"""Errors behind an error that are looked at."""
_MULTIPROCESSING = str(Path(socket.__file__).parent / "multiprocessing")


class ModelFailure(Exception):
    """The model can't be run, or failed. The text is one sentence.

    Attributes:
        trace: Python's traceback from the model's first line on, if the model raised something.
    """

    def __init__(self, sentence: str, trace: str = "") -> None:
        super().__init__(sentence)
        self.trace = trace


class ModelRaised(ModelFailure):
    """A function of the model raised an exception: the process is sound, and may call it again."""


class ModelCode:
    """The imported source of a model.

    Args:
        source: file name, relative to the working directory.
        names: which functions the model's asset names, such as ``{"init": "begin"}``; for others, the markers count.
            Where neither names any, functions are taken by their usual names.

    Raises:
        ModelFailure: it doesn't compile, or its top level raised something.
    """

    def __init__(self, source: str, names: dict[str, str]) -> None:
        self.source = source
        content = Path(source).read_bytes()
        module = ModuleType(Path(source).stem)
        module.__file__ = source
        # Under its own name, so that classes defined there can be unpickled; a library's name stays the library's.
        if module.__name__ in sys.modules or module.__name__ in sys.stdlib_module_names:
            module.__name__ = "model_source"
        sys.modules[module.__name__] = module
        with self.failures("The model's source could not be imported"):
            exec(compile(content, source, "exec"), module.__dict__)  # noqa: S102 - running models is what this is for
        self._names = {**marked_functions(content), **names} or usual_functions(content)
        self.record_sets = record_sets(content)
        """The slots that take or answer record sets."""
        try:
            self.batch = batch(content)
        except ValueError as error:
            raise ModelFailure(f"{source}, {error}") from None
        self.stateful = is_stateful(content)
        self._module = module

    def function(self, role: str) -> Callable[..., Any] | None:
        """The function of a role (``init``, ``score``, ``metrics``, ``train``), or None if the model has none.

        Raises:
            ModelFailure: it is named but not defined, or it is async.
        """
        name = self._names.get(role)
        if not name:
            return None
        found: Callable[..., Any] | None = getattr(self._module, name, None)
        if not callable(found):
            raise ModelFailure(f"{self.source} defines no function {name!r}, which the model names as its {role}.")
        if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
            raise ModelFailure(f"The {role} function {name!r} of {self.source} is async; it must be a plain function.")
        return found

    def required(self, role: str) -> Callable[..., Any]:
        """Like :meth:`function`, but a missing one is a :class:`ModelFailure`."""
        found = self.function(role)
        if found is None:
            raise ModelFailure(f"{self.source} has no {role} function: put the line '# modelop.{role}' above it.")
        return found

    def init(self, definition: Callable[[], dict[str, Any]]) -> bool:
        """Call the init function with or without the definition, as it has a parameter or not.

        The definition holds all files of the model: it is read only for who asks for it.

        Returns:
            False if the model has none.

        Raises:
            ModelFailure: it raised something, or wants more than one argument.
        """
        init = self.function("init")
        if init is None:
            return False
        arguments = [definition()] if inspect.signature(init).parameters else []
        self.check_arguments("init", init, arguments, "0 or 1")
        with self.failures(f"The init function {init.__name__!r} of {self.source} failed"):
            init(*arguments)
        return True

    def check_arguments(self, role: str, function: Callable[..., Any], arguments: list[Any], given: str) -> None:
        """Say in a sentence that a function can't take what it is about to get.

        Raises:
            ModelFailure: the number of parameters doesn't fit.
        """
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError as error:
            name = f"The {role} function {function.__name__!r} of {self.source}"
            raise ModelFailure(f"{name} is called with {given} argument(s): {error}.") from None

    def results(self, role: str, function: Callable[..., Any], arguments: list[Any]) -> Iterator[Any]:
        """What a function yields, one by one, or the one value that it returns.

        Raises:
            ModelFailure: it raised something.
        """
        with self.failures(f"The {role} function {function.__name__!r} of {self.source} failed"):
            answer = function(*arguments)
            if isinstance(answer, GeneratorType):
                yield from answer
            else:
                yield answer

    def failures(self, what: str) -> "_Failures":
        """Turn whatever the model raises, ``SystemExit`` too, into a :class:`ModelFailure`; ``what`` begins it."""
        return _Failures(what, self.source)


class _Failures:
    def __init__(self, what: str, source: str) -> None:
        self._what = what
        self._source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if error is None or isinstance(error, ModelFailure | GeneratorExit):
            return
        frames = traceback.TracebackException.from_exception(error)
        own = [index for index, frame in enumerate(frames.stack) if frame.filename == self._source]
        line = f" (line {frames.stack[own[-1]].lineno})" if own else ""
        del frames.stack[: own[0] if own else None]  # the harness's own frames help nobody
        if isinstance(error, MemoryError):
            reason = "it needed more memory than the runtime allows"
        elif isinstance(error, SystemExit):
            reason = f"it called sys.exit({error.code!r})"
        else:
            reason = _first_line(error)
        sound = isinstance(error, Exception) and not isinstance(error, MemoryError)
        failure = ModelRaised if sound else ModelFailure
        raise failure(f"{self._what}: {reason}{line}.{_what_is_allowed(error)}", "".join(frames.format())) from None


def _what_is_allowed(error: BaseException) -> str:
    """What to know where the runtime didn't let a model write or connect; libraries wrap the error that says so."""
    causes = list(_with_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in _NOT_WRITABLE and cause.filename:
            return (
                " A model can write to outputDir/, to its folder for temporary files and to its home, and nowhere else."
            )
        if _wants_network(cause) and not _has_network():
            return (
                " A model has no network here: what it needs belongs into its folder or its job's inputs; "
                "the runtime's operator can let models reach it (MLC_RUNTIME_NETWORK)."
            )
    if any(map(_wants_shared_memory, causes)):
        return (
            " Pools, queues and locks of multiprocessing need shared memory, which this runtime's isolation may refuse:"
            " use threads, joblib or subprocess, or a runtime of the level bubblewrap (MLC_RUNTIME_ISOLATION)."
        )
    return ""


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen and len(seen) < _CAUSES:
        yield at
        seen.append(at)
        at = at.__cause__ or at.__context__


def _wants_network(error: BaseException) -> bool:
    """Whether an error comes from looking up a host, or from making a socket for a network."""
    if isinstance(error, socket.gaierror):
        return True
    if not isinstance(error, PermissionError) or error.__traceback__ is None:
        return False
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    made_socket = last.f_code.co_filename == socket.__file__
    return made_socket and last.f_locals.get("family") in {socket.AF_INET, socket.AF_INET6}


def _wants_shared_memory(error: BaseException) -> bool:
    """Whether an error comes from what multiprocessing shares between processes; of their end it says only EOFError."""
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return isinstance(error, PermissionError | EOFError) and any(map(_of_multiprocessing, files))


def _of_multiprocessing(file: str) -> bool:
    return file.startswith(_MULTIPROCESSING)


def _has_network() -> bool:
    """Whether a socket can be made, which every level that keeps a model from the network refuses."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    """Type and first line of an exception: the rest, of which it may have a lot, stands in its traceback."""
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        text = str(error)
    except Exception:  # a model's own exception may fail to say what it is
        text = ""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{name}: {first}" if first else name
