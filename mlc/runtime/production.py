"""What a model has scored, as a monitor's job reads it: batch by batch, without those that aren't what they were."""

import asyncio
from typing import Any

from mlc.model.asset import Asset
from mlc.model.job import JobKind, JobRecord
from mlc.model.scored import Batch, Production, TruthColumns
from mlc.runtime.channel.counting import count_records
from mlc.runtime.channel.messages import ToldTruth
from mlc.runtime.contents.content import DiskFull
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.schema import columns_of_role
from mlc.runtime.layout import Layout
from mlc.runtime.order import DataFile, Order, ReadBatch, ReadProduction, ReadTruth


class JobInputs:
    """The inputs of a job. ``assets`` are those that could be had, in the order of the order's inputs."""

    def __init__(self, job: JobRecord, layout: Layout) -> None:
        self.assets: list[Asset] = []
        self._job = job
        self._layout = layout
        self._left_out: dict[str, str] = {}

    async def add_to(self, order: Order) -> None:
        """Write them where the model's process finds them.

        Raises:
            ModelFailure: one can't be had; of what the model has scored, none can.
        """
        production = self._production()
        listed = list(self._job.inputs)
        others = production.others(len(listed)) if production else None
        self.assets = listed[:others]
        order.inputs = await self._layout.add_inputs(self.assets)
        if production is None:
            return
        schemas = self._job.reference.model.input_schemas if self._job.reference else []
        scores = [name for schema in schemas for name in columns_of_role(schema.definition, "score")]
        order.production = ReadProduction(place=production.place, scores=scores, rows=production.rows)
        at = len(self.assets)
        if production.truth is not None:
            order.production.truth = await self._truth(production.truth, listed[at], at)
            at += 1
        for batch in production.batches:
            parts = listed[at : at + batch.inputs + batch.outputs]
            files = await self._batch(batch, parts, at)
            at += len(parts)
            if files:
                order.inputs += files
                self.assets += parts
                order.production.batches.append(ReadBatch(job=batch.job_id, inputs=batch.inputs, outputs=batch.outputs))
        self._require(order.production)

    def _production(self) -> Production | None:
        if self._job.kind is not JobKind.METRICS:
            return None
        try:
            return Production.of(self._job.parameters, len(self._job.inputs))
        except ValueError as error:
            raise ModelFailure(f"What the job says of its production data can't be: {error}.") from None

    async def _truth(self, columns: TruthColumns, asset: Asset, number: int) -> ReadTruth:
        """The file of truth. Unlike a batch it can't be left out: without it the labels would be other ones."""
        (file,) = await self._layout.add_inputs([asset], first=number, named=False)
        if asset.sha256 and await asyncio.to_thread(self._layout.hash_of, file) != asset.sha256:
            raise ModelFailure(f"{asset.name} has other content than when the job was made: its SHA-256 differs.")
        return ReadTruth(file=file, identifier=columns.identifier, label=columns.label)

    async def _batch(self, batch: Batch, parts: list[Asset], first: int) -> list[DataFile]:
        """The files of a batch; none if it is left out."""
        try:
            files = await self._layout.add_inputs(parts, first=first, named=False)
            for file, asset in zip(files, parts, strict=True):
                if asset.sha256 and await asyncio.to_thread(self._layout.hash_of, file) != asset.sha256:
                    raise ModelFailure(f"{asset.name} has other content than when it was scored: its SHA-256 differs")
        except DiskFull:
            raise
        except ModelFailure as failure:
            self._left_out[batch.job_id] = str(failure).rstrip(".")
            return []
        return files

    async def settle(self, order: Order, *, memory: int, limit: float) -> dict[str, Any]:
        """Decide how much of each batch is read, once all of them can be.

        Args:
            memory: bytes that counting may take.
            limit: seconds that it may take.

        Returns:
            What the job is to tell of it.

        Raises:
            ModelFailure: nothing is left.
        """
        production = order.production
        if production is None:
            return {}
        taken, kept, left = [], order.inputs[: self._others(order)], production.rows
        at = len(kept)
        for batch in production.batches:
            files = order.inputs[at : at + batch.inputs + batch.outputs]
            at += len(files)
            if left is not None and left <= 0:
                continue
            try:
                counts = await count_records(files, memory=memory, limit=limit)
            except TimeoutError:
                counts = [None]
            known = [count for count in counts if count is not None]
            records, answers = sum(known[: batch.inputs]), sum(known[batch.inputs :])
            if len(known) < len(files):
                self._left_out[batch.job] = "its records can't be counted"
            elif batch.outputs and records != answers:
                said = f"{records:,} records in, {answers:,} answers out: which is whose can't be told"
                self._left_out[batch.job] = said
            elif records:
                batch.last = records if left is None else min(left, records)
                left = left if left is None else left - batch.last
                taken.append(batch)
                kept += files
        production.batches, order.inputs = taken, kept
        self._require(production)
        jobs = [{"job": batch.job, "records": batch.last} for batch in taken]
        total = sum(batch.last for batch in taken)
        return {"production": {"records": total, "jobs": jobs, "leftOut": self._left_out}}

    def _others(self, order: Order) -> int:
        assert order.production is not None
        return len(order.inputs) - sum(each.inputs + each.outputs for each in order.production.batches)

    def _require(self, production: ReadProduction) -> None:
        if production.batches:
            return
        why = "; ".join(f"{job} ({why})" for job, why in list(self._left_out.items())[:3]) or "they have no records"
        raise ModelFailure(
            f"Nothing that the model has scored can be read: {why}. Score again, or let monitors read the snapshot's "
            "assets (MLC_MONITOR_PRODUCTION=assets)."
        )


def told_truth(truth: ToldTruth | None) -> dict[str, Any]:
    """What is to be told of how records and truth found each other, as a part of ``production``."""
    if truth is None:
        return {}
    return {
        "truth": {
            "known": truth.known,
            "matched": truth.matched,
            "unmatchedRecords": truth.unmatched_records,
            "unmatchedTruth": truth.unmatched_truth,
        }
    }
