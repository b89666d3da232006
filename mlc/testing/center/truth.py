"""The contract of truth that arrives later."""

import csv
import hashlib
import io
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlc.center import Capability, Center, NewJob, Unsupported
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import NotFound
from mlc.model.job import JobKind
from mlc.model.snapshot import Snapshot
from mlc.model.truth import KeptTruth, Truth, identifier_of, label_of
from mlc.testing.center.models import a_snapshot

NOTHING = str(uuid.UUID(int=0))
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def true(identifier: object, label: object, days: int = 0) -> Truth:
    return Truth(identifier_of(identifier), label_of(label), LONG_AGO + timedelta(days=days))


async def labels(center: Center, asset: Asset) -> dict[str, str]:
    """Of a file of truth, as JSON; its hash and size are looked at."""
    read = await center.read(asset, limit=1_000_000)
    assert (hashlib.sha256(read).hexdigest(), len(read)) == (asset.sha256, asset.size)
    return {row["id"]: row["label"] for row in csv.DictReader(io.StringIO(read.decode(), newline=""))}


@asynccontextmanager
async def opened(center: Center, model_id: str) -> AsyncIterator[Asset]:
    async with center.open_truth(model_id) as truth:
        assert truth is not None
        yield truth


class TruthContract:
    """What the port promises of truth, kept by the adapter of the fixture ``center``."""

    async def test_of_each_record_the_truth_with_the_last_time_is_kept(self, center: Center, tmp_path: Path) -> None:
        model = (await self._snapshot(center, tmp_path)).model.id
        assert await center.keep_truth(model, [true(7, "no", 1), true("ä/b", 0.5)]) == KeptTruth(new=2)
        assert await center.keep_truth(model, [true(7, "yes", 2), true("ä/b", 1, -1)]) == KeptTruth(replaced=1, older=1)
        assert await center.keep_truth(model, [true(7, "yes", 2)]) == KeptTruth(same=1)
        async with opened(center, model) as truth:
            assert (truth.role, truth.format) == (AssetRole.TRUTH_DATA, "CSV")
            assert await labels(center, truth) == {"7": '"yes"', "ä/b": "0.5"}

    async def test_truth_is_forgotten_by_its_identifier(self, center: Center, tmp_path: Path) -> None:
        model = (await self._snapshot(center, tmp_path)).model.id
        async with center.open_truth(model) as nothing:
            assert nothing is None
        await center.keep_truth(model, [true("ä/b", 1)])
        assert [await center.forget_truth(model, "ä/b") for _ in range(2)] == [True, False]
        async with center.open_truth(model) as nothing:
            assert nothing is None

    async def test_truth_is_a_jobs_input_as_it_was_when_the_job_was_made(self, center: Center, tmp_path: Path) -> None:
        made = await self._snapshot(center, tmp_path)
        await center.keep_truth(made.model.id, [true(1, 1)])
        async with center.open_snapshot(made.id) as snapshot, opened(center, made.model.id) as truth:
            job = await center.create_job(NewJob("k", JobKind.METRICS, "w", snapshot, [truth], []))
        await center.keep_truth(made.model.id, [true(1, 2, 1)])
        async with center.open_job(job.id) as whole:
            assert await labels(center, whole.inputs[0]) == {"1": "1"}

    async def test_of_no_model_there_is_no_truth(self, center: Center, tmp_path: Path) -> None:
        await self._snapshot(center, tmp_path)
        for asked in (center.keep_truth(NOTHING, []), center.forget_truth(NOTHING, "1"), center.keep_truth("a b", [])):
            with pytest.raises(NotFound):
                await asked
        with pytest.raises(NotFound):
            async with center.open_truth(NOTHING):
                raise AssertionError("there is none")

    async def test_a_centre_without_a_place_for_truth_says_so(self, center: Center) -> None:
        if Capability.KEEPS_TRUTH in center.capabilities:
            pytest.skip("this centre keeps truth")
        with pytest.raises(Unsupported):
            await center.keep_truth(NOTHING, [])

    async def _snapshot(self, center: Center, folder: Path) -> Snapshot:
        if Capability.KEEPS_TRUTH not in center.capabilities:
            pytest.skip("this centre keeps no truth")
        return await a_snapshot(center, folder)
