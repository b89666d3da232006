"""One online deployment: its model in a process of its own, kept running until it is undeployed."""

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from mlc.center import Ledger
from mlc.model.address import masked
from mlc.model.deployment import DeploymentState
from mlc.model.failure import ExternalError, MlcError
from mlc.model.failure_text import quoted, with_reason
from mlc.model.required_libraries import RequirementsFile
from mlc.runtime.activities import allowance, install_rules
from mlc.runtime.channel.messages import ModelSaid, Scored
from mlc.runtime.contents.fetching import fetching
from mlc.runtime.environments.requirements import interpreter_for, requirements_of
from mlc.runtime.execution import LONGEST_LINE
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.texts import one_line
from mlc.runtime.harness.trial import takes_lists
from mlc.runtime.isolation import Level
from mlc.runtime.kept_columns import KeptColumns, kept_columns
from mlc.runtime.layout import Layout
from mlc.runtime.online_loading import FinishLoading, started, tried_once
from mlc.runtime.order import Order
from mlc.runtime.outages import patiently, told
from mlc.runtime.outcome import MEGABYTE
from mlc.runtime.process import ModelDied, ModelProcess
from mlc.runtime.removal import remove
from mlc.runtime.schemas import add_online_data
from mlc.settings import FileSettings, RuntimeSettings

