"""A runtime that is killed in the middle of scoring jobs: the next one goes on with their outputs."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jobs_in_centre import ended, job_on
from mortal import MortalRuntime
from s3_server import KEY, SECRET, S3Server
from servers import eventually
from small_models import python_model
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.job import run_job_id

RECORDS = 12_000
pytestmark = pytest.mark.timeout(500)


def counting(calls: Path) -> wire.DeployableModel:
    """A model that writes 2 KB a record, and down each record that it was given."""
    return python_model(f"""
        import time
        calls = open({str(calls)!r}, "a", buffering=1)
        # modelop.score
        def s(r):
            calls.write(str(r["a"]) + "\\n")
            time.sleep(0.004)
            yield {{"a": r["a"], "b": "x" * 2000}}
        """)


def external(name: str, url: str) -> wire.Asset:
    return wire.Asset(name=name, filename=name, asset_type="EXTERNAL_FILE", file_url=url)


async def test_killed_in_the_middle_each_output_is_whole_and_no_record_of_a_part_is_scored_again(
    center: ModelManage,
    dev_server: WorkflowEnvironment,
    s3_server: S3Server,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": connection}))
    monkeypatch.setenv("MLC_FILE_READ", json.dumps([tmp_path.as_uri()]))
    monkeypatch.setenv("MLC_FILE_WRITE", json.dumps([tmp_path.as_uri(), f"s3+lake://{bucket}/out"]))
    source, target = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text("a\n" + "".join(f"{n}\n" for n in range(RECORDS)))
    addresses = {"file": target.as_uri(), "s3": f"s3+lake://{bucket}/out/o.jsonl"}
    name = f"scoring-{os.getpid()}"

    async def saved(job_id: str) -> int:
        """How many records the parts hold, as Temporal knows."""
        try:
            description = await dev_server.client.get_workflow_handle(run_job_id(job_id)).describe()
        except RPCError:
            return 0
        for pending in description.raw_description.pending_activities:
            for payload in pending.heartbeat_details.payloads:
                found: dict[str, Any] = json.loads(payload.data)
                return int((found.get("resume") or {}).get("records", 0))
        return 0

    async with MortalRuntime(name, center, max_parallel_jobs=2, scoring_processes=2).kept() as runtime:
        jobs = {
            kind: await center.create_job(
                job_on(
                    name,
                    counting(tmp_path / f"calls.{kind}"),
                    external("in.csv", source.as_uri()),
                    job_type=CenterSettings().scoring_job_type,
                    output_data=[external("out.jsonl", url)],
                )
            )
            for kind, url in addresses.items()
        }

        async def both_saved() -> list[int] | None:
            found = [await saved(job.id) for job in jobs.values()]
            return found if all(found) else None

        told = await eventually(both_saved, seconds=200)
        runtime.process.kill()
        before = {kind: len((tmp_path / f"calls.{kind}").read_text().split()) for kind in jobs}
        ends = {kind: await ended(center, job.id, seconds=300) for kind, job in jobs.items()}
    written = {"file": target.read_bytes(), "s3": s3_server.store().files.cat_file(f"{bucket}/out/o.jsonl")}
    expected = b"".join(b'{"a": %d, "b": "%s"}\n' % (n, b"x" * 2000) for n in range(RECORDS))
    for kind, records in zip(jobs, told, strict=True):
        assert ends[kind].job_status == "COMPLETE", ends[kind].job_messages
        assert written[kind] == expected
        assert any("were scored by an earlier attempt" in message for message in ends[kind].job_messages)
        again = [int(line) for line in (tmp_path / f"calls.{kind}").read_text().split()][before[kind] :]
        assert min(again) >= records > 0
    assert not list(tmp_path.glob(".*.partial"))
    assert not s3_server.store().files.call_s3("list_multipart_uploads", Bucket=bucket).get("Uploads")
