"""The level ``container``: a container of podman or docker, run without root, network and rights.

The image has this runtime's Python at the same place, such as the image that the runtime itself was started from. Of
this machine the container gets the job's folder, the harness and the environment for the model's requirements.
"""

import errno
import json
import logging
import os
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlc.runtime.isolation.confinement import Confinement, Launch, limits_of
from mlc.runtime.isolation.engine import ENGINES, Engine, EngineFailed, environment, installed, labels
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.isolation.landlock import CONFINE
from mlc.runtime.isolation.seccomp import UnknownArchitecture, bpf_program
from mlc.runtime.isolation.trial import trial
from mlc.runtime.names import PRIVATE
from mlc.settings import RuntimeSettings

SPECIFICATION = "container.json"
THE_IMAGES = frozenset({"PATH", "LD_LIBRARY_PATH"})
"""Variables that belong to a system: within a container the image's count."""
log = logging.getLogger(__name__)


class Container:
    """A container with nothing but its image and what is mounted, mostly read-only; see docs/threat-model.md."""

    name = "container"
    reads_only = True

    def __init__(self, settings: RuntimeSettings) -> None:
        self._image = settings.container_image
        self._folder = settings.folder.resolve()
        self._engine = installed()

    def problem(self) -> str | None:
        if not self._image:
            return (
                "MLC_RUNTIME_CONTAINER_IMAGE names no image: name one that has this runtime's Python at the same place"
            )
        if self._engine is None:
            return f"there is neither {' nor '.join(ENGINES)} on the PATH: install one of them"
        try:
            bpf_program(network=False)
            return self._engine.problem(self._image) or trial(self, self._folder)
        except (OSError, UnknownArchitecture) as error:
            return str(error)

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        engine = self._engine or Engine(ENGINES[0])
        name = f"mlc-{uuid.uuid4().hex}"
        specification = _write(confinement, _specification(program, confinement))
        mounts = _mounts(confinement)  # before the engine is asked: what can't be mounted has nothing to do with it
        command = [
            *(engine.program, "run", "--rm", "--interactive", "--name", name, *labels(self._folder)),
            *("--pull", "never", "--log-driver", "none", "--no-healthcheck", "--stop-timeout", "0"),
            *(() if confinement.network else ("--network", "none")),
            *("--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"),
            *("--security-opt", "label=disable"),  # what is mounted keeps its labels of SELinux
            *("--user", "0:0", "--hostname", "model"),  # root of its namespace, the runtime's account outside
            *("--workdir", str(confinement.directory), *engine.options(confinement), *mounts),
            *("--entrypoint", sys.executable, self._image, "-I", "-S", str(CONFINE), str(specification)),
        ]
        return Launch(
            command=command,
            no_new_privileges=False,  # an engine without root has set-user-id programs map its accounts
            environment=environment(),
            afterwards=[engine.program, "rm", "--force", name],
            engine=engine.program,
        )

    def remove_left(self) -> None:
        """Remove the containers that a process of this runtime has left that was killed."""
        try:
            for name in self._engine.remove_left(self._folder) if self._engine else ():
                log.warning("Removed the container %s, which an earlier process of this runtime left.", name)
        except EngineFailed as failure:
            log.warning("What an earlier process of this runtime may have left is not removed: %s.", failure)


def _specification(program: Sequence[str], confinement: Confinement) -> dict[str, Any]:
    """What the script is told that is the container's first process."""
    return {
        "command": [*program],
        "account": None,
        "abi": None,
        "first": True,
        "limits": limits_of(confinement),
        "environment": {name: value for name, value in confinement.environment.items() if name not in THE_IMAGES},
        "kept": sorted(THE_IMAGES),
        "filter": {
            "network": confinement.network,
            "own_namespaces": True,
            "unix_sockets": True,
            "own_signals_only": False,
        },
    }


def _write(confinement: Confinement, specification: dict[str, Any]) -> Path:
    """Write it where no list of processes shows it, and the program can't change it."""
    private = confinement.directory / PRIVATE
    file = (private if private.is_dir() and not private.is_symlink() else confinement.directory) / SPECIFICATION
    with suppress(FileNotFoundError):
        file.unlink()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(specification, opened)
    return file


def _mounts(confinement: Confinement) -> list[str]:
    images = interpreter_files(sys.executable)
    readable = [path for path in (CONFINE.parent, *confinement.readable) if path not in images and path.exists()]
    mounts = [(path, path, "ro") for path in (*readable, confinement.directory)]
    mounts += [(path, path, "rw") for path in confinement.writable]
    if temporary := confinement.environment.get("TMPDIR"):  # for programs that know no other place
        mounts += [(Path(temporary), Path(place), "rw") for place in ("/tmp", "/var/tmp")]  # noqa: S108 - its own
    for path, _, _ in mounts:
        if ":" in str(path):
            raise OSError(errno.EINVAL, f"a folder with a colon in its name can't be mounted in a container: {path}")
    return [word for path, target, mode in mounts for word in ("--volume", f"{path}:{target}:{mode}")]