READY_WAIT = 5.0
"""Seconds that a request waits for a model that is being loaded again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
log = logging.getLogger(__name__)


class NotServing(MlcError):
    """Nothing can answer at this moment. The text is a sentence."""


class ModelBusy(NotServing):
    """Too many requests wait for the model, or one has waited too long."""


class TooSlow(ModelFailure):
    """The model took too long over a request, and its process was ended."""


Outcome = dict[str, Any]
"""What became of a record: a :data:`mlc.runtime.channel.messages.OutcomeOfRecord`, as its fields."""


class OnlineModel:
    """One deployment: loads its model, and loads it again whenever the process dies.

    Args:
        finish_loading: how the centre is told, so that others here learn of it as well.
        level: how the model is isolated.
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
        level: Level,
        text_limit: int,
        workspace: Path,
    ) -> None:
        self.id = deployment_id
        self.columns: KeptColumns | None = None
        """What is kept of its requests; None while it isn't known, and if nothing is."""
        self._center = center
        self._finish_loading = finish_loading
        self._settings = settings
        self._level = level
        self._text_limit = text_limit
        self._folder = workspace / "online" / re.sub(r"[^\w-]", "_", deployment_id)
        self._process: ModelProcess | None = None
        self._takes_lists = False
        self._busy = False
        self._doing = self._outage = self._failure = self._not_kept = ""
        self._changed = asyncio.Event()
        """Set, and replaced by another, whenever those who wait should look again."""
        self._requests = 0
        self._has_answered = False
        self._stopping = False
        self._keeping = asyncio.create_task(self._keep())

    @property
    def ready(self) -> bool:
        """Whether the model is loaded, and can be asked at once or after others."""
        return self._process is not None and not self._stopping

    @property
    def loading(self) -> str:
        """The end of a sentence that says that it is being loaded, and why the last try failed if one did."""
        doing = f" ({self._doing})" if self._doing else ""
        why = self._outage or self._failure
        trouble = f" The last try failed: {masked(one_line(why, LONGEST_LINE))}" if why else ""
        return f"is being loaded{doing}: try again later.{trouble}"

    def is_batch(self, sent: Any) -> bool:
        """Whether a body holds several records. Where the schema says that a record is a list, one of lists does."""
        return isinstance(sent, list) and (not self._takes_lists or all(isinstance(item, list) for item in sent))

    async def score(self, records: list[Any]) -> list[Outcome]:
        """What the score function makes of some records: an outcome for each, in their order.

        Raises:
            NotServing: the model is not loaded, and doesn't come back at once.
            ModelBusy: others are before this request.
            ModelFailure: the process died over these records; ``TooSlow``: it took too long over them.
        """
        limit = self._settings.online_time_limit
        if self._requests > self._settings.online_queue_limit:
            raise ModelBusy(f"{self._requests} requests are before this one, as many as may wait: try again later.")
        self._requests += 1
        try:
            async with asyncio.timeout(limit) as waiting:
                process = await self._take_turn()
                waiting.reschedule(None)
                try:
                    return await self._ask(process, records)
                finally:
                    self._busy = False
                    self._tell_waiting()
        except TimeoutError:
            raise ModelBusy(f"The model was busy with other requests for {limit:g} seconds: try again later.") from None
        finally:
            self._requests -= 1

    async def stop(self, *, grace: float = 0) -> None:
        """End the process, after the request that it is working on but after ``grace`` seconds at the latest."""
        self._stopping = True
        self._tell_waiting()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(grace, 0.01)):
                while self._busy:
                    await self._changed.wait()
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        await asyncio.to_thread(remove, self._folder)

    async def _take_turn(self) -> ModelProcess:
        """Wait until the process is there and free; whoever gets it is to say so when it is free again."""
        while self._busy or not self.ready:
            changed = self._changed
            try:
                async with asyncio.timeout(None if self._busy else READY_WAIT):
                    if not self._stopping:
                        await changed.wait()
            except TimeoutError:
                raise NotServing(f"The deployment {self.id} {self.loading}") from None
            if self._stopping:
                raise NotServing(f"The deployment {self.id} is ended.")
        assert self._process is not None
        self._busy = True
        return self._process

    def _tell_waiting(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _ask(self, process: ModelProcess, records: list[Any]) -> list[Outcome]:
        limit = self._settings.online_time_limit
        what = "this record" if len(records) == 1 else f"these {len(records)} records"
        try:
            async with asyncio.timeout(limit):
                answer = await process.ask({"records": records}, Scored)
        except TimeoutError:
            self._away()
            await process.end()
            raise TooSlow(f"The model took longer than {limit:g} seconds over {what}.") from None
        except ModelDied as death:
            self._away()
            raise ModelFailure(f"{death} It was working on {what}.") from None
        self._has_answered = True
        return [outcome.model_dump(exclude_none=True) for outcome in answer.outcomes]

    def _away(self) -> None:
        self._process = None

    def _tell_outage(self, why: str) -> None:
        self._outage = why

    async def _keep(self) -> None:
        told.set(self._tell_outage)
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while True:
            try:
                async with AsyncExitStack() as in_use:
                    process = await self._load(in_use)
                    if process is None:
                        return
                    loaded = clock()
                    self._has_answered = False
                    try:
                        self._process = process
                        self._outage = self._failure = ""
                        self._tell_waiting()
                        log.info("deployment %s is loaded, isolated by %s", self.id, self._level.name)
                        await process.ended()
                        log.warning("deployment %s is loaded again: %s", self.id, process.last_words)
                    finally:
                        self._away()
                        await asyncio.shield(process.end())
                if self._has_answered or clock() - loaded > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
            except (ModelFailure, ExternalError, OSError) as error:
                said = one_line(str(error), LONGEST_LINE)
                # What a model says is for who may see its deployment: it may repeat a record.
                own = isinstance(error, ModelSaid)
                self._failure = "The model itself failed: see its deployment's messages." if own else said
                log.warning("deployment %s could not be loaded and is tried again: %s", self.id, said)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _load(self, in_use: AsyncExitStack) -> ModelProcess | None:
        """A process that is ready; None if the deployment is to be neither loaded nor served any more.

        Args:
            in_use: closed when the process is gone: what it needs is kept until then.

        Raises:
            ModelFailure: it can't be loaded although it has served before. That it should serve was decided, so it
                is tried again.
        """
        process: ModelProcess | None = None
        try:
            layout, order, requirements, tried = await self._lay_out()
            allowed = allowance(self._settings)
            interpreter = await in_use.enter_async_context(
                interpreter_for(
                    requirements,
                    self._settings.folder / "environments",
                    layout.root,
                    level=self._level,
                    allowance=allowed,
                    rules=install_rules(self._settings),
                )
            )
            answer_limit = self._settings.answer_limit_mb * MEGABYTE
            process = ModelProcess(self._level, interpreter.python, layout.root, allowed, answer_limit=answer_limit)
            ready = await started(process, order, limit=self._settings.load_time_limit)
            # That one which was deployed before should serve is decided: it may also be older than the trial.
            warning = ""
            if not tried:
                warning = await tried_once(process, ready, layout.notes, limit=self._settings.online_time_limit)
            warning = " ".join(filter(None, [warning, self._not_kept]))
            if await self._tell(DeploymentState.DEPLOYED, warning=warning) is DeploymentState.DEPLOYED:
                return process
        except ModelFailure as failure:
            if process is not None:
                await process.end()
            log_lines = process.log.lines() if process else []
            reason = one_line(str(failure), LONGEST_LINE)
            lines = quoted([*log_lines, *(one_line(line, LONGEST_LINE) for line in failure.trace.splitlines())])
            lines = with_reason(lines, *quoted([reason]) if isinstance(failure, ModelSaid) else [reason])
            if await self._tell(DeploymentState.FAILED, lines) is DeploymentState.DEPLOYED:
                raise
            return None
        except BaseException:
            if process is not None:
                await asyncio.shield(process.end())
            raise
        await process.end()
        return None

    async def _lay_out(self) -> tuple[Layout, Order, list[RequirementsFile], bool]:
        """The working directory, the order, the model's requirements, and whether it has served before."""
        files = ExternalFiles(FileSettings())
        async with AsyncExitStack() as opened:
            opened.callback(files.stop)
            deployment = await patiently(lambda: opened.enter_async_context(self._center.open_deployment(self.id)))
            model = deployment.snapshot
            if model is None:
                raise ModelFailure("The deployment carries no model.")
            contents = fetching(self._center, self._settings, self._level, self._tell_doing)
            layout = await asyncio.to_thread(Layout, self._folder, contents, files)
            await layout.add_model(model, artefacts_in_output_dir=True)
            for note in layout.notes:
                log.warning("deployment %s: %s", self.id, one_line(note, LONGEST_LINE))
            layout.notes.clear()
            order = layout.order("online", model, layout.definition("deployment"))
            add_online_data(order, layout, model, check=self._settings.online_check_schema)
            if self._settings.keep_requests:
                before = self.columns
                self.columns, self._not_kept = kept_columns(model.model)
                if self._not_kept:
                    log.warning("deployment %s: %s", self.id, one_line(self._not_kept, LONGEST_LINE))
                elif self.columns != before:  # and not each time that it is loaded again
                    log.info("deployment %s: requests to %s are kept", self.id, one_line(model.name, LONGEST_LINE))
            self._doing = ""
            self._takes_lists = takes_lists(order.record_schema)
            await patiently(lambda: self._center.save_definition(deployment, order.definition))
            requirements = await requirements_of(model, self._center, self._text_limit)
            return layout, order, requirements, deployment.state is DeploymentState.DEPLOYED

    async def _tell_doing(self, doing: str) -> None:
        self._doing = doing

    async def _tell(
        self, state: DeploymentState, messages: Sequence[str] = (), *, warning: str = ""
    ) -> DeploymentState:
        """Put a deployment that is being loaded into ``state``; any other keeps its own. Returns what it is then."""
        return await patiently(lambda: self._finish_loading(self.id, state, messages, warning=warning))
