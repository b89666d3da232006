"""The contract of online requests that are kept."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlc.center import Capability, Center, NewDeployment, NewJob, Unsupported
from mlc.model.deployment import DeploymentRecord, Runtime
from mlc.model.failure import NotFound
from mlc.model.job import JobKind
from mlc.model.online_requests import OnlineBatch, OnlineRequest
from mlc.model.snapshot import Snapshot
from mlc.testing.center.models import a_snapshot

NOTHING = str(uuid.UUID(int=0))
NOW = datetime.now(UTC).replace(microsecond=0)


def asked(deployment: str, *records: dict[str, Any], **more: Any) -> OnlineBatch:
    """A batch of records a minute apart, the last of a minute ago."""
    moments = [NOW - timedelta(minutes=len(records) - number) for number in range(len(records))]
    requests = [
        OnlineRequest(record_id=record.get("id"), moment=moment, record=record)
        for record, moment in zip(records, moments, strict=True)
    ]
    return OnlineBatch(id=uuid.uuid4().hex, deployment_id=deployment, requests=requests, **more)


async def kept(center: Center, snapshot_id: str, most: int | None = None) -> list[Any]:
    async with center.open_online_requests(snapshot_id, since=NOW - timedelta(hours=1), most=most) as requests:
        if requests.file is None:
            return []
        read = await center.read(requests.file, limit=1_000_000)
        found = [json.loads(line) for line in read.splitlines()]
        assert requests.span.count == len(found)
        return found


class OnlineRequestContract:
    """What the port promises of online requests, kept by the adapter of the fixture ``center``."""

    async def test_requests_are_kept_once_and_read_the_oldest_first(self, center: Center, tmp_path: Path) -> None:
        made, deployment = await self._deployed(center, tmp_path)
        sent = asked(deployment.id, {"id": "1", "a": 1}, {"a": "ä"}, missed=3, since=NOW)
        for _ in range(2):
            await center.keep_online_requests(sent)
        assert await kept(center, made.id) == [{"id": "1", "a": 1}, {"a": "ä"}]
        assert await kept(center, made.id, most=1) == [{"a": "ä"}]
        async with center.open_online_requests(made.id, since=NOW - timedelta(hours=1), most=9) as requests:
            span = requests.span
            assert (span.first, span.last) == (sent.requests[0].moment, sent.requests[1].moment)
            assert (span.missed, span.missed_since) == (3, NOW)

    async def test_requests_are_a_jobs_input_until_one_of_them_is_forgotten(
        self, center: Center, tmp_path: Path
    ) -> None:
        made, deployment = await self._deployed(center, tmp_path)
        await center.keep_online_requests(asked(deployment.id, {"id": "ä/b"}, {"id": "other"}))
        async with (
            center.open_snapshot(made.id) as snapshot,
            center.open_online_requests(made.id, since=None, most=None) as requests,
        ):
            assert requests.file is not None
            job = await center.create_job(NewJob("k", JobKind.METRICS, "w", snapshot, [requests.file], []))
        async with center.open_job(job.id) as whole:
            assert len((await center.read(whole.inputs[0], limit=1000)).splitlines()) == 2
        forgotten = await center.forget_online_requests(made.model.id, "ä/b")
        assert (forgotten.requests, forgotten.files) == (1, 1)
        assert (await center.forget_online_requests(made.model.id, "ä/b")).requests == 0
        assert await kept(center, made.id) == [{"id": "other"}]

    async def test_of_nothing_there_are_no_requests(self, center: Center, tmp_path: Path) -> None:
        made, _ = await self._deployed(center, tmp_path)
        assert await kept(center, made.id) == []
        for ask in (
            center.keep_online_requests(asked(NOTHING, {"a": 1})),
            center.forget_online_requests(NOTHING, "x"),
            kept(center, NOTHING),
        ):
            with pytest.raises(NotFound):
                await ask

    async def test_a_centre_without_a_place_for_requests_says_so(self, center: Center) -> None:
        if Capability.KEEPS_REQUESTS in center.capabilities:
            pytest.skip("this centre keeps them")
        for ask in (
            center.keep_online_requests(asked("d", {"a": 1})),
            center.forget_online_requests("m", "x"),
            kept(center, "s"),
        ):
            with pytest.raises(Unsupported):
                await ask

    async def _deployed(self, center: Center, folder: Path) -> tuple[Snapshot, DeploymentRecord]:
        if Capability.KEEPS_REQUESTS not in center.capabilities:
            pytest.skip("this centre keeps no online requests")
        made = await a_snapshot(center, folder)
        runtime = await center.register_runtime(Runtime(name="online", stage="dev", endpoint="http://runtime:1/online"))
        async with center.open_snapshot(made.id) as snapshot:
            return made, await center.create_deployment(NewDeployment(str(uuid.uuid4()), snapshot, "dev", runtime))
