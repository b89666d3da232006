"""What a contained program may see and use, and what a level of isolation makes of that."""

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from mlc.settings import RuntimeSettings
from mlc.settings.reading import home


@dataclass(frozen=True)
class Confinement:
    """What one contained program may see and use.

    Paths are absolute and resolved. What else it may read of the machine (the system's libraries, time zones,
    certificates) is the level's business.

    Args:
        directory: where it runs. It may read what lies there.
        writable: folders that exist and that it may write to; all the rest is read-only from ``landlock`` on.
        readable: folders and files that it may read besides, such as its interpreter's.
        environment: its whole environment.
        memory: bytes that it and all that it starts may have in memory.
        disk: bytes of blocks that they may add below ``writable``; also the size of the largest file.
        processes: how many of them may live at the same time.
        network: whether it may reach others.
        bounded_address_space: let the kernel refuse each process more address space than ``memory``. Not for a model's
            process, which limits itself when its interpreter and pandas are loaded.
    """

    directory: Path
    writable: Sequence[Path]
    readable: Sequence[Path]
    environment: Mapping[str, str]
    memory: int
    disk: int
    processes: int = 256
    network: bool = False
    bounded_address_space: bool = False


@dataclass(frozen=True)
class Launch:
    """How a level starts a program.

    Args:
        command: the program with all that the level puts in front of it.
        limits: resource limits (``RLIMIT_*`` without that prefix) that the supervisor sets before it runs the command.
        no_new_privileges: whether the command itself may gain none, as by a set-user-id program.
        afterwards: a command that ends what is no descendant of the first, such as a container.
        environment: the command's own environment, where that is not the program's; the level hands the program's on.
        engine: the program that runs the command in a container; its own processes are not the program's, which have a
            PID namespace of their own.
        descriptors: further file descriptors that the command inherits; the caller closes them once it has started.
    """

    command: Sequence[str]
    limits: Mapping[str, int] = field(default_factory=dict)
    no_new_privileges: bool = True
    afterwards: Sequence[str] = ()
    environment: Mapping[str, str] | None = None
    engine: str = ""
    descriptors: Sequence[int] = ()


def limits_of(confinement: Confinement) -> dict[str, int]:
    """The resource limits by which the kernel itself holds every process of a confinement."""
    address_space = {"AS": confinement.memory} if confinement.bounded_address_space else {}
    return {"FSIZE": confinement.disk, "CORE": 0, "NOFILE": 4096, **address_space}


def own_files(settings: RuntimeSettings) -> tuple[Path, ...]:
    """The folders of this runtime's own files: settings, secrets, other jobs, what is kept of them."""
    return home().resolve(), settings.folder.resolve(), settings.contents_folder.resolve()


def keep_apart(read: Iterable[Path], own: Iterable[Path]) -> None:
    """Make sure that what models read as a whole doesn't hold the runtime's own files.

    Raises:
        PermissionError: it does.
    """
    for path, secret in product(read, own):
        if secret.is_relative_to(path.resolve()):
            raise PermissionError(
                errno.EACCES,
                f"models must be able to read {path}, and the runtime's own files lie there ({secret}): "
                "set MLC_HOME, and MLC_RUNTIME_WORK_DIR, to folders elsewhere",
            )
