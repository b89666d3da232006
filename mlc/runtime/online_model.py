"""One online deployment: its model in a process of its own, kept running until it is undeployed."""

import asyncio
import logging
import re
import shutil
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Protocol

from mlc.center import Ledger
from mlc.model.deployment import DeploymentState
from mlc.model.failure import ExternalError, MlcError
from mlc.model.failure_text import with_reason
from mlc.runtime.activities import extra_environment
from mlc.runtime.execution import MEGABYTE, requirements_of
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.layout import Layout, Order
from mlc.runtime.outages import patiently
from mlc.runtime.process import ModelDied, ModelProcess
from mlc.runtime.requirements import interpreter_for
from mlc.settings import FileSettings, RuntimeSettings

READY_WAIT = 5.0
"""Seconds that a request waits for a model that is being loaded again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
log = logging.getLogger(__name__)


class NotServing(MlcError):
    """Nothing can answer at this moment. The text is a sentence."""


class FinishLoading(Protocol):
    """Tells the centre how loading a deployment ended, as ``Ledger.finish_loading`` does, and what its state is now."""

    async def __call__(
        self, deployment_id: str, state: DeploymentState, messages: Sequence[str] = ()
    ) -> DeploymentState: ...


class OnlineModel:
    """One deployment: loads its model, and loads it again whenever the process dies.

    Args:
        finish_loading: how the centre is told, so that others here learn of it as well.
        text_limit: bytes of a text in the centre that is read whole.
        workspace: folder in which the model's working directory is made.
    """

    def __init__(
        self,
        deployment_id: str,
        center: Ledger,
        *,
        finish_loading: FinishLoading,
        settings: RuntimeSettings,
        text_limit: int,
        workspace: Path,
    ) -> None:
        self.id = deployment_id
        self._center = center
        self._finish_loading = finish_loading
        self._settings = settings
        self._text_limit = text_limit
        self._folder = workspace / "online" / re.sub(r"[^\w-]", "_", deployment_id)
        self._ready = asyncio.Event()
        self._turn = asyncio.Lock()
        self._process: ModelProcess | None = None
        self._keeping = asyncio.create_task(self._keep())

    async def score(self, record: Any) -> list[Any]:
        """What the score function makes of one record: the values that it yields or returns.

        Raises:
            NotServing: the model is not loaded, and doesn't come back at once.
            ModelFailure: the model raised something, or its process died or took too long over this record.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), READY_WAIT)
        async with self._turn:
            process = self._process
            if process is None:
                raise NotServing(f"The model of deployment {self.id} is being loaded: try again later.")
            limit = self._settings.online_time_limit
            try:
                answer = await asyncio.wait_for(process.ask({"record": record}), limit)
            except TimeoutError:
                self._away()
                await process.end()
                raise ModelFailure(f"The model took longer than {limit:g} seconds over this record.") from None
            except ModelDied as death:
                self._away()
                raise ModelFailure(str(death)) from None
        if answer["event"] != "scored":
            raise ModelFailure(answer["message"], answer["traceback"])
        results: list[Any] = answer["results"]
        return results

    async def stop(self, *, grace: float = 0) -> None:
        """End the process, after the record that it is working on but after ``grace`` seconds at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(grace, 0.01)), self._turn:
                self._away()  # whoever waits for a turn is told that there is nobody here
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _away(self) -> None:
        self._ready.clear()
        self._process = None

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while True:
            try:
                process = await self._load()
                if process is None:
                    return
                loaded = clock()
                try:
                    self._process = process
                    self._ready.set()
                    log.info("deployment %s is loaded", self.id)
                    await process.ended()
                    log.warning("the model of deployment %s ended and is loaded again", self.id)
                finally:
                    self._away()
                    await asyncio.shield(process.end())
                if clock() - loaded > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
            except (ModelFailure, ExternalError, OSError) as error:
                log.warning("deployment %s could not be loaded and is tried again: %s", self.id, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _load(self) -> ModelProcess | None:
        """A process that is ready; None if the deployment is to be neither loaded nor served any more.

        Raises:
            ModelFailure: it can't be loaded although it has served before. That it should serve was decided, so it
                is tried again.
        """
        process: ModelProcess | None = None
        try:
            layout, order, requirements = await self._lay_out()
            environments = self._settings.folder / "environments"
            limit = self._settings.install_time_limit
            python = await interpreter_for(requirements, environments, layout.root, limit=limit)
            memory = self._settings.memory_limit_mb * MEGABYTE
            process = ModelProcess(python, layout.root, memory, extra_environment(self._settings))
            await self._start(process, order)
            if await self._tell(DeploymentState.DEPLOYED) is DeploymentState.DEPLOYED:
                return process
        except ModelFailure as failure:
            if process is not None:
                await process.end()
            log_lines = process.log.lines() if process else []
            lines = with_reason([*log_lines, *failure.trace.splitlines()], str(failure))
            if await self._tell(DeploymentState.FAILED, lines) is DeploymentState.DEPLOYED:
                raise
            return None
        except BaseException:
            if process is not None:
                await asyncio.shield(process.end())
            raise
        await process.end()
        return None

    async def _start(self, process: ModelProcess, order: Order) -> None:
        limit = self._settings.load_time_limit
        try:
            await process.start(order.model_dump(mode="json"))
            answer = await asyncio.wait_for(process.message(), limit)
        except TimeoutError:
            raise ModelFailure(f"The model did not load within {limit:g} seconds.") from None
        except ModelDied as death:
            raise ModelFailure(str(death)) from None
        if answer["event"] != "ready":
            raise ModelFailure(answer["message"], answer["traceback"])

    async def _lay_out(self) -> tuple[Layout, Order, str]:
        """The working directory, the order, and the text of the model's requirements."""
        files = ExternalFiles(FileSettings())
        async with AsyncExitStack() as opened:
            opened.callback(files.stop)
            deployment = await patiently(lambda: opened.enter_async_context(self._center.open_deployment(self.id)))
            model = deployment.snapshot
            if model is None:
                raise ModelFailure("The deployment carries no model.")
            layout = await asyncio.to_thread(Layout, self._folder, self._center, files)
            await layout.add_model(model, artefacts_in_output_dir=True)
            for note in layout.notes:
                log.warning("deployment %s: %s", self.id, note)
            order = layout.order("online", model, layout.definition("deployment"))
            await patiently(lambda: self._center.save_definition(deployment, order.definition))
            return layout, order, await requirements_of(model, self._center, self._text_limit)

    async def _tell(self, state: DeploymentState, messages: Sequence[str] = ()) -> DeploymentState:
        """Put a deployment that is being loaded into ``state``; any other keeps its own. Returns what it is then."""
        return await patiently(lambda: self._finish_loading(self.id, state, messages))
