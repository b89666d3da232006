"""RunJob on a runtime that is lost: killed by the model that it runs, or for other reasons."""

import asyncio
import dataclasses
import functools
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from jobs_in_centre import content, gone, job_on, sleeping
from jobs_in_centre import ended as ended_within
from listening_server import ListeningServer
from mortal import MortalRuntime, killer
from running import RestartableCenter
from servers import eventually
from small_models import embedded
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from mlc.center.configured import configured_center
from mlc.center.modelop.client import ModelManage
from mlc.model.job import JobEnd, RunJobInput, run_job_id
from mlc.runtime.activities import JobActivities
from mlc.runtime.attempts import MOST_STOPS
from mlc.runtime.isolation.levels import Process
from mlc.settings import RuntimeSettings

CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
pytestmark = pytest.mark.timeout(400)
ended = functools.partial(ended_within, seconds=240)
"""Each loss takes ten seconds to be noticed, and a runtime some to be started; on a busy machine more."""


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Of a runtime of this test alone."""
    return f"mortal-{os.getpid()}-{abs(hash(request.node.name)) % 10_000}"


class Temporal:
    """What Temporal knows of jobs' attempts."""

    def __init__(self, server: WorkflowEnvironment) -> None:
        self._client = server.client

    async def attempt(self, job_id: str) -> tuple[int, dict[str, Any]]:
        """The number of the attempt that is made or comes next, and what the last heartbeat said."""
        try:
            description = await self._client.get_workflow_handle(run_job_id(job_id)).describe()
        except RPCError:  # not handed over yet
            return 0, {}
        for pending in description.raw_description.pending_activities:
            beats = [json.loads(payload.data) for payload in pending.heartbeat_details.payloads]
            return pending.attempt, beats[0] if beats else {}
        return 0, {}


@pytest.fixture
def temporal(dev_server: WorkflowEnvironment) -> Temporal:
    return Temporal(dev_server)


