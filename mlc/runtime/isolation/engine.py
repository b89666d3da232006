"""The program that runs containers, podman or docker: what it can do here, and how each is told the same."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlc.model.failure import MlcError
from mlc.runtime.isolation.confinement import Confinement
from mlc.runtime.isolation.identity import identity, lives

PODMAN, DOCKER = "podman", "docker"
ENGINES = (PODMAN, DOCKER)
"""The first that is there is taken."""
TRIAL = 60
"""Seconds that an engine may take for an answer."""
ITS_OWN = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "DBUS_SESSION_BUS_ADDRESS")
ITS_KINDS = ("XDG_", "DOCKER_", "CONTAINER", "STORAGE_", "PODMAN_", "LC_")
"""Variables that an engine gets of the runtime's, by their names and by the beginnings of these: no secret is among
them."""
NOT_ITS = frozenset({"PODMAN_USERNS", "DOCKER_DEFAULT_PLATFORM"})
HEADROOM = 64 * 1024**2
"""Bytes that the kernel allows beyond the limit, so that the runtime's own watch is first, which can say why."""
TASKS_OF_A_PROCESS = 4
"""The kernel counts threads as well."""
RUNTIME, PROCESS = "mlc.runtime", "mlc.process"
"""Labels of a container: the runtime's folder, and the process that started it."""


class EngineFailed(MlcError, OSError):
    """An engine doesn't answer as it should. The text is the end of a sentence."""


@dataclass(frozen=True)
class Engine:
    """Podman or docker, as it is installed here.

    Args:
        program: its name.
    """

    program: str

    def problem(self, image: str) -> str | None:
        """Why no model can be run from an image by it, as the end of a sentence; None if nothing speaks against it.

        Raises:
            EngineFailed: it doesn't answer.
        """
        if not self._rootless:
            return f"{self.program} runs as root: set it up for an ordinary account, and run the runtime by that"
        if self.program == DOCKER and not self._limits:
            return "docker limits neither memory nor processes here: rootless it needs cgroup version 2, and systemd"
        if image.startswith("-"):
            return f"MLC_RUNTIME_CONTAINER_IMAGE is no name of an image: {image}"
        try:
            volumes = self.ask("image", "inspect", "--format", "{{json .Config.Volumes}}", image)
        except EngineFailed as failure:
            return f"{failure}. The image is never fetched: load or build {image} first"
        if self.program == DOCKER and json.loads(volumes or "null"):  # podman is told to leave them out
            return f"the image {image} declares volumes, where a model could write without limit: make one without"
        return None

    def options(self, confinement: Confinement) -> list[str]:
        """What only one of the engines understands, or needs."""
        limits = []
        if self._limits:
            memory, tasks = confinement.memory + HEADROOM, TASKS_OF_A_PROCESS * confinement.processes
            limits = ["--memory", str(memory), "--memory-swap", str(memory), "--pids-limit", str(tasks)]
        if self.program == DOCKER:
            return [*limits, "--shm-size", str(confinement.memory)]
        if not limits and self._info["host"].get("ociRuntime", {}).get("name") == "crun":
            limits = ["--cgroups", "disabled"]  # they would limit nothing, and may be no one's to make
        return [
            *limits,
            # Without these there are folders in memory, as large as the machine's, that anybody may write to.
            *("--read-only-tmpfs=false", "--tmpfs", f"/dev/shm:rw,size={confinement.memory},mode=1777"),  # noqa: S108
            *("--userns", "host", "--image-volume", "ignore", "--http-proxy=false"),
            *(() if confinement.network else ("--no-hosts",)),
        ]

    @property
    def owns(self) -> bool:
        """Whether its containers are descendants of the command that starts them, and can be watched as such."""
        return self.program == PODMAN

    def remove_left(self, folder: Path) -> list[str]:
        """Remove the containers of a runtime whose process is no more. Returns their names."""
        listing = ("ps", "--all", "--filter", f"label={RUNTIME}={folder}", "--format", "{{.Names}}")
        left = []
        for name in self.ask(*listing).split():
            with suppress(EngineFailed):  # it has just ended
                wanted = f'{{{{index .Config.Labels "{PROCESS}"}}}}'
                if not lives(self.ask("inspect", "--type", "container", "--format", wanted, name).strip()):
                    self.ask("rm", "--force", name)
                    left.append(name)
        return left

    def ask(self, *question: str) -> str:
        """What it answers.

        Raises:
            EngineFailed: it doesn't.
        """
        try:
            asked = subprocess.run(  # noqa: S603 - the engine that the operator installed
                [self.program, *question],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TRIAL,
                env=environment(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineFailed(f"{self.program} {question[0]} didn't end within {TRIAL} seconds") from None
        if asked.returncode:
            said = (asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"])[-1]
            raise EngineFailed(f"{self.program} {question[0]}: {said[:500].removesuffix('.')}")
        return asked.stdout

    @cached_property
    def _info(self) -> dict[str, Any]:
        answer = self.ask("info", "--format", "{{json .}}")
        try:
            info: dict[str, Any] = json.loads(answer)
            if self.program == PODMAN:
                info["host"]["security"]["rootless"]
        except (ValueError, KeyError, TypeError):
            raise EngineFailed(f"{self.program} info says what can't be understood: {answer.strip()[:200]}") from None
        for problem in info.get("ServerErrors") or ():
            raise EngineFailed(f"{self.program} info: {str(problem)[:500]}")
        return info

    @property
    def _rootless(self) -> bool:
        if self.program == PODMAN:
            return self._info["host"]["security"]["rootless"] is True
        return any("name=rootless" in option for option in self._info.get("SecurityOptions") or ())

    @property
    def _limits(self) -> bool:
        """Whether the kernel can limit a container's memory and tasks."""
        if self.program == PODMAN:
            return {"memory", "pids"} <= {*(self._info["host"].get("cgroupControllers") or ())}
        return self._info.get("CgroupDriver") != "none" and all(self._info.get(k) for k in ("MemoryLimit", "PidsLimit"))


def installed() -> Engine | None:
    """The engine that is on the PATH."""
    return next((Engine(program) for program in ENGINES if shutil.which(program)), None)


def environment() -> dict[str, str]:
    """An engine's own environment."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_ITS and (name in ITS_OWN or name.startswith(ITS_KINDS))
    }


def labels(folder: Path) -> Sequence[str]:
    """The options by which :meth:`Engine.remove_left` knows a container again."""
    return ["--label", f"{RUNTIME}={folder}", "--label", f"{PROCESS}={identity(os.getpid())}"]
