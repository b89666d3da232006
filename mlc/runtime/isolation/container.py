"""The level ``container``: a container of podman or docker, run without root, network and rights.

The image has this runtime's Python at the same place, such as the image that the runtime itself was started from. Of
this machine the container gets the job's folder, the harness and the environment for the model's requirements.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from mlc.runtime.isolation.confinement import Confinement, Launch, limits_of
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.isolation.landlock import CONFINE
from mlc.runtime.isolation.seccomp import UnknownArchitecture, bpf_program
from mlc.runtime.isolation.trial import trial
from mlc.settings import RuntimeSettings

ENGINES = {
    "podman": ("info", "--format", "{{.Host.Security.Rootless}}"),
    "docker": ("info", "--format", "{{json .SecurityOptions}}"),
}
"""The programs that run containers, the first that is there; each with what it is asked whether root runs it."""
ROOTLESS = ("true", "name=rootless")
TRIAL = 60
"""Seconds that an engine may take for an answer."""
ENVIRONMENT = "container.env"
THE_IMAGES = frozenset({"PATH", "LD_LIBRARY_PATH"})
"""Variables that belong to a system: within a container the image's count."""


class Container:
    """A container with nothing but its image and what is mounted, mostly read-only; see docs/threat-model.md."""

    name = "container"
    reads_only = True

    def __init__(self, settings: RuntimeSettings) -> None:
        self._image = settings.container_image
        self._folder = settings.folder.resolve()
        self._engine = next((engine for engine in ENGINES if shutil.which(engine)), "")

    def problem(self) -> str | None:
        if not self._image:
            return (
                "MLC_RUNTIME_CONTAINER_IMAGE names no image: name one that has this runtime's Python at the same place"
            )
        if not self._engine:
            return f"there is neither {' nor '.join(ENGINES)} on the PATH: install one of them"
        try:
            bpf_program(network=False)
            said = self._ask(*ENGINES[self._engine])
            if not any(word in said for word in ROOTLESS):
                return f"{self._engine} runs as root ({said.strip()[:200]}): set it up for an ordinary account"
            return trial(self, self._folder)
        except (OSError, UnknownArchitecture, subprocess.TimeoutExpired) as error:
            return str(error)

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        name = f"mlc-{uuid.uuid4().hex}"
        self._write_environment(confinement)
        filtered = {"network": confinement.network, "own_namespaces": True, "unix_sockets": True}
        inner = {"command": [*program], "account": None, "abi": None, "filter": {**filtered, "own_signals_only": False}}
        command = [
            *(self._engine, "run", "--rm", "--interactive", "--name", name, "--pull", "never", "--log-driver", "none"),
            *(() if confinement.network else ("--network", "none")),
            *("--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--hostname", "model"),
            *("--user", "0:0", "--workdir", str(confinement.directory)),  # root of its namespace, the runtime outside
            *("--env-file", str(confinement.directory / ENVIRONMENT)),
            *("--shm-size", str(confinement.memory), *self._limits(confinement)),
            *self._mounts(confinement),
            *("--entrypoint", sys.executable, self._image or "", "-I", "-S", str(CONFINE), json.dumps(inner)),
        ]
        return Launch(
            command=command,
            no_new_privileges=False,  # an engine without root has set-user-id programs map its accounts
            environment={**os.environ},
            afterwards=[self._engine, "rm", "--force", name],
        )

    def _limits(self, confinement: Confinement) -> list[str]:
        limits = [f"{name.lower()}={value}:{value}" for name, value in limits_of(confinement).items() if name != "AS"]
        given = [word for limit in limits for word in ("--ulimit", limit)]
        if self._engine == "docker":  # its containers are no descendants of a supervisor, which would count them
            given += ["--memory", str(confinement.memory), "--pids-limit", str(confinement.processes)]
        return given

    def _mounts(self, confinement: Confinement) -> list[str]:
        images = interpreter_files(sys.executable)
        readable = [path for path in (CONFINE.parent, *confinement.readable) if path not in images and path.exists()]
        mounts = [(path, path, "ro") for path in (*readable, confinement.directory)]
        mounts += [(path, path, "rw") for path in confinement.writable]
        if temporary := confinement.environment.get("TMPDIR"):  # for programs that know no other place
            mounts.append((Path(temporary), Path("/tmp"), "rw"))  # noqa: S108 - its own
        for path, _, _ in mounts:
            if ":" in str(path):
                raise OSError(
                    errno.EINVAL, f"a folder with a colon in its name can't be mounted in a container: {path}"
                )
        return [word for path, target, mode in mounts for word in ("--volume", f"{path}:{target}:{mode}")]

    def _write_environment(self, confinement: Confinement) -> None:
        """Write the variables where no list of processes shows them."""
        lines = []
        for name, value in confinement.environment.items():
            if "\n" in value:
                raise OSError(errno.EINVAL, f"no variable with several lines can be given to a container: {name}")
            if name not in THE_IMAGES:
                lines.append(f"{name}={value}\n")
        file = confinement.directory / ENVIRONMENT
        file.touch(0o600)
        file.write_text("".join(lines))

    def _ask(self, *question: str) -> str:
        asked = subprocess.run(  # noqa: S603 - the engine that the operator installed
            [self._engine, *question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TRIAL,
            check=False,
        )
        return asked.stdout + asked.stderr