async def test_models_that_kill_their_runtime_fail_and_other_jobs_go_on(
    center: ModelManage, name: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    # When the runtime is killed for the first time all three run, so that each of them may have done it.
    seen = f"open({str(log)!r}).read().split()"
    wait = f"while len(set({seen})) < 3: time.sleep(0.02)"
    killers = [killer(name, log, f"log({own!r})\n{wait}\nkill_runtime()") for own in ("first", "second")]
    sleep = f"if {seen}.count('harmless') == 1: time.sleep(600)"
    harmless = killer(name, log, f"log('harmless')\n{wait}\n{sleep}\nlog('done')")
    async with MortalRuntime(name, center, max_parallel_jobs=3, loss_limit=2).kept() as runtime:
        jobs = [await center.create_job(job_on(name, model, CSV)) for model in (*killers, harmless)]
        ends = [await ended(center, job.id) for job in jobs]
        deaths = runtime.deaths
        after = await ended(center, (await center.create_job(job_on(name, sleeping(tmp_path / "x", log), CSV))).id)
    assert [job.job_status for job in ends] == ["ERROR", "ERROR", "COMPLETE"]
    for job in ends[:2]:
        assert job.job_result == "FAILURE"
        assert job.job_messages[-1].startswith("The runtime was lost 2 times while the model was running")
        assert "MLC_RUNTIME_LOSS_LIMIT" in job.job_messages[-1]
        assert job.runtime_info["losses"] == 2
    assert ends[2].runtime_info["losses"] == 1
    assert deaths == 3
    assert sorted(log.read_text().split()) == ["done", "first", "first", "harmless", "harmless", "second", "second"]
    # Whoever ran after the loss ran alone: the harmless job ended before another one was started.
    assert "harmless done" in " ".join(log.read_text().split())
    assert after.job_status == "COMPLETE"
    assert "losses" not in after.runtime_info


async def test_a_model_that_kills_its_runtime_at_its_first_line_is_counted_each_time(
    center: ModelManage, name: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with MortalRuntime(name, center).kept() as runtime:
        job = await center.create_job(job_on(name, killer(name, log, "log('x'); kill_runtime()"), CSV))
        failed = await ended(center, job.id)
        assert (failed.job_status, runtime.deaths) == ("ERROR", 3)
    assert log.read_text().split() == ["x", "x", "x"]
    assert failed.job_messages[0].startswith("The runtime was lost 3 times")


async def test_a_runtime_that_an_operator_restarts_rejects_nobody(
    center: ModelManage, temporal: Temporal, name: str, tmp_path: Path
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    async with MortalRuntime(name, center, loss_limit=2).kept() as runtime:
        job = await center.create_job(job_on(name, sleeping(started, go), CSV))
        for restarts in range(1, 4):
            await eventually(lambda: content(started), seconds=60)
            assert (await temporal.attempt(job.id))[1]["running"] is True
            started.unlink()
            runtime.process.terminate()
            await runtime.restarted(restarts)
            assert "running" not in (await temporal.attempt(job.id))[1]
        go.touch()
        done = await ended(center, job.id)
    assert done.job_status == "COMPLETE"
    assert "losses" not in done.runtime_info


async def test_a_runtime_that_was_cut_off_from_temporal_for_a_while_is_not_lost(
    center: ModelManage, temporal: Temporal, name: str, tmp_path: Path
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    async with MortalRuntime(name, center, loss_limit=2).kept() as runtime:
        job = await center.create_job(job_on(name, sleeping(started, go), CSV))
        pid = int(await eventually(lambda: content(started)))
        runtime.process.send_signal(signal.SIGSTOP)
        try:
            await eventually(lambda: _given_up(temporal, job.id), seconds=60)
        finally:
            runtime.process.send_signal(signal.SIGCONT)
        await eventually(lambda: gone(pid))
        go.touch()
        done = await ended(center, job.id)
        assert runtime.deaths == 0
    assert done.job_status == "COMPLETE"
    assert "losses" not in done.runtime_info


async def _given_up(temporal: Temporal, job_id: str) -> bool:
    return (await temporal.attempt(job_id))[0] > 1


async def test_a_runtime_that_is_lost_after_the_model_has_ended_counts_for_nothing(
    center_that_can_stop: RestartableCenter, temporal: Temporal, name: str, tmp_path: Path
) -> None:
    center = center_that_can_stop.client
    started, go = tmp_path / "started", tmp_path / "go"
    async with MortalRuntime(name, center, loss_limit=2).kept() as runtime:
        job = await center.create_job(job_on(name, sleeping(started, go), CSV))
        pid = int(await eventually(lambda: content(started)))
        await center_that_can_stop.stop()  # so that the outcome can't be told
        go.touch()
        await eventually(lambda: gone(pid))

        async def withdrawn() -> bool:
            return "running" not in (await temporal.attempt(job.id))[1]

        await eventually(withdrawn)
        runtime.process.kill()
        await runtime.restarted(1)
        await center_that_can_stop.start()
        done = await ended(center, job.id)
    assert done.job_status == "COMPLETE"
    assert "losses" not in done.runtime_info


async def test_a_model_that_stops_its_runtime_like_an_operator_takes_no_other_job_with_it(
    center: ModelManage, dev_server: WorkflowEnvironment, name: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    # As long as it runs beside the other one it has to begin again.
    long = killer(name, log, "log('begun')\ntime.sleep(6)\nlog('done')")
    stopping = "kill_runtime(signal.SIGTERM)"
    wait = f"while 'begun' not in open({str(log)!r}).read(): time.sleep(0.02)"
    async with MortalRuntime(name, center).kept() as runtime:
        harmless = await center.create_job(job_on(name, long, CSV))
        await eventually(lambda: content(log))
        job = await center.create_job(job_on(name, killer(name, log, f"{wait}\n{stopping}"), CSV))
        done = await ended(center, harmless.id)
        assert (done.job_status, (await center.get_job(job.id)).job_status) == ("COMPLETE", "RUNNING")
        assert "losses" not in done.runtime_info
        assert runtime.deaths >= MOST_STOPS
        await dev_server.client.get_workflow_handle(run_job_id(job.id)).cancel()
        await ended(center, job.id)


class Slot:
    """An attempt at a job in one of a runtime's slots, after attempts that left some heartbeat."""

    def __init__(self, jobs: JobActivities, job_id: str, *left: Any) -> None:
        self.environment = ActivityEnvironment(client=ListeningServer())  # type: ignore[arg-type]
        self.environment.info = dataclasses.replace(self.environment.info, heartbeat_details=list(left))
        self.beats: list[Any] = []
        self.environment.on_heartbeat = lambda *details: self.beats.append(details)
        self.end: asyncio.Task[JobEnd] = asyncio.create_task(
            self.environment.run(jobs.execute_job, RunJobInput(job_id=job_id))
        )


async def test_a_job_that_is_to_run_alone_says_what_it_waits_for_and_can_be_cancelled_meanwhile(
    center: ModelManage, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    runs = [tmp_path / str(number) for number in range(4)]
    made = [await center.create_job(job_on("nobody", sleeping(run, go), CSV)) for run in runs]
    ids = [job.id for job in made]
    lost = {"losses": 1, "running": True, "process": "another"}

    async with configured_center() as ledger:
        jobs = JobActivities(ledger, RuntimeSettings(name="r", work_dir=tmp_path), Process(), tmp_path, text_limit=1024)
        running = Slot(jobs, ids[0])
        await eventually(lambda: content(runs[0]))
        given_up = Slot(jobs, ids[1], lost)
        alone = Slot(jobs, ids[2], lost)
        late = Slot(jobs, ids[3])

        waiting = f"waiting to run alone, since its runtime was lost or stopped: first {ids[0]}, {ids[1]}"

        async def said() -> bool:
            doing = [((await center.get_job(i)).runtime_info or {}).get("doing") for i in ids[2:]]
            return doing == [waiting, f"waiting for its turn: first {', '.join(ids[:3])}"]

        await eventually(said)
        assert alone.beats[-1] == ({"doing": waiting, "losses": 2},)
        given_up.environment.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up.end
        assert not any(run.exists() for run in runs[1:])
        go.touch()
        ends = [await slot.end for slot in (running, alone, late)]
    assert [end.status for end in ends] == ["COMPLETE"] * 3
    assert not runs[1].exists()
    assert [(await center.get_job(i)).runtime_info.get("losses") for i in ids] == [None, None, 2, None]
