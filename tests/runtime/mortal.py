"""A runtime as a process that may die, and models that kill it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from servers import eventually
from small_models import python_model

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage


class MortalRuntime:
    """A runtime that is started again whenever it has ended, as a service manager does."""

    def __init__(self, name: str, center: ModelManage, **settings: int) -> None:
        self.name = name
        self.deaths = 0
        self._center = center
        self._arguments = "".join(f", {setting}={value}" for setting, value in settings.items())
        self._process = self._start()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        program = (
            "import asyncio; from mlc.runtime import run_runtime; from mlc.settings import RuntimeSettings;"
            f"asyncio.run(run_runtime(RuntimeSettings(name={self.name!r}{self._arguments})))"
        )
        # The models of these tests shall reach their runtime: what keeps them from it has tests of its own.
        return subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "MLC_RUNTIME_ISOLATION": "process"})

    async def _keep(self) -> None:
        while True:
            await asyncio.to_thread(self._process.wait)
            self.deaths += 1
            self._process = self._start()

    async def restarted(self, deaths: int) -> None:
        """Wait until it has ended so many times and is there again."""

        async def there() -> bool:
            return self.deaths >= deaths and self._process.poll() is None

        await eventually(there, seconds=60)

    async def _registered(self) -> bool:
        return any(engine.name == self.name for engine in await self._center.list_engines())

    @asynccontextmanager
    async def kept(self) -> AsyncIterator["MortalRuntime"]:
        """Keep it running as long as the block lasts."""
        keeping = asyncio.create_task(self._keep())
        try:
            await eventually(self._registered)
            yield self
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, 30)


KILL = """
import os, re, signal, time
def kill_runtime(number=signal.SIGKILL):
    def is_runtime(pid):  # a supervisor names the job's folder, which is in one that is called like the runtime
        command = open(f"/proc/{{pid}}/cmdline").read()
        return {name!r} in command and "supervisor.py" not in command
    pid = os.getppid()
    while not is_runtime(pid):
        pid = int(re.search(r"^PPid:\\s+(\\d+)", open(f"/proc/{{pid}}/status").read(), re.MULTILINE)[1])
    os.kill(pid, number)
    time.sleep(600)
def log(line):
    with open({log!r}, "a") as file: file.write(line + "\\n")
"""


def killer(runtime: str, log: Path, body: str) -> wire.DeployableModel:
    """A model whose source can ``kill_runtime()``, which it finds among its ancestors, and ``log(line)``.

    Args:
        body: the rest of it; a metrics function is appended.
    """
    begun = KILL.format(name=runtime, log=str(log))
    return python_model(f"{begun}\n{body}\n# modelop.metrics\ndef m(df): yield {{'a': 1}}\n")
