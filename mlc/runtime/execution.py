"""One job, from its record in the centre to its outputs: laid out, run in its own process, and described."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from mlc.center import Ledger
from mlc.model.failure_text import quoted, with_reason
from mlc.model.job import JobKind, JobRecord
from mlc.model.snapshot import Snapshot
from mlc.runtime.channel.counting import Counting, said
from mlc.runtime.channel.listening import last_message
from mlc.runtime.channel.messages import Done, Failed, ModelSaid
from mlc.runtime.collection import Collected, Collection
from mlc.runtime.contents.fetching import Fetching
from mlc.runtime.environments.installation import Doing, quietly
from mlc.runtime.environments.libraries import versions
from mlc.runtime.environments.requirements import interpreter_for, requirements_of
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.texts import one_line
from mlc.runtime.isolation import Level
from mlc.runtime.layout import Layout
from mlc.runtime.order import Order
from mlc.runtime.outages import patiently
from mlc.runtime.outcome import Limits, Outcome
from mlc.runtime.outputs import ask_for_scored_records, check_outputs, made_outputs, outputs_of, try_outputs
from mlc.runtime.process import Alive, ModelDied, ModelProcess, unwatched
from mlc.runtime.production import JobInputs, told_truth
from mlc.runtime.readable import encoded, readable
from mlc.runtime.removal import remove
from mlc.runtime.resuming import Resumption, Saved, resumption_of
from mlc.runtime.schemas import add_schemas
from mlc.runtime.training import Files, artefacts, files_beside
from mlc.settings import FileSettings

LONGEST_LINE = 4_000
"""Characters of a line of the messages."""
LAST_PIECE = 5
"""Seconds that a cancelled job's outputs may still be copied, until that is noticed."""


class JobExecution:
    """Runs one job. Give every run an instance of its own.

    Args:
        job: open in the centre until ``laid_out`` is called.
        folder: the job's working directory; made afresh.
        level: how the model is isolated.
        environments: where environments for requirements are kept.
        contents: brings what the centre's files contain.
        files: which external files may be read and written.
        laid_out: called when what the centre has of the job is on disk and not needed any more.
        progress: told now and then how many records a scoring job has done.
        expected: told how many it has to do, if that is known.
        earlier: what an earlier attempt told of how far it came.
        save: told what the next attempt must know of that; None if it must begin again.
        doing: told what is done just now, where that may take long.
        alive: told True before the model's process is started, and False when it and all that it started have ended.
    """

    def __init__(
        self,
        job: JobRecord,
        center: Ledger,
        *,
        level: Level,
        folder: Path,
        environments: Path,
        contents: Fetching,
        limits: Limits,
        files: FileSettings,
        laid_out: Callable[[], Awaitable[None]],
        progress: Callable[[int], None] = lambda _: None,
        expected: Callable[[int | None], None] = lambda _: None,
        earlier: Saved | None = None,
        save: Callable[[dict[str, Any] | None], None] = lambda _: None,
        doing: Doing = quietly,
        alive: Alive = unwatched,
    ) -> None:
        self.outcome = Outcome()
        self._job = job
        self._kind = job.kind
        self._center = center
        self._level = level
        self._folder = folder
        self._environments = environments
        self._limits = limits
        self._files = ExternalFiles(files)
        self._contents = contents
        self._laid_out = laid_out
        self._progress = progress
        self._expected = expected
        self._earlier = earlier
        self._save = save
        self._parts: Resumption | None = None
        self._doing = doing
        self._alive = alive
        self._told = False
        self._before: Files = {}
        self._copies = folder.with_name(f"{folder.name}.collected")

    async def run(self) -> Outcome:
        """Run the job to its end. Whatever the model does is an outcome, not an exception.

        When cancelled, the model and all that it started are killed first.
        """
        began = time.monotonic()
        self._say(f"{self._kind.value} job {self._job.id}: started, isolated by {self._level.name}")
        self.outcome.runtime_info["isolation"] = self._level.name
        try:
            await self._run()
        except ModelFailure as failure:
            self._fail(str(failure), failure.trace)
            self.outcome.model_says_so = isinstance(failure, ModelSaid)
        except OSError as error:  # a full disk, an unwritable working directory
            self._fail(f"The runtime could not run the job: {error}.")
        self._say(f"{self._kind.value} job {self._job.id}: ended after {time.monotonic() - began:.1f} s")
        if self.outcome.problem:
            (reason,) = quoted([self.outcome.problem]) if self.outcome.model_says_so else [self.outcome.problem]
            self.outcome.messages = with_reason(self.outcome.messages, reason)
        return self.outcome

    def clear(self) -> None:
        """Remove whatever lies on disk of the job, once its outputs have been sent. Blocking."""
        remove(self._folder)
        remove(self._copies)

    async def _run(self) -> None:
        try:
            model = self._model()
            layout, order = await self._lay_out(model)
            # What requirements.txt asks for may lie beside it: so nothing but the model is there yet.
            requirements = await requirements_of(model, self._center, self._limits.text)
            async with interpreter_for(
                requirements,
                self._environments,
                layout.root,
                level=self._level,
                allowance=self._limits.allowance,
                rules=self._limits.install,
                doing=self._install,
                tell=self._say,
            ) as interpreter:
                # Before any code of the model runs, as the hashes of what it is and gets.
                self.outcome.runtime_info |= await asyncio.to_thread(versions, interpreter.kept)
                await self._add_data(layout, order)
                await self._laid_out()
                if self._told or self._contents.told:
                    await self._doing("running the model")
                counts = None
                if self._kind is JobKind.SCORING:
                    counts = Counting(layout, order, memory=self._limits.allowance.memory, limit=self._limits.collect)
                    await counts.begin(self._limits.time)
                    self._expected(counts.most)
                    await asyncio.to_thread(self._look_for_parts, layout, order)
                answer = await self._answer(interpreter.python, layout.root, order, counts.most if counts else 0)
            self.outcome.messages += quoted(answer.notes)
            if isinstance(answer, Failed):
                raise ModelSaid(answer.message, answer.traceback)
            await self._collect(layout, order, counts, answer)
        except (ModelFailure, OSError):
            await asyncio.to_thread(self.abandon)
            raise
        finally:
            if self._parts:
                self._take_notes(self._parts)
            self._files.stop()

    def abandon(self) -> None:
        """Remove what was written of the output: no other attempt goes on with it. Blocking."""
        if self._parts:
            self._parts.abandon()

    def _look_for_parts(self, layout: Layout, order: Order) -> None:
        self._parts = resumption_of(
            outputs_of(self._job)[0],
            layout,
            order,
            self.outcome.runtime_info,
            told=self._earlier,
            tell=self._save,
            files=self._files,
        )
        if self._parts:
            self._take_notes(self._parts)

    async def _install(self, doing: str) -> None:
        if not self._told:
            self._say(f"{self._kind.value} job {self._job.id}: {doing}")
        self._told = True
        await self._doing(doing)

    async def _answer(self, python: str, directory: Path, order: Order, most: int | None) -> Done | Failed:
        """The last message of a model process of its own; ``most`` is how many records there are, if that is known."""
        process = ModelProcess(self._level, python, directory, self._limits.allowance)
        try:
            await self._alive(True)
            await process.start(order.model_dump(mode="json", by_alias=True))
            async with asyncio.timeout(self._limits.time):
                checkpoint = self._parts.take if self._parts else None
                return await last_message(process, self._kind, most, self._progress, checkpoint)
        except TimeoutError:
            limit = f"{self._limits.time:g} seconds"
            raise ModelFailure(f"The model ran longer than the {limit} that the runtime allows.") from None
        except ModelDied as death:
            raise ModelFailure(str(death)) from None
        finally:
            await asyncio.shield(process.end())
            self.outcome.messages += quoted(process.log.lines())
            await self._alive(False)

    def _model(self) -> Snapshot:
        if self._job.snapshot is None:
            raise ModelFailure("The job carries no model.")
        if not self._job.inputs:
            raise ModelFailure(f"The {self._kind.value} job has no input data.")
        return self._job.snapshot

    async def _lay_out(self, model: Snapshot) -> tuple[Layout, Order]:
        layout = await asyncio.to_thread(Layout, self._folder, self._contents, self._files)
        try:
            given = [*self._job.inputs, *self._job.additional]
            await layout.add_model(model, artefacts_in_output_dir=self._kind is not JobKind.TRAINING, given=given)
        finally:
            self._take_notes(layout)
        order = layout.order(self._kind.value, model, layout.definition("job"))
        await patiently(lambda: self._center.save_definition(self._job, order.definition))
        return layout, order

    async def _add_data(self, layout: Layout, order: Order) -> None:
        job = self._job
        if self._kind is not JobKind.TRAINING and not self._earlier:
            await asyncio.to_thread(try_outputs, job, self._files)
        for asset in job.additional:
            await layout.add(asset)
        inputs = JobInputs(job, layout)
        await inputs.add_to(order)
        self._take_notes(layout)
        if self._kind is not JobKind.TRAINING:
            order.outputs = layout.add_outputs(outputs_of(job))
            check_outputs(job, order, self._limits.files)
            self.outcome.runtime_info |= ask_for_scored_records(order, job)
        for note in add_schemas(order, job):
            self._say(note)
        order.stop_on_bad_records = job.stop_on_bad_records
        order.processes = self._limits.scoring_processes
        await asyncio.to_thread(self._take_hashes, layout, order)
        # Behind the hashes, which are of what was asked for, wherever it lies.
        libraries = self.outcome.runtime_info.get("libraries", {})
        for note in await asyncio.to_thread(
            lambda: list(readable(layout, order.inputs, inputs.assets, libraries, self._files))
        ):
            self._say(note)
        memory, limit = self._limits.allowance.memory, self._limits.collect
        self.outcome.runtime_info |= await inputs.settle(order, memory=memory, limit=limit)

    def _take_hashes(self, layout: Layout, order: Order) -> None:
        # Of what is there when the model starts: nothing is written from here on but by the model itself.
        inputs = [{"name": file.name, "sha256": layout.hash_of(file)} for file in order.read]
        self.outcome.runtime_info |= {"sha256": {**layout.hashes(), "inputs": inputs}}
        self._before = files_beside(layout.directory)

    def _take_notes(self, noted: Layout | Resumption) -> None:
        for note in noted.notes:
            self._say(note)
        noted.notes.clear()

    async def _collect(self, layout: Layout, order: Order, counts: Counting | None, answer: Done) -> None:
        limits, in_parts = self._limits, False
        self.outcome.runtime_info.get("production", {}).update(told_truth(answer.truth))
        collection = Collection(layout.directory, self._copies, self._files, size=limits.output, limit=limits.collect)
        if counts and answer.records:
            await asyncio.to_thread(collection.check_sizes, made_outputs(self._job, layout, order))
            in_parts = self._parts is not None and await self._parts.rest()
            counted = self._parts.counted if self._parts and in_parts else None
            self.outcome.records = await counts.check(answer.records, counted)
            self.outcome.messages += said(self.outcome.records)
        take = self._completed if in_parts else partial(self._taken, layout, order, collection)
        taking = asyncio.ensure_future(asyncio.to_thread(take))
        try:
            collected, role = await asyncio.shield(taking)
        except asyncio.CancelledError:
            collection.stop()
            self._files.stop()
            taking.add_done_callback(lambda ended: ended.exception())  # nobody wants to hear how it ended
            await asyncio.wait({taking}, timeout=LAST_PIECE)  # noqa: TID251 - no workflow
            raise
        self.outcome.outputs = collected.outputs
        self.outcome.runtime_info["sha256"][role] = collected.sha256

    def _completed(self) -> tuple[Collected, str]:
        assert self._parts is not None
        (output,) = outputs_of(self._job)
        asset = self._parts.complete(output, f"output {output.name}")
        return Collected([asset], {output.name: asset.sha256 or ""}), "outputs"

    def _taken(self, layout: Layout, order: Order, collection: Collection) -> tuple[Collected, str]:
        if self._kind is JobKind.TRAINING:
            made, notes = artefacts(
                layout.directory, self._model(), self._before, limit=self._limits.files, check=collection.check
            )
            for note in notes:
                self._say(note)
            return collection.take(made), "trained"
        encode = partial(encoded, going=collection.check)
        return collection.take(made_outputs(self._job, layout, order, encode)), "outputs"

    def _fail(self, problem: str, trace: str = "") -> None:
        self.outcome.problem = one_line(problem, LONGEST_LINE)
        self.outcome.outputs = []
        self.outcome.records = None
        self.outcome.messages += quoted(one_line(line, LONGEST_LINE) for line in trace.splitlines())

    def _say(self, line: str) -> None:
        self.outcome.messages.append(one_line(line, LONGEST_LINE))
